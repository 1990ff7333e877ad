//! Live items, and going on at any position.

use std::collections::BTreeMap;

use domain::{family::Family, id::UserId, viewer::Role};
use event_log::position::Position;
use serde_json::{Value, json};

use crate::{installation::Installation, socket::Subscribed};

const MESSAGES: &str = "subscription ($chat: ID!, $after: String) {
    messageAdded(chatId: $chat, after: $after) { position message { id text seq } }
}";
const EVENTS: &str = "subscription ($after: String, $filter: EventFilter) {
    events(after: $after, filter: $filter) { position event { id type stream topic version } }
}";

#[tokio::test]
async fn messages_come_once_in_order_and_a_subscription_goes_on_at_every_position() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let token = stoa.token(owner, &[]);
    let chat = stoa.chat("group", owner, &[]).await;
    stoa.settled().await;
    stoa.say(owner, chat, "before").await;
    let variables = json!({ "chat": chat, "after": stoa.written() });
    let mut live = Subscribed::to(&stoa.address, &token, MESSAGES, variables).await;
    let mut sent = Vec::new();
    for n in 0..15 {
        sent.push(stoa.say(owner, chat, &n.to_string()).await.0.to_string());
    }
    let items = live.take("messageAdded", 15).await;
    assert_eq!(
        items
            .iter()
            .map(|item| item["message"]["id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        sent
    );
    assert!(live.is_silent().await);
    // On another process, which has followed nothing yet.
    let elsewhere = stoa.another().await;
    for (seen, item) in items.iter().enumerate() {
        let variables = json!({ "chat": chat, "after": item["position"] });
        let mut resumed = Subscribed::to(&elsewhere, &token, MESSAGES, variables).await;
        assert_eq!(resumed.take("messageAdded", 14 - seen).await, items[seen + 1..]);
        if seen % 5 == 4 {
            assert!(resumed.is_silent().await);
        }
    }
}

/// The ids of events, by topic and stream, in the order in which they came.
fn by_stream(items: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut streams: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for item in items {
        let text = |field: &str| item["event"][field].as_str().unwrap().to_owned();
        streams.entry(text("stream")).or_default().push(text("id"));
    }
    streams
}

#[tokio::test]
async fn events_of_many_shards_go_on_at_every_position_without_gap_or_double() {
    let stoa = Installation::start().await;
    let auditor = stoa.token(UserId::generate(), &[Role::Auditor]);
    let begin = stoa.data(None, "{ position }", json!({})).await["position"].clone();
    let mut live = Subscribed::to(&stoa.address, &auditor, EVENTS, json!({ "after": begin })).await;
    let owner = UserId::generate();
    let (mut count, store) = (1, stoa.store(owner).await);
    for n in 0..6 {
        let listing = stoa.product(store, &format!("Apple {n}"), 100, n % 2 == 0).await;
        stoa.order(owner, store, listing).await;
        let chat = stoa.chat("group", owner, &[]).await;
        stoa.say(owner, chat, "hello").await;
        count += if n % 2 == 0 { 5 } else { 4 };
    }
    let items = live.take("events", count).await;
    assert!(live.is_silent().await);
    let all = by_stream(&items);
    assert_eq!(all.values().map(Vec::len).sum::<usize>(), count);
    for (seen, item) in items.iter().enumerate() {
        let mut resumed = Subscribed::to(&stoa.address, &auditor, EVENTS, json!({ "after": item["position"] })).await;
        let rest = resumed.take("events", count - seen - 1).await;
        assert_eq!(by_stream(&rest), by_stream(&items[seen + 1..]));
        if seen % 10 == 9 {
            assert!(resumed.is_silent().await);
        }
    }
}

#[tokio::test]
async fn a_subscription_cut_off_again_and_again_while_others_write_has_everything_once() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let token = stoa.token(owner, &[]);
    let chat = stoa.chat("group", owner, &[]).await;
    let begin = stoa.data(None, "{ position }", json!({})).await["position"].clone();
    let writing = async {
        let mut sent = Vec::new();
        for n in 0..100 {
            sent.push(stoa.say(owner, chat, &n.to_string()).await.0.to_string());
        }
        sent
    };
    let reading = async {
        let (mut after, mut seen) = (begin, Vec::new());
        while seen.len() < 100 {
            let mut cut =
                Subscribed::to(&stoa.address, &token, MESSAGES, json!({ "chat": chat, "after": after })).await;
            for item in cut.take("messageAdded", 5.min(100 - seen.len())).await {
                after = item["position"].clone();
                seen.push(item["message"]["id"].as_str().unwrap().to_owned());
            }
        }
        seen
    };
    let (sent, seen) = tokio::join!(writing, reading);
    assert_eq!(sent, seen);
}

