//! Given/when/then of the message.
