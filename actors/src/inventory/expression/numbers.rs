//! What stands between brackets: numbers and runs of numbers, with their leading zeros.

/// The most digits of a number: every such number fits into 64 bits.
pub(super) const MAX_DIGITS: usize = 18;

/// `[1-3,07]`: one or more runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbers(pub(super) Vec<Run>);

/// `first-last`, or a single number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The fewest digits: the length of a first number that begins with a zero, else 1.
    pub(super) width: usize,
}

impl Numbers {
    /// How many there are, counting one that stands in two runs twice.
    pub(super) fn count(&self) -> u64 {
        let count = |run: &Run| run.last - run.first + 1;
        self.0.iter().map(count).fold(0, u64::saturating_add)
    }

    /// The fewest digits one of them has.
    pub(super) fn shortest(&self) -> usize {
        let shortest = |run: &Run| digits(run.first, run.width).len();
        self.0.iter().map(shortest).min().unwrap_or(0)
    }

    /// Whether these digits are one of them, zeros and all.
    pub(super) fn has(&self, text: &str) -> bool {
        let Some(number) = number(text) else {
            return false;
        };
        self.0.iter().any(|run| {
            (run.first..=run.last).contains(&number) && digits(number, run.width) == text
        })
    }

    /// All of them, as they are written.
    pub(super) fn iter(&self) -> impl Iterator<Item = String> {
        self.0
            .iter()
            .flat_map(|run| (run.first..=run.last).map(|number| digits(number, run.width)))
    }
}

/// The value of digits, unless they are too many or something else.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The width that a number asks its run to have.
pub(super) fn width(text: &str) -> usize {
    match text.starts_with('0') {
        true => text.len(),
        false => 1,
    }
}

pub(super) fn digits(number: u64, width: usize) -> String {
    format!("{number:0width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u64, last: u64, width: usize) -> Numbers {
        Numbers(vec![Run { first, last, width }])
    }

    #[test]
    fn zeros_count() {
        let padded = run(8, 10, 2);
        assert_eq!(padded.iter().collect::<Vec<_>>(), ["08", "09", "10"]);
        assert!(padded.has("09") && padded.has("10"));
        assert!(!padded.has("9") && !padded.has("009") && !padded.has("11") && !padded.has(""));
        let plain = run(8, 10, 1);
        assert!(plain.has("9") && !plain.has("09"));
        assert_eq!((padded.shortest(), plain.shortest()), (2, 1));
    }

    #[test]
    fn a_wide_run_costs_nothing_until_it_is_spelled_out() {
        let wide = run(0, 999_999_999_999_999_999, 1);
        assert_eq!(wide.count(), 1_000_000_000_000_000_000);
        assert!(wide.has("123456789"));
        assert_eq!(number("9999999999999999999"), None);
        assert_eq!(number("+1"), None);
    }
}
