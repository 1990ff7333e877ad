//! The viewer's standing in stores: who works there stands in the store's own scope, so a command of another scope reads
//! it from the side, some moments old. The event notes the position at which it was read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    entity::Entity,
    erased::AnyAggregate,
    id::{StoreId, UserId},
    listing::store::Store,
    viewer::{Standing, StoreRole},
};
use event_log::{archive::load::LoadRequest, log::Log, owner::Owner, port::LogError, position::Position, shard::Shard};
use moka::future::Cache;

use crate::{loader::Loader, problem::Problem};

/// How long what was read is good for. A denial is never given on it: see [`Standings::fresh`].
const GOOD_FOR: Duration = Duration::from_secs(2);
/// How many stores are remembered.
const REMEMBERED: u64 = 50_000;
/// How often archive and tail may miss each other before the archive is said not to answer.
const ATTEMPTS: usize = 5;

/// Who works in which store.
#[derive(Clone)]
pub(crate) struct Standings {
    log: Arc<Log>,
    loader: Loader,
    owners: Arc<BTreeMap<Shard, Arc<Owner>>>,
    members: Cache<StoreId, Arc<Members>>,
}

/// Who worked in a store, and when: the offset seen last in the store's shard.
#[derive(Debug)]
struct Members {
    roles: BTreeMap<UserId, StoreRole>,
    shard: Shard,
    seen: Option<u64>,
}

/// What was found, and the position at which it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub standing: Standing,
    pub position: Option<String>,
}

impl Standings {
    pub fn new(log: Arc<Log>, loader: Loader, owners: Arc<BTreeMap<Shard, Arc<Owner>>>) -> Self {
        Self {
            log,
            loader,
            owners,
            members: Cache::builder().max_capacity(REMEMBERED).time_to_live(GOOD_FOR).build(),
        }
    }

    /// The user's standing in these stores, as of some moments ago.
    pub async fn of(&self, user: UserId, stores: &[StoreId]) -> Result<Found, Problem> {
        let mut found = Found::default();
        let mut position = Position::start(self.log.id());
        for store in stores {
            let members = self
                .members
                .try_get_with(*store, async { self.read(*store).await.map(Arc::new) })
                .await
                .map_err(|error: Arc<Problem>| (*error).clone())?;
            if let Some(role) = members.roles.get(&user) {
                found.standing.stores.insert(*store, *role);
            }
            if let Some(seen) = members.seen {
                position.advance(members.shard, seen);
            }
        }
        found.position = Some(position.to_string());
        Ok(found)
    }

    /// The same as of now, before somebody is denied what they may have been given a moment ago.
    pub async fn fresh(&self, user: UserId, stores: &[StoreId]) -> Result<Found, Problem> {
        for store in stores {
            self.members.invalidate(store).await;
        }
        self.of(user, stores).await
    }

    /// Folds the store from the archive and what its shard's owner knows beyond that. What is in flight does not count:
    /// it may yet turn out void.
    async fn read(&self, store: StoreId) -> Result<Members, Problem> {
        let stream = store.to_string();
        let shard = self.log.shard_of(Store::FAMILY, &stream);
        for _ in 0..ATTEMPTS {
            let request = LoadRequest {
                shard,
                scope: stream.clone(),
                streams: vec![stream.clone()],
                whole_scope: false,
                commands: Vec::new(),
            };
            let loaded = self.loader.load(request).await?;
            let mut folded = Store::default();
            let archived = loaded.streams.get(&stream).map_or(&[][..], |events| events.as_slice());
            let version = archived.last().map_or(0, |event| event.envelope.version);
            let mut next = loaded.next;
            let mut events = archived.to_vec();
            if let Some(owner) = self.owners.get(&shard) {
                let met = owner.tail(owner.generation(), |tail| {
                    let settled = tail.settled();
                    next = next.max(settled);
                    events.extend(
                        tail.events(&stream, &stream, version)
                            .iter()
                            .filter(|event| event.offset < settled)
                            .map(|event| (**event).clone()),
                    );
                    tail.start() <= loaded.next
                });
                if met == Ok(false) {
                    continue;
                }
            }
            for event in &events {
                AnyAggregate::apply(&mut folded, &event.envelope.event_type, &event.value)
                    .map_err(|error| Problem::unreadable(&stream, &error))?;
            }
            return Ok(Members {
                roles: folded.state.map(|store| store.members).unwrap_or_default(),
                shard,
                seen: next.checked_sub(1),
            });
        }
        Err(LogError::Unavailable("the archive does not keep up".to_owned()).into())
    }
}
