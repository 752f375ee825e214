//! What a client offers in the key exchange, and how a connection is kept.

use super::super::host_key::Trust;
use russh::keys::Algorithm;
use russh::{Preferred, client};
use std::borrow::Cow;
use std::time::Duration;

/// Messages of one channel that wait to be read. Every channel is drained without pause, so this
/// only bounds what a flood can hold in memory: 16 packets of 32 KiB.
const CHANNEL_BUFFER: usize = 16;

/// The settings of one connection. Keys are those on file first; `window` is what a host may send on
/// one channel before it hears that it arrived.
pub(super) fn config(trust: &Trust, keepalive: Duration, window: u32) -> client::Config {
    let mut preferred = Preferred {
        cipher: Cow::Borrowed(&[
            russh::cipher::AES_128_GCM,
            russh::cipher::AES_256_GCM,
            russh::cipher::CHACHA20_POLY1305,
            russh::cipher::AES_256_CTR,
            russh::cipher::AES_128_CTR,
        ]),
        ..Preferred::DEFAULT
    };
    if let Trust::Known {
        files, name, port, ..
    } = trust
    {
        let known = files.algorithms(name, *port);
        preferred.key = Cow::Owned(known_first(&known, &preferred.key));
    }
    client::Config {
        preferred,
        nodelay: true,
        keepalive_interval: Some(keepalive),
        keepalive_max: 3,
        channel_buffer_size: CHANNEL_BUFFER,
        window_size: window,
        ..client::Config::default()
    }
}

/// The host key algorithms in order, those on file first: a host with several keys then shows the
/// one that can be verified (`HostKeyAlgorithms`, `ssh_config(5)`, has the same rule).
fn known_first(known: &[Algorithm], all: &[Algorithm]) -> Vec<Algorithm> {
    let same = |a: &Algorithm, b: &Algorithm| match (a, b) {
        (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
        (a, b) => a == b,
    };
    let (mut first, rest): (Vec<_>, Vec<_>) = all
        .iter()
        .cloned()
        .partition(|a| known.iter().any(|k| same(k, a)));
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithms_on_file_come_first_and_none_is_lost() {
        let all = Preferred::DEFAULT.key;
        let ordered = known_first(&[Algorithm::Rsa { hash: None }], &all);
        assert!(matches!(ordered.first(), Some(Algorithm::Rsa { .. })));
        assert_eq!(ordered.len(), all.len());
        assert_eq!(
            ordered.last(),
            Some(&Algorithm::Ecdsa {
                curve: russh::keys::EcdsaCurve::NistP521
            })
        );
    }
}
