//! Other Scouts behind the same balancer: known by one key they share, they do what their own callers
//! asked of them, with the rights these callers have here.

use super::keys::digest;
use super::{HostScope, KeyRing, Principal, Role};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The key of the replicas, and everybody on whose behalf they may call.
#[derive(Debug, Clone)]
pub struct Replicas {
    digest: [u8; 32],
    callers: Arc<Callers>,
}

#[derive(Debug)]
enum Callers {
    /// The owners of keys.
    Keys(KeyRing),
    /// Where no key is asked for, everybody has this role.
    Anyone(Role),
}

/// A request that came from a replica. It has no rights of its own.
#[derive(Debug, Clone)]
pub struct Replica {
    callers: Arc<Callers>,
}

impl Replicas {
    /// Replicas that present this key, where these keys are asked for, or none and everybody has a role.
    #[must_use]
    pub fn new(key: &str, keys: Option<KeyRing>, role: Role) -> Self {
        Self {
            digest: digest(key),
            callers: Arc::new(keys.map_or(Callers::Anyone(role), Callers::Keys)),
        }
    }

    /// The replica that presents this key, if it is theirs; compared in constant time.
    #[must_use]
    pub fn authenticate(&self, presented: &str) -> Option<Replica> {
        let same = bool::from(digest(presented).ct_eq(&self.digest));
        same.then(|| Replica {
            callers: Arc::clone(&self.callers),
        })
    }
}

impl Replica {
    /// What it is by itself: somebody who sees no host.
    #[must_use]
    pub fn principal() -> Principal {
        Principal {
            name: "replica".into(),
            role: Role::Observer,
            hosts: HostScope::none(),
        }
    }

    /// The caller of this name, with the rights it has here.
    #[must_use]
    pub fn caller(&self, name: &str) -> Option<Principal> {
        match &*self.callers {
            Callers::Keys(ring) => ring.named(name).cloned(),
            Callers::Anyone(role) => {
                let anyone = Principal::anonymous(*role);
                (name == &*anyone.name).then_some(anyone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::KeyEntry;

    #[test]
    fn a_replica_has_the_rights_of_whom_it_calls_for_and_none_of_its_own() {
        let laptop = KeyEntry {
            name: "laptop".into(),
            digest: digest("secret-of-the-laptop"),
            role: Role::Observer,
            hosts: HostScope::matching(["web-*"]).unwrap(),
        };
        let key = "key-of-the-replicas";
        let replicas = Replicas::new(key, Some(KeyRing::new([laptop])), Role::Operator);
        assert!(replicas.authenticate("secret-of-the-laptop").is_none());
        assert!(replicas.authenticate("").is_none());
        let replica = replicas.authenticate(key).unwrap();
        let laptop = replica.caller("laptop").unwrap();
        assert_eq!(laptop.role, Role::Observer);
        assert!(laptop.hosts.contains("web-1") && !laptop.hosts.contains("db-1"));
        assert!(replica.caller("anonymous").is_none() && replica.caller("").is_none());
        assert!(!Replica::principal().hosts.contains("web-1"));
        assert!(!format!("{replicas:?}").contains(key));
    }

    #[test]
    fn without_keys_everybody_is_anonymous() {
        let replicas = Replicas::new("key-of-the-replicas", None, Role::Operator);
        let replica = replicas.authenticate("key-of-the-replicas").unwrap();
        assert_eq!(replica.caller("anonymous").unwrap().role, Role::Operator);
        assert!(replica.caller("laptop").is_none());
    }
}
