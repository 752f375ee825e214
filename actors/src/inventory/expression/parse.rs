//! From text to terms: the only reader of the grammar.

use super::error::{ExpressionError, ExpressionProblem as Problem};
use super::numbers::{MAX_DIGITS, Numbers, Run, number, width};
use super::pattern::{Part, Pattern};
use super::{MAX_EXPRESSION, MAX_NAMES, MAX_WILDCARDS, Term, What};
use crate::target::MAX_HOST_NAME;
use std::net::Ipv6Addr;

/// The terms of an expression: at least one.
pub(super) fn terms(text: &str) -> Result<Vec<Term>, ExpressionError> {
    let mut reader = Reader {
        text,
        at: 0,
        wildcards: 0,
        names: 0,
    };
    if text.len() > MAX_EXPRESSION {
        return Err(reader.wrong(MAX_EXPRESSION, Problem::Long { bytes: text.len() }));
    }
    if text.trim().is_empty() {
        return Err(reader.wrong(0, Problem::Empty));
    }
    let mut terms = Vec::new();
    loop {
        terms.push(reader.term()?);
        match reader.next() {
            None => return Ok(terms),
            Some(',') => {}
            Some(c) => {
                let at = reader.at - c.len_utf8();
                return Err(reader.wrong(at, reader.misplaced(at, c)));
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    wildcards: usize,
    names: u64,
}

impl<'a> Reader<'a> {
    /// One term with the white space around it.
    fn term(&mut self) -> Result<Term, ExpressionError> {
        self.skip_space();
        let at = self.at;
        let excludes = self.eat('!');
        let tags = self.eat('@');
        let begin = self.at;
        let word = self.word();
        let what = match word {
            "all" if !tags => {
                self.at += word.len();
                What::All
            }
            _ if tags => What::Tags(self.pattern(at)?),
            _ => What::Names(match address(word) {
                Some(address) => {
                    self.at += word.len();
                    Pattern(vec![Part::Text(address.to_owned())])
                }
                None => self.pattern(at)?,
            }),
        };
        if let What::Names(Pattern(parts)) = &what
            && let Some(Part::Text(text)) = parts.first()
            && let Some(c) = text.chars().next().filter(|c| "._-".contains(*c))
        {
            return Err(self.wrong(begin, Problem::Character(c)));
        }
        self.skip_space();
        Ok(Term { at, excludes, what })
    }

    fn pattern(&mut self, term: usize) -> Result<Pattern, ExpressionError> {
        let mut pattern = Pattern::default();
        while let Some(c) = self.peek() {
            let begin = self.at;
            let part = match c {
                '*' => Part::Any,
                '?' => Part::One,
                '[' => Part::Numbers(self.numbers()?),
                c if is_plain(c) => {
                    let text = self.take_while(is_plain);
                    pattern.0.push(Part::Text(text.to_owned()));
                    continue;
                }
                _ => break,
            };
            if matches!(part, Part::Any | Part::One) {
                self.at += 1;
                self.wildcards += 1;
                if self.wildcards > MAX_WILDCARDS {
                    return Err(self.wrong(begin, Problem::Wildcards));
                }
            }
            pattern.0.push(part);
        }
        match self.peek() {
            Some(c) if c != ',' && !c.is_whitespace() => {
                return Err(self.wrong(self.at, self.misplaced(self.at, c)));
            }
            _ if pattern.0.is_empty() => return Err(self.wrong(self.at, Problem::EmptyTerm)),
            _ => {}
        }
        if pattern.shortest() > MAX_HOST_NAME {
            return Err(self.wrong(term, Problem::LongName));
        }
        if !pattern.is_wild() {
            self.names = self.names.saturating_add(pattern.count());
            if self.names > MAX_NAMES {
                return Err(self.wrong(term, Problem::Names));
            }
        }
        Ok(pattern)
    }

    /// A range with its brackets; the first of them is next.
    fn numbers(&mut self) -> Result<Numbers, ExpressionError> {
        let open = self.at;
        let mut runs = Vec::new();
        self.next();
        loop {
            self.skip_space();
            runs.push(self.run(open)?);
            self.skip_space();
            let at = self.at;
            match self.next() {
                Some(',') => {}
                Some(']') => return Ok(Numbers(runs)),
                None => return Err(self.wrong(open, Problem::OpenBracket)),
                Some(_) => return Err(self.wrong(at, Problem::Number)),
            }
        }
    }

    fn run(&mut self, open: usize) -> Result<Run, ExpressionError> {
        let begin = self.at;
        let from = self.number(open)?;
        let to = match self.eat('-') {
            true => self.number(open)?,
            false => from,
        };
        let (Some(first), Some(last)) = (number(from), number(to)) else {
            return Err(self.wrong(begin, Problem::Number));
        };
        // `[1-09]` and `[001-18]` may mean this or that.
        let width = width(from);
        if to.len() < width || (to.len() > width && to.starts_with('0')) {
            return Err(self.wrong(begin, Problem::Width));
        }
        if first > last {
            return Err(self.wrong(begin, Problem::Backwards));
        }
        Ok(Run { first, last, width })
    }

    fn number(&mut self, open: usize) -> Result<&'a str, ExpressionError> {
        let begin = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        match digits.len() {
            0 if self.peek().is_none() => Err(self.wrong(open, Problem::OpenBracket)),
            0 => Err(self.wrong(begin, Problem::Number)),
            1..=MAX_DIGITS => Ok(digits),
            _ => Err(self.wrong(begin, Problem::LongNumber)),
        }
    }

    /// What is wrong with a character that cannot stand where it does.
    fn misplaced(&self, at: usize, c: char) -> Problem {
        let before = self.text.get(..at).unwrap_or_default();
        match c {
            ':' => Problem::Colon,
            _ if before.ends_with(char::is_whitespace) => Problem::NoComma,
            _ => Problem::Character(c),
        }
    }

    /// What is left up to the next comma or white space.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c == ',' || c.is_whitespace());
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn wrong(&self, at: usize, problem: Problem) -> ExpressionError {
        ExpressionError::new(self.text, at, problem)
    }
}

/// A character that stands for itself, in names as in tags.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

/// The address that a word is, without the brackets it may stand in.
fn address(word: &str) -> Option<&str> {
    let inner = word.strip_prefix('[').and_then(|w| w.strip_suffix(']'));
    let bare = inner.unwrap_or(word);
    bare.parse::<Ipv6Addr>().is_ok().then_some(bare)
}
