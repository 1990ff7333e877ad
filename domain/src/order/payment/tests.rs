//! Given/when/then of the payment.
