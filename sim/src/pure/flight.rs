//! What is on its way between the daemon and the rest: lost, late, doubled, overtaken. Decides nothing.

use std::time::Duration;

use jiff::Timestamp;
use paifang::{
    core::{
        Effect, Input,
        input::{Answer, Asked, Refusal},
        lane::{ArmAction, OperatorAct},
        rules::Direction,
        stay::Read,
        task::About,
    },
    types::{
        Code, CodeDigest, CommandId, DeviceId, OrderId, Plate, RefundId,
        bank::{Ask, Word},
    },
};

use super::{
    Sabotage,
    check::{Broken, Law},
    rights::Rights,
    run::Run,
    site::bank_of,
};
use crate::world::{CameraRead, Happening, LaneIx, Page, PhoneId, SENSORS, Told, VehicleId};

/// A read that waited for the daemon longer than this is told as one of the past.
const LIVE_FOR: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) enum Item {
    /// Lands only in the life of the daemon it was sent in.
    Tell(u32, Box<Input>),
    /// Kept by the broker while the daemon was down.
    Kept(LaneIx, Box<CameraRead>, Timestamp),
    Again(Box<Input>),
    /// All inputs of a lane are read anew.
    Levels(LaneIx),
    /// A turnstile is read anew.
    GateLevel(usize),
    Arm(LaneIx, CommandId, ArmAction, Timestamp),
    /// To which bank, and for which refund.
    Ask(u32, usize, Box<Ask>, Option<RefundId>),
    PowerOn,
}

impl Run {
    // ---- from the world to the core --------------------------------------------------------------

