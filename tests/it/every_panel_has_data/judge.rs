//! Says whether an answer can be true. Pure.

use super::prometheus::Series;
use super::question::Question;

/// A rate is extrapolated from samples, so two of them may disagree in the last digits.
const ROUNDING: f64 = 1e-6;

/// What is wrong with the answer, if anything is. A quantile has no value (NaN) for a label that
/// nothing was observed for; one that has a value is enough then.
pub(super) fn fault(question: &Question, answer: &Result<Vec<Series>, String>) -> Option<String> {
    let series = match answer {
        Ok(series) => series,
        Err(error) => return Some(error.clone()),
    };
    if series.is_empty() {
        return Some("nothing".into());
    }
    let quantile = question.query.contains("histogram_quantile");
    let plausible = |value: f64| {
        let range = if question.share {
            1.0 + ROUNDING
        } else {
            f64::MAX
        };
        (quantile && value.is_nan()) || (0.0..=range).contains(&value)
    };
    if let Some(bad) = series.iter().find(|series| !plausible(series.value)) {
        return Some(format!("implausible: {} at {}", bad.value, bad.labels));
    }
    if series.iter().all(|series| series.value.is_nan()) {
        return Some("no number".into());
    }
    let happened = series.iter().any(|series| series.value > 0.0);
    (question.grows && !happened).then(|| "only zeros".into())
}

#[test]
fn what_is_not_plausible_is_found() {
    let question = |query: &str, share, grows| Question {
        place: String::new(),
        query: query.into(),
        share,
        grows,
    };
    let answer = |values: &[f64]| {
        let series = values.iter().map(|value| Series {
            labels: String::new(),
            value: *value,
        });
        Ok(series.collect())
    };
    let fine = |question: &Question, values: &[f64]| fault(question, &answer(values)).is_none();
    let any = question("up", false, false);
    assert!(fine(&any, &[0.0, 7.0]));
    assert!(!fine(&any, &[]));
    assert!(!fine(&any, &[-1.0]));
    assert!(!fine(&any, &[f64::NAN]));
    assert!(!fine(&any, &[f64::INFINITY]));
    let share = question("a / b", true, false);
    assert!(fine(&share, &[0.0, 1.0]));
    assert!(!fine(&share, &[1.01]));
    let rate = question("rate(a[1m])", false, true);
    assert!(fine(&rate, &[0.0, 0.1]));
    assert!(!fine(&rate, &[0.0, 0.0]));
    let quantile = question("histogram_quantile(0.9, a)", false, true);
    assert!(fine(&quantile, &[f64::NAN, 0.2]));
    assert!(!fine(&quantile, &[f64::NAN]));
    assert!(fault(&any, &Err("parse error".into())).is_some());
}
