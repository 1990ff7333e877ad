//! The log as cqrs-es's event store: cqrs-es's own framework runs on it, against a real server.

use std::{collections::HashMap, sync::Arc};

use cqrs_es::{AggregateContext, AggregateError, CqrsFramework, EventStore, event_sink::EventSink};
use domain::{
    clock::SystemClock,
    decision::{Services, Target},
    family::Family,
    id::{StoreId, UserId},
    listing::store::{AddMember, RegisterStore, Store, StoreCommand},
    viewer::{StoreRole, Viewer},
};
use event_log::{
    audit,
    limits::Limits,
    log::Log,
    owner::{Owner, WriterIdentity},
    store::LogStore,
};

use crate::log;

async fn owner(log: &Log, scope: &str) -> Arc<Owner> {
    let shard = log.shard_of(Family::Listing, scope);
    let archived = log.archive().checkpoint(shard).await.unwrap();
    let identity = WriterIdentity {
        node: "test".to_owned(),
        software: "test".to_owned(),
        log: log.id(),
        assignment: 1,
    };
    let owner = Owner::open(log.port(), archived, identity, Arc::new(SystemClock), Limits::default())
        .await
        .unwrap();
    owner.opened().await.unwrap();
    owner
}

fn store(log: &Log, owner: &Arc<Owner>, scope: &str) -> LogStore<Store> {
    LogStore::new(log.archive().clone(), owner.clone(), Arc::new(SystemClock), scope)
}

fn register() -> StoreCommand {
    let body = serde_json::json!({"kind": "market", "profile": {"name": "Mercado da Esquina"}});
    serde_json::from_value::<RegisterStore>(body).unwrap().into()
}

fn add(user: UserId) -> StoreCommand {
    let role = StoreRole::Staff;
    AddMember { user, role }.into()
}

fn services(viewer: UserId, scope: &str) -> Services {
    Services {
        viewer: Viewer::new(viewer, []),
        target: Target {
            scope: scope.to_owned(),
            stream: scope.to_owned(),
        },
        ..Services::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_framework_of_cqrs_es_runs_on_the_log() {
    let log = log().await;
    let id = StoreId::generate().to_string();
    let owner = owner(&log, &id).await;
    let (admin, staff) = (UserId::generate(), UserId::generate());
    let framework = CqrsFramework::new(store(&log, &owner, &id), vec![], services(admin, &id));
    let metadata = HashMap::from([("actor".to_owned(), admin.to_string())]);
    framework
        .execute_with_metadata(&id, register(), metadata)
        .await
        .unwrap();
    framework.execute(&id, add(staff)).await.unwrap();
    let refused = framework.execute(&id, register()).await;
    assert!(matches!(refused, Err(AggregateError::UserError(_))), "{refused:?}");

    let events = store(&log, &owner, &id).load_events(&id).await.unwrap();
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(events[0].metadata["actor"], admin.to_string());
    owner.close().await;
    assert_eq!(audit::verify(&log, |_| ()).await.unwrap().total().commits, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_loaded_the_same_version_one_commits() {
    let log = log().await;
    let id = StoreId::generate().to_string();
    let owner = owner(&log, &id).await;
    let store = store(&log, &owner, &id);
    let admin = UserId::generate();
    let services = services(admin, &id);
    let decide = async |command: StoreCommand| {
        let mut context = store.load_aggregate(&id).await.unwrap();
        let sink = EventSink::<Store>::default();
        cqrs_es::Aggregate::handle(context.aggregate(), command, &services, &sink)
            .await
            .unwrap();
        (sink.collect().await, context)
    };
    let (events, context) = decide(register()).await;
    store.commit(events, context, HashMap::new()).await.unwrap();

    let (first, second) = (
        decide(add(UserId::generate())).await,
        decide(add(UserId::generate())).await,
    );
    let (first, second) = tokio::join!(
        store.commit(first.0, first.1, HashMap::new()),
        store.commit(second.0, second.1, HashMap::new())
    );
    assert!(first.is_ok() != second.is_ok());
    let conflict = first.err().or(second.err());
    assert!(
        matches!(conflict, Some(AggregateError::AggregateConflict)),
        "{conflict:?}"
    );
    assert_eq!(store.load_events(&id).await.unwrap().len(), 2);
}
