//! Pages, searches and facets.

use std::collections::BTreeSet;

use domain::id::UserId;
use serde_json::{Value, json};

use crate::installation::Installation;

const LISTINGS: &str = "query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: ListingOrder,
        $search: String, $filter: ListingFilter) {
    listings(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, search: $search,
             filter: $filter) {
        totalCount edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}";

/// Every id of a list in its order, walked from one end in pages of three.
async fn walk(stoa: &Installation, order: &str, search: Option<&str>, backwards: bool) -> Vec<String> {
    let (size, cursor, more, from) = if backwards {
        ("last", "before", "hasPreviousPage", "startCursor")
    } else {
        ("first", "after", "hasNextPage", "endCursor")
    };
    let mut ids = Vec::new();
    let mut variables = json!({ size: 3, "orderBy": order, "search": search });
    loop {
        let data = stoa.data(None, LISTINGS, variables.clone()).await;
        let page = &data["listings"];
        let mut found: Vec<String> = page["edges"].as_array().unwrap().iter().map(id).collect();
        if backwards {
            found.reverse();
        }
        ids.extend(found);
        if page["pageInfo"][more] == false {
            return ids;
        }
        variables[cursor] = page["pageInfo"][from].clone();
    }
}

fn id(edge: &Value) -> String {
    edge["node"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn pages_are_complete_and_without_doubles_in_every_order_and_both_directions() {
    let stoa = Installation::start().await;
    let store = stoa.store(UserId::generate()).await;
    let mut all = BTreeSet::new();
    for n in 0..10 {
        // Titles and prices that several share, so that ties are broken by the id.
        let listing = stoa
            .product(store, &format!("Apple number {}", n % 3), 100 * (n % 4), true)
            .await;
        all.insert(listing.to_string());
    }
    for order in [
        "NEWEST",
        "OLDEST",
        "PRICE_ASCENDING",
        "PRICE_DESCENDING",
        "TITLE",
        "RELEVANCE",
    ] {
        let search = (order == "RELEVANCE").then_some("apples");
        let forward = walk(&stoa, order, search, false).await;
        assert_eq!(forward.len(), all.len(), "{order}");
        assert_eq!(forward.iter().cloned().collect::<BTreeSet<_>>(), all, "{order}");
        let mut backward = walk(&stoa, order, search, true).await;
        backward.reverse();
        assert_eq!(forward, backward, "{order}");
    }
}

#[tokio::test]
async fn searches_counts_and_facets_go_by_the_same_conditions() {
    let stoa = Installation::start().await;
    let store = stoa.store(UserId::generate()).await;
    for (title, price) in [("Red apple", 150), ("Green apple", 1_500), ("Pear", 1_600)] {
        stoa.product(store, title, price, true).await;
    }
    stoa.product(store, "Secret apple", 100, false).await;
    let query = "query ($search: String, $filter: ListingFilter) { listings(search: $search, filter: $filter) {
        totalCount nodes { title price { amount currency } store { id name } }
        facets { tags { tag count } stores { store { id } count } prices { from below count } categories { count } }
    } }";
    let found = stoa.data(None, query, json!({ "search": "apples" })).await;
    assert_eq!(found["listings"]["totalCount"], 2, "{found}");
    let facets = &found["listings"]["facets"];
    assert_eq!(facets["tags"], json!([{ "tag": "fresh", "count": 2 }]));
    assert_eq!(facets["stores"], json!([{ "store": { "id": store }, "count": 2 }]));
    assert_eq!(
        facets["prices"],
        json!([{ "from": 0, "below": 1000, "count": 1 }, { "from": 1000, "below": 2000, "count": 1 }])
    );
    let filter = json!({ "priceFrom": 1500, "currency": "EUR", "tags": ["fresh"], "store": store, "kind": "product" });
    let found = stoa.data(None, query, json!({ "filter": filter })).await;
    assert_eq!(found["listings"]["totalCount"], 2, "{found}");
}

#[tokio::test]
async fn what_a_client_gives_wrong_is_told_with_a_code() {
    let stoa = Installation::start().await;
    let nothing = json!({});
    for (query, code) in [
        ("{ listings(after: \"nonsense\") { totalCount } }", "BAD_CURSOR"),
        ("{ listings(first: 0) { totalCount } }", "BAD_INPUT"),
        ("{ listings(first: 101) { totalCount } }", "BAD_INPUT"),
        ("{ listings(first: 1, last: 1) { totalCount } }", "BAD_INPUT"),
        ("{ listings(orderBy: RELEVANCE) { totalCount } }", "BAD_INPUT"),
        ("{ listings(search: \"a\\u0000b\") { totalCount } }", "BAD_INPUT"),
        ("{ listing(id: \"lst_1\") { id } }", "BAD_ID"),
        ("{ node(id: \"what\") { id } }", "BAD_INPUT"),
        ("{ nothing }", "BAD_QUERY"),
        (
            "{ history(id: \"ord_01890a5d-ac96-774b-bcce-b302099a8057\") { nodes { id } } }",
            "NOT_FOUND",
        ),
    ] {
        assert_eq!(stoa.code(None, query, nothing.clone()).await, code, "{query}");
    }
    // A cursor of the right order whose value is not of its type.
    let made_up = "WyJuZXdlc3QiLCJub3QgYSB0aW1lIiwibHN0XzEiXQ";
    let code = stoa.code(None, LISTINGS, json!({ "first": 3, "after": made_up })).await;
    assert_eq!(code, "BAD_CURSOR");
    let deep = format!("{{ categories {} id {} }}", "{ parent ".repeat(30), "} ".repeat(30));
    assert_eq!(stoa.code(None, &deep, nothing.clone()).await, "BAD_QUERY");
    let dear = "{ stores(first: 100) { nodes { listings(first: 100) { nodes { id title status kind } } } } }";
    assert_eq!(stoa.code(None, dear, nothing).await, "BAD_QUERY");
}
