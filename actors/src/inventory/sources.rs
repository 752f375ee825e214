//! Where an inventory comes from.
//!
//! Paths only; nothing here opens a file.

use std::path::PathBuf;

use super::local::Local;

/// The files to read, and the account they are read for.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The user's configuration.
    pub user: UserConfig,
    /// The machine's configuration, read behind the user's: `/etc/ssh/ssh_config`. May be missing.
    pub system: Option<PathBuf>,
    /// Where relative names in the user's `Include` lines begin.
    pub include_base: PathBuf,
    /// Who runs this.
    pub local: Local,
}

impl Sources {
    /// `~/.ssh/config` of an account, which may be missing, and nothing else.
    #[must_use]
    pub fn standard(local: Local) -> Self {
        Self {
            user: UserConfig::Default(local.ssh_dir().join("config")),
            system: None,
            include_base: local.ssh_dir(),
            local,
        }
    }

    /// A file that must exist, like `ssh -F`.
    #[must_use]
    pub fn named(path: impl Into<PathBuf>, local: Local) -> Self {
        Self {
            user: UserConfig::Named(path.into()),
            ..Self::standard(local)
        }
    }

    /// Reads the machine's file, too.
    #[must_use]
    pub fn with_system(mut self, path: impl Into<PathBuf>) -> Self {
        self.system = Some(path.into());
        self
    }
}

/// The user's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserConfig {
    /// The usual file: may be missing; owner and permissions are checked.
    Default(PathBuf),
    /// A file somebody named: must exist; as with `ssh -F`, whoever named it answers for it.
    Named(PathBuf),
    /// None.
    None,
}
