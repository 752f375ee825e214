//! An address on which a TCP connect neither succeeds nor fails, without any right over the network:
//! a listener whose queue is full drops further SYNs (listen(2), `net.ipv4.tcp_abort_on_overflow` 0).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

/// Longer than a loopback connect can take, shorter than the first repetition of a SYN (1 s).
const HANGS: Duration = Duration::from_millis(500);

/// The address stays silent for as long as this lives.
#[derive(Debug)]
pub(crate) struct Blackhole {
    address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _fillers: Vec<TcpStream>,
}

impl Blackhole {
    /// Fills the queue of a listener on `ip`, and proves that one more connect hangs.
    pub(crate) async fn on(ip: std::net::Ipv4Addr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((ip, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut fillers = Vec::new();
        for _ in 0..16 {
            match tokio::time::timeout(HANGS, TcpStream::connect(address)).await {
                Ok(stream) => fillers.push(stream.unwrap()),
                Err(_) => {
                    return Self {
                        address,
                        _listener: listener,
                        _fillers: fillers,
                    };
                }
            }
        }
        panic!(
            "{address} still accepts after {} connections",
            fillers.len()
        );
    }

    /// The silent address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
