//! The viewer's rights, on every path.

use domain::{id::UserId, viewer::Role};
use serde_json::{Value, json};

use crate::{installation::Installation, socket::Subscribed};

#[tokio::test]
async fn drafts_are_seen_by_their_store_and_by_those_who_see_all() {
    let stoa = Installation::start().await;
    let owner = UserId::generate();
    let store = stoa.store(owner).await;
    let draft = stoa.product(store, "Draft", 100, false).await;
    let query = "query ($listing: ID!, $store: ID!) {
        listing(id: $listing) { id } node(id: $listing) { id }
        listings { totalCount facets { tags { count } } }
        store(id: $store) { listings { totalCount nodes { id } } }
    }";
    let viewers = [
        (None, false, false),
        (Some(stoa.token(UserId::generate(), &[])), false, false),
        // An analyst reads the log, and so a history.
        (Some(stoa.token(UserId::generate(), &[Role::Analyst])), false, true),
        (Some(stoa.token(owner, &[])), true, true),
        (Some(stoa.token(UserId::generate(), &[Role::Moderator])), true, true),
        (Some(stoa.token(UserId::generate(), &[Role::Auditor])), true, true),
        (Some(stoa.token(UserId::generate(), &[Role::Importer])), true, true),
    ];
    for (token, sees, history_too) in viewers {
        let seen = stoa
            .data(token.as_deref(), query, json!({ "listing": draft, "store": store }))
            .await;
        for path in ["/listing", "/node"] {
            assert_eq!(!seen.pointer(path).unwrap().is_null(), sees, "{path}: {seen}");
        }
        for path in ["/listings/totalCount", "/store/listings/totalCount"] {
            assert_eq!(seen.pointer(path).unwrap(), i32::from(sees), "{path}: {seen}");
        }
        assert_eq!(
            seen["listings"]["facets"]["tags"].as_array().unwrap().len(),
            usize::from(sees),
            "{seen}"
        );
        let history = "query ($id: ID!) { history(id: $id) { nodes { type } } }";
        let answer = stoa.query(token.as_deref(), history, json!({ "id": draft })).await;
        assert_eq!(!answer["data"].is_null(), history_too, "{answer}");
    }
}

#[tokio::test]
async fn orders_are_seen_by_their_customer_and_stores() {
    let stoa = Installation::start().await;
    let (owner, customer) = (UserId::generate(), UserId::generate());
    let (store, other) = (stoa.store(owner).await, UserId::generate());
    stoa.store(other).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    let order = stoa.order(customer, store, listing).await;
    let query = "query ($order: ID!, $store: ID!) {
        order(id: $order) { id lines { title listing { id } store { id } unitPrice { amount } } payments { id } }
        node(id: $order) { id }
        orders { totalCount totals { count total { amount currency } } }
        store(id: $store) { orders { totalCount } }
    }";
    for (token, sees) in [
        (None, false),
        (Some(stoa.token(other, &[])), false),
        (Some(stoa.token(UserId::generate(), &[Role::Moderator])), false),
        (Some(stoa.token(customer, &[])), true),
        (Some(stoa.token(owner, &[])), true),
        (Some(stoa.token(UserId::generate(), &[Role::Auditor])), true),
    ] {
        let variables = json!({ "order": order, "store": store });
        let seen = stoa.data(token.as_deref(), query, variables).await;
        assert_eq!(!seen["order"].is_null(), sees, "{seen}");
        assert_eq!(!seen["node"].is_null(), sees, "{seen}");
        assert_eq!(seen["orders"]["totalCount"], i32::from(sees));
        assert_eq!(seen["store"]["orders"]["totalCount"], i32::from(sees));
        let totals = if sees {
            json!([{ "count": 1, "total": { "amount": 500, "currency": "EUR" } }])
        } else {
            json!([])
        };
        assert_eq!(seen["orders"]["totals"], totals);
        let history = "query ($id: ID!) { history(id: $id) { nodes { type actor data } } }";
        let answer = stoa.query(token.as_deref(), history, json!({ "id": order })).await;
        if sees {
            assert_eq!(
                answer["data"]["history"]["nodes"][0]["type"], "order.placed.v1",
                "{answer}"
            );
        } else {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
        }
    }
}

