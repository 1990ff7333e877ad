//! Properties of money, beside arithmetic in 128 bits that can not overflow here.

use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["BRL", "EUR", "JPY", "KWD", "USD"]).prop_map(currency)
}

/// Amounts of every size, the edges among them.
fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![-1_000_000..1_000_000_i64, any::<i64>(), Just(i64::MAX), Just(i64::MIN)]
}

fn any_money() -> impl Strategy<Value = Money> {
    (any_amount(), any_currency()).prop_map(|(amount, currency)| Money::new(amount, currency))
}

/// What 64 bits hold of an exact result.
fn exact(amount: i128, currency: Currency) -> Result<Money, MoneyError> {
    i64::try_from(amount)
        .map(|amount| Money::new(amount, currency))
        .map_err(|_| MoneyError::Overflow)
}

proptest! {
    #[test]
    fn sums_and_differences_are_exact_or_refused(left in any_amount(), right in any_amount(), currency in any_currency()) {
        let (a, b) = (Money::new(left, currency), Money::new(right, currency));
        prop_assert_eq!(a.plus(b), exact(i128::from(left) + i128::from(right), currency));
        prop_assert_eq!(a.minus(b), exact(i128::from(left) - i128::from(right), currency));
        prop_assert_eq!(a.plus(b), b.plus(a));
        if let Ok(sum) = a.plus(b) {
            prop_assert_eq!(sum.minus(b), Ok(a));
        }
    }

    #[test]
    fn multiples_are_exact_or_refused(amount in any_amount(), quantity in any::<u32>(), currency in any_currency()) {
        let product = Money::new(amount, currency).times(quantity);
        prop_assert_eq!(product, exact(i128::from(amount) * i128::from(quantity), currency));
    }

    #[test]
    fn a_multiple_is_that_many_added_up(amount in -1_000_000..1_000_000_i64, quantity in 0..200_u32, currency in any_currency()) {
        let one = Money::new(amount, currency);
        let added = Money::sum(std::iter::repeat_n(one, quantity as usize), currency);
        prop_assert_eq!(one.times(quantity), added);
    }

    #[test]
    fn a_sum_is_exact_whatever_the_order(amounts in prop::collection::vec(-1_000_000_000..1_000_000_000_i64, 0..50), currency in any_currency()) {
        let all: Vec<Money> = amounts.iter().map(|amount| Money::new(*amount, currency)).collect();
        let total = Money::new(amounts.iter().sum(), currency);
        prop_assert_eq!(Money::sum(all.iter().copied(), currency), Ok(total));
        prop_assert_eq!(Money::sum(all.iter().rev().copied(), currency), Ok(total));
    }

    #[test]
    fn currencies_never_mix(left in any_money(), right in any_money()) {
        prop_assume!(left.currency != right.currency);
        let refused = Err(MoneyError::Currencies { left: left.currency, right: right.currency });
        prop_assert_eq!(left.plus(right), refused);
        prop_assert_eq!(left.minus(right), refused);
        prop_assert_eq!(Money::sum([right], left.currency), refused);
    }

    #[test]
    fn money_comes_back_from_json_as_it_went(money in any_money()) {
        let json = serde_json::to_string(&money).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<Money>(&json).expect("what was just written"), money);
    }

    #[test]
    fn a_fraction_of_a_minor_unit_is_no_money(whole in any::<i32>(), tenths in 1..10_u8) {
        let json = format!(r#"{{"amount":{whole}.{tenths},"currency":"BRL"}}"#);
        prop_assert!(serde_json::from_str::<Money>(&json).is_err());
    }

    #[test]
    fn a_code_is_a_currency_only_if_it_is_known(text in "[A-Za-z]{0,4}") {
        if let Ok(currency) = text.parse::<Currency>() {
            prop_assert_eq!(currency.code(), text.as_str());
            prop_assert!(currency.minor_digits() <= 4);
        } else {
            prop_assert!(serde_json::from_value::<Currency>(text.into()).is_err());
        }
    }
}

#[test]
fn a_sum_of_nothing_is_nothing() {
    let brl = currency("BRL");
    assert_eq!(Money::sum([], brl), Ok(Money::zero(brl)));
}

#[test]
fn each_currency_has_its_own_minor_unit() {
    for (code, digits) in [("BRL", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)] {
        assert_eq!(currency(code).minor_digits(), digits, "{code}");
    }
}

#[test]
fn what_is_no_currency_is_refused() {
    for text in ["", "eur", "EURO", "XYZ", "XAU", "R$ "] {
        assert_eq!(text.parse::<Currency>(), Err(InvalidCurrency), "{text}");
    }
}
