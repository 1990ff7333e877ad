//! Projections that are run together stay projections of their own.

use domain::{
    family::Family,
    id::{OrderId, StoreId, UserId},
};

use super::{
    installation::{Installation, said},
    story::{placed, ranked, registered},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_that_is_far_behind_is_not_waited_for_and_comes_to_the_end() {
    let installation = Installation::new().await;
    let (store, owner) = (StoreId::generate(), UserId::generate());
    let opened = vec![said(store, registered(owner, "Corner"))];
    installation.append(Family::Listing, store, opened).await;
    for _ in 0..60 {
        let changes = ["staff", "admin"].into_iter().cycle().take(100);
        let changed = changes.map(|role| said(store, ranked(owner, role))).collect();
        installation.append(Family::Listing, store, changed).await;
    }
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    let rows = installation.rows("store").await;

    // It does not get ahead, and the others do.
    installation.forget("store").await;
    let mut standstill = installation.pool.begin().await.unwrap();
    sqlx::query("lock table store in access exclusive mode")
        .execute(&mut *standstill)
        .await
        .unwrap();
    let projectors = installation.project().await;
    let order = OrderId::generate();
    let events = vec![said(order, placed(store, 100, 1))];
    installation.append(Family::Order, order, events).await;
    installation.wait_for("select count(*) from order_summary", 1).await;
    standstill.commit().await.unwrap();
    installation.settled().await;
    projectors.shutdown().await;
    assert_eq!(installation.rows("store").await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn projections_that_stand_at_different_places_each_go_on_from_theirs() {
    let installation = Installation::new().await;
    let store = StoreId::generate();
    for _ in 0..40 {
        let order = OrderId::generate();
        let events = vec![said(order, placed(store, 100, 1))];
        installation.append(Family::Order, order, events).await;
    }
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    let orders = installation.rows("order-summary").await;
    // Applied twice, an order would count twice here: the others start from the beginning, this one must not.
    installation.forget("order-summary").await;
    installation.forget("payment").await;
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    assert_eq!(installation.rows("order-summary").await, orders);
    let counted = "select sum(orders)::bigint || ' ' || sum(revenue) from store_day";
    assert_eq!(installation.one::<String>(counted).await, "40 4000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_whose_chain_is_broken_stops_only_those_that_read_it() {
    let installation = Installation::new().await;
    let (store, owner) = (StoreId::generate(), UserId::generate());
    let opened = vec![said(store, registered(owner, "Corner"))];
    let (shard, offset) = installation.append(Family::Listing, store, opened).await;
    let changed = vec![said(store, ranked(owner, "staff"))];
    installation.append(Family::Listing, store, changed).await;
    let at = format!(
        "family = 'listing' and partition = {} and \"offset\" = {offset}",
        shard.partition
    );
    installation.run(&format!("delete from log_record where {at}")).await;
    let projectors = installation.project().await;
    for counted in 1..=3 {
        let order = OrderId::generate();
        let events = vec![said(order, placed(store, 100, 1))];
        installation.append(Family::Order, order, events).await;
        installation
            .wait_for("select count(*) from order_summary", counted)
            .await;
    }
    projectors.shutdown().await;
    assert_eq!(installation.one::<i64>("select count(*) from store").await, 0);
}
