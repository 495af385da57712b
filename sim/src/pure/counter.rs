//! Operators at counters in virtual time: they open and hand over shifts, take cash, give it back and lower fees. Keeps its
//! own count of each drawer. Knows no arm.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use paifang::{
    core::{
        Input,
        input::Answer,
        lane::Phase,
        till::{Cash, TillAct},
    },
    types::{BoothId, CashId, LaneId, OrderId, PaymentId, ReservationId, ShiftId},
};

use super::{
    check::{Broken, Law, law},
    guests, passes,
    run::Run,
    site::{self, Feature},
};
use crate::{
    faults::{Faults, Tally},
    queue::Queue,
    seed::{Draws, Seed},
};

/// In the drawer at the first shift, in minor units.
const FLOAT_MINOR: i64 = 20_000;
/// Share of drivers who pay in cash where somebody takes it.
const CASH: f64 = 0.3;
/// A clerk who gets no answer asks again after this, so many times.
pub(super) const AGAIN: Duration = Duration::from_secs(15);
const TRIES_MAX: u32 = 6;

#[derive(Clone, Debug)]
pub(super) enum Ev {
    /// A booth's shift begins, goes to the next operator, or ends.
    HandOver(usize),
    /// A driver holds money out for an order.
    Serve(OrderId, u32),
    GiveBack(usize),
    Lower,
    Validate,
    TakeBack,
    /// Somebody remembers what is owed.
    Owed,
    /// A holder renews a pass, or the office sets one right.
    Passes,
    /// Somebody inside pays by phone before going to the car.
    Prepay,
    /// A host says whom to expect.
    Expect,
    /// The visitor comes.
    Comes(String),
    /// The host thinks better of it.
    Unexpect(ReservationId),
    /// A phone far from any lane waits for its cashier.
    Phone(PaymentId, u32),
}

#[derive(Debug)]
struct Booth {
    id: BoothId,
    staff: [&'static str; 2],
    shift: Option<ShiftId>,
    /// What really lies in the drawer.
    drawer_minor: i64,
    /// How much more was counted than was there, at the last hand-over.
    off_minor: i64,
}

#[derive(Debug)]
pub(super) struct Counter {
    booths: Vec<Booth>,
    pub(super) queue: Queue<Ev>,
    pub(super) draws: Draws,
    /// Of passes: what they draw moves nothing else.
    pub(super) pass_draws: Draws,
    /// Of visitors who are expected, and drivers who pay inside.
    pub(super) guest_draws: Draws,
    /// Visitors so far.
    pub(super) guests: u64,
    /// Chance that a count is wrong.
    miscounts: f64,
    pub(super) shops: bool,
    /// Orders somebody pays in cash just now.
    held_out: BTreeSet<OrderId>,
    /// Cash that is counted in its drawer.
    booked: BTreeSet<CashId>,
    pub(super) drains: bool,
    pub(super) tally: Tally,
}

impl Counter {
    pub(super) fn new(number: u64, faults: &Faults, now: Timestamp) -> Self {
        let booth = |(id, staff)| Booth { id, staff, shift: None, drawer_minor: 0, off_minor: 0 };
        let staff = [["li", "wang"], ["zhao", "qian"]];
        let mut counter = Self {
            booths: site::booths(number).into_iter().zip(staff).map(booth).collect(),
            queue: Queue::new(),
            draws: Seed(number).child("counter").draws(),
            pass_draws: Seed(number).child("passes").draws(),
            guest_draws: Seed(number).child("guests").draws(),
            guests: 0,
            miscounts: faults.people.miscounts,
            shops: Feature::Shops.is_of(number),
            held_out: BTreeSet::new(),
            booked: BTreeSet::new(),
            drains: false,
            tally: Tally::default(),
        };
        for booth in 0..counter.booths.len() {
            counter.plan(now, 200.0, Ev::HandOver(booth));
            counter.plan(now, 4.0, Ev::GiveBack(booth));
        }
        if !counter.booths.is_empty() {
            counter.plan(now, 6.0, Ev::Lower);
        }
        if counter.shops {
            counter.plan(now, 60.0, Ev::Validate);
            counter.plan(now, 10.0, Ev::TakeBack);
        }
        if Feature::Arrears.is_of(number) {
            counter.plan(now, 30.0, Ev::Owed);
        }
        if Feature::Passes.is_of(number) {
            let after = counter.pass_draws.wait(passes::PER_DAY);
            counter.queue.put(now + after, Ev::Passes);
        }
        for (feature, per_day, event) in [
            (Feature::Guests, guests::EXPECTED, Ev::Expect),
            (Feature::Tariffs, guests::PAY_INSIDE, Ev::Prepay),
        ] {
            if feature.is_of(number) {
                let after = counter.guest_draws.wait(per_day);
                counter.queue.put(now + after, event);
            }
        }
        counter
    }

