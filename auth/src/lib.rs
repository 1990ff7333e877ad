//! Who asks: bearer tokens that this installation mints and verifies, and the secrets that it keeps.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | [`secret`] | a file of 32 random bytes that only its owner may read, made once |
//! | [`keys`] | the installation's keys: mint a token, verify one |
//! | [`token`] | what a token says, and what can be wrong with one |
//! | [`extract`] | the axum extractor: the caller of a request |
//!
//! A token says who somebody is and which roles they have in the installation. What they may do in a store, with an
//! order or in a chat is not in it: that is the state's to say, and can change before the token expires.

pub mod extract;
pub mod keys;
pub mod secret;
pub mod token;

pub use extract::Caller;
pub use keys::Keys;
pub use token::InvalidToken;
