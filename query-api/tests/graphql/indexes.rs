//! Lists read about as many rows as they show, however many there are.

use std::time::Duration;

use domain::{id::UserId, viewer::Role};
use query_api::Settings;
use serde_json::json;
use tokio::time::sleep;

use crate::installation::Installation;

/// So many of each.
const ROWS: i64 = 20_000;
/// How long Postgres gathers what a connection counted before it tells.
const COUNTED_WITHIN: Duration = Duration::from_millis(1_100);

/// Rows as projections would have made them: a customer has twenty orders, the store half of all.
async fn fill(stoa: &Installation, customer: UserId, member: UserId, store: &str) {
    for sql in [
        "insert into order_summary (id, number, customer, status, fulfilment, currency, subtotal, discount, tax,
             delivery_fee, total, delivery, placed_at, updated_at, version, partition, changed)
         select 'ord_' || lpad(n::text, 8, '0'), n::text, case when n % 1000 = 7 then $1 else 'usr_' || n % 500 end,
             'placed', 'external', 'EUR', 500, 0, 0, 0, 500, '{}', timestamptz '2026-01-01' + n * interval '1 minute',
             now(), 1, 0, n
         from generate_series(1, $4::bigint) n where $2 <> $3",
        "insert into order_store (store, order_id, placed_at)
         select case when n % 2 = 0 then $3 else 'sto_' || n % 100 end, 'ord_' || lpad(n::text, 8, '0'),
             timestamptz '2026-01-01' + n * interval '1 minute'
         from generate_series(1, $4::bigint) n where $1 <> $2",
        "insert into store_member (store, user_id, role) select $3, $2, 'admin' where $1 <> $2 and $4 > 0",
        "insert into listing (id, kind, status, title, owner, price, currency, category, sub_category, tags, featured,
             state, created_at, updated_at, version, partition, changed)
         select 'lst_' || lpad(n::text, 8, '0'), 'product', 'published', 'Apple ' || md5(n::text), $2, n * 7919 % 1000,
             'EUR', 'cat_' || n % 40, 'cat_' || 100 + n % 400, '[]', false, '{}',
             timestamptz '2026-01-01' + n * interval '1 minute', now(), 1, 0, n
         from generate_series(1, $4::bigint) n where $1 <> $3",
        "insert into chat (id, kind, secret, archived, member_count, last_seq, created_at, updated_at, version, partition,
             changed)
         select 'cht_' || lpad(n::text, 8, '0'), 'group', false, false, 2, 0,
             timestamptz '2026-01-01' + n * interval '1 minute', now(), 1, 0, n
         from generate_series(1, $4::bigint) n where $1 <> $2 and $2 <> $3",
    ] {
        let query = sqlx::query(sql)
            .bind(customer.to_string())
            .bind(member.to_string())
            .bind(store)
            .bind(ROWS);
        query.execute(&stoa.pool).await.unwrap();
    }
    sqlx::query("analyze").execute(&stoa.pool).await.unwrap();
}

/// Rows that all queries have read so far, by a scan or an index.
async fn read_so_far(stoa: &Installation) -> i64 {
    let sql = "select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_user_tables
        where relname in ('listing', 'order_summary', 'order_store', 'chat')";
    sqlx::query_scalar(sql).fetch_one(&stoa.pool).await.unwrap()
}

#[tokio::test]
async fn a_list_reads_the_rows_that_it_shows_and_not_the_whole_table() {
    // With one connection, whatever a query counted is told at the end of the next.
    let stoa = Installation::without_projectors(Settings {
        connections: 1,
        ..Settings::default()
    })
    .await;
    let (customer, member) = (UserId::generate(), UserId::generate());
    let store = "sto_01890a5d-ac96-774b-bcce-b302099a8057";
    fill(&stoa, customer, member, store).await;
    let customers = stoa.token(customer, &[]);
    let members = stoa.token(member, &[]);
    let auditors = stoa.token(UserId::generate(), &[Role::Auditor]);
    let of_store = format!("{{ orders(filter: {{ store: \"{store}\" }}) {{ nodes {{ id }} }} }}");
    let listings = |order: &str| format!("{{ listings(orderBy: {order}) {{ nodes {{ id }} }} }}");
    for (token, query) in [
        (
            &customers,
            "{ orders { totalCount totals { count } nodes { id } } }".to_owned(),
        ),
        (&members, of_store.clone()),
        (&auditors, of_store),
        (&customers, listings("NEWEST")),
        (&customers, listings("PRICE_ASCENDING")),
        (&customers, listings("PRICE_DESCENDING")),
        (&customers, listings("TITLE")),
        (
            &customers,
            "{ listings(filter: { category: \"cat_123\" }) { nodes { id } } }".to_owned(),
        ),
        (&auditors, "{ chats { nodes { id } } }".to_owned()),
    ] {
        let before = read_so_far(&stoa).await;
        for pause in [COUNTED_WITHIN, Duration::ZERO] {
            let answer = stoa.query_after(Some(token), &query, json!({}), None).await;
            let nodes = answer["data"].as_object().unwrap().values().next().unwrap()["nodes"].clone();
            assert_eq!(nodes.as_array().unwrap().len(), 20, "{query}: {answer}");
            sleep(pause).await;
        }
        // The last statement's count comes a moment after its answer.
        sleep(Duration::from_millis(50)).await;
        let read = read_so_far(&stoa).await - before;
        assert!((1..1_000).contains(&read), "{query}: {read} rows read");
    }
}
