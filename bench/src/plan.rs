//! Which cells are measured, and in which order. A round is the bare handler and then Stoa, so that what the machine does
//! meanwhile meets both; between a cell and the next Stoa finishes what its commands left to be done.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::{Args, builder::RangedU64ValueParser};
use servers::{Kafka, kafka, unique};

use crate::{
    baseline, bulk,
    child::Child,
    load::{self, Span},
    processor_time::{self, until_idle},
    report::{Cell, Report, Sample},
    stoa::{self, Mode, Stoa},
    workload::{self, People, Workload},
};

/// Before anything is measured each server has this many connections' commands, for so long.
const WARM_CONNECTIONS: usize = 64;
const WARM_UP: Span = Span {
    warm_up: Duration::from_secs(12),
    measured: Duration::ZERO,
};
/// Commands of one bulk request.
const BULK: usize = 20_000;

/// What is measured.
#[derive(Debug, Args)]
pub struct Plan {
    /// Where the log is kept.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "kafka,postgres")]
    mode: Vec<Mode>,
    /// Connections, each with one command at a time and people of its own.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256", value_parser = connections())]
    connections: Vec<usize>,
    /// How often each cell is measured; the median counts.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// How long each is measured, after a second's warm-up.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// The role of Stoa: with `command-api` nothing is projected beside the commands.
    #[arg(long, default_value = "up", value_parser = ["up", "command-api"])]
    role: String,
    /// Where the tables go.
    #[arg(long, default_value = "docs/figures")]
    output: PathBuf,
}

fn connections() -> impl clap::builder::TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=workload::PEOPLE as u64)
}

impl Plan {
    /// Measures everything and writes the tables.
    pub async fn run(self) -> anyhow::Result<()> {
        stoa::program()?;
        let scratch = Scratch::new()?;
        let settings = kafka::Settings::default();
        let kafka = Kafka::start(&scratch.0.join("kafka"), settings).await?;
        let mut report = Report::default();
        for mode in &self.mode {
            self.measure(*mode, &kafka, &scratch, &mut report)
                .await
                .with_context(|| format!("in {mode} mode"))?;
        }
        kafka.stop().await;
        report.write(&self.output)
    }

    async fn measure(&self, mode: Mode, kafka: &Kafka, scratch: &Scratch, report: &mut Report) -> anyhow::Result<()> {
        let brokers = kafka.brokers();
        let bare_dir = scratch.0.join(format!("bare-{mode}"));
        let bare = baseline::start(&brokers, &format!("bare-{mode}"), &bare_dir).await?;
        let stoa = Stoa::start(mode, &self.role, &brokers, &scratch.0).await?;
        let people = People::new(&stoa.keys);
        bulk::send(&stoa, &people.premises()?).await?;
        until_idle(stoa.child.process()).await;
        // A broker that has just been started compiles itself while it works, for half a minute.
        for server in [&bare, &stoa.child] {
            let lanes = people.lanes(Workload::PlaceOrder, WARM_CONNECTIONS)?;
            load::run(server.address, lanes, WARM_UP).await?;
        }
        until_idle(stoa.child.process()).await;
        for workload in [Workload::PlaceOrder, Workload::AdjustStock] {
            for &connections in &self.connections {
                let mut cell = Cell::new(mode, workload, connections);
                for _ in 0..self.rounds {
                    let lanes = || people.lanes(workload, connections);
                    let theirs = self.sample(&bare, kafka, lanes()?).await?;
                    let mut ours = self.sample(&stoa.child, kafka, lanes()?).await?;
                    ours.behind = until_idle(stoa.child.process()).await;
                    cell.theirs.push(theirs);
                    cell.ours.push(ours);
                }
                println!("{cell}");
                report.cells.push(cell);
            }
        }
        for _ in 0..self.rounds {
            let took = bulk::send(&stoa, &workload::orders_in_bulk(BULK)?).await?;
            let per_second = f64::from(u32::try_from(BULK)?) / took.as_secs_f64();
            println!("{mode}, bulk: {per_second:.0} commands/s");
            report.bulk.push((mode, per_second));
            until_idle(stoa.child.process()).await;
        }
        stoa.child.stop();
        bare.stop();
        Ok(())
    }

    async fn sample(&self, server: &Child, kafka: &Kafka, lanes: Vec<workload::Lane>) -> anyhow::Result<Sample> {
        let span = Span {
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs_f64(self.seconds),
        };
        let measured = async {
            tokio::time::sleep(span.warm_up).await;
            let taken = || {
                (
                    processor_time::of(server.process()),
                    processor_time::of(kafka.pid().as_raw()),
                )
            };
            let before = taken();
            tokio::time::sleep(span.measured).await;
            let after = taken();
            (after.0 - before.0, after.1 - before.1)
        };
        let (answered, (server, broker)) = tokio::join!(load::run(server.address, lanes, span), measured);
        Ok(Sample::new(&answered?, span.measured, server, broker))
    }
}

/// A directory that goes away at the end. Postgres runs as another user, who has to be able to enter it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("stoa-bench-{}", unique::hex(4)?));
        fs::create_dir_all(&dir)?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It lies among temporary files; what can't be removed is removed with those.
        let _ = fs::remove_dir_all(&self.0);
    }
}
