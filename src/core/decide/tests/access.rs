//! Who may come in: one table for each rule. What each costs is in `access/money.rs`.

use jiff::Timestamp;

use super::*;
use crate::{
    core::{
        Message, Refusal,
        lane::{Help, LaneAlarm, OperatorAct},
        manage::{ListDraft, Manage, PassDraft, ReservationDraft, Rest, Unfit as NotTaken},
        pass::{List, PassKind, Standing, WeekSpan},
        rules::{AccessRefusal, Convert, Full, PassbackMode, Right, Unfit, ZoneRules, Zones},
    },
    types::{
        Code, CodeDigest, ListedId, PassId, PlateColour, ReservationId, Vehicle, VehicleClass,
        ZoneId,
    },
};

mod full;
mod money;
mod sold;
mod unlicensed;

pub(super) const A: &str = "京A12345";
pub(super) const B: &str = "京B22222";
const C: &str = "京C33333";

pub(super) fn plate(text: &str) -> Plate {
    Plate::parse_kept(text).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().unwrap()
}

/// Everything but the plates; good from the day before to 30 days after the tests begin.
pub(super) fn season(plates: &[&str]) -> PassDraft {
    PassDraft {
        holder: "Li".into(),
        plates: plates.iter().map(|text| plate(text)).collect(),
        spaces: plates.len() as u32,
        kind: PassKind::Season,
        zones: Vec::new(),
        valid_from: at("22T00:00"),
        valid_until: "2026-12-23T00:00:00Z".parse().unwrap(),
        hours: Vec::new(),
        vehicle: None,
        tier: None,
    }
}

fn visitor(from: &str, until: &str) -> ReservationDraft {
    ReservationDraft {
        plate: plate(A),
        host: "room 12".into(),
        zone: None,
        from: at(from),
        until: at(until),
        tariff: None,
    }
}

impl Site {
    pub(super) fn manage(&mut self, act: Manage) -> Result<i64, Refusal> {
        match self.tell(Input::Manage { by: "li".into(), act })? {
            Answer::Entered(number) => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn add_pass(&mut self, draft: PassDraft) -> PassId {
        PassId(self.manage(Manage::AddPass(draft)).unwrap())
    }

    fn list(&mut self, text: &str, list: List) -> ListedId {
        let (from, note) = (self.now, String::new());
        let draft = ListDraft {
            plate: plate(text),
            list,
            note,
            from,
            until: None,
            vehicle: None,
            tier: None,
        };
        ListedId(self.manage(Manage::List(draft)).unwrap())
    }

    fn capacity(&mut self, spaces: u32) {
        let rules = ZoneRules {
            name: String::new(),
            parent: None,
            capacity: Some(spaces),
            spaces: Vec::new(),
            tariff: None,
        };
        self.rules.zones = Zones::new([(Zones::only(), rules)].into()).unwrap();
    }

    pub(super) fn reads_vehicle(&mut self, id: &str, text: &str, vehicle: Vehicle) {
        self.reads += 1;
        let read = Read {
            device: DeviceId::parse("cam").unwrap(),
            event: self.reads.to_string(),
            raw: text.into(),
            plate: Plate::parse(text).ok(),
            confidence: Some(98),
            live: true,
            taken_at: None,
            picture: None,
            vehicle,
        };
        self.tell(Input::Read { lane: lane(id), read }).unwrap();
    }

    /// What becomes of a vehicle at the entry, in a word; it drives in, or away again.
    pub(super) fn tries(&mut self, text: &str) -> String {
        self.tries_as(text, Vehicle::default())
    }

    fn tries_as(&mut self, text: &str, vehicle: Vehicle) -> String {
        self.sensor("in", Sensor::Arrival, true);
        self.reads_vehicle("in", text, vehicle);
        self.outcome("in")
    }

    fn outcome(&mut self, id: &str) -> String {
        let lane = &self.state.lanes[&lane(id)];
        let visit = lane.visit.clone().unwrap();
        let called = self.is_called(id);
        if lane.phase == Phase::Opening {
            let stay = visit.stay.and_then(|id| self.state.stays.get(&id));
            let word = match stay.map(|stay| stay.standing) {
                Some(Standing::Transient) => "transient",
                Some(Standing::Emergency) => "emergency",
                Some(Standing::Pass(_)) => "pass",
                Some(Standing::Listed(_)) => "listed",
                Some(Standing::Reservation(_)) => "reservation",
                None => "nobody",
            };
            self.drive_through(id);
            return word.into();
        }
        let why = visit.help.map_or_else(|| format!("{:?}", lane.phase), |h| format!("{h:?}"));
        self.goes_away(id);
        if called { format!("{why}, called") } else { why }
    }

    fn is_called(&self, id: &str) -> bool {
        let kind = crate::core::AlarmKind::Lane(LaneAlarm::HelpWanted);
        self.state.alarms.contains_key(&(id.to_owned(), kind))
    }

    fn goes_away(&mut self, id: &str) {
        self.sensor(id, Sensor::Arrival, false);
        self.after(Duration::from_secs(6));
        assert_eq!(self.phase(id), Phase::Idle);
    }

    pub(super) fn departs(&mut self, text: &str) -> String {
        self.after(Duration::from_secs(20));
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", text);
        if self.phase("out") == Phase::Opening {
            self.drive_through("out");
            return "out".into();
        }
        self.outcome("out")
    }

    pub(super) fn shown(&self, id: &str) -> &Message {
        let shown = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Show { lane: l, message } if *l == lane(id) => Some(message),
            _ => None,
        });
        shown.unwrap()
    }

