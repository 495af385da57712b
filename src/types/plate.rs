//! Plates: parsed once, masked wherever people might read over a shoulder. Knows no camera.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A plate in its normal form: upper case, full-width letters folded, separators gone, 4 to 10 characters.
///
/// `Debug` and `Display` are masked (`京A·**345`); [`Plate::full`] is the whole text.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String)]
pub struct Plate(Arc<str>);

/// Why a text is not a plate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlateError {
    #[error("a plate has 4 to 10 characters; this has {0}")]
    Length(usize),
    #[error("a plate has letters, digits and Chinese plate characters only; this has {0:?}")]
    Character(char),
    #[error("a plate has at least one digit or Latin letter")]
    NoSerial,
    #[error("that is how some cameras say that they saw no plate")]
    NoPlate,
}

/// Begins the name of a vehicle that has no plate. Nothing a camera reads or a person types parses to it.
const VIRTUAL: &str = "无牌";

/// What cameras write where they saw none.
const NO_PLATES: [&str; 5] = ["NULL", "NONE", "UNKNOWN", "NOPLATE", "UNLICENSED"];

impl Plate {
    /// Parses what a camera read or a driver typed.
    pub fn parse(text: &str) -> Result<Self, PlateError> {
        let mut plate = String::with_capacity(16);
        for c in text.chars().map(fold) {
            match c {
                ' ' | '·' | '.' | '-' | '•' | '\u{3000}' => {}
                'A'..='Z' | '0'..='9' | '\u{4e00}'..='\u{9fff}' => plate.push(c),
                odd => return Err(PlateError::Character(odd)),
            }
        }
        if NO_PLATES.contains(&plate.as_str()) || plate.starts_with(VIRTUAL) {
            return Err(PlateError::NoPlate);
        }
        let length = plate.chars().count();
        if !(4..=10).contains(&length) {
            return Err(PlateError::Length(length));
        }
        if !plate.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Err(PlateError::NoSerial);
        }
        Ok(Self(plate.into()))
    }

    /// Stands in for the plate of a vehicle that has none (无牌车), such as `无牌-0012`.
    pub fn virtual_of(number: i64) -> Self {
        Self(format!("{VIRTUAL}-{:04}", number.unsigned_abs()).into())
    }

    /// A stand-in: nobody ever saw it on a vehicle.
    pub fn is_virtual(&self) -> bool {
        self.0.starts_with(VIRTUAL)
    }

    /// Parses what an operator typed or the journal kept: a plate, or a stand-in for one, with or without its dash.
    pub fn parse_kept(text: &str) -> Result<Self, PlateError> {
        let number = text.trim().strip_prefix(VIRTUAL).map(|rest| rest.trim_start_matches('-'));
        let number = number.filter(|n| (4..=10).contains(&n.len()));
        match number.and_then(|number| number.parse::<u32>().ok()) {
            Some(number) => Ok(Self::virtual_of(number.into())),
            None => Self::parse(text),
        }
    }

    /// The whole plate: for matching, for the bank, for pages its driver or an operator sees. Never for logs.
    pub fn full(&self) -> &str {
        &self.0
    }

    /// The plate with its middle hidden, such as `京A·**345`.
    pub fn masked(&self) -> String {
        if self.is_virtual() {
            // It tells of nobody.
            return self.0.to_string();
        }
        let chars: Vec<char> = self.0.chars().collect();
        let tail = chars.len().saturating_sub(3).max(2);
        let hidden = "*".repeat(tail - 2);
        let (head, end) = (&chars[..2], &chars[tail..]);
        format!("{}·{hidden}{}", head.iter().collect::<String>(), end.iter().collect::<String>())
    }
}

/// Full-width forms and Cyrillic or Greek look-alikes to the ASCII letter they stand for.
fn fold(c: char) -> char {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    match c {
        'а' | 'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'с' | 'С' => 'C',
        'е' | 'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'о' | 'О' | 'Ο' => 'O',
        'р' | 'Р' | 'Ρ' => 'P',
        'Т' | 'Τ' => 'T',
        'х' | 'Х' | 'Χ' => 'X',
        'у' | 'У' => 'Y',
        _ => c.to_ascii_uppercase(),
    }
}

impl fmt::Debug for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Display for Plate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for Plate {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse_kept(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normal_form() {
        for (raw, plate) in [
            ("京a·12345", "京A12345"),
            ("粤Z9065澳", "粤Z9065澳"),
            ("b2884scp", "B2884SCP"),
            ("沪ＡＤ１２３４５", "沪AD12345"),
            ("В 777 ОР", "B777OP"),
        ] {
            assert_eq!(Plate::parse(raw).unwrap().full(), plate);
        }
    }

    #[test]
    fn what_nobody_could_have() {
        assert_eq!(Plate::parse("_无_"), Err(PlateError::Character('_')));
        assert_eq!(Plate::parse("null"), Err(PlateError::NoPlate));
        assert_eq!(Plate::parse("No Plate"), Err(PlateError::NoPlate));
        assert_eq!(Plate::parse("A1"), Err(PlateError::Length(2)));
        assert_eq!(Plate::parse("京津冀晋"), Err(PlateError::NoSerial));
        assert_eq!(Plate::parse("A'; DROP"), Err(PlateError::Character('\'')));
        assert_eq!(Plate::parse("12345678901"), Err(PlateError::Length(11)));
    }

    #[test]
    fn masked_for_people() {
        let plate = Plate::parse("京A12345").unwrap();
        assert_eq!(format!("{plate} {plate:?}"), "京A·**345 京A·**345");
        assert_eq!(Plate::parse("AB12").unwrap().masked(), "AB·12");
    }

    #[test]
    fn no_camera_reads_a_stand_in() {
        let plate = Plate::virtual_of(12);
        assert_eq!((plate.full(), plate.masked().as_str()), ("无牌-0012", "无牌-0012"));
        for typed in ["无牌-0012", "无牌0012"] {
            assert_eq!(Plate::parse(typed), Err(PlateError::NoPlate));
            assert_eq!(Plate::parse_kept(typed), Ok(plate.clone()));
        }
        assert!(Plate::parse_kept("无牌-12").is_err() && Plate::parse_kept("无牌车").is_err());
        let kept = serde_json::to_string(&plate).unwrap();
        assert_eq!(serde_json::from_str::<Plate>(&kept).unwrap(), plate);
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_is_stable(text in ".{0,24}") {
            if let Ok(plate) = Plate::parse(&text) {
                prop_assert_eq!(Plate::parse(plate.full()), Ok(plate.clone()));
                prop_assert_ne!(plate.masked(), text);
            }
        }
    }
}
