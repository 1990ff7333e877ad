//! A command's way through the object-safe face, as the shard takes it: bytes in, bytes or a refusal out.

use std::collections::HashMap;

use serde_json::json;

use super::*;
use crate::{
    id::UserId,
    registry::{self, EntityType},
    viewer::{Role, Viewer},
};

fn entity(name: &str) -> &'static EntityType {
    let mut all = registry::entities().iter();
    all.find(|entity| entity.name == name).expect("a known aggregate")
}

fn by(viewer: Viewer) -> Services {
    Services {
        viewer,
        ..Services::default()
    }
}

fn decide(
    aggregate: &mut dyn AnyAggregate,
    entity: &EntityType,
    command: &str,
    body: &Value,
    services: &Services,
) -> Result<Vec<NewEvent>, Refused> {
    let body = serde_json::to_vec(body).expect("plain data");
    let command = entity
        .parse(command, &body)
        .expect("a known command")
        .expect("a valid body");
    command.decide(aggregate, services)
}

fn register(name: &str) -> Value {
    json!({ "kind": "market", "profile": { "name": name } })
}

#[test]
fn an_accepted_command_gives_the_bytes_to_store_and_has_them_applied() {
    let store = entity("store");
    let owner = UserId::generate();
    let mut aggregate = (store.fresh)();
    let services = by(Viewer::new(owner, []));
    let events = decide(&mut *aggregate, store, "register", &register("Mercado"), &services).expect("accepted");
    let expected = json!({ "kind": "market", "profile": { "name": "Mercado" }, "owner": owner });
    let [event] = &events[..] else {
        panic!("one event, not {events:?}");
    };
    assert_eq!(event.type_name, "store.registered.v1");
    assert_eq!(serde_json::from_slice::<Value>(&event.value).expect("JSON"), expected);

    let mut replayed = (store.fresh)();
    replayed.apply(event.type_name, &event.value).expect("its own event");
    assert_eq!(replayed.state(), aggregate.state());
}

#[test]
fn a_refusal_tells_code_sentence_field_and_facts() {
    let store = entity("store");
    let services = by(Viewer::new(UserId::generate(), []));
    let refused = decide(
        &mut *(store.fresh)(),
        store,
        "register",
        &register(&"x".repeat(121)),
        &services,
    );
    let facts = json!({ "unit": "characters", "least": 1, "most": 120, "given": 121 });
    let Value::Object(facts) = facts else { unreachable!() };
    assert_eq!(
        refused,
        Err(Refused {
            kind: RefusalKind::Invalid,
            code: "out-of-bounds".to_owned(),
            detail: "/profile/name has 121 characters, 1 to 120 are allowed".to_owned(),
            field: Some("/profile/name".to_owned()),
            facts,
            touched: false,
        })
    );
}

#[test]
fn a_refused_command_leaves_the_aggregate_as_it_was() {
    let store = entity("store");
    let mut aggregate = (store.fresh)();
    let before = aggregate.state();
    let refused = decide(&mut *aggregate, store, "expire", &json!({}), &Services::default());
    let refused = refused.expect_err("there is no store");
    assert_eq!((refused.code.as_str(), refused.touched), ("not-found", false));
    assert_eq!(aggregate.state(), before);
}

#[test]
fn an_event_that_can_not_be_read_says_which() {
    let mut store = (entity("store").fresh)();
    let unknown = store.apply("listing.published.v1", b"{}").expect_err("another's event");
    assert_eq!(
        unknown.to_string(),
        r#"the aggregate "store" has no event of type "listing.published.v1""#
    );
    let broken = store.apply("store.suspended.v1", b"{}").expect_err("no reason");
    assert!(
        broken
            .to_string()
            .starts_with(r#"an event of type "store.suspended.v1" can not be read: missing field"#)
    );
}

#[test]
fn a_decision_sees_the_streams_that_it_reads_and_gives_them_back() {
    let (listing, stock) = (entity("listing"), entity("stock"));
    let services = by(Viewer::new(UserId::generate(), [Role::Importer]));
    let mut beans = (listing.fresh)();
    let create = json!({ "title": "Beans", "details": { "kind": "product" } });
    decide(&mut *beans, listing, "create", &create, &services).expect("accepted");

    let path = [
        "listings",
        &crate::id::ListingId::generate().to_string(),
        "stock",
        &crate::id::StockId::generate().to_string(),
    ];
    let target = stock.target(&path).expect("its path").expect("its ids");
    let adjust = stock
        .parse("adjust", br#"{"by":5}"#)
        .expect("a known command")
        .expect("a valid body");
    assert_eq!(adjust.reads(&target), Reads::Streams(vec![target.scope.clone()]));

    let lent = HashMap::from([(target.scope.clone(), beans)]);
    let services = Services {
        scope: ScopeView::new(lent),
        target,
        ..services
    };
    let mut item = (stock.fresh)();
    assert!(adjust.stores(&*item, &services.scope).is_empty());
    adjust.decide(&mut *item, &services).expect("accepted");
    assert_eq!(item.state()["onHand"], 5);
    assert_eq!(services.scope.into_streams().len(), 1);
}
