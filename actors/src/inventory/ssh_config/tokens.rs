//! Replaces `~`, `%x` and `${NAME}` in values of `ssh_config(5)` (section TOKENS).
//!
//! Pure but for the look-ups the [`Local`] carries. A token is replaced once and its value never
//! read again, so a value cannot smuggle another token in.

use crate::inventory::error::ExpansionError;
use crate::inventory::local::Local;

/// What the tokens of one connection stand for.
///
/// `%C` is missing: it is a digest for socket names whose ingredients change between versions of
/// OpenSSH.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    /// `%n`: the host as it was asked for.
    pub(super) argument: &'a str,
    /// `%h`: the host that is connected to.
    pub(super) host: &'a str,
    /// `%p`.
    pub(super) port: u16,
    /// `%r`; `None` while the user itself is expanded.
    pub(super) user: Option<&'a str>,
    /// `%k`: the `HostKeyAlias`, else the host as it was asked for.
    pub(super) key_alias: &'a str,
    /// `%j`: the jump host, or nothing.
    pub(super) jump: &'a str,
    /// `%d %i %l %L %u`.
    pub(super) local: &'a Local,
}

impl Tokens<'_> {
    /// Replaces tokens and variables.
    pub(super) fn expand(&self, text: &str) -> Result<String, ExpansionError> {
        replace(text, Some(self.local), |token| {
            Some(match token {
                'n' => self.argument.to_owned(),
                'h' => self.host.to_owned(),
                'p' => self.port.to_string(),
                'r' => self.user?.to_owned(),
                'k' => self.key_alias.to_owned(),
                'j' => self.jump.to_owned(),
                _ => return local_token(token, self.local),
            })
        })
    }

    /// Replaces a leading `~`, then tokens and variables: what file names get.
    pub(super) fn expand_path(&self, text: &str) -> Result<String, ExpansionError> {
        self.expand(&tilde(text, self.local)?)
    }
}

/// Replaces `%h` by the host as it was asked for: all that `HostName` knows.
pub(super) fn host_name(text: &str, argument: &str) -> Result<String, ExpansionError> {
    replace(text, None, |token| {
        (token == 'h').then(|| argument.to_owned())
    })
}

/// Replaces what does not depend on the host: all that `Include` can know when files are read.
pub(super) fn local_only(text: &str, local: &Local) -> Result<String, ExpansionError> {
    replace(text, Some(local), |token| local_token(token, local))
}

/// Replaces `${NAME}` alone.
pub(super) fn variables(text: &str, local: &Local) -> Result<String, ExpansionError> {
    // A percent sign stands for itself here, so every token is given back as it was.
    let escaped = text.replace('%', "%%");
    replace(&escaped, Some(local), |_| None)
}

/// Replaces a leading `~` or `~name` by the home directory.
pub(super) fn tilde(text: &str, local: &Local) -> Result<String, ExpansionError> {
    let Some(rest) = text.strip_prefix('~') else {
        return Ok(text.to_owned());
    };
    let (account, path) = rest.split_once('/').unwrap_or((rest, ""));
    let home = match account {
        "" => local.home.clone(),
        name => (local.home_of)(name).ok_or_else(|| ExpansionError::Account(name.to_owned()))?,
    };
    let home = home.to_string_lossy();
    let slash = if home.ends_with('/') { "" } else { "/" };
    Ok(format!("{home}{slash}{}", path.trim_start_matches('/')))
}

fn local_token(token: char, local: &Local) -> Option<String> {
    Some(match token {
        'd' => local.home.to_string_lossy().into_owned(),
        'i' => local.uid.to_string(),
        'l' => local.hostname.clone(),
        'L' => local
            .hostname
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        'u' => local.user.clone(),
        _ => return None,
    })
}

/// One pass over the text, left to right. Without a `local`, `${` means nothing special.
fn replace(
    text: &str,
    local: Option<&Local>,
    token: impl Fn(char) -> Option<String>,
) -> Result<String, ExpansionError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['%', '$']) {
        out.push_str(&rest[..at]);
        let special = &rest[at..];
        if let Some(name) = special.strip_prefix('%') {
            let Some(c) = name.chars().next() else {
                return Err(ExpansionError::LonePercent);
            };
            match c {
                '%' => out.push('%'),
                _ => out.push_str(&token(c).ok_or(ExpansionError::Token(c))?),
            }
            rest = &name[c.len_utf8()..];
        } else if let (Some(local), Some(open)) = (local, special.strip_prefix("${")) {
            let (name, behind) = open
                .split_once('}')
                .filter(|(name, _)| !name.is_empty())
                .ok_or(ExpansionError::OpenVariable)?;
            let value = (local.variable)(name);
            out.push_str(&value.ok_or_else(|| ExpansionError::Variable(name.to_owned()))?);
            rest = behind;
        } else {
            out.push('$');
            rest = &special[1..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Local {
        Local {
            user: "ann".into(),
            uid: 1000,
            home: "/home/ann".into(),
            hostname: "desk.example.com".into(),
            variable: |name| (name == "KEYS").then(|| "/keys/%h".to_owned()),
            home_of: |name| (name == "bob").then(|| "/home/bob/".into()),
        }
    }

    #[test]
    fn every_token_has_one_meaning_and_no_other_is_known() {
        let local = local();
        let tokens = Tokens {
            argument: "Web",
            host: "web.example.com",
            port: 2222,
            user: Some("root"),
            key_alias: "alias",
            jump: "bastion",
            local: &local,
        };
        for (text, expected) in [
            ("%n %h %p %r", "Web web.example.com 2222 root"),
            ("%u %d %i", "ann /home/ann 1000"),
            ("%l %L %k %j", "desk.example.com desk alias bastion"),
            ("100%% %%h $x", "100% %h $x"),
            ("${KEYS}/%h", "/keys/%h/web.example.com"),
        ] {
            assert_eq!(tokens.expand(text).as_deref(), Ok(expected), "{text:?}");
        }
        assert_eq!(tokens.expand("%C"), Err(ExpansionError::Token('C')));
        assert_eq!(tokens.expand("a%"), Err(ExpansionError::LonePercent));
        assert_eq!(tokens.expand("${"), Err(ExpansionError::OpenVariable));
        assert_eq!(tokens.expand("${}"), Err(ExpansionError::OpenVariable));
        assert_eq!(
            tokens.expand("${NO}"),
            Err(ExpansionError::Variable("NO".into()))
        );
        assert_eq!(host_name("%h.x%%", "Web").as_deref(), Ok("Web.x%"));
        assert_eq!(host_name("%p", "Web"), Err(ExpansionError::Token('p')));
        assert_eq!(host_name("${KEYS}", "Web").as_deref(), Ok("${KEYS}"));
        assert_eq!(variables("%h${KEYS}", &local).as_deref(), Ok("%h/keys/%h"));
    }

    #[test]
    fn a_tilde_is_a_home_directory_only_in_front() {
        let local = local();
        for (text, expected) in [
            ("~", Ok("/home/ann/")),
            ("~/.ssh/id", Ok("/home/ann/.ssh/id")),
            ("~//id", Ok("/home/ann/id")),
            ("~bob/id", Ok("/home/bob/id")),
            ("a~/id", Ok("a~/id")),
            ("~eve/id", Err(ExpansionError::Account("eve".into()))),
        ] {
            assert_eq!(
                tilde(text, &local).as_deref(),
                expected.as_deref(),
                "{text:?}"
            );
        }
    }
}
