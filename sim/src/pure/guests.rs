//! Visitors whom a host expects, most of whom come, and drivers who pay by phone before they go to their car. Know no lane.

use std::time::Duration;

use paifang::{
    core::{
        Input,
        input::Answer,
        manage::{Manage, ReservationDraft},
    },
    types::{Plate, ReservationId},
};

use super::{
    check::Broken,
    counter::{AGAIN, Ev},
    run::Run,
};

/// In a day.
pub(super) const EXPECTED: f64 = 24.0;
pub(super) const PAY_INSIDE: f64 = 60.0;

impl Run {
    /// A place is kept for some hours from about now; the visitor comes within them, a little late, or not at all.
    pub(super) fn expect_a_guest(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        let draws = &mut self.counter.guest_draws;
        let after = draws.wait(EXPECTED);
        let (from, lasts) = (draws.secs(0.0, 3_600.0), draws.secs(3_600.0, 14_400.0));
        let comes = from + draws.secs(0.0, lasts.as_secs_f64() * 1.1);
        let shows_up = draws.chance(0.8);
        let thinks_better = draws.chance(0.1);
        self.counter.queue.put(self.now + after, Ev::Expect);
        self.counter.guests += 1;
        let name = format!("贵A{:05}", self.counter.guests * 7_919 % 100_000);
        let Ok(plate) = Plate::parse(&name) else { return Ok(()) };
        let begins = self.core_now() + from;
        let draft = ReservationDraft {
            plate,
            host: "the host".into(),
            zone: None,
            from: begins,
            until: begins + lasts,
            tariff: None,
        };
        let act = Manage::Reserve(draft);
        let told = self.step(Input::Manage { by: "li".into(), act })?;
        self.counter.tally.add("reservation: made");
        if shows_up {
            self.counter.queue.put(self.now + comes, Ev::Comes(name));
        }
        if let (Some(Ok(Answer::Entered(number))), true) = (told, thinks_better) {
            let id = ReservationId(number);
            self.counter.queue.put(self.now + comes / 2, Ev::Unexpect(id));
        }
        Ok(())
    }

    pub(super) fn guest_comes(&mut self, plate: String) {
        if !self.counter.drains && !self.world.is_about(&plate) {
            self.world.comes_again(self.now, plate);
        }
    }

    pub(super) fn unexpect(&mut self, id: ReservationId) -> Result<(), Broken> {
        let act = Manage::CancelReservation { id };
        let told = self.step(Input::Manage { by: "li".into(), act })?;
        if matches!(told, Some(Ok(_))) {
            self.counter.tally.add("reservation: cancelled");
        }
        Ok(())
    }

    /// And leaves soon, or stays beyond the time to leave.
    pub(super) fn pay_inside(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        let after = self.counter.guest_draws.wait(PAY_INSIDE);
        self.counter.queue.put(self.now + after, Ev::Prepay);
        let inside = self.state.stays.values().filter(|stay| !self.is_at_a_lane(stay.id));
        let plates: Vec<Plate> = inside.map(|stay| stay.plate.clone()).collect();
        if plates.is_empty() {
            return Ok(());
        }
        let refs: Vec<&Plate> = plates.iter().collect();
        let plate = self.counter.guest_draws.pick(&refs).clone();
        let asked = Input::PrepayAsked { plate: plate.clone() };
        let Some(Ok(Answer::Order(order))) = self.step(asked)? else { return Ok(()) };
        if let Some(Ok(Answer::Payment(payment))) = self.step(Input::PayAsked { order })? {
            self.counter.queue.put(self.now + AGAIN, Ev::Phone(payment, 0));
            let goes = self.counter.guest_draws.secs(90.0, 40.0 * 60.0);
            self.world.leaves_soon(self.now, plate.full(), goes.max(Duration::from_mins(2)));
        }
        Ok(())
    }
}
