//! Given/when/then of the order.
