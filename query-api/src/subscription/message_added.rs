//! `messageAdded`: what is said in a chat.

use async_graphql::{Context, ID, SimpleObject};
use domain::{
    family::Family,
    id::{ChatId, MessageId},
};
use event_log::{commit::StoredEvent, position::Position};
use futures::{Stream, StreamExt as _};

use super::feed::{self, Followed};
use crate::{
    chat::message::Message,
    error::{QueryError, Result},
    loaders::{HeardChat, MessageById},
    node,
    projection::Projection,
    session::{Session, own_session, session, shared},
};

/// A message was sent.
#[derive(Debug, SimpleObject)]
pub struct MessageAdded {
    /// Where to go on after it.
    pub position: String,
    /// The message as it is now.
    pub message: Message,
}

/// The messages that are sent in a chat.
pub async fn subscribe(
    context: &Context<'_>,
    chat: &ID,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<MessageAdded>> + use<>> {
    let own = own_session(context);
    let chat = chat.parse::<ChatId>()?.to_string();
    let shards = vec![shared(context).log.shard_of(Family::Chat, &chat)];
    let position = feed::begin(context, &shards, after).await?;
    if session(context)
        .loaders
        .load_one(HeardChat(chat.clone()))
        .await?
        .is_none()
    {
        return Err(QueryError::NotFound(chat));
    }
    let followed = Followed {
        shards,
        scope: Some(chat.clone()),
    };
    // What happens to the chat itself comes along: somebody may have been shut out by it.
    let in_chat = chat.clone();
    let wanted = move |event: &StoredEvent| {
        event.scope.as_deref() == Some(in_chat.as_str()) && (event.envelope.stream == in_chat || is_new(event))
    };
    let feed = feed::open(context, followed, position, &[Projection::Conversation], wanted);
    Ok(feed.filter_map(move |fed| {
        let (own, chat) = (own.clone(), chat.clone());
        async move {
            match fed {
                Ok((event, position)) => added(&own, chat, &event, &position).await.transpose(),
                Err(error) => Some(Err(error)),
            }
        }
    }))
}

/// A message's first event is that it was sent.
fn is_new(event: &StoredEvent) -> bool {
    event.envelope.version == 1 && node::prefix(&event.envelope.stream) == MessageId::PREFIX
}

/// The message, while the viewer is in the chat.
async fn added(
    session: &Session,
    chat: String,
    event: &StoredEvent,
    position: &Position,
) -> Result<Option<MessageAdded>> {
    if !is_new(event) {
        return match session.loaders.load_one(HeardChat(chat.clone())).await? {
            Some(_) => Ok(None),
            None => Err(QueryError::NotFound(chat)),
        };
    }
    match session
        .loaders
        .load_one(MessageById(event.envelope.stream.clone()))
        .await?
    {
        Some(row) => Ok(Some(MessageAdded {
            position: position.to_string(),
            message: Message(row),
        })),
        None => Err(QueryError::NotFound(chat)),
    }
}
