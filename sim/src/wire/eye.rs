//! What a phone's camera makes of a code: on a page as an SVG, and on paper as a picture. Knows no ticket.

use rqrr::PreparedImage;

/// Dots of a module, so that a reader has something to see.
const DOTS: usize = 4;

/// The codes on a picture in the form that printers give (PGM), from the top.
pub fn codes_on_paper(picture: &[u8]) -> Vec<String> {
    let Some((width, height, dots)) = dots(picture) else { return Vec::new() };
    let at = |x: usize, y: usize| dots.get(y * width + x).copied().unwrap_or(u8::MAX);
    seen(width, height, at)
}

/// The first code that a page draws as rectangles of an SVG path.
pub fn code_on_page(html: &str) -> Option<String> {
    let path = html.split("<path").skip(1).find_map(|path| path.split("d=\"").nth(1))?;
    let dark = rectangles(path.split('"').next()?)?;
    let side = dark.iter().map(|(x, y, w, h)| (x + w).max(y + h)).max()?;
    // The largest step that fits all is the module.
    let module = dark.iter().flat_map(|(x, y, w, h)| [*x, *y, *w, *h]).fold(0, gcd).max(1);
    let side = side / module + 4;
    let mut light = vec![true; side * side];
    for (x, y, w, h) in &dark {
        for row in y / module..(y + h) / module {
            let row = row * side;
            light[row + x / module..row + (x + w) / module].fill(false);
        }
    }
    let at = |x: usize, y: usize| if light[y / DOTS * side + x / DOTS] { u8::MAX } else { 0 };
    seen(side * DOTS, side * DOTS, at).into_iter().next()
}

fn seen(width: usize, height: usize, at: impl Fn(usize, usize) -> u8) -> Vec<String> {
    let mut photo = PreparedImage::prepare_from_greyscale(width, height, at);
    photo.detect_grids().iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect()
}

/// Width, height and what follows `P5 width height 255`.
fn dots(picture: &[u8]) -> Option<(usize, usize, &[u8])> {
    let head = picture.get(..64.min(picture.len()))?;
    let mut words = head.split(u8::is_ascii_whitespace).take(4);
    let mut number = || std::str::from_utf8(words.next()?).ok()?.parse::<usize>().ok();
    number();
    let (width, height) = (number()?, number()?);
    let rest = picture.len().checked_sub(width * height)?;
    Some((width, height, &picture[rest..]))
}

/// Of a path `M0 0h7v1H0V0`: left, top, width, height of each part.
fn rectangles(path: &str) -> Option<Vec<(usize, usize, usize, usize)>> {
    let mut all = Vec::new();
    for part in path.split('M').skip(1) {
        let (x, rest) = part.split_once([' ', ','])?;
        let (y, rest) = rest.split_once('h')?;
        let (width, rest) = rest.split_once('v')?;
        let height = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        let number = |text: &str| text.trim().parse::<usize>().ok();
        all.push((number(x)?, number(y)?, number(width)?, number(height)?));
    }
    Some(all)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use qrcode::{EcLevel, QrCode, render::svg};

    use super::*;

    const TEXT: &str = "https://park.example/p/17-ABCDEFGHJKLMNPQR";

    #[test]
    fn a_code_drawn_on_a_page_is_read() {
        let code = QrCode::with_error_correction_level(TEXT, EcLevel::M).unwrap();
        let drawn = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
        let page = format!("<main><p>pay</p><div class=\"qr\">{drawn}</div></main>");
        assert_eq!(code_on_page(&page).as_deref(), Some(TEXT));
        assert_eq!(code_on_page("<main>no code</main>"), None);
    }

    #[test]
    fn a_code_on_paper_is_read() {
        let code = QrCode::with_error_correction_level(TEXT, EcLevel::M).unwrap();
        let (side, colors) = (code.width() + 8, code.to_colors());
        let dark = |x: usize, y: usize| {
            let inside = |n: usize| n.checked_sub(4).filter(|n| *n < code.width());
            inside(x)
                .zip(inside(y))
                .is_some_and(|(x, y)| colors[y * code.width() + x] == qrcode::Color::Dark)
        };
        let mut picture = format!("P5\n{0} {0}\n255\n", side * 4).into_bytes();
        let points = (0..side * 4).flat_map(|y| (0..side * 4).map(move |x| (x / 4, y / 4)));
        picture.extend(points.map(|(x, y)| if dark(x, y) { 0 } else { u8::MAX }));
        assert_eq!(codes_on_paper(&picture), [TEXT]);
        assert!(codes_on_paper(b"P5").is_empty() && codes_on_paper(b"").is_empty());
    }
}
