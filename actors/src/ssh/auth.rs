//! User authentication with public keys: those of the agent and those in files.
//!
//! The order is `ssh`'s (`pubkey_prepare` in OpenSSH's sshconnect2.c): agent keys that are also
//! configured as files, then the agent's other keys unless `IdentitiesOnly`, then the files the
//! agent does not hold. No password is ever sent, and a passphrase never asked for: an encrypted
//! key works through the agent.

use super::host_key::{Broken, Sensor};
use crate::error::DialFailure;
use crate::inventory::{Agent, HostSettings};
use russh::MethodSet;
use russh::client::{AuthResult, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::{AgentClient, AgentStream};
use russh::keys::{
    Algorithm, Error as KeyError, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey,
    load_public_key, load_secret_key,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

type DynAgent = AgentClient<Box<dyn AgentStream + Send + Unpin>>;

/// A key file as far as it could be read.
struct Identity {
    path: PathBuf,
    public: Option<PublicKey>,
    private: Option<PrivateKey>,
}

/// What has been offered so far, for the error when nothing was accepted.
#[derive(Default)]
struct Attempts {
    tried: Vec<String>,
    methods: Vec<String>,
    skipped: Vec<String>,
}

/// Logs in, or says what was tried.
pub(super) async fn authenticate(
    handle: &mut Handle<Sensor>,
    settings: &HostSettings,
) -> Result<(), DialFailure> {
    let files = settings.identity_files.clone();
    let loaded = tokio::task::spawn_blocking(move || load(files))
        .await
        .map_err(|error| DialFailure::NoKey(error.to_string()))?;
    let (identities, skipped) = loaded;
    let mut attempts = Attempts {
        skipped,
        ..Attempts::default()
    };
    let mut agent = connect_agent(&settings.agent, &mut attempts).await;
    let held = match &mut agent {
        Some(agent) => agent_keys(agent, &mut attempts).await,
        None => Vec::new(),
    };
    let configured = |key: &PublicKey| {
        identities.iter().any(|i| {
            i.public
                .as_ref()
                .is_some_and(|p| p.key_data() == key.key_data())
        })
    };
    let (mut first, second): (Vec<_>, Vec<_>) = held.iter().partition(|key| configured(key));
    if !settings.identities_only {
        first.extend(second);
    }
    if let Some(agent) = &mut agent {
        for key in first {
            if attempts
                .with_agent(handle, &settings.user, key, agent)
                .await?
            {
                return Ok(());
            }
        }
    }
    for identity in &identities {
        let in_agent = |public: &PublicKey| held.iter().any(|k| k.key_data() == public.key_data());
        if identity.public.as_ref().is_some_and(in_agent) {
            continue;
        }
        match &identity.private {
            Some(key)
                if attempts
                    .with_file(handle, &settings.user, key, identity)
                    .await? =>
            {
                return Ok(());
            }
            _ => {}
        }
    }
    Err(attempts.into_failure(&settings.user))
}

impl Attempts {
    async fn with_agent(
        &mut self,
        handle: &mut Handle<Sensor>,
        user: &str,
        key: &PublicKey,
        agent: &mut DynAgent,
    ) -> Result<bool, DialFailure> {
        let hash = rsa_hash(handle, key.algorithm()).await?;
        self.tried
            .push(format!("{} (agent)", key.fingerprint(HashAlg::Sha256)));
        match handle
            .authenticate_publickey_with(user, key.clone(), hash, agent)
            .await
        {
            Ok(result) => self.note(user, result),
            // An agent that declines to sign, or lost the key: the next key may still do.
            Err(_) if handle.is_closed() => Err(self.hung_up(user)),
            Err(error) => {
                self.skipped
                    .push(format!("the agent did not sign: {error}"));
                Ok(false)
            }
        }
    }

    async fn with_file(
        &mut self,
        handle: &mut Handle<Sensor>,
        user: &str,
        key: &PrivateKey,
        identity: &Identity,
    ) -> Result<bool, DialFailure> {
        let hash = rsa_hash(handle, key.algorithm()).await?;
        self.tried.push(format!("`{}`", identity.path.display()));
        let key = PrivateKeyWithHashAlg::new(Arc::new(key.clone()), hash);
        let result = handle.authenticate_publickey(user, key).await;
        let result = result.map_err(|error| match handle.is_closed() {
            true => self.hung_up(user),
            false => protocol(error),
        })?;
        self.note(user, result)
    }

    /// Remembers what the host would take; true when it is satisfied.
    ///
    /// russh says that a session which ended refused the key and would take no method at all. A
    /// host that refuses names at least the one that was tried (RFC 4252 §5.1), and an end must not
    /// be held against the key: a refusal is remembered for longer than a bad line.
    fn note(&mut self, user: &str, result: AuthResult) -> Result<bool, DialFailure> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                remaining_methods, ..
            } if remaining_methods.is_empty() => Err(self.hung_up(user)),
            AuthResult::Failure {
                remaining_methods, ..
            } => {
                self.methods = names(&remaining_methods);
                Ok(false)
            }
        }
    }

    /// The host ended the connection. After a refusal that is one more (`MaxAuthTries`,
    /// `sshd_config(5)`); before any it says nothing about the keys.
    fn hung_up(&mut self, user: &str) -> DialFailure {
        match self.methods.is_empty() {
            true => protocol(russh::Error::Disconnect),
            false => std::mem::take(self).into_failure(user),
        }
    }

    fn into_failure(self, user: &str) -> DialFailure {
        if self.tried.is_empty() {
            let why = match self.skipped.as_slice() {
                [] => "there is no key to offer: no agent, and no key file".into(),
                skipped => format!("there is no key to offer: {}", skipped.join("; ")),
            };
            return DialFailure::NoKey(why);
        }
        DialFailure::Denied {
            user: user.into(),
            tried: self.tried,
            methods: self.methods,
        }
    }
}

