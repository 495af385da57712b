//! Which vehicle inside may have been misread at an exit: open stays ranked by how alike their plates look to a camera
//! and by what else is known. Decides nothing by itself: [`sure`] says whether the first may be taken unasked.
//!
//! The distance is in hundredths of a letter (`LETTER`). Two plates are compared letter by letter (an edit distance
//! with swaps), where each kind of error costs what it is worth as evidence against: cameras take `0` for `D` all the
//! time, but hardly ever `K` for `7`. The costs are in one table (`ALIKE`) and a few constants beside it. They come
//! from the shapes themselves, ordered as the errors that plate readers report are: first the letters that plates of
//! most countries leave out for that reason (I, O, Q), then shapes that differ in one stroke.

mod lookup;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::lookup::Lookup;
use super::stay::{Stay, StayState};
use crate::types::{Plate, StayId, Vehicle};

/// One letter read as any other: the unit of all costs.
const LETTER: u32 = 100;
/// A letter that the camera added or dropped inside the plate.
const GAP: u32 = 90;
/// The same at either end, where a frame or the edge of the picture cuts letters off.
const EDGE: u32 = 70;
/// Two neighbours the other way round.
const SWAP: u32 = 80;
/// Any Chinese character read as any other: the densest character of a plate, and the one most often wrong.
const HAN: u32 = 60;
/// The leading Chinese character is missing altogether.
const HAN_MISSING: u32 = 50;
/// A Chinese character read as a letter or digit, or the other way round.
const HAN_AND_LATIN: u32 = 140;
/// A place that the camera marked as not readable.
const UNREADABLE: u32 = 20;
/// Marks of a place that is not readable.
const MARKS: [char; 4] = ['_', '?', '*', '#'];
/// Plates farther apart than this are no candidates: less than two letters missing, so that no letter is more than one
/// place away from where it belongs.
const FAR: u32 = 135;
/// Letters of a plate, at most; longer texts are nobody's plate.
const LETTERS_MAX: usize = 12;

/// Plates no farther apart are taken for one vehicle read twice: one or two close look-alikes.
const CLOSE: u32 = 45;
/// Fewer readable letters than that fit too many plates.
const READABLE_MIN: usize = 4;
/// Letters and digits of a plate, and one more for all else.
const SHAPES: usize = 37;
/// From here on a camera is sure of its read, in percent.
const SURE_PERCENT: u8 = 95;
/// Nobody is at an exit so soon behind an entry, in seconds.
const JUST_IN_S: i64 = 30;
/// Longer than most vehicles stay, in seconds: seven days.
const LONG_INSIDE_S: i64 = 7 * 24 * 3600;

/// Shapes that cameras confuse and what each confusion costs. Any two letters of one row stand for each other; the
/// first row that has both counts.
const ALIKE: [(&str, u32); 37] = [
    ("0ODQ", 15),
    ("1I", 15),
    ("2Z", 20),
    ("5S", 20),
    ("8B", 20),
    ("川州", 20),
    ("桂挂", 25),
    ("1IL", 30),
    ("6G", 30),
    ("UV", 35),
    ("7T", 40),
    ("17", 40),
    ("27", 45),
    ("1IT", 45),
    ("0UC", 45),
    ("CG", 40),
    ("EF", 40),
    ("MN", 40),
    ("HMNW", 45),
    ("PR", 40),
    ("KXY", 45),
    ("VY", 40),
    ("4A", 45),
    ("38B", 45),
    ("69", 55),
    ("68", 45),
    ("08", 45),
    ("06", 50),
    ("BR", 45),
    // The same part on the left, above or below.
    ("津沪渝湘浙", 40),
    ("晋鲁青吉", 40),
    ("苏蒙藏", 40),
    ("豫赣", 45),
    ("甘吉", 45),
    ("京宁学", 45),
    ("辽云", 45),
    ("皖陕", 45),
];

/// What a camera saw at the exit.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// As the camera wrote it: it may hold marks of letters it could not read.
    pub raw: &'a str,
    /// The plate it makes, if it makes one.
    pub plate: Option<&'a Plate>,
    /// Percent.
    pub confidence: Option<u8>,
    /// As far as the camera tells.
    pub vehicle: Vehicle,
}

/// When a match needs nobody's word. Settings of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sureness {
    /// The first candidate has at least so many percent. 80: one close look-alike, read by a camera that was sure.
    pub percent_min: u8,
    /// And so many percent more than the second. 10: no other vehicle inside looks nearly as much like it.
    pub margin: u8,
}

impl Default for Sureness {
    fn default() -> Self {
        Self { percent_min: 80, margin: 10 }
    }
}

/// A vehicle inside that may be the one at the exit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub stay: StayId,
    /// Percent: 100 would be the same plate and nothing against it.
    pub score: u8,
    /// What speaks against it, most first.
    pub why: Vec<Clue>,
}