#[tokio::test]
async fn an_item_comes_only_once_a_query_sees_it() {
    let mut stoa = Installation::start().await;
    let owner = UserId::generate();
    let store = stoa.store(owner).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    let token = stoa.token(owner, &[]);
    let query = "subscription ($store: ID!, $after: String) { orderChanged(storeId: $store, after: $after) {
        position type stream order { id status total { amount } } } }";
    let variables = json!({ "store": store, "after": stoa.written() });
    let mut live = Subscribed::to(&stoa.address, &token, query, variables).await;
    let order = stoa.order(owner, store, listing).await;
    let items = live.take("orderChanged", 1).await;
    assert_eq!(items[0]["type"], "order.placed.v1");
    assert_eq!(items[0]["order"]["id"], order.to_string());
    stoa.stop_projectors().await;
    stoa.order(owner, store, listing).await;
    assert!(live.is_silent().await);
}

#[tokio::test]
async fn subscriptions_obey_rights_and_end_when_they_are_lost() {
    let stoa = Installation::start().await;
    let (anna, bert, carl) = (UserId::generate(), UserId::generate(), UserId::generate());
    let chat = stoa.chat("group", anna, &[bert]).await;
    let store = stoa.store(anna).await;
    let code = |payload: Option<Value>| payload.unwrap()["errors"][0]["extensions"]["code"].clone();
    stoa.settled().await;
    let carls = stoa.token(carl, &[]);
    let mut refused = Subscribed::to(&stoa.address, &carls, MESSAGES, json!({ "chat": chat })).await;
    assert_eq!(code(refused.next().await), "NOT_FOUND");
    let mut refused = Subscribed::to(&stoa.address, &carls, EVENTS, json!({})).await;
    assert_eq!(code(refused.next().await), "FORBIDDEN");
    let orders = "subscription ($store: ID!) { orderChanged(storeId: $store) { position } }";
    let mut refused = Subscribed::to(&stoa.address, &carls, orders, json!({ "store": store })).await;
    assert_eq!(code(refused.next().await), "FORBIDDEN");
    let mut refused = Subscribed::to(&stoa.address, &carls, MESSAGES, json!({ "chat": chat, "after": "x" })).await;
    assert_eq!(code(refused.next().await), "BAD_POSITION");

    let berts = stoa.token(bert, &[]);
    let variables = json!({ "chat": chat, "after": stoa.written() });
    let mut live = Subscribed::to(&stoa.address, &berts, MESSAGES, variables).await;
    stoa.say(anna, chat, "hello").await;
    assert_eq!(live.take("messageAdded", 1).await[0]["message"]["text"], "hello");
    let annas = stoa.token(anna, &[]);
    stoa.command(&annas, &format!("chats/{chat}/remove-member"), &json!({ "user": bert }))
        .await;
    stoa.say(anna, chat, "about bert").await;
    assert_eq!(code(live.next().await), "NOT_FOUND");
    assert_eq!(live.next().await, None);
    assert!(stoa.queries.ready());
    stoa.queries.shutdown().await;
    assert!(!stoa.queries.ready());
}

