//! Charging what is bound to the plate (无感支付): asked at the entry, asked again at the exit, charged, and never a reason
//! to stand there. Knows no wire.
//!
//! ```text
//!   fee told ─▶ Asking ──bound──▶ Charging ──accepted, paid──▶ the arm opens
//!                 │                  ├── refused ───────────▶ exit scan
//!                 └── none, paused,  └── unknown, patience over ─▶ reversed, then exit scan
//!                     unknown, patience over ─▶ exit scan            or, within the site's risk, the arm opens
//! ```
//!
//! A stay is never charged twice. The exit scan gives out no link while a charge may still be accepted: the charge is
//! put down as reversing first, in the same commit that shows the scan, and the questions of one payment go to the bank
//! one after the other. From then on the charge opens nothing. Should it turn out paid all the same, it settles the order
//! if the scan has not; else it goes back. One that a vehicle was let go for is watched until the bank decides it; where it
//! falls through, its order becomes arrears. An order has one charge at most, and none that collects earlier arrears.

use super::{Desk, misread::is_as_read, payment::PATIENCE};
use crate::{
    core::{
        change::{AlarmKind, Change},
        effect::Effect,
        frictionless::{Agreement, Attempt, Charge},
        input::{Answer, Refusal, Reply},
        lane::{Cause, Lane, Phase, Visit},
        money::{Order, OrderState, PaidBy, Payment, PaymentState},
        pass::{List, Standing},
        rules::PayChannel,
        stay::Stay,
        till::TillDid,
    },
    types::{
        ChannelId, LaneId, Money, OrderId, PaymentId, Plate, StayId,
        bank::{AgreementAsk, AgreementWord, Ask, Departure, PayWay},
    },
};

