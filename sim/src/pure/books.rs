//! Tables of all that was ever committed, kept by the checker alone, and the laws of money, orders and stays on them.
//! Trusts nothing that the core says about itself.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use paifang::{
    core::{
        Change, Rules, State,
        change::AlarmKind,
        lane::{ArmAction, ArmOrder, Cause, Lane, Signal},
        money::{Account, Order, OrderState, Payment, PaymentState, Posting, Refund, RefundState},
        pass::{PassKind, Standing},
        pricing::{case_of, priced_apart},
        settle::Side,
        stay::{Stay, StayState},
        tariff::{Case, Earlier, PaidAt, QuoteRule, Span},
        till::Arrears,
    },
    settle::Record,
    types::{ArrearsId, ChannelId, CommandId, OrderId, PassId, PaymentId, Plate, RefundId, StayId},
};

use super::{
    bank::PureBank,
    check::{Broken, Law, law},
    morning::Line,
    shifts::Shifts,
    site::bank_of,
};

#[derive(Debug, Default)]
pub struct Books {
    pub orders: BTreeMap<OrderId, Order>,
    pub payments: BTreeMap<PaymentId, Payment>,
    pub refunds: BTreeMap<RefundId, Refund>,
    pub stays: BTreeMap<StayId, Stay>,
    /// Those that the decision changed, as they were before it: what it takes was asked for by them.
    before: BTreeMap<StayId, Stay>,
    pub by_number: HashMap<String, PaymentId>,
    commands: HashMap<CommandId, ArmOrder>,
    performed: BTreeSet<CommandId>,
    open_plates: HashMap<Plate, StayId>,
    last_txn: i64,
    settled: BTreeSet<PaymentId>,
    revenue_of_order: BTreeSet<OrderId>,
    revenue_of_stay: BTreeMap<StayId, i64>,
    /// What earlier stays owed when they left.
    arrears: BTreeMap<ArrearsId, Arrears>,
    pub(super) shifts: Shifts,
    /// Spaces of each pass, and the open stays it covers.
    passes: BTreeMap<PassId, (u32, BTreeSet<StayId>)>,
    /// What each pass holds, and what the ledger owes for all of them.
    held: BTreeMap<PassId, i64>,
    stored_minor: i64,
    /// What the channel holds for us, by payment.
    receivable: BTreeMap<PaymentId, i64>,
    /// The ledger's lines about the banks, as they are held against statements.
    pub(super) lines: Vec<Line>,
}

impl Books {
    /// All changes of one decision, as committed.
    pub fn take(
        &mut self,
        changes: &[Change],
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), Broken> {
        self.before.clear();
        changes.iter().try_for_each(|change| self.take_one(change))?;
        // A space may pass from one car to the next within one decision.
        for (pass, (spaces, covered)) in &self.passes {
            law(Law::PoolSpaces, covered.len() <= *spaces as usize, || {
                format!("pass {pass} has {spaces} spaces and covers {covered:?}")
            })?;
        }
        self.shifts.take(changes)?;
        for change in changes {
            match change {
                Change::Posting(posting) => self.posting(posting, rules, now)?,
                Change::Lane(lane) => self.order(lane)?,
                Change::Arrears(arrears) => self.owes(arrears, rules, now)?,
                _ => {}
            }
        }
        let held: i64 = self.held.values().sum();
        law(Law::StoredIsHeld, held == self.stored_minor, || {
            format!("passes hold {held}, the ledger stores {}", self.stored_minor)
        })
    }