/// One thing that speaks against a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clue {
    /// Hundredths of a letter between the two plates.
    Letters(u16),
    /// The camera was sure of what it read.
    CameraSure,
    /// Vehicles of two sizes.
    Class,
    /// Plates of two colours.
    Colour,
    /// It has not driven in yet, or only just.
    JustIn,
    /// It has been inside for longer than most.
    LongInside,
    /// No picture of its entry is kept to compare with.
    NoPicture,
}

impl Clue {
    /// Percent taken off.
    fn weight(self) -> u32 {
        match self {
            // A whole letter leaves an even chance.
            Self::Letters(apart) => u32::from(apart) / 2,
            Self::CameraSure => 5,
            Self::Class => 15,
            // By lamplight a camera takes white for yellow, but hardly blue for green.
            Self::Colour => 10,
            Self::JustIn => 20,
            Self::LongInside => 4,
            Self::NoPicture => 2,
        }
    }
}

/// The vehicles inside that the one at the exit may be, the likeliest first, at most `limit`.
pub fn rank<'a>(
    read: &Sighting<'_>,
    stays: impl Iterator<Item = &'a Stay>,
    now: Timestamp,
    limit: usize,
) -> Vec<Candidate> {
    let Some(letters) = Letters::of(read.plate.map_or(read.raw, Plate::full)) else {
        return Vec::new();
    };
    let seen = Seen::of(letters);
    let mut ranked: Vec<Candidate> = stays
        .filter_map(|stay| {
            let known = Letters::of(stay.plate.full())?;
            let apart = seen.may_be_near(&known).then(|| seen.distance(&known)).flatten()?;
            Some(weigh(read, stay, now, apart))
        })
        .filter(|candidate| candidate.score > 0)
        .collect();
    ranked.sort_by_key(|candidate| (std::cmp::Reverse(candidate.score), candidate.stay));
    ranked.truncate(limit);
    ranked
}

/// The first candidate, where it is likely enough and no other comes near it.
pub fn sure(ranked: &[Candidate], sureness: Sureness) -> Option<StayId> {
    let first = ranked.first().filter(|first| first.score >= sureness.percent_min)?;
    let second = ranked.get(1).map_or(0, |second| second.score);
    (first.score >= second.saturating_add(sureness.margin)).then_some(first.stay)
}

/// Whether one letter changed, added or taken away makes `b` of `a`.
pub fn one_character_apart(a: &Plate, b: &Plate) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.full().chars().collect(), b.full().chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let head = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    match long.len() - short.len() {
        0 => head < short.len() && short[head + 1..] == long[head + 1..],
        1 => short[head..] == long[head + 1..],
        _ => false,
    }
}

/// Close look-alikes: one vehicle read twice, rather than two of them one behind the other.
pub fn looks_alike(a: &Plate, b: &Plate) -> bool {
    let (Some(a), Some(b)) = (Letters::of(a.full()), Letters::of(b.full())) else { return false };
    let seen = Seen::of(a);
    seen.may_be_near(&b) && seen.distance(&b).is_some_and(|apart| apart <= CLOSE)
}

fn weigh(read: &Sighting<'_>, stay: &Stay, now: Timestamp, apart: u32) -> Candidate {
    let inside = now.duration_since(stay.entered_at);
    let colours = read.vehicle.colour.zip(stay.vehicle.colour);
    let clues = [
        (apart > 0, Clue::Letters(apart as u16)),
        (apart > 0 && read.confidence.is_some_and(|c| c >= SURE_PERCENT), Clue::CameraSure),
        (read.vehicle.class != stay.vehicle.class, Clue::Class),
        (colours.is_some_and(|(seen, known)| seen != known), Clue::Colour),
        (stay.state == StayState::Entering || inside.as_secs() < JUST_IN_S, Clue::JustIn),
        (inside.as_secs() > LONG_INSIDE_S, Clue::LongInside),
        (stay.entry_picture.is_none(), Clue::NoPicture),
    ];
    let mut why: Vec<Clue> =
        clues.into_iter().filter_map(|(holds, clue)| holds.then_some(clue)).collect();
    why.sort_by_key(|clue| std::cmp::Reverse(clue.weight()));
    let against: u32 = why.iter().map(|clue| clue.weight()).sum();
    Candidate { stay: stay.id, score: 100_u32.saturating_sub(against) as u8, why }
}

/// The letters of a plate, without allocation, and which of them there are.
struct Letters {
    chars: [char; LETTERS_MAX],
    len: usize,
    /// One bit for the [`shape`] at each place.
    shapes: [u64; LETTERS_MAX],
    unreadable: usize,
}

impl Letters {
    /// `None`: too long for a plate, or too little left to go by.
    fn of(text: &str) -> Option<Self> {
        let mut letters =
            Self { chars: ['\0'; LETTERS_MAX], len: 0, shapes: [0; LETTERS_MAX], unreadable: 0 };
        for c in text.chars().map(|c| c.to_ascii_uppercase()) {
            if matches!(c, ' ' | '·' | '.' | '-' | '•') {
                continue;
            }
            *letters.chars.get_mut(letters.len)? = c;
            if MARKS.contains(&c) {
                letters.unreadable += 1;
            } else {
                letters.shapes[letters.len] = 1 << shape(c);
            }
            letters.len += 1;
        }
        (letters.len - letters.unreadable >= READABLE_MIN).then_some(letters)
    }