fn names(methods: &MethodSet) -> Vec<String> {
    methods
        .iter()
        .map(|method| <&'static str>::from(method).to_owned())
        .collect()
}

fn protocol(error: russh::Error) -> DialFailure {
    super::dial::failure(Broken::Ssh(error))
}

/// The signature algorithm for an RSA key: SHA-2 as the host announced it (RFC 8308, RFC 8332),
/// SHA-512 where it announced nothing.
async fn rsa_hash(
    handle: &Handle<Sensor>,
    algorithm: Algorithm,
) -> Result<Option<HashAlg>, DialFailure> {
    if !matches!(algorithm, Algorithm::Rsa { .. }) {
        return Ok(None);
    }
    let announced = handle.best_supported_rsa_hash().await.map_err(protocol)?;
    Ok(announced.unwrap_or(Some(HashAlg::Sha512)))
}

/// Reads the key files; what is missing is passed over, what cannot be used is named.
fn load(files: Vec<PathBuf>) -> (Vec<Identity>, Vec<String>) {
    let mut skipped = Vec::new();
    let mut identities = Vec::new();
    for path in files {
        match load_secret_key(&path, None) {
            Ok(key) => identities.push(Identity {
                public: Some(key.public_key().clone()),
                private: Some(key),
                path,
            }),
            Err(error) => {
                let public = beside(&path);
                if !is_missing(&error) {
                    skipped.push(format!("`{}`: {}", path.display(), unusable(&error)));
                }
                if public.is_some() {
                    identities.push(Identity {
                        path,
                        public,
                        private: None,
                    });
                }
            }
        }
    }
    (identities, skipped)
}

/// The public half in `FILE.pub`, which names a key that only the agent can use.
fn beside(path: &Path) -> Option<PublicKey> {
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    load_public_key(PathBuf::from(public)).ok()
}

fn is_missing(error: &KeyError) -> bool {
    matches!(error, KeyError::IO(io) if io.kind() == std::io::ErrorKind::NotFound)
}

fn unusable(error: &KeyError) -> String {
    match error {
        KeyError::KeyIsEncrypted => "it has a passphrase; add it to an agent".into(),
        other => other.to_string(),
    }
}

async fn connect_agent(agent: &Agent, attempts: &mut Attempts) -> Option<DynAgent> {
    let socket = match agent {
        Agent::None => return None,
        Agent::Socket(path) => path.clone(),
        Agent::Environment => PathBuf::from(std::env::var_os("SSH_AUTH_SOCK")?),
    };
    match AgentClient::connect_uds(&socket).await {
        Ok(client) => Some(client.dynamic()),
        Err(error) => {
            attempts
                .skipped
                .push(format!("the agent at `{}`: {error}", socket.display()));
            None
        }
    }
}

async fn agent_keys(agent: &mut DynAgent, attempts: &mut Attempts) -> Vec<PublicKey> {
    match agent.request_identities().await {
        Ok(identities) => identities
            .into_iter()
            .filter_map(|identity| match identity {
                AgentIdentity::PublicKey { key, .. } => Some(key),
                AgentIdentity::Certificate { .. } => None,
            })
            .collect(),
        Err(error) => {
            attempts.skipped.push(format!("the agent: {error}"));
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::MethodKind;

    #[test]
    fn an_end_during_login_is_not_a_refusal_of_the_key() {
        let refusal = |methods: &[MethodKind]| AuthResult::Failure {
            remaining_methods: methods.into(),
            partial_success: false,
        };
        let mut attempts = Attempts {
            tried: vec!["a key".into()],
            ..Attempts::default()
        };
        assert!(matches!(
            attempts.note("me", refusal(&[])),
            Err(DialFailure::Io(_))
        ));
        assert!(matches!(
            attempts.note("me", refusal(&[MethodKind::PublicKey])),
            Ok(false)
        ));
        assert_eq!(attempts.methods, ["publickey"]);
        assert!(matches!(
            attempts.note("me", refusal(&[])),
            Err(DialFailure::Denied { .. })
        ));
        assert!(matches!(attempts.note("me", AuthResult::Success), Ok(true)));
    }
}
