//! Where a broadcast goes.

use super::MAX_PLACES;
use crate::access::Principal;
use crate::ops::{Failure, Ops};
use fleet::inventory::Expression;
use fleet::target::{TargetError, split};
use fleet::{HostName, RemotePath, Target};
use std::collections::HashSet;
use std::fmt;

/// A host, and perhaps a place on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The host.
    pub host: HostName,
    /// A file or directory; of a command the directory it runs in.
    pub path: Option<RemotePath>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            None => self.host.fmt(f),
            Some(path) => Target {
                host: self.host.clone(),
                path: path.clone(),
            }
            .fmt(f),
        }
    }
}

/// Refuses more places than a broadcast goes to.
pub(super) fn too_many(places: usize) -> Result<(), Failure> {
    match places > MAX_PLACES {
        true => Err(Failure::invalid(format!(
            "a broadcast takes {MAX_PLACES} places at most, and these are more"
        ))),
        false => Ok(()),
    }
}

impl Ops {
    /// The hosts an expression selects, each with this path.
    ///
    /// # Errors
    /// What is wrong with the expression, or that it selects nothing the principal may see.
    pub fn places(
        &self,
        principal: &Principal,
        hosts: &str,
        path: Option<&RemotePath>,
    ) -> Result<Vec<Place>, Failure> {
        let hosts = self.select(principal, hosts)?;
        let place = |host| Place {
            host,
            path: path.cloned(),
        };
        Ok(hosts.into_iter().map(place).collect())
    }

    /// Targets in their order: `host:/path`, and expressions such as `web-[01-03]:/path`. What is
    /// named twice is there once. A plain name stands for itself, whether or not there is such a
    /// host: it is refused alone.
    ///
    /// # Errors
    /// A text that is no target, or an expression that selects nothing the principal may see.
    pub fn targets<T: AsRef<[u8]>>(
        &self,
        principal: &Principal,
        targets: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Place>, Failure> {
        let mut seen = HashSet::new();
        let mut places = Vec::new();
        for (at, target) in targets.into_iter().enumerate() {
            // Each may select all hosts anew, so that even those without effect have a cost.
            if at == MAX_PLACES {
                return Err(Failure::invalid(format!(
                    "a broadcast takes {MAX_PLACES} targets at most"
                )));
            }
            let target = target.as_ref();
            let wrong = |error: &dyn fmt::Display| {
                let target = String::from_utf8_lossy(target);
                Failure::invalid(format!("target `{}`: {error}", target.escape_debug()))
            };
            let (hosts, path) = split(target).ok_or_else(|| wrong(&TargetError::NoColon))?;
            let path = RemotePath::parse(path).map_err(|error| wrong(&error))?;
            let hosts = String::from_utf8_lossy(hosts);
            let single = Expression::parse(&hosts)
                .ok()
                .and_then(|expression| expression.as_single());
            let found = match single {
                Some(host) => vec![Place {
                    host,
                    path: Some(path),
                }],
                None => self.places(principal, &hosts, Some(&path))?,
            };
            places.extend(found.into_iter().filter(|place| seen.insert(place.clone())));
            too_many(places.len())?;
        }
        Ok(places)
    }
}