#[tokio::test]
async fn the_inside_of_a_store_is_its_members() {
    let stoa = Installation::start().await;
    let (owner, customer) = (UserId::generate(), UserId::generate());
    let store = stoa.store(owner).await;
    let listing = stoa.product(store, "Apple", 250, true).await;
    stoa.order(customer, store, listing).await;
    let queries = [
        "query ($id: ID!) { store(id: $id) { name members { user role } } }",
        "query ($id: ID!) { store(id: $id) { name contact } }",
        "query ($id: ID!) { store(id: $id) { name statistics {
            days { day orders revenue { amount } } totals { orders units revenue { amount currency } } } } }",
    ];
    let variables = json!({ "id": store });
    for query in queries {
        for stranger in [None, Some(stoa.token(customer, &[]))] {
            let answer = stoa.query(stranger.as_deref(), query, variables.clone()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
            // What is everybody's is there all the same.
            assert!(answer["data"]["store"]["name"].is_string(), "{answer}");
        }
        stoa.data(Some(&stoa.token(owner, &[])), query, variables.clone()).await;
    }
    let seen = stoa.data(Some(&stoa.token(owner, &[])), queries[2], variables).await;
    let totals = json!([{ "orders": 1, "units": 2, "revenue": { "amount": 500, "currency": "EUR" } }]);
    assert_eq!(seen["store"]["statistics"]["totals"], totals);
    assert_eq!(seen["store"]["statistics"]["days"][0]["orders"], 1);
}

#[tokio::test]
async fn chats_are_seen_by_those_in_them_and_channels_by_whoever_is_signed_in() {
    let stoa = Installation::start().await;
    let (anna, bert, carl) = (UserId::generate(), UserId::generate(), UserId::generate());
    let group = stoa.chat("group", anna, &[bert]).await;
    let channel = stoa.chat("channel", anna, &[]).await;
    let (message, _) = stoa.say(anna, group, "a word about apples").await;
    stoa.say(anna, channel, "news").await;
    let query = "query ($chat: ID!) {
        chat(id: $chat) { id messages(search: \"apples\") { totalCount } lastMessage { text } unreadCount viewerRole }
    }";
    let (group_id, channel_id) = (json!({ "chat": group }), json!({ "chat": channel }));
    let seen = stoa.data(Some(&stoa.token(bert, &[])), query, group_id.clone()).await;
    assert_eq!(seen["chat"]["messages"]["totalCount"], 1, "{seen}");
    assert_eq!(seen["chat"]["unreadCount"], 1, "{seen}");
    assert_eq!(seen["chat"]["viewerRole"], "member", "{seen}");
    let carls = stoa.token(carl, &[]);
    for stranger in [None, Some(carls.as_str())] {
        assert_eq!(stoa.data(stranger, query, group_id.clone()).await["chat"], Value::Null);
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        assert_eq!(
            stoa.data(stranger, node, json!({ "id": message })).await["node"],
            Value::Null
        );
        let messages = "query ($id: ID!) { messages(chatId: $id) { totalCount } }";
        assert_eq!(stoa.code(stranger, messages, json!({ "id": group })).await, "NOT_FOUND");
        assert_eq!(
            stoa.data(stranger, "{ chats { totalCount } }", json!({})).await["chats"]["totalCount"],
            0
        );
    }
    assert_eq!(stoa.data(None, query, channel_id.clone()).await["chat"], Value::Null);
    let seen = stoa.data(Some(&carls), query, channel_id).await;
    assert_eq!(seen["chat"]["lastMessage"]["text"], "news", "{seen}");
    let annas = stoa.token(anna, &[]);
    assert_eq!(
        stoa.data(Some(&annas), "{ chats { totalCount } }", json!({})).await["chats"]["totalCount"],
        2
    );
    // What somebody took back is not told by its history either.
    stoa.command(&annas, &format!("chats/{group}/messages/{message}/delete"), &json!({}))
        .await;
    let history = "query ($id: ID!) { history(id: $id, related: true) { nodes { type stream data } } }";
    let seen = stoa.data(Some(&annas), history, json!({ "id": group })).await;
    assert!(
        seen.to_string().contains("message.sent.v1") && !seen.to_string().contains("apples"),
        "{seen}"
    );
}

#[tokio::test]
async fn what_was_deleted_is_withheld_at_once_not_only_when_the_projection_knows() {
    let mut stoa = Installation::start().await;
    let owner = UserId::generate();
    let chat = stoa.chat("group", owner, &[]).await;
    let (message, _) = stoa.say(owner, chat, "a word about apples").await;
    stoa.settled().await;
    stoa.stop_projectors().await;
    let token = stoa.token(owner, &[]);
    let history = "query ($id: ID!) { history(id: $id) { nodes { type data } } }";
    let seen = stoa
        .query_after(Some(&token), history, json!({ "id": message }), None)
        .await;
    assert!(seen.to_string().contains("apples"), "{seen}");
    let path = format!("chats/{chat}/messages/{message}/delete");
    stoa.command(&token, &path, &json!({})).await;
    let seen = stoa
        .query_after(Some(&token), history, json!({ "id": message }), None)
        .await;
    assert_eq!(
        seen["data"]["history"]["nodes"][1]["type"], "message.deleted.v1",
        "{seen}"
    );
    assert!(!seen.to_string().contains("apples"), "{seen}");
}

#[tokio::test]
async fn who_is_invited_finds_the_chat_and_hears_nothing_before_joining() {
    let stoa = Installation::start().await;
    let (anna, bert) = (UserId::generate(), UserId::generate());
    let group = stoa.chat("group", anna, &[]).await;
    stoa.say(anna, group, "among us").await;
    let (annas, berts) = (stoa.token(anna, &[]), stoa.token(bert, &[]));
    let query = "query ($chat: ID!) {
        chats { totalCount nodes { id viewerMembership viewerRole lastMessage { text } messages { nodes { text } } } }
        messages(chatId: $chat) { totalCount } }";
    let id = json!({ "chat": group });
    assert_eq!(stoa.code(Some(&berts), query, id.clone()).await, "NOT_FOUND");
    stoa.command(&annas, &format!("chats/{group}/invite"), &json!({ "user": bert }))
        .await;
    let seen = stoa.data(Some(&berts), query, id.clone()).await;
    let invited = json!([{
        "id": group, "viewerMembership": "invited", "viewerRole": null, "lastMessage": null, "messages": { "nodes": [] },
    }]);
    assert_eq!(seen["chats"]["nodes"], invited, "{seen}");
    assert_eq!(seen["messages"]["totalCount"], 0);
    let history = "query ($chat: ID!) { history(id: $chat, related: true) { nodes { type } } }";
    assert_eq!(stoa.code(Some(&berts), history, id.clone()).await, "NOT_FOUND");
    let live = "subscription ($chat: ID!) { messageAdded(chatId: $chat) { position } }";
    let mut refused = Subscribed::to(&stoa.address, &berts, live, id.clone()).await;
    assert_eq!(
        refused.next().await.unwrap()["errors"][0]["extensions"]["code"],
        "NOT_FOUND"
    );
    stoa.command(&berts, &format!("chats/{group}/join"), &json!({})).await;
    let seen = stoa.data(Some(&berts), query, id).await;
    assert_eq!(seen["chats"]["nodes"][0]["viewerMembership"], "joined", "{seen}");
    assert_eq!(seen["messages"]["totalCount"], 1, "{seen}");
}

