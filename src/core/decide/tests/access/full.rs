//! A full car park, passes that come twice, lanes for some, and a register that makes no sense.

use super::*;

// ---- a full lot --------------------------------------------------------------------------------

#[test]
fn a_full_lot_by_the_right_of_the_comer() {
    let refuse = [Full::Refuse; 3];
    let admit = [Full::Admit; 3];
    let ask = [Full::Ask; 3];
    // Spaces left, spaces kept for passes, the site's choices, and what becomes of each.
    for (left, kept, choices, transient, pass, white, vip, police, visitor) in [
        (1, 0, refuse, "transient", "pass", "listed", "listed", "emergency", "reservation"),
        (0, 0, refuse, "Full", "Full", "Full", "listed", "emergency", "Full"),
        (0, 0, admit, "transient", "pass", "listed", "listed", "emergency", "reservation"),
        (
            0,
            0,
            ask,
            "Full, called",
            "Full, called",
            "Full, called",
            "listed",
            "emergency",
            "Full, called",
        ),
        (2, 2, refuse, "Full", "pass", "listed", "listed", "emergency", "reservation"),
        (3, 2, refuse, "transient", "pass", "listed", "listed", "emergency", "reservation"),
    ] {
        for (who, becomes) in [
            (Right::Transient, transient),
            (Right::Pass, pass),
            (Right::White, white),
            (Right::Vip, vip),
            (Right::Emergency, police),
            (Right::Reservation, visitor),
        ] {
            let mut site = Site::new();
            site.enter("京Z00001");
            site.capacity(left + 1);
            let full = &mut site.rules.access.full;
            [full.transient, full.pass, full.reservation] = choices;
            full.kept_for_passes = kept;
            let text = if who == Right::Emergency { "京A1234警" } else { A };
            match who {
                Right::Pass => drop(site.add_pass(season(&[A]))),
                Right::White => drop(site.list(A, List::White)),
                Right::Vip => drop(site.list(A, List::Vip)),
                Right::Reservation => {
                    site.manage(Manage::Reserve(super::access::visitor("23T08:00", "23T12:00")))
                        .unwrap();
                }
                Right::Transient | Right::Emergency => {}
            }
            assert_eq!(site.tries(text), becomes, "{left} left, {kept} kept: {who:?}");
        }
    }
}

#[test]
fn who_waits_longest_before_a_full_lot_comes_in_first() {
    let mut site = Site::new();
    let entry = site.rules.lanes[&lane("in")].clone();
    site.rules.lanes.insert(lane("in-2"), entry);
    site.tell(Input::Started).unwrap();
    for id in ["in", "in-2", "out"] {
        for (sensor, on) in [
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::OpenLimit, false),
            (Sensor::ClosedLimit, true),
        ] {
            site.sensor(id, sensor, on);
        }
    }
    site.enter("京Z00001");
    site.capacity(1);
    for (id, text) in [("in-2", B), ("in", A)] {
        site.sensor(id, Sensor::Arrival, true);
        site.read(id, text);
        assert_eq!(site.phase(id), Phase::Deciding);
        site.after(Duration::from_secs(10));
    }
    assert_eq!(site.departs("京Z00001"), "out");
    assert_eq!((site.phase("in-2"), site.phase("in")), (Phase::Opening, Phase::Deciding));
}

// ---- anti-passback -----------------------------------------------------------------------------

