//! Who has a place, who may enter, and who is left alone.

use criterion::Criterion;
use fleet::error::{DialError, DialFailure, Phase};
use fleet::rules::{Bucket, Places, Rate, pause};
use std::hint::black_box;
use std::time::Duration;
use tokio::time::Instant;

pub(crate) fn benches(criterion: &mut Criterion) {
    for hosts in [100_u32, 1_000] {
        places(criterion, hosts);
    }
    bucket(criterion);
    backoff(criterion);
}

/// A pool with every place taken, asked in turn for each of its hosts.
fn places(criterion: &mut Criterion, hosts: u32) {
    let full = || {
        let mut places = Places::new(hosts as usize);
        for host in 0..hosts {
            assert!(places.place(host, 0_u64));
        }
        places
    };
    let (mut places, mut now) = (full(), 0);
    criterion.bench_function(&format!("lru/lease_and_release/{hosts}"), |bencher| {
        bencher.iter(|| {
            now += 1;
            let host = (now % u64::from(hosts)) as u32;
            assert!(places.lease(black_box(&host)));
            places.release(&host, now);
        });
    });
    // Every call is for a host that has no place, and takes the one of the host longest unused.
    let (mut places, mut next) = (full(), hosts);
    criterion.bench_function(&format!("lru/evict_and_place/{hosts}"), |bencher| {
        bencher.iter(|| {
            black_box(places.evict());
            places.left();
            assert!(places.place(next, 0));
            next = next.wrapping_add(1);
        });
    });
}

/// The decision alone; `cargo bench --bench mailbox -- admit` has the way to the actor and back.
fn bucket(criterion: &mut Criterion) {
    let rate = Rate::new(60, 10).unwrap();
    let start = Instant::now();
    let (mut bucket, mut passed) = (Bucket::full(rate, start), Duration::ZERO);
    criterion.bench_function("bucket/take", |bencher| {
        bencher.iter(|| {
            passed += Duration::from_millis(1);
            black_box(bucket.take(rate, start + passed))
        });
    });
}

fn backoff(criterion: &mut Criterion) {
    let error = DialError {
        phase: Phase::Tcp,
        cause: DialFailure::Io("connection refused".into()),
        hop: None,
    };
    criterion.bench_function("backoff/pause", |bencher| {
        bencher.iter(|| pause(black_box(7), black_box(&error), black_box(0.5)));
    });
}
