//! SIGTERM while clients are in the middle of something: what was taken is answered, and nobody holds the process up.

use std::convert::Infallible;

use domain::id::{ListingId, UserId};
use futures::{StreamExt as _, stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::installation::{Installation, Keeper};

#[tokio::test(flavor = "multi_thread")]
async fn open_requests_do_not_hold_up_the_end() {
    let installation = Installation::new(Keeper::Postgres).await;
    let server = installation.start().await;
    // A bulk request whose client would send more, some day.
    let line = format!(
        r#"{{"path":"/v1/listings/{}/create","actor":"{}","data":{{"title":"Bread","details":{{"kind":"product"}}}}}}"#,
        ListingId::generate(),
        UserId::generate()
    );
    let never_ends = stream::iter([Ok::<_, Infallible>(line + "\n")]).chain(stream::pending());
    let response = reqwest::Client::new()
        .post(installation.url("/v1/commands"))
        .bearer_auth(installation.importer().await)
        .header("content-type", "application/x-ndjson")
        .body(reqwest::Body::wrap_stream(never_ends))
        .send()
        .await
        .unwrap();
    let mut results = response.bytes_stream();
    let first = results.next().await.unwrap().unwrap();
    assert!(first.starts_with(br#"{"line":1,"status":201"#), "{first:?}");
    // A client that stopped in the middle of its body, and one in the middle of its headers.
    let mut body = TcpStream::connect(installation.address()).await.unwrap();
    let half = "POST /graphql HTTP/1.1\r\nhost: stoa\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    body.write_all(half.as_bytes()).await.unwrap();
    let mut head = TcpStream::connect(installation.address()).await.unwrap();
    head.write_all(b"GET /healthz HTTP/1.1\r\nho").await.unwrap();

    server.stop().await;
    // The bulk request was answered to its end, which is that of the lines that were read.
    assert!(results.next().await.is_none());
    let mut left = Vec::new();
    let _ = head.read_to_end(&mut left).await;
    assert_eq!(left, b"");
}
