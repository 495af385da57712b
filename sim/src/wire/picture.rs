//! What a simulated camera photographs: a car on a lane with its plate, drawn in plain shapes, as a
//! JPEG of a few kilobytes. Reads no plate rules.

use jpeg_encoder::{ColorType, Encoder};

type Color = [u8; 3];

const SCENE: (u16, u16) = (320, 180);
const PLATE: (u16, u16) = (120, 40);
const QUALITY: u8 = 70;

const SKY: Color = [176, 198, 214];
const GROUND: Color = [96, 98, 100];
const MARKING: Color = [214, 212, 200];
const GLASS: Color = [44, 54, 66];
const LAMP: Color = [250, 244, 208];
const DARK: Color = [28, 28, 30];
const BLUE: Color = [18, 66, 170];
const GREEN: Color = [116, 196, 120];
const WHITE: Color = [244, 244, 244];
const PAINTS: [Color; 6] =
    [[170, 34, 36], [230, 232, 234], [58, 62, 70], [28, 74, 122], [150, 156, 160], [86, 66, 48]];

/// The whole scene, 320 x 180: lane, car, plate. The same plate gives the same picture; an empty
/// text, a car without one.
pub fn scene(plate: &str) -> Vec<u8> {
    let mut canvas = Canvas::new(SCENE, GROUND);
    let hash = plate.bytes().fold(7_usize, |hash, byte| hash * 31 % 65_521 + usize::from(byte));
    let paint = PAINTS[hash % PAINTS.len()];
    canvas.fill(0, 0, 320, 54, SKY);
    for (x, shift) in [(30, -1), (286, 1)] {
        for y in 54..180 {
            canvas.fill(x + shift * (y - 54) / 4, y, 5, 1, MARKING);
        }
    }
    canvas.fill(84, 160, 152, 8, [70, 70, 72]);
    for x in [88, 202] {
        canvas.fill(x, 142, 30, 24, DARK);
    }
    for y in 30..72 {
        let narrow = (72 - y) / 2;
        canvas.fill(88 + narrow, y, 144 - 2 * narrow, 1, paint);
    }
    for y in 36..70 {
        let narrow = (72 - y) / 2;
        canvas.fill(98 + narrow, y, 124 - 2 * narrow, 1, GLASS);
    }
    canvas.fill(78, 72, 164, 76, paint);
    canvas.fill(78, 96, 164, 2, paint.map(|part| part / 2));
    canvas.fill(112, 102, 96, 8, DARK);
    for x in [86, 208] {
        canvas.fill(x, 102, 26, 14, LAMP);
    }
    if !plate.is_empty() {
        canvas.plate(plate, 104, 116, 2);
    }
    canvas.jpeg()
}

/// The plate alone, 120 x 40.
pub fn plate(plate: &str) -> Vec<u8> {
    let mut canvas = Canvas::new(PLATE, DARK);
    canvas.plate(plate, 4, 4, 2);
    canvas.jpeg()
}

struct Canvas {
    width: u16,
    height: u16,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new((width, height): (u16, u16), color: Color) -> Self {
        Self { width, height, pixels: color.repeat(usize::from(width) * usize::from(height)) }
    }

    /// What lies outside is left out.
    fn fill(&mut self, x: i32, y: i32, width: i32, height: i32, color: Color) {
        let (right, below) = (i32::from(self.width), i32::from(self.height));
        for y in y.clamp(0, below)..(y + height).clamp(0, below) {
            for x in x.clamp(0, right)..(x + width).clamp(0, right) {
                let at = 3 * (y * right + x) as usize;
                self.pixels[at..at + 3].copy_from_slice(&color);
            }
        }
    }

    /// 112 x 32 pixels at `scale` 2; eight characters (new energy) are on green ground.
    fn plate(&mut self, text: &str, x: i32, y: i32, scale: i32) {
        let count = text.chars().count();
        let (ground, ink) = if count > 7 { (GREEN, DARK) } else { (BLUE, WHITE) };
        let step = 6 * scale + scale / 2;
        self.fill(x, y, 56 * scale, 16 * scale, WHITE);
        self.fill(x + 1, y + 1, 56 * scale - 2, 16 * scale - 2, ground);
        let left = x + (56 * scale - step * count.min(8) as i32) / 2;
        for (i, letter) in text.chars().take(8).enumerate() {
            self.letter(letter, left + i as i32 * step, y + 4 * scale, scale, ink);
        }
    }

