//! A crash of one host's actor costs the calls it had, and nothing else: its callers hear of it at once,
//! its processes end, other hosts notice nothing, and the next call works. A host that crashes again and
//! again is left alone for a while. Needs the feature `failpoints`.

// `cfg(test)` is always set here; it is what tells clippy that this is test code.
#[cfg(test)]
#[path = "hosts/openssh.rs"]
#[expect(dead_code, reason = "its other users ask for more")]
mod openssh;
#[cfg(test)]
#[path = "hosts/rig.rs"]
#[expect(dead_code, reason = "its other users ask for more")]
mod rig;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use fleet::{Bounds, Deadline, FleetError, HostName, Lease, RemotePath};

    use crate::openssh::{self, Account};
    use crate::rig::{HOSTS, Rig, exited, shell};

    /// How soon a caller hears of the crash, long before any deadline of its own. Unloaded it is a
    /// millisecond; a busy machine, and the backtrace that is printed first, take their time.
    const AT_ONCE: Duration = Duration::from_secs(2);
    const SOON: Duration = Duration::from_secs(10);

    async fn lease(rig: &Rig, host: &str) -> Lease {
        let host = HostName::parse(host).unwrap();
        rig.fleet
            .lease(&host, Deadline::within(SOON))
            .await
            .unwrap()
    }

    /// Whether any live process has `word` in its environment or arguments.
    fn lives(word: &str) -> bool {
        let carries = |dir: PathBuf| {
            let has = |name: &str| {
                let bytes = fs::read(dir.join(name)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).contains(word)
            };
            has("environ") || has("cmdline")
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries.map(|entry| entry.path()).any(carries)
    }

    async fn until(word: &str, alive: bool) {
        let start = Instant::now();
        while lives(word) != alive {
            assert!(start.elapsed() < SOON, "{word}: alive is not {alive}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_crash_costs_the_calls_of_one_host_and_nothing_else() {
        let rig = Arc::new(openssh::rig(Account::Plain).await);
        let word = format!("crash{}", std::process::id());
        let other = format!("other{}", std::process::id());
        let call = |host: &'static str, line: String| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move {
                let ended = rig.run_on(host, shell(&line), Bounds::default()).await;
                (ended, Instant::now())
            })
        };
        // Eight that run and two that wait.
        let lost: Vec<_> = (0..10)
            .map(|_| call(HOSTS[0], format!("env WORD={word} sleep 300")))
            .collect();
        let safe = call(HOSTS[1], format!("env WORD={other} sleep 2; exit 5"));
        until(&word, true).await;
        until(&other, true).await;

        let crashed = Instant::now();
        lease(&rig, HOSTS[0]).await.inject_panic();
        for call in lost {
            let (ended, when) = call.await.unwrap();
            assert!(
                matches!(ended, Err(FleetError::Internal { .. })),
                "{ended:?}"
            );
            let took = when.duration_since(crashed);
            assert!(took < AT_ONCE, "{took:?}");
        }
        let again = rig.run(shell("exit 3")).await;
        assert_eq!(again.outcome, exited(3));
        until(&word, false).await;
        let (ended, _) = safe.await.unwrap();
        assert_eq!(ended.unwrap().outcome, exited(5));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_crash_ends_the_file_sessions_of_its_host() {
        let rig = openssh::rig(Account::Plain).await;
        let deadline = Deadline::within(SOON);
        let files = lease(&rig, HOSTS[0]).await.files(deadline).await.unwrap();
        let home = RemotePath::home();
        assert!(files.stat(&home).await.is_ok());
        lease(&rig, HOSTS[0]).await.inject_panic();
        let crashed = Instant::now();
        while files.stat(&home).await.is_ok() {
            assert!(crashed.elapsed() < SOON, "it outlives its host");
            tokio::task::yield_now().await;
        }
        let ended = files.stat(&home).await;
        assert!(
            matches!(ended, Err(FleetError::ConnectionLost { .. })),
            "{ended:?}"
        );
        let again = lease(&rig, HOSTS[0]).await.files(deadline).await.unwrap();
        assert!(again.stat(&home).await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_host_that_keeps_crashing_is_quarantined() {
        let rig = openssh::rig(Account::Plain).await;
        let host = HostName::parse(HOSTS[0]).unwrap();
        let mut crashes = 0;
        let remaining = loop {
            let leased = rig.fleet.lease(&host, Deadline::within(SOON)).await;
            match leased {
                Ok(lease) => {
                    lease.inject_panic();
                    crashes += 1;
                    // The next lease must find the crash known, not the actor that is dying.
                    let ran = lease.run(shell("true"), Bounds::default(), Deadline::within(SOON));
                    assert!(ran.await.is_err());
                    drop(lease);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(FleetError::Quarantined { remaining, .. }) => break remaining,
                Err(other) => panic!("{other}"),
            }
            assert!(crashes < 10, "never quarantined");
        };
        assert_eq!(crashes, 3, "so many are taken for accidents");
        assert!(remaining <= Duration::from_secs(60) && remaining > Duration::from_secs(30));
        let fine = rig
            .run_on(HOSTS[1], shell("exit 3"), Bounds::default())
            .await;
        assert_eq!(fine.unwrap().outcome, exited(3));
    }
}
