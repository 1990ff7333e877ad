//! Stores, and who works there.

use domain::listing::store::Store;
use sqlx::PgConnection;

use crate::{
    entity::{EntityRow, Folded},
    projection::ProjectionError,
    row::word,
    table::{Table, table},
};

table! {
    /// A store.
    pub struct StoreRow in "store", an entity {
        kind: String = "text",
        name: String = "text",
        verification: String = "text",
        city: Option<String> = "text",
        region: Option<String> = "text",
        country: Option<String> = "text",
        latitude: Option<f64> = "double precision",
        longitude: Option<f64> = "double precision",
    }
}

table! {
    /// A member of a store.
    pub struct MemberRow in "store_member" keyed by (store: String = "text", user_id: String = "text") {
        role: String = "text",
    }
}

impl EntityRow for StoreRow {
    type Aggregate = Store;
    const NAME: &'static str = "store";
    const BESIDE: &'static [&'static str] = &[MemberRow::TABLE];

    fn row(folded: Folded<Store>) -> Option<Self> {
        let kept = folded.kept();
        let store = folded.aggregate.state?;
        let location = store.location.as_ref();
        let point = location.and_then(|location| location.point);
        Some(Self {
            kind: word(&store.kind),
            name: store.profile.name,
            verification: word(&store.verification),
            city: location.map(|location| location.city.clone()),
            region: location.and_then(|location| location.state.clone()),
            country: location.map(|location| location.country.clone()),
            latitude: point.map(|point| degrees(point.latitude)),
            longitude: point.map(|point| degrees(point.longitude)),
            kept,
        })
    }

    /// A store has at most some hundred members and they change rarely: all are written anew.
    async fn beside(folded: &[Folded<Store>], transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let ids: Vec<&str> = folded.iter().map(Folded::id).collect();
        sqlx::query("delete from store_member where store = any($1)")
            .bind(&ids)
            .execute(&mut *transaction)
            .await?;
        MemberRow::upsert(transaction, folded.iter().flat_map(members).collect()).await?;
        Ok(())
    }
}

fn members(folded: &Folded<Store>) -> Vec<MemberRow> {
    let members = folded.aggregate.state.iter().flat_map(|store| &store.members);
    members
        .map(|(user, role)| MemberRow {
            store: folded.id().to_owned(),
            user_id: user.to_string(),
            role: word(role),
        })
        .collect()
}

/// Events hold whole micro-degrees; the map wants degrees.
fn degrees(micro: i32) -> f64 {
    f64::from(micro) / 1e6
}
