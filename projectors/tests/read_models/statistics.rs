//! What stores sold.

use domain::{
    family::Family,
    id::{OrderId, StoreId},
};

use super::{
    installation::{Installation, said},
    story::{cancelled, placed},
};

async fn order(installation: &Installation, store: StoreId, unit_price: i64, quantity: u32) -> OrderId {
    let order = OrderId::generate();
    let events = vec![said(order, placed(store, unit_price, quantity))];
    installation.append(Family::Order, order, events).await;
    order
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_is_too_large_for_the_sums() {
    let installation = Installation::new().await;
    let store = StoreId::generate();
    // Larger than any order that can be placed: events that older software let in stay in the log for good.
    for _ in 0..3 {
        order(&installation, store, i64::MAX, u32::MAX).await;
    }
    let ordinary = order(&installation, store, 100, 2).await;
    let projectors = installation.project().await;
    installation.settled().await;
    let expected = (3 * i128::from(i64::MAX) * i128::from(u32::MAX) + 200).to_string();
    let sum = format!("select sum(revenue)::text from store_day where store = '{store}'");
    assert_eq!(installation.one::<String>(&sum).await, expected);
    let quantity = "select max(quantity) from order_line";
    assert_eq!(installation.one::<i64>(quantity).await, i64::from(u32::MAX));

    let cancelled = vec![said(ordinary, cancelled())];
    let (_, offset) = installation.append(Family::Order, ordinary, cancelled).await;
    installation.settled().await;
    let expected = (3 * i128::from(i64::MAX) * i128::from(u32::MAX)).to_string();
    assert_eq!(installation.one::<String>(&sum).await, expected);
    let orders = format!("select sum(orders)::bigint from store_day where store = '{store}'");
    assert_eq!(installation.one::<i64>(&orders).await, 3);
    let changed = format!("select changed from store_sale where order_id = '{ordinary}'");
    assert_eq!(installation.one::<i64>(&changed).await, offset.cast_signed());
    projectors.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_placed_and_cancelled_in_one_batch_counts_for_nothing() {
    let installation = Installation::new().await;
    let store = StoreId::generate();
    let gone = order(&installation, store, 100, 2).await;
    order(&installation, store, 70, 1).await;
    installation
        .append(Family::Order, gone, vec![said(gone, cancelled())])
        .await;
    let projectors = installation.project().await;
    installation.settled().await;
    projectors.shutdown().await;
    let sums = "select sum(orders)::bigint || ' ' || sum(revenue) || ' ' || sum(units) from store_day";
    assert_eq!(installation.one::<String>(sums).await, "1 70 1");
}
