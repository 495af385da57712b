//! Times as devices write them: a date and a clock, with or without an offset from UTC. Reads no
//! clock and knows no zone.

/// The last second of the year 9999.
const UNIX_SECONDS_MAX: i64 = 253_402_300_799;

/// Unix milliseconds of `2026-11-23T09:30:00.5+08:00` and its kin: a blank for the `T`, slashes for
/// the dashes, no fraction, `Z`, an offset without its colon. Without an offset, `offset_s` counts;
/// if there is none either, the moment is not known.
pub(super) fn read(text: &str, offset_s: Option<i32>) -> Option<i64> {
    let mut rest = text.trim();
    let year = number(&mut rest, 4, &['-', '/'])?;
    let month = number(&mut rest, 2, &['-', '/'])?;
    let day = number(&mut rest, 2, &['T', 't', ' '])?;
    let hour = number(&mut rest, 2, &[':'])?;
    let minute = number(&mut rest, 2, &[':'])?;
    let second = number(&mut rest, 2, &[])?;
    let fits = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let ms = fraction_ms(&mut rest)?;
    let offset = match rest.trim_start() {
        "" => i64::from(offset_s?),
        _ => offset(rest)?,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    (fits && (0..=UNIX_SECONDS_MAX).contains(&seconds)).then_some(seconds * 1000 + ms)
}

/// Takes up to `digits` digits, and one of the marks behind them if there are any to be.
fn number(rest: &mut &str, digits: usize, marks: &[char]) -> Option<i64> {
    let end = rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
    let (number, tail) = rest.split_at(end);
    *rest = if marks.is_empty() { tail } else { tail.strip_prefix(marks)? };
    number.parse().ok()
}

fn fraction_ms(rest: &mut &str) -> Option<i64> {
    let Some(tail) = rest.strip_prefix(['.', ',']) else { return Some(0) };
    let end = tail.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, tail) = tail.split_at(end);
    *rest = tail;
    format!("{digits:0<3}").get(..3)?.parse().ok()
}

/// `Z`, `+08:00`, `-0530`, `+8`. A form turns an unguarded plus into a blank.
pub(super) fn offset(text: &str) -> Option<i64> {
    let is_blank = text.starts_with(' ');
    let text = text.trim();
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, clock) = match text.strip_prefix('-') {
        Some(clock) => (-1, clock),
        None => (1, text.strip_prefix('+').or_else(|| is_blank.then_some(text))?),
    };
    let (hours, minutes) = match clock.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if clock.len() == 4 => (clock.get(..2)?, clock.get(2..)?),
        None => (clock, "0"),
    };
    let part = |text: &str, max| {
        let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| is_plain && *n <= max)
    };
    Some(sign * (part(hours, 14)? * 3600 + part(minutes, 59)? * 60))
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, Gregorian. March is month 0, so that the leap day ends the year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month < 3);
    let month_days = (153 * ((month + 9) % 12) + 2) / 5;
    365 * year + year / 4 - year / 100 + year / 400 + month_days + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_all_their_spellings() {
        let east = Some(8 * 3600);
        let moment = 1_795_397_400_000;
        let rows = [
            ("2026-11-23T09:30:00+08:00", None, Some(moment)),
            ("2026-11-23T09:30:00.125+08:00", None, Some(moment + 125)),
            ("2026-11-23T01:30:00Z", east, Some(moment)),
            ("2026-11-23T01:30:00.606935Z", None, Some(moment + 606)),
            ("2026-11-22T20:00:00-0530", None, Some(moment)),
            ("2026-11-23 09:30:00", east, Some(moment)),
            ("2026/11/23 09:30:00.5", east, Some(moment + 500)),
            ("2026-11-23 01:30:00.606935+00:00", None, Some(moment + 606)),
            ("2026-11-23T09:30:00 08:00", None, Some(moment)),
            ("2026-11-23 09:30:00", None, None),
            ("2024-02-29 00:00:00", Some(0), Some(1_709_164_800_000)),
            ("2026-02-29 00:00:00", Some(0), None),
            ("1970-01-01T00:00:00Z", None, Some(0)),
            ("1969-12-31T23:59:59Z", None, None),
            ("2026-13-01 00:00:00", Some(0), None),
            ("2026-11-23T24:00:00Z", None, None),
            ("2026-11-23T09:30:00+99:00", None, None),
            ("2026-11-23T09:30:00+-8", None, None),
            ("2026-11-23T09:30:00 noon", None, None),
            ("2026-11-23", east, None),
            ("", east, None),
            ("２０２６-11-23 09:30:00", east, None),
        ];
        for (text, offset_s, ms) in rows {
            assert_eq!(read(text, offset_s), ms, "{text}");
        }
    }
}
