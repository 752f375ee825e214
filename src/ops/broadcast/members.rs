//! What a group of places is called. Pure.

use super::places::Place;
use crate::ops::Printable;
use crate::ops::text::one_line;
use fleet::HostName;
use fleet::inventory::expression::fold;

/// Places as an expression: `web-[01-17],db1`, or, where paths tell places apart,
/// `web-[01-03]:/etc/hosts,db1:/etc/hostname`.
pub(super) fn folded(places: &[&Place], with_paths: bool) -> String {
    let hosts = |places: &[&Place]| -> Vec<HostName> {
        places.iter().map(|place| place.host.clone()).collect()
    };
    if !with_paths {
        return fold(&hosts(places));
    }
    let mut paths: Vec<(_, Vec<&Place>)> = Vec::new();
    for place in places {
        match paths.iter_mut().find(|(path, _)| *path == place.path) {
            Some((_, same)) => same.push(place),
            None => paths.push((place.path.clone(), vec![place])),
        }
    }
    let each = paths
        .into_iter()
        .map(|(path, same)| match (same.as_slice(), path) {
            ([alone], _) => alone.to_string(),
            (same, Some(path)) => format!("{}:{path}", fold(&hosts(same))),
            (same, None) => fold(&hosts(same)),
        });
    each.collect::<Vec<_>>().join(",")
}

/// A place on one line, with nothing in it that acts on a terminal.
pub(super) fn shown(place: &str) -> String {
    Printable(&one_line(place)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::RemotePath;

    #[test]
    fn places_fold_by_host_and_by_path() {
        let place = |host: &str, path: &str| Place {
            host: HostName::parse(host).unwrap(),
            path: Some(RemotePath::parse(path).unwrap()),
        };
        let places = [
            place("web-01", "/a"),
            place("web-02", "/a"),
            place("db1", "/b"),
            place("web-03", "/a"),
        ];
        let all: Vec<_> = places.iter().collect();
        assert_eq!(folded(&all, true), "web-[01-03]:/a,db1:/b");
        assert_eq!(folded(&all, false), "db1,web-[01-03]");
        assert_eq!(shown("a:/b\nc\u{1b}"), "a:/b\\nc\\u{1b}");
    }
}
