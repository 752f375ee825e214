//! The words callers use: targets, URIs, host expressions.

use criterion::Criterion;
use fleet::inventory::Expression;
use fleet::{HostName, Target};
use scout::resources::{Scheme, uri};
use std::hint::black_box;

const TARGETS: [(&str, &str); 3] = [
    ("plain", "web-01:/etc/hosts"),
    ("home", "web-01:~/notes/today.txt"),
    ("address", "[2001:db8::7]:/var/log/syslog"),
];

const URIS: [(&str, &str); 3] = [
    ("scout", "scout://web-01/var/log/nginx/access.log"),
    ("host", "web-01://var/log/nginx/access.log"),
    ("encoded", "scout://web-01/srv/a%20b/100%25%20%C3%A4.txt"),
];

/// Each selects among a hundred hosts as well as among a thousand.
const EXPRESSIONS: [(&str, &str); 4] = [
    ("name", "host-0042"),
    ("range", "host-[0001-0018],!host-0007"),
    ("glob", "host-00*"),
    ("mixed", "host-[0001-0018],@db,!host-0007"),
];

pub(crate) fn benches(criterion: &mut Criterion) {
    for (name, text) in TARGETS {
        criterion.bench_function(&format!("target/{name}"), |bencher| {
            bencher.iter(|| Target::parse(black_box(text)).unwrap());
        });
    }
    for (name, text) in URIS {
        criterion.bench_function(&format!("uri/{name}"), |bencher| {
            bencher.iter(|| parse(black_box(text)));
        });
    }
    for (name, text) in EXPRESSIONS {
        criterion.bench_function(&format!("expression/parse/{name}"), |bencher| {
            bencher.iter(|| Expression::parse(black_box(text)).unwrap());
        });
    }
    for count in [100, 1_000] {
        let hosts = hosts(count);
        for (name, text) in EXPRESSIONS {
            let parsed = Expression::parse(text).unwrap();
            criterion.bench_function(&format!("expression/select/{name}/{count}"), |bencher| {
                bencher.iter(|| {
                    let known = hosts.iter().map(|(host, tags)| (host, tags.as_slice()));
                    black_box(&parsed).select(known).unwrap()
                });
            });
        }
    }
}

/// Scheme, host and path of a URI, as far as they can be told without knowing which hosts there are.
fn parse(text: &str) -> (Scheme, HostName, fleet::RemotePath) {
    let scheme = Scheme::of(text);
    let (first, rest) = uri::split(text).unwrap();
    let (host, path) = match scheme {
        Scheme::Scout => rest.split_once('/').unwrap(),
        _ => (first, rest),
    };
    let path = uri::path(path).unwrap();
    (scheme, HostName::parse(host).unwrap(), path)
}

/// `host-0001` and on; every tenth is a database.
fn hosts(count: usize) -> Vec<(HostName, Vec<String>)> {
    let host = |number: usize| {
        let tag = if number.is_multiple_of(10) {
            "db"
        } else {
            "web"
        };
        let name = HostName::parse(&format!("host-{number:04}")).unwrap();
        (name, vec![tag.to_owned()])
    };
    (1..=count).map(host).collect()
}
