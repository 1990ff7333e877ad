//! Cold loads. What is not in memory comes from the archive; requests that wait meanwhile are answered by one statement
//! together, so that a thousand cold commands cost a handful of round trips.

use std::sync::Arc;

use event_log::{
    archive::load::{LoadRequest, Loaded},
    log::Log,
    port::LogError,
};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How many requests one statement answers at most.
const TOGETHER: usize = 256;
/// How many statements are under way at once: a long stream must not hold up all others.
const STATEMENTS: usize = 3;
/// How many requests may wait.
const WAITING: usize = 8192;

type Job = (LoadRequest, oneshot::Sender<Result<Loaded, LogError>>);

/// Loads from the archive. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Loader {
    jobs: mpsc::Sender<Job>,
}

impl Loader {
    /// Starts the tasks that load; they end with `stop`.
    pub fn start(log: &Arc<Log>, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..STATEMENTS {
            let run = run(Arc::clone(log), Arc::clone(&waiting));
            tasks.spawn(stop.clone().run_until_cancelled_owned(run));
        }
        Self { jobs }
    }

    /// Loads what a decision needs. No waiting for a place in the queue: when it is full the archive does not keep up.
    pub async fn load(&self, request: LoadRequest) -> Result<Loaded, LogError> {
        let (sender, loaded) = oneshot::channel();
        self.jobs
            .try_send((request, sender))
            .map_err(|_| LogError::Unavailable("too many cold loads wait".to_owned()))?;
        loaded
            .await
            .unwrap_or_else(|_| Err(LogError::Unavailable("the loader has ended".to_owned())))
    }
}

async fn run(log: Arc<Log>, waiting: Arc<Mutex<mpsc::Receiver<Job>>>) {
    let mut jobs = Vec::with_capacity(TOGETHER);
    loop {
        // Whoever holds the lock takes all that has queued up while the statements before were under way.
        if waiting.lock().await.recv_many(&mut jobs, TOGETHER).await == 0 {
            return;
        }
        metrics::histogram!("stoa_cold_loads_together").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let (requests, senders): (Vec<_>, Vec<_>) = jobs.drain(..).unzip();
        match log.archive().load_many(requests).await {
            Ok(loaded) => {
                for (sender, loaded) in senders.into_iter().zip(loaded) {
                    // Whoever asked may have gone.
                    let _ = sender.send(loaded);
                }
            }
            Err(error) => {
                for sender in senders {
                    let _ = sender.send(Err(error.clone()));
                }
            }
        }
    }
}
