//! From one input to what changes and what to do about it. Each flow has its own file. Knows no table.

mod access;
mod arm;
mod arrears;
mod by_hand;
mod call;
mod card;
mod closure;
mod cloud;
mod cloud_by_hand;
mod cover;
mod crowd;
mod desk;
mod entry;
mod exit;
mod fire;
mod frictionless;
mod gate;
mod gone;
mod invoice;
mod issue;
mod ledger;
mod limit;
mod manage;
mod misread;
mod moves;
mod occupancy;
mod order;
mod pass_sale;
mod passage;
mod payer;
mod payment;
mod places;
mod portal;
mod quote;
mod read;
mod refund;
mod register;
mod returns;
mod sale;
mod scan;
mod selling;
mod settle;
mod shift;
mod shown;
mod sister;
mod sister_by_hand;
mod sister_home;
mod task;
#[cfg(test)]
mod tests;
mod through;
mod ticket;
mod tide;
mod till;
mod undecided;
mod unlicensed;
mod validation;
mod zone;

use jiff::Timestamp;

use self::desk::Desk;
pub use self::{quote::quote_of, shift::shift_matches_postings};
use super::{
    change::{AlarmKind, Change},
    effect::Effect,
    input::{Answer, Input, Reply},
    lane::{Event, LaneAlarm},
    money::{Refund, RefundState},
    rules::Rules,
    state::{Owner, State},
};

/// Deadlines handled by one tick; the rest follow with the next one.
const TICK_MAX: usize = 64;

/// What follows from one input. Commit `changes` first, then perform `effects`, then tell `reply`.
#[derive(Debug)]
pub struct Decision {
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub reply: Reply,
}

