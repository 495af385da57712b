//! What the office of a simulated site puts on the register before its first day: passes, pools, lists. Knows no lane.

use std::time::Duration;

use jiff::Timestamp;
use paifang::{
    core::{
        Input,
        manage::{ListDraft, Manage, PassDraft},
        pass::{List, PassKind},
    },
    types::Plate,
};

/// Plates of those who come often, the first seven of them with passes; of different cars, so that no two look alike.
const REGULARS: [&str; 10] = [
    "京A20417",
    "京A88631",
    "沪C71950",
    "沪CV5544",
    "粤B90KM2",
    "浙D3X117",
    "苏E66P08",
    "鲁F11111",
    "川G4W9T3",
    "豫H80A02",
];
const YEAR: Duration = Duration::from_hours(24 * 365);

/// Everybody who comes often.
pub(super) fn regulars() -> Vec<String> {
    REGULARS.map(str::to_owned).to_vec()
}

/// Passes of each kind, and one plate on each list.
pub(super) fn register(now: Timestamp) -> Vec<Input> {
    let plates = |from: usize, to: usize| -> Vec<Plate> {
        REGULARS[from..to].iter().filter_map(|plate| Plate::parse(plate).ok()).collect()
    };
    let pass = |plates, spaces, kind, lasts: Duration| {
        Manage::AddPass(PassDraft {
            holder: "holder".into(),
            plates,
            spaces,
            kind,
            zones: Vec::new(),
            valid_from: now,
            valid_until: now + lasts,
            hours: Vec::new(),
            vehicle: None,
            tier: None,
        })
    };
    let list = |nth: usize, list| {
        plates(nth, nth + 1).pop().map(|plate| {
            let note = "simulated".into();
            Manage::List(ListDraft {
                plate,
                list,
                note,
                from: now,
                until: None,
                vehicle: None,
                tier: None,
            })
        })
    };
    let passes = [
        // Three cars share one space; two have one each, until noon.
        pass(plates(0, 3), 1, PassKind::Season, YEAR),
        pass(plates(3, 5), 2, PassKind::Season, Duration::from_hours(12)),
        pass(plates(5, 6), 1, PassKind::Stored { balance_minor: 6_000 }, YEAR),
        pass(plates(6, 7), 1, PassKind::Count { left: 2 }, YEAR),
    ];
    let lists = [list(7, List::White), list(8, List::Vip), list(9, List::Black)];
    let acts = passes.into_iter().chain(lists.into_iter().flatten());
    acts.map(|act| Input::Manage { by: "li".into(), act }).collect()
}
