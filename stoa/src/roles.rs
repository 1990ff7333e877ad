//! What each role starts, and in which order it stops: first no new requests, then what is in flight, then the rest.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use command_api::{Service as CommandService, Settings as CommandSettings};
use domain::clock::{Clock, SystemClock};
use event_log::{archiver::Archiver, chain_reader::Check, feed::Feed, log::Keeper};
use projectors::projectors::Projectors;
use query_api::{Service as QueryService, Settings as QuerySettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Server,
    serve::{self, Readiness},
    settings::Storage,
    storage::{self, Opened},
    telemetry, token,
};

/// Which roles a process plays.
#[derive(Debug, Clone, Copy)]
pub struct Roles {
    command_api: bool,
    projector: bool,
    query_api: bool,
}

impl Roles {
    /// Every role: `stoa up`.
    pub const ALL: Self = Self {
        command_api: true,
        projector: true,
        query_api: true,
    };
    /// Takes commands.
    pub const COMMAND_API: Self = Self {
        command_api: true,
        projector: false,
        query_api: false,
    };
    /// Builds read models; in Kafka mode, keeps the archive.
    pub const PROJECTOR: Self = Self {
        command_api: false,
        projector: true,
        query_api: false,
    };
    /// Serves GraphQL.
    pub const QUERY_API: Self = Self {
        command_api: false,
        projector: false,
        query_api: true,
    };
}

/// Runs until SIGINT or SIGTERM, and then finishes what is in flight.
pub async fn run(server: Server, roles: Roles) -> anyhow::Result<()> {
    let stop = serve::stop_signal()?;
    let metrics = telemetry::recorder()?;
    let listener = serve::bind(server.listen.listen).await?;
    let address = listener.local_addr()?;
    storage::prepare(&server.storage.data)?;
    let Some(opened) = stop.run_until_cancelled(Opened::open(&server.storage, true)).await else {
        return Ok(());
    };
    let opened = opened?;
    let playing = match stop
        .run_until_cancelled(Playing::start(&server.storage, roles, &opened))
        .await
    {
        Some(Ok(playing)) => playing,
        failed_or_stopped => {
            opened.close().await;
            return failed_or_stopped.map_or(Ok(()), |failed| failed.map(drop));
        }
    };
    let router = playing.router().merge(serve::operations(playing.readiness(), metrics));
    println!(
        "Stoa listens on http://{address} (log in {})",
        opened.log.keeper().name()
    );
    if roles.query_api {
        println!("GraphiQL: http://{address}/graphql   OpenAPI: http://{address}/openapi.json");
    }
    let serving = serve::run(listener, router, stop.clone());
    // At the signal, and not when the last connection has closed: bulk requests and subscriptions end only when told.
    let door = async {
        stop.cancelled().await;
        playing.close_door();
        std::future::pending().await
    };
    let served = tokio::select! {
        served = serving => served,
        never = door => never,
    };
    playing.stop().await;
    opened.close().await;
    served
}

/// The roles that run.
struct Playing {
    commands: Option<Arc<CommandService>>,
    queries: Option<Arc<QueryService>>,
    projectors: Option<Projectors>,
    archiver: Option<(CancellationToken, JoinHandle<()>)>,
}

impl Playing {
    async fn start(storage: &Storage, roles: Roles, opened: &Opened) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(token::keys(&storage.data)?);
        let Opened { log, copies, .. } = opened;
        let log = Arc::new(log.clone());
        let (mut archiver, mut projectors) = (None, None);
        if roles.projector {
            // In Kafka mode what is read is archived too, and the archive takes nothing whose hash is wrong.
            let check = match log.keeper() {
                Keeper::Kafka => Check::Hashes,
                Keeper::Postgres => Check::Links,
            };
            let feed = Feed::start(&log, check).await?;
            if log.keeper() == Keeper::Kafka {
                let stop = CancellationToken::new();
                let task = tokio::spawn(archive(Archiver::new(&log, feed.clone(), copies.clone()), stop.clone()));
                archiver = Some((stop, task));
            }
            projectors = Some(Projectors::start(copies, &feed, log.topology()));
        }
        let queries = match roles.query_api {
            true => {
                let (log, pool) = (opened.log.clone(), opened.queries.clone());
                let queries = QueryService::open(log, pool, keys.clone(), QuerySettings::default()).await;
                Some(Arc::new(queries.context("the query API can not start")?))
            }
            false => None,
        };
        let commands = match roles.command_api {
            true => Some(
                CommandService::open(log.clone(), CommandSettings::new(node()), keys, clock)
                    .await
                    .context("the command API can not start")?,
            ),
            false => None,
        };
        Ok(Self {
            commands,
            queries,
            projectors,
            archiver,
        })
    }

    fn router(&self) -> Router {
        let commands = self.commands.iter().map(CommandService::router);
        let queries = self.queries.iter().map(|queries| queries.router());
        commands.chain(queries).fold(Router::new(), Router::merge)
    }

    fn readiness(&self) -> Vec<Readiness> {
        let mut checks: Vec<Readiness> = Vec::new();
        if let Some(commands) = self.commands.clone() {
            checks.push(Box::new(move || (!commands.ready()).then_some("the shards")));
        }
        if let Some(queries) = self.queries.clone() {
            checks.push(Box::new(move || (!queries.ready()).then_some("the read models")));
        }
        checks
    }

    /// No new commands and no more subscription items; what is under way goes on.
    fn close_door(&self) {
        if let Some(commands) = &self.commands {
            commands.close_door();
        }
        if let Some(queries) = &self.queries {
            queries.close_door();
        }
    }

    async fn stop(self) {
        if let Some(commands) = self.commands {
            commands.shutdown().await;
        }
        if let Some(queries) = self.queries {
            queries.shutdown().await;
        }
        if let Some(projectors) = self.projectors {
            projectors.shutdown().await;
        }
        if let Some((stop, task)) = self.archiver {
            stop.cancel();
            if let Err(error) = task.await {
                tracing::error!(%error, "the archiver ended badly");
            }
        }
    }
}

/// This node's name, as the log's barriers tell it: host and process.
fn node() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    format!("{}/{}", host.as_deref().unwrap_or("unknown"), std::process::id())
}

async fn archive(archiver: Archiver, stop: CancellationToken) {
    if let Err(error) = archiver.run(stop).await {
        tracing::error!(%error, "the archiver stopped");
    }
}

/// `stoa migrate`.
pub async fn migrate(storage: &Storage) -> anyhow::Result<()> {
    storage::prepare(&storage.data)?;
    let opened = Opened::open(storage, true).await?;
    opened.close().await;
    println!("the database is up to date");
    Ok(())
}
