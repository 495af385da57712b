//! What an operator does with money: cash and change, a lower fee, a free release, an entry that nobody saw. Each goes on
//! record with name and reason. Knows no bank.

use jiff::Timestamp;

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::{ArmAction, Help, Phase, Visit},
        limit::Limited,
        money::{Account, Earned, OrderState, PaidBy},
        rules::Direction,
        stay::{Stay, StayState},
        till::{Cash, TillAct, TillDid, Waiver},
    },
    types::{LaneId, Money, OrderId, Plate, StayId},
};

/// No vehicle stands for longer than this without anybody knowing.
const ENTRY_DAYS_MAX: i64 = 3_660;

impl Desk<'_> {
    pub(super) fn till(&mut self, who: String, act: TillAct) -> Reply {
        let (second, act) = match act {
            TillAct::Seconded { second, act } => (Some(second), *act),
            act => (None, act),
        };
        let with = second.as_deref();
        match act {
            TillAct::OpenShift { booth, float_minor } => self.open_drawer(who, booth, float_minor),
            TillAct::CloseShift { booth, counted_minor } => {
                self.close_drawer(who, &booth, counted_minor)
            }
            TillAct::TakeOver { booth, counted_minor } => self.take_over(who, booth, counted_minor),
            TillAct::TakeCash { order, tendered_minor } => {
                self.take_cash(&who, order, tendered_minor)
            }
            TillAct::RefundCash { cash, amount_minor, reason } => {
                self.refund_cash(who, &cash, amount_minor, (given(&reason)?, with))
            }
            TillAct::SetFee { lane, amount_minor, reason } => {
                self.set_fee(who, &lane, amount_minor, (given(&reason)?, with))
            }
            TillAct::GiveEntry { lane, plate, entered_at, reason } => {
                self.give_entry(who, &lane, plate, entered_at, given(&reason)?)
            }
            TillAct::Forgive { arrears, reason } => {
                self.forgive(who, arrears, (given(&reason)?, with))
            }
            TillAct::EndStay { stay, reason } => self.end_stay(&who, stay, (given(&reason)?, with)),
            // One second person is enough.
            TillAct::Seconded { .. } => Err(Refusal::SamePerson),
        }
    }

    // ---- cash --------------------------------------------------------------------------------------

    fn take_cash(&mut self, who: &str, id: OrderId, tendered_minor: i64) -> Reply {
        let shift = self.shift_of(who).map(|shift| shift.id).ok_or(Refusal::NoShift)?;
        let order = self.order(id).cloned().ok_or(Refusal::NotDue(id))?;
        match order.state {
            OrderState::Due | OrderState::Unpaid if self.still_owed(&order) => {}
            OrderState::Paid { .. } => return Ok(Answer::AlreadyPaid),
            OrderState::Due | OrderState::Unpaid | OrderState::Waived { .. } | OrderState::Void => {
                return Err(Refusal::NotDue(id));
            }
        }
        if let Some(fresh) = self.fresh_prepay(&order)? {
            return Ok(fresh);
        }
        let (amount, tendered) = (order.amount, self.money(tendered_minor));
        let Some(change) = tendered.checked_sub(amount).filter(|change| change.minor >= 0) else {
            return Err(Refusal::NotEnough(amount));
        };
        let cash = self.next_cash();
        self.record(Change::Cash(Cash {
            id: cash,
            order: id,
            stay: order.stay,
            shift,
            amount,
            tendered,
            at: self.now,
            refund_of: None,
            reason: None,
            of_pass: order.pass.is_some(),
            over_at: self.now,
        }));
        let earned = self.earned_by(&order);
        self.book(Entry {
            cash: Some(cash),
            shift: Some(shift),
            ..Entry::earns(Account::CashDrawer, &earned, amount)
        });
        self.count(shift, |totals| {
            totals.cash_minor += amount.minor;
            totals.cash_count += 1;
        });
        self.order_paid(order, PaidBy::Cash(cash));
        Ok(Answer::Cash(cash, change))
    }

    /// Cash goes back out of the drawer of whoever gives it. A stay that is not over owes it again.
    fn refund_cash(
        &mut self,
        who: String,
        of: &Cash,
        minor: i64,
        (reason, second): (String, Option<&str>),
    ) -> Reply {
        let shift = self.shift_of(&who).map(|shift| shift.id).ok_or(Refusal::NoShift)?;
        if self.state.cash_back(of.id) > 0 || of.refund_of.is_some() {
            return Err(Refusal::RefundedBefore(of.id));
        }
        if of.of_pass {
            return Err(crate::core::manage::Unfit::EndThePass.into());
        }
        if !(1..=of.amount.minor).contains(&minor) {
            return Err(Refusal::AmountUnfit);
        }
        let (limited, most) =
            (Limited::CashBack(who.clone()), self.rules.limits.cash_back_day_minor);
        self.within(&limited, most, minor)?;
        self.two_above(&who, second, minor)?;
        let reason = with_second(reason, second);
        let (id, amount) = (self.next_cash(), self.money(minor));
        let earned = self.earned_in_cash(of);
        self.record(Change::Cash(Cash {
            id,
            shift,
            amount,
            tendered: amount,
            at: self.now,
            refund_of: Some(of.id),
            reason: Some(reason.clone()),
            over_at: self.now,
            ..of.clone()
        }));
        self.book(Entry {
            cash: Some(id),
            shift: Some(shift),
            ..Entry::takes_back(&earned, Account::CashDrawer, amount)
        });
        self.count(shift, |totals| totals.refunded_minor += minor);
        self.look_for_invoice(crate::types::GivenBack::Cash(id));
        if let Some(stay) = of.stay.and_then(|stay| self.stay(stay)).cloned() {
            self.unpay(stay, minor);
        }
        let (did, stay, shift) = (TillDid::CashRefunded, of.stay, Some(shift));
        self.count_spent(&limited, most, minor);
        self.watch_acts(&who, minor, second);
        let (lane, picture, payment) = (None, None, None);
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay,
            shift,
            picture,
            payment,
        });
        Ok(Answer::Cash(id, amount))
    }

    /// What cash had earned; of a sale that is forgotten here, no more than that it was one.
    fn earned_in_cash(&self, of: &Cash) -> Earned {
        if let Some(order) = self.order(of.order) {
            return self.earned_by(order);
        }
        let sold = of.stay.is_none();
        let account = if sold { Account::SalesRevenue } else { Account::ParkingRevenue };
        let zone = of.stay.and_then(|id| self.stay(id)).map(|stay| self.zone_of_stay(stay));
        let products = std::collections::BTreeMap::new();
        Earned { account, stay: of.stay, counter: None, product: None, zone, products }
    }

    /// The last payments of a stay count for so much less.
    pub(super) fn unpay(&mut self, mut stay: Stay, minor: i64) {
        let mut left = minor.min(stay.paid_minor);
        stay.paid_minor -= left;
        while let Some(last) = stay.paid.last_mut().filter(|_| left > 0) {
            let off = last.amount.min(left);
            (last.amount, left) = (last.amount - off, left - off);
            if last.amount == 0 {
                stay.paid.pop();
            }
        }
        stay.paid_at = stay.paid.last().map(|paid| paid.at);
        let id = stay.id;
        self.record(Change::Stay(stay));
        self.settle_again(id);
    }

    // ---- less than the fee -------------------------------------------------------------------------

    /// The vehicle that waits in a lane pays this and no more; what is let go stands on the stay.
    fn set_fee(
        &mut self,
        who: String,
        id: &LaneId,
        minor: i64,
        (reason, second): (String, Option<&str>),
    ) -> Reply {
        let visit = self.visit_at(id)?;
        let nobody = || Refusal::NobodyThere(id.clone());
        let stay = visit.stay.and_then(|stay| self.stay(stay)).cloned().ok_or_else(nobody)?;
        let quote = self.quote(&stay, self.now).map_err(|_| Refusal::AmountUnfit)?;
        let due = quote.due().minor;
        if !(0..due).contains(&minor) {
            return Err(Refusal::AmountUnfit);
        }
        let (limited, most) = (Limited::Waived(who.clone()), self.rules.limits.waived_day_minor);
        self.within(&limited, most, due - minor)?;
        self.two_above(&who, second, due - minor)?;
        let reason = with_second(reason, second);
        let (stay_id, amount) = (stay.id, self.money(minor));
        let picture = picture_of(&visit);
        let (by, more) = ((who.as_str(), second), reason.as_str());
        let shift = self.waive(stay, due - minor, by, more, Some(id), picture.clone());
        let (did, lane) = (TillDid::FeeSet, Some(id.clone()));
        let (stay, payment) = (Some(stay_id), None);
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay,
            shift,
            picture,
            payment,
        });
        self.settle_up(id, stay_id)
    }

    /// Puts down on the stay what it need not pay, and on the shift of whoever let it.
    fn waive(
        &mut self,
        mut stay: Stay,
        minor: i64,
        (who, second): (&str, Option<&str>),
        reason: &str,
        lane: Option<&LaneId>,
        picture: Option<String>,
    ) -> Option<crate::types::ShiftId> {
        self.watch_acts(who, minor, second);
        let shift = self.shift_of(who).map(|shift| shift.id);
        let (by, who) = (who.to_owned(), who.to_owned());
        let (reason, lane) = (reason.to_owned(), lane.cloned());
        stay.waived.push(Waiver { at: self.now, minor, who, reason, shift, lane, picture });
        self.record(Change::Stay(stay));
        let limited = Limited::Waived(by);
        self.count_spent(&limited, self.rules.limits.waived_day_minor, minor);
        if let Some(shift) = shift {
            self.count(shift, |totals| {
                totals.waived_minor += minor;
                totals.waived_count += 1;
            });
        }
        shift
    }

    /// The vehicle leaves: what is due becomes what its going says, and its validations are over. Gives the stay as it
    /// is then.
    pub(super) fn close_bill(
        &mut self,
        lane: &LaneId,
        mut stay: Stay,
        visit: Option<&Visit>,
        became: &OrderState,
    ) -> Stay {
        self.record(Change::Stay(stay.clone()));
        for order in self.due_orders(stay.id) {
            match became {
                // The bank has it in hand, whoever opened in the end.
                _ if self.is_relied_on(order.id) => {}
                OrderState::Unpaid => self.book_arrears(lane, &stay, order),
                OrderState::Waived { who, reason } => {
                    let minor = self.own_part(&order);
                    self.end_order(order, became.clone());
                    if minor > 0 {
                        let picture = visit.and_then(picture_of);
                        self.waive(stay.clone(), minor, (who, None), reason, Some(lane), picture);
                    }
                }
                OrderState::Due | OrderState::Paid { .. } | OrderState::Void => {
                    self.end_order(order, OrderState::Void);
                }
            }
        }
        let asked = stay.order.and_then(|order| self.order(order));
        let asked = asked.filter(|order| order.lane.is_some()).map(|order| order.quote.to);
        let to = asked.unwrap_or_else(|| self.let_go_at(lane));
        self.validations_used(&stay, to, stay.order);
        self.end_validations(stay.id);
        if let Some(known) = self.stay(stay.id) {
            stay = known.clone();
        }
        stay
    }

    /// When the vehicle that leaves was let go: the seconds under the arm cost nobody anything.
    fn let_go_at(&self, lane: &LaneId) -> Timestamp {
        let order = self.lane(lane).and_then(|lane| lane.order.as_ref());
        let opened = order.filter(|order| order.action == ArmAction::Open);
        opened.map_or(self.now, |order| order.at.min(self.now))
    }

    // ---- an entry nobody saw -----------------------------------------------------------------------

    /// A vehicle at an exit that is not on record as having come in is given a stay, and settles it.
    fn give_entry(
        &mut self,
        who: String,
        id: &LaneId,
        plate: Option<Plate>,
        entered_at: Option<Timestamp>,
        reason: String,
    ) -> Reply {
        let visit = self.visit_at(id)?;
        let nobody = || Refusal::NobodyThere(id.clone());
        let rules = self.rules.lanes.get(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let waits = matches!(visit.help, Some(Help::NoStay | Help::NoPlate));
        if self.direction(id) != Some(Direction::Exit) || !self.leads_out(id) || !waits {
            return Err(nobody());
        }
        let plate = plate.or_else(|| visit.plate.clone()).ok_or_else(nobody)?;
        if self.stay_of(&plate).is_some() {
            return Err(Refusal::EntryKnown(id.clone()));
        }
        let zone = self.rules.zones.root(&rules.zone).clone();
        let from = entered_at.unwrap_or(self.now);
        let past = self.now.duration_since(from).as_hours() / 24;
        if from > self.now || past > ENTRY_DAYS_MAX {
            return Err(Refusal::AmountUnfit);
        }
        let mut stay = Stay::new(self.next_stay(), plate.clone(), id.clone(), zone, from);
        stay.state = StayState::Inside;
        stay.lost = entered_at.is_none();
        stay.agreement = self.barred();
        if stay.lost && self.quote(&stay, self.now).map_or(0, |quote| quote.amount.minor) == 0 {
            return Err(Refusal::NoLostFee);
        }
        let (stay_id, picture) = (stay.id, picture_of(&visit));
        self.record(Change::Stay(stay.clone()));
        let amount = Money::zero(self.rules.currency);
        let shift = self.shift_of(&who).map(|shift| shift.id);
        let (did, lane) = (TillDid::EntryGiven, Some(id.clone()));
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay: Some(stay_id),
            shift,
            picture: picture.clone(),
            payment: None,
        });
        self.bind_visit(id, |visit| {
            visit.plate = Some(plate);
            visit.help = None;
        });
        self.leave(id, stay, picture)
    }

    /// Who waits in a lane for its arm.
    fn visit_at(&self, id: &LaneId) -> Result<Visit, Refusal> {
        let lane = self.lane(id).ok_or_else(|| Refusal::NoLane(id.clone()))?;
        let waits = matches!(lane.phase, Phase::Deciding | Phase::AwaitingPayment);
        let visit = lane.visit.clone().filter(|_| waits);
        visit.ok_or_else(|| Refusal::NobodyThere(id.clone()))
    }

    // ---- visits before this one --------------------------------------------------------------------

    /// What the tables know of a plate's visits before a stay goes into its fee.
    pub(super) fn visits_found(
        &mut self,
        stay: StayId,
        visits: Vec<crate::core::tariff::Earlier>,
    ) -> Reply {
        if let Some(mut stay) = self.stay(stay).cloned().filter(|_| !visits.is_empty()) {
            stay.earlier = visits;
            self.record(Change::Stay(stay));
        }
        Ok(Answer::Done)
    }

    /// Asks for the visits before a new stay, where a tariff looks at them.
    pub(super) fn look_back(&mut self, stay: StayId, plate: &Plate) {
        if let Some(back) = self.rules.tariffs.looks_back() {
            let (plate, since) = (plate.clone(), self.now.checked_sub(back).unwrap_or(self.now));
            self.act(crate::core::effect::Effect::FindVisits { stay, plate, since });
        }
    }
}

/// Both names go on record.
pub(super) fn with_second(reason: String, second: Option<&str>) -> String {
    match second {
        Some(second) => format!("{reason} (with {second})"),
        None => reason,
    }
}

fn picture_of(visit: &Visit) -> Option<String> {
    visit.read.as_ref().and_then(|read| read.picture.clone())
}

fn given(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() { Err(Refusal::NoReason) } else { Ok(reason.to_owned()) }
}
