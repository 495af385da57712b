//! What can happen in a table, phrase by phrase. Does none of it.

use std::time::Duration;

use paifang::{
    core::lane::OperatorAct,
    types::{LaneId, Plate, PlateColour, Vehicle, VehicleClass},
};

use super::{
    counter::{self, CounterStep},
    desk::{self, DeskStep},
    plates::{self, PlateStep},
    sold,
    table::fits,
};

/// One phrase of the middle column.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Lane(LaneId, LaneStep),
    Desk(DeskStep),
    /// Nothing happens for so long.
    Wait(Duration),
    Bank(BankStep),
    Counter(CounterStep),
    /// A card or wallet bound to a plate.
    Plate(PlateStep),
    /// A driver pays by phone before going to an exit.
    Prepays(Plate),
    /// A driver pays by phone what earlier stays left unpaid.
    PaysArrears(Plate),
}

/// In a lane, by its sensors, its camera, its driver's phone or the operator at the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaneStep {
    /// A vehicle stops on the loop and is read; `None`: the camera sees no plate.
    Arrives(Option<String>),
    /// The same, and the camera sees what kind of vehicle it is.
    ArrivesAs(String, Vehicle),
    /// A vehicle stops on the loop; nothing is read.
    Comes,
    /// The camera reads this, with so many percent.
    Reads(String, u8),
    DrivesThrough,
    /// With a second vehicle right behind, before the arm is down.
    TwoDriveThrough,
    /// Another stands on the loop before the arm is down.
    DrivesThroughNextMovesUp,
    /// Somebody lifts the arm, and nobody of the site told it to.
    SlipsThrough,
    /// It leaves the loop backwards.
    BacksOut,
    /// It was under the arm already.
    RollsBack,
    /// The driver scans the lane's code and pays what the page asks for.
    Pays,
    /// As far as the bank's page...
    OpensCashier,
    /// ...and from there on, wherever the vehicle is by then.
    PaysAtCashier,
    Types(Plate),
    OperatorTypes(Plate, String),
    /// An operator sees that the vehicle has none, and lets it be called by a stand-in.
    HasNoPlate(String),
    /// The operator says whose stay a misread belongs to; `None`: nobody's.
    Picks(Option<Plate>, String),
    Operates(OperatorAct, String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BankStep {
    /// Answers nothing any more.
    Silent,
    Answers,
}

type Make = fn(&[&str]) -> Result<Step, String>;

/// Every phrase, in the order they are tried.
pub(super) const WORDS: &[(&str, Make)] = &[
    ("a car without a plate arrives at {}", |w| lane(w[0], LaneStep::Arrives(None))),
    ("a car comes to {} unread", |w| lane(w[0], LaneStep::Comes)),
    ("{} arrives at {} as a {*}", |w| lane(w[1], LaneStep::ArrivesAs(w[0].into(), vehicle(w[2])?))),
    ("{} arrives at {}", |w| lane(w[1], LaneStep::Arrives(Some(w[0].into())))),
    ("{} drives through {}", |w| {
        plate(w[0])?;
        lane(w[1], LaneStep::DrivesThrough)
    }),
    ("the car in {} drives through, a second one close behind", |w| {
        lane(w[0], LaneStep::TwoDriveThrough)
    }),
    ("the car in {} drives through, the next one moves up", |w| {
        lane(w[0], LaneStep::DrivesThroughNextMovesUp)
    }),
    ("the car in {} drives through", |w| lane(w[0], LaneStep::DrivesThrough)),
    ("the car in {} slips through an arm opened by hand", |w| lane(w[0], LaneStep::SlipsThrough)),
    ("the car in {} backs out", |w| lane(w[0], LaneStep::BacksOut)),
    ("the car in {} rolls back from under the arm", |w| lane(w[0], LaneStep::RollsBack)),
    ("{} reads {} at {} percent", |w| {
        let percent = w[2].parse().map_err(|_| format!("{} is no percentage", w[2]))?;
        lane(w[0], LaneStep::Reads(w[1].into(), percent))
    }),
    ("{} reads {}", |w| lane(w[0], LaneStep::Reads(w[1].into(), 98))),
    ("the driver in {} pays by phone", |w| lane(w[0], LaneStep::Pays)),
    ("the driver in {} opens the cashier", |w| lane(w[0], LaneStep::OpensCashier)),
    ("the driver in {} pays at the cashier", |w| lane(w[0], LaneStep::PaysAtCashier)),
    ("the driver in {} types {}", |w| lane(w[0], LaneStep::Types(plate(w[1])?))),
    ("operator {} types {} in {}", |w| {
        lane(w[2], LaneStep::OperatorTypes(plate(w[1])?, w[0].into()))
    }),
    ("operator {} says that the car in {} has no plate", |w| {
        lane(w[1], LaneStep::HasNoPlate(w[0].into()))
    }),
    ("operator {} takes the car in {} for {}", |w| {
        lane(w[1], LaneStep::Picks(Some(plate(w[2])?), w[0].into()))
    }),
    ("operator {} finds none of them in {}", |w| lane(w[1], LaneStep::Picks(None, w[0].into()))),
    ("operator {} turns {}: {*}", |w| operates(OperatorAct::Turn, w)),
    ("operator {} opens {}: {*}", |w| operates(OperatorAct::Open, w)),
    ("operator {} closes {}: {*}", |w| operates(OperatorAct::Close, w)),
    ("operator {} holds {} open: {*}", |w| operates(OperatorAct::Hold, w)),
    ("operator {} releases {}: {*}", |w| operates(OperatorAct::Release, w)),
    ("operator {} locks {}: {*}", |w| operates(OperatorAct::Lock, w)),
    ("operator {} unlocks {}: {*}", |w| operates(OperatorAct::Unlock, w)),
    ("operator {} opens {} without a reason", |w| operates(OperatorAct::Open, &[w[0], w[1], ""])),
    ("season pass of {} until {} with {} space for {*}", |w| desk::pool(w).map(Step::Desk)),
    ("season pass of {} until {} in zone {} for {*}", |w| desk::zoned(w).map(Step::Desk)),
    ("season pass of {} until {} on working days from {} to {} for {*}", |w| {
        desk::office_hours(w).map(Step::Desk)
    }),
    ("season pass of {} until {} for {*}", |w| desk::season(w).map(Step::Desk)),
    ("stored value of {} with {} for {*}", |w| desk::stored(w).map(Step::Desk)),
    ("pass of {} good for {} stays for {*}", |w| desk::count(w).map(Step::Desk)),
    ("{} is put on the list of members as {}", |w| {
        Ok(Step::Desk(DeskStep::Member(plate(w[0])?, w[1].into())))
    }),
    ("{} is put on the {} list", |w| desk::list(w).map(Step::Desk)),
    ("{} is taken off its list", |w| Ok(Step::Desk(DeskStep::Unlist(plate(w[0])?)))),
    ("a place is kept for {} from {} to {}", |w| desk::reserve(w).map(Step::Desk)),
    ("nobody knows any more where {} is", |w| {
        Ok(Step::Desk(DeskStep::ResetPassback(plate(w[0])?)))
    }),
    ("phone {} says in {} that the car has no plate", |w| desk::no_plate(w).map(Step::Desk)),
    ("phone {} is shown in {}", |w| desk::phone_shown(w).map(Step::Desk)),
    ("the driver of {} pays before going to the exit", |w| Ok(Step::Prepays(plate(w[0])?))),
    ("the driver of {} pays what was owed from before", |w| Ok(Step::PaysArrears(plate(w[0])?))),
    ("the bank falls silent", |_| Ok(Step::Bank(BankStep::Silent))),
    ("the bank answers again", |_| Ok(Step::Bank(BankStep::Answers))),
    ("{} {} pass", |w| duration(w[0], w[1]).map(Step::Wait)),
    ("{} {} passes", |w| duration(w[0], w[1]).map(Step::Wait)),
];

impl Step {
    /// Reads one phrase.
    pub fn parse(text: &str) -> Result<Self, String> {
        let passes = sold::WORDS.iter();
        let passes = passes.filter_map(|(pattern, make)| Some((fits(pattern, text)?, make)));
        if let Some((words, make)) = passes.into_iter().next() {
            return make(&words);
        }
        let counter = counter::WORDS.iter();
        let counter = counter.filter_map(|(pattern, make)| Some((fits(pattern, text)?, make)));
        if let Some((words, make)) = counter.into_iter().next() {
            return make(&words).map(Self::Counter);
        }
        let bound = plates::WORDS.iter();
        let bound = bound.filter_map(|(pattern, make)| Some((fits(pattern, text)?, make)));
        if let Some((words, make)) = bound.into_iter().next() {
            return make(&words).map(Self::Plate);
        }
        let mut found =
            WORDS.iter().filter_map(|(pattern, make)| Some((fits(pattern, text)?, make)));
        let (words, make) = found
            .next()
            .ok_or_else(|| format!("\"{text}\" is nothing that can happen; see README.md"))?;
        make(&words)
    }
}

fn lane(id: &str, step: LaneStep) -> Result<Step, String> {
    Ok(Step::Lane(lane_id(id)?, step))
}

fn operates(act: OperatorAct, words: &[&str]) -> Result<Step, String> {
    lane(words[1], LaneStep::Operates(act, words[0].into(), words[2].into()))
}

pub(super) fn lane_id(text: &str) -> Result<LaneId, String> {
    LaneId::parse(text).ok_or_else(|| format!("\"{text}\" names no lane"))
}

pub(super) fn plate(text: &str) -> Result<Plate, String> {
    Plate::parse_kept(text).map_err(|why| format!("\"{text}\": {why}"))
}

/// What a camera sees besides the plate.
fn vehicle(text: &str) -> Result<Vehicle, String> {
    use {PlateColour as Colour, VehicleClass as Class};
    let (class, colour) = match text {
        "motorcycle" => (Class::Motorcycle, Colour::Yellow),
        "car" => (Class::Small, Colour::Blue),
        "car with a white plate" => (Class::Small, Colour::White),
        "new-energy car" => (Class::Small, Colour::Green),
        "light lorry" => (Class::Medium, Colour::Blue),
        "coach" => (Class::Large, Colour::Yellow),
        odd => {
            return Err(format!(
                "\"{odd}\" is none of motorcycle, car, car with a white plate, new-energy car, light lorry, coach"
            ));
        }
    };
    Ok(Vehicle { class, colour: Some(colour), ..Vehicle::default() })
}

/// `20 min`, `2 h`, `1 day`, `30 s`.
pub(super) fn duration(count: &str, unit: &str) -> Result<Duration, String> {
    let count: u64 = count.parse().map_err(|_| format!("\"{count}\" is no number"))?;
    let each = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3_600,
        "day" | "days" => 86_400,
        odd => return Err(format!("\"{odd}\" is none of s, min, h, day")),
    };
    Ok(Duration::from_secs(count * each))
}

/// Minor units of an amount such as `5.00`.
pub(super) fn minor(text: &str) -> Result<i64, String> {
    let fault = || format!("\"{text}\" is no amount such as 5.00");
    let (whole, part) = text.split_once('.').ok_or_else(fault)?;
    if part.len() != 2 {
        return Err(fault());
    }
    let (whole, part): (i64, i64) =
        (whole.parse().map_err(|_| fault())?, part.parse().map_err(|_| fault())?);
    Ok(whole * 100 + part)
}
