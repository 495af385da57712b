//! The picture of the site: zones within zones with what stands in them, lanes at their edges with arms and waiting
//! vehicles, turnstiles with who went. Drawn from the same look as the lanes' cards; changes nothing.

use std::fmt::Display;

use askama::Template;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    error::ApiError,
    lanes::{Board, LaneCard, Seen},
    people::GateSeen,
    stream::Piece,
    words::Lang,
    zones::Bar,
};
use crate::{
    core::{
        lane::{Phase, Signal},
        rules::Direction,
    },
    types::ZoneId,
};

/// Stalls drawn in a row.
const ROW: u32 = 30;
/// Stalls drawn for a zone at most; a larger one is drawn to scale.
const STALLS_MAX: u32 = 90;
/// Where vehicles stand on a lane's strip: the second in the queue, at the arm, under it.
const PLACES: [u32; 3] = [4, 42, 84];

/// What the drawing needs besides the board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eye<'a> {
    pub(super) l: Lang,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
}

/// One lane for vehicles from above: traffic goes from left to right.
#[derive(Template)]
#[template(path = "plan-lane.html", config = "src/http/askama.toml")]
struct Strip<'a> {
    card: LaneCard<'a>,
}

impl Strip<'_> {
    fn vehicles(&self) -> Vec<(u32, &'static str)> {
        let lane = &self.card.seen.lane;
        let [second, first, under] = PLACES;
        let at_arm = lane.visit.is_some() || lane.sensors.arrival == Signal::On;
        let passing = lane.sensors.safety == Signal::On;
        let mood = if lane.phase == Phase::AwaitingPayment { "pays" } else { "" };
        let mut vehicles = Vec::with_capacity(3);
        if lane.next.is_some() {
            vehicles.push((second, ""));
        }
        if at_arm && !(passing && lane.sensors.arrival != Signal::On) {
            vehicles.push((first, mood));
        }
        if passing {
            vehicles.push((under, ""));
        }
        vehicles
    }

    fn plate(&self) -> &str {
        self.card.plate().filter(|(_, gone)| !gone).map_or("", |(plate, _)| plate)
    }
}

/// A zone's stalls and numbers; of a zone for people, a dot for each who is inside.
#[derive(Template)]
#[template(path = "plan-zone.html", config = "src/http/askama.toml")]
struct Stalls<'a> {
    l: Lang,
    bar: &'a Bar,
}

impl Stalls<'_> {
    /// How many are drawn, and how many of them taken; who comes beyond the spaces takes none.
    fn drawn(&self) -> (u32, u32) {
        let people = self.bar.people();
        let capacity = people.map_or(self.bar.capacity, |people| people.most).unwrap_or(0);
        let inside = people.map_or(self.bar.vehicles, |people| people.persons as u32);
        let (all, taken) = (capacity.min(STALLS_MAX), inside.min(capacity));
        let scaled = (u64::from(taken) * u64::from(all)).div_ceil(u64::from(capacity.max(1)));
        (all, scaled as u32)
    }

    /// Left edge, upper edge and whether it is taken.
    fn stalls(&self) -> Vec<(u32, u32, bool)> {
        let (all, taken) = self.drawn();
        (0..all).map(|nth| (nth % ROW * 10, nth / ROW * 18, nth < taken)).collect()
    }

    fn height(&self) -> u32 {
        self.drawn().0.div_ceil(ROW) * 18
    }
}

/// A turnstile from above.
#[derive(Template)]
#[template(path = "plan-gate.html", config = "src/http/askama.toml")]
struct Turnstile<'a> {
    l: Lang,
    gate: &'a GateSeen,
    went: i64,
}

/// A zone, the lanes between it and the zone around it, and what lies in it.
#[derive(Template)]
#[template(path = "plan-box.html", config = "src/http/askama.toml")]
struct ZoneBox<'a> {
    l: Lang,
    bar: &'a Bar,
    ways: Vec<&'a Seen>,
    within: String,
    pieces: &'a [Piece],
}

