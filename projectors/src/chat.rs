//! Projections of the chat family. Chats, members and messages are one projection: a message changes its chat's last
//! message and its author's mark in the same transaction, so that a chat list never disagrees with the chat.

pub mod conversation;
mod member;
mod message;
mod room;
