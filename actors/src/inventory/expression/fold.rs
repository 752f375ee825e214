//! The way back: from names to an expression as short as ranges make it.

use super::numbers::{digits, number, width};
use crate::target::HostName;
use std::collections::{BTreeMap, BTreeSet};

/// Numbers as they are written, in the order of their values.
type Axis = BTreeSet<(u64, String)>;

/// Names that differ in their numbers alone, every combination of which is among them.
struct Block {
    /// The first of them, which gives the place in the list.
    first: String,
    axes: Vec<Axis>,
}

/// An expression that selects exactly these hosts: `db1,web-[01-17]`.
///
/// Only numbers fold, each with its zeros; names with several numbers fold where every combination
/// is there. Names that stay alone stay as they are, and addresses of IPv6 stand in brackets, so that
/// the whole may also be followed by the `:/path` of a target. A host that is
/// called `all` cannot be said in an expression, and very many hosts may not fit into one
/// ([`MAX_EXPRESSION`](super::MAX_EXPRESSION), [`MAX_NAMES`](super::MAX_NAMES)).
#[must_use]
pub fn fold(hosts: &[HostName]) -> String {
    let mut blocks: BTreeMap<Vec<String>, Vec<Block>> = BTreeMap::new();
    for host in hosts.iter().collect::<BTreeSet<_>>() {
        let (texts, axes) = taken_apart(host.as_str());
        let first = host.to_string();
        blocks.entry(texts).or_default().push(Block { first, axes });
    }
    let mut folded: Vec<(String, String)> = Vec::new();
    for (texts, mut blocks) in blocks {
        // The last number of a name usually counts, so it is folded first.
        for axis in (0..texts.len().saturating_sub(1)).rev() {
            blocks = merged(blocks, axis);
        }
        folded.extend(blocks.into_iter().map(|block| {
            let text = written(&texts, &block.axes);
            (block.first, text)
        }));
    }
    folded.sort();
    let texts: Vec<String> = folded.into_iter().map(|(_, text)| text).collect();
    texts.join(",")
}

/// The texts around the numbers of a name, and the numbers between them.
fn taken_apart(name: &str) -> (Vec<String>, Vec<Axis>) {
    let (mut texts, mut axes) = (vec![String::new()], Vec::new());
    if name.contains(':') {
        return (vec![format!("[{name}]")], axes);
    }
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = name;
    while !rest.is_empty() {
        let plain = rest.find(is_digit).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(plain);
        let run = behind.find(|c| !is_digit(c)).unwrap_or(behind.len());
        let (run, behind) = behind.split_at(run);
        let last = texts.pop().unwrap_or_default() + text;
        match number(run) {
            Some(value) => {
                axes.push(Axis::from([(value, run.to_owned())]));
                texts.extend([last, String::new()]);
            }
            // Too long to be counted with.
            None => texts.push(last + run),
        }
        rest = behind;
    }
    (texts, axes)
}

/// Puts together the blocks that differ in one axis alone.
fn merged(blocks: Vec<Block>, axis: usize) -> Vec<Block> {
    let mut found: BTreeMap<Vec<Axis>, (String, Axis)> = BTreeMap::new();
    for Block { first, mut axes } in blocks {
        if axis >= axes.len() {
            continue;
        }
        let numbers = axes.remove(axis);
        match found.get_mut(&axes) {
            Some((name, known)) => {
                known.extend(numbers);
                if first < *name {
                    *name = first;
                }
            }
            None => {
                found.insert(axes, (first, numbers));
            }
        }
    }
    let whole = |(mut axes, (first, numbers)): (Vec<Axis>, (String, Axis))| {
        axes.insert(axis, numbers);
        Block { first, axes }
    };
    found.into_iter().map(whole).collect()
}

fn written(texts: &[String], axes: &[Axis]) -> String {
    let mut out = String::new();
    for (at, text) in texts.iter().enumerate() {
        out += text;
        match axes.get(at) {
            Some(axis) if axis.len() > 1 => out += &format!("[{}]", runs(axis)),
            Some(axis) => out.extend(axis.iter().map(|(_, digits)| digits.as_str())),
            None => {}
        }
    }
    out
}

/// `01-17,19`.
fn runs(axis: &Axis) -> String {
    let mut runs: Vec<(&str, &str)> = Vec::new();
    let mut next = None;
    for (value, text) in axis {
        match (runs.last_mut(), &next) {
            (Some((_, last)), Some(next)) if next == text => *last = text,
            _ => runs.push((text, text)),
        }
        let width = runs.last().map_or(1, |(first, _)| width(first));
        next = Some(digits(value + 1, width));
    }
    let text = |(first, last): &(&str, &str)| match first == last {
        true => (*first).to_owned(),
        false => format!("{first}-{last}"),
    };
    runs.iter().map(text).collect::<Vec<_>>().join(",")
}
