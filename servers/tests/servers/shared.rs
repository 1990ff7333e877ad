//! The shared Postgres, whether the environment names one or this process starts its own.

use servers::shared;
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn every_caller_gets_an_empty_database_of_its_own() {
    let (one, other) = (
        shared::postgres().await.database().await,
        shared::postgres().await.database().await,
    );
    assert_ne!(one, other);
    for url in [one, other] {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        // A second caller in the same database would find the first one's table.
        sqlx::query("CREATE TABLE mine (id int)")
            .execute(&mut connection)
            .await
            .unwrap();
    }
}
