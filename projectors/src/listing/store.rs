//! Stores, and who works there.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{family::Family, listing::store::Store};
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    fold::{Folded, Remembered, fold},
    projection::{Projection, ProjectionError},
    row::{json, word},
    table::table,
};

table! {
    /// A store.
    pub struct StoreRow in "store" keyed by (id: String = "text") {
        kind: String = "text",
        name: String = "text",
        verification: String = "text",
        city: Option<String> = "text",
        region: Option<String> = "text",
        country: Option<String> = "text",
        latitude: Option<f64> = "double precision",
        longitude: Option<f64> = "double precision",
        state: Value = "jsonb",
        created_at: DateTime<Utc> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

table! {
    /// A member of a store.
    pub struct MemberRow in "store_member" keyed by (store: String = "text", user_id: String = "text") {
        role: String = "text",
    }
}

/// The projection of stores.
#[derive(Debug)]
pub struct Stores;

#[async_trait]
impl Projection for Stores {
    fn name(&self) -> &'static str {
        "store"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Listing]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = StoreRow::fetch(transaction, &batch.streams("sto")).await?;
        let known = known.into_iter().map(
            |StoreRow {
                 id, state, created_at, ..
             }| Remembered { id, state, created_at },
        );
        let folded = fold::<Store>(self, batch, known)?;
        let ids: Vec<String> = folded.iter().map(|folded| folded.id.clone()).collect();
        let members = folded.iter().flat_map(members).collect();
        StoreRow::upsert(transaction, folded.into_iter().filter_map(row).collect()).await?;
        // A store has at most some hundred members and they change rarely: all are written anew.
        sqlx::query("delete from store_member where store = any($1)")
            .bind(&ids)
            .execute(&mut *transaction)
            .await?;
        MemberRow::upsert(transaction, members).await?;
        Ok(())
    }
}

fn members(folded: &Folded<Store>) -> Vec<MemberRow> {
    let members = folded.aggregate.state.iter().flat_map(|store| &store.members);
    members
        .map(|(user, role)| MemberRow {
            store: folded.id.clone(),
            user_id: user.to_string(),
            role: word(role),
        })
        .collect()
}

fn row(folded: Folded<Store>) -> Option<StoreRow> {
    let state = json(&folded.aggregate);
    let store = folded.aggregate.state?;
    let location = store.location.as_ref();
    let point = location.and_then(|location| location.point);
    Some(StoreRow {
        id: folded.id,
        kind: word(&store.kind),
        name: store.profile.name,
        verification: word(&store.verification),
        city: location.map(|location| location.city.clone()),
        region: location.and_then(|location| location.state.clone()),
        country: location.map(|location| location.country.clone()),
        latitude: point.map(|point| degrees(point.latitude)),
        longitude: point.map(|point| degrees(point.longitude)),
        state,
        created_at: folded.created_at,
        updated_at: folded.updated_at,
        version: folded.version,
        partition: folded.partition,
        changed: folded.changed,
    })
}

/// Events hold whole micro-degrees; the map wants degrees.
fn degrees(micro: i32) -> f64 {
    f64::from(micro) / 1e6
}
