//! The account this process runs as: what `~`, `%u` and the default user mean.
//!
//! A value that is passed in, so that resolving a host is a pure function of files and of this.
//! Nothing here reads the environment wholesale, and nothing is kept of it.

use std::path::PathBuf;

/// The local side of a connection.
#[derive(Debug, Clone)]
pub struct Local {
    /// Login name: the default user on every host, and `%u`.
    pub user: String,
    /// Numeric user id, `%i`; files that belong to another account than this or root are refused.
    pub uid: u32,
    /// Home directory: `~` and `%d`.
    pub home: PathBuf,
    /// Name of this machine, `%l`; up to its first dot, `%L`.
    pub hostname: String,
    /// Looks an environment variable up, for `${NAME}` and `IdentityAgent $NAME`.
    pub variable: fn(&str) -> Option<String>,
    /// Home directory of another account, for `~name/`.
    pub home_of: fn(&str) -> Option<PathBuf>,
}

impl Local {
    /// Asks the operating system.
    ///
    /// Name and home directory come from the passwd database, as `ssh` takes them. An id without
    /// an entry there, as containers give, falls back to `LOGNAME` or `USER` and `HOME`.
    ///
    /// # Errors
    /// [`LocalError`] when neither source knows the name or the home directory.
    pub fn detect() -> Result<Self, LocalError> {
        let uid = nix::unistd::getuid();
        let variable: fn(&str) -> Option<String> = |name| std::env::var(name).ok();
        let entry = nix::unistd::User::from_uid(uid).ok().flatten();
        let (user, home) = match entry {
            Some(entry) => (entry.name, entry.dir),
            None => {
                let user = variable("LOGNAME").or_else(|| variable("USER"));
                let home = variable("HOME").filter(|home| home.starts_with('/'));
                let missing = |what| LocalError {
                    uid: uid.as_raw(),
                    what,
                };
                (
                    user.filter(|user| !user.is_empty())
                        .ok_or_else(|| missing("name"))?,
                    home.ok_or_else(|| missing("home directory"))?.into(),
                )
            }
        };
        let hostname = nix::unistd::gethostname()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            user,
            uid: uid.as_raw(),
            home,
            hostname,
            variable,
            home_of: |name| {
                let entry = nix::unistd::User::from_name(name).ok().flatten();
                entry.map(|entry| entry.dir)
            },
        })
    }

    /// The directory of this account's SSH files, `~/.ssh`.
    #[must_use]
    pub fn ssh_dir(&self) -> PathBuf {
        self.home.join(".ssh")
    }
}

/// The running account has no name or no home directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "user id {uid} has no {what}; add it to `/etc/passwd`, or set `LOGNAME` and an absolute `HOME`"
)]
pub struct LocalError {
    /// The id of the process.
    pub uid: u32,
    /// What is missing.
    pub what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_account_has_a_name_and_an_absolute_home() {
        let local = Local::detect().unwrap();
        assert!(!local.user.is_empty());
        assert!(local.home.is_absolute());
        assert_eq!((local.home_of)(&local.user), Some(local.home.clone()));
        assert_eq!((local.home_of)("no-such-account-here"), None);
    }
}
