//! Sizes and durations as people write them: `10MB`, `1MiB`, `1.5GiB`, `500ms`, `30s`, `2h`.
//!
//! Decimal and binary prefixes are kept apart (IEC 80000-13): `MB` is 10^6, `MiB` is 2^20. A bare
//! `M` is neither and is refused. Arithmetic is exact; nothing goes through floating point.

pub(super) const KIB: u64 = 1 << 10;
pub(super) const MIB: u64 = 1 << 20;
pub(super) const GIB: u64 = 1 << 30;

/// Durations are counted in milliseconds.
pub(crate) const SECOND: u64 = 1000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

const SIZES: [(&str, u64); 8] = [
    ("b", 1),
    ("kb", 1000),
    ("kib", KIB),
    ("mb", 1_000_000),
    ("mib", MIB),
    ("gb", 1_000_000_000),
    ("gib", GIB),
    ("", 1),
];

const SPANS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", SECOND),
    ("m", MINUTE),
    ("min", MINUTE),
    ("h", HOUR),
    ("d", DAY),
];

/// Bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let (_, factor) = SIZES
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    scale(number, *factor)
}

/// Milliseconds; `bare` is the worth of a number without a unit.
pub(crate) fn span(text: &str, bare: u64) -> Option<u64> {
    let (number, unit) = split(text);
    if unit.is_empty() {
        return scale(number, bare);
    }
    let (_, factor) = SPANS
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    scale(number, *factor)
}

/// A size in the largest binary unit that holds it exactly.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, worth) in [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)] {
        if bytes >= worth && bytes.is_multiple_of(worth) {
            return format!("{}{unit}", bytes / worth);
        }
    }
    bytes.to_string()
}

/// A duration in the largest unit that holds it exactly.
pub(super) fn show_span(millis: u64) -> String {
    for (unit, worth) in [("d", DAY), ("h", HOUR), ("s", SECOND)] {
        if millis >= worth
            && millis.is_multiple_of(worth)
            && (worth == SECOND || millis / worth > 1)
        {
            return format!("{}{unit}", millis / worth);
        }
    }
    format!("{millis}ms")
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

/// `number × factor`, if `number` is a plain decimal and the product a whole number.
fn scale(number: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let tens = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let parts = whole
        .parse::<u64>()
        .ok()
        .zip(fraction.parse::<u64>().ok())?;
    let product = (u128::from(parts.0) * tens + u128::from(parts.1)) * u128::from(factor);
    if product.is_multiple_of(tens) {
        u64::try_from(product / tens).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_the_two_kinds_of_prefix_apart() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", MIB),
            ("10MB", 10_000_000),
            ("1MiB", MIB),
            (" 1 mib ", MIB),
            ("1.5GiB", GIB + GIB / 2),
            ("4kB", 4000),
            ("7B", 7),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MB",
            "10M",
            "1.5",
            "1.5B",
            "-1",
            "+1",
            "1e6",
            "0x10",
            "1,5MB",
            "1..5MB",
            "99999999999GiB",
            "1.MB",
            ".5MB",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn spans_take_a_bare_number_in_the_unit_of_the_key() {
        for (text, bare, millis) in [
            ("30", SECOND, 30_000),
            ("1000", 1, 1000),
            ("1.5s", 1, 1500),
            ("0.25", SECOND, 250),
            ("500ms", SECOND, 500),
            ("2m", 1, 120_000),
            ("2min", 1, 120_000),
            ("1h", 1, HOUR),
            ("1d", 1, DAY),
        ] {
            assert_eq!(span(text, bare), Some(millis), "{text}");
        }
        for text in [
            "",
            "s",
            "-1s",
            "30 seconds",
            "1us",
            "0.0001s",
            "inf",
            "1h30m",
        ] {
            assert_eq!(span(text, SECOND), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_the_same() {
        for bytes in [
            0,
            1,
            1000,
            KIB,
            10_000_000,
            MIB,
            128 * MIB,
            3 * GIB,
            GIB + 1,
        ] {
            assert_eq!(size(&show_size(bytes)), Some(bytes));
        }
        for millis in [
            0,
            1,
            999,
            SECOND,
            1500,
            60 * SECOND,
            HOUR,
            2 * HOUR,
            DAY,
            2 * DAY,
        ] {
            assert_eq!(span(&show_span(millis), SECOND), Some(millis));
        }
    }
}
