//! The number that people use for an order, on the phone and on a receipt. It is derived from the id, so that no sequence
//! has to be kept: ten Crockford base 32 digits (<https://www.crockford.com/base32.html>: no I, L, O or U), which are the
//! last 50 bits of the UUID, all random. Of a million orders, two share one with a probability of 1 in 2,000; the id is
//! what tells orders apart.

use crate::id::OrderId;

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number of an order: `7Q2KM-9XH3D`.
pub fn number(order: OrderId) -> String {
    let bits = order.uuid().as_u128();
    let digit = |place: u32| {
        let index = usize::try_from((bits >> (5 * place)) & 31).expect("five bits fit");
        char::from(DIGITS[index])
    };
    let high: String = (5..10).rev().map(digit).collect();
    let low: String = (0..5).rev().map(digit).collect();
    format!("{high}-{low}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_last_fifty_bits_of_the_id_in_crockford_base_32() {
        let order: OrderId = "ord_0193a1b2-c3d4-7abc-8def-0123456789ab".parse().unwrap();
        assert_eq!(number(order), "R14D2-PF2DB");
    }

    #[test]
    fn no_digit_can_be_mistaken_for_another() {
        assert!(DIGITS.iter().all(|digit| !b"ILOU".contains(digit)));
    }
}
