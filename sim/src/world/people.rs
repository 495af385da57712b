//! Drivers with phones and the operator who helps lanes that call. They know what they see: a display, a page, an arm.

use jiff::Timestamp;
use paifang::core::{
    Message,
    lane::{Help, OperatorAct},
    rules::Direction,
};

use super::{Ev, Happening, LaneIx, Manner, Page, PhoneId, Told, VehicleId, World};

/// A page that still turns after this many looks is opened anew.
const LOOKS_MAX: u32 = 30;
/// A driver who may still pay is left alone for this long.
const PAY_PATIENCE_S: f64 = 480.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thought {
    Scans,
    TypesPlate,
    CallsOperator,
    BacksOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tap {
    Look,
    Pay,
}

#[derive(Debug)]
pub(super) struct Phone {
    lane: LaneIx,
    vehicle: VehicleId,
    link: Option<String>,
    looks: u32,
    late: bool,
}

/// What the cashier's page says in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CashierSays {
    Paid,
    /// Expired, reversed, or never there.
    Closed,
    Busy,
}

impl World {
    /// How long a person takes for what takes others `low` to `high` seconds.
    fn takes(&mut self, low: f64, high: f64) -> std::time::Duration {
        let haste = self.spec.pace.haste;
        self.draws.people.secs(low / haste, high / haste)
    }

    // ---- at the lane -----------------------------------------------------------------------------

    pub(super) fn stands(&mut self, lane: LaneIx, id: VehicleId, now: Timestamp) {
        let patience = self.takes(120.0, 200.0);
        self.queue.put(now + patience, Ev::ThinksOf(lane, id, Thought::CallsOperator));
        let entry = self.lanes[lane].spec.direction == Direction::Entry;
        if entry && self.draws.people.chance(self.faults.people.backs_out / 3.0) {
            let after = self.takes(1.0, 20.0);
            self.queue.put(now + after, Ev::ThinksOf(lane, id, Thought::BacksOut));
        }
        self.driver_reads(lane, now);
    }

    pub(super) fn driver_reads(&mut self, lane: LaneIx, now: Timestamp) {
        let Some((id, manner)) = self.lanes[lane].waiting().map(|v| (v.id, v.manner)) else {
            return;
        };
        let message = self.lanes[lane].message.clone();
        match message {
            Message::Pay { .. } => self.plans_to_pay(lane, id, manner, now),
            Message::Help => {
                if self.draws.people.chance(0.7) {
                    let after = self.takes(10.0, 40.0);
                    self.queue.put(now + after, Ev::ThinksOf(lane, id, Thought::TypesPlate));
                }
                self.call_operator(lane, now);
            }
            Message::Denied { why: Help::WrongLane | Help::Full, .. } => {
                self.sent_away(lane, id, now);
            }
            Message::Faulty | Message::Denied { .. } => self.call_operator(lane, now),
            Message::Ready
            | Message::Charging { .. }
            | Message::Charged { .. }
            | Message::Wait
            | Message::PassEnds { .. }
            | Message::Balance { .. }
            | Message::Owes { .. }
            | Message::Welcome { .. }
            | Message::GoodBye { .. }
            | Message::HelpCalled { .. }
            | Message::Full
            | Message::LaneClosed
            | Message::HeldOpen
            | Message::PassOn { .. }
            | Message::NotAdmitted { .. } => {}
        }
    }

    /// Not by this lane, or not now: most drive off, some wait and call somebody.
    fn sent_away(&mut self, lane: LaneIx, id: VehicleId, now: Timestamp) {
        if let Some(vehicle) = self.lanes[lane].waiting_mut() {
            vehicle.sent_away = true;
        }
        if self.draws.people.chance(0.7) {
            let after = self.takes(5.0, 240.0);
            self.queue.put(now + after, Ev::ThinksOf(lane, id, Thought::BacksOut));
        } else {
            self.call_operator(lane, now);
        }
    }

    fn plans_to_pay(&mut self, lane: LaneIx, id: VehicleId, manner: Manner, now: Timestamp) {
        let haste = self.spec.pace.haste;
        let draws = &mut self.draws.people;
        let think = draws.secs(5.0 / haste, 40.0 / haste);
        let mut plan =
            |after, thought| self.queue.put(now + after, Ev::ThinksOf(lane, id, thought));
        match manner {
            Manner::Pays | Manner::PaysLate => plan(think, Thought::Scans),
            Manner::TwoPhones => {
                plan(think, Thought::Scans);
                plan(think + draws.secs(1.0 / haste, 60.0 / haste), Thought::Scans);
            }
            Manner::BacksOut => {
                if draws.chance(0.5) {
                    plan(think, Thought::Scans);
                }
                plan(draws.secs(20.0 / haste, 240.0 / haste), Thought::BacksOut);
            }
            Manner::NeverPays => {}
        }
    }

