//! An order: what a customer takes up, of one or more stores, and how far it has come.
//!
//! What was agreed on stands in the first event and never changes; every later event moves the order along
//! [`OrderStatus::next`]. Whether the goods are there and the money is, is not decided here: the fulfilment process asks
//! stock and payment, and confirms or refuses.

mod commands;
mod events;
mod place;
mod refusal;
mod status;
#[cfg(test)]
#[allow(
    clippy::inconsistent_digit_grouping,
    reason = "amounts are in cents: 100_00 is one hundred"
)]
mod tests;

pub use commands::*;
use cqrs_es::{Aggregate, event_sink::EventSink};
pub use events::*;
pub use refusal::OrderRefusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use status::OrderStatus;

use crate::{
    bounds,
    decision::{ScopeView, Services},
    entity::Entity,
    family::Family,
    id::{ListingId, StockId, StoreId},
    money::Money,
    order::delivery::DeliveryOption,
    viewer::StoreRole,
};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Order {
    /// The order, once it is placed.
    pub placed: Option<PlacedOrder>,
}

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedOrder {
    /// What was agreed on.
    pub terms: OrderPlaced,
    /// How far it has come.
    pub status: OrderStatus,
}

/// Whether Stoa carries an order out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fulfilment {
    /// It does: processes reserve stock and collect the payment.
    #[default]
    Internal,
    /// It happened elsewhere and is told as history: no process, timer or notification starts.
    External,
}

/// What is ordered of one listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrderLine {
    /// The listing.
    pub listing: ListingId,
    /// The store that sells it.
    pub store: StoreId,
    /// The stock that it is taken from, where the listing has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<StockId>,
    /// The listing's title as sold.
    pub title: String,
    /// The price of one as sold.
    pub unit_price: Money,
    /// How many; not zero.
    pub quantity: u32,
}

impl PlacedOrder {
    /// The stores that sell something of it, each once.
    pub fn stores(&self) -> Vec<StoreId> {
        let mut stores: Vec<_> = self.terms.lines.iter().map(|line| line.store).collect();
        stores.sort_unstable();
        stores.dedup();
        stores
    }

    /// Whether the viewer may act for one of its stores with at least this role.
    pub fn is_served_by(&self, services: &Services, least: StoreRole) -> bool {
        services.viewer.is_trusted()
            || self
                .stores()
                .into_iter()
                .any(|store| services.may_act_for(store, least))
    }

    /// Whether the viewer is the customer.
    pub fn is_of(&self, services: &Services) -> bool {
        services.viewer.is(self.terms.customer)
    }

    /// Whether nothing more can come of it: no more money is taken then.
    pub const fn is_off(&self) -> bool {
        matches!(
            self.status,
            OrderStatus::Refused | OrderStatus::Cancelled | OrderStatus::Returned
        )
    }

    fn may_become(&self, wanted: OrderStatus) -> Result<(), OrderRefusal> {
        let status = self.status;
        if status == wanted {
            return Err(OrderRefusal::NothingToChange { status });
        }
        if !status.next().contains(&wanted) {
            return Err(OrderRefusal::WrongStatus { status, wanted });
        }
        Ok(())
    }
}

const CUSTOMER_OR_STORE: &str = "the customer and the members of the store";
const STORE: &str = "the members of the store";
const STORE_SINCE_DISPATCH: &str = "the members of the store, now that the order is dispatched,";

impl Order {
    fn existing(&self) -> Result<&PlacedOrder, OrderRefusal> {
        self.placed.as_ref().ok_or(OrderRefusal::NotFound)
    }

    /// The order, if a store's member moves it to where it may go.
    fn moved_by_store(&self, services: &Services, wanted: OrderStatus) -> Result<(), OrderRefusal> {
        let order = self.existing()?;
        if !order.is_served_by(services, StoreRole::Staff) {
            return Err(OrderRefusal::Forbidden { needs: STORE });
        }
        order.may_become(wanted)
    }

    fn refuse(&self, command: RefuseOrder, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        self.moved_by_store(services, OrderStatus::Refused)?;
        let reason = reasoned(command.reason)?;
        Ok(OrderRefused { reason }.into())
    }