#[test]
fn anti_passback() {
    use PassbackMode::{Hard, Off, Soft};
    // What happened before, the mode, and what becomes of it at the entry or the exit.
    for (before, mode, becomes) in [
        ("inside, enters", Off, "pass"),
        ("inside, enters", Soft, "pass, on record"),
        ("inside, enters", Hard, "AlreadyInside, called, on record"),
        ("inside and reset, enters", Hard, "pass"),
        ("inside for long, enters", Hard, "pass"),
        ("fresh, enters", Hard, "pass"),
        ("left, enters", Hard, "pass"),
        ("left, leaves", Off, "out"),
        ("left, leaves", Soft, "out, on record"),
        ("left, leaves", Hard, "NotInside, called, on record"),
        ("left and reset, leaves", Hard, "out"),
        ("left long ago, leaves", Hard, "out"),
        ("fresh, leaves", Hard, "out"),
        ("inside, leaves", Hard, "out"),
    ] {
        let mut site = Site::new();
        site.rules.access.passback.mode = mode;
        let pass = site.add_pass(season(&[A]));
        if before.starts_with("inside") || before.starts_with("left") {
            assert_eq!(site.tries(A), "pass");
        }
        if before.starts_with("left") {
            assert_eq!(site.departs(A), "out");
        }
        site.after(HOUR);
        if before.contains("reset") {
            site.manage(Manage::ResetPassback { plate: plate(A) }).unwrap();
        }
        if before.contains("long") {
            site.after(Duration::from_hours(7 * 24));
        }
        let enters = before.ends_with("enters");
        let mut found = if enters { site.tries(A) } else { site.departs(A) };
        if site.state.passes[&pass].passback.is_some() {
            found.push_str(", on record");
        }
        assert_eq!(found, becomes, "{before}, {mode:?}");
    }
}

#[test]
fn nobody_but_holders_of_passes_is_passed_back() {
    let mut site = Site::new();
    site.rules.access.passback.mode = PassbackMode::Hard;
    assert_eq!(site.tries(A), "transient");
    site.after(HOUR);
    assert_eq!(site.tries(A), "transient", "its exit was missed");
    assert_eq!(site.departs(B), "NoStay, called");
}

// ---- lanes for some ----------------------------------------------------------------------------

#[test]
fn lanes_restricted_by_class_and_by_right() {
    use VehicleClass::{Large, Small};
    let all: &[Right] = &[];
    for (classes, only, class, pass, becomes) in [
        (&[] as &[VehicleClass], all, Large, false, "transient"),
        (&[Small], all, Small, false, "transient"),
        (&[Small], all, Large, false, "WrongLane"),
        (&[], &[Right::Pass, Right::Vip], Small, false, "WrongLane"),
        (&[], &[Right::Pass, Right::Vip], Small, true, "pass"),
        (&[Large], &[Right::Pass], Small, true, "WrongLane"),
    ] {
        let mut site = Site::new();
        let serves = &mut site.rules.lanes.get_mut(&lane("in")).unwrap().serves;
        serves.classes.extend(classes);
        serves.only.extend(only);
        if pass {
            site.add_pass(season(&[A]));
        }
        assert_eq!(site.tries_as(A, Vehicle::of(class)), becomes, "{classes:?} {only:?}");
        assert_eq!(site.tries("京A1234警"), "emergency", "always and everywhere");
    }
}

#[test]
fn an_exit_for_passes_sends_others_to_the_next() {
    let mut site = Site::new();
    site.rules.lanes.get_mut(&lane("out")).unwrap().serves.only.insert(Right::Pass);
    site.enter(A);
    assert_eq!(site.departs(A), "WrongLane");
}

#[test]
fn the_class_is_what_the_camera_saw_unless_a_pass_says_otherwise() {
    let mut site = Site::new();
    let large = Vehicle::of(VehicleClass::Large);
    site.add_pass(PassDraft { vehicle: Some(Vehicle::default()), ..season(&[A]) });
    site.tries_as(A, large);
    site.tries_as(B, large);
    let class = |text| site.state.stay_of(&plate(text)).unwrap().vehicle.class;
    assert_eq!((class(A), class(B)), (VehicleClass::Small, VehicleClass::Large));
}

fn end(id: PassId) -> Manage {
    Manage::EndPass { id, rest: Rest::Kept, reason: "moved away".into() }
}

fn adjust(id: PassId, by: i64) -> Manage {
    Manage::AdjustPass { id, by, reason: "written off twice".into() }
}

fn extend(id: PassId, until: Timestamp) -> Manage {
    Manage::ExtendPass { id, until, reason: "works in the yard".into() }
}

// ---- the register ------------------------------------------------------------------------------

