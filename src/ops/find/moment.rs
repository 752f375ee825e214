//! A moment as people name it: an age (`30m`, `2d`) or a date (RFC 3339). Pure; takes `now`.

use crate::config::units;

/// Seconds since 1970 UTC that an age before `now`, or a date, stand for.
///
/// # Errors
/// A sentence that says what is legal.
pub(super) fn parse(text: &str, now: i64) -> Result<i64, String> {
    let text = text.trim();
    let age = || {
        let bare = text.bytes().all(|byte| byte.is_ascii_digit());
        let millis = units::span(text, 1).filter(|_| !bare)?;
        now.checked_sub(i64::try_from(millis / units::SECOND).ok()?)
    };
    age().or_else(|| date(text)).ok_or_else(|| {
        format!(
            "`{}` is no age like `30m`, `12h` or `2d`, and no date like `2026-11-20` or `2026-11-20T14:05:00Z`",
            text.escape_debug()
        )
    })
}

/// A date and perhaps a time of RFC 3339 §5.6; without one it is midnight UTC.
fn date(text: &str) -> Option<i64> {
    let (day, time) = match text.split_once(['T', 't', ' ']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(day, '-', [4, 2, 2])?;
    if !(1..=12).contains(&month) || !(1..=days(year, month)).contains(&day) {
        return None;
    }
    // Days since 1970, in years that begin in March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5;
    let seconds = (before + day - 1 - 719_468) * 86_400;
    match time {
        None => Some(seconds),
        Some(time) => Some(seconds + clock(time)?),
    }
}

/// Seconds since midnight UTC: `14:05:00Z`, `14:05:00.5+01:00`.
fn clock(text: &str) -> Option<i64> {
    let (time, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (time, offset) = text.split_at(at);
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let [hours, minutes] = numbers(offset.get(1..)?, ':', [2, 2])?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            (time, sign * (hours * 3600 + minutes * 60))
        }
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    // A leap second is the last of its day.
    let legal = hour < 24 && minute < 60 && second < 61;
    legal.then_some(hour * 3600 + minute * 60 + second - offset)
}

/// Numbers with exactly so many digits.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let parts: Vec<&str> = text.split(between).collect();
    let fits = |(part, digits): (&&str, usize)| {
        part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if parts.len() != N || !parts.iter().zip(digits).all(fits) {
        return None;
    }
    let numbers: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

fn days(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_or_a_date_is_a_moment() {
        let now = 1_795_183_500;
        for (text, moment) in [
            ("30m", now - 1800),
            ("2d", now - 172_800),
            ("1.5h", now - 5400),
            ("2026-11-20", 1_795_132_800),
            ("2026-11-20T14:05:00Z", now),
            ("2026-11-20t15:05:00.25+01:00", now),
            ("2026-11-20 09:05:00-05:00", now),
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
        ] {
            assert_eq!(parse(text, now), Ok(moment), "{text}");
        }
        for wrong in [
            "",
            "2",
            "-2d",
            "2 weeks",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "14:05",
            "2026-11-20T14:05",
            "2026-11-20T14:05:00",
            "2026-11-20T24:00:00Z",
            "yesterday",
        ] {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }
}
