//! The Kafka broker on real jars: it starts, and takes the faults that other tests rely on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use servers::Kafka;
use servers::kafka::Settings;

/// Asks the broker for the API versions it knows (version 0 of the request, the smallest of Kafka's protocol) and
/// returns whether it answered in time, with its answer's correlation id.
fn answers(broker: &str) -> bool {
    // size 10, API key 18, version 0, correlation id 7, no client id
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let Ok(mut stream) = TcpStream::connect(broker) else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut answer = [0; 8];
    stream.write_all(&REQUEST).is_ok() && stream.read_exact(&mut answer).is_ok() && answer[4..] == [0, 0, 0, 7]
}

fn alive(pid: nix::unistd::Pid) -> bool {
    nix::sys::signal::kill(pid, None).is_ok()
}

#[tokio::test]
async fn a_broker_can_be_paused_killed_and_restarted_on_the_same_address() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        flush_every_message: true,
        ..Settings::default()
    };
    let mut kafka = Kafka::start(dir.path(), settings).await.unwrap();
    let address = kafka.brokers();
    assert!(answers(&address));

    kafka.pause().await;
    assert!(!answers(&address), "a paused broker answers");
    kafka.resume();
    assert!(answers(&address));

    let first = kafka.pid();
    kafka.kill().await;
    assert!(!alive(first) && !answers(&address));
    kafka.restart().await.unwrap();
    assert_eq!(kafka.brokers(), address);
    assert!(answers(&address));

    let second = kafka.pid();
    kafka.pause().await;
    let started = Instant::now();
    drop(kafka);
    assert!(!alive(second), "dropping left the broker behind");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_broker_stopped_in_order_says_so_in_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let kafka = Kafka::start(dir.path(), Settings::default()).await.unwrap();
    kafka.stop().await;
    let log = std::fs::read_to_string(dir.path().join("broker.log")).unwrap();
    assert!(log.contains("shut down completed"), "{log}");
}
