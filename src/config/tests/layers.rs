//! Defaults, file, environment, flags: each over the one before.

use std::time::Duration;

use super::super::{
    Config, Environment, KnownHosts, LogFormat, Origin, Overrides, PerHost, Transport, Warning,
};
use super::{Scratch, env, load};
use crate::access::Role;

#[test]
fn every_variable_of_the_contract_has_its_default() {
    let Config {
        transport,
        enable_ui,
        threads,
        http,
        ops,
        metrics,
        balancer,
        limits,
        ssh,
        transfer,
        tags,
        auth,
        log,
    } = Config::load(&Overrides::default(), &env(&[]))
        .unwrap()
        .config;
    let s = Duration::from_secs;
    assert_eq!((transport, enable_ui), (Transport::Http, false));
    assert_eq!(threads, 0);
    assert_eq!(balancer, None);
    assert_eq!(
        (http.bind.to_string(), ops.bind.to_string()),
        ("127.0.0.1:8000".into(), "127.0.0.1:9464".into())
    );
    assert_eq!(
        (metrics.per_host, metrics.per_host_limit),
        (PerHost::Off, 2000)
    );
    assert_eq!((http.max_connections, http.max_body_size), (1024, 4 << 20));
    assert_eq!(http.max_connections_per_peer, 64);
    assert_eq!(
        (limits.max_file_size, limits.max_output_size),
        (1_048_576, 10_000_000)
    );
    assert_eq!(limits.output_budget, 128 << 20);
    assert_eq!(
        (limits.command_timeout, limits.request_timeout),
        (s(30), s(60))
    );
    assert_eq!(
        (
            limits.max_concurrent_requests,
            limits.host_running,
            limits.host_queue
        ),
        (256, 8, 64)
    );
    assert_eq!(limits.shell_idle, s(30));
    let rate = limits.rate_limit.unwrap();
    assert_eq!((rate.per_minute.get(), rate.burst.get()), (60, 10));
    assert_eq!(
        (limits.shutdown_delay, limits.shutdown_grace),
        (s(0), s(25))
    );
    assert_eq!(
        (ssh.connection_timeout, ssh.idle_timeout, ssh.keepalive),
        (s(10), s(60), s(15))
    );
    assert_eq!((ssh.max_pool_size, ssh.host_status_ttl), (100, s(30)));
    assert!(transfer.roots.is_empty());
    assert!(ssh.strict_host_key_checking);
    assert_eq!(ssh.config.to_str(), Some("/nonexistent/home/.ssh/config"));
    assert_eq!(
        ssh.known_hosts,
        KnownHosts::File("/nonexistent/home/.ssh/known_hosts".into())
    );
    assert!(tags.is_empty());
    assert_eq!(
        (auth.enabled, auth.role, auth.keys.len()),
        (true, Role::Observer, 0)
    );
    assert!(auth.visible.allow.is_all() && auth.visible.block.patterns().is_empty());
    assert_eq!(
        (log.level.as_str(), log.format, log.payloads),
        ("info", LogFormat::Text, false)
    );
    assert_eq!(log.slow_threshold, s(1));
}

#[test]
fn a_later_layer_wins_and_is_named() {
    let file = Scratch::new(
        "[http]\nport = 1\nhost = \"127.0.0.2\"\nmax_connections = 7\n",
        0o644,
    );
    let variables = env(&[("SCOUT_HTTP_PORT", "2"), ("SCOUT_HTTP_HOST", "127.0.0.3")]);
    let flags = Overrides::default()
        .file(Some(file.path.clone()))
        .set("http.port", "--port", Some(3))
        .set("http.host", "--host", None::<&str>);
    let loaded = Config::load(&flags, &variables).unwrap();
    let http = &loaded.config.http;
    assert_eq!(
        (http.bind.to_string(), http.max_connections),
        ("127.0.0.3:3".into(), 7)
    );
    let origin = |key| loaded.origin(key).unwrap();
    assert_eq!(origin("http.port"), &Origin::Flag("--port".into()));
    assert_eq!(
        origin("http.host"),
        &Origin::Variable("SCOUT_HTTP_HOST".into())
    );
    let line = Origin::File {
        path: file.path.as_path().into(),
        line: 4,
    };
    assert_eq!(origin("http.max_connections"), &line);
    assert_eq!(origin("ops.port"), &Origin::Default);
    assert_eq!(loaded.file.as_deref(), Some(file.path.as_path()));
}

#[test]
fn a_later_list_replaces_an_earlier_one_instead_of_growing_it() {
    let file = "[auth]\nallowlist = [\"a\", \"b\", \"c\"]\n";
    let loaded = load(file, &[("SCOUT_ALLOWLIST", "web-{1,2}")]).unwrap();
    assert_eq!(loaded.config.auth.visible.allow.patterns(), ["web-{1,2}"]);
}