/// Decides one input. Neither the state nor the world changes by it.
pub fn decide(state: &State, rules: &Rules, now: Timestamp, input: Input) -> Decision {
    let mut desk = Desk::new(state, rules, now);
    let reply = match input {
        Input::Started => desk.started(),
        Input::Read { lane, read } => desk.read(&lane, read),
        Input::Sensor { lane, sensor, on } => desk.lane_event(&lane, Event::Sensor(sensor, on)),
        Input::SensorsLost { lane } => desk.lane_event(&lane, Event::SensorsLost),
        Input::ArmAnswered { lane, command, outcome } => desk.arm_answered(&lane, command, outcome),
        Input::PlateGiven { lane, plate, by } => desk.plate_given(&lane, plate, by),
        Input::PlateTyped { lane, plate } => desk.plate_typed(&lane, plate),
        Input::MisreadSettled { task, stay, who } => desk.settle_misread(task, stay, &who),
        Input::PayAsked { order } => desk.pay_asked(order, false),
        Input::PrintedPayAsked { order } => desk.pay_asked(order, true),
        Input::PayerCodeScanned { at, code } => desk.payer_code(&at, code),
        Input::SaleAsked(asked) => desk.sale_asked(asked),
        Input::PassAsked(asked) => desk.pass_asked(asked),
        Input::PassGivenUp { order } => desk.pass_order_given_up(order),
        Input::SaleCancelled { counter, order } => desk.sale_cancelled(&counter, order),
        Input::RefundAsked(asked) => desk.refund_asked(asked),
        Input::RefundJudged { refund, agreed, who } => desk.refund_judged(refund, agreed, who),
        Input::PaymentActed { payment, act, who } => desk.payment_acted(payment, &act, who),
        Input::RefundMade { refund, note, who } => desk.refund_made(refund, note, who),
        Input::PrepayAsked { plate } => desk.prepay_asked(&plate),
        Input::Till { who, act } => desk.till(who, act),
        Input::Settle { day, who, act } => desk.settle_day(day, who, act),
        Input::Merchant { who, act } => desk.merchant_act(who, act),
        Input::Validate { merchant, plate, offer, by } => {
            desk.validate(merchant, &plate, &offer, by)
        }
        Input::Unvalidate { validation, merchant } => desk.unvalidate(validation, merchant),
        Input::VisitsFound { stay, visits } => desk.visits_found(stay, visits),
        Input::BankSaid { out_trade_no, to, word } => desk.bank_said(&out_trade_no, to, word),
        Input::RefundSaid { refund, word } => desk.refund_said(refund, &word),
        Input::AgreementSaid { stay, channel, at_exit, word } => {
            desk.agreement_said(stay, &channel, at_exit, &word)
        }
        Input::AgreementMade { plate } => desk.agreement_made(&plate),
        Input::AgreementEndAsked { plate, who, reason } => {
            desk.agreement_end_asked(&plate, who, &reason)
        }
        Input::InvoiceAsked(claim) => desk.invoice_asked(claim),
        Input::InvoiceFound { invoice, undoes, amount } => {
            desk.invoice_found(invoice, undoes, amount)
        }
        Input::InvoiceSaid { invoice, word } => desk.invoice_said(invoice, word),
        Input::Recalled { payment, order } => desk.recalled(payment, order),
        Input::Operator { lane, act, who, reason } => desk.operator(&lane, act, who, &reason),
        Input::Trouble { subject, kind, detail } => {
            desk.raise(&subject, kind, detail);
            Ok(Answer::Done)
        }
        Input::Well { subject, kind } => {
            desk.clear(&subject, kind);
            Ok(Answer::Done)
        }
        Input::Scanned { lane, shown } => desk.scanned(&lane, shown),
        Input::TicketFound { lane, shown, ticket } => desk.ticket_found(&lane, shown, ticket),
        Input::CrowdCounted { zone, found, who, reason } => {
            desk.crowd_counted(&zone, found, who, &reason)
        }
        Input::CheckedByHand(asked) => desk.checked_by_hand(&asked),
        Input::CloudCheckedByHand { asked, cloud, digest, sealed } => {
            desk.cloud_checked_by_hand(&asked, cloud, digest, sealed)
        }
        Input::PassAnswered { lane, command, outcome } => {
            desk.pass_answered(&lane, command, outcome)
        }
        Input::Went { lane, way, count } => desk.went(&lane, way, count),
        Input::TurnstileLost { lane } => desk.gate_event(&lane, super::gate::Event::Lost),
        Input::TicketMade { digest, persons, valid_from, valid_until, by } => {
            desk.make_ticket(digest, persons, (valid_from, valid_until), by)
        }
        Input::TicketIssued { persons, valid_from, valid_until, zones, medium, by } => {
            desk.issue_ticket(persons, (valid_from, valid_until), &zones, medium, by)
        }
        Input::TicketRevoked { ticket, by } => desk.revoke_ticket(ticket, &by),
        Input::TicketsAsked(asked) => desk.tickets_asked(asked),
        Input::TicketsConfirmed { counter, order } => desk.tickets_confirmed(&counter, order),
        Input::TicketsReturned(asked) => desk.tickets_returned(asked),
        Input::TicketsMoved(asked) => desk.tickets_moved(asked),
        Input::VisitorShown { ticket, who, reason } => desk.visitor_shown(&ticket, &who, &reason),
        Input::TicketRenamed { ticket, visitor, by } => desk.ticket_renamed(ticket, visitor, &by),
        Input::TicketsPrinted { tickets, who, reason } => {
            desk.tickets_printed(&tickets, &who, &reason)
        }
        Input::SlotSet { schedule, day, slot, act, who, reason } => {
            desk.slot_set(&schedule, day, &slot, act, who, &reason)
        }
        Input::ClosureAsked { from, until, who, reason } => {
            desk.closure_asked((from, until), who, &reason)
        }
        Input::ClosureFound { closure, after, bought } => {
            desk.closure_found(closure, after, &bought)
        }
        Input::CashFetched { bought, who, second } => {
            desk.cash_fetched(&bought, &who, second.as_deref())
        }
        Input::AdmissionSettled { admission, used, who, reason } => {
            desk.settle_admission(admission, used, who, &reason)
        }
        Input::NoPlate { lane, phone, by } => desk.no_plate(&lane, phone, by),
        Input::PhoneShown { lane, phone } => desk.phone_shown(&lane, &phone),
        Input::Manage { by, act } => desk.manage(&by, act),
        Input::Fire { contact, on } => desk.fire(&contact, on),
        Input::HelpAsked { lane, from, says } => desk.help_asked(&lane, from, &says),
        Input::TaskActed { task, act, who } => desk.task_acted(task, act, who),
        Input::ZoneCounted { zone, found, who, reason } => {
            desk.zone_counted(&zone, found, who, &reason)
        }
        Input::CardActed { card, tail, act, who, reason } => {
            desk.card_acted(card, tail, act, who, &reason)
        }
        Input::CloudScanned { lane, cloud, digest, sealed } => {
            desk.cloud_scanned(&lane, cloud, digest, sealed)
        }
        Input::CloudLooked { pass, found } => desk.cloud_looked(pass, found),
        Input::CloudSaid { pass, word } => desk.cloud_said(pass, word),
        Input::SisterSaid { ask, word } => desk.sister_said(ask, word),
        Input::SisterAsked { sister, asked, found } => desk.sister_asked(sister, &asked, found),
        Input::SisterTold { sister, news, found } => desk.sister_told(sister, news, &found),
        Input::SisterTook { asks, doubles } => desk.sister_took(&asks, &doubles),
        Input::SisterHeard { sister } => desk.sister_heard(sister),
        Input::SisterLost { sister, why } => desk.sister_lost(sister, why),
        Input::RulesRead { who, digest, reason } => desk.rules_read(who, digest, reason),
        Input::Tick => desk.tick(),
    };
    desk.finish(reply)
}

