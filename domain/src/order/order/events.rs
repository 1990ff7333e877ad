//! What happened to an order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fulfilment, OrderLine, OrderStatus};
use crate::{
    events,
    id::UserId,
    money::{Currency, Money},
    order::delivery::Delivery,
    personal::Personal,
};

events! {
    /// What happened to an order.
    pub enum OrderEvent {
        Placed(OrderPlaced) = "order.placed.v1";
        Confirmed(OrderConfirmed) = "order.confirmed.v1";
        Refused(OrderRefused) = "order.refused.v1";
        PreparationStarted(OrderPreparationStarted) = "order.preparation-started.v1";
        MarkedReady(OrderMarkedReady) = "order.marked-ready.v1";
        Dispatched(OrderDispatched) = "order.dispatched.v1";
        Delivered(OrderDelivered) = "order.delivered.v1";
        Cancelled(OrderCancelled) = "order.cancelled.v1";
        Returned(OrderReturned) = "order.returned.v1";
    }
}

/// A customer ordered. `total = subtotal - discount + tax + deliveryFee`, and the subtotal is the sum of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// Who ordered.
    pub customer: UserId,
    /// Whether Stoa carries it out.
    pub fulfilment: Fulfilment,
    /// The currency of every amount of the order.
    pub currency: Currency,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What the customer wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Personal<String>>,
    /// How it reaches the customer.
    pub delivery: Delivery,
    /// The sum of the lines.
    pub subtotal: Money,
    /// Taken off.
    pub discount: Money,
    /// Added on.
    pub tax: Money,
    /// Freight.
    pub delivery_fee: Money,
    /// What the customer owes.
    pub total: Money,
}

/// The store takes the order on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {}

/// The store does not take the order on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRefused {
    /// Why.
    pub reason: String,
}

/// The store began to prepare what was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderPreparationStarted {}

/// What was ordered is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderMarkedReady {
    /// What it waits for now.
    pub awaits: Awaits,
}

/// What an order that is ready waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Awaits {
    /// The store or a carrier takes it along.
    Dispatch,
    /// The customer comes for it.
    Collection,
}

/// It is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDispatched {
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
}

/// The customer has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {}

/// Nothing comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// Why.
    pub reason: String,
}

/// The customer gave it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderReturned {
    /// Why.
    pub reason: String,
}

impl OrderEvent {
    /// Where the order stands after this event: the event alone tells.
    pub const fn status(&self) -> OrderStatus {
        match self {
            Self::Placed(_) => OrderStatus::Placed,
            Self::Confirmed(_) => OrderStatus::Confirmed,
            Self::Refused(_) => OrderStatus::Refused,
            Self::PreparationStarted(_) => OrderStatus::Preparing,
            Self::MarkedReady(OrderMarkedReady { awaits }) => match awaits {
                Awaits::Dispatch => OrderStatus::Ready,
                Awaits::Collection => OrderStatus::AwaitingCollection,
            },
            Self::Dispatched(_) => OrderStatus::Dispatched,
            Self::Delivered(_) => OrderStatus::Delivered,
            Self::Cancelled(_) => OrderStatus::Cancelled,
            Self::Returned(_) => OrderStatus::Returned,
        }
    }
}
