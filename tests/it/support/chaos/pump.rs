//! Moves the bytes of one proxied connection, one pump per direction, and ends it as the plan says.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Counts, Mode, Plan, Toward};

/// A rate is kept over slices of this length.
const SLICE: Duration = Duration::from_millis(20);

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Fin,
    Rst,
}

/// Pumps until the plan or both peers end the connection.
pub(super) async fn run(
    mut client: TcpStream,
    mut server: TcpStream,
    plan: watch::Receiver<Plan>,
    counts: &Counts,
) {
    // What one direction decided is true for the other: a turn is a turn of the connection.
    let (turned, _) = watch::channel(false);
    let closed = AtomicBool::new(false);
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = Pump::new(Toward::Server, plan.clone(), counts, &turned, &closed);
        let down = Pump::new(Toward::Client, plan, counts, &turned, &closed);
        let both = tokio::try_join!(
            up.run(from_client, to_server),
            down.run(from_server, to_client)
        );
        both.err().unwrap_or(End::Fin)
    };
    if end == End::Rst {
        for stream in [&client, &server] {
            let _ = stream.set_zero_linger();
        }
    }
}

struct Pump<'a> {
    toward: Toward,
    plan: watch::Receiver<Plan>,
    counts: &'a Counts,
    turned: &'a watch::Sender<bool>,
    seen: watch::Receiver<bool>,
    closed: &'a AtomicBool,
    passed: u64,
}

impl<'a> Pump<'a> {
    fn new(
        toward: Toward,
        plan: watch::Receiver<Plan>,
        counts: &'a Counts,
        turned: &'a watch::Sender<bool>,
        closed: &'a AtomicBool,
    ) -> Self {
        let seen = turned.subscribe();
        Self {
            toward,
            plan,
            counts,
            turned,
            seen,
            closed,
            passed: 0,
        }
    }

    /// Ends well when its reader does; an error ends the whole connection.
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), End> {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let (mode, limit) = self.now();
            match mode {
                Mode::Reset => return Err(End::Rst),
                Mode::Cut => return Err(End::Fin),
                Mode::Blackhole => {
                    self.changed().await?;
                    continue;
                }
                Mode::HalfClose if self.toward == Toward::Client => {
                    let _ = to.shutdown().await;
                    self.closed.store(true, Ordering::SeqCst);
                    self.changed().await?;
                    continue;
                }
                _ if self.toward == Toward::Client && self.closed.load(Ordering::SeqCst) => {
                    self.changed().await?;
                    continue;
                }
                _ => {}
            }
            let (most, pause) = pace(mode, limit.min(chunk.len()));
            let read = tokio::select! {
                change = self.changed() => { change?; continue }
                read = from.read(&mut chunk[..most]) => read.unwrap_or(0),
            };
            if read == 0 {
                let _ = to.shutdown().await;
                return Ok(());
            }
            sleep(pause).await;
            // A plan that changed while the bytes were on their way holds for them too.
            while self.now().0 == Mode::Blackhole {
                self.changed().await?;
            }
            if matches!(self.now().0, Mode::Reset | Mode::Cut) {
                continue;
            }
            if to.write_all(&chunk[..read]).await.is_err() {
                return Err(End::Rst);
            }
            self.count(read as u64);
        }
    }

    /// The mode that holds now, and how many bytes may pass before it must be asked again.
    fn now(&mut self) -> (Mode, usize) {
        let turned = *self.seen.borrow_and_update();
        let plan = *self.plan.borrow_and_update();
        match plan.turn {
            Some(turn) if turned => (turn.mode, usize::MAX),
            Some(turn) if turn.toward == self.toward => {
                match turn.after.saturating_sub(self.passed) {
                    0 => {
                        self.turned.send_replace(true);
                        (turn.mode, usize::MAX)
                    }
                    left => (plan.mode, usize::try_from(left).unwrap_or(usize::MAX)),
                }
            }
            _ => (plan.mode, usize::MAX),
        }
    }

    /// Waits for another plan or for the turn of the other direction. A proxy that is gone cuts.
    async fn changed(&mut self) -> Result<(), End> {
        tokio::select! {
            change = self.plan.changed() => change.map_err(|_| End::Fin),
            change = self.seen.changed() => change.map_err(|_| End::Fin),
        }
    }

    fn count(&mut self, bytes: u64) {
        self.passed += bytes;
        self.counts
            .bytes(self.toward)
            .fetch_add(bytes, Ordering::SeqCst);
    }
}

/// How much may pass at once, and how long it is on its way.
fn pace(mode: Mode, most: usize) -> (usize, Duration) {
    match mode {
        Mode::Delay(by) => (most, by),
        Mode::Drip(by) => (1, by),
        Mode::Rate(per_second) => {
            let slices = (1000 / SLICE.as_millis()) as usize;
            ((per_second as usize / slices).clamp(1, most), SLICE)
        }
        _ => (most, Duration::ZERO),
    }
}
