//! The unified social credit code of companies, which is their tax number (GB 32100). Knows no register of companies.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// The 31 characters in the order of their values: no I, O, S, V or Z, which look like others.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Of these the last is the check character.
const LENGTH: usize = 18;
/// Counted from 0: the office that registered the company, by its six digits of GB/T 2260.
const REGION: std::ops::Range<usize> = 2..8;

/// A tax number whose check character is right. Kept in upper case, without spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct TaxNumber(Arc<str>);

/// Why a text is no tax number. Positions count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxNumberError {
    #[error("a tax number has 18 characters; this has {0}")]
    Length(usize),
    #[error("character {at}, {is:?}, is in no tax number{}", meant(*.is))]
    Character { at: usize, is: char },
    #[error("character {at} must be a digit; this has {is:?}")]
    Region { at: usize, is: char },
    /// The check character tells that one is wrong, but not which.
    #[error("the tax number's check character does not fit; check every character")]
    Check,
}

impl TaxNumber {
    /// Parses what a person typed: small letters, full-width letters and spaces are no mistakes.
    pub fn parse(text: &str) -> Result<Self, TaxNumberError> {
        let typed: Vec<char> =
            text.chars().map(fold).filter(|c| !c.is_whitespace() && *c != '-').collect();
        if typed.len() != LENGTH {
            return Err(TaxNumberError::Length(typed.len()));
        }
        let mut sum = 0;
        for (i, &is) in typed.iter().enumerate() {
            let value = value(is).ok_or(TaxNumberError::Character { at: i + 1, is })?;
            if REGION.contains(&i) && !is.is_ascii_digit() {
                return Err(TaxNumberError::Region { at: i + 1, is });
            }
            // The check character weighs 1: with it, the sum is a multiple of 31.
            sum += value * if i == LENGTH - 1 { 1 } else { weight(i) };
        }
        if sum % 31 != 0 {
            return Err(TaxNumberError::Check);
        }
        Ok(Self(typed.into_iter().collect::<String>().into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 3 to the power of the position, modulo 31.
fn weight(position: usize) -> u32 {
    (0..position).fold(1, |weight, _| weight * 3 % 31)
}

fn value(c: char) -> Option<u32> {
    let at = ALPHABET.iter().position(|known| char::from(*known) == c)?;
    u32::try_from(at).ok()
}

fn fold(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xff01 + u32::from('!')).unwrap_or(c)
        }
        c => c,
    };
    narrow.to_ascii_uppercase()
}

/// The character that a letter outside the alphabet is mostly taken for.
fn meant(c: char) -> &'static str {
    match c {
        'I' => "; a 1, perhaps",
        'O' => "; a 0, perhaps",
        'S' => "; a 5, perhaps",
        'V' => "; a U or Y, perhaps",
        'Z' => "; a 2, perhaps",
        _ => "",
    }
}

impl fmt::Display for TaxNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for TaxNumber {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_ones_as_people_type_them() {
        for (typed, kept) in [
            // The standard's own example, and published ones of well-known companies.
            ("91350100M000100Y43", "91350100M000100Y43"),
            ("91110000802100433B", "91110000802100433B"),
            ("914403001922038216", "914403001922038216"),
            ("91350100m000100y43", "91350100M000100Y43"),
            (" 9135 0100 M000 100Y 43", "91350100M000100Y43"),
            ("９１３５０１００Ｍ０００１００Ｙ４３", "91350100M000100Y43"),
        ] {
            assert_eq!(
                TaxNumber::parse(typed).as_ref().map(TaxNumber::as_str),
                Ok(kept),
                "{typed}"
            );
        }
    }

    #[test]
    fn wrong_ones_say_what_is_certain_and_no_more() {
        for (typed, error) in [
            ("", TaxNumberError::Length(0)),
            ("91350100M000100Y4", TaxNumberError::Length(17)),
            ("91350100M0001O0Y43", TaxNumberError::Character { at: 14, is: 'O' }),
            ("9135O100M000100Y43", TaxNumberError::Character { at: 5, is: 'O' }),
            ("91350100M000100Y4税", TaxNumberError::Character { at: 18, is: '税' }),
            ("9135B100M000100Y43", TaxNumberError::Region { at: 5, is: 'B' }),
            ("91350100M000100Y44", TaxNumberError::Check),
        ] {
            assert_eq!(TaxNumber::parse(typed), Err(error), "{typed}");
        }
        let odd = TaxNumber::parse("91350100M0001O0Y43").unwrap_err().to_string();
        assert!(odd.contains("14") && odd.contains("a 0, perhaps"), "{odd}");
    }

    #[test]
    fn no_single_wrong_character_and_no_swapped_neighbours_get_through() {
        let right = "91350100M000100Y43";
        for at in 0..LENGTH {
            for other in ALPHABET.iter().map(|b| char::from(*b)) {
                let mut typed: Vec<char> = right.chars().collect();
                if typed[at] == other {
                    continue;
                }
                typed[at] = other;
                assert!(TaxNumber::parse(&typed.iter().collect::<String>()).is_err(), "{typed:?}");
            }
        }
        for at in 1..LENGTH {
            let mut typed: Vec<char> = right.chars().collect();
            typed.swap(at - 1, at);
            let swapped: String = typed.iter().collect();
            assert_eq!(TaxNumber::parse(&swapped).is_ok(), swapped == right, "{swapped}");
        }
    }

    #[test]
    fn read_back_it_is_checked_again() {
        let number: TaxNumber = serde_json::from_str("\"91350100M000100Y43\"").unwrap();
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"91350100M000100Y43\"");
        assert!(serde_json::from_str::<TaxNumber>("\"91350100M000100Y44\"").is_err());
    }
}
