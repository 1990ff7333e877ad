//! Pauses: between attempts, longer each time and never the same for two writers that cut each other off; and after work.

use std::time::Duration;

use domain::id;
use tokio::time::sleep;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Somewhere between half of `base` and one and a half. The random bits of a new id serve: nothing depends on them but
/// that two writers draw different ones.
pub(crate) fn jittered(base: Duration) -> Duration {
    let random = u32::try_from(id::generate().as_u128() & 0xffff).unwrap_or_default();
    base / 2 + base * random / 0x1_0000
}

/// Pauses that double, up to two seconds.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    pub(crate) async fn wait(&mut self) {
        let base = FIRST * 2_u32.pow(self.attempts.min(8));
        self.attempts += 1;
        sleep(jittered(base.min(LONGEST))).await;
    }

    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// How long a follower rests after a batch: as long as it worked on it, some times over, so that under load it takes no
/// more than its share of the machine, in batches as large as that needs, and is prompt when there is little to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rest {
    /// So many times as long as the work.
    pub times: u32,
    /// But this long at least.
    pub least: Duration,
    /// And no longer than this.
    pub most: Duration,
}

impl Rest {
    /// None: a batch for whatever has come.
    pub const NONE: Self = Self {
        times: 0,
        least: Duration::ZERO,
        most: Duration::ZERO,
    };

    pub(crate) fn after(self, work: Duration) -> Duration {
        (work * self.times).clamp(self.least, self.most)
    }
}
