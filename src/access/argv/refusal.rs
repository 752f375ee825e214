//! Why a command is refused: the word, the reason, and what is allowed instead.

/// A refused command. It repeats one word of it at most, cut short and on one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is refused: {why}; {allowed}")]
pub struct Refusal {
    /// Whether no program could run this, or only an observer may not.
    pub fault: Fault,
    /// The word it is about, escaped.
    pub word: String,
    /// Why it is refused.
    pub why: String,
    /// What is allowed in its place.
    pub allowed: String,
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no command at all, for anybody.
    Malformed,
    /// It is a command, and an observer may not run it.
    Forbidden,
}

/// The most characters of a word that a refusal repeats.
const SHOWN: usize = 64;

impl Refusal {
    pub(super) fn malformed(
        word: &str,
        why: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            fault: Fault::Malformed,
            word: shown(word),
            why: escaped(&why.into()),
            allowed: allowed.into(),
        }
    }

    pub(super) fn forbidden(
        word: &str,
        why: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            fault: Fault::Forbidden,
            word: shown(word),
            why: escaped(&why.into()),
            allowed: allowed.into(),
        }
    }
}

fn shown(word: &str) -> String {
    let short: String = word.chars().take(SHOWN).collect();
    let more = if short.len() < word.len() { "..." } else { "" };
    escaped(&short) + more
}

/// Escapes control characters and everything else that could pass for something it is not.
fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() || c == ' ';
    text.chars()
        .map(|c| {
            if plain(c) {
                c.to_string()
            } else {
                c.escape_default().to_string()
            }
        })
        .collect()
}
