//! The difference of two texts in the unified format (POSIX XCU, `diff`, "Diff -u Output Format"),
//! byte for byte what `patch` takes. Lines are bytes up to a newline; what a character is does not
//! matter here.

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};
use std::ops::Range;
use std::time::Instant;

/// How a last line without a newline is marked.
const NO_NEWLINE: &[u8] = b"\\ No newline at end of file\n";

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unified {
    /// Its text, with the headers; nothing where the texts are the same.
    pub(super) text: Vec<u8>,
    /// Lines only the new text has.
    pub(super) added: usize,
    /// Lines only the old text has.
    pub(super) removed: usize,
    /// Whether the text was cut at its limit.
    pub(super) truncated: bool,
}

/// What is compared, and how much of the answer is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// What the first header calls the old text.
    pub(super) old_name: &'a str,
    /// What the second header calls the new one.
    pub(super) new_name: &'a str,
    /// Lines shown around a difference.
    pub(super) context: usize,
    /// Bytes kept.
    pub(super) limit: usize,
    /// When to stop looking for a shorter difference; what is found then is right, too.
    pub(super) deadline: Instant,
}

/// The difference between two texts.
pub(super) fn unified(old: &[u8], new: &[u8], ask: Ask<'_>) -> Unified {
    let (old, new) = (lines(old), lines(new));
    let deadline = Some(ask.deadline);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
    let changed = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let (mut removed, mut added) = (0, 0);
    for op in changed {
        removed += op.old_range().len();
        added += op.new_range().len();
    }
    let mut writer = Writer {
        text: Vec::new(),
        limit: ask.limit,
        truncated: false,
    };
    if removed + added > 0 {
        writer.line(&[b"--- ", ask.old_name.as_bytes(), b"\n"]);
        writer.line(&[b"+++ ", ask.new_name.as_bytes(), b"\n"]);
        for group in group_diff_ops(ops, ask.context) {
            writer.hunk(&group, &old, &new);
        }
    }
    Unified {
        text: writer.text,
        added,
        removed,
        truncated: writer.truncated,
    }
}