#[test]
fn texts_of_the_environment_are_typed_by_their_key() {
    let variables = [
        ("SCOUT_MAX_FILE_SIZE", "10MB"),
        ("SCOUT_MAX_OUTPUT_SIZE", "1MiB"),
        ("SCOUT_COMMAND_TIMEOUT", "500ms"),
        ("SCOUT_REQUEST_TIMEOUT", "2m"),
        ("SCOUT_SLOW_THRESHOLD_MS", "250"),
        ("SCOUT_STRICT_HOST_KEY_CHECKING", "No"),
        ("SCOUT_RATE_LIMIT_PER_MINUTE", "0"),
        ("SCOUT_TRANSPORT", "STDIO"),
        ("SCOUT_ROLE", "operator"),
        ("SCOUT_LOG_LEVEL", "WARNING"),
        ("SCOUT_KNOWN_HOSTS", "/etc/ssh/known"),
        ("SCOUT_ALLOWED_HOSTS", "Scout.Example, box"),
    ];
    let config = load("", &variables).unwrap().config;
    assert_eq!(
        (config.limits.max_file_size, config.limits.max_output_size),
        (10_000_000, 1 << 20)
    );
    assert_eq!(config.limits.command_timeout, Duration::from_millis(500));
    assert_eq!(config.limits.request_timeout, Duration::from_secs(120));
    assert_eq!(config.log.slow_threshold, Duration::from_millis(250));
    assert!(!config.ssh.strict_host_key_checking);
    assert_eq!(config.limits.rate_limit, None);
    assert_eq!(
        (config.transport, config.auth.role),
        (Transport::Stdio, Role::Operator)
    );
    assert_eq!(config.log.level, "warn");
    assert_eq!(
        config.ssh.known_hosts,
        KnownHosts::File("/etc/ssh/known".into())
    );
    assert_eq!(config.http.allowed_hosts, ["scout.example", "box"]);
}

#[test]
fn a_file_is_looked_for_in_the_configuration_home_and_may_be_missing() {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("scout");
    let variables: Environment = [
        ("XDG_CONFIG_HOME", home.path().to_str().unwrap()),
        ("HOME", "/h"),
    ]
    .into_iter()
    .collect();
    assert_eq!(
        Config::load(&Overrides::default(), &variables)
            .unwrap()
            .file,
        None
    );
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("scout.toml"), "[http]\nport = 81\n").unwrap();
    let loaded = Config::load(&Overrides::default(), &variables).unwrap();
    assert_eq!(
        (loaded.config.http.bind.port(), loaded.file),
        (81, Some(place.join("scout.toml")))
    );
}

#[test]
fn older_names_count_until_the_newer_one_is_set() {
    let older = [
        ("MCP_CAT_MAX_FILE_SIZE", "2000"),
        ("MCP_CAT_COMMAND_TIMEOUT", "5"),
        ("MCP_CAT_IDLE_TIMEOUT", "7"),
    ];
    let loaded = load("", &older).unwrap();
    let config = &loaded.config;
    assert_eq!(config.limits.max_file_size, 2000);
    assert_eq!(config.limits.command_timeout, Duration::from_secs(5));
    assert_eq!(config.ssh.idle_timeout, Duration::from_secs(7));
    assert_eq!(loaded.warnings.len(), 3);
    let both = [
        ("MCP_CAT_MAX_FILE_SIZE", "2000"),
        ("SCOUT_MAX_FILE_SIZE", "3000"),
    ];
    assert_eq!(load("", &both).unwrap().config.limits.max_file_size, 3000);
}

#[test]
fn a_variable_that_means_nothing_is_said_and_does_no_harm() {
    let variables = [
        ("SCOUT_HTTP_PROT", "1"),
        ("SCOUT_LOG_COLORS", "true"),
        ("SCOUT_HTTP_PORT", ""),
        ("MCP_CAT_MAX_FILE", "1"),
        ("SCOUT_SOMETHING_ALTOGETHER_ELSE", "1"),
    ];
    let loaded = load("", &variables).unwrap();
    assert_eq!(loaded.config.http.bind.port(), 8000);
    let near = |name: &str, near| Warning::UnknownVariable {
        name: name.into(),
        near,
    };
    assert!(
        loaded
            .warnings
            .contains(&near("SCOUT_HTTP_PROT", Some("SCOUT_HTTP_PORT")))
    );
    assert!(
        loaded
            .warnings
            .contains(&near("SCOUT_SOMETHING_ALTOGETHER_ELSE", None))
    );
    assert!(loaded.warnings.contains(&Warning::EmptyVariable {
        name: "SCOUT_HTTP_PORT"
    }));
    assert_eq!(loaded.warnings.len(), 5, "{:?}", loaded.warnings);
}
