//! Chats: those of whoever is in them or invited to them. A channel is open to everybody who is signed in.

use async_graphql::{Context, ID, InputObject, Json, Object, connection::Connection};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::message::{self, Message, MessageConnection};
use crate::{
    error::Result,
    limits,
    loaders::{MessageById, StandingIn},
    money::Long,
    page::{self, Collection, List, Page, Sort},
    rights::Rights,
    session::session,
    totals::Totals,
};

/// A row of `chat`.
#[derive(Debug, Clone, FromRow)]
pub struct ChatRow {
    pub id: String,
    pub kind: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub subject: Option<Value>,
    pub secret: bool,
    pub archived: bool,
    pub member_count: i32,
    pub last_seq: i64,
    pub last_message: Option<String>,
    pub last_message_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// How the viewer stands to a chat.
#[derive(Debug, Clone, FromRow)]
pub struct StandingRow {
    /// The chat's.
    pub id: String,
    pub role: String,
    pub membership: String,
    pub read_up_to: Option<String>,
    pub unread: i64,
}

/// A chat in which the viewer may hear what is said.
#[derive(Debug, Clone, FromRow)]
pub struct Heard {
    pub id: String,
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Chat(pub ChatRow);

#[Object]
impl Chat {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// `private`, `group` or `channel`.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What it is called.
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// What it is about.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What it is tied to.
    async fn subject(&self) -> Option<Json<&Value>> {
        self.0.subject.as_ref().map(Json)
    }

    /// Whether only ciphertext may be said in it.
    async fn secret(&self) -> bool {
        self.0.secret
    }

    /// Whether it is over.
    async fn archived(&self) -> bool {
        self.0.archived
    }

    /// How many are in it.
    async fn member_count(&self) -> i32 {
        self.0.member_count
    }

    /// How many messages were sent in it, deleted ones too.
    async fn message_count(&self) -> Long {
        Long(self.0.last_seq)
    }

    /// What was said last.
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<Message>> {
        let Some(last) = &self.0.last_message else {
            return Ok(None);
        };
        Ok(session(context)
            .loaders
            .load_one(MessageById(last.clone()))
            .await?
            .map(Message))
    }

    /// When something was last said.
    async fn last_message_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_message_at
    }

    /// How many messages the viewer has not read; absent for who never was in it.
    async fn unread_count(&self, context: &Context<'_>) -> Result<Option<Long>> {
        let standing = session(context).loaders.load_one(StandingIn(self.0.id.clone())).await?;
        Ok(standing.map(|standing| Long(standing.unread)))
    }

    /// What the viewer may do in it: `member`, `admin` or `owner`; absent for who is not in it.
    async fn viewer_role(&self, context: &Context<'_>) -> Result<Option<String>> {
        let standing = session(context).loaders.load_one(StandingIn(self.0.id.clone())).await?;
        Ok(standing
            .filter(|standing| standing.membership == "joined")
            .map(|standing| standing.role))
    }

    /// How the viewer stands to it: `invited`, `joined`, `left`, `removed` or `banned`; absent for who never was in it.
    async fn viewer_membership(&self, context: &Context<'_>) -> Result<Option<String>> {
        let standing = session(context).loaders.load_one(StandingIn(self.0.id.clone())).await?;
        Ok(standing.map(|standing| standing.membership))
    }

    /// The message up to which the viewer has marked it as read.
    async fn read_up_to(&self, context: &Context<'_>) -> Result<Option<ID>> {
        let standing = session(context).loaders.load_one(StandingIn(self.0.id.clone())).await?;
        Ok(standing.and_then(|standing| standing.read_up_to).map(ID))
    }

    /// What was said, the oldest first.
    #[graphql(complexity = "limits::page(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "The page with this message in its middle.")] around: Option<ID>,
        search: Option<String>,
    ) -> Result<MessageConnection> {
        let page = Page::of(first, after, last, before);
        message::list(context, &self.0.id, around, search, page).await
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The stream's version: what `If-Match` names.
    async fn version(&self) -> Long {
        Long(self.0.version)
    }
}

/// Which chats.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, InputObject)]
pub struct ChatFilter {
    /// Only those that the viewer is in or invited to; so unless said otherwise, but for those who see all.
    pub mine: Option<bool>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Over, or not.
    pub archived: Option<bool>,
    /// Called exactly so.
    pub title: Option<String>,
}

/// The chats that a filter and the viewer's rights leave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Chats {
    filter: ChatFilter,
    rights: Rights,
}

impl List for Chats {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select * from chat");
    }

    fn count(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select count(*) from chat");
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        self.rights.see_chats(query, "chat.id");
        let ChatFilter {
            mine,
            kind,
            archived,
            title,
        } = &self.filter;
        if mine.unwrap_or(!self.rights.sees_all()) {
            query.push(" and id in (select member.chat from chat_member member where member.membership in ('joined', 'invited')");
            self.rights.are_about(query, "member.user_id");
            query.push(")");
        }
        if let Some(kind) = kind {
            query.push(" and kind = ").push_bind(kind.clone());
        }
        if let Some(archived) = archived {
            query.push(" and archived = ").push_bind(*archived);
        }
        if let Some(title) = title {
            query.push(" and title = ").push_bind(title.clone());
        }
    }
}

impl Collection for Chats {
    type Row = ChatRow;
    type Node = Chat;

    fn node(row: ChatRow) -> Chat {
        Chat(row)
    }

    fn sort(&self) -> Sort {
        Sort {
            name: "recent",
            by: "coalesce(last_message_at, created_at)",
            kind: "timestamptz",
            descending: true,
            id: "id",
        }
    }
}

/// A page of chats.
pub type ChatConnection = Connection<String, Chat, Totals<Chats>>;

/// One page of chats: the one in which something was said last comes first.
pub async fn list(context: &Context<'_>, filter: Option<ChatFilter>, page: &Page) -> Result<ChatConnection> {
    let chats = Chats {
        filter: filter.unwrap_or_default(),
        rights: session(context).rights.clone(),
    };
    page::connect(session(context), &chats, page, Totals(chats.clone())).await
}
