//! Storage pools. The kernel module cannot be had on a machine for tests, so zpool and zfs are scripts that
//! print what OpenZFS 2.3 does: tables as zpool-list(8) and zfs-list(8) of 2.3.9 show them, the state of a pool
//! as of 2.2.6, errors word for word, and the lack of the module as zpool of 2.1.11 says it here. They note the
//! words they were called with.

use serde_json::json;

use super::{ERAS, fleet_with, is_not_found, refusal, suggested, text};
use crate::support::client::Era;
use crate::support::programs::Programs;
use crate::support::server::TestServer;
use crate::support::sshd::config::SshdConfig;

const POOLS: &str = "\
NAME        SIZE  ALLOC   FREE  CKPOINT  EXPANDSZ   FRAG    CAP  DEDUP    HEALTH  ALTROOT
tank       61.5G  20.0G  41.5G        -         -    48%    32%  1.00x    ONLINE  -
two words      -      -      -        -         -      -      -      -   FAULTED  -
";

const STATUS: &str = "  pool: tank
 state: ONLINE
  scan: scrub repaired 0B in 00:11:38 with 0 errors on Sun Nov 22 00:35:39 2026
config:

\tNAME        STATE     READ WRITE CKSUM
\ttank        ONLINE       0     0     0
\t  mirror-0  ONLINE       0     0     0
\t    sda     ONLINE       0     0     0
\t    sdb     ONLINE       0     0     0

errors: No known data errors
";

const DATASETS: &str = "\
NAME             USED  AVAIL  REFER  MOUNTPOINT
tank             450K   457G    18K  /tank
tank/home        315K   457G    21K  /export/home
tank/home/anne   276K   457G   276K  /export/home/anne
";

const ZPOOL: &str = r#"
echo "zpool $*" >>"$0.calls"
case "$*" in
list) cat "$0.pools" ;;
"list -H -o name") printf 'tank\ntwo words\n' ;;
"status -- tank") cat "$0.status" ;;
"status -- two words") [ $# = 3 ] && echo faulted ;;
"status -- "*) shift 2; echo "cannot open '$*': no such pool" >&2; exit 1 ;;
*) echo usage >&2; exit 2 ;;
esac"#;

const ZFS: &str = r#"
echo "zfs $*" >>"${0%/*}/zpool.calls"
case "$*" in
"list -r -- tank") cat "${0%/*}/zpool.datasets" ;;
"list -r -- "*) shift 3; echo "cannot open '$*': dataset does not exist" >&2; exit 1 ;;
"list -t snapshot -o name,used,refer,creation -S creation")
  echo "NAME             USED  REFER  CREATION"
  i=0; while [ $i -lt 60 ]; do echo "tank/home@$i  0B  276K  Tue Nov 24 10:00 2026"; i=$((i + 1)); done ;;
*) echo usage >&2; exit 2 ;;
esac"#;

fn recorded(programs: Programs) -> Programs {
    use std::os::unix::fs::PermissionsExt as _;
    let programs = programs
        .script("zpool", ZPOOL)
        .script("zfs", ZFS)
        .file("zpool.pools", POOLS)
        .file("zpool.status", STATUS)
        .file("zpool.datasets", DATASETS)
        .file("zpool.calls", "");
    let calls = programs.place("zpool.calls");
    std::fs::set_permissions(calls, std::fs::Permissions::from_mode(0o666)).unwrap();
    programs
}

#[tokio::test]
async fn pools_are_shown_as_their_programs_show_them() {
    let mut calls = None;
    let fleet = fleet_with(|fleet| {
        let programs = recorded(Programs::basic(fleet.dir()));
        calls = Some(programs.place("zpool.calls"));
        SshdConfig {
            env: vec![programs.env()],
            ..SshdConfig::default()
        }
    })
    .await;
    let server = TestServer::start(&fleet).await;
    for era in ERAS {
        let client = server.client(era);
        for base in ["web-01://zfs", "zfs://web_1"] {
            assert_eq!(text(&client, base).await, POOLS);
            assert_eq!(text(&client, &format!("{base}/tank")).await, STATUS);
            assert_eq!(
                text(&client, &format!("{base}/two%20words")).await,
                "faulted\n"
            );
            assert_eq!(
                text(&client, &format!("{base}/tank/datasets")).await,
                DATASETS
            );
            let snapshots = text(&client, &format!("{base}/snapshots")).await;
            let lines: Vec<_> = snapshots.lines().collect();
            assert!(lines[0].starts_with("NAME ") && lines[1].starts_with("tank/home@0 "));
            assert!(lines[50].starts_with("tank/home@49 "), "{snapshots}");
            assert_eq!(lines[51..], ["", "[the newest 50; 10 older ones]"]);
        }
        let found = suggested(&client, "zfs://{host}/{pool}", "pool", "t").await;
        assert_eq!(found, json!(["tank", "two words"]));
    }
    let client = server.client(Era::Modern);
    std::fs::write(calls.as_ref().unwrap(), "").unwrap();
    for uri in [
        "web-01://zfs/nobody",
        "zfs://web_1/nobody/datasets",
        "web-01://zfs/-v",
        "web-01://zfs/mirror-0",
        "web-01://zfs/tank%2Fhome",
        "web-01://zfs/tank;id",
        "web-01://zfs/tank%0Aid",
        "zfs://web_1/../datasets",
    ] {
        is_not_found(&client, uri).await;
    }
    let calls = std::fs::read_to_string(calls.unwrap()).unwrap();
    assert_eq!(calls, "zpool status -- nobody\nzfs list -r -- nobody\n");
}

#[tokio::test]
async fn a_host_without_the_module_says_so() {
    let fleet = fleet_with(|fleet| {
        let says = "echo 'The ZFS modules are not loaded.' >&2\n\
                    echo \"Try running '/sbin/modprobe zfs' as root to load them.\" >&2\nexit 1";
        let programs = Programs::basic(fleet.dir()).script("zpool", says);
        SshdConfig {
            env: vec![programs.env()],
            ..SshdConfig::default()
        }
    })
    .await;
    let server = TestServer::start(&fleet).await;
    let (code, message) = refusal(&server.client(Era::Modern), "web-01://zfs").await;
    assert_eq!(code, "program_failed");
    let said = "`zpool` on `web-01` failed with exit code 1: The ZFS modules are not loaded.; ";
    assert!(message.starts_with(said), "{message}");
}
