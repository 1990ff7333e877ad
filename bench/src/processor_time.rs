//! What a process and those it started took of the processors, from `/proc`. Beside rates, which fall with whatever else
//! the machine does, it tells what a command costs.

use std::{collections::HashMap, fs, ops::Sub, time::Duration};

use tokio::time::{Instant, sleep};

/// The kernel counts in hundredths of a second on every common platform (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// How often [`until_idle`] looks.
const LOOK: Duration = Duration::from_millis(250);
/// Below this share of a look's time a process is idle: its threads wake and find nothing.
const IDLE: f64 = 0.12;
/// The longest wait.
const PATIENCE: Duration = Duration::from_secs(90);

/// Processor time, of a process and of its descendants.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessorTime {
    /// The process itself.
    pub own: Duration,
    /// Those that it started, and so on.
    pub descendants: Duration,
}

impl Sub for ProcessorTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            own: self.own.saturating_sub(earlier.own),
            // Of a descendant that has ended nothing is known any more.
            descendants: self.descendants.saturating_sub(earlier.descendants),
        }
    }
}

/// What the process took so far.
pub fn of(process: i32) -> ProcessorTime {
    let mut times: HashMap<i32, (i32, Duration)> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(found) = stat(id) {
            times.insert(id, found);
        }
    }
    let mut total = ProcessorTime::default();
    for (id, (_, time)) in &times {
        if *id == process {
            total.own = *time;
        } else if descends(&times, *id, process) {
            total.descendants += *time;
        }
    }
    total
}

/// Waits until a process and those it started have nothing to do, and tells how long that took: what a command leaves
/// to be done after its answer would else be charged to whatever is measured next.
pub async fn until_idle(process: i32) -> Duration {
    let started = Instant::now();
    let mut before = of(process);
    while started.elapsed() < PATIENCE {
        sleep(LOOK).await;
        let now = of(process);
        let busy = now - before;
        if (busy.own + busy.descendants).as_secs_f64() < LOOK.as_secs_f64() * IDLE {
            break;
        }
        before = now;
    }
    started.elapsed()
}

/// The parent, and the time taken.
fn stat(process: i32) -> Option<(i32, Duration)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces and brackets; what follows its last bracket does not.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some((fields.get(1)?.parse().ok()?, TICK * ticks))
}

fn descends(times: &HashMap<i32, (i32, Duration)>, mut process: i32, ancestor: i32) -> bool {
    while let Some((parent, _)) = times.get(&process) {
        if *parent == ancestor {
            return true;
        }
        process = *parent;
    }
    false
}
