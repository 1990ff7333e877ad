//! Things that happen: events as they lie in a log, some of which no command could lead to.

use chrono::{DateTime, Utc};
use domain::{
    chat::{
        chat::{ChatCreated, ChatEvent, ChatReadMarkerAdvanced},
        message::{MessageContent, MessageEvent, MessageSent},
    },
    id::{ListingId, MessageId, StoreId, UserId},
    listing::store::{MemberRoleChanged, StoreEvent, StoreRegistered},
    order::order::{OrderEvent, OrderPlaced},
    personal::Personal,
    viewer::StoreRole,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub fn start_of_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

/// The value of an event.
pub fn value<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// So many pieces at this price, ordered of a store.
pub fn placed(store: StoreId, unit_price: i64, quantity: u32) -> OrderEvent {
    let money = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let placed: OrderPlaced = value(json!({
        "customer": UserId::generate(), "fulfilment": "external", "currency": "EUR",
        "lines": [{
            "listing": ListingId::generate(), "store": store, "title": "As sold",
            "unitPrice": money(unit_price), "quantity": quantity,
        }],
        "delivery": { "option": "collection" },
        "subtotal": money(0), "discount": money(0), "tax": money(0), "deliveryFee": money(0), "total": money(0),
    }));
    placed.into()
}

pub fn cancelled() -> OrderEvent {
    value::<domain::order::order::OrderCancelled>(json!({ "reason": "no longer wanted" })).into()
}

/// A store with this owner opens.
pub fn registered(owner: UserId, name: &str) -> StoreEvent {
    let profile = json!({ "name": name });
    value::<StoreRegistered>(json!({ "kind": "market", "owner": owner, "profile": profile })).into()
}

/// The owner becomes this.
pub fn ranked(owner: UserId, to: &str) -> StoreEvent {
    let (user, role) = (owner, role(to));
    MemberRoleChanged { user, role }.into()
}

/// A group of one begins.
pub fn begun(owner: UserId) -> ChatEvent {
    value::<ChatCreated>(json!({ "kind": "group", "title": "Group", "owner": owner, "members": [] })).into()
}

/// Somebody says something.
pub fn sent(author: UserId, text: &str) -> MessageEvent {
    let content = Personal::open(author, MessageContent::text(text));
    value::<MessageSent>(json!({ "author": author, "content": content, "silent": false })).into()
}

/// Somebody has read up to here.
pub fn has_read(user: UserId, up_to: MessageId) -> ChatEvent {
    ChatReadMarkerAdvanced { user, up_to }.into()
}

pub fn role(role: &str) -> StoreRole {
    value(json!(role))
}
