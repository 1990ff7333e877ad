//! A port that leads to another port: a server that was killed comes back elsewhere, and its clients must not notice.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub struct Detour {
    port: u16,
    target: Arc<AtomicU16>,
    task: JoinHandle<()>,
}

impl Detour {
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(target));
        let leads_to = target.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let target = leads_to.load(Ordering::Relaxed);
                tokio::spawn(async move {
                    // Where nobody listens the client finds its connection closed.
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { port, target, task }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn lead_to(&self, target: u16) {
        self.target.store(target, Ordering::Relaxed);
    }
}

impl Drop for Detour {
    fn drop(&mut self) {
        self.task.abort();
    }
}
