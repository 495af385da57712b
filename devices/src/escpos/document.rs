//! What a receipt looks like, and its bytes. Knows no answer of a printer.

use qrcode::{EcLevel, QrCode};
use thiserror::Error;

use super::EscposSettings;
use crate::text::gb18030;

const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;
/// Function 180 and on of `GS ( k`: QR codes.
const QR: u8 = 0x31;
/// Level M. The letter's number is from a library, tried on no printer.
const ECC_M: u8 = 0x31;
/// Bytes of a line of text before it is broken anyway.
const TEXT_MAX: usize = 4096;
/// Beyond this a QR code's modules get too small for a phone.
const QR_MAX: usize = 512;
const QUIET_MODULES: usize = 4;

/// Height and width of characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// One by one.
    #[default]
    Normal,
    /// Twice as high.
    Tall,
    /// Twice as wide.
    Wide,
    /// Both.
    Double,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// From the left edge.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// To the right edge.
    Right,
}

/// One piece of a document, from the top down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A line of text; what is too long for it goes on in the next.
    Text {
        /// Control characters become spaces.
        text: String,
        /// Of the characters.
        size: Size,
        /// Of the line.
        align: Align,
        /// Twice printed.
        bold: bool,
    },
    /// A QR code in the middle.
    Qr {
        /// What it says, at most 512 bytes.
        text: String,
        /// Dots of a module, 1..=16.
        module_dots: u8,
    },
    /// Empty lines.
    Feed(u8),
    /// Feed to the knife, and cut.
    Cut,
}

/// A receipt, a ticket, a voucher.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// From the top down.
    pub blocks: Vec<Block>,
}

impl Document {
    /// A plain line from the left.
    pub fn line(&mut self, text: impl Into<String>) -> &mut Self {
        self.text(text, Size::Normal, Align::Left, false)
    }

    /// A line of any look.
    pub fn text(
        &mut self,
        text: impl Into<String>,
        size: Size,
        align: Align,
        bold: bool,
    ) -> &mut Self {
        self.blocks.push(Block::Text { text: text.into(), size, align, bold });
        self
    }

    /// Any other piece.
    pub fn push(&mut self, block: Block) -> &mut Self {
        self.blocks.push(block);
        self
    }
}

/// A document that cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// Nobody could read it.
    #[error("a QR code of {0} bytes does not fit the paper; 1 to {QR_MAX} do")]
    QrLength(usize),
    /// The modules are too many or too large for the paper.
    #[error(
        "a QR code of {modules} modules of {module_dots} dots is wider than {dots} dots; make its modules smaller"
    )]
    QrWidth {
        /// In a row, quiet zone included.
        modules: usize,
        /// Asked for.
        module_dots: u8,
        /// Of the paper.
        dots: u16,
    },
}

pub(super) fn encode(
    settings: &EscposSettings,
    document: &Document,
) -> Result<Vec<u8>, DocumentError> {
    let mut out = vec![ESC, b'@', FS, b'&'];
    for block in &document.blocks {
        match block {
            Block::Text { text, size, align, bold } => {
                line(&mut out, text, *size, *align, *bold);
            }
            Block::Qr { text, module_dots } => qr(&mut out, settings, text, *module_dots)?,
            Block::Feed(lines) => out.extend([ESC, b'd', *lines]),
            Block::Cut => out.extend([GS, b'V', 66, 0]),
        }
    }
    Ok(out)
}

fn line(out: &mut Vec<u8>, text: &str, size: Size, align: Align, bold: bool) {
    let scale = match size {
        Size::Normal => 0x00,
        Size::Tall => 0x01,
        Size::Wide => 0x10,
        Size::Double => 0x11,
    };
    out.extend([ESC, b'a', place(align), GS, b'!', scale, ESC, b'E', u8::from(bold)]);
    out.extend(gb18030(text, TEXT_MAX));
    out.push(b'\n');
}

fn place(align: Align) -> u8 {
    match align {
        Align::Left => 0,
        Align::Center => 1,
        Align::Right => 2,
    }
}

fn qr(
    out: &mut Vec<u8>,
    settings: &EscposSettings,
    text: &str,
    module_dots: u8,
) -> Result<(), DocumentError> {
    let len = text.len();
    let wrong_length = DocumentError::QrLength(len);
    if !(1..=QR_MAX).contains(&len) {
        return Err(wrong_length);
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| wrong_length)?;
    let (module_dots, dots) = (module_dots.clamp(1, 16), settings.dots);
    let modules = code.width() + 2 * QUIET_MODULES;
    if modules * usize::from(module_dots) > usize::from(dots) {
        return Err(DocumentError::QrWidth { modules, module_dots, dots });
    }
    out.extend([ESC, b'a', place(Align::Center)]);
    if settings.native_qr {
        native(out, text, module_dots);
    } else {
        raster(out, &code, module_dots);
    }
    out.push(b'\n');
    Ok(())
}

/// Model 2, module size, error correction, data, print.
fn native(out: &mut Vec<u8>, text: &str, module_dots: u8) {
    let mut function = |number: u8, data: &[u8]| {
        let [low, high] = ((data.len() + 2) as u16).to_le_bytes();
        out.extend([GS, b'(', b'k', low, high, QR, number]);
        out.extend(data);
    };
    function(b'A', &[0x32, 0]);
    function(b'C', &[module_dots]);
    function(b'E', &[ECC_M]);
    function(b'P', &[&[0x30], text.as_bytes()].concat());
    function(b'Q', &[0x30]);
}

/// `GS v 0`: bits of each row from the left, 1 is black.
fn raster(out: &mut Vec<u8>, code: &QrCode, module_dots: u8) {
    let (width, scale) = (code.width(), usize::from(module_dots));
    let colors = code.to_colors();
    let side = (width + 2 * QUIET_MODULES) * scale;
    let is_dark = |x: usize, y: usize| {
        let module = |dot: usize| (dot / scale).checked_sub(QUIET_MODULES).filter(|m| *m < width);
        let at = module(x).zip(module(y)).map(|(x, y)| y * width + x);
        at.is_some_and(|at| colors[at] == qrcode::Color::Dark)
    };
    let row_bytes = side.div_ceil(8);
    let ([xl, xh], [yl, yh]) = ((row_bytes as u16).to_le_bytes(), (side as u16).to_le_bytes());
    out.extend([GS, b'v', b'0', 0, xl, xh, yl, yh]);
    for y in 0..side {
        for byte in 0..row_bytes {
            let bit = |i: usize| u8::from(is_dark(byte * 8 + i, y)) << (7 - i);
            out.push((0..8).map(bit).sum());
        }
    }
}
