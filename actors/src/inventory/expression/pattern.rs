//! A name with wildcards and ranges in it: what fits, and what it spells out.

use super::numbers::{MAX_DIGITS, Numbers};

/// Parts that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pattern(pub(super) Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// These characters.
    Text(String),
    /// One of these numbers.
    Numbers(Numbers),
    /// `?`: any one byte.
    One,
    /// `*`: any run of bytes.
    Any,
}

impl Pattern {
    /// Whether it has wildcards, and so promises no name.
    pub(super) fn is_wild(&self) -> bool {
        let mut parts = self.0.iter();
        parts.any(|part| matches!(part, Part::One | Part::Any))
    }

    /// The text it is, if it is nothing else.
    pub(super) fn as_plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// How many names it spells out.
    pub(super) fn count(&self) -> u64 {
        let counts = self.0.iter().map(|part| match part {
            Part::Numbers(numbers) => numbers.count(),
            _ => 1,
        });
        counts.fold(1, u64::saturating_mul)
    }

    /// The fewest bytes that fit.
    pub(super) fn shortest(&self) -> usize {
        let lengths = self.0.iter().map(|part| match part {
            Part::Text(text) => text.len(),
            Part::Numbers(numbers) => numbers.shortest(),
            Part::One => 1,
            Part::Any => 0,
        });
        lengths.sum()
    }

    /// Passes on every name without wildcards that fits.
    pub(super) fn spell_out(&self, each: &mut impl FnMut(&str)) {
        walk(&self.0, &mut String::new(), each);
    }

    /// Whether the whole of `text` fits.
    ///
    /// Keeps the places up to which the parts so far can fit, so that no choice of a number or of a
    /// wildcard is ever tried twice: the cost is at most parts times bytes.
    pub(super) fn fits(&self, text: &str) -> bool {
        let mut places = vec![0];
        for part in &self.0 {
            places = match part {
                Part::Any => match places.first() {
                    Some(&first) => (first..=text.len()).collect(),
                    None => Vec::new(),
                },
                Part::One => behind(&places, text, |rest, ends| {
                    ends.extend((!rest.is_empty()).then_some(1));
                }),
                Part::Text(part) => behind(&places, text, |rest, ends| {
                    ends.extend(rest.starts_with(part.as_bytes()).then_some(part.len()));
                }),
                Part::Numbers(numbers) => behind(&places, text, |rest, ends| {
                    let digits = rest.iter().take(MAX_DIGITS);
                    let digits = digits.take_while(|c| c.is_ascii_digit()).count();
                    ends.extend((1..=digits).filter(|&end| {
                        let digits = rest.get(..end).map(std::str::from_utf8);
                        matches!(digits, Some(Ok(digits)) if numbers.has(digits))
                    }));
                }),
            };
        }
        places.last() == Some(&text.len())
    }
}

/// The places behind one part that begins at any of `places`, in order; `widths` adds how far that
/// part can reach into the rest of the text.
fn behind(places: &[usize], text: &str, widths: impl Fn(&[u8], &mut Vec<usize>)) -> Vec<usize> {
    let mut found = Vec::new();
    for &place in places {
        let mut ends = Vec::new();
        widths(text.as_bytes().get(place..).unwrap_or_default(), &mut ends);
        found.extend(ends.into_iter().map(|end| place + end));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn walk(parts: &[Part], name: &mut String, each: &mut impl FnMut(&str)) {
    let Some((part, rest)) = parts.split_first() else {
        return each(name);
    };
    let length = name.len();
    let mut with = |text: &str| {
        name.push_str(text);
        walk(rest, name, each);
        name.truncate(length);
    };
    match part {
        Part::Text(text) => with(text),
        Part::Numbers(numbers) => numbers.iter().for_each(|digits| with(&digits)),
        Part::One | Part::Any => {}
    }
}
