//! How soon a call wants its turn, where calls have to wait for each other.

/// Whether somebody waits for this call alone, or it is one piece of much work.
///
/// It decides the order in which calls wait, and what room they may take; it never stops or slows a
/// call that is under way. Neither urgency can keep the other from being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Urgency {
    /// One question to one host: a file, a listing, a command. It goes first.
    #[default]
    Interactive,
    /// Part of a sweep over many hosts or many files, or the moving of many bytes. It goes when
    /// nobody waits for an answer, or when it has waited long, and leaves one place of a host free.
    Bulk,
}

impl Urgency {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Interactive, Self::Bulk];

    /// A word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}
