//! GraphQL over the read models: queries, and subscriptions that resume anywhere.
//!
//! # Map
//! | file | what it holds |
//! |---|---|
//! | `service` | the routes: `/graphql` for queries, GraphiQL and websockets |
//! | `request` | a request's body, and what is wrong with one |
//! | `socket` | one websocket: signs of life, the token's end, the operations on it |
//! | `settings` | how long things may take, and how many there may be |
//! | `limits` | how large a document may be, and what it may cost |
//! | `schema` | the roots of the schema |
//! | `session` | what a request carries: the viewer, loaders, what it must wait for |
//! | `rights` | who may see what: one predicate for each entity, used by every path to it |
//! | `page`, `totals` | Relay connections over keyset cursors, and how many there are in all |
//! | `loaders` | one SQL statement for each kind of nested reference, however many parents |
//! | `after` | positions that clients give: `Stoa-After`, and `after` of subscriptions |
//! | [`projection`] | the projections, their tables, and which of them a statement reads |
//! | [`progress`] | how far each projection has come, and waiting for it |
//! | `reads` | the one door to the database: what a request must wait for, and its turn |
//! | [`error`] | errors with `extensions.code` |
//! | `money` | amounts in GraphQL |
//! | `node`, `history` | any entity by its id, and the events that made it |
//! | `listing`, `order`, `chat` | one folder a family, one file a type |
//! | `subscription` | live items, each with a position to resume at |
//!
//! # To add a type
//! One file in its family's folder with the row, the object, its filter and its rights; one line in `schema`, one in
//! `node`.

mod after;
mod chat;
pub mod error;
mod history;
mod limits;
mod listing;
mod loaders;
mod money;
mod node;
mod order;
mod page;
pub mod progress;
pub mod projection;
mod reads;
mod request;
mod rights;
mod schema;
mod service;
mod session;
mod settings;
mod socket;
mod subscription;
mod totals;

pub use schema::sdl;
pub use service::Service;
pub use settings::Settings;
