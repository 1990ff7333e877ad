//! Rows that are an aggregate.

use domain::{
    family::Family,
    id::{StoreId, UserId},
};
use serde_json::Value;

use super::{
    installation::{Installation, said},
    story::{ranked, registered},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_the_aggregate_after_its_last_event_across_restarts() {
    let installation = Installation::new().await;
    let (store, owner) = (StoreId::generate(), UserId::generate());
    let opened = vec![said(store, registered(owner, "Corner"))];
    let first = installation.append(Family::Listing, store, opened).await;
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    let at = format!("from store where id = '{store}'");
    assert_eq!(installation.one::<String>(&format!("select name {at}")).await, "Corner");
    assert_eq!(
        installation.one::<i64>(&format!("select changed {at}")).await,
        first.1.cast_signed()
    );

    let changed = vec![said(store, ranked(owner, "staff"))];
    let second = installation.append(Family::Listing, store, changed).await;
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    assert_eq!(installation.one::<i64>(&format!("select version {at}")).await, 2);
    assert_eq!(
        installation.one::<i64>(&format!("select changed {at}")).await,
        second.1.cast_signed()
    );
    let state: Value = installation.one(&format!("select state {at}")).await;
    assert_eq!(state["members"][owner.to_string()], "staff", "{state}");
    let member = format!("select role from store_member where store = '{store}' and user_id = '{owner}'");
    assert_eq!(installation.one::<String>(&member).await, "staff");
}
