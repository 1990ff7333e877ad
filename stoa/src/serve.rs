//! The HTTP server: the roles' routes, and what those who run it look at.

use std::{future::IntoFuture as _, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long clients may take, once the server stops, to send the rest of their requests and to read their answers.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// What a role waits for before it can do its work; nothing when it can.
pub type Readiness = Box<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// Binds the address, so that a port in use is told before anything else starts.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("can not listen on {address}"))
}

/// `/healthz`: the process runs. `/readyz`: every role can do its work. `/metrics`: Prometheus text.
pub fn operations(readiness: Vec<Readiness>, metrics: PrometheusHandle) -> Router {
    let readiness = Arc::new(readiness);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { ready(&readiness) }))
        .route("/metrics", get(move || async move { metrics.render() }))
}

fn ready(readiness: &[Readiness]) -> impl IntoResponse + use<> {
    let waiting: Vec<&str> = readiness.iter().filter_map(|check| check()).collect();
    if waiting.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("waiting for {}\n", waiting.join(", ")),
        )
    }
}

/// Serves until told to stop; then takes no new connection and finishes the requests that are under way, as long as
/// their clients let it.
pub async fn run(listener: TcpListener, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let told = stop.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { told.cancelled().await });
    let too_long = async {
        stop.cancelled().await;
        sleep(DRAINED_WITHIN).await;
    };
    tokio::select! {
        served = serving.into_future() => served.context("the HTTP server failed"),
        () = too_long => {
            tracing::warn!("some clients did not let their requests end");
            Ok(())
        }
    }
}

/// Cancelled by SIGINT or SIGTERM.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}
