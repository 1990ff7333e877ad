//! Given/when/then of the chat.
