//! How a person writes hours of the week, the same in forms and in the site file. Knows no pass.

use super::pass::WeekSpan;

/// `1-5 08:00-18:00; 67 00:00-24:00`: days from 1 (Monday) to 7, then times. Empty: always.
pub fn hours(text: &str) -> Option<Vec<WeekSpan>> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(span).collect()
}

fn span(text: &str) -> Option<WeekSpan> {
    let (days, times) = text.split_once(' ')?;
    let (from, to) = times.trim().split_once('-')?;
    let span = WeekSpan { days: week(days)?, from_minute: minute(from)?, to_minute: minute(to)? };
    span.is_sound().then_some(span)
}

fn week(text: &str) -> Option<u8> {
    let digit = |c: char| c.to_digit(10).filter(|d| (1..=7).contains(d)).map(|d| d - 1);
    if let Some((first, last)) = text.split_once('-') {
        let one = |text: &str| digit(text.chars().next().filter(|_| text.len() == 1)?);
        let (first, last) = (one(first)?, one(last)?);
        return (first <= last).then(|| (first..=last).fold(0, |days, day| days | 1 << day));
    }
    text.chars().try_fold(0, |days, c| Some(days | 1 << digit(c)?))
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 24 && minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
}

/// As [`hours`] reads them.
pub fn written(hours: &[WeekSpan]) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let one = |span: &WeekSpan| {
        let on = (0..7).filter(|day| span.days >> day & 1 == 1).map(|day| (day + 1).to_string());
        format!("{} {}-{}", on.collect::<String>(), time(span.from_minute), time(span.to_minute))
    };
    hours.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_as_people_write_them() {
        for (text, again) in [
            ("", Some("")),
            ("1-5 08:00-18:00", Some("12345 08:00-18:00")),
            ("67 0:00-24:00 ;1 20:00-06:00", Some("67 00:00-24:00; 1 20:00-06:00")),
            ("8 08:00-18:00", None),
            ("5-1 08:00-18:00", None),
            ("1-5", None),
            ("1-5 8-18", None),
            ("1 24:01-25:00", None),
            ("1 24:00-06:00", None),
        ] {
            assert_eq!(hours(text).map(|hours| written(&hours)).as_deref(), again, "{text}");
        }
    }
}