    fn standing(&self, text: &str) -> Standing {
        self.state.stay_of(&plate(text)).unwrap().standing
    }
}

// ---- passes ------------------------------------------------------------------------------------

#[test]
fn a_pass_that_does_not_fit_is_the_sites_choice() {
    let ended = PassDraft { valid_until: at("23T07:59"), ..season(&[A]) };
    let later = PassDraft { valid_from: at("24T00:00"), ..season(&[A]) };
    let empty = PassDraft { kind: PassKind::Count { left: 0 }, ..season(&[A]) };
    let broke = PassDraft { kind: PassKind::Stored { balance_minor: 0 }, ..season(&[A]) };
    let night = WeekSpan { days: 127, from_minute: 20 * 60, to_minute: 6 * 60 };
    let nights = PassDraft { hours: vec![night], ..season(&[A]) };
    let elsewhere = PassDraft { zones: vec![ZoneId::parse("east").unwrap()], ..season(&[A]) };
    for (draft, charge, refuse, ask) in [
        (season(&[A]), "pass", "pass", "pass"),
        (later, "transient", "transient", "transient"),
        (ended, "transient", "PassEnded", "PassEnded, called"),
        (empty, "transient", "PassUsedUp", "PassUsedUp, called"),
        (broke, "transient", "PassUsedUp", "PassUsedUp, called"),
        (nights, "pass", "OutOfHours", "OutOfHours, called"),
        (elsewhere, "transient", "WrongZone", "WrongZone, called"),
    ] {
        for (choice, becomes) in
            [(Unfit::Charge, charge), (Unfit::Refuse, refuse), (Unfit::Ask, ask)]
        {
            let mut site = Site::new();
            let zone = |id: &str| {
                let rules = ZoneRules {
                    name: String::new(),
                    parent: None,
                    capacity: None,
                    spaces: Vec::new(),
                    tariff: None,
                };
                (ZoneId::parse(id).unwrap(), rules)
            };
            site.rules.zones = Zones::new([zone("lot"), zone("east")].into()).unwrap();
            let access = &mut site.rules.access;
            (access.expired, access.over_quota) = (choice, choice);
            (access.wrong_zone, access.out_of_hours) = (choice, choice);
            site.now -= HOUR;
            site.add_pass(draft.clone());
            site.now += HOUR;
            assert_eq!(site.tries(A), becomes, "{choice:?} {draft:?}");
        }
    }
}

#[test]
fn a_valid_pass_wins_over_one_that_has_ended() {
    let mut site = Site::new();
    site.rules.access.expired = Unfit::Refuse;
    site.now -= HOUR;
    site.add_pass(PassDraft { valid_until: at("23T07:30"), ..season(&[A]) });
    site.add_pass(PassDraft { valid_from: at("23T07:30"), ..season(&[A]) });
    site.now += HOUR;
    assert_eq!(site.tries(A), "pass");
}

#[test]
fn the_driver_is_told_before_a_pass_ends() {
    for (days, told) in [(31, None), (7, Some(7)), (6, Some(6)), (0, Some(0))] {
        let mut site = Site::new();
        let until = site.now + Duration::from_hours(24 * days) + HOUR / 2;
        site.rules.access.ending = Duration::from_hours(24 * 7 + 1);
        site.add_pass(PassDraft { valid_until: until, ..season(&[A]) });
        site.sensor("in", Sensor::Arrival, true);
        site.read("in", A);
        let shown = match site.shown("in") {
            Message::PassEnds { days, entering: true, .. } => Some(*days),
            _ => None,
        };
        assert_eq!(shown, told);
    }
}

