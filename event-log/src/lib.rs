//! The log: compare-and-append on plain Kafka, or on Postgres, by a hash chain; no transactions, no leases, no epochs.
//!
//! Every record carries `stoa_prev` and `stoa_hash`. A reader holds the head: a record whose `prev` equals the head
//! extends the chain, any other is void and nobody sees it. That is the fence: whoever writes without knowing the head
//! writes nothing.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | [`shard`] | shards, the partition of a key, the topology of a log |
//! | [`chain`] | hashes, canonical bytes, the first `prev` of a shard |
//! | [`record`] | a record as it lies in the log: key, headers, value |
//! | [`envelope`] | what the headers mean: CloudEvents 1.0 and Stoa's extensions |
//! | [`position`] | the opaque token {log id, shard → offset} that clients hold |
//! | [`checkpoint`] | where a reader stands, between commits |
//! | [`commit`] | what a reader sees, and what a writer is given |
//! | [`schema`] | the database's migrations |
//! | [`archive`] | the table of valid records: loads, pages, history, a watch |
//! | [`archiver`] | copies the log from Kafka into that table |
//! | [`audit`] | walks every chain from its first record |
//! | [`postgres`] | the adapter for Postgres |
//! | [`log`] | the log as everybody else holds it: port, archive, identity |
//! | [`port`] | what an adapter does: append in order, read from an offset, tell the end |
//! | [`kafka`] | the adapter for Kafka |
//! | [`chain_reader`] | the rule by which a reader believes, record by record |
//! | [`reader`] | commits of several shards, following the log's end |
//! | [`feed`] | one reading of the log for everybody in a process |
//! | `row` | a record as a row of that table, both ways |
//! | `pause` | pauses between attempts, and after work |
//! | [`control`] | the writer's own records: the barrier and the check |
//! | [`limits`] | how much a writer may have under way |
//! | [`owner`] | the single writer of a shard: appends, confirmations, reopening |
//! | [`store`] | cqrs-es's `EventStore` over archive and owner |
//! | [`tail`] | what the owner knows past the archive |

pub mod archive;
pub mod archiver;
pub mod audit;
pub mod chain;
pub mod chain_reader;
pub mod checkpoint;
pub mod commit;
pub mod control;
pub mod envelope;
pub mod feed;
pub mod kafka;
pub mod limits;
pub mod log;
pub mod owner;
mod pause;
pub mod port;
pub mod position;
pub mod postgres;
pub mod reader;
pub mod record;
mod row;
pub mod schema;
pub mod shard;
pub mod store;
pub mod tail;
