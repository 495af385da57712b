//! The fee over the length of stay, drawn as SVG. Knows no tariff: it is given the steps.

use std::fmt::Write as _;

use super::charts::escaped;
use crate::types::{Currency, Money};

const WIDTH: i64 = 640;
const HEIGHT: i64 = 300;
/// Room for amounts on the left, hours below, names above.
const LEFT: i64 = 64;
const BELOW: i64 = 28;
const ABOVE: i64 = 26;
/// Room for a time such as `365 d`.
const MARK: i64 = 40;

/// One tariff's steps: from each minute on, this many minor units.
#[derive(Clone, Debug)]
pub struct Line {
    pub name: String,
    pub steps: Vec<(i64, i64)>,
}

/// Steps of up to two tariffs over so many minutes, coloured by the style sheet: `.fee`, `.fee.b`, `.grid`, `.axis`.
pub fn fee_chart(lines: &[Line], minutes: i64, currency: Currency, title: &str) -> String {
    let minutes = minutes.max(1);
    let most = lines.iter().flat_map(|line| &line.steps).map(|step| step.1).max().unwrap_or(0);
    let rung = rung(most.max(1), currency);
    let top = (most.max(1) + rung - 1) / rung * rung;
    let x = |minute: i64| LEFT + minute * (WIDTH - LEFT - 8) / minutes;
    let tall = HEIGHT - ABOVE - BELOW;
    let y = |minor: i64| {
        let up = i128::from(minor.max(0)) * i128::from(tall) / i128::from(top);
        HEIGHT - BELOW - up as i64
    };
    let mut svg = format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#,
        escaped(title),
    );
    for at in (0..=top).step_by(rung as usize) {
        let (y, money) = (y(at), Money::new(at, currency));
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{LEFT} {y}H{}"/><text class="mark left" x="{}" y="{}">{money}</text>"#,
            WIDTH - 8,
            LEFT - 6,
            y + 4,
        );
    }
    for at in (0..=minutes).step_by(spacing(minutes) as usize) {
        let (x, bottom) = (x(at), HEIGHT - BELOW);
        // The last one would reach over the edge.
        let (side, text_x) = if x + MARK / 2 > WIDTH { ("left", WIDTH) } else { ("mid", x) };
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{x} {bottom}v4"/><text class="mark {side}" x="{text_x}" y="{}">{}</text>"#,
            HEIGHT - 8,
            hours(at),
        );
    }
    for (at, line) in lines.iter().take(2).enumerate() {
        let second = if at == 0 { "" } else { " b" };
        let mut path = String::new();
        for (minute, minor) in &line.steps {
            let (x, y) = (x((*minute).clamp(0, minutes)), y(*minor));
            let step = if path.is_empty() { format!("M{x} {y}") } else { format!("H{x}V{y}") };
            path.push_str(&step);
        }
        let _ = write!(
            svg,
            r#"<path class="fee{second}" d="{path}H{}"/><text class="name{second}" x="{}" y="16">{}</text>"#,
            x(minutes),
            LEFT + at as i64 * 240,
            escaped(&line.name),
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A chart to stand in a file of its own.
pub fn alone(svg: &str) -> String {
    const STYLE: &str = "<style>text{font:13px system-ui,sans-serif;fill:#55636f}.left{text-anchor:end}\
        .mid{text-anchor:middle}.grid{stroke:#d9e0e8;fill:none}.fee{stroke:#0b5cd5;stroke-width:2.5;fill:none}\
        .fee.b{stroke:#b26a00}.name{fill:#0b5cd5;font-weight:600}.name.b{fill:#b26a00}</style>";
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>{STYLE}{rest}\n"),
        None => svg,
    }
}

/// A round amount, so that about five of them reach the top.
fn rung(most: i64, currency: Currency) -> i64 {
    let mut rung = 10_i64.pow(currency.decimals()).min(most.max(1));
    for factor in [2, 5, 10].into_iter().cycle() {
        // 1, 2, 5, 10, 20, 50, ...
        if most / rung < 6 || rung > i64::MAX / 4 {
            break;
        }
        rung = match factor {
            5 => rung / 2 * 5,
            _ => rung.saturating_mul(2),
        };
    }
    rung.max(1)
}

/// Minutes between two marks below.
fn spacing(minutes: i64) -> i64 {
    let usual = [30, 60, 120, 240, 360, 720, 1_440, 2_880, 10_080, 43_200];
    usual.into_iter().find(|gap| minutes / gap <= 12).unwrap_or(minutes / 10)
}

fn hours(minutes: i64) -> String {
    if minutes > 0 && minutes % 1_440 == 0 {
        format!("{} d", minutes / 1_440)
    } else if minutes % 60 == 0 {
        format!("{} h", minutes / 60)
    } else {
        format!("{}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_a_path_that_ends_at_the_right() {
        let steps = vec![(0, 0), (16, 500), (61, 1_000)];
        let line = Line { name: "a <b>".into(), steps };
        let svg = fee_chart(&[line], 120, Currency::Cny, "fees");
        assert!(svg.contains(r#"class="fee" d="M64 272H139V149H352V26H632""#), "{svg}");
        assert!(svg.contains(r#"class="mark left" x="640" y="292">2 h<"#), "{svg}");
        assert!(svg.contains("a &lt;b>") && svg.contains("¥10.00") && svg.contains("2 h"));
        let file = alone(&svg);
        assert!(file.starts_with("<svg xmlns=") && file.contains("<style>"), "{file}");
    }

    #[test]
    fn marks_are_round_and_few_whatever_the_amounts() {
        for (most, rung_) in [(1, 1), (700, 200), (1_000, 200), (4_000, 1_000), (99_999, 20_000)] {
            assert_eq!(rung(most, Currency::Cny), rung_, "{most}");
        }
        for most in [0, 3, 999, 123_456_789, i64::MAX / 2] {
            let line = Line { name: String::new(), steps: vec![(0, 0), (5, most)] };
            let svg = fee_chart(&[line], 60, Currency::Jpy, "");
            assert!(svg.matches("mark left").count() <= 8, "{most}");
            assert!(!svg.contains("V-"), "{most}");
        }
        assert!(fee_chart(&[], 0, Currency::Cny, "").ends_with("</svg>"));
        for minutes in [1, 59, 480, 1_440, 10_080, 525_600, 5_256_000] {
            assert!((1..=13).contains(&(minutes / spacing(minutes) + 1)), "{minutes}");
        }
    }
}