#[test]
fn the_later_car_of_a_pool_pays_and_the_longest_parked_is_converted() {
    for (choice, converted) in [(Convert::LongestParked, Some(B)), (Convert::None, None)] {
        let mut site = Site::new();
        site.rules.access.convert = choice;
        let pass = site.add_pass(PassDraft { spaces: 1, ..season(&[A, B, C]) });
        assert_eq!(site.tries(A), "pass");
        for later in [B, C] {
            site.after(HOUR);
            assert_eq!(site.tries(later), "transient", "the space is taken");
        }
        assert_eq!(site.departs(A), "out");
        for waiting in [B, C] {
            let covered = site.standing(waiting) == Standing::Pass(pass);
            assert_eq!(covered, converted == Some(waiting), "{choice:?} {waiting}");
        }
        let covered =
            site.state.stays.values().filter(|stay| stay.standing == Standing::Pass(pass));
        assert!(covered.count() <= 1, "never more than the spaces");
        assert_eq!(site.tries(A), if converted.is_some() { "transient" } else { "pass" });
    }
}

#[test]
fn a_car_that_backs_out_of_the_entry_gives_its_space_back() {
    let mut site = Site::new();
    site.add_pass(PassDraft { spaces: 1, ..season(&[A, B]) });
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", A);
    site.sensor("in", Sensor::ClosedLimit, false);
    site.sensor("in", Sensor::OpenLimit, true);
    site.sensor("in", Sensor::Arrival, false);
    site.after(Duration::from_secs(31));
    site.sensor("in", Sensor::OpenLimit, false);
    site.sensor("in", Sensor::ClosedLimit, true);
    assert!(site.state.stays.is_empty());
    assert_eq!(site.tries(B), "pass");
}

// ---- lists -------------------------------------------------------------------------------------

#[test]
fn lists_and_emergency_plates() {
    let of = |colour| Vehicle { colour: Some(colour), ..Vehicle::default() };
    let (white, blue) = (of(PlateColour::White), of(PlateColour::Blue));
    let unseen = Vehicle::default();
    for (text, list, seen, becomes) in [
        (A, None, unseen, "transient"),
        (A, Some(List::White), unseen, "listed"),
        (A, Some(List::Vip), unseen, "listed"),
        (A, Some(List::Emergency), blue, "listed"),
        (A, Some(List::Black), unseen, "Black"),
        ("京A1234警", None, white, "emergency"),
        ("京A1234警", None, unseen, "emergency"),
        ("京A1234警", None, blue, "transient"),
        ("WJ01X2345", None, white, "emergency"),
        ("京X1234应急", None, unseen, "emergency"),
        ("京A1234警", Some(List::Black), white, "emergency"),
    ] {
        let mut site = Site::new();
        if let Some(list) = list {
            site.list(text, list);
        }
        assert_eq!(site.tries_as(text, seen), becomes, "{text} {list:?} {seen:?}");
    }
    let mut site = Site::new();
    site.rules.access.black = AccessRefusal::Ask;
    site.list(A, List::Black);
    assert_eq!(site.tries(A), "Black, called");
    assert_eq!(site.tries(B), "transient");
}

#[test]
fn off_the_list_or_past_its_time_counts_no_more() {
    let mut site = Site::new();
    let entry = site.list(A, List::Black);
    assert!(matches!(
        site.manage(Manage::List(ListDraft {
            plate: plate(A),
            list: List::Black,
            note: String::new(),
            from: site.now,
            until: None,
            vehicle: None,
            tier: None,
        })),
        Err(Refusal::Unfit(NotTaken::ListedAlready(..)))
    ));
    site.manage(Manage::Unlist { id: entry }).unwrap();
    assert_eq!(site.tries(A), "transient");
    let (from, until) = (site.now, Some(site.now + HOUR));
    let (list, note) = (List::Black, String::new());
    let draft = ListDraft { plate: plate(B), list, note, from, until, vehicle: None, tier: None };
    site.manage(Manage::List(draft)).unwrap();
    assert_eq!(site.tries(B), "Black");
    site.after(HOUR);
    assert_eq!(site.tries(B), "transient");
}

#[test]
fn an_operator_lets_in_who_was_turned_away_and_the_stay_is_on_record() {
    let mut site = Site::new();
    site.list(A, List::Black);
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", A);
    let denied = Message::Denied { plate: plate(A), why: Help::Black };
    assert_eq!(*site.shown("in"), denied);
    assert!(!site.is_called("in"));
    site.after(Duration::from_secs(121));
    assert!(site.is_called("in"), "it goes on standing there");
    let (act, who, reason) = (OperatorAct::Open, "li".into(), "talked to him".into());
    site.tell(Input::Operator { lane: lane("in"), act, who, reason }).unwrap();
    site.drive_through("in");
    assert_eq!(site.standing(A), Standing::Transient);
    assert_eq!(site.departs(A), "out", "and it gets out again");
}

