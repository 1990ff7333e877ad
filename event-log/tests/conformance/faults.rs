//! A server of the test's own that is killed, frozen or away while commits are in flight.

use std::{collections::HashMap, time::Duration};

use event_log::{
    chain_reader::Check,
    limits::Limits,
    owner::{Outcome, Owner, Pending},
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    keeper::{Keeper, PATIENCE, append, committed, limits, open, open_from, outcome, read_all, start},
    scribe::draft,
};

/// Longer than every time-out of the log under test.
const FROZEN: Duration = Duration::from_secs(8);

fn send(owner: &Owner, commits: usize) -> Vec<(Uuid, Pending)> {
    let generation = owner.generation();
    let mut sent = Vec::new();
    for _ in 0..commits {
        let whole = draft("ord_1", "in flight");
        let command = whole.cause.command;
        if let Ok(pending) = owner.append(generation, vec![whole; 2]) {
            sent.push((command, pending));
        }
    }
    sent
}

/// Whether every reader sees what was told, when the server is back.
async fn check<K: Keeper>(keeper: &K, told: &[(Uuid, Outcome)]) {
    let port = keeper.port().await;
    let (reads, tally) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    let mut seen: HashMap<Uuid, u64> = HashMap::new();
    for read in reads.iter().filter(|read| !read.commit.is_control()) {
        let command = read.commit.events[0].envelope.command;
        assert_eq!(
            seen.insert(command, read.commit.offset()),
            None,
            "{command} is there twice"
        );
    }
    let mut counts = [0; 3];
    for (command, outcome) in told {
        match outcome {
            Outcome::Committed { last, .. } => {
                assert_eq!(seen.get(command), Some(last), "{command} was acknowledged");
                counts[0] += 1;
            }
            Outcome::Void => {
                assert!(!seen.contains_key(command), "{command} was refused");
                counts[1] += 1;
            }
            Outcome::Unknown(_) => counts[2] += 1,
        }
    }
    let [acknowledged, void, unknown] = counts;
    println!("{acknowledged} acknowledged, {void} void, {unknown} unknown to the writer; {tally:?}");
}

async fn outcomes(sent: Vec<(Uuid, Pending)>) -> Vec<(Uuid, Outcome)> {
    let mut told = Vec::with_capacity(sent.len());
    for (command, pending) in sent {
        told.push((command, outcome(pending).await));
    }
    told
}

pub async fn a_server_killed_with_a_hundred_commits_in_flight_loses_nothing_acknowledged<K: Keeper>() {
    let mut keeper = K::on_own_server().await;
    let owner = open_from(keeper.port().await, "one", start(), limits()).await;
    committed(append(&owner, vec![draft("ord_1", "before")]).await).await;
    let mut sent = send(&owner, 1000);
    let acknowledged = sent[100].1.clone();
    committed(acknowledged).await;
    sent.extend(send(&owner, 100));
    keeper.kill().await;
    assert!(sent.len() >= 100);
    keeper.restart().await;
    let told = outcomes(sent).await;
    // It reopens by itself, and goes on.
    committed(append(&owner, vec![draft("ord_1", "after")]).await).await;
    owner.close().await;
    check(&keeper, &told).await;
    assert!(told.iter().all(|(_, outcome)| !matches!(outcome, Outcome::Unknown(_))));
}

pub async fn a_server_frozen_for_longer_than_the_time_out_loses_nothing_acknowledged<K: Keeper>() {
    let mut keeper = K::on_own_server().await;
    let owner = open_from(keeper.port().await, "one", start(), limits()).await;
    committed(append(&owner, vec![draft("ord_1", "before")]).await).await;
    let mut sent = send(&owner, 100);
    keeper.freeze().await;
    sent.extend(send(&owner, 100));
    assert_eq!(sent.len(), 200);
    sleep(FROZEN).await;
    keeper.thaw().await;
    let told = outcomes(sent).await;
    committed(append(&owner, vec![draft("ord_1", "after")]).await).await;
    owner.close().await;
    check(&keeper, &told).await;
}

pub async fn an_unknown_outcome_is_found_by_its_command_later<K: Keeper>() {
    let mut keeper = K::on_own_server().await;
    let impatient = Limits {
        report_within: Duration::from_secs(2),
        answer_within: Duration::from_secs(3),
        ..limits()
    };
    // A server's first producer may take longer than the impatient wait.
    open(keeper.port().await, "none").await.close().await;
    let owner = open_from(keeper.port().await, "one", start(), impatient).await;
    committed(append(&owner, vec![draft("ord_1", "before")]).await).await;
    let mut sent = send(&owner, 100);
    keeper.kill().await;
    // If all of them were answered before it died, these are not.
    sent.extend(send(&owner, 100));
    let told = outcomes(sent).await;
    assert!(told.iter().any(|(_, outcome)| matches!(outcome, Outcome::Unknown(_))));
    keeper.restart().await;

    let generation = timeout(PATIENCE, owner.opened()).await.unwrap().unwrap();
    let port = keeper.port().await;
    let (reads, _) = read_all(port.as_ref(), start(), Check::Hashes).await.unwrap();
    for (command, _) in &told {
        let in_log = reads
            .iter()
            .any(|read| read.commit.events[0].envelope.command == *command);
        let known = owner.tail(generation, |tail| tail.command(*command).is_some());
        assert_eq!(known.unwrap(), in_log);
    }
    owner.close().await;
    check(&keeper, &told).await;
}
