//! The word that both wallets have for a plate's colour. Knows no call.

use crate::types::{Plate, PlateColour};

/// The colour as a camera saw it; else by the length of the plate, which is longer for new energy.
pub(in crate::bank) fn word(plate: &Plate, seen: Option<PlateColour>) -> &'static str {
    let long = plate.full().chars().count() > 7;
    match seen {
        Some(PlateColour::Green) => "GREEN",
        Some(PlateColour::YellowGreen) => "LIMEGREEN",
        Some(PlateColour::Yellow) => "YELLOW",
        Some(PlateColour::White) => "WHITE",
        Some(PlateColour::Black) => "BLACK",
        Some(PlateColour::Other) | None if long => "GREEN",
        Some(PlateColour::Blue | PlateColour::Other) | None => "BLUE",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_the_cameras_else_the_lengths() {
        let (short, long) = (Plate::parse("京A12345").unwrap(), Plate::parse("京AD12345").unwrap());
        let table = [
            (&short, Some(PlateColour::Yellow), "YELLOW"),
            (&short, Some(PlateColour::White), "WHITE"),
            (&short, Some(PlateColour::Black), "BLACK"),
            (&long, Some(PlateColour::YellowGreen), "LIMEGREEN"),
            (&long, Some(PlateColour::Green), "GREEN"),
            (&long, None, "GREEN"),
            (&long, Some(PlateColour::Other), "GREEN"),
            (&short, None, "BLUE"),
            (&short, Some(PlateColour::Other), "BLUE"),
        ];
        for (plate, seen, name) in table {
            assert_eq!(word(plate, seen), name, "{plate:?} {seen:?}");
        }
    }
}