#[test]
fn what_makes_no_sense_is_refused() {
    let other = season(&[A, B]);
    let zone = ZoneId::parse("moon").unwrap();
    for (why, draft) in [
        (NotTaken::Name, PassDraft { holder: "  ".into(), ..season(&[C]) }),
        (NotTaken::Plates, season(&[])),
        (NotTaken::Plates, season(&[C, C])),
        (NotTaken::Plates, season(&["无牌-0001"])),
        (NotTaken::Spaces, PassDraft { spaces: 0, ..season(&[C]) }),
        (NotTaken::Spaces, PassDraft { spaces: 2, ..season(&[C]) }),
        (NotTaken::Period, PassDraft { valid_until: at("21T00:00"), ..season(&[C]) }),
        (NotTaken::Period, PassDraft { valid_until: at("22T12:00"), ..season(&[C]) }),
        (
            NotTaken::Amount,
            PassDraft { kind: PassKind::Stored { balance_minor: -1 }, ..season(&[C]) },
        ),
        (
            NotTaken::Hours,
            PassDraft {
                hours: vec![WeekSpan { days: 0, from_minute: 0, to_minute: 60 }],
                ..season(&[C])
            },
        ),
        (NotTaken::NoZone(zone.clone()), PassDraft { zones: vec![zone], ..season(&[C]) }),
        (NotTaken::OtherPass { plate: plate(B), pass: PassId(1) }, season(&[C, B])),
    ] {
        let mut site = Site::new();
        site.add_pass(other.clone());
        let before = site.state.clone();
        assert_eq!(site.manage(Manage::AddPass(draft)), Err(Refusal::Unfit(why)));
        assert_eq!(site.state, before);
    }
    let mut site = Site::new();
    let id = site.add_pass(other);
    for (act, why) in [
        (end(PassId(9)), NotTaken::NoPass(PassId(9))),
        (adjust(id, 5), NotTaken::NothingToTopUp),
        (extend(id, site.now), NotTaken::Period),
        (Manage::Unlist { id: ListedId(1) }, NotTaken::NoListed(ListedId(1))),
        (
            Manage::CancelReservation { id: ReservationId(1) },
            NotTaken::NoReservation(ReservationId(1)),
        ),
        (Manage::ResetPassback { plate: plate(C) }, NotTaken::PlateUnknown(plate(C))),
    ] {
        assert_eq!(site.manage(act), Err(Refusal::Unfit(why)));
    }
    site.manage(Manage::Reserve(visitor("23T10:00", "23T12:00"))).unwrap();
    let again = site.manage(Manage::Reserve(visitor("23T11:00", "23T13:00")));
    assert!(matches!(again, Err(Refusal::Unfit(NotTaken::ReservedAlready(..)))));
    let odd = ReservationDraft { tariff: Some("moon".into()), ..visitor("24T11:00", "24T13:00") };
    let odd = site.manage(Manage::Reserve(odd));
    assert_eq!(odd, Err(Refusal::Unfit(NotTaken::NoTariff("moon".into()))));
}

#[test]
fn each_change_names_who_made_it() {
    let mut site = Site::new();
    let id = site.add_pass(PassDraft { kind: PassKind::Count { left: 2 }, ..season(&[A]) });
    site.manage(adjust(id, 3)).unwrap();
    let kind = PassKind::Count { left: 2 };
    site.manage(Manage::ChangePass { id, to: PassDraft { kind, ..season(&[B]) } }).unwrap();
    let to = season(&[B]);
    assert_eq!(
        site.manage(Manage::ChangePass { id, to }),
        Err(Refusal::Unfit(NotTaken::KindStays))
    );
    site.manage(end(id)).unwrap();
    let rows = site.journal.iter().filter_map(|change| match change {
        Change::Pass(pass) => Some((pass.by.as_str(), pass.kind, pass.over_at.is_some())),
        _ => None,
    });
    let count = |left| PassKind::Count { left };
    assert_eq!(
        rows.collect::<Vec<_>>(),
        [
            ("li", count(2), false),
            ("li", count(5), false),
            // What is in it is not what a form says.
            ("li", count(5), false),
            ("li", count(0), true),
        ]
    );
    assert_eq!(site.tries(B), "transient");
}