#[tokio::test]
async fn an_item_waits_for_what_is_read_next_and_for_nothing_else() {
    let mut stoa = Installation::start().await;
    let owner = UserId::generate();
    let store = stoa.store(owner).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    let order = stoa.order(owner, store, listing).await;
    stoa.settled().await;
    stoa.stop_projectors().await;
    let begin = stoa.data(None, "{ position }", json!({})).await["position"].clone();
    let query = "subscription ($order: ID!, $after: String) { orderChanged(orderId: $order, after: $after) {
        position type order { id } } }";
    let variables = json!({ "order": order, "after": begin });
    let mut live = Subscribed::to(&stoa.address, &stoa.token(owner, &[]), query, variables).await;
    let importer = stoa.token(UserId::generate(), &[Role::Importer]);
    stoa.command(&importer, &format!("orders/{order}/confirm"), &json!({}))
        .await;
    stoa.pretend("order-summary", "order").await;
    assert!(live.is_silent().await);
    stoa.pretend("payment", "order").await;
    // Nobody tells of what was sold, and nobody asks.
    let item = live.take("orderChanged", 1).await.remove(0);
    let position: Position = item["position"].as_str().unwrap().parse().unwrap();
    assert_eq!(position.offsets.len(), 1, "it names the order's shard and no other");
}

#[tokio::test]
async fn after_a_receipt_the_shards_that_it_does_not_name_begin_where_they_stood_then() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let store = stoa.store(owner).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    for _ in 0..10 {
        stoa.order(owner, store, listing).await;
    }
    sqlx::query("update log_record set recorded = recorded - interval '1 hour'")
        .execute(&stoa.pool)
        .await
        .unwrap();
    let chat = stoa.chat("group", owner, &[]).await;
    let (_, receipt) = stoa.say(owner, chat, "hello").await;
    let order = stoa.order(owner, store, listing).await;
    let auditor = stoa.token(UserId::generate(), &[Role::Auditor]);
    let variables = json!({ "after": receipt, "filter": { "topic": "order" } });
    let mut live = Subscribed::to(&stoa.address, &auditor, EVENTS, variables).await;
    let item = live.take("events", 1).await.remove(0);
    assert_eq!(
        item["event"]["stream"],
        order.to_string(),
        "what was long before is not told"
    );
    // Of the start of the log all that follows it is told.
    let start = json!({ "after": Position::start(stoa.log.id()).to_string(), "filter": { "topic": "order" } });
    let mut all = Subscribed::to(&stoa.address, &auditor, EVENTS, start).await;
    all.take("events", 11).await;
}

#[tokio::test]
async fn a_quiet_chat_goes_on_without_what_others_said_beside_it() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let token = stoa.token(owner, &[]);
    let chat = stoa.chat("group", owner, &[]).await;
    let (_, receipt) = stoa.say(owner, chat, "before").await;
    let shard = stoa.log.shard_of(Family::Chat, &chat.to_string());
    for n in 0..30 {
        let other = stoa.chat("group", owner, &[]).await;
        stoa.say(owner, other, &n.to_string()).await;
    }
    stoa.say(owner, chat, "after").await;
    stoa.settled().await;
    // Whatever else the shard holds, whoever goes on in this chat reads none of it: it could not even be read.
    sqlx::query("update log_record set headers = ''::bytea where family = 'chat' and partition = $1 and scope <> $2")
        .bind(shard.partition.cast_signed())
        .bind(chat.to_string())
        .execute(&stoa.pool)
        .await
        .unwrap();
    let elsewhere = stoa.another().await;
    let variables = json!({ "chat": chat, "after": receipt });
    let mut live = Subscribed::to(&elsewhere, &token, MESSAGES, variables).await;
    assert_eq!(live.take("messageAdded", 1).await[0]["message"]["text"], "after");
}
