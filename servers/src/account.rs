//! The unprivileged user that Postgres runs as: initdb and the server refuse root.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::User;

use crate::error::{Error, file};

/// The users tried, in order: `make setup` creates the first, a machine with Postgres has the second, all have the last.
const CANDIDATES: [&str; 3] = ["stoa", "postgres", "nobody"];

/// Who a server runs as. `None` inside: as whoever runs this process.
#[derive(Debug, Clone)]
pub struct Account(Option<User>);

impl Account {
    /// An unprivileged user when this process is root, else this process's own.
    ///
    /// Data that is there already decides whose it is: a better candidate may have been created since.
    pub fn unprivileged(data: &Path) -> Result<Self, Error> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(Self(None));
        }
        let owner = data
            .metadata()
            .ok()
            .and_then(|data| User::from_uid(data.uid().into()).ok().flatten());
        let candidate = || CANDIDATES.iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = owner.filter(|user| !user.uid.is_root()).or_else(candidate);
        user.map(|user| Self(Some(user))).ok_or(Error::NoAccount)
    }

    /// Whoever runs this process, root included.
    pub fn own_self() -> Self {
        Self(None)
    }

    /// Makes `command` run as this account.
    pub fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.0 {
            // std clears the supplementary groups too when it changes the user as root.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Makes `path` this account's own.
    pub fn own(&self, path: &Path) -> Result<(), Error> {
        let Some(user) = &self.0 else { return Ok(()) };
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(file("chown", path))
    }

    /// Checks that this account may enter every directory on the way to `dir` (absolute), so that the failure names the
    /// directory at fault instead of surfacing as initdb's.
    pub fn can_reach(&self, dir: &Path) -> Result<(), Error> {
        let Some(user) = &self.0 else { return Ok(()) };
        for ancestor in dir.ancestors().skip(1) {
            let metadata = ancestor.metadata().map_err(file("look at", ancestor))?;
            let own = metadata.uid() == user.uid.as_raw() && metadata.mode() & 0o100 != 0;
            if !own && metadata.mode() & 0o001 == 0 {
                return Err(Error::Unreachable {
                    dir: dir.into(),
                    closed: ancestor.into(),
                    user: user.name.clone(),
                });
            }
        }
        Ok(())
    }
}
