//! Loopback addresses and the kernel's table of TCP connections. Addresses are handed out so that two
//! tests never share one; the table is read, never changed.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// States of `/proc/net/tcp`, from the kernel's `include/net/tcp_states.h`.
const ESTABLISHED: &str = "01";

/// A block of 253 loopback addresses of this process, `127.x.y.1` to `.253`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block([u8; 2]);

impl Block {
    /// The next block nobody in this process has. Other test processes are spread by process id; a
    /// collision costs a retry of the port, not a wrong result.
    pub(crate) fn claim() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let serial = NEXT.fetch_add(1, Ordering::Relaxed);
        let spread = std::process::id().wrapping_mul(37).wrapping_add(serial);
        let [_, _, high, low] = spread.to_be_bytes();
        // 127.0.x.y is where people's own services live.
        Self([high % 240 + 10, low])
    }

    /// The address of the host with this index, from 0.
    pub(crate) fn address(self, index: usize) -> Ipv4Addr {
        let last = u8::try_from(index + 1).ok().filter(|last| *last < 254);
        let last = last.expect("a block has 253 addresses");
        Ipv4Addr::new(127, self.0[0], self.0[1], last)
    }
}

/// A port of `ip` that was free a moment ago. Whoever binds it must be ready to try again.
pub(crate) fn free_port(ip: impl Into<IpAddr>) -> u16 {
    TcpListener::bind((ip.into(), 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// How many established connections the listener at `local` holds. An unspecified address stands for
/// every address of that port. Only the accepting side counts, so a loopback connection counts once.
pub(crate) fn established_at(local: SocketAddr) -> usize {
    connections_at(&[local]).len()
}

/// The established connections that these listeners hold, each as its two ends, from one look at the
/// table.
pub(crate) fn connections_at(locals: &[SocketAddr]) -> BTreeSet<[SocketAddr; 2]> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    established(&table, locals)
}

fn established(table: &str, locals: &[SocketAddr]) -> BTreeSet<[SocketAddr; 2]> {
    let ends = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (at, from) = (fields.next()?, fields.next()?);
        let (at, from) = (parse_endpoint(at)?, parse_endpoint(from)?);
        (fields.next()? == ESTABLISHED).then_some([at, from])
    };
    let held = |at: &SocketAddr| {
        locals.iter().any(|local| {
            local.port() == at.port() && (local.ip().is_unspecified() || local.ip() == at.ip())
        })
    };
    let lines = table.lines().skip(1).filter_map(ends);
    lines.filter(|[at, _]| held(at)).collect()
}

/// `0100007F:1F90` is 127.0.0.1:8080: the address in the machine's byte order, the port as a number.
fn parse_endpoint(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let ip = Ipv4Addr::from(u32::from_str_radix(ip, 16).ok()?.to_ne_bytes());
    Some((ip, u16::from_str_radix(port, 16).ok()?).into())
}

#[test]
fn only_the_accepting_side_of_an_established_connection_counts() {
    let table = "  sl  local_address rem_address   st\n\
        0: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n\
        1: 0100007F:1F90 0100007F:C350 01 00000000:00000000\n\
        2: 0100007F:C350 0100007F:1F90 01 00000000:00000000\n\
        3: 0200007F:1F90 0100007F:C351 01 00000000:00000000\n\
        4: 0100007F:1F90 0100007F:C352 08 00000000:00000000\n";
    let count = |locals: &[&str]| {
        let locals: Vec<_> = locals.iter().map(|local| local.parse().unwrap()).collect();
        established(table, &locals).len()
    };
    assert_eq!(count(&["127.0.0.1:8080"]), 1);
    assert_eq!(count(&["0.0.0.0:8080"]), 2);
    assert_eq!(count(&["127.0.0.1:8080", "127.0.0.2:8080"]), 2);
    assert_eq!(count(&["127.0.0.1:8081"]), 0);
}
