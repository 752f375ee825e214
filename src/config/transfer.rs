//! `[transfer]`: which directories of this machine copies may read and write.

use std::path::PathBuf;

use serde::Deserialize;

use super::key::Key;
use super::kind::Kind;

pub(super) const KEYS: &[Key] = &[
    Key::new("transfer.roots", "SCOUT_TRANSFER_ROOTS", Kind::Directories, "").about(
        "Directories of this machine that MCP clients with the role `operator` may copy from and to, and nothing outside them, whatever links they hold. Without one, clients copy between hosts only. Each must exist when the server starts. The command line is not bound by it: it has the rights of whoever types.",
    ),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTransfer {
    roots: Vec<String>,
}

/// What copies may touch of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Absolute directories, none of them `/`.
    pub roots: Vec<PathBuf>,
}

impl From<RawTransfer> for Transfer {
    fn from(raw: RawTransfer) -> Self {
        Self {
            roots: raw.roots.into_iter().map(PathBuf::from).collect(),
        }
    }
}
