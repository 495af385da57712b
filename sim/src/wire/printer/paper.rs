//! What is on the paper: the lines as text, and a bitmap of the codes for a reader that sees. Draws
//! text as grey bars, since nobody reads the bitmap's text.

/// Dots in a row.
pub(super) const WIDTH: usize = 384;
/// Rows a receipt may have; a printer that feeds for ever has a hole in it.
const ROWS_MAX: usize = 20_000;
const LINE_ROWS: usize = 24;
const WHITE: u8 = 255;
const GREY: u8 = 170;

/// A strip of paper.
#[derive(Clone, Debug, Default)]
pub(super) struct Paper {
    lines: Vec<String>,
    /// Dots of all rows, 0 is black.
    rows: Vec<u8>,
    cuts: usize,
}

impl Paper {
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    pub(super) fn cuts(&self) -> usize {
        self.cuts
    }

    pub(super) fn cut(&mut self) {
        self.cuts += 1;
    }

    pub(super) fn line(&mut self, text: &str) {
        let inked = (text.chars().count() * 12).min(WIDTH);
        for row in 0..LINE_ROWS {
            let is_bar = (6..18).contains(&row);
            self.row(|x| if is_bar && x < inked { GREY } else { WHITE });
        }
        self.lines.push(text.to_owned());
    }

    pub(super) fn feed(&mut self, lines: usize) {
        for _ in 0..lines * LINE_ROWS {
            self.row(|_| WHITE);
        }
    }

    /// A square of modules in the middle, `scale` dots each.
    pub(super) fn square(
        &mut self,
        side: usize,
        scale: usize,
        is_dark: impl Fn(usize, usize) -> bool,
    ) {
        let left = WIDTH.saturating_sub(side * scale) / 2;
        self.feed(2);
        for y in 0..side * scale {
            self.row(|x| {
                let module = x.checked_sub(left).map(|x| x / scale).filter(|x| *x < side);
                if module.is_some_and(|x| is_dark(x, y / scale)) { 0 } else { WHITE }
            });
        }
        self.feed(2);
    }

    /// Rows of bits, 1 is black, in the middle.
    pub(super) fn bits(&mut self, row_bytes: usize, bits: &[u8]) {
        let left = WIDTH.saturating_sub(row_bytes * 8) / 2;
        for row in bits.chunks(row_bytes.max(1)) {
            self.row(|x| {
                let dot = x.checked_sub(left);
                let is_dark = |dot: usize| {
                    row.get(dot / 8).is_some_and(|byte| byte >> (7 - dot % 8) & 1 == 1)
                };
                if dot.is_some_and(is_dark) { 0 } else { WHITE }
            });
        }
    }

    fn row(&mut self, dot: impl Fn(usize) -> u8) {
        if self.rows.len() < ROWS_MAX * WIDTH {
            self.rows.extend((0..WIDTH).map(dot));
        }
    }

    /// The bitmap as a PGM file.
    pub(super) fn picture(&self) -> Vec<u8> {
        let head = format!("P5\n{WIDTH} {}\n255\n", self.rows.len() / WIDTH);
        [head.as_bytes(), &self.rows].concat()
    }
}
