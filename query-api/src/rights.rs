//! Who may see what. Each entity has one predicate, which lists, counts, facets, single look-ups, nested fields, history
//! and subscriptions all go through.

use std::hash::{Hash, Hasher};

use domain::viewer::{Role, Viewer};
use sqlx::{Postgres, QueryBuilder};

/// The viewer, as predicates ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    user: Option<String>,
    viewer: Viewer,
}

impl Hash for Rights {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.user.hash(state);
    }
}

impl Rights {
    /// What this viewer may see.
    pub fn of(viewer: Viewer) -> Self {
        Self {
            user: viewer.user.map(|user| user.to_string()),
            viewer,
        }
    }

    /// The viewer.
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The viewer's user id, as columns have it.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    fn has_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.viewer.has(*role))
    }

    /// Whether the viewer reads what everybody has: drafts, orders, payments, statistics, chats.
    pub fn sees_all(&self) -> bool {
        self.viewer.is_trusted() || self.viewer.has(Role::Auditor)
    }

    /// Whether the viewer reads the log as such.
    pub fn reads_the_log(&self) -> bool {
        self.viewer.is_trusted() || self.has_any(&[Role::Auditor, Role::Analyst])
    }

    /// Listings: the published ones are everybody's; the others their owner's, their store's, and those of moderators.
    pub fn see_listings(&self, query: &mut QueryBuilder<Postgres>, table: &str) {
        if self.sees_all() || self.viewer.has(Role::Moderator) {
            return;
        }
        query.push(format!(" and ({table}.status = 'published'"));
        if let Some(user) = &self.user {
            query.push(format!(" or {table}.owner = ")).push_bind(user.clone());
            query.push(format!(
                " or {table}.store in (select store from store_member where user_id = "
            ));
            query.push_bind(user.clone()).push(")");
        }
        query.push(")");
    }

    /// Orders and their payments: the customer's, and those of the stores that they name.
    pub fn see_orders(&self, query: &mut QueryBuilder<Postgres>, table: &str) {
        if self.sees_all() {
            return;
        }
        let Some(user) = &self.user else {
            query.push(" and false");
            return;
        };
        query.push(format!(" and ({table}.customer = ")).push_bind(user.clone());
        query.push(format!(
            " or exists (select from order_store theirs join store_member member using (store)
               where theirs.order_id = {table}.id and member.user_id = "
        ));
        query.push_bind(user.clone()).push("))");
    }

    /// What is a listing's own, such as its history and that of its stock: its owner's and its store's.
    pub fn see_inside_listings(&self, query: &mut QueryBuilder<Postgres>, table: &str) {
        if self.sees_all() || self.viewer.has(Role::Moderator) {
            return;
        }
        let user = self.user.clone().unwrap_or_default();
        query.push(format!(" and ({table}.owner = ")).push_bind(user.clone());
        query.push(format!(
            " or {table}.store in (select store from store_member where user_id = "
        ));
        query.push_bind(user).push("))");
    }

    /// What is the viewer's own: rows whose column names them.
    pub fn are_about(&self, query: &mut QueryBuilder<Postgres>, column: &str) {
        query
            .push(format!(" and {column} = "))
            .push_bind(self.user.clone().unwrap_or_default());
    }

    /// What is a store's own: its contact, members, orders and statistics.
    pub fn see_inside_stores(&self, query: &mut QueryBuilder<Postgres>, store: &str) {
        if self.sees_all() {
            return;
        }
        let user = self.user.clone().unwrap_or_default();
        query
            .push(format!(
                " and {store} in (select store from store_member where user_id = "
            ))
            .push_bind(user)
            .push(")");
    }

    /// Chats: those of whoever is in them or invited to them. A channel is open to everybody who is signed in.
    pub fn see_chats(&self, query: &mut QueryBuilder<Postgres>, chat: &str) {
        self.see_chats_as(query, chat, "membership in ('joined', 'invited')", true);
    }

    /// What is said in chats: to whoever is in them, not to who is only invited.
    pub fn see_messages(&self, query: &mut QueryBuilder<Postgres>, chat: &str) {
        self.see_chats_as(query, chat, "membership = 'joined'", true);
    }

    /// What is a chat's own, such as its history: an open channel's is its members' too.
    pub fn see_inside_chats(&self, query: &mut QueryBuilder<Postgres>, chat: &str) {
        self.see_chats_as(query, chat, "membership = 'joined'", false);
    }

    fn see_chats_as(&self, query: &mut QueryBuilder<Postgres>, chat: &str, standing: &str, open_channels: bool) {
        if self.sees_all() {
            return;
        }
        let Some(user) = &self.user else {
            query.push(" and false");
            return;
        };
        query.push(format!(
            " and ({chat} in (select chat from chat_member where {standing} and user_id = "
        ));
        query.push_bind(user.clone()).push(")");
        if open_channels {
            query.push(format!(
                " or exists (select from chat open where open.id = {chat} and open.kind = 'channel'
                     and not exists (select from chat_member out where out.chat = {chat} and out.membership = 'banned'
                                     and out.user_id = "
            ));
            query.push_bind(user.clone()).push("))");
        }
        query.push(")");
    }
}
