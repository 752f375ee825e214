//! What others do while a copy is under way: what they put at its destination stays, and what they make
//! of its source is never half of a copy.

use std::time::{Duration, SystemTime};

use super::{copy, done, failed, on, overwrite, serve};
use crate::support::chaos::{Chaos, Mode, Toward};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::yard::{Way, Yard};

#[tokio::test]
async fn what_appears_meanwhile_stays() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    let (local, remote) = (yard.local("a", 3 << 20, 1), yard.remote("a", 3 << 20, 2));
    slow.set(Mode::Rate(6 << 20));
    let [up, down, _] = yard.ways(&local, &remote, "new");
    for way in [up, down] {
        let Way {
            from,
            to,
            place,
            toward,
        } = &way;
        let begun = slow.bytes(*toward);
        let appear = async {
            while slow.bytes(*toward) < begun + (1 << 20) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            std::fs::write(place, "somebody else's").unwrap();
        };
        let (result, ()) = tokio::join!(copy(&client, from, to), appear);
        failed(&result, "exists");
        assert_eq!(std::fs::read_to_string(place).unwrap(), "somebody else's");
    }
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_source_that_changes_is_no_copy() {
    let mut fleet = Fleet::start(1).await;
    let yard = Yard::new(&fleet);
    let slow = Chaos::before(fleet.sshd(0).address()).await;
    fleet.reroute("web-01", slow.address());
    let server = serve(&fleet, &yard).await;
    let client = server.client(Era::Modern);
    done(
        &copy(
            &client,
            &yard.local("warm", 1, 1).display().to_string(),
            &on("web-01", &yard.there),
        )
        .await,
    );
    slow.set(Mode::Rate(6 << 20));
    let old = yard.local("old", 7, 9);
    for (what, seed) in [("longer", 1), ("shorter", 2), ("another", 3)] {
        let source = yard.remote(what, 4 << 20, seed);
        let from = on("web-01", &source);
        let begun = slow.bytes(Toward::Client);
        let change = async {
            while slow.bytes(Toward::Client) < begun + (1 << 20) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let file = std::fs::File::options().write(true).open(&source).unwrap();
            match what {
                "longer" => file.set_len((4 << 20) + 1).unwrap(),
                "shorter" => file.set_len(3 << 20).unwrap(),
                _ => {
                    std::os::unix::fs::FileExt::write_at(&file, b"changed", 10).unwrap();
                    file.set_modified(SystemTime::now() + Duration::from_secs(5))
                        .unwrap();
                }
            }
        };
        let to = old.display().to_string();
        let (result, ()) = tokio::join!(overwrite(&client, &from, &to), change);
        failed(&result, "source_changed");
        assert_eq!(std::fs::metadata(&old).unwrap().len(), 7, "{what}");
    }
    assert_eq!(yard.left(), Vec::<std::path::PathBuf>::new());
}
