//! The keywords of `ssh_config(5)`, and which of them matter to a client that only connects.
//!
//! Only names live here, no values. The list is that of OpenSSH 10.5 with the additions Debian,
//! Red Hat and Apple ship; what is on it and not in [`Keyword`] has no effect on this program and is passed
//! over without looking at its value.

/// A keyword with an effect here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Host,
    Match,
    Include,
    IgnoreUnknown,
    HostName,
    User,
    Port,
    IdentityFile,
    CertificateFile,
    IdentitiesOnly,
    IdentityAgent,
    ProxyJump,
    ProxyCommand,
    UserKnownHostsFile,
    GlobalKnownHostsFile,
    HostKeyAlias,
    HostKeyAlgorithms,
    StrictHostKeyChecking,
    ConnectTimeout,
    Tag,
    KnownHostsCommand,
    LocalCommand,
    PermitLocalCommand,
    RevokedHostKeys,
    CanonicalizeHostname,
    CanonicalizePermittedCnames,
    RefuseConnection,
    /// Known to `ssh`, without effect here.
    Ignored,
}

impl Keyword {
    /// Finds a keyword by its name in lower case.
    pub(super) fn find(name: &str) -> Option<Self> {
        let found = SPELLED
            .iter()
            .find(|(_, spelled)| spelled.eq_ignore_ascii_case(name));
        match found {
            Some(&(keyword, _)) => Some(keyword),
            None if name == "identityfile2" => Some(Self::IdentityFile),
            None => IGNORED.binary_search(&name).ok().map(|_| Self::Ignored),
        }
    }

    /// The keyword as the manual page spells it.
    pub(super) fn name(self) -> &'static str {
        let spelled = SPELLED.iter().find(|&&(keyword, _)| keyword == self);
        spelled.map_or("this keyword", |&(_, name)| name)
    }
}

/// The most frequent first: this is searched once per line.
const SPELLED: [(Keyword, &str); 27] = [
    (Keyword::Host, "Host"),
    (Keyword::HostName, "HostName"),
    (Keyword::User, "User"),
    (Keyword::Port, "Port"),
    (Keyword::IdentityFile, "IdentityFile"),
    (Keyword::ProxyJump, "ProxyJump"),
    (Keyword::IdentitiesOnly, "IdentitiesOnly"),
    (Keyword::Tag, "Tag"),
    (Keyword::Match, "Match"),
    (Keyword::Include, "Include"),
    (Keyword::IgnoreUnknown, "IgnoreUnknown"),
    (Keyword::CertificateFile, "CertificateFile"),
    (Keyword::IdentityAgent, "IdentityAgent"),
    (Keyword::ProxyCommand, "ProxyCommand"),
    (Keyword::UserKnownHostsFile, "UserKnownHostsFile"),
    (Keyword::GlobalKnownHostsFile, "GlobalKnownHostsFile"),
    (Keyword::HostKeyAlias, "HostKeyAlias"),
    (Keyword::HostKeyAlgorithms, "HostKeyAlgorithms"),
    (Keyword::StrictHostKeyChecking, "StrictHostKeyChecking"),
    (Keyword::ConnectTimeout, "ConnectTimeout"),
    (Keyword::KnownHostsCommand, "KnownHostsCommand"),
    (Keyword::LocalCommand, "LocalCommand"),
    (Keyword::PermitLocalCommand, "PermitLocalCommand"),
    (Keyword::RevokedHostKeys, "RevokedHostKeys"),
    (Keyword::CanonicalizeHostname, "CanonicalizeHostname"),
    (
        Keyword::CanonicalizePermittedCnames,
        "CanonicalizePermittedCNAMEs",
    ),
    (Keyword::RefuseConnection, "RefuseConnection"),
];

/// In lower case and in order, for a binary search.
const IGNORED: [&str; 110] = [
    "addkeystoagent",
    "addressfamily",
    "afstokenpassing",
    "batchmode",
    "bindaddress",
    "bindinterface",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "casignaturealgorithms",
    "challengeresponseauthentication",
    "channeltimeout",
    "checkhostip",
    "cipher",
    "ciphers",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dsaauthentication",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fallbacktorsh",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "globalknownhostsfile2",
    "gssapiauthentication",
    "gssapiclientidentity",
    "gssapidelegatecredentials",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
    "hashknownhosts",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostbasedkeytypes",
    "ipqos",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "keepalive",
    "kerberosauthentication",
    "kerberostgtpassing",
    "kexalgorithms",
    "localforward",
    "loglevel",
    "logverbose",
    "macs",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "passwordauthentication",
    "permitremoteopen",
    "pkcs11provider",
    "preferredauthentications",
    "protocol",
    "protocolkeepalives",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "remotecommand",
    "remoteforward",
    "requesttty",
    "requiredrsasize",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "rsaminsize",
    "securitykeyprovider",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "sessiontype",
    "setenv",
    "setuptimeout",
    "skeyauthentication",
    "smartcarddevice",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tcpkeepalive",
    "tisauthentication",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "usekeychain",
    "useprivilegedport",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignored_keywords_are_sorted_and_none_has_an_effect() {
        assert!(IGNORED.is_sorted_by(|a, b| a < b));
        for name in IGNORED {
            assert_eq!(Keyword::find(name), Some(Keyword::Ignored), "{name}");
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }

    #[test]
    fn keywords_are_found_by_their_lower_case_name() {
        assert_eq!(Keyword::find("hostname"), Some(Keyword::HostName));
        assert_eq!(Keyword::find("identityfile2"), Some(Keyword::IdentityFile));
        assert_eq!(Keyword::find("forwardagent"), Some(Keyword::Ignored));
        assert_eq!(Keyword::find("hostnam"), None);
        assert_eq!(Keyword::ProxyJump.name(), "ProxyJump");
    }
}