/// What stays where it is; the parts that move are pieces of their own.
#[derive(Template)]
#[template(path = "plan.html", config = "src/http/askama.toml")]
struct Plan<'a> {
    l: Lang,
    entries: Vec<&'a Seen>,
    exits: Vec<&'a Seen>,
    zones: String,
    gates: Vec<&'a GateSeen>,
    pieces: &'a [Piece],
}

impl Plan<'_> {
    fn piece(&self, of: &str, id: &impl Display) -> &str {
        piece(self.pieces, of, id)
    }
}

impl ZoneBox<'_> {
    fn piece(&self, of: &str, id: &impl Display) -> &str {
        piece(self.pieces, of, id)
    }
}

fn piece<'a>(pieces: &'a [Piece], of: &str, id: &impl Display) -> &'a str {
    let id = format!("{of}{id}");
    pieces.iter().find(|(of, _)| *of == id).map_or("", |(_, html)| html)
}

/// The whole drawing, with its parts as they are now.
pub(super) fn drawing(l: Lang, board: &Board, pieces: &[Piece]) -> Result<String, ApiError> {
    let outer = |seen: &&Seen| leads_to_street(board, seen);
    let towards = |direction: Direction| -> Vec<&Seen> {
        let all = board.lanes.iter().filter(|seen| seen.rules.direction == direction);
        all.filter(outer).collect()
    };
    let mut zones = String::new();
    let mut rest = board.bars.as_slice();
    while !rest.is_empty() {
        let (html, left) = boxed(l, board, rest, pieces)?;
        zones.push_str(&html);
        rest = left;
    }
    let (entries, exits) = (towards(Direction::Entry), towards(Direction::Exit));
    Ok(Plan { l, entries, exits, zones, gates: board.people.iter().collect(), pieces }.render()?)
}

fn leads_to_street(board: &Board, seen: &Seen) -> bool {
    seen.rules.street || depth(board, &seen.rules.zone) == 0
}

fn depth(board: &Board, zone: &ZoneId) -> usize {
    board.bars.iter().find(|bar| bar.id == *zone).map_or(0, |bar| bar.depth)
}

/// The first zone with all that lie in it, and the zones behind those.
fn boxed<'a>(
    l: Lang,
    board: &Board,
    bars: &'a [Bar],
    pieces: &[Piece],
) -> Result<(String, &'a [Bar]), ApiError> {
    let Some((bar, mut rest)) = bars.split_first() else { return Ok((String::new(), bars)) };
    let mut within = String::new();
    while rest.first().is_some_and(|next| next.depth > bar.depth) {
        let (html, left) = boxed(l, board, rest, pieces)?;
        within.push_str(&html);
        rest = left;
    }
    let here = |seen: &&Seen| seen.rules.zone == bar.id && !leads_to_street(board, seen);
    let ways = board.lanes.iter().filter(here).collect();
    Ok((ZoneBox { l, bar, ways, within, pieces }.render()?, rest))
}

/// All that moves in the drawing. `went`: how many went through a turnstile today.
pub(super) fn pieces(
    eye: Eye,
    board: &Board,
    went: impl Fn(&GateSeen) -> i64,
) -> Result<Vec<Piece>, ApiError> {
    let Eye { l, zone, now } = eye;
    let mut pieces = Vec::with_capacity(board.lanes.len() + board.bars.len() + board.people.len());
    for seen in &board.lanes {
        let strip = Strip { card: LaneCard { l, seen, zone, now } };
        pieces.push((format!("plan-{}", seen.lane.id), strip.render()?));
    }
    for bar in &board.bars {
        pieces.push((format!("plan-zone-{}", bar.id), Stalls { l, bar }.render()?));
    }
    for gate in &board.people {
        let turnstile = Turnstile { l, gate, went: went(gate) };
        pieces.push((format!("plan-{}", gate.id()), turnstile.render()?));
    }
    Ok(pieces)
}
