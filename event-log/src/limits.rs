//! How much a writer may have under way, and how long it waits. Readers know the first of these too: it is how many void
//! records one session can leave behind.

use std::time::Duration;

/// The most records that a session may have sent without having taken their reports. A reader that finds more void
/// records of one session than this stops: no writer can have left them. A record that was sent a second time, as
/// librdkafka does with what was not acknowledged to it, is not counted again.
pub const MAX_IN_FLIGHT: usize = 4096;

/// What bounds a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one record: key, headers and value. It must be below what the broker takes, since one record
    /// that is too large fails the whole batch that it travels in.
    pub record_bytes: usize,
    /// The most parts of one commit.
    pub parts: usize,
    /// The most bytes that the tail may hold past the archive's checkpoint before new commands are turned away.
    pub tail_bytes: usize,
    /// The most bytes that the tail keeps of what is in the archive already, for loads that read the archive a moment
    /// before. Beyond that it forgets sooner, and such a load is done again.
    pub grace_bytes: usize,
    /// How long a report may take before it counts as bad.
    pub report_within: Duration,
    /// How long after it was sent a commit's outcome must be known, reopening included; then it is answered as unknown.
    pub answer_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 900_000,
            parts: 256,
            tail_bytes: 64 << 20,
            grace_bytes: 32 << 20,
            report_within: Duration::from_secs(8),
            answer_within: Duration::from_secs(20),
        }
    }
}
