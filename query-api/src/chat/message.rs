//! Messages: whoever is in the chat sees them, and whoever is signed in those of an open channel. What was deleted stands as such, without what it said.

use async_graphql::{Context, ID, Json, Object, SimpleObject, connection::Connection};
use chrono::{DateTime, Utc};
use domain::id::{ChatId, MessageId};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};

use super::chat::Chat;
use crate::{
    error::{QueryError, Result},
    loaders::{ChatById, MessageById},
    money::Long,
    page::{self, Collection, List, Page, Parent, Sort},
    rights::Rights,
    session::session,
    totals::Totals,
};

/// A row of `message`.
#[derive(Debug, Clone, FromRow)]
pub struct MessageRow {
    pub id: String,
    pub chat: String,
    pub seq: i64,
    pub author: String,
    pub status: String,
    pub pinned: bool,
    pub body: Option<String>,
    pub state: Value,
    pub sent_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub version: i64,
}

/// A message in a chat.
#[derive(Debug, Clone)]
pub struct Message(pub MessageRow);

impl Message {
    /// A part of what it says, of which nothing is left once it is deleted.
    fn said(&self, part: &str) -> Option<&Value> {
        self.0
            .state
            .get("sent")?
            .get("said")?
            .get(part)
            .filter(|value| !value.is_null())
    }

    fn ids(&self, part: &str) -> Vec<String> {
        let ids = self.said(part).and_then(Value::as_array).into_iter().flatten();
        ids.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// Those who reacted with one emoji.
#[derive(Debug, SimpleObject)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many.
    pub count: Long,
    /// Who.
    pub users: Vec<ID>,
}

#[Object]
impl Message {
    /// Its id.
    pub async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// The chat that it is in.
    async fn chat(&self, context: &Context<'_>) -> Result<Option<Chat>> {
        Ok(session(context)
            .loaders
            .load_one(ChatById(self.0.chat.clone()))
            .await?
            .map(Chat))
    }

    /// Its number in the chat, from 1, in the order of the log.
    async fn seq(&self) -> Long {
        Long(self.0.seq)
    }

    /// Who said it.
    async fn author(&self) -> ID {
        ID(self.0.author.clone())
    }

    /// `sent`, `edited` or `deleted`.
    async fn status(&self) -> &str {
        &self.0.status
    }

    /// Whether it is pinned in its chat.
    async fn pinned(&self) -> bool {
        self.0.pinned
    }

    /// What it says in words: its text, or the caption of its files.
    async fn text(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// What it says, of whatever type: whose it is, and the content or its sealed bytes.
    async fn content(&self) -> Option<Json<&Value>> {
        self.said("content").map(Json)
    }

    /// The messages that it answers.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Vec<Self>> {
        let ids = self.ids("replyTo");
        let mut found = session(context)
            .loaders
            .load_many(ids.iter().cloned().map(MessageById))
            .await?;
        Ok(ids
            .into_iter()
            .filter_map(|id| found.remove(&MessageById(id)))
            .map(Self)
            .collect())
    }

    /// The people whose attention it asks for.
    async fn mentions(&self) -> Vec<ID> {
        self.ids("mentions").into_iter().map(ID).collect()
    }

    /// Its hashtags: whose they are, and the tags or their sealed bytes.
    async fn hashtags(&self) -> Option<Json<&Value>> {
        self.said("hashtags").map(Json)
    }

    /// Who reacted.
    async fn reactions(&self) -> Vec<Reaction> {
        let by_emoji = self.said("reactions").and_then(Value::as_object).into_iter().flatten();
        let reaction = |(emoji, users): (&String, &Value)| {
            let users = users.as_array().into_iter().flatten().filter_map(Value::as_str);
            let users: Vec<ID> = users.map(|user| ID(user.to_owned())).collect();
            let count = Long(i64::try_from(users.len()).unwrap_or(i64::MAX));
            Reaction {
                emoji: emoji.clone(),
                count,
                users,
            }
        };
        by_emoji.map(reaction).collect()
    }

    /// When it was sent.
    async fn sent_at(&self) -> DateTime<Utc> {
        self.0.sent_at
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

/// The messages of a chat, as far as the viewer sees them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Messages {
    chat: Parent,
    search: Option<String>,
    rights: Rights,
}

impl List for Messages {
    fn select(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select * from message");
    }

    fn count(&self, query: &mut QueryBuilder<Postgres>) {
        query.push("select count(*) from message");
    }

    fn conditions(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" and message.chat = ");
        self.chat.push(query);
        self.rights.see_messages(query, "message.chat");
        if let Some(search) = &self.search {
            // What was said before a chat became secret is not found any more either.
            query.push(" and not (select secret from chat where chat.id = message.chat)");
            query
                .push(" and search @@ websearch_to_tsquery('simple', ")
                .push_bind(search.clone())
                .push(")");
        }
    }
}

impl Collection for Messages {
    type Row = MessageRow;
    type Node = Message;

    fn node(row: MessageRow) -> Message {
        Message(row)
    }

    fn sort(&self) -> Sort {
        SORT
    }

    fn parent(&mut self) -> Option<&mut Parent> {
        Some(&mut self.chat)
    }
}

/// A page of messages.
pub type MessageConnection = Connection<String, Message, Totals<Messages>>;

const SORT: Sort = Sort {
    name: "seq",
    by: "seq",
    kind: "bigint",
    descending: false,
    id: "id",
};

/// One page of a chat's messages, the oldest first.
pub async fn list(
    context: &Context<'_>,
    chat: &str,
    around: Option<ID>,
    search: Option<String>,
    mut page: Page,
) -> Result<MessageConnection> {
    let chat = chat.parse::<ChatId>()?.to_string();
    if session(context)
        .loaders
        .load_one(ChatById(chat.clone()))
        .await?
        .is_none()
    {
        return Err(QueryError::NotFound(chat));
    }
    let search = search.filter(|search| !search.trim().is_empty());
    let list = Messages {
        chat: Parent::One(chat),
        search,
        rights: session(context).rights.clone(),
    };
    if let Some(around) = around {
        page = page_around(context, &list, &around, &page).await?;
    }
    page::connect(session(context), &list, &page, Totals(list.clone())).await
}

/// The page with this message in its middle. Numbers have no gaps, so half a page before it is a number too.
async fn page_around(context: &Context<'_>, list: &Messages, around: &ID, page: &Page) -> Result<Page> {
    if page.after.is_some() || page.before.is_some() || page.last.is_some() || list.search.is_some() {
        return Err(QueryError::BadInput("around goes with first alone".to_owned()));
    }
    let (items, _) = page::size(page)?;
    let id = around.parse::<MessageId>()?.to_string();
    let found = session(context).loaders.load_one(MessageById(id.clone())).await?;
    let middle = found
        .filter(|message| Parent::One(message.chat.clone()) == list.chat)
        .ok_or(QueryError::NotFound(id))?;
    let first_seq = middle.seq - i64::try_from(items / 2).unwrap_or(0);
    // Before the row of that number, whatever its id.
    let after = (first_seq > 1).then(|| page::write_cursor(SORT.name, &first_seq.to_string(), ""));
    Ok(Page {
        first: page.first,
        after,
        ..Page::default()
    })
}