#[tokio::test]
async fn a_channels_history_is_its_members_and_tells_its_audience_of_nobody_else() {
    let stoa = Installation::start().await;
    let (anna, bert, carl) = (UserId::generate(), UserId::generate(), UserId::generate());
    let channel = stoa.chat("channel", anna, &[]).await;
    let (message, _) = stoa.say(anna, channel, "news").await;
    let berts = stoa.token(bert, &[]);
    let carls = stoa.token(carl, &[]);
    for token in [&berts, &carls] {
        stoa.command(token, &format!("chats/{channel}/join"), &json!({})).await;
        let path = format!("chats/{channel}/advance-read-marker");
        stoa.command(token, &path, &json!({ "upTo": message })).await;
    }
    let history = "query ($id: ID!) { history(id: $id, related: true) { nodes { type version actor data } } }";
    let stranger = stoa.token(UserId::generate(), &[]);
    for id in [channel.to_string(), message.to_string()] {
        assert_eq!(
            stoa.code(Some(&stranger), history, json!({ "id": id })).await,
            "NOT_FOUND"
        );
    }
    let id = json!({ "id": channel });
    let seen = stoa.data(Some(&berts), history, id.clone()).await;
    let told = seen.to_string();
    assert_eq!(
        seen["history"]["nodes"].as_array().unwrap().len(),
        6,
        "the versions have no gap: {seen}"
    );
    assert!(told.contains(&bert.to_string()) && told.contains("news"), "{seen}");
    assert!(!told.contains(&carl.to_string()), "{seen}");
    for all in [stoa.token(anna, &[]), stoa.token(carl, &[Role::Auditor])] {
        let seen = stoa.data(Some(&all), history, id.clone()).await.to_string();
        assert!(
            seen.contains(&bert.to_string()) && seen.contains(&carl.to_string()),
            "{seen}"
        );
    }
}
