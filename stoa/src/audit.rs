//! `stoa audit verify`: walks every chain and says what was seen.

use std::process::ExitCode;

use event_log::audit;

use crate::{settings::Storage, storage::Opened};

/// Prints a row for each shard and the total; fails at the first thing that can not be, with its shard and offset.
pub async fn verify(storage: &Storage) -> anyhow::Result<ExitCode> {
    let opened = Opened::open(storage, false).await?;
    let verified = audit::verify(&opened.log, |_| {}).await;
    opened.close().await;
    let report = match verified {
        Ok(report) => report,
        Err(error) => {
            println!("NOT VERIFIED: {error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    println!(
        "{:<12} {:>10} {:>10} {:>8} {:>8} {:>10} {:>10}  head",
        "shard", "records", "commits", "void", "foreign", "archived", "next"
    );
    for shard in &report.shards {
        println!(
            "{:<12} {:>10} {:>10} {:>8} {:>8} {:>10} {:>10}  {}",
            shard.shard.to_string(),
            shard.tally.records,
            shard.tally.commits,
            shard.tally.void,
            shard.tally.foreign,
            shard.archived,
            shard.head.next,
            shard.head.head,
        );
    }
    let total = report.total();
    println!(
        "verified: {} records, {} commits, {} void ({} foreign), in {:.1} s",
        total.records,
        total.commits,
        total.void,
        total.foreign,
        report.took.as_secs_f64()
    );
    Ok(ExitCode::SUCCESS)
}
