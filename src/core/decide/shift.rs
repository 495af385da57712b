//! Shifts at booths (交接班): opened with a float, ended with a count, and what their operators do meanwhile. Knows no order.

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        lane::OperatorAct,
        money::{Account, Posting},
        till::{Shift, ShiftTotals},
    },
    types::{BoothId, ShiftId},
};

/// More than any drawer holds, in minor units: a slip of the finger.
const DRAWER_MINOR_MAX: i64 = 100_000_000;

impl Desk<'_> {
    /// The open shift of an operator.
    pub(super) fn shift_of(&self, operator: &str) -> Option<&Shift> {
        self.open_shift(|shift| shift.operator == operator)
    }

    fn shift_at(&self, booth: &BoothId) -> Option<&Shift> {
        self.open_shift(|shift| shift.booth == *booth)
    }

    fn open_shift(&self, is_it: impl Fn(&Shift) -> bool) -> Option<&Shift> {
        let fresh = self.changes.iter().rev().filter_map(|change| match change {
            Change::Shift(shift) => Some(shift.id),
            _ => None,
        });
        let ids = fresh.chain(self.state.shifts.keys().copied());
        ids.filter_map(|id| self.shift(id)).find(|shift| is_it(shift))
    }

    /// Changes the totals of an open shift.
    pub(super) fn count(&mut self, id: ShiftId, count: impl FnOnce(&mut ShiftTotals)) {
        if let Some(mut shift) = self.shift(id).cloned() {
            count(&mut shift.totals);
            self.record(Change::Shift(shift));
        }
    }

    pub(super) fn open_drawer(&mut self, who: String, booth: BoothId, float_minor: i64) -> Reply {
        if !self.rules.till.booths.contains(&booth) {
            return Err(Refusal::NoBooth(booth));
        }
        if self.shift_at(&booth).is_some() {
            return Err(Refusal::BoothOpen(booth));
        }
        if let Some(mine) = self.shift_of(&who) {
            return Err(Refusal::ShiftOpen(mine.booth.clone()));
        }
        check(float_minor)?;
        let (id, float) = (self.next_shift(), self.money(float_minor));
        self.record(Change::Shift(Shift {
            id,
            booth,
            operator: who,
            opened_at: self.now,
            float,
            totals: ShiftTotals::default(),
            counted: None,
            over_at: None,
            closed_by: None,
        }));
        let shift = Some(id);
        self.book(Entry { shift, ..Entry::new(Account::CashDrawer, Account::CashSafe, float) });
        Ok(Answer::Shift(id))
    }

    /// The drawer is counted and emptied into the safe; what is over or short is posted.
    pub(super) fn close_drawer(
        &mut self,
        who: String,
        booth: &BoothId,
        counted_minor: i64,
    ) -> Reply {
        let mut shift = self.shift_at(booth).cloned().ok_or(Refusal::NoShift)?;
        check(counted_minor)?;
        let (id, counted) = (shift.id, self.money(counted_minor));
        shift.counted = Some(counted);
        shift.over_at = Some(self.now);
        shift.closed_by = Some(who).filter(|who| *who != shift.operator);
        let over = shift.over_minor().unwrap_or(0);
        self.record(Change::Shift(shift));
        let (debit, credit) = match over {
            ..0 => (Account::CashOverShort, Account::CashDrawer),
            0.. => (Account::CashDrawer, Account::CashOverShort),
        };
        let amount = self.money(over.saturating_abs());
        let shift = Some(id);
        self.book(Entry { shift, ..Entry::new(debit, credit, amount) });
        self.book(Entry { shift, ..Entry::new(Account::CashSafe, Account::CashDrawer, counted) });
        Ok(Answer::Shift(id))
    }

    /// The next operator counts and goes on with what is there.
    pub(super) fn take_over(&mut self, who: String, booth: BoothId, counted_minor: i64) -> Reply {
        if let Some(mine) = self.shift_of(&who) {
            return Err(Refusal::ShiftOpen(mine.booth.clone()));
        }
        self.close_drawer(who.clone(), &booth, counted_minor)?;
        self.open_drawer(who, booth, counted_minor)
    }

    /// An operator opened an arm by hand: it stands on the operator's shift, if one is open.
    pub(super) fn opened_by_hand(&mut self, who: &str, act: OperatorAct) -> Option<ShiftId> {
        let shift = self.shift_of(who).map(|shift| shift.id)?;
        if matches!(act, OperatorAct::Open | OperatorAct::Hold) {
            self.count(shift, |totals| totals.openings += 1);
        }
        Some(shift)
    }
}

fn check(minor: i64) -> Result<(), Refusal> {
    if (0..=DRAWER_MINOR_MAX).contains(&minor) { Ok(()) } else { Err(Refusal::AmountUnfit) }
}

/// Whether the postings of a shift add up to what it says of itself: what it took and gave back, and a drawer that
/// holds what is expected while it is open, and nothing once it is counted.
pub fn shift_matches_postings<'a>(
    shift: &Shift,
    postings: impl IntoIterator<Item = &'a Posting>,
) -> bool {
    let (mut drawer, mut taken, mut refunded, mut over) = (0, 0, 0, 0);
    for posting in postings.into_iter().filter(|posting| posting.shift == Some(shift.id)) {
        let minor = posting.amount.minor;
        drawer += i64::from(posting.debit == Account::CashDrawer) * minor;
        drawer -= i64::from(posting.credit == Account::CashDrawer) * minor;
        let income = |account| {
            use Account::{ParkingRevenue, PassRevenue, SalesRevenue, StoredValue, TicketRevenue};
            // A drawer's value that is stored is taken there, and earned elsewhere.
            matches!(
                account,
                ParkingRevenue | SalesRevenue | TicketRevenue | PassRevenue | StoredValue
            )
        };
        taken += i64::from(income(posting.credit)) * minor;
        refunded += i64::from(income(posting.debit)) * minor;
        over += i64::from(posting.credit == Account::CashOverShort) * minor;
        over -= i64::from(posting.debit == Account::CashOverShort) * minor;
    }
    let totals = shift.totals;
    let holds = if shift.counted.is_some() { 0 } else { shift.expected_minor() };
    (taken, refunded, drawer) == (totals.cash_minor, totals.refunded_minor, holds)
        && over == shift.over_minor().unwrap_or(0)
}
