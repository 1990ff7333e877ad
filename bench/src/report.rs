//! The tables: `bench.md` for people, `bench.json` for machines.

use std::{fmt, fmt::Write as _, fs, path::Path, time::Duration};

use anyhow::Context as _;
use serde::Serialize;

use crate::{load::Answered, processor_time::ProcessorTime, stoa::Mode, workload::Workload};

/// What Stoa is to reach of the bare handler's rate, and at how many connections.
const AIM: (f64, usize) = (0.7, 64);

/// What one server did in one round.
#[derive(Debug)]
pub struct Sample {
    per_second: f64,
    p50: f64,
    p99: f64,
    /// Answered with another status than 2xx, of a hundred.
    turned_away: f64,
    /// Processor time of a command, in microseconds: of the server, of what it started, of the broker.
    cost: [f64; 3],
    /// How long the server went on working when no more commands came.
    pub behind: Duration,
}

impl Sample {
    /// What came of a span of load.
    pub fn new(answered: &Answered, span: Duration, server: ProcessorTime, broker: ProcessorTime) -> Self {
        let latencies = &answered.latencies;
        let carried_out = whole(latencies.len());
        let others = whole(answered.others.values().sum());
        let each = |time: Duration| time.as_secs_f64() * 1e6 / carried_out.max(1.0);
        let millis = |quantile| whole(latencies.value_at_quantile(quantile)) / 1000.0;
        Self {
            per_second: carried_out / span.as_secs_f64(),
            p50: millis(0.5),
            p99: millis(0.99),
            turned_away: 100.0 * others / (carried_out + others).max(1.0),
            cost: [each(server.own), each(server.descendants), each(broker.own)],
            behind: Duration::ZERO,
        }
    }
}

/// A mode, a command and a number of connections: what Stoa did, and the bare handler.
#[derive(Debug)]
pub struct Cell {
    mode: Mode,
    workload: Workload,
    connections: usize,
    /// Stoa's rounds.
    pub ours: Vec<Sample>,
    /// The bare handler's.
    pub theirs: Vec<Sample>,
}

impl Cell {
    /// A cell before it is measured.
    pub const fn new(mode: Mode, workload: Workload, connections: usize) -> Self {
        Self {
            mode,
            workload,
            connections,
            ours: Vec::new(),
            theirs: Vec::new(),
        }
    }

    fn rates(&self) -> (f64, f64) {
        let rate = |sample: &Sample| sample.per_second;
        (median(&self.ours, rate), median(&self.theirs, rate))
    }
}

impl fmt::Display for Cell {
    /// A row of the Markdown table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ours, theirs) = self.rates();
        let latency = |samples: &[Sample]| {
            let (p50, p99) = (median(samples, |s| s.p50), median(samples, |s| s.p99));
            format!("{p50:.2} / {p99:.2}")
        };
        let cost = |samples: &[Sample], part: usize| median(samples, |sample| sample.cost[part]);
        write!(
            f,
            "| {} | {} | {} | {ours:.0} | {theirs:.0} | {:.2} | {} | {} | {:.0} + {:.0} + {:.0} | {:.0} + {:.0} | {:.1} | {:.1} |",
            self.mode,
            self.workload,
            self.connections,
            ours / theirs,
            latency(&self.ours),
            latency(&self.theirs),
            cost(&self.ours, 0),
            cost(&self.ours, 1),
            cost(&self.ours, 2),
            cost(&self.theirs, 0),
            cost(&self.theirs, 2),
            median(&self.ours, |sample| sample.behind.as_secs_f64()),
            median(&self.ours, |sample| sample.turned_away),
        )
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub struct Report {
    /// One command a request.
    pub cells: Vec<Cell>,
    /// Many in one: commands per second, round by round.
    pub bulk: Vec<(Mode, f64)>,
}

/// A row of `bench.json`.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    ours: f64,
    theirs: Option<f64>,
    ratio: Option<f64>,
    aim: Option<f64>,
    unit: &'static str,
}

impl Report {
    /// Writes `bench.md` and `bench.json`.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        fs::write(dir.join("bench.md"), self.markdown())?;
        fs::write(
            dir.join("bench.json"),
            serde_json::to_string_pretty(&self.rows())? + "\n",
        )?;
        println!("written to {}", dir.display());
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# Commands per second\n\nMade by `make bench`; what the columns mean and what explains them is in \
             [performance.md](../performance.md).\n\n\
             | log | command | connections | Stoa /s | bare /s | ratio | Stoa p50 / p99 ms | bare p50 / p99 ms | \
             µs of processor a command: Stoa + its Postgres + broker | bare + broker | behind s | turned away % |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for cell in &self.cells {
            // Writing to a string can't fail, here and below.
            let _ = writeln!(text, "{cell}");
        }
        text.push_str("\nMany commands in one request (`POST /v1/commands`, each places an order):\n\n");
        text.push_str("| log | commands /s |\n|---|--:|\n");
        for (mode, rate) in self.bulk() {
            let _ = writeln!(text, "| {mode} | {rate:.0} |");
        }
        text
    }

    fn bulk(&self) -> Vec<(Mode, f64)> {
        let mut modes: Vec<Mode> = self.bulk.iter().map(|(mode, _)| *mode).collect();
        modes.dedup();
        let of = |mode: Mode| {
            let rates: Vec<f64> = self
                .bulk
                .iter()
                .filter(|(of, _)| *of == mode)
                .map(|(_, rate)| *rate)
                .collect();
            (mode, median(&rates, |rate| *rate))
        };
        modes.into_iter().map(of).collect()
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for cell in &self.cells {
            let (rate, p50, p99) = (|s: &Sample| s.per_second, |s: &Sample| s.p50, |s: &Sample| s.p99);
            let mut row = |what: &str, value: &dyn Fn(&Sample) -> f64, aim, unit| {
                let (ours, theirs) = (median(&cell.ours, value), median(&cell.theirs, value));
                rows.push(Row {
                    name: format!(
                        "{}, {}, {} connections, {what}",
                        cell.mode, cell.workload, cell.connections
                    ),
                    ours,
                    theirs: Some(theirs),
                    ratio: Some(ours / theirs),
                    aim,
                    unit,
                });
            };
            let aim = (cell.connections == AIM.1).then_some(AIM.0);
            row("rate", &rate, aim, "commands/s");
            row("p50", &p50, None, "ms");
            row("p99", &p99, None, "ms");
        }
        rows.extend(self.bulk().into_iter().map(|(mode, rate)| Row {
            name: format!("{mode}, place an order, bulk, rate"),
            ours: rate,
            theirs: None,
            ratio: None,
            aim: None,
            unit: "commands/s",
        }));
        rows
    }
}

/// Counts of a run are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss, reason = "see above")]
const fn whole(count: u64) -> f64 {
    count as f64
}

/// The median of what the samples say: of an even number, the mean of the two in the middle.
fn median<T>(samples: &[T], value: impl Fn(&T) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => f64::midpoint(values[count / 2 - 1], values[count / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_in_whatever_order_the_rounds_came() {
        assert!((median(&[9.0, 1.0, 4.0], |value| *value) - 4.0).abs() < f64::EPSILON);
        assert!((median(&[9.0, 1.0, 4.0, 2.0], |value| *value) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[], |value: &f64| *value).is_nan());
    }
}
