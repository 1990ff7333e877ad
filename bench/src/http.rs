//! As much of HTTP/1 as a load generator needs: requests are bytes, and of an answer only its status and its end count.
//! A full client would take from the processors what it is to measure.

use std::net::SocketAddr;

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A keep-alive connection.
pub struct Connection {
    stream: TcpStream,
    /// The last answer.
    pub received: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(4096),
        })
    }

    /// Sends a request and reads its answer; tells the status.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<u16> {
        self.stream.write_all(request).await?;
        self.received.clear();
        loop {
            ensure!(
                self.stream.read_buf(&mut self.received).await? > 0,
                "the server closed the connection"
            );
            if let Some((status, length)) = read(&self.received)?
                && self.received.len() >= length
            {
                return Ok(status);
            }
        }
    }
}

/// Sends an HTTP/1.0 request on a connection of its own, and reads while it writes: status and body. In that version a
/// streamed answer ends with its connection, without chunks in between.
pub async fn once(address: SocketAddr, head: &[u8], body: &[u8]) -> anyhow::Result<(u16, String)> {
    let (mut reading, mut writing) = TcpStream::connect(address).await?.into_split();
    let mut answer = Vec::new();
    let written = async {
        writing.write_all(head).await?;
        writing.write_all(body).await
    };
    let (written, read) = tokio::join!(written, reading.read_to_end(&mut answer));
    written?;
    read?;
    let text = String::from_utf8(answer)?;
    let (head, body) = text.split_once("\r\n\r\n").context("an answer has a head")?;
    Ok((status(head)?, body.to_owned()))
}

/// Status and whole length of an answer, once its head is complete.
fn read(answer: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    for line in head.lines() {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok(Some((status(head)?, end + 4 + value.trim().parse::<usize>()?)));
        }
    }
    bail!("an answer without a length: {head}")
}

fn status(head: &str) -> anyhow::Result<u16> {
    Ok(head.get(9..12).context("an answer begins with its status")?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_head_and_as_many_bytes_as_it_says_are_there() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\netag: \"1\"\r\n\r\n{}";
        let head = answer.len() - 2;
        assert_eq!(read(&answer[..head - 1]).unwrap(), None);
        assert_eq!(read(&answer[..head]).unwrap(), Some((201, answer.len())));
        assert_eq!(read(answer).unwrap(), Some((201, answer.len())));
    }

    #[test]
    fn an_answer_whose_end_nobody_could_tell_is_an_error() {
        assert!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