    pub(super) fn plan(&mut self, now: Timestamp, per_day: f64, event: Ev) {
        let after = self.draws.wait(per_day);
        self.queue.put(now + after, event);
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.queue.next_at()
    }

    /// Nobody comes to the counter any more; who is there hands over once all vehicles are out.
    pub(super) fn drain(&mut self, now: Timestamp) {
        self.drains = true;
        for booth in 0..self.booths.len() {
            self.queue.put(now + Duration::from_mins(30), Ev::HandOver(booth));
        }
    }

    /// A driver at an exit pays in cash, if somebody is there to take it. `true`: for as long as the phone may wait.
    pub(super) fn pays_cash(&mut self, now: Timestamp, order: OrderId, first: bool) -> bool {
        if first && self.booths.iter().any(|b| b.shift.is_some()) && self.draws.chance(CASH) {
            self.held_out.insert(order);
            let after = self.draws.secs(3.0, 40.0);
            self.queue.put(now + after, Ev::Serve(order, 0));
        }
        self.held_out.contains(&order)
    }

    pub(super) fn is_staffed(&self) -> bool {
        !self.booths.is_empty()
    }

    fn booth_of(&self, shift: ShiftId) -> Option<usize> {
        self.booths.iter().position(|booth| booth.shift == Some(shift))
    }

    /// Money goes into a drawer, or out of it.
    fn moves(&mut self, cash: CashId, shift: ShiftId, minor: i64) {
        if self.booked.insert(cash)
            && let Some(booth) = self.booth_of(shift)
        {
            self.booths[booth].drawer_minor += minor;
        }
    }
}

impl Run {
    /// All that is due at the counters now, each in its turn.
    pub(super) fn counter_turn(&mut self) -> Result<(), Broken> {
        while let Some(event) = self.counter.queue.take(self.now) {
            if self.machine.is_down() {
                let again = self.now + Duration::from_mins(1);
                self.counter.queue.put(again, event);
                continue;
            }
            self.look_at_screen();
            match event {
                Ev::HandOver(booth) => self.hand_over(booth)?,
                Ev::Serve(order, tries) => self.serve_cash(order, tries)?,
                Ev::GiveBack(booth) => self.give_cash_back(booth)?,
                Ev::Lower => self.lower_a_fee()?,
                Ev::Validate => self.give_validation()?,
                Ev::TakeBack => self.take_validation_back()?,
                Ev::Owed => self.pay_arrears()?,
                Ev::Passes => self.see_to_passes()?,
                Ev::Prepay => self.pay_inside()?,
                Ev::Expect => self.expect_a_guest()?,
                Ev::Comes(plate) => self.guest_comes(plate),
                Ev::Unexpect(id) => self.unexpect(id)?,
                Ev::Phone(payment, looks) => self.pay_at_home(payment, looks),
            }
        }
        Ok(())
    }

