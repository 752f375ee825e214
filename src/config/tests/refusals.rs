//! What is refused names the place, the key, the value and what would be legal.

use super::super::{Config, Environment, Overrides};
use super::{Scratch, env, load, refusal};

#[test]
fn a_value_is_refused_where_it_stands() {
    for (file, says) in [
        (
            "\n[http]\nport = 70000",
            "scout.toml:3: `http.port` cannot be `70000`: legal is a port from 0 to 65535",
        ),
        (
            "[http]\nhost = \"*\"",
            "scout.toml:2: `http.host` cannot be `*`: every address is `0.0.0.0` or `::`; legal is an IP address or a host name, without port",
        ),
        (
            "[limits]\ncommand_timeout = 0",
            "scout.toml:2: `limits.command_timeout` cannot be `0`: legal is a duration from 100ms to 3600s, such as `30s`, `500ms` or a number of seconds",
        ),
        (
            "[limits]\nmax_file_size = \"10M\"",
            "scout.toml:2: `limits.max_file_size` cannot be `10M`: legal is a size from 1 to 1GiB, such as `10MB`, `1MiB` or a number of bytes",
        ),
        (
            "[limits]\nhost_running = -1",
            "scout.toml:2: `limits.host_running` cannot be `-1`: legal is a whole number from 1 to 64",
        ),
        (
            "[ssh]\nstrict_host_key_checking = \"maybe\"",
            "scout.toml:2: `ssh.strict_host_key_checking` cannot be `maybe`: legal is `true` or `false`",
        ),
        (
            "[ssh]\nconfig = 5",
            "scout.toml:2: `ssh.config` cannot be `5`: it is a number; legal is a path; `~/` is the home directory",
        ),
        (
            "[auth]\nrole = \"root\"",
            "scout.toml:2: `auth.role` cannot be `root`: legal is `observer` or `operator`",
        ),
        (
            "[auth]\nallowlist = [\"@db\"]",
            "scout.toml:2: `auth.allowlist` cannot be `@db`: `@db` is no host glob: the character '@' is in no host name; legal is globs over host aliases, such as `web-*`",
        ),
        (
            "[log]\nformat = 1979-05-27",
            "scout.toml:2: `log.format` cannot be `a date`: it is a date; legal is `text` or `json`",
        ),
    ] {
        assert_eq!(refusal(file, &[]), says);
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    for (file, says) in [
        (
            "[http]\nprot = 1",
            "scout.toml:2: there is no key `http.prot`; did you mean `http.port`?",
        ),
        (
            "[limit]\nhost_queue = 1",
            "scout.toml:2: there is no key `limit.host_queue`; did you mean `limits.host_queue`?",
        ),
        (
            "a_key_of_another_program = 1",
            "scout.toml:1: there is no key `a_key_of_another_program`",
        ),
        (
            "[http.tls]\ncert = 1",
            "scout.toml:2: there is no key `http.tls.cert`",
        ),
    ] {
        assert_eq!(refusal(file, &[]), says);
    }
}

#[test]
fn a_refused_variable_or_flag_is_named() {
    let says = "SCOUT_HTTP_PORT: `http.port` cannot be `http`: legal is a port from 0 to 65535";
    assert_eq!(refusal("", &[("SCOUT_HTTP_PORT", "http")]), says);
    let flags = Overrides::default().set("http.port", "--port", Some("x"));
    let error = Config::load(&flags, &env(&[])).unwrap_err().to_string();
    assert!(
        error.starts_with("--port: `http.port` cannot be `x`"),
        "{error}"
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let file = "[http]\nport = -1\nprot = 2\n[log]\nlevel = \"inof\"\n";
    let errors = load(file, &[("SCOUT_ROLE", "king")]).unwrap_err();
    assert_eq!(errors.errors().len(), 4, "{errors}");
    assert_eq!(errors.to_string().lines().count(), 4);
}

#[test]
fn broken_toml_is_refused_by_line_without_repeating_the_text() {
    let secret = "s3cret-s3cret-s3cret";
    let file = format!("[auth]\napi_keys = [\"{secret}\"\n\n[http]\n");
    let error = refusal(&file, &[]);
    assert!(error.starts_with("scout.toml:"), "{error}");
    assert!(
        error.contains("is no TOML") && !error.contains(secret),
        "{error}"
    );
}

#[test]
fn a_named_file_must_exist_and_a_tilde_needs_a_home() {
    let flags = Overrides::default().file(Some("/nonexistent/scout.toml".into()));
    let error = Config::load(&flags, &env(&[])).unwrap_err().to_string();
    assert!(
        error.contains("`/nonexistent/scout.toml` cannot be read"),
        "{error}"
    );
    let error = Config::load(&Overrides::default(), &Environment::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`ssh.known_hosts` is `~/.ssh/known_hosts`, but `HOME` is not set"),
        "{error}"
    );
    let homeless = [("SCOUT_KNOWN_HOSTS", "/k"), ("SCOUT_SSH_CONFIG", "/c")]
        .into_iter()
        .collect();
    assert!(Config::load(&Overrides::default(), &homeless).is_ok());
}

#[test]
fn a_file_with_raw_keys_must_be_its_owners_alone() {
    let with_keys = "[auth]\napi_keys = [\"0123456789abcdef\"]\n";
    for (text, mode, verdict) in [
        (with_keys, 0o600, None),
        (with_keys, 0o400, None),
        (with_keys, 0o640, Some("chmod 600")),
        (with_keys, 0o604, Some("chmod 600")),
        ("[http]\nport = 1\n", 0o644, None),
        ("[http]\nport = 1\n", 0o646, Some("chmod o-w")),
        ("[auth]\napi_keys = []\n", 0o644, None),
    ] {
        let file = Scratch::new(text, mode);
        let loaded = Config::load(
            &Overrides::default().file(Some(file.path.clone())),
            &env(&[]),
        );
        match verdict {
            None => assert!(loaded.is_ok(), "{text} {mode:o}"),
            Some(says) => {
                let error = loaded.expect_err(text).to_string();
                assert!(
                    error.contains(says) && error.contains(&format!("{mode:04o}")),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn a_directory_for_copies_is_absolute_and_not_everything() {
    for wrong in ["srv", "/", "/srv/../etc", "~/x"] {
        let refused = refusal("", &[("SCOUT_TRANSFER_ROOTS", wrong)]);
        assert!(
            refused.starts_with("SCOUT_TRANSFER_ROOTS: `transfer.roots` cannot be"),
            "{refused}"
        );
    }
    let roots = load("", &[("SCOUT_TRANSFER_ROOTS", "/srv/a, /srv/b")]).unwrap();
    assert_eq!(roots.config.transfer.roots.len(), 2);
}
