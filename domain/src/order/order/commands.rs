//! What can be asked of an order, with the limits of each command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fulfilment, OrderLine};
use crate::{
    commands,
    id::UserId,
    listing::stock::MOST_ON_HAND,
    money::{Currency, Money},
    order::delivery::DeliveryWish,
};

commands! {
    /// What can be asked of an order.
    pub enum OrderCommand {
        Place(PlaceOrder) = "place", "Orders what the lines name, at the prices they name.";
        Confirm(ConfirmOrder) = "confirm", "Takes the order on.";
        Refuse(RefuseOrder) = "refuse", "Does not take the order on.";
        StartPreparing(StartPreparingOrder) = "start-preparing", "Begins to prepare what was ordered.";
        MarkReady(MarkOrderReady) = "mark-ready", "Says that it is ready to be dispatched, or to be collected.";
        Dispatch(DispatchOrder) = "dispatch", "Sends it on its way.";
        Deliver(DeliverOrder) = "deliver", "Says that the customer has it.";
        Cancel(CancelOrder) = "cancel", "Calls the order off before it is delivered.";
        Return(ReturnOrder) = "return", "Takes back what was delivered.";
    }
}

/// The most lines of an order.
pub const MOST_LINES: usize = 200;
/// The most pieces of a line: as many as a stock can hold.
pub const MOST_PIECES: u32 = MOST_ON_HAND;
/// The longest title of a line, in characters.
pub const LONGEST_TITLE: usize = 300;
/// The longest comment, in characters.
pub const LONGEST_COMMENT: usize = 2_000;
/// The longest reason, carrier or tracking number, in characters.
pub const LONGEST_REASON: usize = 500;

/// Orders what the lines name, at the prices they name. `total = subtotal - discount + tax + deliveryFee`, and the
/// subtotal is the sum of unit price times quantity; all in one currency, none negative and none above 10^15 minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PlaceOrder {
    /// Who orders: the viewer, unless an importer or a process names somebody.
    #[serde(default)]
    pub customer: Option<UserId>,
    /// Whether Stoa carries it out; only an importer may say `external`.
    #[serde(default)]
    pub fulfilment: Fulfilment,
    /// The currency of every amount of the order.
    pub currency: Currency,
    /// What is ordered: 1 to 200 lines.
    pub lines: Vec<OrderLine>,
    /// What the customer wants to say.
    #[serde(default)]
    pub comment: Option<String>,
    /// How it reaches the customer.
    pub delivery: DeliveryWish,
    /// The sum of the lines.
    pub subtotal: Money,
    /// Taken off; nothing when it is left out.
    #[serde(default)]
    pub discount: Option<Money>,
    /// Added on; nothing when it is left out.
    #[serde(default)]
    pub tax: Option<Money>,
    /// Freight; nothing when it is left out.
    #[serde(default)]
    pub delivery_fee: Option<Money>,
    /// What the customer owes.
    pub total: Money,
}

/// Takes the order on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmOrder {}

/// Does not take the order on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefuseOrder {
    /// Why.
    pub reason: String,
}

/// Begins to prepare what was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StartPreparingOrder {}

/// Says that it is ready to be dispatched, or to be collected.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MarkOrderReady {}

/// Sends it on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DispatchOrder {
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The carrier's number for it.
    #[serde(default)]
    pub tracking: Option<String>,
}

/// Says that the customer has it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeliverOrder {}

/// Calls the order off before it is delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CancelOrder {
    /// Why.
    pub reason: String,
}

/// Takes back what was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReturnOrder {
    /// Why.
    pub reason: String,
}
