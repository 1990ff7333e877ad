//! A client of graphql-transport-ws.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// One subscription on a connection of its own.
pub struct Subscribed(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Subscribed {
    pub async fn to(address: &str, token: &str, query: &str, variables: Value) -> Self {
        let mut subscribed = Self::connect(address, json!({ "Authorization": format!("Bearer {token}") })).await;
        assert_eq!(subscribed.receive().await.unwrap()["type"], "connection_ack");
        subscribed.ask("1", query, variables).await;
        subscribed
    }

    /// A connection on which `connection_init` was said with this payload.
    pub async fn connect(address: &str, init: Value) -> Self {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut connected = Self(socket);
        connected
            .send(&json!({ "type": "connection_init", "payload": init }))
            .await;
        connected
    }

    /// Asks for an operation under this id.
    pub async fn ask(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
    }

    pub async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, as it comes.
    pub async fn receive(&mut self) -> Option<Value> {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.next())
                .await
                .expect("nothing came for 10 s")?;
            match message.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// With what code and reason the server closes, whatever it says before.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            let message = timeout(Duration::from_secs(10), self.0.next())
                .await
                .expect("nothing came for 10 s")?;
            if let Message::Close(frame) = message.ok()? {
                return frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
    }

    /// The next item's payload, errors included; `None` when the subscription is over.
    pub async fn next(&mut self) -> Option<Value> {
        let mut message = self.receive().await?;
        match message["type"].as_str()? {
            "next" => Some(message["payload"].take()),
            "error" => Some(json!({ "errors": message["payload"] })),
            _ => None,
        }
    }

    /// So many items of this field.
    pub async fn take(&mut self, field: &str, count: usize) -> Vec<Value> {
        let mut items = Vec::new();
        while items.len() < count {
            let mut payload = self.next().await.expect("the subscription ended");
            assert!(payload.get("errors").is_none(), "{payload}");
            items.push(payload["data"][field].take());
        }
        items
    }

    /// Whether nothing comes for a while.
    pub async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.0.next()).await.is_err()
    }
}
