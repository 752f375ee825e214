//! The texts a key may hold, one checking function each.
//!
//! An error says only what is wrong; which key, where it stands and what would be right is added
//! by whoever reads the layer. A secret never appears in one.

use std::net::IpAddr;

use fleet::inventory::Expression;
use tracing_subscriber::EnvFilter;

use crate::access::HostScope;
use crate::access::keys;

/// The words for true and false, whatever their case.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Splits at commas outside `{}`; empty parts fall away.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let at_comma = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    text.split(at_comma)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(Into::into)
        .collect()
}

/// An address to listen on, brackets taken off.
pub(super) fn bind_host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    match bare {
        "*" => Err("every address is `0.0.0.0` or `::`".into()),
        _ if bare.parse::<IpAddr>().is_ok() || is_dns_name(bare) => Ok(bare.into()),
        _ => Err(String::new()),
    }
}

/// A host as it stands in a URL, in lower case; IPv6 keeps its brackets off.
pub(super) fn url_host(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .unwrap_or(text);
    if text.contains('*') {
        return Err("a wildcard would admit names that others control".into());
    }
    if bare.parse::<IpAddr>().is_ok() || is_dns_name(bare) {
        return Ok(bare.to_ascii_lowercase());
    }
    Err(String::new())
}

/// Globs over aliases, each of which compiles.
pub(super) fn globs(patterns: Vec<String>) -> Result<Vec<String>, String> {
    HostScope::matching(&patterns).map_err(|e| e.to_string())?;
    Ok(patterns)
}

/// Host expressions without tags, at least one.
pub(super) fn hosts(items: &[String]) -> Result<Vec<String>, String> {
    if items.is_empty() {
        return Err("it names no host".into());
    }
    for item in items {
        let shown = item.escape_debug();
        let hosts = Expression::parse(item).map_err(|error| format!("`{shown}`: {error}"))?;
        if hosts.has_tags() {
            return Err(format!("`{shown}` asks for a tag"));
        }
    }
    Ok(items.to_vec())
}

/// Host expressions.
pub(super) fn expressions(items: &[String]) -> Result<Vec<String>, String> {
    for item in items {
        Expression::parse(item).map_err(|error| format!("`{}`: {error}", item.escape_debug()))?;
    }
    Ok(items.to_vec())
}

/// A path, not yet expanded. `~user` needs the user database and is refused.
pub(super) fn path(text: &str) -> Result<String, String> {
    match text.strip_prefix('~') {
        _ if text.is_empty() => Err("it is empty".into()),
        _ if text.contains('\0') => Err("it has a NUL".into()),
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
            Err("`~` stands for one's own home only".into())
        }
        _ => Ok(text.into()),
    }
}

/// A directory for copies. What is written must be what is meant: nothing relative, no `..` that a
/// link could turn elsewhere, and not everything at once.
pub(super) fn directory(text: &str) -> Result<String, String> {
    let names = || text.split('/').filter(|name| !["", "."].contains(name));
    if text.contains('\0') {
        Err("it has a NUL".into())
    } else if !text.starts_with('/') {
        Err("it is relative".into())
    } else if names().any(|name| name == "..") {
        Err("it has `..`".into())
    } else if names().next().is_none() {
        Err("it is the whole file system".into())
    } else {
        Ok(text.into())
    }
}

/// A filter. `EnvFilter` takes a lone unknown word for the name of a module and would log nothing
/// at all for `inof`, so a part without `=` must be a level. The names of Python's levels are read
/// too: deployments carry them over.
pub(super) fn level(text: &str) -> Result<String, String> {
    let directives: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.to_ascii_lowercase().as_str() {
            "warning" => Ok("warn".into()),
            "critical" | "fatal" => Ok("error".into()),
            word @ ("off" | "error" | "warn" | "info" | "debug" | "trace") => Ok(word.to_owned()),
            _ if part.contains('=') => Ok(part.to_owned()),
            _ => Err(format!("`{}` is no level", part.escape_debug())),
        })
        .collect::<Result<_, String>>()?;
    let filter = directives.join(",");
    if filter.is_empty() {
        return Err("it is empty".into());
    }
    EnvFilter::try_new(&filter).map_err(|e| e.to_string())?;
    Ok(filter)
}

/// The name of a key: it stands in logs and in the audit.
pub(super) fn key_name(text: &str) -> Result<String, String> {
    if keys::is_key_name(text) {
        Ok(text.into())
    } else {
        Err(String::new())
    }
}

/// A SHA-256 in hex, in lower case.
pub(super) fn digest(text: &str) -> Result<String, String> {
    keys::parse_hex(text)
        .map(|digest| keys::hex(&digest))
        .ok_or_else(String::new)
}

/// The digest, in hex, of a raw key that is strong enough to be one.
pub(super) fn secret(text: &str) -> Result<String, String> {
    if text.chars().count() < keys::MIN_RAW_KEY {
        return Err(format!(
            "a key of {} characters can be guessed",
            text.chars().count()
        ));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err("a key holds visible ASCII only: it travels in a header".into());
    }
    Ok(keys::hex(&keys::digest(text)))
}

/// Letters, digits and hyphens between dots (RFC 1123 §2.1); underscores, which container
/// networks use.
fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_split_at_commas_that_are_no_part_of_a_glob() {
        assert_eq!(split_list("a, b,,web-{x,y}-1 ,"), ["a", "b", "web-{x,y}-1"]);
        assert!(split_list(" , ").is_empty());
    }

    #[test]
    fn a_level_that_would_log_nothing_is_refused() {
        assert_eq!(level("INFO").unwrap(), "info");
        assert_eq!(level("WARNING").unwrap(), "warn");
        assert_eq!(
            level("info, scout::http=debug").unwrap(),
            "info,scout::http=debug"
        );
        for wrong in ["", "inof", "scout", "info,scout::http", "scout=loud", "7"] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_to_listen_on_has_no_port_and_no_wildcard() {
        for (written, read) in [
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("0.0.0.0", "0.0.0.0"),
            ("box_1.lan", "box_1.lan"),
        ] {
            assert_eq!(bind_host(written).as_deref(), Ok(read));
        }
        for wrong in [
            "",
            "*",
            "a:80",
            "http://a",
            "a b",
            "-a",
            "a..b",
            "/run/scout.sock",
        ] {
            assert!(bind_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_directory_for_copies_is_written_as_it_is_meant() {
        for right in ["/srv/transfer", "/srv/transfer/", "/srv/a b"] {
            assert_eq!(directory(right).as_deref(), Ok(right));
        }
        for wrong in ["", "/", "//", "/./", "srv", "~/x", "/srv/../etc", "/a\0b"] {
            assert!(directory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_weak_key_is_refused_without_being_repeated() {
        for weak in [
            "short",
            "fifteen-charact",
            "sixteen chars !!",
            "schlüssel-mit-umlauten",
        ] {
            let refusal = secret(weak).unwrap_err();
            assert!(!refusal.contains(weak), "{refusal}");
        }
        assert_eq!(secret("sixteen-charactr").unwrap().len(), 64);
    }
}
