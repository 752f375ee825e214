//! The hosts of a configuration: read for a server, and for whoever checks one.
//!
//! Touches files only, and blocks on them; no host is contacted.

use super::ServerError;
use crate::config::{Config, KnownHosts};
use fleet::inventory::local::LocalError;
use fleet::inventory::{ExpressionError, Local, Sources};
use fleet::{HostKeyPolicy, HostName, Inventory};
use std::path::PathBuf;

/// Reads the hosts there are.
///
/// # Errors
/// [`ServerError::Inventory`] and [`ServerError::Local`].
pub fn inventory(config: &Config) -> Result<Inventory, ServerError> {
    let path = config.ssh.config.clone();
    let local = account()?;
    let sources = match path == local.ssh_dir().join("config") {
        true => Sources::standard(local),
        false => Sources::named(path, local),
    };
    let tags = config.tags.iter();
    let tags = tags.map(|tag| (tag.name.as_str(), tag.expression()));
    Ok(Inventory::load(&sources)?.tagged(tags))
}

/// What the configuration says of hosts that do not exist, as whole sentences: harmless, and rarely
/// meant.
#[must_use]
pub fn strangers(config: &Config, inventory: &Inventory) -> Vec<String> {
    let hosts = || inventory.iter().map(|entry| (entry.name(), [].as_slice()));
    let mut found = Vec::new();
    for tag in &config.tags {
        for part in &tag.hosts {
            if let Err(error) = part.select(hosts()) {
                let (name, part) = (&tag.name, part.as_str().escape_debug());
                found.push(format!(
                    "the tag `{name}` is given to `{part}`: {}",
                    error.problem()
                ));
            }
        }
    }
    let (_, unknown) = warm(config, inventory);
    found.extend(unknown);
    found
}

/// The hosts to connect at the start, those of them that exist for clients; and what is no host, as
/// whole sentences.
pub(super) fn warm(config: &Config, inventory: &Inventory) -> (Vec<HostName>, Vec<String>) {
    let Some(expression) = &config.ssh.warm else {
        return (Vec::new(), Vec::new());
    };
    let entries = inventory.iter().map(|entry| (entry.name(), entry.tags()));
    let (mut hosts, strangers) = expression.select_those_there(entries);
    let visible = &config.auth.visible;
    hosts.retain(|host| {
        visible.allow.contains(host.as_str()) && !visible.block.contains(host.as_str())
    });
    let said = |error: &ExpressionError| format!("`ssh.warm` asks for {}", error.problem());
    (hosts, strangers.iter().map(said).collect())
}

/// A file named in Scout's own configuration replaces those of the ssh configuration; the usual
/// one does not, so that `UserKnownHostsFile` keeps its meaning.
pub(super) fn host_keys(config: &Config) -> HostKeyPolicy {
    let accept_new = !config.ssh.strict_host_key_checking;
    let usual = account()
        .map(|local| local.ssh_dir().join("known_hosts"))
        .ok();
    match &config.ssh.known_hosts {
        KnownHosts::AcceptAnyKey => HostKeyPolicy::Off,
        KnownHosts::File(path) if Some(path) == usual.as_ref() => HostKeyPolicy::Check {
            files: None,
            accept_new,
        },
        KnownHosts::File(path) => HostKeyPolicy::Check {
            files: Some(vec![path.clone()]),
            accept_new,
        },
    }
}

/// The account of this process, at home where `HOME` says. `ssh` asks the passwd database alone, but
/// `~` must not mean one directory in Scout's configuration and another in that of ssh.
fn account() -> Result<Local, LocalError> {
    let mut local = Local::detect()?;
    let home = std::env::var_os("HOME").map(PathBuf::from);
    if let Some(home) = home.filter(|home| home.is_absolute()) {
        local.home = home;
    }
    Ok(local)
}