#[test]
fn a_held_arm_turns_nobody_away() {
    let mut site = Site::new();
    site.list(A, List::Black);
    let (act, who, reason) = (OperatorAct::Hold, "li".into(), "fair".into());
    site.tell(Input::Operator { lane: lane("in"), act, who, reason }).unwrap();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", A);
    assert_eq!(site.standing(A), Standing::Transient);
}

#[test]
fn a_typed_plate_is_not_taken_for_somebody_with_a_right() {
    for (choice, becomes) in [
        (Unfit::Charge, "transient"),
        (Unfit::Refuse, "TypedPlate"),
        (Unfit::Ask, "TypedPlate, called"),
    ] {
        for (by, text, operator) in
            [("driver", A, false), ("driver", "京A1234警", false), ("li", A, true)]
        {
            let mut site = Site::new();
            site.rules.access.typed = choice;
            site.add_pass(season(&[A]));
            site.sensor("in", Sensor::Arrival, true);
            site.reads_vehicle("in", "", Vehicle::default());
            let given = Input::PlateGiven { lane: lane("in"), plate: plate(text), by: by.into() };
            site.tell(given).unwrap();
            let becomes = match (operator, text == A) {
                (true, _) => "pass",
                (false, true) => becomes,
                (false, false) => "transient",
            };
            assert_eq!(site.outcome("in"), becomes, "{by} {text} {choice:?}");
        }
    }
}

#[test]
fn an_emergency_vehicle_behind_one_that_pays_gets_both_out() {
    let mut site = Site::new();
    site.enter(A);
    site.after(HOUR * 2);
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", A);
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    site.read("out", "京A1234警");
    assert_eq!(site.opened("out"), 1, "the one in front is let go");
    site.sensor("out", Sensor::ClosedLimit, false);
    site.sensor("out", Sensor::OpenLimit, true);
    site.sensor("out", Sensor::Safety, true);
    site.sensor("out", Sensor::Safety, false);
    assert!(site.state.stays.is_empty());
    let order = site.journal.iter().rev().find_map(|change| match change {
        Change::Order(order) => Some(order.state.clone()),
        _ => None,
    });
    assert_eq!(order, Some(OrderState::Unpaid), "and goes on owing");
    assert_eq!(site.opened("out"), 2, "nobody saw the police come in; it leaves all the same");
}

// ---- reservations ------------------------------------------------------------------------------

#[test]
fn a_visitor_comes_within_the_window_and_its_tolerance() {
    for (now, becomes) in [
        ("23T09:29", "transient"),
        ("23T09:30", "reservation"),
        ("23T10:00", "reservation"),
        ("23T11:59", "reservation"),
        ("23T12:00", "transient"),
    ] {
        let mut site = Site::new();
        site.manage(Manage::Reserve(visitor("23T10:00", "23T12:00"))).unwrap();
        site.now = at(now);
        site.tell(Input::Tick).unwrap();
        assert_eq!(site.tries(A), becomes, "{now}");
    }
}

#[test]
fn a_place_is_kept_until_its_visitor_comes_or_the_time_is_over() {
    let mut site = Site::new();
    site.capacity(1);
    let kept = site.manage(Manage::Reserve(visitor("23T10:00", "23T12:00"))).unwrap();
    assert_eq!(site.tries(B), "transient", "nothing is kept yet");
    assert_eq!(site.departs(B), "out");
    site.now = at("23T09:40");
    assert_eq!(site.tries(B), "Full");
    assert_eq!(site.tries(A), "reservation");
    assert_eq!(site.state.reservations[&ReservationId(kept)].stay, Some(crate::types::StayId(2)));
    assert_eq!(site.departs(A), "out");
    assert!(site.state.reservations.is_empty(), "used once");
    site.manage(Manage::Reserve(visitor("23T10:00", "23T12:00"))).unwrap();
    site.sensor("in", Sensor::Arrival, true);
    site.read("in", B);
    assert_eq!(site.phase("in"), Phase::Deciding);
    site.now = at("23T12:00");
    site.tell(Input::Tick).unwrap();
    assert!(site.state.reservations.is_empty(), "nobody came");
    assert_eq!(site.phase("in"), Phase::Opening, "so the one who waits comes in");
}
