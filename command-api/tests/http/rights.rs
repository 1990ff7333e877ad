//! Who may: tokens, importers, members of stores.

use domain::{
    id::{ListingId, StoreId, UserId},
    viewer::Role,
};
use serde_json::json;

use crate::installation::{Installation, register, send};

#[tokio::test]
async fn a_command_needs_a_token_of_this_installation() {
    let stoa = Installation::postgres().await;
    let url = format!("{}/v1/stores/{}/register", stoa.url, StoreId::generate());
    let none = send(stoa.client.post(&url).json(&register())).await.expect(401);
    assert_eq!(
        (none.code(), none.header("www-authenticate")),
        ("token-missing", Some("Bearer"))
    );
    let bad = send(stoa.client.post(&url).bearer_auth("a.b.c").json(&register()))
        .await
        .expect(401);
    assert_eq!(bad.code(), "token-malformed");
    assert!(bad.header("www-authenticate").unwrap().contains("invalid_token"));
    send(stoa.client.post(format!("{}/v1/commands", stoa.url)).body(""))
        .await
        .expect(401);
}

#[tokio::test]
async fn only_an_importer_says_when_it_happened_and_who_did_it() {
    let stoa = Installation::postgres().await;
    let (importer, owner) = (UserId::generate(), UserId::generate());
    let token = stoa.token(importer, &[Role::Importer]);
    let store = StoreId::generate();
    let path = format!("/v1/stores/{store}/register");
    let imported = |token: &str| {
        stoa.command(token, &path, &register())
            .header("Stoa-At", "2017-10-02T10:56:33-03:00")
            .header("Stoa-Actor", owner.to_string())
    };
    for roles in [&[][..], &[Role::Administrator]] {
        let refused = send(imported(&stoa.token(UserId::generate(), roles))).await.expect(403);
        assert_eq!(
            (refused.code(), refused.body["field"].as_str()),
            ("importers-only", Some("Stoa-At"))
        );
    }
    let receipt = send(imported(&token)).await.expect(201).body;
    let offset = receipt["events"][0]["offset"].as_u64().unwrap();
    let shard = stoa.log.shard_of(domain::family::Family::Listing, &store.to_string());
    let event = stoa.log.archive().event(shard, offset).await.unwrap().unwrap();
    assert_eq!(event.envelope.time.to_rfc3339(), "2017-10-02T13:56:33+00:00");
    assert_eq!(event.envelope.actor, Some(owner.to_string()));
    assert!(event.envelope.recorded > event.envelope.time);

    // What an importer did on somebody's behalf is theirs.
    let rename = json!({ "profile": { "name": "Another name" } });
    stoa.post(
        &stoa.token(owner, &[]),
        &format!("/v1/stores/{store}/change-profile"),
        &rename,
    )
    .await
    .expect(200);
}

#[tokio::test]
async fn who_is_taken_on_by_a_store_may_act_for_it_at_once() {
    let stoa = Installation::postgres().await;
    let (owner, clerk) = (UserId::generate(), UserId::generate());
    let (theirs, token) = (stoa.token(owner, &[]), stoa.token(clerk, &[]));
    let (store, listing) = (StoreId::generate(), ListingId::generate());
    stoa.post(&theirs, &format!("/v1/stores/{store}/register"), &register())
        .await
        .expect(201);
    let create = json!({ "title": "Apples", "details": { "kind": "product" }, "store": store });
    let path = format!("/v1/listings/{listing}/create");
    // Looked up and remembered: not a member.
    stoa.post(&token, &path, &create).await.expect(403);
    let member = json!({ "user": clerk, "role": "staff" });
    stoa.post(&theirs, &format!("/v1/stores/{store}/add-member"), &member)
        .await
        .expect(200);
    let receipt = stoa.post(&token, &path, &create).await.expect(201).body;
    let offset = receipt["events"][0]["offset"].as_u64().unwrap();
    let shard = stoa.log.shard_of(domain::family::Family::Listing, &listing.to_string());
    let event = stoa.log.archive().event(shard, offset).await.unwrap().unwrap();
    assert!(
        event.envelope.standing.is_some(),
        "the event notes where the rights were read"
    );
}
