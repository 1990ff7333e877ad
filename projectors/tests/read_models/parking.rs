//! An event that a projection can not apply waits, and with it what must come after it. Nothing else does.

use std::time::Duration;

use domain::{
    family::Family,
    id::{ChatId, MessageId, OrderId, StoreId, UserId},
};

use super::{
    installation::{Installation, said},
    story::{begun, has_read, placed, ranked, registered, sent},
};

/// A store that opens and whose owner then becomes staff.
async fn store(installation: &Installation, name: &str) -> (StoreId, UserId) {
    let (store, owner) = (StoreId::generate(), UserId::generate());
    let opened = vec![said(store, registered(owner, name))];
    installation.append(Family::Listing, store, opened).await;
    let changed = vec![said(store, ranked(owner, "staff"))];
    installation.append(Family::Listing, store, changed).await;
    (store, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_can_not_be_applied_waits_and_the_others_go_on() {
    let installation = Installation::new().await;
    let mut stores = Vec::new();
    for number in 0..12 {
        stores.push(store(&installation, &format!("Store {number}")).await);
    }
    let (poisoned, owner) = stores[5];
    installation.poison("store", "id", poisoned).await;
    let projectors = installation.project().await;
    installation.settled().await;
    assert_eq!(installation.one::<i64>("select count(*) from store").await, 11);
    assert_eq!(
        installation.one::<i64>("select sum(version)::bigint from store").await,
        22
    );
    let parked = installation.parked("store").await;
    assert!(
        parked.iter().all(|event| event.stream == poisoned.to_string()),
        "{parked:?}"
    );
    let types: Vec<&str> = parked.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(types, ["store.registered.v1", "store.member-role-changed.v1"]);
    assert!(parked[0].reason.contains("poisoned"), "{parked:?}");
    assert!(parked[1].reason.starts_with("waits behind"), "{parked:?}");

    // What comes later to the same stream waits too, untried; the others go on, in the same batches.
    installation.cure("store").await;
    for (store, owner) in [stores[4], stores[5], stores[6]] {
        let changed = vec![said(store, ranked(owner, "admin"))];
        installation.append(Family::Listing, store, changed).await;
    }
    installation.settled().await;
    assert_eq!(installation.parked("store").await.len(), 3);
    assert_eq!(
        installation.one::<i64>("select sum(version)::bigint from store").await,
        24
    );

    let retried = installation.retry("store").await;
    assert_eq!(retried.len(), 1);
    assert_eq!((retried[0].applied, &retried[0].still), (3, &None));
    assert!(installation.parked("store").await.is_empty());
    let changed = vec![said(poisoned, ranked(owner, "staff"))];
    installation.append(Family::Listing, poisoned, changed).await;
    installation.settled().await;
    projectors.shutdown().await;
    let version = format!("select version from store where id = '{poisoned}'");
    assert_eq!(installation.one::<i64>(&version).await, 4);
    let rows = installation.rows("store").await;
    assert_eq!(rows, installation.refolded("store").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_waits_as_a_whole_because_its_messages_are_numbered() {
    let installation = Installation::new().await;
    let mut poisoned = None;
    for _ in 0..5 {
        let (chat, owner) = (ChatId::generate(), UserId::generate());
        let made = vec![said(chat, begun(owner))];
        installation.append(Family::Chat, chat, made).await;
        let messages: Vec<MessageId> = (0..4).map(|_| MessageId::generate()).collect();
        for message in &messages {
            let said = vec![said(message, sent(owner, "something"))];
            installation.append(Family::Chat, chat, said).await;
        }
        let read = vec![said(chat, has_read(owner, messages[2]))];
        installation.append(Family::Chat, chat, read).await;
        poisoned = Some((chat, messages[1]));
    }
    let (chat, message) = poisoned.unwrap();
    installation.poison("message", "id", message).await;
    let projectors = installation.project().await;
    installation.settled().await;
    assert_eq!(installation.one::<i64>("select count(*) from message").await, 17);
    let parked = installation.parked("conversation").await;
    assert!(parked.iter().all(|event| event.unit == chat.to_string()), "{parked:?}");
    // The second message, the two after it, and the marker.
    assert_eq!(parked.len(), 4, "{parked:?}");

    // While the cause is there, trying again changes nothing but the reasons.
    let retried = installation.retry("conversation").await;
    assert_eq!(retried[0].applied, 0);
    assert!(retried[0].still.as_ref().unwrap().contains("poisoned"), "{retried:?}");
    assert_eq!(installation.parked("conversation").await.len(), 4);

    installation.cure("message").await;
    let retried = installation.retry("conversation").await;
    assert_eq!((retried[0].applied, &retried[0].still), (4, &None));
    projectors.shutdown().await;
    let rows = installation.rows("conversation").await;
    assert_eq!(rows, installation.refolded("conversation").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_counts_once_whatever_is_parked_and_whenever_the_projectors_die() {
    let installation = Installation::new().await;
    let store = StoreId::generate();
    let orders: Vec<OrderId> = (0..300).map(|_| OrderId::generate()).collect();
    installation.poison("store_sale", "order_id", orders[150]).await;
    let writing = async {
        for order in &orders {
            let events = vec![said(order, placed(store, 100, 1))];
            installation.append(Family::Order, order, events).await;
        }
    };
    let dying = async {
        for life in 0..25 {
            let projectors = installation.project().await;
            tokio::time::sleep(Duration::from_millis(7 * life)).await;
            projectors.shutdown().await;
        }
    };
    tokio::join!(writing, dying);
    let projectors = installation.project().await;
    installation.settled().await;
    let counted = "select sum(orders)::bigint || ' ' || sum(revenue) from store_day";
    assert_eq!(installation.one::<String>(counted).await, "299 29900");
    assert_eq!(installation.parked("store-statistics").await.len(), 1);
    installation.cure("store_sale").await;
    installation.retry("store-statistics").await;
    projectors.shutdown().await;
    assert_eq!(installation.one::<String>(counted).await, "300 30000");
    let rows = installation.rows("store-statistics").await;
    assert_eq!(rows, installation.refolded("store-statistics").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_and_the_projection_do_not_overtake_each_other() {
    let installation = Installation::new().await;
    let (store, owner) = store(&installation, "Busy").await;
    installation.poison("store", "id", store).await;
    let projectors = installation.project().await;
    installation.settled().await;
    assert_eq!(installation.parked("store").await.len(), 2);
    let writing = async {
        for number in 0..150 {
            let role = if number % 2 == 0 { "admin" } else { "staff" };
            let changed = vec![said(store, ranked(owner, role))];
            installation.append(Family::Listing, store, changed).await;
        }
    };
    let retrying = async {
        for _ in 0..15 {
            installation.cure("store").await;
            installation.retry("store").await;
            // What waits, waits for something: nobody would fetch what was left behind a unit that waits no more.
            tokio::time::sleep(Duration::from_millis(40)).await;
            let parked = installation.parked("store").await;
            let first = parked.first().map(|first| first.reason.as_str());
            assert!(first.is_none_or(|reason| reason.contains("poisoned")), "{parked:?}");
            installation.poison("store", "id", store).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        installation.cure("store").await;
    };
    tokio::join!(writing, retrying);
    installation.settled().await;
    installation.retry("store").await;
    projectors.shutdown().await;
    assert!(installation.parked("store").await.is_empty());
    let version = format!("select version from store where id = '{store}'");
    assert_eq!(installation.one::<i64>(&version).await, 152);
    let rows = installation.rows("store").await;
    assert_eq!(rows, installation.refolded("store").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_at_the_same_time_apply_an_event_once() {
    let installation = Installation::new().await;
    let store = StoreId::generate();
    let orders: Vec<OrderId> = (0..8).map(|_| OrderId::generate()).collect();
    installation.poison("store_sale", "store", store).await;
    for order in &orders {
        let events = vec![said(order, placed(store, 100, 1))];
        installation.append(Family::Order, order, events).await;
    }
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    assert_eq!(installation.parked("store-statistics").await.len(), 8);
    installation.cure("store_sale").await;
    let retried = futures::future::join_all((0..4).map(|_| installation.retry("store-statistics"))).await;
    let applied: usize = retried.iter().flatten().map(|retried| retried.applied).sum();
    assert_eq!(applied, 8);
    let counted = "select sum(orders)::bigint || ' ' || sum(revenue) from store_day";
    assert_eq!(installation.one::<String>(counted).await, "8 800");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_s_fault_parks_nothing_and_stops_no_other_projection() {
    let installation = Installation::new().await;
    store(&installation, "Corner").await;
    installation.run("alter table store rename to elsewhere").await;
    let projectors = installation.project().await;
    let ordering = async {
        for counted in 1..=10 {
            let order = OrderId::generate();
            let events = vec![said(order, placed(StoreId::generate(), 100, 1))];
            installation.append(Family::Order, order, events).await;
            installation
                .wait_for("select count(*) from order_summary", counted)
                .await;
        }
    };
    // Did they share the pauses of the one that fails, which double, it would take a minute.
    tokio::time::timeout(Duration::from_secs(20), ordering).await.unwrap();
    assert!(installation.parked("store").await.is_empty());
    installation.run("alter table elsewhere rename to store").await;
    installation.settled().await;
    projectors.shutdown().await;
    assert_eq!(installation.one::<i64>("select version from store").await, 2);
    assert!(installation.parked("store").await.is_empty());
}
