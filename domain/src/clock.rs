//! The clock port. Nothing in the workspace reads the wall clock but [`SystemClock`]: time comes in as data, so that
//! replays and tests are exact.

use chrono::{DateTime, SubsecRound, Utc};

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The time now, to the microsecond (what Postgres keeps).
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the clock port")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}
