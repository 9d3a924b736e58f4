// SPDX-License-Identifier: Apache-2.0
//! Spans of time as queries write them.

const DAY_MS: u64 = 86_400_000;

/// Days from 1970-01-01 to the first of a month. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
fn days_to(year: u64, month: u64) -> u64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (y / 400, y % 400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn one(text: &str) -> Option<(u64, u64)> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4).filter(|year| *year >= 1970)?;
    let Some(month) = parts.next() else { return Some((days_to(year, 1) * DAY_MS, days_to(year + 1, 1) * DAY_MS)) };
    let month = number(month, 2).filter(|month| (1..=12).contains(month))?;
    let (first, next) = (days_to(year, month), if month == 12 { days_to(year + 1, 1) } else { days_to(year, month + 1) });
    let Some(day) = parts.next() else { return Some((first * DAY_MS, next * DAY_MS)) };
    let day = number(day, 2).filter(|day| (1..=next - first).contains(day))?;
    parts.next().is_none().then_some(((first + day - 1) * DAY_MS, (first + day) * DAY_MS))
}

/// Reads `2026`, `2026-05`, `2026-05-01`, and `A..B`, `A..`, `..B` of these, as milliseconds since 1970 in UTC, the end not in it;
/// u64::MAX is no end.
pub fn parse_period(text: &str) -> Option<(u64, u64)> {
    let Some((from, to)) = text.split_once("..") else { return one(text) };
    if from.is_empty() && to.is_empty() {
        return None;
    }
    let from = if from.is_empty() { 0 } else { one(from)?.0 };
    let to = if to.is_empty() { u64::MAX } else { one(to)?.1 };
    (from < to).then_some((from, to))
}
