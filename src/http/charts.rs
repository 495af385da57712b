//! Pictures drawn on the server as SVG: the day's takings by hour, an arm with its loops, QR codes. Knows no state.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode, render::svg};

use crate::types::{Currency, Money};

const WIDTH: usize = 480;
const HEIGHT: usize = 120;

/// One of a row of standing bars.
#[derive(Debug)]
pub(super) struct Column {
    /// Of the hour or day, for who points at it.
    pub(super) name: String,
    /// What stands below it; empty: nothing.
    pub(super) mark: String,
    pub(super) value: i64,
}

/// Bars by hour.
pub(super) fn by_hour(values: &[i64], now_hour: usize, currency: Currency, title: &str) -> String {
    let column = |(hour, value): (usize, &i64)| Column {
        name: format!("{hour:02}:00"),
        mark: if hour % 6 == 0 { format!("{hour:02}") } else { String::new() },
        value: *value,
    };
    let all: Vec<_> = values.iter().enumerate().map(column).collect();
    columns(&all, now_hour, |minor| Money::new(minor, currency).to_string(), title)
}

/// Standing bars; `now` is the place of the one that is not over. Coloured by the style sheet: `.bar`, `.bar.now`, `.axis`.
pub(super) fn columns(
    all: &[Column],
    now: usize,
    text: impl Fn(i64) -> String,
    title: &str,
) -> String {
    let most = all.iter().map(|column| column.value).max().unwrap_or(0).max(1);
    let step = WIDTH / all.len().max(1);
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {}" role="img" aria-label="{}">"#,
        HEIGHT + 24,
        escaped(title),
    );
    for (at, Column { name, mark, value }) in all.iter().enumerate() {
        let tall =
            (i128::from((*value).max(0)) * (HEIGHT as i128 - 16) / i128::from(most)) as usize;
        let tall = if *value > 0 { tall.max(2) } else { 0 };
        let (x, y) = (at * step, HEIGHT - tall);
        let now = if at == now { " now" } else { "" };
        let _ = write!(
            svg,
            r#"<g><title>{name} {}</title><rect class="slot{now}" x="{x}" y="0" width="{step}" height="{HEIGHT}"/><rect class="bar{now}" x="{}" y="{y}" width="{}" height="{tall}" rx="2"/></g>"#,
            escaped(&text(*value)),
            x + 2,
            step.saturating_sub(4),
        );
        if !mark.is_empty() {
            let (x, y) = (x + 2, HEIGHT + 20);
            let _ = write!(svg, r#"<text class="axis" x="{x}" y="{y}">{mark}</text>"#);
        }
    }
    let _ = write!(svg, r#"<path class="base" d="M0 {HEIGHT}H{WIDTH}"/>"#);
    if all.iter().any(|column| column.value > 0) {
        let most = escaped(&text(most));
        let _ = write!(svg, r#"<text class="axis most" x="{WIDTH}" y="15">{most}</text>"#);
    }
    svg.push_str("</svg>");
    svg
}

/// A line over the day, one value a quarter of an hour, of `all` quarters. Coloured by `.area` and `.edge`.
pub(super) fn levels(values: &[i64], all: usize, title: &str) -> String {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {}" role="img" aria-label="{}"><title>{}</title>"#,
        HEIGHT + 24,
        escaped(title),
        escaped(title),
    );
    let all = all.max(values.len()).max(1);
    let mut line = String::new();
    for (quarter, value) in values.iter().enumerate() {
        let tall =
            (i128::from((*value).max(0)) * (HEIGHT as i128 - 16) / i128::from(most)) as usize;
        let (x, next) = (quarter * WIDTH / all, (quarter + 1) * WIDTH / all);
        let y = HEIGHT - tall;
        let _ = write!(line, "{}{x} {y}H{next}", if quarter == 0 { "M" } else { "L" });
    }
    let end = values.len() * WIDTH / all;
    if !values.is_empty() {
        let _ = write!(
            svg,
            r#"<path class="area" d="{line}L{end} {HEIGHT}H0Z"/><path class="edge" d="{line}"/>"#
        );
    }
    for hour in (0..all / 4).step_by(6) {
        let x = hour * 4 * WIDTH / all + 2;
        let _ = write!(svg, r#"<text class="axis" x="{x}" y="{}">{hour:02}</text>"#, HEIGHT + 20);
    }
    let _ = write!(svg, r#"<path class="base" d="M0 {HEIGHT}H{WIDTH}"/>"#);
    let _ = write!(svg, r#"<text class="axis most" x="{WIDTH}" y="15">{most}</text></svg>"#);
    svg
}

/// Lying bars with a name and a value each; empty where there is none. Coloured by `.bar` and `.axis`.
pub(super) fn bars(rows: &[(String, i64)], value: impl Fn(i64) -> String, title: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let most = rows.iter().map(|(_, minor)| *minor).max().unwrap_or(0).max(1);
    let height = rows.len() * 24;
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 480 {height}" role="img" aria-label="{}">"#,
        escaped(title),
    );
    for (at, (name, minor)) in rows.iter().enumerate() {
        let (top, wide) = (at * 24, i128::from((*minor).max(0)) * 220 / i128::from(most));
        let _ = write!(
            svg,
            r#"<text class="axis" x="0" y="{}">{}</text><rect class="bar" x="160" y="{}" width="{wide}" height="16" rx="2"/><text class="axis" x="{}" y="{}">{}</text>"#,
            top + 16,
            escaped(name),
            top + 4,
            168 + wide,
            top + 16,
            escaped(&value(*minor)),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A QR code at error level M, without a prolog, to stand inside a page.
pub(super) fn qr(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let svg = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    svg.find("<svg").map(|start| svg[start..].to_owned())
}

/// The dark modules of a QR code at level M as an SVG path, four light ones around; its side, too.
pub(super) fn qr_path(text: &str) -> Option<(String, usize)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + 4, y + 4);
            }
            x += run.max(1);
        }
    }
    Some((path, width + 8))
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_keep_their_proportion_and_survive_nothing() {
        let svg = by_hour(&[0, 100, 200], 1, Currency::Cny, "a <b>");
        assert!(svg.contains(r#"y="68" width="156" height="52""#), "{svg}");
        assert!(svg.contains(r#"y="16" width="156" height="104""#), "{svg}");
        assert!(svg.contains("a &lt;b>") && svg.contains("¥2.00"));
        assert!(by_hour(&[], 0, Currency::Cny, "").ends_with("</svg>"));
        assert!(!by_hour(&[i64::MAX, 1], 0, Currency::Cny, "").contains("\"-"));
    }

    #[test]
    fn a_level_stays_within_the_chart() {
        let svg = levels(&[0, 5, 10], 96, "a");
        assert!(svg.contains(r#"d="M0 120H5L5 68H10L10 16H15""#), "{svg}");
        assert!(levels(&[], 0, "").ends_with("</svg>"));
    }

    #[test]
    fn a_code_is_bare_svg() {
        let svg = qr("https://park.example/p/12-AbCdEfGhIjKlMnOp").unwrap();
        assert!(svg.starts_with("<svg") && svg.len() < 20_000, "{}", svg.len());
    }

    #[test]
    fn lying_bars_keep_their_proportion_and_names_are_text() {
        let rows = [("a<b".to_owned(), 100), ("c".to_owned(), 50)];
        let svg = bars(&rows, |minor| minor.to_string(), "t");
        assert!(svg.contains(r#"width="220""#) && svg.contains(r#"width="110""#), "{svg}");
        assert!(svg.contains("a&lt;b"), "{svg}");
        assert!(bars(&[], |minor| minor.to_string(), "t").is_empty());
    }
}