    fn mark_ready(&self, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        let (awaits, wanted) = match self.existing()?.terms.delivery.option {
            DeliveryOption::Collection => (Awaits::Collection, OrderStatus::AwaitingCollection),
            DeliveryOption::Delivery | DeliveryOption::Shipping => (Awaits::Dispatch, OrderStatus::Ready),
        };
        self.moved_by_store(services, wanted)?;
        Ok(OrderMarkedReady { awaits }.into())
    }

    fn dispatch(&self, command: DispatchOrder, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        self.moved_by_store(services, OrderStatus::Dispatched)?;
        let DispatchOrder { carrier, tracking } = command;
        bounds::optional_text("/carrier", carrier.as_ref(), 1..=LONGEST_REASON)?;
        bounds::optional_text("/tracking", tracking.as_ref(), 1..=LONGEST_REASON)?;
        Ok(OrderDispatched { carrier, tracking }.into())
    }

    fn cancel(&self, command: CancelOrder, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        let order = self.existing()?;
        let by_store = order.is_served_by(services, StoreRole::Staff);
        if !by_store && !order.is_of(services) {
            return Err(OrderRefusal::Forbidden {
                needs: CUSTOMER_OR_STORE,
            });
        }
        order.may_become(OrderStatus::Cancelled)?;
        if !by_store && order.status == OrderStatus::Dispatched {
            return Err(OrderRefusal::Forbidden {
                needs: STORE_SINCE_DISPATCH,
            });
        }
        let reason = reasoned(command.reason)?;
        Ok(OrderCancelled { reason }.into())
    }

    fn take_back(&self, command: ReturnOrder, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        let order = self.existing()?;
        if !order.is_served_by(services, StoreRole::Staff) && !order.is_of(services) {
            return Err(OrderRefusal::Forbidden {
                needs: CUSTOMER_OR_STORE,
            });
        }
        order.may_become(OrderStatus::Returned)?;
        let reason = reasoned(command.reason)?;
        Ok(OrderReturned { reason }.into())
    }

    fn decide(&self, command: OrderCommand, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        if services.user().is_none() {
            return Err(OrderRefusal::Forbidden {
                needs: place::SIGNED_IN,
            });
        }
        match command {
            OrderCommand::Place(command) => self.place(command, services),
            OrderCommand::Refuse(command) => self.refuse(command, services),
            OrderCommand::MarkReady(MarkOrderReady {}) => self.mark_ready(services),
            OrderCommand::Dispatch(command) => self.dispatch(command, services),
            OrderCommand::Cancel(command) => self.cancel(command, services),
            OrderCommand::Return(command) => self.take_back(command, services),
            OrderCommand::Confirm(ConfirmOrder {}) => {
                self.moved_by_store(services, OrderStatus::Confirmed)?;
                Ok(OrderConfirmed {}.into())
            }
            OrderCommand::StartPreparing(StartPreparingOrder {}) => {
                self.moved_by_store(services, OrderStatus::Preparing)?;
                Ok(OrderPreparationStarted {}.into())
            }
            OrderCommand::Deliver(DeliverOrder {}) => {
                self.moved_by_store(services, OrderStatus::Delivered)?;
                Ok(OrderDelivered {}.into())
            }
        }
    }
}

fn reasoned(reason: String) -> Result<String, OrderRefusal> {
    bounds::text("/reason", &reason, 1..=LONGEST_REASON)?;
    Ok(reason)
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderRefusal;
    type Services = Services;

    async fn handle(
        &mut self,
        command: OrderCommand,
        services: &Services,
        sink: &EventSink<Self>,
    ) -> Result<(), OrderRefusal> {
        let event = self.decide(command, services)?;
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        let status = event.status();
        if let OrderEvent::Placed(terms) = event {
            self.placed = Some(PlacedOrder { terms, status });
        } else if let Some(order) = &mut self.placed {
            order.status = status;
        }
    }
}

impl Entity for Order {
    const FAMILY: Family = Family::Order;
    const PREFIX: &'static str = "ord";
    const PATH: &'static str = "orders/{order}";

    fn stores(&self, _scope: &ScopeView, command: &OrderCommand) -> Vec<StoreId> {
        match (command, &self.placed) {
            (OrderCommand::Place(_), _) | (_, None) => Vec::new(),
            (_, Some(order)) => order.stores(),
        }
    }
}
