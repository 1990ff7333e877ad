//! Tracing to standard error, and the recorder behind `/metrics`.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt};

use crate::settings::{Diagnostics, LogFormat};

/// Upper bounds of the latency histograms' buckets, in seconds.
const LATENCY_BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
];

/// Starts writing the process's log.
pub fn start(diagnostics: &Diagnostics) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&diagnostics.log)?;
    let subscriber = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match diagnostics.log_format {
        LogFormat::Text => subscriber.compact().init(),
        LogFormat::Json => subscriber.json().init(),
    }
    Ok(())
}

/// Installs the recorder that `/metrics` reads.
pub fn recorder() -> anyhow::Result<PrometheusHandle> {
    let builder =
        PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)?;
    Ok(builder.install_recorder()?)
}
