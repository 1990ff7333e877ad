//! What came of an import: read, accepted, refused by reason.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// What came of the lines sent, by command.
#[derive(Debug)]
pub struct Summary {
    started: Instant,
    commands: BTreeMap<String, Counts>,
    refused: BTreeMap<(String, String), (u64, String)>,
    left_out: Vec<(String, u64)>,
    resent: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    read: u64,
    accepted: u64,
    replayed: u64,
    refused: u64,
}

/// What came of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Accepted,
    /// It was in the log before.
    Replayed,
    /// It was refused: the problem's type, and its detail.
    Refused(String, String),
}

impl Summary {
    /// Nothing yet.
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            commands: BTreeMap::new(),
            refused: BTreeMap::new(),
            left_out: Vec::new(),
            resent: 0,
        }
    }

    /// Counts one line, by the pattern of its path: `orders/place`.
    pub fn count(&mut self, path: &str, outcome: Outcome) {
        let command = pattern(path);
        let counts = self.commands.entry(command.clone()).or_default();
        counts.read += 1;
        match outcome {
            Outcome::Accepted => counts.accepted += 1,
            Outcome::Replayed => counts.replayed += 1,
            Outcome::Refused(kind, detail) => {
                counts.refused += 1;
                self.refused.entry((command, kind)).or_insert((0, detail)).0 += 1;
            }
        }
    }

    /// Counts a chunk that had to be sent again.
    pub fn resent(&mut self) {
        self.resent += 1;
    }

    /// What the source holds and the import does not send.
    pub fn left_out(&mut self, left_out: Vec<(String, u64)>) {
        self.left_out = left_out;
    }
}

/// The words of a path without its ids: `/v1/orders/ord_…/payments/pay_…/capture` is `orders/payments/capture`.
fn pattern(path: &str) -> String {
    let words = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != "v1" && !part.contains('_'));
    words.collect::<Vec<_>>().join("/")
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            commands,
            refused,
            left_out,
            resent,
            ..
        } = self;
        writeln!(
            f,
            "{:<32} {:>9} {:>9} {:>9} {:>9}",
            "command", "read", "accepted", "replayed", "refused"
        )?;
        let mut total = Counts::default();
        for (command, counts) in commands {
            row(f, command, *counts)?;
            total.read += counts.read;
            total.accepted += counts.accepted;
            total.replayed += counts.replayed;
            total.refused += counts.refused;
        }
        row(f, "total", total)?;
        for ((command, kind), (count, example)) in refused {
            writeln!(f, "refused: {count} {command}: {kind} (for example: {example})")?;
        }
        for (reason, count) in left_out.iter().filter(|(_, count)| *count > 0) {
            writeln!(f, "left out: {count} {reason}")?;
        }
        let took = self.started.elapsed().max(Duration::from_millis(1));
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = total.read as f64 / took.as_secs_f64();
        write!(
            f,
            "{} commands in {:.1} s, {rate:.0} a second",
            total.read,
            took.as_secs_f64()
        )?;
        if *resent > 0 {
            write!(f, ", {resent} chunks sent again")?;
        }
        writeln!(f)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, counts: Counts) -> fmt::Result {
    let Counts {
        read,
        accepted,
        replayed,
        refused,
    } = counts;
    writeln!(f, "{name:<32} {read:>9} {accepted:>9} {replayed:>9} {refused:>9}")
}
