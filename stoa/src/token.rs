//! `stoa token`: mints bearer tokens with the installation's keys.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use auth::Keys;
use chrono::TimeDelta;
use clap::Args;
use domain::{clock::SystemClock, id::UserId, viewer::Role};

/// Whom the token is for.
#[derive(Debug, Args)]
pub struct Token {
    /// The user: `usr_` and a UUIDv7. Without it, a new user.
    #[arg(long, value_name = "USER")]
    user: Option<UserId>,

    /// A role; may be given several times: moderator, auditor, analyst, importer, system, administrator.
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Role>,

    /// How long it is good for, in hours.
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=87_600))]
    hours: i64,

    /// Where the installation's keys are.
    #[arg(long, env = "STOA_DATA", default_value_os_t = servers::places::data(), value_name = "DIR")]
    data: PathBuf,
}

impl Token {
    /// Prints the token.
    pub fn run(&self) -> anyhow::Result<()> {
        let user = self.user.unwrap_or_else(UserId::generate);
        if self.user.is_none() {
            eprintln!("user: {user}");
        }
        let roles = self.roles.iter().copied().collect();
        println!("{}", keys(&self.data)?.mint(user, &roles, TimeDelta::hours(self.hours)));
        Ok(())
    }
}

/// Where the keys of an installation are.
pub fn keys_directory(data: &Path) -> PathBuf {
    data.join("keys")
}

/// The installation's keys; made when they are not there yet.
pub fn keys(data: &Path) -> anyhow::Result<Keys> {
    let directory = keys_directory(data);
    Keys::load_or_create(&directory, Arc::new(SystemClock))
        .with_context(|| format!("can not use the keys in {}", directory.display()))
}

/// A token for an import.
pub fn importer(data: &Path) -> anyhow::Result<String> {
    let roles = BTreeSet::from([Role::Importer]);
    Ok(keys(data)?.mint(UserId::generate(), &roles, TimeDelta::hours(24)))
}

fn role(name: &str) -> Result<Role, String> {
    let names = || Role::ALL.map(auth::token::role_name).join(", ");
    auth::token::role(name).ok_or_else(|| format!("the roles are {}", names()))
}