impl Desk<'_> {
    // ---- at the entry ------------------------------------------------------------------------------

    /// What a stay that begins here knows: nothing, or that no camera proved its plate.
    pub(super) fn barred_at_entry(
        &self,
        plate: &Plate,
        visit: Option<&Visit>,
    ) -> Option<Agreement> {
        let proven = visit.is_some_and(is_proven) && !plate.is_virtual();
        if proven { None } else { self.barred() }
    }

    /// Of a stay that is paid by an act of its driver only; `None`: so is every stay of this site.
    pub(super) fn barred(&self) -> Option<Agreement> {
        (!self.plate_channels().is_empty()).then_some(Agreement::Barred)
    }

    /// Two vehicles may have this plate: it charges nobody any more.
    pub(super) fn bar(&mut self, stay: StayId) {
        let barred = self.barred();
        let known = self.stay(stay).filter(|stay| stay.agreement != barred).cloned();
        if let (Some(stay), Some(_)) = (known, &barred) {
            self.record(Change::Stay(Stay { agreement: barred, ..stay }));
        }
    }

    /// Whether something is bound to the plate of one that came in, where it will have to pay.
    pub(super) fn ask_at_entry(&mut self, stay: StayId) {
        let asks = |stay: &&Stay| stay.standing == Standing::Transient && stay.agreement.is_none();
        let known = self.stay(stay).filter(asks).cloned();
        if let Some(stay) = known.filter(|stay| !self.pays_by_hand(&stay.plate)) {
            self.ask_channels(&self.plate_channels(), &stay, None);
        }
    }

    /// A driver inside has bound something, or says so.
    pub(super) fn agreement_made(&mut self, plate: &Plate) -> Reply {
        let mut stay = self.stay_of(plate).cloned().ok_or(Refusal::NotInside)?;
        let barred = stay.agreement == Some(Agreement::Barred) || self.pays_by_hand(plate);
        if plate.is_virtual() || barred {
            return Ok(Answer::Done);
        }
        if stay.agreement == Some(Agreement::Nothing) {
            stay.agreement = Some(Agreement::Unsure);
            self.record(Change::Stay(stay.clone()));
        }
        self.ask_channels(&self.plate_channels(), &stay, None);
        Ok(Answer::Done)
    }

    /// Whoever an agreement is of, this plate is not charged on it.
    fn pays_by_hand(&self, plate: &Plate) -> bool {
        self.listed_as(plate, List::ByHand).is_some()
    }

    /// Puts down that an agreement is to be ended, before the bank hears of it. What it answers comes as to any question.
    pub(super) fn agreement_end_asked(
        &mut self,
        plate: &Plate,
        who: String,
        reason: &str,
    ) -> Reply {
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        let (stay, shift) = (self.stay_of(plate).map(|s| s.id), self.shift_of(&who).map(|s| s.id));
        self.record(Change::TillActed {
            did: TillDid::AgreementEnded,
            who,
            reason: format!("{}: {}", plate.full(), reason.trim()),
            amount: Money::zero(self.rules.currency),
            lane: None,
            stay,
            shift,
            picture: None,
            payment: None,
        });
        Ok(Answer::Done)
    }

    fn plate_channels(&self) -> Vec<ChannelId> {
        let channels = self.rules.pay.channels.iter();
        let able = channels.filter(|channel| channel.ways.contains(&PayWay::Plate));
        able.map(|channel| channel.id.clone()).collect()
    }

    /// `amount`: what is to be charged; `None`: nothing yet.
    fn ask_channels(&mut self, channels: &[ChannelId], stay: &Stay, amount: Option<Money>) {
        for channel in channels {
            let ask = AgreementAsk {
                plate: stay.plate.clone(),
                colour: stay.vehicle.colour,
                stay_no: self.stay_no(stay.id),
                entered_at: stay.entered_at,
                amount,
                known: named_by(stay, channel),
            };
            self.act(Effect::AskAgreement { channel: channel.clone(), stay: stay.id, ask });
        }
    }

    // ---- at the exit -------------------------------------------------------------------------------

    /// The fee is told. What is bound to the plate may pay it before its driver has to.
    pub(super) fn try_frictionless(&mut self, id: &LaneId, order: OrderId) {
        let Some(visit) = self.lane(id).and_then(|lane| lane.visit.clone()) else { return };
        if let Some(attempt) = visit.attempt {
            let is_of = |payment| self.payment(payment).is_some_and(|p| p.order == order);
            if matches!(attempt, Attempt::Charging { payment, .. } if !is_of(payment)) {
                // Something else is owed by now; the charge went back with its order.
                self.set_attempt(id, Attempt::Over);
            } else {
                // Read again behind a power cut, its patience may be over.
                self.attempt_due(id);
            }
            return;
        }
        let stay = visit.stay.and_then(|stay| self.stay(stay)).cloned();
        let Some((order, stay)) = self.order(order).cloned().zip(stay) else { return };
        let channels = self.chargeable_by(&visit, &stay, &order);
        if channels.is_empty() {
            return;
        }
        self.ask_channels(&channels, &stay, Some(order.amount));
        let until = self.now + self.rules.frictionless.patience;
        let left = u8::try_from(channels.len()).unwrap_or(u8::MAX);
        self.set_attempt(id, Attempt::Asking { until, left, again: false });
    }

    /// Whom to ask whether this order may be charged; none: its driver pays.
    fn chargeable_by(&self, visit: &Visit, stay: &Stay, order: &Order) -> Vec<ChannelId> {
        let proven = is_proven(visit) && visit.plate.as_ref() == Some(&stay.plate);
        let tried = |payment: &Payment| {
            payment.state.is_undecided() || (payment.order == order.id && payment.charge.is_some())
        };
        let mut orders = self.orders_of(stay.id).into_iter();
        let being_paid = orders.any(|order| self.payments_of(order.id).iter().any(tried));
        let by_hand = stay.plate.is_virtual() || self.pays_by_hand(&stay.plate);
        if !proven || by_hand || !order.arrears.is_empty() || being_paid {
            return Vec::new();
        }
        let mut channels = self.plate_channels();
        channels.retain(|channel| !self.is_raised(channel.as_str(), AlarmKind::BankSilent));
        match &stay.agreement {
            Some(Agreement::Nothing | Agreement::Barred) => channels.clear(),
            Some(Agreement::Bound { channel, .. }) => channels.retain(|id| id == channel),
            Some(Agreement::Unsure) | None => {}
        }
        channels
    }

    /// A channel has spoken of what is bound to a stay's plate.
    pub(super) fn agreement_said(
        &mut self,
        id: StayId,
        channel: &ChannelId,
        at_exit: bool,
        word: &AgreementWord,
    ) -> Reply {
        let stay = self.stay(id).cloned().ok_or(Refusal::NoStay(id))?;
        let former = stay.agreement.clone();
        let agreement = Some(Agreement::after(former.as_ref(), channel, word));
        if agreement != former {
            self.record(Change::Stay(Stay { agreement, ..stay }));
        }
        if at_exit {
            self.weigh_agreement(id, channel, former.as_ref(), word);
        }
        Ok(Answer::Done)
    }

    /// The answer right before charging. One that names another agreement than was known, as after a sale of the car, has
    /// to come twice: nothing is ever charged on the old one.
    fn weigh_agreement(
        &mut self,
        stay: StayId,
        channel: &ChannelId,
        former: Option<&Agreement>,
        word: &AgreementWord,
    ) {
        let asking = |lane: &Lane| match lane.visit.as_ref()?.attempt? {
            Attempt::Asking { until, left, again } => Some((until, left, again)),
            Attempt::Charging { .. } | Attempt::Over => None,
        };
        let found = self.waiting_with(|visit| visit.stay == Some(stay));
        let Some((id, (until, left, again))) =
            found.and_then(|id| Some((id.clone(), asking(self.lane(&id)?)?)))
        else {
            return;
        };
        let left = left.saturating_sub(1);
        match word {
            AgreementWord::Bound { agreement } if self.now < until => {
                let other =
                    matches!(former, Some(Agreement::Bound { number, .. }) if number != agreement);
                if !other {
                    return self.charge_plate(&id, channel, agreement.clone(), until);
                }
                let known = self.stay(stay).cloned();
                match known.filter(|_| !again) {
                    Some(stay) => {
                        let visit = self.lane(&id).and_then(|lane| lane.visit.as_ref()?.order);
                        let amount = visit.and_then(|order| self.order(order)).map(|o| o.amount);
                        self.ask_channels(std::slice::from_ref(channel), &stay, amount);
                        self.set_attempt(&id, Attempt::Asking { until, left: 1, again: true });
                    }
                    None => self.set_attempt(&id, Attempt::Over),
                }
            }
            _ if left == 0 => self.set_attempt(&id, Attempt::Over),
            _ => self.set_attempt(&id, Attempt::Asking { until, left, again }),
        }
    }

    fn charge_plate(
        &mut self,
        lane: &LaneId,
        channel: &ChannelId,
        agreement: Option<String>,
        until: jiff::Timestamp,
    ) {
        let visit = self.lane(lane).and_then(|lane| lane.visit.as_ref());
        let Some((order, stay)) = visit.and_then(|visit| visit.order.zip(visit.stay)) else {
            return;
        };
        let found = self.order(order).cloned().zip(self.stay(stay).cloned());
        let Some((order, stay)) = found.filter(|(order, _)| order.state == OrderState::Due) else {
            return self.set_attempt(lane, Attempt::Over);
        };
        // Beyond a limit of the day its driver is shown the scan, where the reason is told.
        if self.may_pay(&order, false).is_err() {
            return self.set_attempt(lane, Attempt::Over);
        }
        let (id, out_trade_no) = self.next_trade();
        let ask = Ask::Charge {
            out_trade_no: out_trade_no.clone(),
            amount: order.amount,
            subject: self.subject_of(&order),
            plate: stay.plate.clone(),
            agreement,
            entered_at: stay.entered_at,
            left_at: self.now,
            asked_at: self.now,
        };
        let (plate, lane_id) = (stay.plate, lane.clone());
        self.record(Change::Payment(Payment {
            id,
            order: order.id,
            out_trade_no,
            channel: channel.clone(),
            way: PayWay::Plate,
            amount: order.amount,
            state: PaymentState::Pending,
            link: None,
            made_at: self.now,
            expires_at: self.now + self.rules.pay.link_life,
            asks: 0,
            next_ask: Some(self.now + PATIENCE),
            bank_no: None,
            printed: false,
            charge: Some(Charge { plate, stay: stay.id, lane: lane_id, relied_on: false }),
        }));
        self.watch_attempts(&order);
        self.set_attempt(lane, Attempt::Charging { until, payment: id });
        self.act(Effect::AskBank { channel: channel.clone(), ask });
    }

    /// A vehicle is gone: the channels that were told of its entry hear of it, where they want to.
    pub(super) fn tell_left(&mut self, stay: &Stay) {
        let told = stay.standing == Standing::Transient
            && !stay.plate.is_virtual()
            && stay.agreement.as_ref().is_some_and(|agreement| *agreement != Agreement::Barred);
        let Some(left_at) = stay.left_at.filter(|_| told) else { return };
        for channel in self.plate_channels() {
            let wants = |known: &&PayChannel| known.id == channel && known.hears_of_exits;
            if self.rules.pay.channels.iter().find(wants).is_none() {
                continue;
            }
            let left = Departure {
                plate: stay.plate.clone(),
                colour: stay.vehicle.colour,
                stay_no: self.stay_no(stay.id),
                known: named_by(stay, &channel),
                entered_at: stay.entered_at,
                left_at,
                paid: Money::new(stay.paid_minor, self.rules.currency),
            };
            self.act(Effect::TellLeft { channel, left });
        }
    }

    fn stay_no(&self, stay: StayId) -> String {
        format!("{}S{stay}", self.rules.pay.trade_prefix)
    }

    // ---- what becomes of a charge ------------------------------------------------------------------

    /// The bank takes it on itself to collect: the vehicle may go.
    pub(super) fn charge_accepted(&mut self, mut payment: Payment) {
        let (id, order) = (payment.id, payment.order);
        let lane = self.charging_lane(id).filter(|_| payment.state == PaymentState::Pending);
        if lane.is_some() {
            self.rely_on(&mut payment);
        }
        self.ask_later(payment);
        if let Some(lane) = lane {
            // A coupled lane lets it go in its turn.
            let _ = self.admit(&lane, Cause::Charged { order });
        }
    }

    /// The bank has not said what became of it: nobody stands there for that.
    pub(super) fn charge_unanswered(&mut self, id: PaymentId) {
        if let Some(lane) = self.charging_lane(id) {
            self.stop_waiting(&lane, id);
        }
    }

    /// The deadline of the vehicle in a lane has come. `true`: it goes.
    pub(super) fn attempt_due(&mut self, id: &LaneId) -> bool {
        let attempt = self.lane(id).and_then(|lane| lane.visit.as_ref()?.attempt);
        match attempt.filter(|attempt| attempt.until().is_some_and(|until| until <= self.now)) {
            Some(Attempt::Charging { payment, .. }) => self.stop_waiting(id, payment),
            Some(Attempt::Asking { .. }) => {
                self.set_attempt(id, Attempt::Over);
                false
            }
            Some(Attempt::Over) | None => false,
        }
    }

    /// `true`: the vehicle goes at the site's risk. Else the charge is taken back before the driver is shown the scan.
    fn stop_waiting(&mut self, lane: &LaneId, id: PaymentId) -> bool {
        let Some(mut payment) = self.payment(id).cloned() else { return false };
        if payment.charge.as_ref().is_some_and(|charge| charge.relied_on) {
            return false;
        }
        if payment.state != PaymentState::Pending {
            self.set_attempt(lane, Attempt::Over);
            return false;
        }
        if !self.may_go_first(&payment) {
            self.reverse_one(payment);
            self.set_attempt(lane, Attempt::Over);
            return false;
        }
        let order = payment.order;
        self.rely_on(&mut payment);
        self.record(Change::Payment(payment));
        self.admit(lane, Cause::Charged { order }).is_ok()
    }

    /// It owes little, nothing from before, and the bank has no other charge of it to decide.
    fn may_go_first(&self, payment: &Payment) -> bool {
        let Some(charge) = &payment.charge else { return false };
        let others = self.state.payments.values().filter(|other| other.id != payment.id);
        let undecided = others.filter(|other| other.state.is_undecided());
        let mut relied = undecided.filter_map(|other| other.charge.as_ref());
        payment.amount.minor <= self.rules.frictionless.leave_first_at_most_minor
            && !relied.any(|other| other.relied_on && other.plate == charge.plate)
            && self.owes(&charge.plate).is_none()
    }

    fn rely_on(&self, payment: &mut Payment) {
        if let Some(charge) = &mut payment.charge {
            charge.relied_on = true;
            payment.expires_at = self.now + self.rules.frictionless.watch;
        }
    }

    /// The charge is not to be had: its driver pays by scan, or its vehicle has left and owes.
    pub(super) fn charge_fell_through(&mut self, payment: &Payment) {
        let Some(charge) = &payment.charge else { return };
        if let Some(lane) = self.charging_lane(payment.id) {
            self.set_attempt(&lane, Attempt::Over);
        }
        let due = self.order(payment.order).filter(|order| order.state == OrderState::Due);
        let Some(order) = due.filter(|_| charge.relied_on).cloned() else { return };
        if self.stay(charge.stay).is_some() {
            // Still here: it is asked for as it leaves.
            return;
        }
        let detail = format!("{}: the charge of stay {} fell through", charge.plate, charge.stay);
        self.raise(&format!("stay-{}", charge.stay), AlarmKind::LeftUnpaid, detail);
        self.book_arrears_of(&charge.lane, charge.stay, &charge.plate, order);
    }

    /// It backed out before the bank had said anything.
    pub(super) fn attempt_went_away(&mut self, visit: &Visit) {
        let Some(Attempt::Charging { payment, .. }) = visit.attempt else { return };
        let Some(payment) = self.payment(payment).cloned() else { return };
        let relied_on = payment.charge.as_ref().is_some_and(|charge| charge.relied_on);
        if !relied_on {
            self.reverse_one(payment);
        }
    }

    // ---- what the rest asks ------------------------------------------------------------------------

    /// A vehicle was let go for a charge of this order, and the bank has not decided it.
    pub(super) fn is_relied_on(&self, order: OrderId) -> bool {
        self.relied_on(order).is_some()
    }

    fn relied_on(&self, order: OrderId) -> Option<Payment> {
        let mut payments = self.payments_of(order).into_iter();
        payments.find(|payment| {
            let relied_on = payment.charge.as_ref().is_some_and(|charge| charge.relied_on);
            relied_on && payment.state.is_undecided()
        })
    }

    /// Whether a charge may still be accepted for this order, so that nobody else is to pay it now.
    pub(super) fn is_being_charged(&self, order: OrderId) -> bool {
        let waits = |visit: &Visit| {
            let until = visit.attempt.and_then(Attempt::until);
            visit.order == Some(order) && until.is_some_and(|until| self.now < until)
        };
        self.is_relied_on(order) || self.waiting_with(waits).is_some()
    }

    /// A vehicle that was let go for a charge turned back: the order it is let go for again, while nothing more is owed or
    /// the time to leave is not over.
    pub(super) fn covered_by_charge(&self, stay: &Stay, due_minor: i64) -> Option<OrderId> {
        let covers = |order: &Order| {
            self.relied_on(order.id).is_some_and(|payment| {
                let leave_by = payment.made_at + self.rules.pay.leave_time;
                self.now <= leave_by || due_minor <= order.amount.minor
            })
        };
        self.due_orders(stay.id).into_iter().find(covers).map(|order| order.id)
    }

    pub(super) fn leaves_unpaid(&self, stay: StayId) -> bool {
        self.due_orders(stay).iter().any(|order| !self.is_relied_on(order.id))
    }

    /// As [`Self::void_orders`], for a vehicle that has left: what the bank took on itself to collect stays due.
    pub(super) fn void_unrelied(&mut self, stay: StayId) {
        for order in self.due_orders(stay) {
            if !self.is_relied_on(order.id) {
                self.end_order(order, OrderState::Void);
            }
        }
    }

    /// What is charged, or was, for the vehicle a lane lets out. `fresh`: with what this decision has changed.
    pub(super) fn charged_for(&self, lane: &Lane, fresh: bool) -> Option<Money> {
        let (id, is_paid) = match lane.visit.as_ref()?.cause.as_ref()? {
            Cause::Charged { order } => (*order, false),
            Cause::Paid { order } => (*order, true),
            _ => return None,
        };
        let order = if fresh { self.order(id) } else { self.state.orders.get(&id) }?;
        let charged = match &order.state {
            OrderState::Paid { by: PaidBy::Payment(id), .. } if is_paid => {
                let payment = if fresh { self.payment(*id) } else { self.state.payments.get(id) };
                payment.is_some_and(|payment| payment.charge.is_some())
            }
            _ => !is_paid,
        };
        charged.then_some(order.amount)
    }

    // ---- lanes -------------------------------------------------------------------------------------

    /// The lane whose vehicle waits to pay and fits.
    fn waiting_with(&self, fits: impl Fn(&Visit) -> bool) -> Option<LaneId> {
        let waits = |lane: &Lane| {
            lane.phase == Phase::AwaitingPayment && lane.visit.as_ref().is_some_and(&fits)
        };
        let mut lanes = self.rules.lanes.keys();
        lanes.find(|id| self.lane(id).is_some_and(waits)).cloned()
    }

    fn charging_lane(&self, id: PaymentId) -> Option<LaneId> {
        self.waiting_with(|visit| {
            matches!(visit.attempt, Some(Attempt::Charging { payment, .. }) if payment == id)
        })
    }

    /// Puts down how far a lane has come, and that it is looked at when the patience ends.
    fn set_attempt(&mut self, id: &LaneId, attempt: Attempt) {
        let Some(mut lane) = self.lane(id).cloned() else { return };
        if let Some(visit) = &mut lane.visit {
            visit.attempt = Some(attempt);
        }
        if let (Some(wait), Some(until)) = (&mut lane.wait, attempt.until()) {
            wait.due = Some(wait.due.map_or(until, |due| due.min(until)));
        }
        self.record(Change::Lane(lane));
    }
}

/// The agreement that a channel named for a stay.
fn named_by(stay: &Stay, channel: &ChannelId) -> Option<String> {
    match &stay.agreement {
        Some(Agreement::Bound { channel: of, number }) if of == channel => number.clone(),
        _ => None,
    }
}

/// A camera read this plate, and nobody put another in its place.
fn is_proven(visit: &Visit) -> bool {
    !visit.typed && is_as_read(visit)
}
