//! What a request carries: who asks, how it reads, and the loaders that batch its nested references.

use std::sync::Arc;

use async_graphql::{Context, dataloader::DataLoader};
use event_log::{archive::Archive, log::Log, position::Position};
use sqlx::PgPool;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    error::{QueryError, Result},
    loaders::Loaders,
    progress::Progress,
    reads::Reads,
    rights::Rights,
    settings::Settings,
    subscription::{hub::Hubs, stores::StoresOfOrders},
};

/// What all requests share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The read models.
    pub pool: PgPool,
    /// The log.
    pub log: Log,
    /// The log's archive, read through the pool of the queries.
    pub archive: Archive,
    /// How far the projections have come.
    pub progress: Progress,
    /// Live records.
    pub hubs: Hubs,
    /// Which stores orders name.
    pub stores: StoresOfOrders,
    /// How long things may take.
    pub settings: Arc<Settings>,
}

/// What one request carries.
pub struct Session {
    /// What the viewer may see.
    pub rights: Rights,
    /// How it reads.
    pub reads: Reads,
    /// Its loaders: they see what the viewer may see, and are gone with the request.
    pub loaders: DataLoader<Loaders>,
}

impl Session {
    /// A request of this viewer, which must see what this position names.
    pub fn new(shared: &Shared, rights: Rights, after: Option<Position>) -> Arc<Self> {
        let reads = Reads::new(shared, after);
        let loaders = Loaders {
            reads: reads.clone(),
            rights: rights.clone(),
        };
        Arc::new(Self {
            rights,
            reads,
            loaders: DataLoader::new(loaders, tokio::spawn),
        })
    }
}

/// The shared parts, out of a resolver's context.
pub fn shared<'a>(context: &Context<'a>) -> &'a Shared {
    context.data_unchecked()
}

/// The session, out of a resolver's context.
pub fn session<'a>(context: &Context<'a>) -> &'a Session {
    context.data_unchecked::<Arc<Session>>()
}

/// The session, for what outlives the resolver.
pub fn own_session(context: &Context<'_>) -> Arc<Session> {
    context.data_unchecked::<Arc<Session>>().clone()
}

/// Runs it in a task of its own. Whoever awaits the items of a subscription stops polling while its socket is full: a
/// query under way must not keep its connection for so long.
pub async fn in_background<T: Send + 'static>(answer: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let asked = AbortOnDropHandle::new(tokio::spawn(answer));
    asked.await.map_err(|_| QueryError::Stopping)?
}
