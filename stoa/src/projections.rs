//! `stoa projections`: events that projections could not apply, and applying them after all.

use std::{process::ExitCode, sync::Arc};

use anyhow::bail;
use clap::{Args, Subcommand};
use projectors::{parked, projection::Projection, registry, retry};

use crate::{settings::Storage, storage::Opened};

/// Parked events that are printed, at the most.
const MOST_SHOWN: i64 = 1_000;

/// What is done with the projections.
#[derive(Debug, Subcommand)]
pub enum Projections {
    /// Show the events that could not be applied, with the reasons, and those that wait behind them.
    Parked(Chosen),
    /// Apply parked events after all: each stream's in order, up to the first that still can not be.
    Retry {
        #[command(flatten)]
        chosen: Chosen,
        /// Only what this stream waits in.
        #[arg(long, value_name = "STREAM")]
        stream: Option<String>,
    },
}

/// Which projections.
#[derive(Debug, Args)]
pub struct Chosen {
    /// Only this projection's.
    #[arg(long, value_name = "NAME")]
    projection: Option<String>,
    #[command(flatten)]
    storage: Storage,
}

impl Projections {
    /// Does it; fails when something waits, and when after a retry something still does.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Parked(chosen) => {
                let projections = chosen.projections()?;
                let opened = Opened::open(&chosen.storage, false).await?;
                let shown = show(&opened, &projections).await;
                opened.close().await;
                shown
            }
            Self::Retry { chosen, stream } => {
                let projections = chosen.projections()?;
                let opened = Opened::open(&chosen.storage, false).await?;
                let retried = retry_all(&opened, &projections, stream.as_deref()).await;
                opened.close().await;
                retried
            }
        }
    }
}

impl Chosen {
    fn projections(&self) -> anyhow::Result<Vec<Arc<dyn Projection>>> {
        let all = registry::projections();
        let Some(name) = &self.projection else { return Ok(all) };
        let names: Vec<_> = all.iter().map(|projection| projection.name()).collect();
        if !names.contains(&name.as_str()) {
            bail!("there is no projection {name:?}, but {}", names.join(", "));
        }
        Ok(all.into_iter().filter(|projection| projection.name() == name).collect())
    }
}

async fn show(opened: &Opened, projections: &[Arc<dyn Projection>]) -> anyhow::Result<ExitCode> {
    let mut shown = 0;
    for projection in projections {
        for event in parked::list(&opened.pool, Some(projection.name()), MOST_SHOWN).await? {
            println!(
                "{} v{}  {}/{} at {} part {}  {}  {}  since {}\n    {}",
                event.projection,
                event.version,
                event.family,
                event.partition,
                event.offset,
                event.part,
                event.stream,
                event.event_type,
                event.since.format("%Y-%m-%d %H:%M:%S UTC"),
                event.reason,
            );
            shown += 1;
        }
    }
    println!("{shown} parked (at most {MOST_SHOWN} of a projection are shown)");
    Ok(if shown == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn retry_all(
    opened: &Opened,
    projections: &[Arc<dyn Projection>],
    stream: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let (mut applied, mut units, mut still) = (0, 0, 0);
    for projection in projections {
        for unit in retry::waiting(&opened.pool, &**projection, stream).await? {
            let retried = retry::retry(&opened.pool, opened.log.archive(), &**projection, &unit).await?;
            applied += retried.applied;
            units += 1;
            if let Some(reason) = retried.still {
                still += 1;
                println!("{} {}: {reason}", projection.name(), unit.name);
            }
        }
    }
    println!("{applied} events applied; of {units} streams and scopes {still} still wait");
    Ok(if still == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