    fn as_slice(&self) -> &[char] {
        &self.chars[..self.len]
    }
}

/// `0` to `9`, `A` to `Z`, and one place for every other character.
fn shape(c: char) -> usize {
    match c {
        '0'..='9' => c as usize - '0' as usize,
        'A'..='Z' => 10 + c as usize - 'A' as usize,
        _ => SHAPES - 1,
    }
}

/// What it costs to take one letter for another.
fn substitution(a: char, b: char) -> u32 {
    if a == b {
        return 0;
    }
    if MARKS.contains(&a) || MARKS.contains(&b) {
        return UNREADABLE;
    }
    let alike = ALIKE.iter().find(|(row, _)| row.contains(a) && row.contains(b));
    match (alike, is_han(a), is_han(b)) {
        (Some((_, cost)), ..) => *cost,
        (None, true, true) => HAN,
        (None, false, false) => LETTER,
        (None, ..) => HAN_AND_LATIN,
    }
}

/// What it costs to drop the letter at `at` of a plate.
fn gap(letters: &[char], at: usize) -> u32 {
    match at {
        0 if is_han(letters[0]) => HAN_MISSING,
        0 => EDGE,
        _ if at + 1 == letters.len() => EDGE,
        _ => GAP,
    }
}

fn is_han(c: char) -> bool {
    !c.is_ascii()
}

/// What was read, with its costs looked up once for all the plates it is compared with.
struct Seen {
    letters: Letters,
    /// What each place costs when it should have been that letter or digit.
    costs: [[u32; SHAPES]; LETTERS_MAX],
    /// The shapes that each place may stand for at little cost.
    alike: [u64; LETTERS_MAX],
}

impl Seen {
    fn of(letters: Letters) -> Self {
        let mut seen = Self { letters, costs: [[0; SHAPES]; LETTERS_MAX], alike: [0; LETTERS_MAX] };
        for (at, c) in seen.letters.as_slice().iter().enumerate() {
            for other in ('0'..='9').chain('A'..='Z') {
                let cost = substitution(*c, other);
                seen.costs[at][shape(other)] = cost;
                if cost < EDGE {
                    seen.alike[at] |= 1 << shape(other);
                }
            }
            if is_han(*c) || MARKS.contains(c) {
                seen.alike[at] |= 1 << (SHAPES - 1);
            }
        }
        seen
    }

    /// Cheap, and never false for a plate that [`Seen::distance`] finds near: a letter for which the plate has none
    /// alike at its place or beside it costs [`EDGE`] at least, the leading Chinese character [`HAN_MISSING`].
    fn may_be_near(&self, known: &Letters) -> bool {
        let mut least = 0;
        for at in 0..self.letters.len {
            let beside = at.saturating_sub(1)..(at + 2).min(LETTERS_MAX);
            let near = known.shapes[beside].iter().fold(0, |all, shape| all | shape);
            if self.alike[at] & near == 0 {
                least += if at == 0 { HAN_MISSING } else { EDGE };
            }
        }
        least <= FAR
    }

    fn cost(&self, at: usize, other: char) -> u32 {
        match shape(other) {
            shape if shape < SHAPES - 1 => self.costs[at][shape],
            _ => substitution(self.letters.chars[at], other),
        }
    }

    /// Hundredths of a letter between what was read and a plate; `None` beyond [`FAR`].
    fn distance(&self, known: &Letters) -> Option<u32> {
        let (a, b) = (self.letters.as_slice(), known.as_slice());
        // Three rows of the table are enough for swaps.
        let mut rows = [[0_u32; LETTERS_MAX + 1]; 3];
        for j in 1..=b.len() {
            rows[0][j] = rows[0][j - 1] + gap(b, j - 1);
        }
        let mut least_above = u32::MAX;
        for i in 1..=a.len() {
            let (here, above, before) = (i % 3, (i + 2) % 3, (i + 1) % 3);
            rows[here][0] = rows[above][0] + gap(a, i - 1);
            let mut least = rows[here][0];
            for j in 1..=b.len() {
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[before][j - 2] + SWAP } else { u32::MAX };
                let cost = (rows[above][j - 1] + self.cost(i - 1, b[j - 1]))
                    .min(rows[above][j] + gap(a, i - 1))
                    .min(rows[here][j - 1] + gap(b, j - 1))
                    .min(swap);
                rows[here][j] = cost;
                least = least.min(cost);
            }
            // A swap may still reach back one row.
            if least > FAR && least_above > FAR {
                return None;
            }
            least_above = least;
        }
        Some(rows[a.len() % 3][b.len()]).filter(|apart| *apart <= FAR)
    }
}