    pub(super) fn happened(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Sensor { lane, sensor, on } => {
                let id = self.spec.lane_ids[lane].clone();
                self.send(Input::Sensor { lane: id, sensor, on }, Some(lane))
            }
            Happening::Board { lane, silent: true } => {
                self.step(Input::SensorsLost { lane: self.spec.lane_ids[lane].clone() })?;
                Ok(())
            }
            Happening::Board { lane, silent: false } => self.tell_levels(lane),
            Happening::Read { lane, read } if self.machine.is_down() => {
                if self.wire.chance(0.7) {
                    let after = Duration::from_millis(500);
                    self.queue.put(self.now + after, Item::Kept(lane, Box::new(read), self.now));
                }
                Ok(())
            }
            Happening::Read { lane, read } => {
                let input = self.read_of(lane, &read);
                self.send(input, None)
            }
            Happening::ArmAnswered { lane, command, outcome } => {
                let lane = self.spec.lane_ids[lane].clone();
                self.send(Input::ArmAnswered { lane, command, outcome }, None)
            }
            Happening::PageWanted { phone, lane } => self.page_wanted(phone, lane),
            Happening::PaysAtCashier { phone, link } => {
                let says = self.bank.pay(self.now, &link);
                self.world.cashier_said(self.now, phone, says);
                Ok(())
            }
            Happening::TypesPlate { lane, plate, by } => {
                let Ok(plate) = Plate::parse(&plate) else { return Ok(()) };
                self.plate_said(lane, plate, by)
            }
            Happening::HasNoPlate { lane, vehicle } => self.has_no_plate(lane, vehicle),
            Happening::Operator { lane, act, reason } => {
                let id = self.spec.lane_ids[lane].clone();
                self.say_which_stay(lane, act)?;
                let (who, reason) = ("li".into(), reason.into());
                let told = match self.step(Input::Operator { lane: id, act, who, reason })? {
                    Some(Ok(_)) => Told::Done,
                    Some(Err(Refusal::Lane(_, reject))) => Told::Refused(Some(reject)),
                    Some(Err(_)) => Told::Refused(None),
                    None => Told::Nobody,
                };
                self.world.operator_told(self.now, lane, act, &told);
                Ok(())
            }
            Happening::Through { .. } => Ok(()),
            Happening::Touched { lane, vehicle } => Err(Broken::new(
                Law::TouchesNobody,
                format!("vehicle {vehicle} in {}", self.spec.lane_ids[lane]),
            )),
        }
    }

    /// By the driver's own phone, which the site knows again at the exit.
    fn has_no_plate(&mut self, lane: LaneIx, vehicle: VehicleId) -> Result<(), Broken> {
        let lane = self.spec.lane_ids[lane].clone();
        let phone = self.phone_of(vehicle);
        let rules = self.spec.rules.lanes.get(&lane);
        let direction = self.state.lanes.get(&lane).zip(rules).map(|(l, rules)| l.direction(rules));
        let input = match direction {
            Some(Direction::Entry) => {
                Input::NoPlate { lane, phone: Some(phone), by: "driver".into() }
            }
            _ => Input::PhoneShown { lane, phone },
        };
        self.step(input)?;
        Ok(())
    }

    /// Whoever lets a vehicle without a plate out looks up which stay it was, and says so first.
    fn say_which_stay(&mut self, lane: LaneIx, act: OperatorAct) -> Result<(), Broken> {
        let id = &self.spec.lane_ids[lane];
        let read = self.state.lanes.get(id).and_then(|lane| lane.visit.as_ref()?.plate.as_ref());
        let nameless = self.world.nameless(lane).filter(|_| read.is_none());
        if let (OperatorAct::Open | OperatorAct::Hold, Some(vehicle)) = (act, nameless)
            && let Some(stay) = self.state.stay_of_phone(&self.phone_of(vehicle))
        {
            let (lane, plate, by) = (id.clone(), stay.plate.clone(), "li".to_owned());
            self.step(Input::PlateGiven { lane, plate, by })?;
        }
        Ok(())
    }

    fn phone_of(&self, vehicle: VehicleId) -> CodeDigest {
        let code = Code::parse(&format!("phone-{}-{vehicle}", self.seed));
        code.expect("a code of this file").digest()
    }

    /// A driver types it on the phone; an operator looks at the vehicle and at what is asked about it.
    fn plate_said(&mut self, lane: LaneIx, plate: Plate, by: &str) -> Result<(), Broken> {
        let lane = self.spec.lane_ids[lane].clone();
        if by == "driver" {
            self.step(Input::PlateTyped { lane, plate })?;
            return Ok(());
        }
        let visit = self.state.lanes.get(&lane).and_then(|lane| lane.visit.as_ref());
        if let Some(task) = visit.and_then(|visit| visit.task)
            && let Some(About::Misread { candidates, .. }) =
                self.state.tasks.get(&task).map(|task| &task.about)
        {
            let meant = self.state.stay_of(&plate).map(|stay| stay.id);
            let stay = meant.filter(|stay| candidates.iter().any(|c| c.stay == *stay));
            self.tally.add("people: operator settled a misread");
            self.step(Input::MisreadSettled { task, stay, who: by.into() })?;
            if stay.is_some() {
                return Ok(());
            }
        }
        self.step(Input::PlateGiven { lane, plate, by: by.into() })?;
        Ok(())
    }

    /// Over the device's wire. An input that got lost or overtaken is put right by the next look at all of them.
    fn send(&mut self, input: Input, inputs_of: Option<LaneIx>) -> Result<(), Broken> {
        let wire = &self.faults.wire;
        let (lost, late, doubled) = (wire.lost, wire.late, wire.doubled);
        let life = self.machine.life;
        if self.wire.chance(lost) {
            self.tally.add("wire: lost");
            self.look_again(inputs_of);
            return Ok(());
        }
        if self.wire.chance(doubled) {
            self.tally.add("wire: doubled");
            let after = self.wire.secs(0.0, 2.0);
            self.queue.put(self.now + after, Item::Tell(life, Box::new(input.clone())));
            self.look_again(inputs_of);
        }
        if self.wire.chance(late) {
            self.tally.add("wire: late");
            let after = self.wire.secs(0.1, 5.0);
            self.queue.put(self.now + after, Item::Tell(life, Box::new(input)));
            self.look_again(inputs_of);
            return Ok(());
        }
        self.step(input)?;
        Ok(())
    }

    fn look_again(&mut self, inputs_of: Option<LaneIx>) {
        if let Some(lane) = inputs_of {
            let after = self.wire.secs(5.0, 10.0);
            self.queue.put(self.now + after, Item::Levels(lane));
        }
    }

    fn tell_levels(&mut self, lane: LaneIx) -> Result<(), Broken> {
        for (sensor, level) in SENSORS.into_iter().zip(self.world.levels(lane)) {
            if let Some(on) = level {
                let lane = self.spec.lane_ids[lane].clone();
                self.step(Input::Sensor { lane, sensor, on })?;
            }
        }
        Ok(())
    }

    fn read_of(&self, lane: LaneIx, read: &CameraRead) -> Input {
        let id = self.spec.lane_ids[lane].clone();
        let device = DeviceId::parse(&format!("cam-{id}")).expect("a device name of this file");
        let read = Read {
            device,
            event: read.event.to_string(),
            plate: Plate::parse(&read.raw).ok(),
            raw: read.raw.clone(),
            confidence: Some(read.confidence),
            live: read.live,
            taken_at: Some(read.taken_at),
            picture: read.picture.then(|| format!("{id}-{}.jpg", read.event)),
            vehicle: read.kind,
        };
        Input::Read { lane: id, read }
    }

    fn page_wanted(&mut self, phone: PhoneId, lane: LaneIx) -> Result<(), Broken> {
        if self.shows_code(lane)? {
            self.world.page(self.now, phone, Page::NotYet);
            return Ok(());
        }
        let known = self.phones.get(&phone).copied().or_else(|| {
            let lane = self.state.lanes.get(&self.spec.lane_ids[lane])?;
            lane.visit.as_ref()?.order
        });
        let page = match known {
            Some(order) if self.pays_cash(phone, order) => Page::NotYet,
            Some(order) => match self.step(Input::PayAsked { order })? {
                Some(Ok(Answer::Payment(payment))) => {
                    let payment = self.state.payments.get(&payment);
                    payment.and_then(|p| p.link.clone()).map_or(Page::NotYet, Page::Link)
                }
                Some(Ok(Answer::Charging)) | None => Page::NotYet,
                Some(_) => Page::Over,
            },
            None if self.machine.is_down() => Page::NotYet,
            None => Page::Over,
        };
        self.world.page(self.now, phone, page);
        Ok(())
    }

    /// Whoever pays in cash leaves the phone in the pocket.
    fn pays_cash(&mut self, phone: PhoneId, order: OrderId) -> bool {
        let first = self.phones.insert(phone, order).is_none();
        self.counter.pays_cash(self.now, order, first)
    }

    pub(super) fn notified(&mut self, number: String, word: Word) -> Result<(), Broken> {
        self.bank_said(number, Asked::Notified, word)
    }

    /// A payment that was filed away comes back first.
    fn bank_said(&mut self, out_trade_no: String, to: Asked, word: Word) -> Result<(), Broken> {
        if self.state.payment_of(&out_trade_no).is_none() {
            let payment = self.books.by_number.get(&out_trade_no);
            if let Some(payment) = payment.and_then(|id| self.books.payments.get(id)).cloned()
                && let Some(order) = self.books.orders.get(&payment.order).cloned()
            {
                self.step(Input::Recalled { payment, order })?;
            }
        }
        self.step(Input::BankSaid { out_trade_no, to, word })?;
        Ok(())
    }

    /// Not acknowledged, so the broker or the client brings it again.
    pub(super) fn redeliver(&mut self, input: Input) {
        if matches!(input, Input::Read { .. } | Input::PlateGiven { .. } | Input::PayAsked { .. }) {
            self.queue.put(self.now, Item::Again(Box::new(input)));
        }
    }

    // ---- what lands ------------------------------------------------------------------------------

    pub(super) fn land(&mut self, item: Item) -> Result<(), Broken> {
        let retry = self.now + Duration::from_secs(1);
        match item {
            Item::Tell(life, input) if life == self.machine.life => self.tell(*input)?,
            Item::Kept(..) | Item::Again(_) if self.machine.is_down() => {
                self.queue.put(retry, item);
            }
            Item::Kept(lane, read, since) => {
                let live = self.now.duration_since(since).unsigned_abs() <= LIVE_FOR;
                let input = self.read_of(lane, &CameraRead { live: read.live && live, ..*read });
                self.step(input)?;
            }
            Item::Again(input) => {
                self.tally.add("power: input brought again");
                self.step(*input)?;
            }
            Item::Levels(lane) => self.tell_levels(lane)?,
            Item::GateLevel(gate) => {
                if let Some(input) = self.people.level(gate) {
                    self.step(input)?;
                }
            }
            Item::Arm(lane, command, action, expires_at) => {
                self.world.arm(self.now, lane, command, action, expires_at);
            }
            Item::Ask(life, bank, ask, refund) if life == self.machine.life => {
                self.ask(bank, *ask, refund);
            }
            // Sent before the power went.
            Item::Tell(..) | Item::Ask(..) => {}
            Item::PowerOn => self.power_on()?,
        }
        Ok(())
    }

    fn tell(&mut self, input: Input) -> Result<(), Broken> {
        match input {
            Input::BankSaid { out_trade_no, to, word } => self.bank_said(out_trade_no, to, word),
            input => self.step(input).map(|_| ()),
        }
    }

    /// Questions about one payment go one after the other.
    fn ask(&mut self, bank: usize, ask: Ask, refund: Option<RefundId>) {
        let (life, number) = (self.machine.life, ask.out_trade_no().to_owned());
        if let Some(until) = self.asking.get(&number).filter(|until| **until > self.now) {
            return self.queue.put(*until, Item::Ask(life, bank, Box::new(ask), refund));
        }
        let (after, word) = self.bank.ask(self.now, bank, &ask);
        let until = self.now + after;
        self.asking.insert(number.clone(), until);
        let to = match ask {
            Ask::Generate { .. } | Ask::Collect { .. } | Ask::Charge { .. } => Asked::Generate,
            Ask::Query { .. } | Ask::Refund { .. } | Ask::RefundQuery { .. } => Asked::Query,
            Ask::Reverse { .. } => Asked::Reverse,
        };
        let input = match refund {
            Some(refund) => Input::RefundSaid { refund, word },
            None => Input::BankSaid { out_trade_no: number, to, word },
        };
        self.queue.put(until, Item::Tell(life, Box::new(input)));
    }

    // ---- from the core to the world --------------------------------------------------------------

    pub(super) fn perform(&mut self, effect: Effect) -> Result<(), Broken> {
        let life = self.machine.life;
        match effect {
            Effect::Arm { lane, command, action, expires_at } => {
                if let Some(known) = self.state.lanes.get(&lane) {
                    self.books.perform(command, action, known, &self.spec.rules)?;
                    Rights::perform(&lane, action, &self.state, &self.spec.rules)?;
                }
                let expires_at = expires_at - self.machine.ahead;
                let Some(lane) = self.lane_ix(&lane) else { return Ok(()) };
                if self.sabotage == Some(Sabotage::BlindArm) {
                    self.world.blind_arm(lane);
                }
                if self.wire.chance(self.faults.wire.late) {
                    let after = self.wire.secs(0.1, 5.0);
                    self.queue.put(self.now + after, Item::Arm(lane, command, action, expires_at));
                } else {
                    self.world.arm(self.now, lane, command, action, expires_at);
                }
            }
            Effect::Pass { lane, command, action, expires_at, .. } => {
                self.gates.perform(command, action)?;
                let Some(gate) = self.people.index(&lane) else { return Ok(()) };
                let expires_at = expires_at - self.machine.ahead;
                let (after, answer) =
                    self.people.order(self.now, gate, command, action, expires_at);
                self.queue.put(self.now + after, Item::Tell(life, Box::new(answer)));
            }
            Effect::FindTicket { lane, shown } => {
                let ticket = self.gates.shown(&shown);
                let found = Input::TicketFound { lane, shown, ticket };
                self.queue.put(self.now, Item::Tell(life, Box::new(found)));
            }
            Effect::FindVisits { stay, plate, since } => {
                let visits = self.books.visits_before(stay, &plate, since);
                let found = Input::VisitsFound { stay, visits };
                self.queue.put(self.now, Item::Tell(life, Box::new(found)));
            }
            // Nobody issues invoices here, and no bank wants to hear of those that leave.
            Effect::AskInvoice { .. }
            | Effect::FindInvoice { .. }
            | Effect::Turned { .. }
            | Effect::AskSister { .. }
            | Effect::FindCloudTicket { .. }
            | Effect::AskCloud { .. }
            | Effect::TellSister { .. }
            | Effect::TellLeft { .. } => {}
            Effect::FindBought { closure, after, orders } => {
                let found = self.found_bought(closure, after, &orders);
                self.queue.put(self.now, Item::Tell(life, Box::new(found)));
            }
            Effect::TriggerRead { lane } => {
                if let Some(lane) = self.lane_ix(&lane)
                    && !self.wire.chance(self.faults.wire.lost)
                {
                    self.world.trigger(self.now, lane);
                }
            }
            Effect::Show { lane, message } => {
                if let Some(lane) = self.lane_ix(&lane) {
                    self.world.show(self.now, lane, message);
                } else {
                    self.people.told(&lane, message);
                }
            }
            Effect::AskBank { channel, ask } => {
                self.books.stays_with(&channel, ask.out_trade_no())?;
                let bank = bank_of(&channel);
                if bank > 0 && matches!(ask, Ask::Generate { .. } | Ask::Collect { .. }) {
                    self.tally.add("bank: the second asked");
                }
                self.queue.put(self.now, Item::Ask(life, bank, Box::new(ask), None));
            }
            Effect::AskAgreement { channel, stay, ask } => {
                let (after, word) = self.bank.agreement(&ask);
                let at_exit = ask.amount.is_some();
                let said = Input::AgreementSaid { stay, channel, at_exit, word };
                self.queue.put(self.now + after, Item::Tell(life, Box::new(said)));
            }
            Effect::AskRefund { refund, channel, ask } => {
                self.books.stays_with(&channel, ask.out_trade_no())?;
                let ask = Item::Ask(life, bank_of(&channel), Box::new(ask), Some(refund));
                self.queue.put(self.now, ask);
            }
        }
        Ok(())
    }
}
