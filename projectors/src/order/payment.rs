//! Payments: what was asked for, set aside, charged and given back; each apart.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    family::Family,
    money::Money,
    order::payment::{PaymentEvent, PaymentMethod},
};
use event_log::commit::StoredEvent;
use sqlx::PgConnection;

use crate::{
    batch::Batch,
    projection::{Projection, ProjectionError},
    row::{partition, word},
    table::{Table, table},
};

table! {
    /// A payment.
    pub struct PaymentRow in "payment" keyed by (id: String = "text") {
        order_id: String = "text",
        status: String = "text",
        method: String = "text",
        installments: Option<i16> = "smallint",
        currency: String = "text",
        requested: i64 = "bigint",
        authorised: i64 = "bigint",
        captured: i64 = "bigint",
        refunded: i64 = "bigint",
        reference: Option<String> = "text",
        reason: Option<String> = "text",
        updated_at: DateTime<Utc> = "timestamptz",
        version: i64 = "bigint",
        partition: i16 = "smallint",
        changed: i64 = "bigint",
    }
}

/// The projection of payments.
#[derive(Debug)]
pub struct Payments;

#[async_trait]
impl Projection for Payments {
    fn name(&self) -> &'static str {
        "payment"
    }

    fn families(&self) -> &'static [Family] {
        &[Family::Order]
    }

    fn tables(&self) -> Vec<&'static str> {
        vec![PaymentRow::TABLE]
    }

    async fn apply(&self, batch: &Batch, transaction: &mut PgConnection) -> Result<(), ProjectionError> {
        let known = PaymentRow::fetch(transaction, &batch.streams("pay")).await?;
        let mut rows: HashMap<String, PaymentRow> = known.into_iter().map(|row| (row.id.clone(), row)).collect();
        for (stored, event) in batch.of::<PaymentEvent>()? {
            let stream = &stored.envelope.stream;
            match &event {
                PaymentEvent::Requested(event) if !rows.contains_key(stream) => {
                    rows.insert(
                        stream.clone(),
                        payment(stored, event.amount, event.method, event.installments),
                    );
                }
                PaymentEvent::Authorised(event) if !rows.contains_key(stream) => {
                    rows.insert(
                        stream.clone(),
                        payment(stored, event.amount, event.method, event.installments),
                    );
                }
                _ => {}
            }
            if let Some(row) = rows.get_mut(stream) {
                advance(row, stored, event);
            }
        }
        PaymentRow::upsert(transaction, rows.into_values().collect()).await?;
        Ok(())
    }
}

fn payment(stored: &StoredEvent, amount: Money, method: PaymentMethod, installments: Option<u8>) -> PaymentRow {
    PaymentRow {
        id: stored.envelope.stream.clone(),
        order_id: stored.scope.clone().unwrap_or_default(),
        status: String::new(),
        method: word(&method),
        installments: installments.map(i16::from),
        currency: amount.currency.to_string(),
        requested: amount.amount,
        authorised: 0,
        captured: 0,
        refunded: 0,
        reference: None,
        reason: None,
        updated_at: stored.envelope.time,
        version: 0,
        partition: 0,
        changed: 0,
    }
}

fn advance(row: &mut PaymentRow, stored: &StoredEvent, event: PaymentEvent) {
    row.status = word(&event.status());
    row.updated_at = stored.envelope.time;
    row.version = stored.envelope.version.cast_signed();
    row.partition = partition(stored.shard);
    row.changed = stored.offset.cast_signed();
    match event {
        PaymentEvent::Requested(_) => {}
        PaymentEvent::Authorised(event) => (row.authorised, row.reference) = (event.amount.amount, event.reference),
        PaymentEvent::Captured(event) => row.captured = event.captured.amount,
        PaymentEvent::Refunded(event) => {
            (row.refunded, row.reason) = (event.refunded.amount, Some(event.reason));
        }
        PaymentEvent::Voided(event) => row.reason = Some(event.reason),
        PaymentEvent::Failed(event) => row.reason = Some(event.reason),
        PaymentEvent::ChargedBack(event) => row.reason = Some(event.reason),
    }
}
