//! Charts of a season as SVG files that any browser shows: lines and bars over days. Reads no file.

use std::fmt::Write as _;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 48.0;

/// A named row of values, one for each label of the chart; `None`: nothing is known.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    pub name: &'a str,
    pub colour: &'a str,
    pub values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Lines,
    Bars,
}

/// One chart. `labels` stand below, as many of them as there is room for.
pub fn chart(title: &str, labels: &[String], rows: &[Row<'_>], form: Form) -> String {
    let known = rows.iter().flat_map(|row| row.values.iter().flatten());
    let most = round_up(known.fold(0.0, |most: f64, value| most.max(*value)));
    let (right, base) = (WIDTH - 16.0, HEIGHT - BOTTOM);
    let step = (right - LEFT) / labels.len().max(1) as f64;
    let x = |nth: usize| LEFT + (nth as f64 + 0.5) * step;
    let y = |value: f64| base - value / most * (base - TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n<title>{0}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\" font-weight=\"bold\">{0}</text>\n",
        escaped(title)
    );
    for line in 0..=4 {
        let value = most * f64::from(line) / 4.0;
        let _ = writeln!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{1}\" y=\"{2:.1}\" \
             text-anchor=\"end\" fill=\"#555\">{value:.0}</text>",
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
        );
    }
    let every = (labels.len() / 12).max(1);
    for (nth, label) in labels.iter().enumerate().step_by(every) {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{}</text>",
            x(nth),
            base + 18.0,
            escaped(label),
        );
    }
    for (nth, row) in rows.iter().enumerate() {
        match form {
            Form::Lines => line(&mut svg, row, x, y),
            Form::Bars => bars(&mut svg, row, step, base, x, y),
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\">■ {}</text>",
            LEFT + 160.0 * nth as f64,
            HEIGHT - 8.0,
            row.colour,
            escaped(row.name),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, row: &Row<'_>, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
    let mut path = String::new();
    let mut pen = 'M';
    for (nth, value) in row.values.iter().enumerate() {
        match value {
            Some(value) => {
                let _ = write!(path, "{pen}{:.1} {:.1}", x(nth), y(*value));
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>",
        row.colour
    );
}

fn bars(
    svg: &mut String,
    row: &Row<'_>,
    step: f64,
    base: f64,
    x: impl Fn(usize) -> f64,
    y: impl Fn(f64) -> f64,
) {
    for (nth, value) in row.values.iter().enumerate() {
        let Some(value) = value else { continue };
        let (wide, top) = ((step * 0.8).max(0.8), y(*value));
        let _ = writeln!(
            svg,
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            x(nth) - wide / 2.0,
            base - top,
            row.colour,
        );
    }
}

/// The next of 1, 2, 4, 5, 8 or 10 times a power of ten.
fn round_up(most: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 < most {
        power *= 10.0;
    }
    let steps = [1.0, 2.0, 4.0, 5.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|top| *top >= most).unwrap_or(most.max(1.0))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_hold_what_they_are_given() {
        let labels: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let values = vec![Some(10.0), None, Some(80.0)];
        let row = Row { name: "x <y>", colour: "#06c", values };
        let svg = chart("T", &labels, std::slice::from_ref(&row), Form::Lines);
        // The highest reaches the top line, which is labelled 80; what is unknown breaks the line.
        assert!(svg.contains(">80<") && svg.contains("x &lt;y>"), "{svg}");
        assert!(svg.contains("M210.7 242.5M797.3 36.0"), "{svg}");
        let svg = chart("T", &labels, &[row], Form::Bars);
        assert_eq!(svg.matches("fill=\"#06c\"").count(), 3, "two bars and a name: {svg}");
        assert!(chart("", &[], &[], Form::Bars).ends_with("</svg>\n"));
    }
}
