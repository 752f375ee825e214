//! One configuration key: where it is written, what it may hold, what it holds by default, why.
//!
//! A key is a row of a table, never code. How its value is read from any layer is its [`Kind`],
//! in [`super::kind`].

use super::kind::Kind;

/// A row of the table of keys.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands in the file: `section.name`.
    pub path: &'static str,
    /// Its environment variable; empty if it has none.
    pub variable: &'static str,
    /// The variable's older name, read if the newer one is not set.
    pub older: Option<&'static str>,
    /// What it may hold.
    pub(super) kind: Kind,
    /// What it holds by default, as it would be written in the environment.
    pub default: &'static str,
    /// What it means and why the default is what it is.
    pub about: &'static str,
}

impl Key {
    pub(super) const fn new(
        path: &'static str,
        variable: &'static str,
        kind: Kind,
        default: &'static str,
    ) -> Self {
        Self {
            path,
            variable,
            older: None,
            kind,
            default,
            about: "",
        }
    }

    pub(super) const fn or(mut self, older: &'static str) -> Self {
        self.older = Some(older);
        self
    }

    pub(super) const fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// The values it may hold, in words.
    #[must_use]
    pub fn legal(&self) -> String {
        self.kind.legal()
    }

    /// Every key, in the order of the file.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        let sections = [
            super::KEYS,
            super::http::KEYS,
            super::ops::KEYS,
            super::metrics::KEYS,
            super::balancer::KEYS,
            super::limits::KEYS,
            super::ssh::KEYS,
            super::transfer::KEYS,
            super::tags::KEYS,
            super::auth::KEYS,
            super::log::KEYS,
        ];
        sections.into_iter().flatten()
    }

    /// The key at `path`, fields of a listed key and tags included: `auth.keys[2].name`,
    /// `tags.db`.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        match key_field(path) {
            Some(field) => super::auth::FIELDS.iter().find(|key| key.path == field),
            None if super::tags::name(path).is_some() => Some(&super::tags::TAG),
            None => Self::all().find(|key| key.path == path),
        }
    }

    /// The key that was probably meant by `path`.
    pub(super) fn near(path: &str) -> Option<&'static str> {
        match key_field(path) {
            Some(field) => Self::nearest(field, super::auth::FIELDS.iter().map(|key| key.path)),
            None => Self::nearest(path, Self::all().map(|key| key.path)),
        }
    }

    /// The known word nearest to `wrong`, if any is near enough to be what was meant.
    pub(super) fn nearest<'a>(
        wrong: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        known
            .into_iter()
            .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, word)| *distance <= 3.max(word.len() / 4))
            .map(|(_, word)| word)
    }
}

/// `name` of `auth.keys[2].name`.
fn key_field(path: &str) -> Option<&str> {
    path.strip_prefix("auth.keys[")?
        .split_once("].")
        .map(|(_, field)| field)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_keys_share_a_place_or_a_variable_and_each_says_what_it_means() {
        let mut seen = HashSet::new();
        for key in Key::all() {
            let names = [Some(key.path), Some(key.variable), key.older];
            for name in names.into_iter().flatten().filter(|name| !name.is_empty()) {
                assert!(seen.insert(name), "{name} twice");
            }
            assert!(key.about.len() > 20, "{} has no meaning", key.path);
        }
    }

    #[test]
    fn a_near_miss_is_recognised_and_a_stranger_is_not() {
        let known = || Key::all().map(|key| key.path);
        assert_eq!(Key::nearest("http.prot", known()), Some("http.port"));
        assert_eq!(
            Key::nearest("limits.max_filesize", known()),
            Some("limits.max_file_size")
        );
        assert_eq!(Key::nearest("something.else_entirely", known()), None);
    }
}
