//! `stoa import`: loads history through the command API, like any client. Each source becomes a stream of bulk lines, in
//! an order in which every line's premises come before it; ids and keys are derived from the source's own, so that a run
//! that was cut off is simply started again, and what is there already answers as replayed.
//!
//! To add a source: one file that yields [`line::Line`]s, and a variant of [`Source`].

mod client;
mod irc;
mod line;
mod ndjson;
mod olist;
mod summary;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use self::{client::Client, line::Line, summary::Summary};
use crate::token;

/// What is imported, and where to.
#[derive(Debug, Args)]
pub struct Import {
    #[command(subcommand)]
    source: Source,

    /// The command API.
    #[arg(
        long,
        env = "STOA_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        global = true
    )]
    url: String,

    /// A token with the role importer. Without it, one is minted with the keys in --data.
    #[arg(
        long,
        env = "STOA_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true,
        global = true
    )]
    token: Option<String>,

    /// Where the installation's keys are, when no token is given.
    #[arg(long, env = "STOA_DATA", default_value_os_t = servers::places::data(), value_name = "DIR", global = true)]
    data: PathBuf,
}

/// Where history comes from.
#[derive(Debug, Subcommand)]
enum Source {
    /// The Brazilian marketplace of Olist, 2016-2018: sellers, products, orders, payments.
    Olist {
        /// The folder with the CSV files, gzipped or not.
        directory: PathBuf,
    },
    /// Multi-person chat with reply links (the IRC disentanglement corpus).
    Irc {
        /// The folder with `messages.jsonl.gz`.
        directory: PathBuf,
        /// Import only the first so many lines of the source.
        #[arg(long, value_name = "LINES")]
        limit: Option<usize>,
    },
    /// Bulk lines as `POST /v1/commands` takes them.
    Ndjson {
        /// The file, gzipped or not.
        file: PathBuf,
    },
}

/// A stage of an import: what is sent in order, story by story.
pub struct Stage {
    name: &'static str,
    /// The lines of each thing that is imported: of an order, a store, a message.
    stories: Box<dyn Iterator<Item = anyhow::Result<Vec<Line>>> + Send>,
    /// How many things there will be, where that is known.
    expected: Option<u64>,
}

impl Stage {
    /// A stage of lines that are known, each counted for itself.
    fn of_lines(name: &'static str, lines: Vec<Line>) -> Self {
        Self {
            name,
            expected: Some(lines.len() as u64),
            stories: Box::new(lines.into_iter().map(|line| Ok(vec![line]))),
        }
    }
}

/// What a source gives: stages in order, and what it left out, with the reason and the count.
pub struct Plan {
    stages: Vec<Stage>,
    left_out: Vec<(String, u64)>,
}

impl Import {
    /// Reads the source, sends it, prints what came of it.
    pub async fn run(self) -> anyhow::Result<()> {
        let token = match self.token {
            Some(token) => token,
            None => token::importer(&self.data)?,
        };
        let client = Client::new(&self.url, &token)?;
        let plan = tokio::task::spawn_blocking(move || match self.source {
            Source::Olist { directory } => olist::plan(&directory),
            Source::Irc { directory, limit } => irc::plan(&directory, limit),
            Source::Ndjson { file } => ndjson::plan(&file),
        })
        .await
        .context("reading the source failed")??;
        let bars = MultiProgress::new();
        let mut summary = Summary::start();
        for stage in plan.stages {
            let bar = bars.add(bar(stage.name, stage.expected)?);
            client.send(stage.stories, &mut summary, &bar).await?;
            bar.finish();
        }
        summary.left_out(plan.left_out);
        print!("{summary}");
        Ok(())
    }
}

fn bar(name: &'static str, expected: Option<u64>) -> anyhow::Result<ProgressBar> {
    let (bar, template) = match expected {
        Some(expected) => (
            ProgressBar::new(expected),
            "{prefix:12} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
        ),
        None => (ProgressBar::no_length(), "{prefix:12} {human_pos} {per_sec} {elapsed}"),
    };
    Ok(bar
        .with_style(ProgressStyle::with_template(template)?)
        .with_prefix(name))
}
