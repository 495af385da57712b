//! The laws of cash: what shifts say of themselves, what their drawers hold, and what the ledger has of both. Knows no
//! lane and no bank.

use std::collections::{BTreeMap, BTreeSet};

use paifang::{
    core::{
        Change,
        money::{Account, Posting},
        shift_matches_postings,
        till::{Cash, Shift},
    },
    types::{CashId, ShiftId},
};

use super::check::{Broken, Law, law};

#[derive(Debug, Default)]
pub(super) struct Shifts {
    shifts: BTreeMap<ShiftId, Shift>,
    pub(super) cash: BTreeMap<CashId, Cash>,
    postings: BTreeMap<ShiftId, Vec<Posting>>,
    /// Taken less given back, row by row.
    rows_minor: BTreeMap<ShiftId, i64>,
    /// Given back of each.
    refunded: BTreeMap<CashId, i64>,
}

impl Shifts {
    /// All changes of one decision, as committed.
    pub(super) fn take(&mut self, changes: &[Change]) -> Result<(), Broken> {
        let mut touched = BTreeSet::new();
        for change in changes {
            match change {
                Change::Shift(shift) => {
                    touched.insert(shift.id);
                    self.shifts.insert(shift.id, shift.clone());
                }
                Change::Cash(cash) => {
                    touched.insert(cash.shift);
                    self.row(cash)?;
                }
                Change::Posting(posting) => {
                    if let Some(shift) = posting.shift {
                        touched.insert(shift);
                        self.postings.entry(shift).or_default().push(posting.clone());
                    }
                }
                _ => {}
            }
        }
        touched.into_iter().try_for_each(|shift| self.adds_up(shift))
    }

    fn row(&mut self, cash: &Cash) -> Result<(), Broken> {
        let open = self.shifts.get(&cash.shift).is_some_and(|shift| shift.counted.is_none());
        law(Law::DrawerHolds, open, || format!("{cash:?} is in no open shift"))?;
        let fits = match cash.refund_of {
            None => cash.tendered.minor >= cash.amount.minor && cash.amount.minor > 0,
            Some(of) => {
                let taken = self.cash.get(&of).filter(|taken| taken.refund_of.is_none());
                let back = self.refunded.entry(of).or_default();
                *back += cash.amount.minor;
                let all = *back;
                cash.amount.minor > 0 && taken.is_some_and(|taken| all <= taken.amount.minor)
            }
        };
        law(Law::DrawerHolds, fits, || format!("{cash:?} does not fit"))?;
        let signed = if cash.refund_of.is_some() { -cash.amount.minor } else { cash.amount.minor };
        *self.rows_minor.entry(cash.shift).or_default() += signed;
        self.cash.insert(cash.id, cash.clone());
        Ok(())
    }

    fn adds_up(&self, id: ShiftId) -> Result<(), Broken> {
        let known = self.shifts.get(&id);
        let Some(shift) = known else {
            return Err(Broken::new(Law::ShiftsAddUp, format!("nobody opened shift {id}")));
        };
        let postings = self.postings.get(&id).map(Vec::as_slice).unwrap_or_default();
        law(Law::ShiftsAddUp, shift_matches_postings(shift, postings), || {
            format!("{shift:#?} and {postings:#?}")
        })?;
        let rows = self.rows_minor.get(&id).copied().unwrap_or_default();
        let holds = if shift.counted.is_some() { 0 } else { shift.float.minor + rows };
        let posted = drawer_minor(postings);
        law(Law::DrawerHolds, posted == holds, || {
            format!("the drawer of shift {id} holds {holds}, and {posted} is posted")
        })
    }
}

fn drawer_minor(postings: &[Posting]) -> i64 {
    let one = |posting: &Posting| match (posting.debit, posting.credit) {
        (Account::CashDrawer, _) => posting.amount.minor,
        (_, Account::CashDrawer) => -posting.amount.minor,
        _ => 0,
    };
    postings.iter().map(one).sum()
}