    pub(super) fn think(&mut self, lane: LaneIx, id: VehicleId, thought: Thought, now: Timestamp) {
        let message = self.lanes[lane].message.clone();
        let pays = matches!(message, Message::Pay { .. });
        let haste = self.spec.pace.haste;
        let there = self.lanes[lane].vehicles.iter().any(|v| v.id == id);
        let Some(vehicle) = self.lanes[lane].waiting_mut().filter(|v| v.id == id) else {
            if there && thought == Thought::CallsOperator {
                // On the move just now; it may have to stop again.
                let again = now + std::time::Duration::from_mins(1);
                self.queue.put(again, Ev::ThinksOf(lane, id, thought));
            }
            return;
        };
        match thought {
            Thought::Scans if pays && vehicle.scans < 6 => {
                vehicle.scans += 1;
                let late = vehicle.manner == Manner::PaysLate && vehicle.scans == 1;
                let phone = self.next_phone;
                self.next_phone += 1;
                let vehicle = id;
                self.phones.insert(phone, Phone { lane, vehicle, link: None, looks: 0, late });
                self.tell(Happening::PageWanted { phone, lane });
            }
            Thought::Scans => {}
            Thought::TypesPlate => {
                if message == Message::Help && vehicle.plate.is_empty() {
                    self.tell(Happening::HasNoPlate { lane, vehicle: id });
                } else if message == Message::Help && !vehicle.typed {
                    vehicle.typed = true;
                    let plate = vehicle.plate.clone();
                    self.tell(Happening::TypesPlate { lane, plate, by: "driver" });
                }
            }
            Thought::CallsOperator => {
                let since = vehicle.at_line_since.unwrap_or(now);
                if !pays || now.duration_since(since).as_secs_f64() > PAY_PATIENCE_S / haste {
                    self.call_operator(lane, now);
                }
                let again = self.takes(60.0, 120.0);
                self.queue.put(now + again, Ev::ThinksOf(lane, id, Thought::CallsOperator));
            }
            // Let in meanwhile.
            Thought::BacksOut
                if vehicle.sent_away && !matches!(message, Message::Denied { .. }) => {}
            Thought::BacksOut => {
                vehicle.backs = true;
                self.wake(lane, now);
            }
        }
    }

    // ---- phones ----------------------------------------------------------------------------------

    /// What a phone that wanted the page got to see.
    pub fn page(&mut self, now: Timestamp, phone: PhoneId, page: Page) {
        let Some(held) = self.phones.get_mut(&phone) else { return };
        match page {
            Page::Link(link) => {
                held.link = Some(link);
                let (low, high) = if held.late { (240.0, 480.0) } else { (5.0, 60.0) };
                let after = self.takes(low, high);
                self.queue.put(now + after, Ev::Phone(phone, Tap::Pay));
            }
            Page::NotYet if held.looks < LOOKS_MAX => {
                held.looks += 1;
                self.queue
                    .put(now + std::time::Duration::from_secs(2), Ev::Phone(phone, Tap::Look));
            }
            Page::NotYet | Page::Over => self.puts_phone_away(phone, now),
        }
    }

    pub(super) fn tap(&mut self, phone: PhoneId, tap: Tap, now: Timestamp) {
        let Some(held) = self.phones.get(&phone) else { return };
        if let (Tap::Pay, Some(link)) = (tap, held.link.clone()) {
            return self.tell(Happening::PaysAtCashier { phone, link });
        }
        let lane = held.lane;
        if self.lanes[lane].vehicles.iter().any(|v| v.id == held.vehicle) {
            self.tell(Happening::PageWanted { phone, lane });
        } else {
            self.puts_phone_away(phone, now);
        }
    }

    pub fn cashier_said(&mut self, now: Timestamp, phone: PhoneId, says: CashierSays) {
        let Some(held) = self.phones.get_mut(&phone) else { return };
        match says {
            CashierSays::Paid => {
                self.phones.remove(&phone);
            }
            CashierSays::Busy if held.looks < LOOKS_MAX => {
                held.looks += 5;
                self.queue.put(now + std::time::Duration::from_secs(8), Ev::Phone(phone, Tap::Pay));
            }
            CashierSays::Busy | CashierSays::Closed => self.puts_phone_away(phone, now),
        }
    }