    /// Who is on, and what a power cut kept from being told.
    fn look_at_screen(&mut self) {
        for nth in 0..self.counter.booths.len() {
            let booth = &mut self.counter.booths[nth];
            let open = self.state.shifts.values().find(|shift| shift.booth == booth.id);
            if open.map(|shift| shift.id) == booth.shift {
                continue;
            }
            (booth.drawer_minor, booth.off_minor) = match open {
                // The float lay there, or what the one before left.
                Some(shift) if booth.shift.is_none() => (shift.float.minor, 0),
                Some(shift) => (booth.drawer_minor, shift.float.minor - booth.drawer_minor),
                None => (0, 0),
            };
            booth.shift = open.map(|shift| shift.id);
        }
        let rows = &self.books.shifts.cash;
        let unseen = rows.values().rev().take_while(|cash| !self.counter.booked.contains(&cash.id));
        let unseen: Vec<Cash> = unseen.cloned().collect();
        for cash in unseen {
            self.counter.tally.add("till: found on the screen");
            let sign = if cash.refund_of.is_some() { -1 } else { 1 };
            self.counter.moves(cash.id, cash.shift, sign * cash.amount.minor);
        }
    }

    pub(super) fn till(&mut self, who: &str, act: TillAct) -> Result<Option<Answer>, Broken> {
        let reply = self.step(Input::Till { who: who.to_owned(), act })?;
        Ok(reply.and_then(Result::ok))
    }

    // ---- shifts ------------------------------------------------------------------------------------

    fn hand_over(&mut self, nth: usize) -> Result<(), Broken> {
        let counter = &mut self.counter;
        let ends = counter.drains && self.world.is_empty();
        let per_day = if counter.drains { 144.0 } else { 4.0 };
        let closes = ends || (!counter.drains && counter.draws.chance(0.4));
        let wrong = counter.draws.chance(counter.miscounts);
        let off = if wrong { counter.draws.pick(&[-5_000, -100, 100, 1_000]) } else { 0 };
        let booth = &counter.booths[nth];
        let (id, drawer, known_off) = (booth.id.clone(), booth.drawer_minor, booth.off_minor);
        let shift = booth.shift.and_then(|shift| self.state.shifts.get(&shift));
        let Some(shift) = shift else {
            if counter.drains {
                return Ok(());
            }
            counter.plan(self.now, per_day, Ev::HandOver(nth));
            let who = counter.draws.pick(&counter.booths[nth].staff);
            self.till(who, TillAct::OpenShift { booth: id, float_minor: FLOAT_MINOR })?;
            return Ok(());
        };
        let expected = shift.expected_minor();
        let next = counter.booths[nth].staff.into_iter().find(|who| *who != shift.operator);
        law(Law::DrawerHolds, expected - known_off == drawer, || {
            format!("{drawer} lies in the drawer of {id}, {expected} is expected, {known_off} off")
        })?;
        if !counter.drains || !ends {
            counter.plan(self.now, per_day, Ev::HandOver(nth));
        }
        let counted_minor = (drawer + off).max(0);
        if off != 0 {
            counter.tally.add("people: counted wrong");
        }
        let act = if closes {
            TillAct::CloseShift { booth: id, counted_minor }
        } else if counter.drains {
            return Ok(());
        } else {
            TillAct::TakeOver { booth: id, counted_minor }
        };
        counter.tally.add("till: handed over");
        self.till(next.unwrap_or("li"), act)?;
        Ok(())
    }

    /// An operator who is on now.
    pub(super) fn on_duty(&mut self) -> Option<String> {
        let shifts: Vec<&str> = self.state.shifts.values().map(|s| s.operator.as_str()).collect();
        (!shifts.is_empty()).then(|| self.counter.draws.pick(&shifts).to_owned())
    }

    // ---- cash --------------------------------------------------------------------------------------

