//! Which files an `Include` means.
//!
//! Only finds paths; opening them, with the permission check of included files, is the parser's.

use std::path::{Path, PathBuf};

use super::{glob, tokens};
use crate::inventory::error::{ExpansionError, Fault};
use crate::inventory::local::Local;

/// How deep files may include each other: `READCONF_MAX_DEPTH` in OpenSSH's `readconf.c`.
pub(super) const MAX_DEPTH: usize = 16;

/// Where the names in one file's `Include` lines begin.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    /// The directory of relative names: `~/.ssh`, or `/etc/ssh` for the machine's file.
    pub(super) base: PathBuf,
    /// Whether `~` may be used: not in the machine's file, where it would mean everyone's.
    pub(super) home: bool,
}

/// The existing files that one value of `Include` names, in the order they are read.
///
/// `${NAME}` and the tokens that do not depend on the host are replaced. A token that does (`%h`,
/// `%n`, `%p`, `%r`, known to OpenSSH from 9.9 on) is refused by name: it would mean reading other
/// files for every host.
pub(super) fn paths(text: &str, anchor: &Anchor, local: &Local) -> Result<Vec<PathBuf>, Fault> {
    let fault = |why| Fault::Expansion {
        keyword: "Include",
        value: text.to_owned(),
        why,
    };
    let name = tokens::local_only(text, local).map_err(fault)?;
    if name.starts_with('~') {
        if !anchor.home {
            return Err(fault(ExpansionError::SystemHome));
        }
        // `glob(3)` leaves the `~` of an unknown account alone, and then finds nothing.
        return Ok(tokens::tilde(&name, local)
            .map(|path| glob::expand(&path))
            .unwrap_or_default());
    }
    let path = if Path::new(&name).is_absolute() {
        name
    } else {
        format!("{}/{name}", anchor.base.display())
    };
    Ok(glob::expand(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_at_the_anchor_the_home_or_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_path_buf();
        std::fs::write(root.join("10-a"), "").unwrap();
        std::fs::write(root.join("20-b"), "").unwrap();
        let local = Local {
            user: "10".into(),
            uid: 1000,
            home: root.clone(),
            hostname: "desk".into(),
            variable: |name| (name == "PART").then(|| "20".to_owned()),
            home_of: |_| None,
        };
        let anchor = Anchor {
            base: root.clone(),
            home: true,
        };
        let list = |text: &str| paths(text, &anchor, &local);
        assert_eq!(list("*"), Ok(vec![root.join("10-a"), root.join("20-b")]));
        assert_eq!(list("%u-*"), Ok(vec![root.join("10-a")]));
        assert_eq!(list("~/${PART}-?"), Ok(vec![root.join("20-b")]));
        assert_eq!(
            list(&format!("{}/10-a", root.display())),
            Ok(vec![root.join("10-a")])
        );
        assert_eq!(list("~nobody-here/*"), Ok(vec![]));
        assert_eq!(list("missing"), Ok(vec![]));
        for refused in ["%h", "%r.conf", "${NO_SUCH}"] {
            assert!(
                matches!(list(refused), Err(Fault::Expansion { .. })),
                "{refused}"
            );
        }
        let machine = Anchor {
            home: false,
            ..anchor.clone()
        };
        assert!(paths("~/x", &machine, &local).is_err());
    }
}
