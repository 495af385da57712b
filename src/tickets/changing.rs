//! The part of a phone's code that changes: a step of the clock and its proof. Knows no signature.
//!
//! Six bytes: the low 16 bits of the step (15 s since 1970), and the first four of HMAC-SHA256(seed, step as 8 bytes),
//! all with the highest byte first; nine letters. Who has no seed cannot make the next, so a copy dies within a minute.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::base45;

/// Seconds of a step: long enough to hold a phone before a reader, short enough that a picture is no use.
pub const STEP_S: i64 = 15;
/// Letters.
pub const CHANGING_CHARS: usize = 9;
/// Steps that are taken after their time: for the way to the reader, and a clock that is a little behind.
const STEPS_AFTER: i64 = 2;
/// And before: for a clock that is a little ahead.
const STEPS_BEFORE: i64 = 1;

const PROOF_BYTES: usize = 4;

/// What makes the changing parts of one edition of one ticket. Its page has it.
pub type Seed = [u8; 16];

/// How a changing part fits the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Now,
    /// It was due so many seconds ago.
    Old(i64),
    /// It will be due in so many seconds.
    Ahead(i64),
    /// Not made with this seed.
    Forged,
}

/// The part that a page shows at `now`.
pub fn part(seed: &Seed, now: Timestamp) -> String {
    let step = now.as_second().div_euclid(STEP_S);
    let mut bytes = (step as u16).to_be_bytes().to_vec();
    bytes.extend(&proof(seed, step).finalize().into_bytes()[..PROOF_BYTES]);
    base45::encode(&bytes)
}

/// Whether a part is of this seed, and of which time. Without a step of its own it says nothing: [`Fit::Forged`].
pub(super) fn fit(seed: &Seed, text: &str, now: Timestamp) -> Fit {
    let bytes: Option<[u8; 6]> = base45::decode(text).and_then(|bytes| bytes.try_into().ok());
    let Some([high, low, shown @ ..]) = bytes else { return Fit::Forged };
    let current = now.as_second().div_euclid(STEP_S);
    // The step next to now that ends in these 16 bits; they come again after eleven days.
    let off = i64::from(u16::from_be_bytes([high, low]).wrapping_sub(current as u16) as i16);
    if proof(seed, current + off).verify_truncated_left(&shown).is_err() {
        return Fit::Forged;
    }
    match () {
        () if off < -STEPS_AFTER => Fit::Old(-off * STEP_S),
        () if off > STEPS_BEFORE => Fit::Ahead(off * STEP_S),
        () => Fit::Now,
    }
}

fn proof(seed: &Seed, step: i64) -> Hmac<Sha256> {
    let mut mac: Hmac<Sha256> =
        KeyInit::new_from_slice(seed).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_part_lives_for_three_steps_and_is_told_from_a_forged_one() {
        let (seed, begin) = ([7; 16], 1_795_500_000 / STEP_S * STEP_S);
        let shown = part(&seed, at(begin));
        assert_eq!(shown.len(), CHANGING_CHARS);
        for (seconds, expected) in [
            (0, Fit::Now),
            (STEP_S * 3 - 1, Fit::Now),
            (STEP_S * 3, Fit::Old(45)),
            (600, Fit::Old(600)),
            (4 * 86_400, Fit::Old(4 * 86_400)),
            (-1, Fit::Now),
            (-STEP_S, Fit::Now),
            (-STEP_S - 1, Fit::Ahead(30)),
            (-300, Fit::Ahead(300)),
            // After eleven days and more its step means another time.
            (12 * 86_400, Fit::Forged),
        ] {
            assert_eq!(fit(&seed, &shown, at(begin + seconds)), expected, "{seconds} s later");
        }
        assert_eq!(fit(&[8; 16], &shown, at(begin)), Fit::Forged);
        for bad in ["", "000000000", "0000000000000", "::::::::::", &shown[..8]] {
            assert_eq!(fit(&seed, bad, at(begin)), Fit::Forged, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_page_with_the_right_time_is_always_taken(
            second in 0_i64..1 << 34,
            late in 0_i64..STEP_S * 2,
            seed in any::<Seed>(),
        ) {
            let shown = part(&seed, at(second));
            prop_assert_eq!(fit(&seed, &shown, at(second + late)), Fit::Now);
        }
    }
}
