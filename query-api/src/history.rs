//! The events that made an entity, from the archive. It takes more than to see the entity as it is: who may see what
//! it was is said here, once.

use async_graphql::{
    Context, ID, Json, Object,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use domain::{
    family::Family,
    id::{CategoryId, ChatId, ListingId, MessageId, OrderId, PaymentId, StockId, StoreId},
    registry,
};
use event_log::{
    archive::history::{Of, Page as LogPage},
    commit::StoredEvent,
    position::Position,
};
use serde_json::Value;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    error::{QueryError, Result},
    money::Long,
    node,
    page::{self, Page},
    rights::Rights,
    session::{Session, Shared, session, shared},
};

/// What cursors of a history are called.
const ORDER: &str = "history";

/// An event of the log.
#[derive(Debug, Clone)]
pub struct Event {
    stored: StoredEvent,
    position: Position,
    withheld: Withheld,
}

/// What of an event the viewer may not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Withheld {
    Nothing,
    /// What it says.
    Data,
    /// That, and who did it.
    DataAndActor,
}

impl Event {
    /// An event whose item ends at this position.
    pub const fn new(stored: StoredEvent, position: Position) -> Self {
        Self {
            stored,
            position,
            withheld: Withheld::Nothing,
        }
    }
}

#[Object]
impl Event {
    /// The event's own id.
    async fn id(&self) -> Uuid {
        self.stored.envelope.id
    }

    /// What happened: `order.placed.v1`.
    async fn r#type(&self) -> &str {
        &self.stored.envelope.event_type
    }

    /// To what.
    async fn stream(&self) -> &str {
        &self.stored.envelope.stream
    }

    /// What the stream was decided with.
    async fn scope(&self) -> Option<&str> {
        self.stored.scope.as_deref()
    }

    /// The topic.
    async fn topic(&self) -> &str {
        self.stored.shard.family.topic()
    }

    /// The stream's version with it, from 1.
    async fn version(&self) -> Long {
        Long(self.stored.envelope.version.cast_signed())
    }

    /// When it happened.
    async fn time(&self) -> DateTime<Utc> {
        self.stored.envelope.time
    }

    /// When it was recorded.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.stored.envelope.recorded
    }

    /// On whose behalf; withheld where a channel's audience comes and goes.
    async fn actor(&self) -> Option<&str> {
        if self.withheld == Withheld::DataAndActor {
            return None;
        }
        self.stored.envelope.actor.as_deref()
    }

    /// The command that it came of.
    async fn command_id(&self) -> Uuid {
        self.stored.envelope.command
    }

    /// Where it stands in the log.
    async fn position(&self) -> String {
        self.position.to_string()
    }

    /// What it says; withheld for what a message said before it was deleted, and for whom else a channel reaches.
    async fn data(&self) -> Option<Json<Value>> {
        if self.withheld != Withheld::Nothing {
            return None;
        }
        serde_json::from_slice(&self.stored.value).ok().map(Json)
    }
}

/// Pushes which ids of this kind the viewer may see the history of; `None` for an id of nothing that is served.
fn histories(rights: &Rights, id: &str) -> Option<QueryBuilder<Postgres>> {
    let (mut query, see): (_, fn(&Rights, &mut QueryBuilder<Postgres>)) = match node::prefix(id) {
        CategoryId::PREFIX => (QueryBuilder::new("select from category where id = "), |_, _| {}),
        StoreId::PREFIX => (QueryBuilder::new("select from store where id = "), |rights, query| {
            rights.see_inside_stores(query, "id");
        }),
        ListingId::PREFIX => (QueryBuilder::new("select from listing where id = "), |rights, query| {
            rights.see_inside_listings(query, "listing");
        }),
        StockId::PREFIX => (
            QueryBuilder::new("select from stock join listing on listing.id = stock.listing where stock.id = "),
            |rights, query| rights.see_inside_listings(query, "listing"),
        ),
        OrderId::PREFIX => (
            QueryBuilder::new("select from order_summary where id = "),
            |rights, query| {
                rights.see_orders(query, "order_summary");
            },
        ),
        PaymentId::PREFIX => (
            QueryBuilder::new(
                "select from payment join order_summary on order_summary.id = payment.order_id where payment.id = ",
            ),
            |rights, query| rights.see_orders(query, "order_summary"),
        ),
        ChatId::PREFIX => (QueryBuilder::new("select from chat where id = "), |rights, query| {
            rights.see_inside_chats(query, "chat.id");
        }),
        MessageId::PREFIX => (QueryBuilder::new("select from message where id = "), |rights, query| {
            rights.see_inside_chats(query, "message.chat");
        }),
        _ => return None,
    };
    query.push_bind(id.to_owned());
    see(rights, &mut query);
    Some(query)
}

