//! Sends bulk lines, chunk by chunk, and reads what came of each.
//!
//! A chunk whose connection broke, or in which a line got no definite answer (503, 429), is sent again as a whole until
//! every line has one: what was accepted answers as replayed, and what was refused for want of a line that had not come
//! through is decided again.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use reqwest::{StatusCode, header};
use serde::Deserialize;

use super::{
    line::Line,
    summary::{Outcome, Summary},
};

/// Lines in a chunk; what belongs together is not torn apart for it.
const CHUNK: usize = 4_000;
/// How often a chunk is sent again before the import gives up.
const MOST_TRIES: u32 = 60;
/// The longest pause before a chunk is sent again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A client of the command API.
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// A line of the answer.
#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    #[serde(default)]
    replayed: bool,
    #[serde(default)]
    problem: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    detail: String,
}

impl Client {
    /// A client that sends this token.
    pub fn new(url: &str, token: &str) -> anyhow::Result<Self> {
        let mut authorization = header::HeaderValue::try_from(format!("Bearer {token}"))
            .context("the token holds characters that no header can")?;
        authorization.set_sensitive(true);
        // The first of a process wins; the embedded Postgres's download may have been it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = header::HeaderMap::from_iter([(header::AUTHORIZATION, authorization)]);
        let http = reqwest::Client::builder().default_headers(headers).build()?;
        Ok(Self {
            http,
            url: format!("{}/v1/commands", url.trim_end_matches('/')),
        })
    }

    /// Sends the lines of these stories in order, and counts what comes of them.
    pub async fn send(
        &self,
        mut stories: impl Iterator<Item = anyhow::Result<Vec<Line>>>,
        summary: &mut Summary,
        bar: &ProgressBar,
    ) -> anyhow::Result<()> {
        loop {
            let (mut chunk, mut told) = (Vec::new(), 0);
            while chunk.len() < CHUNK
                && let Some(story) = stories.next()
            {
                chunk.extend(story?);
                told += 1;
            }
            if told == 0 {
                return Ok(());
            }
            let outcomes = self.settle(&chunk, summary, bar).await?;
            for (line, outcome) in chunk.iter().zip(outcomes) {
                summary.count(&line.path, outcome);
            }
            bar.inc(told);
        }
    }

    /// Sends a chunk until every line has a definite answer.
    async fn settle(&self, chunk: &[Line], summary: &mut Summary, bar: &ProgressBar) -> anyhow::Result<Vec<Outcome>> {
        let mut body = Vec::new();
        for line in chunk {
            serde_json::to_writer(&mut body, line)?;
            body.push(b'\n');
        }
        let body = bytes::Bytes::from(body);
        let mut pause = Duration::from_millis(200);
        for _ in 0..MOST_TRIES {
            match self.once(body.clone(), chunk.len()).await {
                Ok(Some(outcomes)) => return Ok(outcomes),
                Ok(None) => bar.set_message("waiting for the server"),
                Err(error) if error.is::<reqwest::Error>() => bar.set_message(error.to_string()),
                Err(error) => return Err(error),
            }
            summary.resent();
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        bail!(
            "{} does not answer; start the import again when it does, it goes on from where it is",
            self.url
        )
    }

    /// Sends a chunk; `None` when some line got no definite answer.
    async fn once(&self, body: bytes::Bytes, lines: usize) -> anyhow::Result<Option<Vec<Outcome>>> {
        let request = self
            .http
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(body);
        let response = request.send().await?;
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(None);
        }
        let text = response.text().await?;
        ensure!(status.is_success(), "{} answered {status}: {text}", self.url);
        let answers: Vec<Answer> = serde_json::Deserializer::from_str(&text)
            .into_iter()
            .collect::<Result<_, _>>()
            .context("the answer is not NDJSON")?;
        if answers.len() != lines || answers.iter().any(|answer| matches!(answer.status, 429 | 503)) {
            return Ok(None);
        }
        Ok(Some(answers.into_iter().map(outcome).collect()))
    }
}

fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer {
            status: 200..=299,
            replayed: true,
            ..
        } => Outcome::Replayed,
        Answer { status: 200..=299, .. } => Outcome::Accepted,
        Answer {
            problem: Some(problem), ..
        } => Outcome::Refused(problem.kind, problem.detail),
        Answer { status, .. } => Outcome::Refused(format!("status {status}"), String::new()),
    }
}
