//! The laws of charges by the plate, on what was committed. Knows no bank.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paifang::{
    core::{
        Change, State,
        lane::Phase,
        money::{Order, OrderState, Payment, PaymentState},
    },
    types::{OrderId, PaymentId},
};

use super::{
    books::Books,
    check::{Broken, Law, law},
};

impl Books {
    /// After each decision: whatever of one stay is asked for, a charge that the bank may still accept stands alone.
    pub(super) fn charged_alone(&self, changes: &[Change], state: &State) -> Result<(), Broken> {
        for change in changes {
            let Change::Payment(fresh) = change else { continue };
            let stay = |payment: &Payment| self.orders.get(&payment.order).map(|order| order.stay);
            let pending = |payment: &&Payment| payment.state == PaymentState::Pending;
            let of_stay =
                state.payments.values().filter(pending).filter(|p| stay(p) == stay(fresh));
            let of_stay: Vec<_> = of_stay.collect();
            let charges = of_stay.iter().any(|payment| payment.charge.is_some());
            law(Law::ChargedAlone, !charges || of_stay.len() == 1, || format!("{of_stay:#?}"))?;
        }
        Ok(())
    }

    /// When all is over: no charge that a vehicle left for is forgotten.
    pub(super) fn charged_or_owed(&self, state: &State) -> Result<(), Broken> {
        let settled = |payments: &BTreeMap<PaymentId, Payment>,
                       orders: &BTreeMap<OrderId, Order>| {
            payments.values().find_map(|payment| {
                let relied_on = payment.charge.as_ref().is_some_and(|charge| charge.relied_on);
                let lost =
                    matches!(payment.state, PaymentState::Failed { .. } | PaymentState::Reversed);
                let order = orders.get(&payment.order)?;
                let open = order.stay.is_some_and(|stay| state.stays.contains_key(&stay));
                let due = order.state == OrderState::Due;
                (relied_on && lost && due && !open).then(|| format!("{payment:?} of {order:?}"))
            })
        };
        let forgotten = settled(&self.payments, &self.orders);
        law(Law::ChargedOrOwed, forgotten.is_none(), || forgotten.clone().unwrap_or_default())
    }
}

/// A vehicle at an exit is shown the scan when the patience is over, also behind a power cut.
pub(super) fn patience_ends(state: &State, now: Timestamp) -> Result<(), Broken> {
    for lane in state.lanes.values().filter(|lane| lane.phase == Phase::AwaitingPayment) {
        let visit = lane.visit.as_ref().filter(|visit| visit.waits.is_none());
        let until = visit.and_then(|visit| visit.attempt?.until());
        law(Law::PatienceEnds, until.is_none_or(|until| now <= until), || {
            format!("{} waits since {until:?}", lane.id)
        })?;
    }
    Ok(())
}
