//! `{host}://syslog`: the log of a host.

use super::source::Form;
use super::subject::Source;

pub(super) const FORMS: &[Form] = &[Form {
    source: Source::Syslog,
    path: "",
    name: "syslog",
    title: "System log",
    description: "The last 100 lines of the log of a host: of the journal, else of /var/log/syslog or /var/log/messages: web1://syslog.",
}];
