//! Everything that can be said of a configuration without starting anything: the settings, and every
//! reason for which `serve` would not start or a host could not be used.

use crate::cli::chain::Chain;
use crate::config::{Config, ConfigErrors, Loaded, Row};
use crate::server;
use fleet::inventory::Usability;
use serde::Serialize;
use std::fmt;

/// What `check` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    settings: Vec<Row>,
    warnings: Vec<String>,
    /// Hosts that are listed and cannot be used.
    notes: Vec<String>,
    /// Why `serve` would not start.
    pub(super) errors: Vec<String>,
}

impl Report {
    /// Reads the hosts, too, if the configuration says where they are.
    pub(super) fn of(loaded: &Result<Loaded, ConfigErrors>) -> Self {
        let (settings, warnings) = match loaded {
            Ok(loaded) => (loaded.explain(), loaded.warnings.as_slice()),
            Err(refused) => (refused.explain(), refused.warnings()),
        };
        let mut report = Self {
            settings,
            warnings: warnings.iter().map(ToString::to_string).collect(),
            notes: Vec::new(),
            errors: Vec::new(),
        };
        match loaded {
            Ok(loaded) => {
                report.hosts(&loaded.config);
                let places = server::places(&loaded.config).err();
                let key = server::replica_key(&loaded.config).err();
                let errors = places.iter().chain(&key);
                let errors = errors.map(|error| Chain(error).to_string());
                report.errors.extend(errors);
            }
            Err(refused) => {
                let errors = refused.errors().iter();
                report.errors = errors.map(|error| Chain(error).to_string()).collect();
            }
        }
        report
    }

    fn hosts(&mut self, config: &Config) {
        let inventory = match server::inventory(config) {
            Ok(inventory) => inventory,
            Err(error) => return self.errors.push(Chain(&error).to_string()),
        };
        for skipped in inventory.skipped() {
            let alias = skipped.alias.escape_debug();
            let text = format!("the host `{alias}` is left out: {}", skipped.reason);
            self.warnings.push(text);
        }
        self.warnings.extend(server::strangers(config, &inventory));
        for entry in inventory.iter() {
            if entry.name().as_str() == "all" {
                self.warnings.push(
                    "the host `all` cannot be named in a host expression, where `all` is every host; give it another name too".into(),
                );
            }
            if let Usability::Unusable(problem) = entry.usability() {
                let text = format!(
                    "the host `{}` cannot be used: {problem}",
                    entry.name().as_str()
                );
                self.notes.push(text);
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = &self.settings;
        let width = rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
        let value = rows.iter().map(|row| row.value.chars().count()).max();
        let value = value.unwrap_or(0).min(40);
        for row in rows {
            writeln!(
                f,
                "{:width$}  {:value$}  {}",
                row.key, row.value, row.origin
            )?;
        }
        for (kind, texts) in [
            ("note", &self.notes),
            ("warning", &self.warnings),
            ("error", &self.errors),
        ] {
            for text in texts {
                writeln!(f, "\n{kind}: {text}")?;
            }
        }
        if self.errors.is_empty() && self.warnings.is_empty() {
            writeln!(f, "\nno problems")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Overrides};

    /// The report on an ssh configuration, and on variables beside it.
    fn report(ssh_config: &str, variables: &[(&str, &str)]) -> Report {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ssh_config");
        std::fs::write(&path, ssh_config).unwrap();
        let flags = Overrides::default().set("ssh.config", "--ssh-config", Some(path.display()));
        let home = [("HOME", "/nonexistent/home")];
        let environment: Environment = home.iter().chain(variables).copied().collect();
        Report::of(&Config::load(&flags, &environment))
    }

    #[test]
    fn what_keeps_serve_from_starting_is_an_error() {
        for wrong in ["Match all\n  User x\n", "Host a\n  Port many\n"] {
            let report = report(wrong, &[]);
            assert_eq!(report.errors.len(), 1, "{wrong}: {report:?}");
            assert!(!report.to_string().contains("no problems"));
        }
        let missing = Overrides::default().set("ssh.config", "--ssh-config", Some("/nowhere/x"));
        let report = Report::of(&Config::load(&missing, &Environment::default()));
        assert_eq!(report.errors.len(), 1, "{report:?}");
    }

    #[test]
    fn a_host_that_cannot_be_used_is_a_note() {
        let report = report("Host good\nHost odd\n  ProxyCommand nc %h %p\n", &[]);
        let [note] = &*report.notes else {
            panic!("{report:?}")
        };
        assert!(
            note.starts_with("the host `odd` cannot be used: "),
            "{note}"
        );
        assert!(report.to_string().ends_with("\nno problems\n"));
    }

    #[test]
    fn a_tag_for_what_is_no_host_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let ssh = write("ssh_config", "Host db1 db2\n");
        let tags = "[tags]\ndb = [\"db*\", \"pg[1-2]\"]\nweb = \"web-*\"\n";
        let flags = Overrides::default()
            .file(Some(write("scout.toml", tags)))
            .set("ssh.config", "--ssh-config", Some(ssh.display()));
        let home: Environment = [("HOME", "/nonexistent/home")].into_iter().collect();
        let report = Report::of(&Config::load(&flags, &home));
        assert_eq!(
            report.warnings,
            [
                "the tag `db` is given to `pg[1-2]`: 2 unknown hosts: pg[1-2]",
                "the tag `web` is given to `web-*`: the host expression selects no host",
            ]
        );
    }

    #[test]
    fn the_settings_are_shown_beside_what_is_refused() {
        let report = report("", &[("SCOUT_HTTP_PORT", "many"), ("SCOUT_OPS_PORT", "7")]);
        let value = |key| {
            let row = report.settings.iter().find(|row| row.key == key);
            row.map(|row| row.value.as_str())
        };
        assert_eq!(value("ops.port"), Some("7"));
        assert_eq!(report.errors.len(), 1, "{report:?}");
    }
}