    /// Five by seven blocks. A province's character is a block with a stroke through it.
    fn letter(&mut self, letter: char, x: i32, y: i32, scale: i32, ink: Color) {
        let rows = glyph(letter).unwrap_or([31, 4, 31, 21, 31, 4, 31]);
        for (row, bits) in (0..).zip(rows) {
            for column in (0..5).filter(|column| bits >> (4 - column) & 1 == 1) {
                self.fill(x + column * scale, y + row * scale, scale, scale, ink);
            }
        }
    }

    fn jpeg(&self) -> Vec<u8> {
        let mut jpeg = Vec::new();
        let encoder = Encoder::new(&mut jpeg, QUALITY);
        // Writing into memory fails only for sizes a canvas cannot have.
        let done = encoder.encode(&self.pixels, self.width, self.height, ColorType::Rgb);
        debug_assert!(done.is_ok(), "{done:?}");
        jpeg
    }
}

/// Seven rows of five bits, the left one highest.
fn glyph(letter: char) -> Option<[u8; 7]> {
    Some(match letter.to_ascii_uppercase() {
        '0' => [14, 17, 19, 21, 25, 17, 14],
        '1' => [4, 12, 4, 4, 4, 4, 14],
        '2' => [14, 17, 1, 2, 4, 8, 31],
        '3' => [31, 2, 4, 2, 1, 17, 14],
        '4' => [2, 6, 10, 18, 31, 2, 2],
        '5' => [31, 16, 30, 1, 1, 17, 14],
        '6' => [6, 8, 16, 30, 17, 17, 14],
        '7' => [31, 1, 2, 4, 8, 8, 8],
        '8' => [14, 17, 17, 14, 17, 17, 14],
        '9' => [14, 17, 17, 15, 1, 2, 12],
        'A' => [14, 17, 17, 31, 17, 17, 17],
        'B' => [30, 17, 17, 30, 17, 17, 30],
        'C' => [14, 17, 16, 16, 16, 17, 14],
        'D' => [28, 18, 17, 17, 17, 18, 28],
        'E' => [31, 16, 16, 30, 16, 16, 31],
        'F' => [31, 16, 16, 30, 16, 16, 16],
        'G' => [14, 17, 16, 23, 17, 17, 15],
        'H' => [17, 17, 17, 31, 17, 17, 17],
        'I' => [14, 4, 4, 4, 4, 4, 14],
        'J' => [7, 2, 2, 2, 2, 18, 12],
        'K' => [17, 18, 20, 24, 20, 18, 17],
        'L' => [16, 16, 16, 16, 16, 16, 31],
        'M' => [17, 27, 21, 21, 17, 17, 17],
        'N' => [17, 17, 25, 21, 19, 17, 17],
        'O' => [14, 17, 17, 17, 17, 17, 14],
        'P' => [30, 17, 17, 30, 16, 16, 16],
        'Q' => [14, 17, 17, 17, 21, 18, 13],
        'R' => [30, 17, 17, 30, 20, 18, 17],
        'S' => [15, 16, 16, 14, 1, 1, 30],
        'T' => [31, 4, 4, 4, 4, 4, 4],
        'U' => [17, 17, 17, 17, 17, 17, 14],
        'V' => [17, 17, 17, 17, 17, 10, 4],
        'W' => [17, 17, 17, 21, 21, 21, 10],
        'X' => [17, 17, 10, 4, 10, 17, 17],
        'Y' => [17, 17, 17, 10, 4, 4, 4],
        'Z' => [31, 1, 2, 4, 8, 16, 31],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height in the frame header of a baseline JPEG.
    fn size(jpeg: &[u8]) -> (u16, u16) {
        let at = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).expect("a frame header");
        let word = |at: usize| u16::from_be_bytes([jpeg[at], jpeg[at + 1]]);
        (word(at + 7), word(at + 5))
    }

    #[test]
    fn pictures_are_small_and_of_their_plate() {
        let one = scene("京A12345");
        assert!(one.starts_with(&[0xFF, 0xD8, 0xFF]) && one.ends_with(&[0xFF, 0xD9]));
        assert_eq!((size(&one), size(&plate("京A12345"))), (SCENE, PLATE));
        for text in ["京A12345", "粤BD12345", "", "A", "a text much longer than a plate"] {
            let bytes = [scene(text).len(), plate(text).len()];
            assert!(bytes.iter().all(|len| (400..=15 * 1024).contains(len)), "{text}: {bytes:?}");
        }
        assert_eq!(one, scene("京A12345"), "the same plate, the same picture");
        assert_ne!(one, scene("京A12346"));
    }
}
