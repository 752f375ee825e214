//! Directories: every name below them, and what of it could not be compared.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Site, diff, try_diff};
use crate::support::client::Era;
use crate::support::fleet::Fleet;
use crate::support::forest::{HOSTILE, at, open_directory};
use crate::support::server::{TestServer, run_cli};
use crate::support::sshd::config::SshdConfig;

#[tokio::test]
async fn directories_are_compared_to_the_last_name() {
    let site = Site::new().await;
    let client = site.client();
    let [old, new] = ["dir-1", "dir-2"].map(|name| site.directory(name));
    for dir in [&old, &new] {
        open_directory(&dir.join("deep/er"));
        for name in HOSTILE {
            std::fs::write(at(dir, name), name).unwrap();
            std::fs::write(at(&dir.join("deep/er"), name), "same").unwrap();
        }
        symlink("target", dir.join("link")).unwrap();
        symlink("..", dir.join("loop")).unwrap();
        nix::unistd::mkfifo(
            &dir.join("fifo"),
            nix::sys::stat::Mode::from_bits_truncate(0o644),
        )
        .unwrap();
    }
    let same = diff(&client, &old, &new).await;
    assert_eq!(
        same.text,
        format!(
            "Directories are identical:\n  web-01:{}\n  web-02:{}",
            old.display(),
            new.display()
        )
    );
    assert_eq!(same.structured["same"], true);

    std::fs::create_dir(old.join("gone")).unwrap();
    std::fs::write(old.join("gone/with it"), "x").unwrap();
    std::fs::write(new.join("new"), "x").unwrap();
    std::fs::write(at(&new.join("deep/er"), b"new\nline"), "diff").unwrap();
    std::fs::write(at(&new.join("deep/er"), b"-e"), "other size").unwrap();
    std::fs::write(at(&new.join("deep/er"), b"\xff\xfe"), "diff").unwrap();
    std::fs::remove_file(new.join("link")).unwrap();
    symlink("elsewhere", new.join("link")).unwrap();
    std::fs::remove_file(at(&new, b"$(id)")).unwrap();
    std::fs::create_dir(at(&new, b"$(id)")).unwrap();
    let found = diff(&client, &old, &new).await;
    let entries: Vec<_> = found.structured["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["path"].as_str().unwrap(),
                entry["difference"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("$(id)", "kind"),
        ("deep/er/-e", "content"),
        ("deep/er/new\nline", "content"),
        ("deep/er/\u{fffd}\u{fffd}", "content"),
        ("gone", "only_in_old"),
        ("link", "link"),
        ("new", "only_in_new"),
    ];
    assert_eq!(entries, expected);
    assert_eq!(found.structured["complete"], true);
    let text = format!(
        "kinds differ: $(id) (file / directory)\ndiffer: deep/er/-e (4 bytes / 10 bytes)\ndiffer: deep/er/new\\nline\ndiffer: deep/er/\u{fffd}\u{fffd}\nonly in web-01:{}: gone\nlinks differ: link (target / elsewhere)\nonly in web-02:{}: new\n\n7 differ,",
        old.display(),
        new.display()
    );
    assert!(found.text.starts_with(&text), "{}", found.text);
    let targets =
        [(&old, "web-01"), (&new, "web-02")].map(|(dir, host)| format!("{host}:{}", dir.display()));
    let cli = async |a: &str, b: &str| {
        run_cli(&site.fleet, &["diff", a, b], Duration::from_secs(60))
            .await
            .code()
    };
    assert_eq!(cli(&targets[0], &targets[1]).await, Some(1));
    assert_eq!(cli(&targets[0], &targets[0]).await, Some(0));
    assert_eq!(cli(&targets[0], "web-02:/etc/hostname").await, Some(2));

    let beside = try_diff(&client, &old, Path::new("/etc/hostname")).await;
    assert!(
        beside.is_error && beside.structured["code"] == "kinds_differ",
        "{}",
        beside.text
    );
    assert!(
        beside
            .text
            .contains("is a directory and `web-02:/etc/hostname` is a file")
    );
    let pipe = try_diff(&client, &old.join("fifo"), &new.join("fifo")).await;
    assert_eq!(pipe.structured["code"], "not_regular");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_the_same() {
    let site = Site::new().await;
    let client = site.client();
    let [old, new] = ["part-1", "part-2"].map(|name| site.directory(name));
    for dir in [&old, &new] {
        open_directory(&dir.join("closed"));
        std::fs::write(dir.join("closed/file"), "x").unwrap();
        std::fs::write(dir.join("secret"), "x").unwrap();
        std::fs::write(dir.join("plain"), "x").unwrap();
    }
    assert_eq!(diff(&client, &old, &new).await.structured["same"], true);
    if site.fleet.account().is_root() {
        return eprintln!("SKIPPED: nothing is unreadable for root");
    }
    for name in ["closed", "secret"] {
        std::fs::set_permissions(new.join(name), std::fs::Permissions::from_mode(0o000)).unwrap();
    }
    let part = diff(&client, &old, &new).await;
    let expected = format!(
        "cannot be read in web-02:{0}: closed\ncannot be read in web-02:{0}: secret\n\n0 differ, 1 the same",
        new.display()
    );
    assert_eq!(part.text, expected);
    assert_eq!(
        (&part.structured["same"], &part.structured["complete"]),
        (&json!(false), &json!(false))
    );
    let [a, b] =
        [(&old, "web-01"), (&new, "web-02")].map(|(dir, host)| format!("{host}:{}", dir.display()));
    let cli = run_cli(&site.fleet, &["diff", &a, &b], Duration::from_secs(60)).await;
    assert_eq!(cli.code(), Some(2), "{}", cli.stdout);
    let denied = try_diff(&client, &old.join("secret"), &new.join("secret")).await;
    assert_eq!(denied.structured["code"], "permission_denied");
}

#[tokio::test]
async fn thousands_of_files_are_compared_with_a_shell_and_without() {
    let sftp_only = SshdConfig {
        force_command: Some("internal-sftp".into()),
        max_sessions: 1,
        ..SshdConfig::default()
    };
    let fleet = Fleet::builder()
        .hosts(1)
        .hosts_with(1, &sftp_only)
        .start()
        .await;
    let server = TestServer::start(&fleet).await;
    let client = server.client(Era::Modern);
    let dirs = ["many-1", "many-2"].map(|name| fleet.dir().join(name));
    for dir in &dirs {
        open_directory(dir);
        for n in 0..2000 {
            std::fs::write(dir.join(format!("{n:04}")), format!("file {n}\n")).unwrap();
        }
    }
    let began = Instant::now();
    let same = diff(&client, &dirs[0], &dirs[1]).await;
    println!(
        "2,000 files, one host without a shell: {:?}",
        began.elapsed()
    );
    assert_eq!(same.structured["same"], true, "{}", same.text);
    let began = Instant::now();
    let with_shell = json!({
        "host": "web-01", "path": dirs[0], "other": format!("web-01:{}", dirs[1].display()),
    });
    let with_shell = client.call_tool("diff", with_shell).await;
    println!("2,000 files, both by a shell: {:?}", began.elapsed());
    assert_eq!(with_shell.structured["same"], true, "{}", with_shell.text);
    std::fs::write(dirs[1].join("1234"), "file 1235\n").unwrap();
    let one = diff(&client, &dirs[0], &dirs[1]).await;
    assert_eq!(one.text, "differ: 1234\n\n1 differ, 1999 the same");
    for n in 0..1500 {
        std::fs::remove_file(dirs[0].join(format!("{n:04}"))).unwrap();
    }
    let many = diff(&client, &dirs[0], &dirs[1]).await;
    assert_eq!(many.structured["differences"], 1500);
    assert_eq!(many.structured["truncated"], true);
    assert!(
        many.text.ends_with("[truncated at 1000 of 1500 lines]"),
        "{}",
        many.text
    );
}
