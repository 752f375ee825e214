//! One well-behaved HTTP request to a server of ours, with the body of its answer; for requests that
//! no client should send there is `request`.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// The longest answer read, in bytes.
const MOST: usize = 32 << 20;

/// Sends a request to `host` and `port` on a connection of its own, and reads the whole answer.
///
/// # Errors
/// What kept the answer from coming, within `patience`.
pub(super) async fn fetch(
    host: &str,
    port: u16,
    request: Request<String>,
    patience: Duration,
) -> io::Result<Response<String>> {
    let exchange = async {
        let stream = TcpStream::connect((host, port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        tokio::spawn(async move {
            // Its errors come out of the exchange.
            let _ended = connection.await;
        });
        let answer = sender.send_request(request.map(|body| Full::new(Bytes::from(body))));
        let (head, body) = answer.await.map_err(broken)?.into_parts();
        let body = Limited::new(body, MOST)
            .collect()
            .await
            .map_err(io::Error::other)?;
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Response::from_parts(head, text))
    };
    tokio::time::timeout(patience, exchange)
        .await
        .unwrap_or_else(|_| {
            let said = format!("no answer within {} s", patience.as_secs_f32());
            Err(io::Error::new(io::ErrorKind::TimedOut, said))
        })
}

/// A GET of `path`.
///
/// # Errors
/// Those of [`fetch`].
pub(super) async fn get(
    host: &str,
    port: u16,
    path: &str,
    patience: Duration,
) -> io::Result<Response<String>> {
    let request = Request::get(path)
        .header("host", "localhost")
        .body(String::new());
    fetch(host, port, request.map_err(io::Error::other)?, patience).await
}

fn broken(error: hyper::Error) -> io::Error {
    io::Error::other(error)
}
