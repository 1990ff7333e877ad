//! The listing family: something offered or asked for. One file an aggregate; one that outgrows it has a folder of the
//! same name with `commands.rs`, `events.rs`, `refusal.rs` and `tests.rs`, the decisions staying in the file.

pub mod category;
#[allow(clippy::module_inception, reason = "the aggregate that the family is named after")]
pub mod listing;
pub mod stock;
pub mod store;
