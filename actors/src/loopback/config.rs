//! The `ssh_config` and known_hosts files that lead to loopback hosts.
//!
//! They are complete: a client that reads them needs no agent, no other key and no other file,
//! and checks the host keys.

use super::LoopbackHost;
use super::key::private_file;
use crate::target::HostName;
use std::path::{Path, PathBuf};

/// Why the files could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A path that `ssh_config(5)` cannot hold.
    #[error("the path `{}` cannot stand in an ssh_config file; use one in UTF-8 without line breaks and without `${{`", .0.display())]
    Path(PathBuf),
    /// A user name that `ssh_config(5)` cannot hold.
    #[error("the user name {0:?} cannot stand in an ssh_config file; use letters and digits")]
    User(String),
    /// A file could not be written.
    #[error("`{}` cannot be written; it must not exist yet", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Writes `config` and `known_hosts` into `dir`, new and with mode 0600, and gives back the path
/// of the first. Each host is entered under its name; `key` is the client's private key. Blocks.
///
/// # Errors
/// [`ConfigError`].
pub fn write_config(
    dir: &Path,
    hosts: &[(HostName, &LoopbackHost)],
    key: &Path,
) -> Result<PathBuf, ConfigError> {
    let known_hosts = dir.join("known_hosts");
    let (identity, known) = (quoted(key)?, quoted(&known_hosts)?);
    let mut config = String::new();
    let mut lines = String::new();
    for (name, host) in hosts {
        let user = host.user();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if user.is_empty() || !user.chars().all(legal) {
            return Err(ConfigError::User(user.to_owned()));
        }
        config.push_str(&format!(
            "Host {name}\n    HostName {}\n    Port {}\n    User {user}\n    \
             IdentityFile {identity}\n    IdentitiesOnly yes\n    IdentityAgent none\n    \
             UserKnownHostsFile {known}\n    GlobalKnownHostsFile none\n    \
             StrictHostKeyChecking yes\n",
            host.addr().ip(),
            host.addr().port(),
        ));
        lines.push_str(&host.known_hosts_line());
        lines.push('\n');
    }
    let path = dir.join("config");
    for (path, text) in [(&known_hosts, lines), (&path, config)] {
        private_file(path, text.as_bytes()).map_err(|source| ConfigError::Write {
            path: path.clone(),
            source,
        })?;
    }
    Ok(path)
}

/// A path as an argument: quoted, and with the tokens of `ssh_config(5)` taken literally. There is
/// no way to write `${` literally, since `ssh` expands it within quotes as well.
fn quoted(path: &Path) -> Result<String, ConfigError> {
    let refused = || ConfigError::Path(path.to_owned());
    let text = path.to_str().ok_or_else(refused)?;
    if text.contains("${") || text.contains(['\n', '\r', '\0']) {
        return Err(refused());
    }
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    Ok(format!("\"{}\"", escaped.replace('%', "%%")))
}

#[cfg(test)]
mod tests {
    use super::super::{ClientKey, Options};
    use super::*;
    use crate::inventory::{Inventory, KnownHosts, Local, Sources, Verdict};
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn the_inventory_reads_back_what_was_written_from_an_odd_directory() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a %h \"b\" \\ # ~");
        std::fs::create_dir(&odd).unwrap();
        let client = ClientKey::generate().unwrap();
        let key = odd.join("id");
        let options = Options::new(&odd, client.public().clone(), "demo-user");
        let host = LoopbackHost::start(options).await.unwrap();
        let name = HostName::parse("web-1").unwrap();
        let path = write_config(&odd, &[(name.clone(), &host)], &key).unwrap();
        for file in [&path, &odd.join("known_hosts")] {
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600);
        }
        let sources = Sources::named(&path, Local::detect().unwrap());
        let inventory = Inventory::load(&sources).unwrap();
        let settings = inventory.find(&name).unwrap().settings().unwrap();
        assert_eq!(
            (settings.port, &*settings.user),
            (host.addr().port(), "demo-user")
        );
        assert_eq!(settings.identity_files, std::slice::from_ref(&key));
        let known = KnownHosts::load(&settings.known_hosts()).unwrap();
        let (at, port) = settings.known_as();
        assert!(matches!(
            known.check(at, port, &host.public),
            Verdict::Known
        ));
        let again = write_config(&odd, &[(name, &host)], &key);
        assert!(matches!(again, Err(ConfigError::Write { .. })));
        assert!(quoted(Path::new("/a${HOME}")).is_err());
    }
}
