//! What a receipt printer is told, command by command, from the makers' command tables. Shares
//! nothing with the daemon's writer; prints nothing itself.

const DLE: u8 = 0x10;
const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;

/// One step of printing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bytes of text, its line not ended yet.
    Text(Vec<u8>),
    LineEnd,
    Feed(u8),
    Cut,
    Chinese,
    Reset,
    QrSize(u8),
    QrData(Vec<u8>),
    QrPrint,
    /// Bytes of a row, bits.
    Raster(usize, Vec<u8>),
    /// `DLE EOT n`.
    Status(u8),
    /// `GS r n`.
    InOrder(u8),
    /// Understood, changes nothing we look at.
    Style,
    /// A command of no table.
    Unknown(Vec<u8>),
}

/// The first step and how many bytes it took. `None`: more bytes are needed.
pub(super) fn step(bytes: &[u8]) -> Option<(Step, usize)> {
    let at = |place: usize| bytes.get(place).copied();
    Some(match (at(0)?, at(1)) {
        (DLE | ESC | FS | GS, None) => return None,
        (DLE, Some(4)) => (Step::Status(at(2)?), 3),
        (ESC, Some(b'@')) => (Step::Reset, 2),
        (ESC, Some(b'a' | b'E')) | (GS, Some(b'!')) => at(2).map(|_| (Step::Style, 3))?,
        (ESC, Some(b'd')) => (Step::Feed(at(2)?), 3),
        (FS, Some(b'&')) => (Step::Chinese, 2),
        (GS, Some(b'V')) => match at(2)? {
            65 | 66 => at(3).map(|_| (Step::Cut, 4))?,
            _ => (Step::Cut, 3),
        },
        (GS, Some(b'r')) => (Step::InOrder(at(2)?), 3),
        (GS, Some(b'(')) => {
            let len = 5 + usize::from(u16::from_le_bytes([at(3)?, at(4)?]));
            let body = bytes.get(5..len)?;
            (two_dimensional(at(2)?, body), len)
        }
        (GS, Some(b'v')) => {
            let row = usize::from(u16::from_le_bytes([at(4)?, at(5)?]));
            let rows = usize::from(u16::from_le_bytes([at(6)?, at(7)?]));
            let len = 8 + row * rows;
            (Step::Raster(row, bytes.get(8..len)?.to_vec()), len)
        }
        (DLE | ESC | FS | GS, Some(other)) => (Step::Unknown(vec![bytes[0], other]), 2),
        (b'\n', _) => (Step::LineEnd, 1),
        _ => {
            let ends = |byte: &u8| matches!(*byte, DLE | ESC | FS | GS | b'\n');
            let len = bytes.iter().position(ends).unwrap_or(bytes.len());
            (Step::Text(bytes[..len].to_vec()), len)
        }
    })
}

fn two_dimensional(kind: u8, body: &[u8]) -> Step {
    match (kind, body) {
        (b'k', [0x31, b'A', 0x32, 0] | [0x31, b'E', 0x30..=0x33]) => Step::Style,
        (b'k', [0x31, b'C', size @ 1..=16]) => Step::QrSize(*size),
        (b'k', [0x31, b'P', 0x30, data @ ..]) => Step::QrData(data.to_vec()),
        (b'k', [0x31, b'Q', 0x30]) => Step::QrPrint,
        _ => Step::Unknown([&[kind], body].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(mut bytes: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some((one, len)) = step(bytes) {
            steps.push(one);
            bytes = &bytes[len..];
        }
        assert!(bytes.is_empty(), "{bytes:02X?} is left");
        steps
    }

    #[test]
    fn commands_of_the_tables() {
        let stream = [
            &[ESC, b'@', FS, b'&', ESC, b'a', 1][..],
            b"ab\n",
            &[GS, b'(', b'k', 4, 0, 0x31, b'P', 0x30, b'x', DLE, 4, 1, GS, b'V', 66, 0],
            &[GS, b'v', b'0', 0, 1, 0, 2, 0, 0x1B, 0x10, ESC, b'?', GS, b'r', 1],
        ]
        .concat();
        let wanted = vec![
            Step::Reset,
            Step::Chinese,
            Step::Style,
            Step::Text(b"ab".to_vec()),
            Step::LineEnd,
            Step::QrData(b"x".to_vec()),
            Step::Status(1),
            Step::Cut,
            Step::Raster(1, vec![0x1B, 0x10]),
            Step::Unknown(vec![ESC, b'?']),
            Step::InOrder(1),
        ];
        assert_eq!(steps(&stream), wanted);
        let two = [&stream[..9], b"\n"].concat();
        assert_eq!(steps(&two).len(), 5, "text may come in pieces");
    }
}
