//! Passes sold: an order at the desk or by phone, effective once it is paid, and what goes back of one that ends. Knows
//! no bank's word.

use jiff::{Timestamp, ToSpan};

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        manage::{PassDraft, Rest, Unfit},
        money::{
            Account, Earned, Order, OrderState, PaidBy, Payment, PaymentState, RefundState,
            RefundWhy, Sale,
        },
        pass::{Pass, PassKind, Standing},
        pass_sale::{
            AT_DESK, BY_PHONE, Gives, Got, PAID_IN_MAX, PaidIn, PassActed, PassAsked, PassDid,
            PassOrder, PassPrice, PassWanted, unused,
        },
        tariff::Quote,
        till::{Cash, TillDid},
    },
    types::{CounterId, PassId},
};

/// One part of what goes back, the way it was paid.
enum Back {
    Bank(Payment, Account, i64),
    Cash(Cash, Account, i64),
}

impl Desk<'_> {
    // ---- an order ------------------------------------------------------------------------------

    pub(super) fn pass_asked(&mut self, asked: PassAsked) -> Reply {
        let PassAsked { by, price, wants } = asked;
        let known = self.rules.passes.price(&price).filter(|p| by.is_some() || p.by_phone);
        let price = known.cloned().ok_or(Unfit::NoPrice(price))?;
        let of = match wants {
            PassWanted::More(id) => self.more_of(id, &price)?,
            PassWanted::New { .. } if by.is_none() => return Err(Unfit::NoPrice(price.id).into()),
            PassWanted::New { holder, plates, spaces, from } => {
                let lasts = price.gives;
                let draft = PassDraft {
                    holder: holder.trim().to_owned(),
                    plates,
                    spaces,
                    kind: price.gives.empty(),
                    zones: price.zones.iter().cloned().collect(),
                    valid_from: from,
                    valid_until: self.lasts_until(lasts, price.lasts_days, from),
                    hours: price.hours.clone(),
                    vehicle: price.vehicle,
                    tier: price.tier.clone(),
                };
                self.check_pass(&draft, None)?;
                PassOrder {
                    price: price.id.clone(),
                    gives: price.gives,
                    lasts_days: price.lasts_days,
                    pass: None,
                    new: Some(Box::new(draft)),
                    given_up: false,
                }
            }
        };
        if let Some(known) = self.due_pass_order(&of) {
            return Ok(Answer::Order(known));
        }
        let (spaces, plate) = match (&of.new, of.pass.and_then(|id| self.pass(id))) {
            (Some(draft), _) => (draft.spaces, draft.plates.first()),
            (None, Some(pass)) => (pass.spaces, pass.plates.first()),
            (None, None) => (1, None),
        };
        let amount = self.money(price.minor_for(spaces));
        let subject = format!("{} {}", price.name, plate.map_or("", |plate| plate.full()));
        let id = self.next_order();
        let counter = CounterId::parse(if by.is_some() { AT_DESK } else { BY_PHONE });
        let counter = counter.unwrap_or_else(|| unreachable!("both are counters' names"));
        let sale = Sale {
            counter,
            key: id.to_string(),
            subject: subject.trim().chars().take(super::sale::SUBJECT_CHARS_MAX).collect(),
            open_until: Some(self.now + self.rules.pay.sale_life),
        };
        self.record(Change::Order(Order {
            id,
            stay: None,
            sale: Some(sale),
            basket: None,
            pass: Some(of),
            lane: None,
            amount,
            quote: Quote::bare(self.now, self.now, amount),
            made_at: self.now,
            state: OrderState::Due,
            arrears: Vec::new(),
            by_plate: true,
        }));
        Ok(Answer::Order(id))
    }

    fn more_of(&self, id: PassId, price: &PassPrice) -> Result<PassOrder, Unfit> {
        let pass = self.pass(id).ok_or(Unfit::NoPass(id))?;
        if !price.fits(pass) {
            return Err(Unfit::OtherPrice(id));
        }
        let of = PassOrder {
            price: price.id.clone(),
            gives: price.gives,
            lasts_days: price.lasts_days,
            pass: Some(id),
            new: None,
            given_up: false,
        };
        self.pass_fits(&of)?;
        Ok(of)
    }

    /// The same, asked for again while it waits to be paid.
    fn due_pass_order(&self, of: &PassOrder) -> Option<crate::types::OrderId> {
        let orders = self.state.orders.values();
        let same =
            |order: &&Order| order.state == OrderState::Due && order.pass.as_ref() == Some(of);
        orders.filter(same).map(|order| order.id).next_back()
    }

    /// Whoever wanted it does not any more.
    pub(super) fn pass_order_given_up(&mut self, id: crate::types::OrderId) -> Reply {
        let order = self.order(id).filter(|order| order.pass.is_some()).cloned();
        let mut order = order.ok_or(Refusal::NotDue(id))?;
        match order.state {
            OrderState::Due => {
                if let Some(of) = &mut order.pass {
                    of.given_up = true;
                }
                self.end_order(order, OrderState::Void);
                Ok(Answer::Done)
            }
            OrderState::Void => Ok(Answer::Duplicate),
            OrderState::Paid { .. } => Ok(Answer::AlreadyPaid),
            OrderState::Waived { .. } | OrderState::Unpaid => Err(Refusal::NotDue(id)),
        }
    }

    // ---- paid ----------------------------------------------------------------------------------

    /// Whether an order of a pass may be paid: it waits, or its money is late and it still fits.
    pub(super) fn pass_still_owed(&self, order: &Order) -> bool {
        let Some(of) = &order.pass else { return false };
        let waits = match order.state {
            OrderState::Due => true,
            OrderState::Void => !of.given_up,
            _ => false,
        };
        waits && self.pass_fits(of).is_ok()
    }

    /// It could be paid for now.
    fn pass_fits(&self, of: &PassOrder) -> Result<(), Unfit> {
        if let (Some(draft), None) = (&of.new, of.pass) {
            return self.check_pass(&self.begun(draft, of), None);
        }
        let id = of.pass.ok_or(Unfit::NoPrice(of.price.clone()))?;
        let mut pass = self.pass(id).filter(|pass| of.gives.is_of(pass.kind)).cloned();
        let pass = pass.as_mut().ok_or(Unfit::NoPass(id))?;
        self.hand_over(pass, of);
        super::manage::check_kind(pass.kind)?;
        let period = (pass.valid_from, pass.valid_until);
        self.no_overlap(&pass.plates, period, &pass.zones, Some(id))
    }

    /// A new pass as it will be: one that is paid for late begins later, and lasts as long.
    fn begun(&self, draft: &PassDraft, of: &PassOrder) -> PassDraft {
        let mut draft = draft.clone();
        let today = self.day_begins(self.now);
        if draft.valid_from < today {
            draft.valid_from = today;
            draft.valid_until = self.lasts_until(of.gives, of.lasts_days, today);
        }
        draft
    }

    /// An order is being paid: its pass begins, goes on for longer, or holds more, in the same decision.
    pub(super) fn pass_paid(&mut self, order: &mut Order, by: PaidBy) {
        let (id, minor) = (order.id, order.amount.minor);
        let Some(of) = &mut order.pass else { return };
        let known = of.pass.and_then(|pass| self.pass(pass)).cloned();
        let new = of.new.as_ref().map(|draft| {
            let draft = self.begun(draft, of);
            // It is given its time below, like one that is renewed.
            let valid_until = draft.valid_from;
            Pass {
                valid_until,
                ..self.pass_of(draft, order.sale.as_ref().map_or("", |s| s.counter.as_str()))
            }
        });
        if let Some(known) = &known {
            self.freeze_gap(known);
        }
        let Some(mut pass) = known.or(new) else { return };
        let got = self.hand_over(&mut pass, of);
        pass.paid_in.push(PaidIn { order: id, by, minor, got });
        let older = pass.paid_in.len().saturating_sub(PAID_IN_MAX);
        pass.paid_in.drain(..older);
        of.pass = Some(pass.id);
        let pass_id = pass.id;
        if let Got::Value(worth) = got {
            self.adjusted(pass_id, worth - minor);
        }
        self.put_pass(pass);
        self.adopt(pass_id);
        self.pass_grew(pass_id);
    }

    /// Vehicles of a pass that wait at an exit are looked at again: it may pay for them now.
    pub(super) fn pass_grew(&mut self, id: PassId) {
        let plates = self.pass(id).map(|pass| pass.plates.clone()).unwrap_or_default();
        for plate in plates {
            if let Some(stay) = self.stay_of(&plate).map(|stay| stay.id) {
                self.settle_again(stay);
            }
        }
        self.look_again(|why| why != crate::core::lane::Help::WrongLane);
    }

    /// The time between the end of a pass and its renewal is not paid for: those inside pay for it.
    fn freeze_gap(&mut self, pass: &Pass) {
        let today = self.day_begins(self.now);
        if pass.valid_until >= today {
            return;
        }
        for plate in &pass.plates {
            let Some(mut stay) = self.stay_of(plate).cloned() else { continue };
            if stay.standing == Standing::Pass(pass.id) {
                stay.covered = self.covered(&stay, self.now);
                stay.standing_since = Some(today.max(stay.entered_at));
                self.record(Change::Stay(stay));
            }
        }
    }

    /// Puts what an order gives into a pass.
    fn hand_over(&self, pass: &mut Pass, of: &PassOrder) -> Got {
        let today = self.day_begins(self.now);
        if pass.valid_until < today {
            pass.valid_from = pass.valid_from.max(today);
        }
        let from = pass.valid_until.max(today);
        match (of.gives, &mut pass.kind) {
            (Gives::Stays(stays), PassKind::Count { left }) => *left = left.saturating_add(stays),
            (Gives::Value(worth), PassKind::Stored { balance_minor }) => {
                *balance_minor = balance_minor.saturating_add(worth);
            }
            _ => {
                let from = from.max(pass.valid_from);
                let until = self.lasts_until(of.gives, of.lasts_days, from);
                pass.valid_until = until;
                return Got::Time { from, until };
            }
        }
        let today = today.max(pass.valid_from);
        let until = self.lasts_until(of.gives, of.lasts_days, today);
        pass.valid_until = pass.valid_until.max(until);
        match of.gives {
            Gives::Stays(stays) => Got::Stays(stays),
            Gives::Value(worth) => Got::Value(worth),
            Gives::Months(_) | Gives::Days(_) => Got::Time { from, until },
        }
    }

    fn day_begins(&self, at: Timestamp) -> Timestamp {
        let day = at.to_zoned_datetime(self.rules.zone.clone());
        day.start_of_day().map_or(at, |day| day.timestamp())
    }

    /// Months are of the calendar: from the 31st of January to the end of February.
    fn lasts_until(&self, gives: Gives, lasts_days: u32, from: Timestamp) -> Timestamp {
        let span = match gives {
            Gives::Months(months) => i64::from(months).months(),
            Gives::Days(days) => i64::from(days).days(),
            Gives::Stays(_) | Gives::Value(_) => i64::from(lasts_days).days(),
        };
        let from = from.to_zoned_datetime(self.rules.zone.clone());
        from.saturating_add(span).timestamp()
    }

    // ---- set right -----------------------------------------------------------------------------

    /// Stored value that nobody paid in, or that is taken away.
    pub(super) fn adjusted(&mut self, pass: PassId, minor: i64) {
        let amount = self.money(minor.abs());
        let (debit, credit) = match minor {
            0.. => (Account::PassAdjustments, Account::StoredValue),
            _ => (Account::StoredValue, Account::PassAdjustments),
        };
        self.book(Entry { pass: Some(pass), ..Entry::new(debit, credit, amount) });
    }

    pub(super) fn adjust_pass(
        &mut self,
        who: &str,
        id: PassId,
        by: i64,
        reason: &str,
    ) -> Result<PassId, Refusal> {
        let reason = given(reason)?;
        let mut pass = self.pass(id).cloned().ok_or(Unfit::NoPass(id))?;
        match &mut pass.kind {
            PassKind::Season => return Err(Unfit::NothingToTopUp.into()),
            PassKind::Stored { balance_minor } => {
                *balance_minor = balance_minor.checked_add(by).ok_or(Unfit::Amount)?;
            }
            PassKind::Count { left } => {
                let new = i64::from(*left).checked_add(by).ok_or(Unfit::Amount)?;
                *left = u32::try_from(new).map_err(|_| Unfit::Amount)?;
            }
        }
        super::manage::check_kind(pass.kind)?;
        if matches!(pass.kind, PassKind::Stored { .. }) {
            self.adjusted(id, by);
        }
        who.clone_into(&mut pass.by);
        self.record(Change::Pass(pass));
        self.pass_acted(id, PassDid::Adjusted, who, reason, by);
        self.adopt(id);
        self.pass_grew(id);
        Ok(id)
    }

    pub(super) fn pass_acted(
        &mut self,
        pass: PassId,
        did: PassDid,
        who: &str,
        reason: String,
        by: i64,
    ) {
        let who = who.to_owned();
        self.record(Change::PassActed(PassActed { pass, did, who, reason, by }));
    }

    // ---- the end -------------------------------------------------------------------------------

    pub(super) fn end_pass(
        &mut self,
        who: &str,
        id: PassId,
        rest: Rest,
        reason: &str,
    ) -> Result<PassId, Refusal> {
        let reason = given(reason)?;
        let mut pass = self.pass(id).cloned().ok_or(Unfit::NoPass(id))?;
        let tomorrow = self.next_day();
        let parts = unused(&pass, self.rules.passes.rest, tomorrow);
        let balance = balance_of(&pass);
        let worth: i64 = parts.iter().map(|(_, minor)| minor).sum();
        let parts: Vec<(PaidIn, i64)> =
            parts.into_iter().map(|(paid, m)| (paid.clone(), m)).collect();
        let backs = match rest {
            Rest::Nothing if balance.max(worth) > 0 => {
                return Err(Unfit::MoneyLeft(self.money(balance.max(worth))).into());
            }
            Rest::Nothing | Rest::Kept => Vec::new(),
            Rest::Back { payments, cash } => self.backs(who, &parts, &payments, &cash)?,
        };
        self.release(id, &pass.plates);
        let mut back = 0;
        let mut of_balance = 0;
        for part in backs {
            let (account, minor) = match &part {
                Back::Bank(_, account, minor) | Back::Cash(_, account, minor) => (*account, *minor),
            };
            back += minor;
            of_balance += if account == Account::StoredValue { minor } else { 0 };
            self.give_rest_back(who, part, &reason);
        }
        // What is not given back is not owed any more.
        self.adjusted(id, of_balance - balance);
        pass.kind = match pass.kind {
            PassKind::Season => PassKind::Season,
            PassKind::Stored { .. } => PassKind::Stored { balance_minor: 0 },
            PassKind::Count { .. } => PassKind::Count { left: 0 },
        };
        pass.paid_in.clear();
        pass.over_at = Some(self.now);
        who.clone_into(&mut pass.by);
        self.record(Change::Pass(pass));
        self.pass_acted(id, PassDid::Ended, who, reason, back);
        Ok(id)
    }

    /// How each part goes back; an error before anything is done.
    fn backs(
        &self,
        who: &str,
        parts: &[(PaidIn, i64)],
        payments: &[Payment],
        cash: &[Cash],
    ) -> Result<Vec<Back>, Refusal> {
        let mut backs = Vec::new();
        let mut in_cash = 0;
        for (paid, minor) in parts {
            let account = match paid.got {
                Got::Value(_) => Account::StoredValue,
                Got::Time { .. } | Got::Stays(_) => Account::PassRevenue,
            };
            match paid.by {
                PaidBy::Payment(id) => {
                    let known = payments.iter().find(|payment| payment.id == id);
                    let payment = self.payment(id).or(known).cloned();
                    let payment = payment.filter(|p| matches!(p.state, PaymentState::Paid { .. }));
                    let payment = payment.ok_or(Refusal::NotPaid(id.to_string()))?;
                    let left = payment.amount.minor - self.state.given_back(id);
                    backs.push(Back::Bank(payment, account, (*minor).min(left)));
                }
                PaidBy::Cash(id) => {
                    let of = cash.iter().find(|cash| cash.id == id && cash.refund_of.is_none());
                    let of = of.cloned().ok_or(Refusal::RefundedBefore(id))?;
                    let left = of.amount.minor - self.state.cash_back(id);
                    let minor = (*minor).min(left);
                    in_cash += minor;
                    backs.push(Back::Cash(of, account, minor));
                }
                PaidBy::Pass(_) | PaidBy::Counter => {}
            }
        }
        if in_cash > 0 {
            self.shift_of(who).ok_or(Refusal::NoShift)?;
            let limited = crate::core::limit::Limited::CashBack(who.to_owned());
            self.within(&limited, self.rules.limits.cash_back_day_minor, in_cash)?;
        }
        Ok(backs)
    }

    fn give_rest_back(&mut self, who: &str, part: Back, reason: &str) {
        match part {
            Back::Bank(payment, account, minor) if minor > 0 => {
                let amount = self.money(minor);
                // It is owed to its payer from now on, whatever becomes of the refund.
                let entry = Entry::new(account, Account::RefundsPayable, amount);
                self.book(Entry { payment: Some(payment.id), ..entry });
                let (who, reason) = (who.to_owned(), reason.to_owned());
                let why = RefundWhy::Asked { who: who.clone(), reason: reason.clone() };
                let mut refund = self.new_refund(&payment, amount, why);
                if minor > self.rules.till.approve_above_minor {
                    (refund.state, refund.next_ask) = (RefundState::Waiting, None);
                }
                self.note_refund(&refund, TillDid::RefundAsked, who, reason);
                self.record(Change::Refund(refund));
            }
            Back::Cash(of, account, minor) if minor > 0 => {
                let earned = Earned::from_account(account);
                let limited = crate::core::limit::Limited::CashBack(who.to_owned());
                self.hand_back(&of, &earned, self.money(minor), (who, None), reason);
                self.count_spent(&limited, self.rules.limits.cash_back_day_minor, minor);
            }
            Back::Bank(..) | Back::Cash(..) => {}
        }
    }

    /// What a stored value would pay of a stay's fee just now.
    pub(super) fn would_take(&self, stay: &crate::core::stay::Stay, owed_minor: i64) -> i64 {
        let Standing::Pass(id) = stay.standing else { return 0 };
        let good = |pass: &&Pass| pass.valid_from <= self.now && self.now < pass.valid_until;
        self.pass(id).filter(good).map_or(0, |pass| balance_of(pass).min(owed_minor).max(0))
    }
}

fn balance_of(pass: &Pass) -> i64 {
    match pass.kind {
        PassKind::Stored { balance_minor } => balance_minor,
        PassKind::Season | PassKind::Count { .. } => 0,
    }
}

pub(super) fn given(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() { Err(Refusal::NoReason) } else { Ok(reason.to_owned()) }
}