    fn take_one(&mut self, change: &Change) -> Result<(), Broken> {
        match change {
            Change::Stay(stay) => self.stay(stay)?,
            Change::Pass(pass) => {
                self.passes.entry(pass.id).or_default().0 = pass.spaces;
                let held = match pass.kind {
                    PassKind::Stored { balance_minor } => balance_minor,
                    PassKind::Season | PassKind::Count { .. } => 0,
                };
                self.held.insert(pass.id, held);
            }
            Change::OperatorActed { act, reason, .. } => {
                law(Law::OpeningsReasoned, !reason.trim().is_empty(), || format!("{act:?}"))?;
            }
            Change::Order(order) => {
                let fresh = self.orders.insert(order.id, order.clone()).is_none();
                if fresh && order.stay.is_some() && order.state == OrderState::Due {
                    explained(order, &self.arrears)?;
                }
            }
            Change::Payment(payment) => {
                self.by_number.insert(payment.out_trade_no.clone(), payment.id);
                self.payments.insert(payment.id, payment.clone());
                let asks = !payment.state.is_undecided() || payment.next_ask.is_some();
                law(Law::UndecidedVisible, asks, || format!("nobody asks about {payment:?}"))?;
            }
            Change::Refund(refund) => {
                self.refunds.insert(refund.id, refund.clone());
                let asks = refund.state != RefundState::Pending || refund.next_ask.is_some();
                law(Law::UndecidedVisible, asks, || format!("nobody asks about {refund:?}"))?;
            }
            Change::PaymentFiled { payment } => {
                let over = self.payments.get(payment).is_some_and(|p| !p.state.is_undecided());
                law(Law::UndecidedVisible, over, || format!("payment {payment} filed undecided"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn stay(&mut self, stay: &Stay) -> Result<(), Broken> {
        let former = self.stays.insert(stay.id, stay.clone());
        if let Some(former) = &former {
            self.before.entry(stay.id).or_insert_with(|| former.clone());
        }
        if let Some(Standing::Pass(pass)) = former.map(|former| former.standing) {
            self.passes.entry(pass).or_default().1.remove(&stay.id);
        }
        if let (true, Standing::Pass(pass)) = (stay.state.is_open(), stay.standing) {
            self.passes.entry(pass).or_default().1.insert(stay.id);
        }
        if !stay.state.is_open() {
            if self.open_plates.get(&stay.plate) == Some(&stay.id) {
                self.open_plates.remove(&stay.plate);
            }
            return Ok(());
        }
        let former = self.open_plates.insert(stay.plate.clone(), stay.id);
        let open = former.filter(|id| {
            *id != stay.id && self.stays.get(id).is_some_and(|stay| stay.state.is_open())
        });
        law(Law::OneStayPerPlate, open.is_none(), || {
            format!("{} has stays {:?} and {}", stay.plate, open, stay.id)
        })
    }

    fn order(&mut self, lane: &Lane) -> Result<(), Broken> {
        let Some(order) = &lane.order else { return Ok(()) };
        if self.commands.contains_key(&order.id) {
            return Ok(());
        }
        if let Some(Cause::Paid { order: paid }) = &order.cause {
            let is = self.orders.get(paid).map(|order| &order.state);
            let paid_indeed = matches!(is, Some(OrderState::Paid { .. }));
            law(Law::OpensWithCause, paid_indeed, || format!("opens for order {paid}, {is:?}"))?;
        }
        self.commands.insert(order.id, order.clone());
        Ok(())
    }

    /// An effect leaves for an arm.
    pub fn perform(
        &mut self,
        command: CommandId,
        action: ArmAction,
        lane: &Lane,
        rules: &Rules,
    ) -> Result<(), Broken> {
        let known = self.commands.get(&command);
        law(Law::OpensWithCause, known.is_some_and(|order| order.action == action), || {
            format!("{action:?} {command} is not on record: {known:?}")
        })?;
        let cause = known.and_then(|order| order.cause.as_ref());
        let reasoned = match cause {
            Some(Cause::Operator { reason, .. }) => !reason.trim().is_empty(),
            Some(_) => true,
            None => !matches!(action, ArmAction::Open | ArmAction::Hold),
        };
        law(Law::OpensWithCause, reasoned, || format!("{action:?} {command} for {cause:?}"))?;
        law(Law::CommandOnce, self.performed.insert(command), || {
            format!("{action:?} {command} for the second time")
        })?;
        if action == ArmAction::Close {
            let wired = rules.lanes.get(&lane.id).map(|rules| rules.wired).unwrap_or_default();
            let s = lane.sensors;
            let free = [(wired.arrival, s.arrival), (wired.safety, s.safety)]
                .iter()
                .all(|(wired, signal)| !wired || *signal == Signal::Off);
            law(Law::ClosesWhenFree, free, || format!("close {command} of {}: {s:?}", lane.id))?;
        }
        Ok(())
    }

    fn posting(&mut self, posting: &Posting, rules: &Rules, now: Timestamp) -> Result<(), Broken> {
        let sound = posting.debit != posting.credit
            && posting.amount.minor > 0
            && posting.amount.currency == rules.currency
            && posting.txn == self.last_txn + 1;
        law(Law::PostingsBalance, sound, || format!("{posting:?} after {}", self.last_txn))?;
        self.last_txn = posting.txn;
        let minor = posting.amount.minor;
        for (account, minor) in [(posting.debit, minor), (posting.credit, -minor)] {
            if account == Account::StoredValue {
                self.stored_minor -= minor;
            }
            if let (Account::ChannelReceivable, Some(payment)) = (account, posting.payment) {
                *self.receivable.entry(payment).or_default() += minor;
                self.line(posting, payment);
            }
        }
        let comes_in = posting.debit == Account::ChannelReceivable;
        if let (true, Some(payment)) = (comes_in, posting.payment) {
            let first = self.settled.insert(payment);
            law(Law::PaidOnce, first, || format!("payment {payment} settled twice"))?;
        }
        if posting.credit == Account::ParkingRevenue {
            self.revenue(posting, rules, now)?;
        }
        if posting.debit == Account::ParkingRevenue {
            let cash = posting.cash.and_then(|cash| self.shifts.cash.get(&cash));
            let given_back = cash.filter(|cash| cash.refund_of.is_some());
            let payment = posting.payment.and_then(|payment| self.payments.get(&payment));
            let of_payment = payment.and_then(|payment| self.orders.get(&payment.order)?.stay);
            let Some(stay) = given_back.and_then(|cash| cash.stay).or(of_payment) else {
                return Err(Broken::new(Law::PaidOnce, format!("{posting:?} gives nobody back")));
            };
            *self.revenue_of_stay.entry(stay).or_default() -= minor;
        }
        Ok(())
    }

    fn line(&mut self, posting: &Posting, payment: PaymentId) {
        let Some(payment) = self.payments.get(&payment) else { return };
        let refund = posting.refund.and_then(|refund| self.refunds.get(&refund));
        let (side, number) = match refund {
            Some(refund) => (Side::Refunded, refund.refund_no.clone()),
            None => (Side::Paid, payment.out_trade_no.clone()),
        };
        let record = Record {
            side,
            number,
            minor: posting.amount.minor,
            out_trade_no: payment.out_trade_no.clone(),
            bank_no: payment.bank_no.clone().unwrap_or_default(),
            line: 0,
        };
        self.lines.push(Line { at: posting.at, bank: bank_of(&payment.channel), record });
    }

    /// Whoever is asked about a payment is whoever was asked first.
    pub(super) fn stays_with(&self, channel: &ChannelId, number: &str) -> Result<(), Broken> {
        let payment = self.by_number.get(number).and_then(|id| self.payments.get(id));
        law(Law::OneChannel, payment.is_some_and(|payment| payment.channel == *channel), || {
            format!("{channel} is asked about {payment:?}")
        })
    }

    /// Income of a stay: once per order, never more than the stay owes at that time. What a pass pays is of no order, and
    /// what an order collects for earlier stays is not of its own.
    fn revenue(&mut self, posting: &Posting, rules: &Rules, now: Timestamp) -> Result<(), Broken> {
        if posting.pass.is_some() {
            return Ok(());
        }
        if let Some(refund) = posting.refund {
            return self.kept(refund, posting, rules, now);
        }
        let paid = posting.payment.and_then(|payment| self.payments.get(&payment));
        let cash = posting.cash.and_then(|cash| self.shifts.cash.get(&cash));
        let order = paid.map(|payment| payment.order).or(cash.map(|cash| cash.order));
        let Some(order) = order.and_then(|order| self.orders.get(&order)) else {
            return Err(Broken::new(Law::PaidOnce, format!("{posting:?} of no order")));
        };
        let first = self.revenue_of_order.insert(order.id);
        law(Law::PaidOnce, first, || format!("order {} paid twice", order.id))?;
        let earlier = order.arrears.iter().filter_map(|id| self.arrears.get(id));
        let earlier: Vec<(StayId, i64)> = earlier.map(|a| (a.stay, a.amount.minor)).collect();
        let own = posting.amount.minor - earlier.iter().map(|(_, minor)| minor).sum::<i64>();
        let parts = order.stay.map(|stay| (stay, own)).into_iter().chain(earlier);
        let parts: Vec<(StayId, i64)> = parts.collect();
        for (id, minor) in parts {
            let Some(stay) = self.before.get(&id).or(self.stays.get(&id)) else {
                return Err(Broken::new(Law::PaidOnce, format!("{posting:?} of no stay")));
            };
            let owed = fee_minor(stay, Some(order), rules, now);
            let total = self.revenue_of_stay.entry(id).or_default();
            *total += minor;
            law(Law::PaidOnce, *total <= owed, || {
                let (by, lines) = (&rules.tariff, &order.quote.lines);
                format!("stay {id} has paid {total} and owes {owed} in all by {by}: {lines:#?}")
            })?;
        }
        Ok(())
    }

    /// The bank would not give it back: what was earned stays earned.
    fn kept(
        &mut self,
        refund: RefundId,
        posting: &Posting,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<(), Broken> {
        let refund = self.refunds.get(&refund).filter(|refund| refund.amount == posting.amount);
        let of = refund.and_then(|refund| self.payments.get(&refund.payment));
        let order = of.and_then(|payment| self.orders.get(&payment.order));
        let stay = refund.and_then(|refund| refund.earned.as_ref()?.stay);
        let Some(stay) = stay.and_then(|stay| self.stays.get(&stay)) else {
            return Err(Broken::new(Law::PaidOnce, format!("{posting:?} of no refund")));
        };
        let owed = fee_minor(stay, order, rules, now);
        let total = self.revenue_of_stay.entry(stay.id).or_default();
        *total += posting.amount.minor;
        law(Law::PaidOnce, *total <= owed, || {
            format!("stay {} has paid {total} and owes {owed} in all", stay.id)
        })
    }

    /// A vehicle goes on owing no more than its fee less what was paid and let go, and that once.
    fn owes(&mut self, arrears: &Arrears, rules: &Rules, now: Timestamp) -> Result<(), Broken> {
        if let Some(known) = self.arrears.insert(arrears.id, arrears.clone()) {
            let same = (known.stay, known.amount) == (arrears.stay, arrears.amount);
            return law(Law::ArrearsFit, same, || format!("{known:?} became {arrears:?}"));
        }
        let of_stay = self.arrears.values().filter(|known| known.stay == arrears.stay).count();
        let Some(stay) = self.stays.get(&arrears.stay).filter(|_| of_stay == 1) else {
            return Err(Broken::new(Law::ArrearsFit, format!("{arrears:?} of another stay")));
        };
        let let_go: i64 = stay.waived.iter().map(|waiver| waiver.minor).sum();
        let paid = self.revenue_of_stay.get(&stay.id).copied().unwrap_or_default();
        let order = self.orders.get(&arrears.order);
        let left = fee_minor(stay, order, rules, now) - let_go - paid;
        law(Law::ArrearsFit, (1..=left).contains(&arrears.amount.minor), || {
            format!("{arrears:?}, and {left} was not paid")
        })
    }

    /// Visits of a plate before a stay that ended at `since` or later, oldest first.
    pub fn visits_before(&self, stay: StayId, plate: &Plate, since: Timestamp) -> Vec<Earlier> {
        let before = self.stays.range(..stay).map(|(_, stay)| stay);
        let left = before.filter(|s| s.plate == *plate && s.state == StayState::Left);
        let visit = |stay: &Stay| {
            let to = stay.left_at.filter(|to| *to >= since)?;
            Some(Earlier { from: stay.entered_at, to, charged_minor: stay.paid_minor })
        };
        left.filter_map(visit).collect()
    }

    /// When all is over: the bank's books against ours, payment by payment.
    pub fn agree_with(&self, bank: &PureBank, state: &State) -> Result<(), Broken> {
        for (number, trade) in &bank.trades {
            let Some(payment) = self.by_number.get(number).and_then(|id| self.payments.get(id))
            else {
                return Err(Broken::new(Law::BooksAgree, format!("{number}: nobody asked for it")));
            };
            let ours = self.receivable.get(&payment.id).copied().unwrap_or(0);
            let alarm = |kind| state.alarms.contains_key(&(number.clone(), kind));
            // The bank may carry out a refund it had refused: whoever looks into the refusal sees it.
            let visible = alarm(AlarmKind::AmountDiffers) || alarm(AlarmKind::RefundRefused);
            law(Law::BooksAgree, visible || ours == trade.net_minor(), || {
                format!("{number}: ours {ours}, the bank's {trade:?}, {payment:?}")
            })?;
        }
        for payment in self.payments.values() {
            let number = &payment.out_trade_no;
            let kind = AlarmKind::PaymentUndecided;
            let visible = state.alarms.contains_key(&(number.clone(), kind));
            law(Law::UndecidedVisible, !payment.state.is_undecided() || visible, || {
                format!("{payment:?} is undecided in the end and nobody knows")
            })?;
        }
        Ok(())
    }

    /// When all is over: what is over is not in memory any more.
    pub fn memory_is_empty(&self, state: &State) -> Result<(), Broken> {
        law(Law::MemoryEmpties, state.shifts.is_empty(), || format!("{:?}", state.shifts))?;
        for validation in state.validations.values() {
            law(Law::MemoryEmpties, state.stays.contains_key(&validation.stay), || {
                format!("{validation:?} is of nobody inside")
            })?;
        }
        // Arrears can be paid for as long as nobody forgave them.
        let owes = |id: OrderId| state.arrears.values().any(|arrears| arrears.order == id);
        for payment in state.payments.values() {
            // A person must look, or its vehicle's exit was never seen.
            let kept = matches!(payment.state, PaymentState::Disputed { .. })
                || self
                    .orders
                    .get(&payment.order)
                    .is_some_and(|o| o.stay.is_some_and(|stay| state.stays.contains_key(&stay)))
                || owes(payment.order);
            // Whoever asks twice for the same sale is answered the same for a while.
            let sale = self.orders.get(&payment.order).and_then(|order| order.sale.as_ref());
            let kept = kept || sale.is_some_and(|sale| sale.open_until.is_some());
            law(Law::MemoryEmpties, kept || payment.state.is_undecided(), || {
                format!("{payment:?} is still watched")
            })?;
        }
        for order in state.orders.values() {
            let alive = order.stay.is_some_and(|stay| state.stays.contains_key(&stay))
                || owes(order.id)
                // A sale is remembered for a while.
                || order.sale.as_ref().is_some_and(|sale| sale.open_until.is_some())
                || state.payments.values().any(|payment| payment.order == order.id);
            law(Law::MemoryEmpties, alive, || format!("{order:?} is still there"))?;
        }
        Ok(())
    }
}

/// The whole fee of a stay so far, as if nobody had given anything. What a right pays for is what the order says of it:
/// units that begin after it may be other ones than without.
fn fee_minor(stay: &Stay, order: Option<&Order>, rules: &Rules, now: Timestamp) -> i64 {
    let until = stay.left_at.map_or(now, |left| left.min(now));
    let segments = priced_apart(&rules.zones, stay, until);
    let let_go = stay.waived.iter().map(|waiver| PaidAt { at: waiver.at, amount: waiver.minor });
    let mut paid: Vec<PaidAt> = stay.paid.iter().copied().chain(let_go).collect();
    paid.sort_by_key(|paid| paid.at);
    let leave_s = rules.pay.leave_time.as_secs() as i64;
    let case = case_of(stay, &rules.tariff, until, leave_s);
    let lines = order.into_iter().flat_map(|order| &order.quote.lines);
    let lines = lines.filter(|line| line.rule == QuoteRule::Covered);
    let covered: Vec<Span> = lines.map(|line| Span { from: line.from, to: line.to }).collect();
    let case = Case { segments: &segments, paid: &paid, covered: &covered, ..case };
    rules.tariffs.quote(&case).map_or(0, |quote| quote.amount.minor)
}

/// A fee's lines add up to it, and its order asks for what is left of it and for what earlier stays owe.
fn explained(order: &Order, arrears: &BTreeMap<ArrearsId, Arrears>) -> Result<(), Broken> {
    let quote = &order.quote;
    let lines: i64 = quote.lines.iter().map(|line| line.amount.minor).sum();
    let owed = order.arrears.iter().filter_map(|id| arrears.get(id));
    let owed: i64 = owed.map(|arrears| arrears.amount.minor).sum();
    let due = (quote.amount.minor - quote.paid_minor).max(0) + owed;
    law(Law::FeeExplained, lines == quote.amount.minor && due == order.amount.minor, || {
        format!("{lines} in the lines, {due} due: {order:?}")
    })
}
