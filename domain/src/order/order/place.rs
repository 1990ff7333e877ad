//! Placing an order: the checks of what the lines and amounts say.

use super::{
    Fulfilment, LONGEST_COMMENT, LONGEST_TITLE, MOST_LINES, MOST_PIECES, Order, OrderEvent, OrderLine, OrderPlaced,
    OrderRefusal, PlaceOrder,
};
use crate::{
    bounds,
    decision::Services,
    money::{Currency, MOST_AMOUNT, Money, MoneyError},
    order::delivery::Delivery,
    personal::Personal,
    viewer::Role,
};

pub(super) const SIGNED_IN: &str = "signed-in users";
const IMPORTER: &str = "importers";
const THE_CUSTOMER: &str = "the customer who is named";

impl Order {
    pub(super) fn place(&self, command: PlaceOrder, services: &Services) -> Result<OrderEvent, OrderRefusal> {
        if self.placed.is_some() {
            return Err(OrderRefusal::AlreadyExists);
        }
        let customer = command
            .customer
            .or_else(|| services.user())
            .ok_or(OrderRefusal::Forbidden { needs: SIGNED_IN })?;
        if !services.viewer.is(customer) && !services.viewer.is_trusted() {
            return Err(OrderRefusal::Forbidden { needs: THE_CUSTOMER });
        }
        if command.fulfilment == Fulfilment::External && !services.viewer.has(Role::Importer) {
            return Err(OrderRefusal::Forbidden { needs: IMPORTER });
        }
        check_lines(&command.lines, command.currency)?;
        bounds::optional_text("/comment", command.comment.as_ref(), 1..=LONGEST_COMMENT)?;
        command.delivery.check()?;
        let amounts = Amounts::checked(&command)?;
        Ok(OrderPlaced {
            customer,
            fulfilment: command.fulfilment,
            currency: command.currency,
            lines: command.lines,
            comment: command.comment.map(|comment| Personal::open(customer, comment)),
            delivery: Delivery {
                option: command.delivery.option,
                address: command
                    .delivery
                    .address
                    .map(|address| Personal::open(customer, address)),
                slot: command.delivery.slot,
                estimated: command.delivery.estimated,
            },
            subtotal: amounts.subtotal,
            discount: amounts.discount,
            tax: amounts.tax,
            delivery_fee: amounts.delivery_fee,
            total: amounts.total,
        }
        .into())
    }
}

fn check_lines(lines: &[OrderLine], currency: Currency) -> Result<(), OrderRefusal> {
    if lines.is_empty() {
        return Err(OrderRefusal::NoLines);
    }
    bounds::list("/lines", lines, 1..=MOST_LINES)?;
    for (line, sold) in lines.iter().enumerate() {
        bounds::text(format!("/lines/{line}/title"), &sold.title, 1..=LONGEST_TITLE)?;
        if sold.quantity == 0 {
            return Err(OrderRefusal::NoQuantity { line });
        }
        if sold.quantity > MOST_PIECES {
            return Err(OrderRefusal::QuantityTooLarge {
                line,
                most: MOST_PIECES,
                given: sold.quantity,
            });
        }
        check_amount(|| format!("/lines/{line}/unitPrice"), sold.unit_price, currency)?;
    }
    Ok(())
}

/// Refuses what is negative, too large or in another currency.
fn check_amount(field: impl Fn() -> String, amount: Money, currency: Currency) -> Result<(), OrderRefusal> {
    if amount.currency != currency {
        return Err(OrderRefusal::OtherCurrency {
            field: field(),
            expected: currency,
            given: amount.currency,
        });
    }
    if amount.amount < 0 {
        return Err(OrderRefusal::NegativeAmount { field: field(), amount });
    }
    if amount.amount > MOST_AMOUNT {
        return Err(too_large(field(), currency));
    }
    Ok(())
}

fn too_large(field: impl Into<String>, currency: Currency) -> OrderRefusal {
    OrderRefusal::AmountTooLarge {
        field: field.into(),
        most: Money::new(MOST_AMOUNT, currency),
    }
}

/// The amounts of an order, of which `total = subtotal - discount + tax + delivery fee` is known to hold.
struct Amounts {
    subtotal: Money,
    discount: Money,
    tax: Money,
    delivery_fee: Money,
    total: Money,
}

impl Amounts {
    fn checked(command: &PlaceOrder) -> Result<Self, OrderRefusal> {
        let nothing = Money::zero(command.currency);
        let amounts = Self {
            subtotal: command.subtotal,
            discount: command.discount.unwrap_or(nothing),
            tax: command.tax.unwrap_or(nothing),
            delivery_fee: command.delivery_fee.unwrap_or(nothing),
            total: command.total,
        };
        for (field, amount) in [
            ("/subtotal", amounts.subtotal),
            ("/discount", amounts.discount),
            ("/tax", amounts.tax),
            ("/deliveryFee", amounts.delivery_fee),
            ("/total", amounts.total),
        ] {
            check_amount(|| field.to_owned(), amount, command.currency)?;
        }
        // Every amount has the order's currency by now, so only their size can be at fault.
        let too_large = |field| move |_: MoneyError| too_large(field, command.currency);
        let expected = sum_of_lines(&command.lines, command.currency).map_err(too_large("/subtotal"))?;
        if amounts.subtotal != expected {
            return Err(OrderRefusal::WrongSubtotal {
                expected,
                given: amounts.subtotal,
            });
        }
        let expected = amounts.sum().map_err(too_large("/total"))?;
        if amounts.total != expected {
            return Err(OrderRefusal::WrongTotal {
                expected,
                given: amounts.total,
            });
        }
        Ok(amounts)
    }

    fn sum(&self) -> Result<Money, MoneyError> {
        self.subtotal
            .minus(self.discount)?
            .plus(self.tax)?
            .plus(self.delivery_fee)
    }
}

fn sum_of_lines(lines: &[OrderLine], currency: Currency) -> Result<Money, MoneyError> {
    lines.iter().try_fold(Money::zero(currency), |sum, line| {
        sum.plus(line.unit_price.times(line.quantity)?)
    })
}
