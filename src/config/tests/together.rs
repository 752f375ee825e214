//! Values that are legal alone but not together, and what is only worth saying.

use std::time::Duration;

use super::{load, refusal};

const KEYS: (&str, &str) = ("SCOUT_API_KEYS", "0123456789abcdef");

#[test]
fn a_listener_that_others_can_reach_needs_keys_that_are_asked_for() {
    for (variable, key) in [
        ("SCOUT_HTTP_HOST", "http.host"),
        ("SCOUT_OPS_HOST", "ops.host"),
    ] {
        for address in ["0.0.0.0", "::", "10.1.2.3", "box.lan"] {
            let open = refusal("", &[(variable, address)]);
            assert!(
                open.starts_with(&format!("{variable}: `{key}` is `")),
                "{open}"
            );
            assert!(
                open.contains("there is no API key") && open.contains("scout key new"),
                "{open}"
            );
            let off = refusal(
                "",
                &[(variable, address), KEYS, ("SCOUT_AUTH_ENABLED", "false")],
            );
            assert!(off.contains("`auth.enabled` is false"), "{off}");
            assert!(load("", &[(variable, address), KEYS]).is_ok());
        }
        for address in ["127.0.0.1", "::1", "localhost"] {
            assert!(load("", &[(variable, address)]).is_ok(), "{address}");
        }
    }
    let stdio = [("SCOUT_HTTP_HOST", "0.0.0.0"), ("SCOUT_TRANSPORT", "stdio")];
    assert!(load("", &stdio).is_ok(), "stdio binds nothing");
}

#[test]
fn a_command_never_outlasts_its_request() {
    let loaded = load(
        "[limits]\ncommand_timeout = \"5m\"\nrequest_timeout = \"90s\"\n",
        &[],
    )
    .unwrap();
    assert_eq!(
        loaded.config.limits.command_timeout,
        Duration::from_secs(90)
    );
    let warning = loaded.warnings[0].to_string();
    assert!(
        warning.contains("is 300s") && warning.ends_with("stopped after 90s"),
        "{warning}"
    );
}

#[test]
fn one_call_fits_into_what_all_calls_may_hold() {
    let error = refusal("", &[("SCOUT_OUTPUT_BUDGET", "1MiB")]);
    assert!(
        error.starts_with(
            "default: `limits.max_output_size` is 10000000, but all calls together may hold 1MiB"
        ),
        "{error}"
    );
}

#[test]
fn two_listeners_need_two_ports() {
    let error = refusal("", &[("SCOUT_OPS_PORT", "8000")]);
    assert!(
        error.starts_with("SCOUT_OPS_PORT: `ops.port` is 8000"),
        "{error}"
    );
    assert!(load("", &[("SCOUT_OPS_PORT", "0"), ("SCOUT_HTTP_PORT", "0")]).is_ok());
}

#[test]
fn what_weakens_the_whole_is_said_with_its_place() {
    for (variables, says) in [
        (
            &[("SCOUT_KNOWN_HOSTS", "None")][..],
            "HOST KEYS ARE NOT CHECKED (SCOUT_KNOWN_HOSTS:",
        ),
        (
            &[("SCOUT_STRICT_HOST_KEY_CHECKING", "0")],
            "unknown host keys are accepted (SCOUT_STRICT_HOST_KEY_CHECKING:",
        ),
        (
            &[("SCOUT_AUTH_ENABLED", "off"), KEYS],
            "1 API keys are configured but not asked for (SCOUT_AUTH_ENABLED:",
        ),
        (
            &[("SCOUT_ROLE", "operator")],
            "no API key is configured and `auth.role` is `operator`",
        ),
        (
            &[("SCOUT_LOG_PAYLOADS", "1")],
            "what libraries log of the bytes they carry is let through (SCOUT_LOG_PAYLOADS:",
        ),
        (
            &[("SCOUT_ENABLE_UI", "1")],
            "SCOUT_ENABLE_UI: `enable_ui` has no effect",
        ),
        (&[("SCOUT_BLOCKLIST", "*")], "`auth.blocklist` has `*`"),
    ] {
        let warnings = load("", variables).unwrap().warnings;
        let [warning] = &*warnings else {
            panic!("{warnings:?}")
        };
        assert!(warning.to_string().starts_with(says), "{warning}");
    }
    assert!(load("", &[]).unwrap().warnings.is_empty());
}

#[test]
fn a_balancer_has_an_address_and_a_key() {
    let (url, file) = (
        ("SCOUT_BALANCER_URL", "http://scout:8080"),
        ("SCOUT_BALANCER_KEY_FILE", "~/replicas.key"),
    );
    let balancer = load("", &[url, file]).unwrap().config.balancer.unwrap();
    assert_eq!(balancer.url.to_string(), "http://scout:8080/mcp");
    assert_eq!(
        balancer.key_file.to_str(),
        Some("/nonexistent/home/replicas.key")
    );
    let keyless = refusal("", &[url]);
    assert!(
        keyless.contains("`balancer.key_file` does not say") && keyless.contains("scout key new"),
        "{keyless}"
    );
    let nowhere = refusal("", &[file]);
    assert!(nowhere.contains("`balancer.url` does not say"), "{nowhere}");
    let tls = refusal("", &[("SCOUT_BALANCER_URL", "https://scout/mcp"), file]);
    assert!(tls.contains("without TLS"), "{tls}");
}
