//! The register at the desk: each entry as this decision leaves it, and numbers for new ones. Decides nothing.

use super::Desk;
use crate::{
    core::{
        change::Change,
        limit::Spent,
        pass::{Listed, Pass, Reservation},
        selling::Closure,
        task::Task,
        till::{Arrears, Merchant, Shift, Validation},
        zone::Zone,
    },
    types::{
        ArrearsId, CashId, ClosureId, ListedId, MerchantId, PassId, ReservationId, ShiftId, TaskId,
        ValidationId, ZoneId,
    },
};

macro_rules! entries {
    ($($kind:ident $one:ident $id:ident $all:ident $next:ident $counter:ident;)+) => {
        impl Desk<'_> {$(
            /// As this decision has left it; `None`: there is none, or it is over.
            pub(super) fn $one(&self, id: $id) -> Option<&$kind> {
                let changed = self.changes.iter().rev().find_map(|change| match change {
                    Change::$kind(entry) if entry.id == id => Some(entry),
                    _ => None,
                });
                changed.or_else(|| self.state.$all.get(&id)).filter(|e| e.over_at.is_none())
            }

            pub(super) fn $next(&self) -> $id {
                $id(self.fresh(self.state.counters.$counter, |change| match change {
                    Change::$kind(entry) => Some(entry.id.0),
                    _ => None,
                }))
            }
        )+}
    };
}

entries! {
    Pass pass PassId passes next_pass pass;
    Listed listed ListedId listed next_listed listed;
    Reservation reservation ReservationId reservations next_reservation reservation;
    Merchant merchant MerchantId merchants next_merchant merchant;
    Validation validation ValidationId validations next_validation validation;
    Arrears arrears ArrearsId arrears next_arrears arrears;
    Shift shift ShiftId shifts next_shift shift;
    Task task TaskId tasks next_task task;
    Closure closure ClosureId closures next_closure closure;
}

impl Desk<'_> {
    pub(super) fn next_cash(&self) -> CashId {
        CashId(self.fresh(self.state.counters.cash, |change| match change {
            Change::Cash(cash) => Some(cash.id.0),
            _ => None,
        }))
    }

    /// What counts against a limit today; `None`: nothing yet.
    pub(super) fn spent(&self, id: &str) -> Option<&Spent> {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Spent(spent) if spent.id == id => Some(spent),
            _ => None,
        });
        let known = changed.or_else(|| self.state.spent.get(id));
        known.filter(|spent| spent.over_at.is_none() && self.now < spent.until)
    }

    /// What is on record of a zone; nothing yet is a zone without a correction.
    pub(super) fn zone(&self, id: &ZoneId) -> Zone {
        let changed = self.changes.iter().rev().find_map(|change| match change {
            Change::Zone(zone) if zone.id == *id => Some(zone),
            _ => None,
        });
        let known = changed.or_else(|| self.state.zones.get(id)).cloned();
        known.unwrap_or_else(|| Zone {
            id: id.clone(),
            correction: 0,
            corrected_at: None,
            counts: Vec::new(),
        })
    }
}