/// How many lines a text has, the last one also without a newline.
pub(super) fn count(text: &[u8]) -> usize {
    let open = !text.is_empty() && !text.ends_with(b"\n");
    memchr::memchr_iter(b'\n', text).count() + usize::from(open)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

struct Writer {
    text: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Writer {
    fn hunk(&mut self, ops: &[DiffOp], old: &[&[u8]], new: &[&[u8]]) {
        let (Some(first), Some(last)) = (ops.first(), ops.last()) else {
            return;
        };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        let head = format!("@@ -{} +{} @@\n", place(&old_range), place(&new_range));
        self.line(&[head.as_bytes()]);
        for op in ops {
            match op {
                DiffOp::Equal { .. } => self.part(b" ", op.old_range(), old),
                _ => {
                    self.part(b"-", op.old_range(), old);
                    self.part(b"+", op.new_range(), new);
                }
            }
        }
    }

    fn part(&mut self, mark: &[u8], range: Range<usize>, lines: &[&[u8]]) {
        for line in lines.get(range).unwrap_or_default() {
            match line.ends_with(b"\n") {
                true => self.line(&[mark, line]),
                false => self.line(&[mark, line, b"\n", NO_NEWLINE]),
            }
        }
    }

    /// A whole line or nothing, and nothing behind one that did not fit.
    fn line(&mut self, parts: &[&[u8]]) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.truncated |= self.text.len() + bytes > self.limit;
        if !self.truncated {
            parts
                .iter()
                .for_each(|part| self.text.extend_from_slice(part));
        }
    }
}

/// A range of lines, counted from 1: the number of lines is left out where it is 1, and a range of
/// none is named by the line before it.
fn place(range: &Range<usize>) -> String {
    match range.len() {
        0 => format!("{},0", range.start),
        1 => format!("{}", range.start + 1),
        n => format!("{},{n}", range.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    fn ask(context: usize) -> Ask<'static> {
        Ask {
            old_name: "a",
            new_name: "b",
            context,
            limit: 1 << 20,
            deadline: Instant::now() + Duration::from_secs(5),
        }
    }

    fn shown(old: &str, new: &str) -> String {
        String::from_utf8(unified(old.as_bytes(), new.as_bytes(), ask(3)).text).unwrap()
    }

    #[test]
    fn it_reads_as_diff_writes_it() {
        assert_eq!(
            shown(
                "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
                "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"
            ),
            "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
        assert_eq!(shown("", "x\n"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
        assert_eq!(
            shown("x\n", "x"),
            "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+x\n\\ No newline at end of file\n"
        );
        assert_eq!(
            shown("a\r\n", "a\n"),
            "--- a\n+++ b\n@@ -1 +1 @@\n-a\r\n+a\n"
        );
        assert_eq!(shown("same\n", "same\n"), "");
    }

    #[test]
    fn what_is_cut_is_said() {
        let (old, new) = ("a\n".repeat(1000), "b\n".repeat(1000));
        let cut = unified(
            old.as_bytes(),
            new.as_bytes(),
            Ask {
                limit: 100,
                ..ask(3)
            },
        );
        assert!(cut.truncated && cut.text.len() <= 100 && cut.text.ends_with(b"-a\n"));
        assert_eq!((cut.removed, cut.added), (1000, 1000));
    }

    #[test]
    fn a_hopeless_pair_ends_at_its_deadline() {
        let text = |seed: u64| -> Vec<u8> {
            let mut state = seed;
            let lines = (0..100_000).map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                format!("{}\n", state >> 48)
            });
            lines.collect::<String>().into_bytes()
        };
        let began = Instant::now();
        let soon = Ask {
            deadline: Instant::now() + Duration::from_millis(200),
            ..ask(3)
        };
        let found = unified(&text(1), &text(2), soon);
        assert!(found.added > 0 && began.elapsed() < Duration::from_secs(10));
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        const LINES: [&[u8]; 8] = [
            b"a",
            b"b",
            b"",
            b"c\r",
            b"\xe9",
            b"-- x",
            b"@@ -1 +1 @@",
            b"\\ No newline",
        ];
        let line = prop::sample::select(&LINES[..]);
        (prop::collection::vec(line, 0..24), any::<bool>()).prop_map(|(lines, open)| {
            let mut text = lines.join(&b'\n');
            if !open && !text.is_empty() {
                text.push(b'\n');
            }
            text
        })
    }

    /// Lines in common, by the textbook.
    fn common(old: &[&[u8]], new: &[&[u8]]) -> usize {
        let mut row = vec![0; new.len() + 1];
        for one in old {
            let mut diagonal = 0;
            for (at, other) in new.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = match one == other {
                    true => diagonal + 1,
                    false => above.max(row[at]),
                };
                diagonal = above;
            }
        }
        row[new.len()]
    }

    proptest! {
        #[test]
        fn no_difference_of_small_texts_is_shorter(old in text(), new in text()) {
            let found = unified(&old, &new, ask(3));
            let (old, new) = (lines(&old), lines(&new));
            let common = common(&old, &new);
            prop_assert_eq!((found.removed, found.added), (old.len() - common, new.len() - common));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn patch_makes_the_new_text_of_the_old(old in text(), new in text(), context in 0_usize..4) {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("file");
            std::fs::write(&file, &old).unwrap();
            let found = unified(&old, &new, ask(context));
            prop_assert_eq!(found.text.is_empty(), old == new);
            if old != new {
                let mut patch = Command::new("patch")
                    .args(["--quiet", "--posix", "--unified", "--fuzz=0", "--binary", "--no-backup-if-mismatch"])
                    .arg(&file)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                patch.stdin.take().unwrap().write_all(&found.text).unwrap();
                let output = patch.wait_with_output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                prop_assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&found.text));
                let patched = std::fs::read(&file).unwrap_or_default();
                prop_assert_eq!(patched, new);
            }
        }
    }
}
