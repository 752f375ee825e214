//! `~` in paths: the home of whoever runs Scout, and nobody else's.

use std::path::{Path, PathBuf};

/// Puts `home` in the place of a leading `~`; `None` if there is one and no home.
pub(super) fn expand(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            home.map(|home| home.join(rest.trim_start_matches('/')))
        }
        _ => Some(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_tilde_of_ones_own_stands_for_home() {
        let home = Some(Path::new("/home/a"));
        for (text, path) in [
            ("~", "/home/a/"),
            ("~/.ssh/config", "/home/a/.ssh/config"),
            ("~//x", "/home/a/x"),
            ("/etc/~", "/etc/~"),
            ("~b/x", "~b/x"),
            ("x", "x"),
        ] {
            assert_eq!(expand(text, home).unwrap(), Path::new(path), "{text}");
        }
        assert_eq!(expand("~/x", None), None);
        assert!(expand("/x", None).is_some());
    }
}