impl Desk<'_> {
    /// After a start nothing is known of any sensor, and no order to an arm is repeated. Money is asked about again.
    fn started(&mut self) -> Reply {
        // What was to be shown may have been lost with the power.
        self.show_all = true;
        for (id, rules) in &self.rules.lanes {
            if self.lane(id).is_none() {
                self.record(Change::Lane(super::lane::Lane::new(id.clone())));
            }
            if rules.wired == super::rules::Wired::default() {
                self.rest_unwired(id);
            } else {
                self.lane_event(id, Event::SensorsLost)?;
            }
        }
        self.look_at_tides();
        for id in self.rules.gates.keys() {
            if self.gate(id).is_none() {
                self.record(Change::Gate(super::gate::Gate::new(id.clone())));
            }
            self.gate_event(id, super::gate::Event::Lost)?;
        }
        let payments: Vec<_> =
            self.state.payments.values().filter(|p| p.state.is_undecided()).cloned().collect();
        for mut payment in payments {
            payment.next_ask = Some(self.now);
            self.record(Change::Payment(payment));
        }
        // Told so before a site could have several channels.
        self.clear("bank", AlarmKind::BankSilent);
        // Recalled for a word that the power took.
        let orders: Vec<_> = self.state.orders.keys().copied().collect();
        for order in orders {
            self.file_if_over(order);
        }
        self.invoices_anew();
        self.sisters_anew();
        self.clouds_anew();
        let pending = |refund: &&Refund| refund.state == RefundState::Pending;
        let refunds: Vec<_> = self.state.refunds.values().filter(pending).cloned().collect();
        for mut refund in refunds {
            refund.next_ask = Some(self.now);
            self.record(Change::Refund(refund));
        }
        Ok(Answer::Done)
    }

    /// What was asked for stays asked for; whoever comes, or comes again, is told by the new rules.
    fn rules_read(&mut self, who: String, digest: String, reason: String) -> Reply {
        self.record(Change::RulesRead { who, digest, reason });
        Ok(Answer::Done)
    }

    fn tick(&mut self) -> Reply {
        for owner in self.state.overdue(self.now, TICK_MAX) {
            match owner {
                Owner::Lane(lane) if self.rules.lanes.contains_key(&lane) => {
                    // A deadline that another event of this tick moved is not due any more.
                    let _ = self.lane_event(&lane, Event::Due);
                }
                Owner::Lane(lane) => self.forget_deadline(&lane),
                Owner::Turn(lane) => self.turn_due(&lane),
                Owner::Gate(gate) if self.rules.gates.contains_key(&gate) => {
                    let _ = self.gate_event(&gate, super::gate::Event::Due);
                }
                Owner::Gate(gate) => {
                    if let Some(mut gate) = self.gate(&gate).cloned() {
                        gate.due = None;
                        self.record(Change::Gate(gate));
                    }
                }
                Owner::Wait(lane) => self.wait_due(&lane),
                Owner::Task(task) => self.task_due(task),
                Owner::Ticket(ticket) => self.ticket_over(ticket),
                Owner::Payment(payment) => self.payment_due(payment),
                Owner::Refund(refund) => self.refund_due(refund),
                Owner::Sale(order) => self.sale_over(order),
                Owner::Spent(id) => self.day_over(&id),
                Owner::Invoice(invoice) => self.invoice_due(invoice),
                Owner::Slot(slot) => self.slot_over(&slot),
                Owner::Closure(closure) => self.closure_due(closure),
                Owner::Cloud(pass) => self.cloud_due(pass),
                Owner::Ask(ask) => self.ask_due(ask),
                Owner::Sister(sister) => self.sister_due(sister),
                Owner::Reservation(reservation) => self.nobody_came(reservation),
            }
        }
        Ok(Answer::Done)
    }

    /// A lane that the site file does not name any more waits for nothing.
    fn forget_deadline(&mut self, lane: &crate::types::LaneId) {
        if let Some(mut lane) = self.lane(lane).cloned() {
            (lane.due, lane.turn_at) = (None, None);
            self.record(Change::Lane(lane));
        }
    }

    fn raise(&mut self, subject: &str, kind: AlarmKind, detail: String) {
        if !self.is_raised(subject, kind) {
            let since = self.now;
            let alarm = super::change::Alarm { subject: subject.into(), kind, since, detail };
            self.record(Change::AlarmRaised(alarm));
        }
    }

    fn clear(&mut self, subject: &str, alarm: AlarmKind) {
        if self.is_raised(subject, alarm) {
            self.record(Change::AlarmCleared { subject: subject.into(), alarm });
        }
    }

    fn raise_lane(&mut self, lane: &crate::types::LaneId, alarm: LaneAlarm, detail: String) {
        self.raise(lane.as_str(), AlarmKind::Lane(alarm), detail);
    }
}
