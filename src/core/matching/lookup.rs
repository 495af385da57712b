//! A plate that somebody typed from memory against plates on record: the same, a part of it, or alike to the eye.
//! Decides nothing.

use super::{Letters, Seen};

/// A part of a plate is as near as the closest look-alike.
const PART: u32 = 10;

/// What somebody looks for.
pub struct Lookup {
    text: String,
    /// `None`: too short to be compared by its looks.
    seen: Option<Seen>,
}

impl Lookup {
    /// `text` in upper case, without separators.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), seen: Letters::of(text).map(Seen::of) }
    }

    /// How far a plate is from it, in hundredths of a letter; 0: it is the same; `None`: it is another one.
    pub fn apart(&self, plate: &str) -> Option<u32> {
        if plate == self.text {
            return Some(0);
        }
        if plate.contains(&self.text) {
            return Some(PART);
        }
        let (seen, known) = (self.seen.as_ref()?, Letters::of(plate)?);
        seen.may_be_near(&known).then(|| seen.distance(&known)).flatten().map(|far| far.max(PART))
    }
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_finds_what_is_meant() {
        for (typed, plate, found) in [
            ("京A12345", "京A12345", Some(0)),
            ("京A1Z345", "京A12345", Some(20)),
            ("A1234", "京A12345", Some(10)),
            ("234", "京A12345", Some(10)),
            ("A12345", "京A12345", Some(10)),
            ("沪A12345", "京A12345", Some(60)),
            ("京A12354", "京A12345", Some(80)),
            ("Z34", "京A12345", None),
            ("京B98765", "京A12345", None),
        ] {
            assert_eq!(Lookup::new(typed).apart(plate), found, "{typed} {plate}");
        }
    }
}
