//! Base 45: bytes in the letters that a QR code holds at 5.5 bits each (RFC 9285). Knows no ticket.

const LETTERS: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Three letters for two bytes, two for a last one alone.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    for pair in bytes.chunks(2) {
        let mut number = pair.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        for _ in 0..=pair.len() {
            text.push(char::from(LETTERS[number % 45]));
            number /= 45;
        }
    }
    text
}

/// `None`: another letter, another length, or more than the bytes can hold.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let value = |letter: &u8| LETTERS.iter().position(|known| known == letter);
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in text.as_bytes().chunks(3) {
        let digits: Option<Vec<usize>> = group.iter().map(value).collect();
        match *digits? {
            [a, b, c] => {
                let pair = u16::try_from(a + 45 * b + 2025 * c).ok()?;
                bytes.extend(pair.to_be_bytes());
            }
            [a, b] => bytes.push(u8::try_from(a + 45 * b).ok()?),
            _ => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_examples() {
        for (bytes, text) in [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode("QED8WEX0").unwrap(), b"ietf!");
        for bad in ["A", "GGW", ":::", "::", "ab8", "BB8é", "BB8\n"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        /// No two texts are the same bytes, so a code cannot be written in two ways.
        #[test]
        fn a_text_that_is_taken_is_the_one_that_is_written(text in "[0-9A-Z $%*+./:-]{0,40}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
