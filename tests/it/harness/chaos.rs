//! The proxy does to a connection what it was told to, when it was told to.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::eventually;
use crate::support::fleet::Fleet;

const SOON: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_millis(200);

/// A server that sends everything back.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

async fn connected() -> (Chaos, TcpStream) {
    let chaos = Chaos::before(echo().await).await;
    let stream = TcpStream::connect(chaos.address()).await.unwrap();
    (chaos, stream)
}

/// Sends and reads back as many bytes.
async fn round_trip(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(text).await?;
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await?;
    Ok(back)
}

#[tokio::test]
async fn bytes_pass_and_are_counted() {
    let (chaos, mut stream) = connected().await;
    assert_eq!(round_trip(&mut stream, b"hello").await.unwrap(), b"hello");
    assert_eq!(
        (chaos.bytes(Toward::Server), chaos.bytes(Toward::Client)),
        (5, 5)
    );
    assert_eq!((chaos.connections(), chaos.live()), (1, 1));
    drop(stream);
    eventually("the connection is gone", SOON, || chaos.live() == 0).await;
}

#[tokio::test]
async fn a_blackhole_swallows_and_gives_back_when_it_is_lifted() {
    let (chaos, mut stream) = connected().await;
    chaos.set(Mode::Blackhole);
    assert!(
        timeout(SILENCE, round_trip(&mut stream, b"hello"))
            .await
            .is_err()
    );
    assert_eq!(chaos.bytes(Toward::Client), 0);
    chaos.set(Mode::Pass);
    let mut back = [0; 5];
    timeout(SOON, stream.read_exact(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&back, b"hello");
}

#[tokio::test]
async fn a_turn_comes_at_the_very_byte() {
    let (chaos, mut stream) = connected().await;
    chaos.turn(Toward::Client, 7, Mode::Cut);
    stream.write_all(b"0123456789").await.unwrap();
    let mut back = Vec::new();
    timeout(SOON, stream.read_to_end(&mut back))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(back, b"0123456");

    // The next connection counts from zero again.
    let mut next = TcpStream::connect(chaos.address()).await.unwrap();
    chaos.turn(Toward::Server, 3, Mode::Blackhole);
    next.write_all(b"abcdef").await.unwrap();
    let mut back = [0; 3];
    let first = timeout(SILENCE, next.read_exact(&mut back)).await;
    // Both directions fall silent at once, so what came back before is up to the race; never more.
    assert!(first.is_err() || &back == b"abc");
    assert!(timeout(SILENCE, next.read_u8()).await.is_err());
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_cut_is_an_end() {
    let (chaos, mut stream) = connected().await;
    round_trip(&mut stream, b"x").await.unwrap();
    chaos.set(Mode::Reset);
    let error = timeout(SOON, stream.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);

    let (chaos, mut stream) = connected().await;
    round_trip(&mut stream, b"x").await.unwrap();
    chaos.set(Mode::Cut);
    let error = timeout(SOON, stream.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_half_close_ends_one_direction_only() {
    let (chaos, mut stream) = connected().await;
    round_trip(&mut stream, b"x").await.unwrap();
    chaos.set(Mode::HalfClose);
    let error = timeout(SOON, stream.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    stream.write_all(b"still heard").await.unwrap();
    eventually("the server hears", SOON, || {
        chaos.bytes(Toward::Server) == 12
    })
    .await;
}

#[tokio::test]
async fn delays_and_rates_take_the_time_they_say() {
    let (chaos, mut stream) = connected().await;
    chaos.set(Mode::Delay(Duration::from_millis(100)));
    let start = Instant::now();
    round_trip(&mut stream, b"x").await.unwrap();
    assert!(
        start.elapsed() >= Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );

    chaos.set(Mode::Rate(20_000));
    let start = Instant::now();
    round_trip(&mut stream, &[7; 10_000]).await.unwrap();
    let took = start.elapsed();
    assert!(
        (Duration::from_millis(400)..SOON).contains(&took),
        "{took:?}"
    );

    chaos.set(Mode::Drip(Duration::from_millis(20)));
    let start = Instant::now();
    round_trip(&mut stream, &[7; 10]).await.unwrap();
    assert!(
        start.elapsed() >= Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_real_host_works_through_it_until_it_does_not() {
    let mut fleet = Fleet::start(1).await;
    let chaos = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", chaos.address());
    assert!(
        fleet
            .ssh("web-01", "true")
            .status()
            .await
            .unwrap()
            .success()
    );
    chaos.turn(Toward::Client, 100, Mode::Reset);
    assert_eq!(
        fleet.ssh("web-01", "true").status().await.unwrap().code(),
        Some(255)
    );
    assert_eq!((chaos.connections(), fleet.logins()), (2, 1));
}
