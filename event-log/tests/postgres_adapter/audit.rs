//! What an audit finds. Each damage is done by somebody who may write to the database.

use event_log::{audit, log::Log, port::LogError};

use crate::{
    fixture::{Hand, ORDERS},
    log,
};

async fn ten_commits() -> Log {
    let log = log().await;
    let mut hand = Hand::new(ORDERS);
    let mut appender = log.port().appender(ORDERS).await.unwrap();
    for _ in 0..10 {
        appender.append(hand.commit(2)).await.unwrap().unwrap();
    }
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_of_a_sound_log_says_how_much_it_saw() {
    let log = ten_commits().await;
    let mut told = 0;
    let report = audit::verify(&log, |_| told += 1).await.unwrap();
    assert_eq!(
        (report.total().records, report.total().commits, report.total().void),
        (20, 10, 0)
    );
    let orders = report.shards.iter().find(|report| report.shard == ORDERS).unwrap();
    assert_eq!(orders.head, log.archive().checkpoint(ORDERS).await.unwrap());
    assert_eq!(orders.archived, 20);
    assert_eq!(told, report.shards.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_in_the_table_is_found_with_its_offset() {
    let other_head = "update log_head set head = sha256('another') where family = 'order' and partition = 0";
    let log = ten_commits().await;
    let run = async |statements: &'static str| {
        for statement in statements.split(';') {
            sqlx::query(statement).execute(log.archive().pool()).await.unwrap();
        }
    };
    run("create table sound_record as table log_record; create table sound_head as table log_head").await;
    for (damage, at, says) in [
        (
            "update log_record set value = '{\"number\":99}' where \"offset\" = 7",
            7,
            "does not match its hash",
        ),
        (
            "update log_record set headers = headers || '\\x00' where \"offset\" = 7",
            7,
            "can not be read",
        ),
        (
            "update log_record set scope = 'ord_2' where \"offset\" = 7",
            7,
            "does not match its hash",
        ),
        (
            "update log_record set stream = 'ord_2' where \"offset\" = 7",
            7,
            "column stream",
        ),
        (
            "update log_record set version = 1 where \"offset\" = 7",
            7,
            "column version",
        ),
        (
            "update log_record set recorded = recorded + interval '1 h' where \"offset\" = 7",
            7,
            "column recorded",
        ),
        ("delete from log_record where \"offset\" = 7", 7, "has offset 8"),
        ("delete from log_record where \"offset\" >= 18", 18, "no record"),
        (
            "update log_record set \"offset\" = -1 where \"offset\" = 6;
             update log_record set \"offset\" = 6 where \"offset\" = 7;
             update log_record set \"offset\" = 7 where \"offset\" = -1",
            7,
            "number",
        ),
        (other_head, 20, "not the head"),
        (
            "insert into log_record select r.* from sound_record s,
               jsonb_populate_record(s, jsonb_build_object('offset', 25, 'command', gen_random_uuid(), 'version', 999)) r
             where s.\"offset\" = 7",
            25,
            "beyond its checkpoint",
        ),
    ] {
        run(damage).await;
        match audit::verify(&log, |_| ()).await {
            Err(LogError::Broken { shard, offset, reason }) => {
                assert_eq!(offset, at, "{damage}: {reason}");
                assert!(reason.contains(says), "{damage}: {reason}");
                assert_eq!(shard, ORDERS);
            }
            other => panic!("{damage}: {other:?}"),
        }
        run(
            "truncate log_record, log_head; insert into log_record table sound_record;
             insert into log_head table sound_head",
        )
        .await;
    }
    audit::verify(&log, |_| ()).await.unwrap();
}