/// A page of the events of this stream or, with `related`, of all that is decided with it.
pub async fn list(context: &Context<'_>, id: &str, related: bool, page: &Page) -> Result<Connection<String, Event>> {
    let (shared, Session { rights, reads, .. }) = (shared(context), session(context));
    let not_found = || QueryError::NotFound(id.chars().take(80).collect());
    let mut allowed = histories(rights, id).ok_or_else(|| node::unknown(id))?;
    registry::by_stream(id)
        .map(|entity| domain::id::parse(entity.prefix, id))
        .transpose()?;
    if !rights.reads_the_log() {
        let mut lease = reads.of(allowed.sql().as_str()).await?;
        if allowed.build().fetch_optional(&mut *lease).await?.is_none() {
            return Err(not_found());
        }
    }
    let families: Vec<Family> = registry::by_stream(id)
        .map(|entity| entity.family)
        .into_iter()
        .collect();
    let turn = reads.of_archive(&families).await?;
    let (shard, scope) = shared.archive.locate(id).await?.ok_or_else(not_found)?;
    // Only the scope's own entity stands for all of it: a message's viewer has no claim on the chat's other streams here.
    let of = if related && scope == id {
        Of::Scope(&scope)
    } else {
        Of::Stream(id)
    };
    let (most, from_end) = page::size(page)?;
    let offset = |cursor: &Option<String>| cursor.as_deref().map(|cursor| offset_of(id, cursor)).transpose();
    let asked = LogPage {
        after: offset(&page.after)?,
        before: offset(&page.before)?,
        limit: u32::try_from(most).unwrap_or(100) + 1,
        from_end,
    };
    let mut found = shared.archive.history(shard, of, asked).await?;
    let more = found.len() > most;
    if more {
        if from_end {
            found.remove(0)
        } else {
            found.swap_remove(most)
        };
    }
    let (has_previous, has_next) = if from_end {
        (more, page.before.is_some())
    } else {
        (page.after.is_some(), more)
    };
    let (deleted, audience) = if rights.reads_the_log() {
        (Vec::new(), false)
    } else {
        (
            deleted(shared, &found).await?,
            is_audience(shared, rights, &scope).await?,
        )
    };
    drop(turn);
    let mut connection = Connection::new(has_previous, has_next);
    for stored in found {
        let cursor = page::write_cursor(ORDER, &stored.offset.to_string(), id);
        let position = Position::at(shared.log.id(), shard, stored.offset);
        let withheld = if audience && stored.envelope.stream == scope && names_others(&stored, rights) {
            Withheld::DataAndActor
        } else if deleted.contains(&stored.envelope.stream) {
            Withheld::Data
        } else {
            Withheld::Nothing
        };
        connection.edges.push(Edge::new(
            cursor,
            Event {
                stored,
                position,
                withheld,
            },
        ));
    }
    Ok(connection)
}

fn offset_of(id: &str, cursor: &str) -> Result<u64> {
    let (offset, of) = page::read_cursor(ORDER, cursor)?;
    let offset = offset
        .parse()
        .ok()
        .filter(|offset| *offset < i64::MAX.cast_unsigned() && of == id);
    offset.ok_or_else(|| QueryError::BadCursor(cursor.chars().take(80).collect()))
}

/// The messages among these streams that were deleted since. The archive is asked, where the events come from: what it
/// tells must not be served until the projection has come to the deletion as well.
async fn deleted(shared: &Shared, events: &[StoredEvent]) -> Result<Vec<String>> {
    let streams: Vec<&str> = events.iter().map(|event| event.envelope.stream.as_str()).collect();
    Ok(sqlx::query_scalar(
        "select distinct stream from log_record where stream = any($1) and event_type like 'message.deleted.%'",
    )
    .bind(streams)
    .fetch_all(&shared.pool)
    .await?)
}

/// Whether the viewer is of a channel's audience, not of those who run it. Those in a group or a private chat know each
/// other; a channel's audience does not. The stream's versions have no gap, so its events are told, but not of whom.
async fn is_audience(shared: &Shared, rights: &Rights, chat: &str) -> Result<bool> {
    if node::prefix(chat) != ChatId::PREFIX {
        return Ok(false);
    }
    let mut query = QueryBuilder::new("select exists (select from chat where kind = 'channel' and id = ");
    query.push_bind(chat.to_owned());
    query
        .push(" and not exists (select from chat_member runs where runs.chat = chat.id and runs.membership = 'joined'");
    query.push(" and runs.role in ('admin', 'owner')");
    rights.are_about(&mut query, "runs.user_id");
    query.push("))");
    Ok(query.build_query_scalar().fetch_one(&shared.pool).await?)
}

/// Whether a chat's event tells of other people than the viewer.
fn names_others(event: &StoredEvent, rights: &Rights) -> bool {
    let Ok(data) = serde_json::from_slice::<Value>(&event.value) else {
        return true;
    };
    let one = ["user", "owner"].into_iter().filter_map(|field| data.get(field));
    let many = data.get("members").and_then(Value::as_array).into_iter().flatten();
    one.chain(many).any(|named| named.as_str() != rights.user())
}

/// Who asks, as the token says.
pub struct ViewerInfo;

#[Object(name = "Viewer")]
impl ViewerInfo {
    /// The user; absent without a token.
    async fn id(&self, context: &Context<'_>) -> Option<ID> {
        session(context).rights.user().map(|user| ID(user.to_owned()))
    }

    /// The roles that the token carries.
    async fn roles(&self, context: &Context<'_>) -> Vec<String> {
        session(context)
            .rights
            .viewer()
            .roles
            .iter()
            .map(|role| auth::token::role_name(*role))
            .collect()
    }
}