    fn serve_cash(&mut self, order: OrderId, tries: u32) -> Result<(), Broken> {
        let owed = self.state.orders.get(&order).map(|order| order.amount.minor);
        let (Some(who), Some(owed)) = (self.on_duty(), owed) else {
            self.counter.held_out.remove(&order);
            return Ok(());
        };
        // A note that is large enough, or, now and then, not.
        let note = self.counter.draws.pick(&[100, 1_000, 5_000, 10_000]);
        let tendered_minor = (owed + note - 1) / note * note;
        let short = self.counter.draws.chance(0.05);
        let tendered_minor = if short { owed - 1 } else { tendered_minor };
        let before = self.machine.life;
        match self.till(&who, TillAct::TakeCash { order, tendered_minor })? {
            Some(Answer::Cash(cash, change)) => {
                self.counter.tally.add("till: cash taken");
                let shift = self.state.shift_of(&who).map(|shift| shift.id);
                let fits = !short && change.minor == tendered_minor - owed;
                law(Law::DrawerHolds, fits, || format!("{change} of {tendered_minor} for {owed}"))?;
                if let Some(shift) = shift {
                    self.counter.moves(cash, shift, tendered_minor - change.minor);
                }
            }
            None if tries < TRIES_MAX && (short || before != self.machine.life) => {
                self.counter.queue.put(self.now + AGAIN, Ev::Serve(order, tries + 1));
                return Ok(());
            }
            _ => {}
        }
        self.counter.held_out.remove(&order);
        Ok(())
    }

    /// A driver comes back with a receipt: part or all of it goes back.
    fn give_cash_back(&mut self, nth: usize) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        self.counter.plan(self.now, 4.0, Ev::GiveBack(nth));
        let rows: Vec<&Cash> = self.books.shifts.cash.values().rev().take(10).collect();
        let Some(shift) = self.counter.booths[nth].shift.filter(|_| !rows.is_empty()) else {
            return Ok(());
        };
        let Some(who) = self.state.shifts.get(&shift).map(|shift| shift.operator.clone()) else {
            return Ok(());
        };
        let cash = self.counter.draws.pick(&rows).clone();
        let part = self.counter.draws.pick(&[1, 1, 2]);
        let amount_minor = (cash.amount.minor / part).max(1);
        let reason = "the wrong car was charged".to_owned();
        let act = TillAct::RefundCash { cash, amount_minor, reason };
        if let Some(Answer::Cash(id, given)) = self.till(&who, act)? {
            self.counter.tally.add("till: cash given back");
            self.counter.moves(id, shift, -given.minor);
        }
        Ok(())
    }

    /// The driver of a vehicle at an exit talks the operator round. Nobody pays by phone just then.
    fn lower_a_fee(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        let payments = || self.state.payments.values().filter(|p| p.state.is_undecided());
        let mut waits = self.orders_at_exits();
        let waits = waits.find(|(_, order)| payments().all(|payment| payment.order != *order));
        let Some((lane, order)) = waits else {
            self.counter.plan(self.now, 400.0, Ev::Lower);
            return Ok(());
        };
        self.counter.plan(self.now, 6.0, Ev::Lower);
        let owed = self.state.orders.get(&order).map_or(0, |order| order.amount.minor);
        let amount_minor = self.counter.draws.pick(&[0, owed / 2]);
        let who = self.on_duty().unwrap_or_else(|| "li".to_owned());
        let reason = "waited for the plumber".to_owned();
        if self.till(&who, TillAct::SetFee { lane, amount_minor, reason })?.is_some() {
            self.counter.tally.add("till: fee lowered");
        }
        Ok(())
    }

    fn orders_at_exits(&self) -> std::vec::IntoIter<(LaneId, OrderId)> {
        let pays = self.state.lanes.values().filter(|lane| lane.phase == Phase::AwaitingPayment);
        let orders = pays.filter_map(|lane| Some((lane.id.clone(), lane.visit.as_ref()?.order?)));
        orders.collect::<Vec<_>>().into_iter()
    }
}
