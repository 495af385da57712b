//! Operators who add, change and end passes, lists and reservations of the traffic's own plates. Checks nothing itself.

use std::time::Duration;

use rand::{RngExt, seq::IndexedRandom};

use super::site::{Traffic, lane};
use crate::{
    core::{
        Input,
        manage::{ListDraft, Manage, PassDraft, ReservationDraft, Rest},
        pass::{List, PassKind, WeekSpan},
    },
    types::{Code, ListedId, PassId, Plate, ReservationId},
};

impl Traffic {
    pub(super) fn register(&mut self) {
        let counters = self.state.counters;
        let mut number = |last: i64| self.rng.random_range(0..=last) + 1;
        let pass = PassId(number(counters.pass));
        let listed = ListedId(number(counters.listed));
        let reservation = ReservationId(number(counters.reservation));
        let until = self.now + Duration::from_hours(self.rng.random_range(1..200));
        let act = match self.rng.random_range(0..12) {
            0..3 => Manage::AddPass(self.pass()),
            3 => Manage::ChangePass { id: pass, to: self.pass() },
            4 => Manage::ExtendPass { id: pass, until, reason: "x".into() },
            5 => Manage::AdjustPass { id: pass, by: 700, reason: "x".into() },
            6 => Manage::EndPass { id: pass, rest: Rest::Kept, reason: "x".into() },
            7 => Manage::ResetPassback { plate: self.plate() },
            8 => Manage::List(self.entry()),
            9 => Manage::Unlist { id: listed },
            10 => Manage::Reserve(self.visit()),
            _ => Manage::CancelReservation { id: reservation },
        };
        self.tell(Input::Manage { by: "li".into(), act });
    }

    /// A vehicle without a plate, with a phone that others may have as well.
    pub(super) fn without_plate(&mut self) {
        let phone = Code::parse(&format!("P{}", self.rng.random_range(0..4))).unwrap().digest();
        let by = (*["driver", "li"].choose(&mut self.rng).unwrap()).to_owned();
        self.tell(Input::NoPlate { lane: lane("in"), phone: Some(phone), by });
        self.tell(Input::PhoneShown { lane: lane("out"), phone });
    }

    fn plate(&mut self) -> Plate {
        Plate::parse(&format!("京A{:05}", self.rng.random_range(0..12))).unwrap()
    }

    fn pass(&mut self) -> PassDraft {
        let mut plates = vec![self.plate(), self.plate(), self.plate()];
        plates.sort();
        plates.dedup();
        let kind = match self.rng.random_range(0..3) {
            0 => PassKind::Season,
            1 => PassKind::Stored { balance_minor: self.rng.random_range(0..3_000) },
            _ => PassKind::Count { left: self.rng.random_range(0..4) },
        };
        let hours = [WeekSpan { days: 31, from_minute: 480, to_minute: 1_080 }];
        PassDraft {
            holder: "Li".into(),
            spaces: self.rng.random_range(1..=plates.len() as u32),
            plates,
            kind,
            zones: Vec::new(),
            valid_from: self.now - Duration::from_hours(1),
            valid_until: self.now + Duration::from_hours(self.rng.random_range(1..100)),
            hours: hours.into_iter().filter(|_| self.rng.random()).collect(),
            vehicle: None,
            tier: None,
        }
    }

    fn entry(&mut self) -> ListDraft {
        let lists = [List::Black, List::White, List::Vip, List::Emergency, List::ByHand];
        let list = *lists.choose(&mut self.rng).unwrap();
        let until = self.rng.random_ratio(1, 2).then(|| self.now + Duration::from_hours(9));
        let (plate, note, from) = (self.plate(), "n".into(), self.now);
        ListDraft { plate, list, note, from, until, vehicle: None, tier: None }
    }

    fn visit(&mut self) -> ReservationDraft {
        let from = self.now + Duration::from_mins(self.rng.random_range(0..90));
        let until = from + Duration::from_mins(self.rng.random_range(1..300));
        let (plate, host) = (self.plate(), "room 1".into());
        ReservationDraft { plate, host, zone: None, from, until, tariff: None }
    }
}