    /// And scans again, if it still stands there and is told to pay.
    fn puts_phone_away(&mut self, phone: PhoneId, now: Timestamp) {
        if let Some(held) = self.phones.remove(&phone) {
            let after = self.takes(3.0, 15.0);
            let scan = Ev::ThinksOf(held.lane, held.vehicle, Thought::Scans);
            self.queue.put(now + after, scan);
        }
    }

    // ---- the operator ----------------------------------------------------------------------------

    fn call_operator(&mut self, lane: LaneIx, now: Timestamp) {
        if !self.lanes[lane].called {
            self.lanes[lane].called = true;
            let after = self.takes(20.0, 90.0);
            self.queue.put(now + after, Ev::OperatorLooks(lane));
        }
    }

    /// Somebody stands before a closed arm: the plate is typed, or the arm opened, with a reason.
    pub(super) fn operator_looks(&mut self, lane: LaneIx, now: Timestamp) {
        self.lanes[lane].called = false;
        let open = self.lanes[lane].arm.is_open();
        let message = self.lanes[lane].message.clone();
        let Some(vehicle) = self.lanes[lane].waiting_mut() else { return };
        // Where vehicles follow each other quickly, the call was for the one before: this one is about to pay.
        let since = vehicle.at_line_since.unwrap_or(now);
        let pays = self.spec.pace.stay_s.is_some()
            && matches!(message, Message::Pay { .. })
            && now.duration_since(since).as_secs_f64() < PAY_PATIENCE_S / self.spec.pace.haste;
        if open || pays {
            return self.call_operator(lane, now);
        }
        vehicle.helped += 1;
        if message == Message::Help && vehicle.plate.is_empty() && vehicle.helped < 5 {
            let vehicle = vehicle.id;
            self.tell(Happening::HasNoPlate { lane, vehicle });
            return self.call_operator(lane, now);
        }
        let (plate, tries) = (vehicle.plate.clone(), vehicle.helped);
        self.tally.add("people: operator helped");
        if self.draws.people.chance(self.faults.people.operator_errs) {
            let act = self.draws.people.pick(&[OperatorAct::Close, OperatorAct::Unlock]);
            self.tell(Happening::Operator { lane, act, reason: "" });
            self.tell(Happening::Operator { lane, act, reason: "wrong button" });
        }
        let act = match message {
            Message::Help if tries == 1 && self.draws.people.chance(0.6) => {
                self.tell(Happening::TypesPlate { lane, plate, by: "operator" });
                return self.call_operator(lane, now);
            }
            Message::LaneClosed => OperatorAct::Unlock,
            Message::HeldOpen => OperatorAct::Release,
            _ if tries % 4 == 3 => OperatorAct::Hold,
            _ => OperatorAct::Open,
        };
        self.tell(Happening::Operator { lane, act, reason: "driver asked for help" });
        self.call_operator(lane, now);
    }

    pub(super) fn operator_acts(
        &mut self,
        lane: LaneIx,
        act: OperatorAct,
        tries: u32,
        now: Timestamp,
    ) {
        self.tell(Happening::Operator { lane, act, reason: "delivery" });
        let undoes = matches!(act, OperatorAct::Release | OperatorAct::Unlock);
        if undoes && tries < 3 {
            // Whoever undoes looks whether it worked: an answer may get lost.
            let after = self.takes(20.0, 60.0);
            self.queue.put(now + after, Ev::OperatorActs(lane, act, tries + 1));
        }
    }

    /// What the site answered to [`Happening::Operator`].
    pub fn operator_told(&mut self, now: Timestamp, lane: LaneIx, act: OperatorAct, told: &Told) {
        let undo = match act {
            OperatorAct::Hold => OperatorAct::Release,
            OperatorAct::Lock => OperatorAct::Unlock,
            OperatorAct::Open
            | OperatorAct::Close
            | OperatorAct::Release
            | OperatorAct::Unlock
            | OperatorAct::Turn => return,
        };
        match told {
            Told::Done | Told::Nobody => {
                let after = self.takes(60.0, 600.0);
                self.queue.put(now + after, Ev::OperatorActs(lane, undo, 0));
            }
            Told::Refused(_) => self.tally.add("people: operator refused"),
        }
    }
}
