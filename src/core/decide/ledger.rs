//! Lines of the ledger, each of a debit and a credit of the same amount. Knows no bank.

use super::Desk;
use crate::{
    core::{
        change::Change,
        money::{Account, Earned, Order, Posting},
        shares::apportion,
        stay::Stay,
    },
    types::{
        CashId, CounterId, MerchantId, Money, OrderId, PassId, PaymentId, RefundId, ShiftId,
        ValidationId, ZoneId,
    },
};

/// What is to be posted.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) debit: Account,
    pub(super) credit: Account,
    pub(super) amount: Money,
    pub(super) payment: Option<PaymentId>,
    pub(super) refund: Option<RefundId>,
    pub(super) cash: Option<CashId>,
    pub(super) shift: Option<ShiftId>,
    pub(super) pass: Option<PassId>,
    pub(super) counter: Option<CounterId>,
    pub(super) product: Option<String>,
    pub(super) zone: Option<ZoneId>,
    /// Weights; what is posted of each adds up to the amount.
    pub(super) products: std::collections::BTreeMap<String, i64>,
    pub(super) order: Option<OrderId>,
    pub(super) merchant: Option<MerchantId>,
    pub(super) validation: Option<ValidationId>,
}

impl Entry {
    pub(super) fn new(debit: Account, credit: Account, amount: Money) -> Self {
        let (payment, refund, cash, shift, pass) = (None, None, None, None, None);
        let (counter, product, zone, order) = (None, None, None, None);
        let (products, merchant, validation) = (std::collections::BTreeMap::new(), None, None);
        Self {
            debit,
            credit,
            amount,
            payment,
            refund,
            cash,
            shift,
            pass,
            counter,
            product,
            zone,
            products,
            order,
            merchant,
            validation,
        }
    }

    /// Income comes in.
    pub(super) fn earns(debit: Account, earned: &Earned, amount: Money) -> Self {
        Self::new(debit, earned.account, amount).of(earned)
    }

    /// Income is taken back.
    pub(super) fn takes_back(earned: &Earned, credit: Account, amount: Money) -> Self {
        Self::new(earned.account, credit, amount).of(earned)
    }

    fn of(self, earned: &Earned) -> Self {
        Self {
            counter: earned.counter.clone(),
            product: earned.product.clone(),
            zone: earned.zone.clone(),
            products: earned.products.clone(),
            ..self
        }
    }
}

impl Desk<'_> {
    /// What a payment of this order earns, and where.
    pub(super) fn earned_by(&self, order: &Order) -> Earned {
        Earned { zone: self.zone_of(order), ..Earned::by(order) }
    }

    /// Where a stay's fee is earned: in the nested zone that it was in for half of its time or longer, else in the zone
    /// it came into.
    pub(super) fn zone_of_stay(&self, stay: &Stay) -> ZoneId {
        let to = stay.left_at.unwrap_or(self.now);
        let whole = to.duration_since(stay.entered_at).as_secs();
        let mut nested = std::collections::BTreeMap::<&ZoneId, i64>::new();
        for segment in &stay.nested {
            let spent = segment.to.unwrap_or(to).duration_since(segment.from).as_secs();
            *nested.entry(&segment.zone).or_default() += spent;
        }
        let longest = nested.into_iter().max_by_key(|(_, spent)| *spent);
        let (zone, _) = longest.filter(|(_, spent)| spent * 2 >= whole).unwrap_or((&stay.zone, 0));
        zone.clone()
    }

    /// Of an order whose stay is not in memory any more: the zone of its lane.
    fn zone_of(&self, order: &Order) -> Option<ZoneId> {
        let id = order.stay?;
        if let Some(stay) = self.stay(id) {
            return Some(self.zone_of_stay(stay));
        }
        let owed = || self.state.arrears.values().find(|arrears| arrears.order == order.id);
        let lane = order.lane.clone().or_else(|| owed().map(|arrears| arrears.lane.clone()))?;
        self.rules.lanes.get(&lane).map(|lane| lane.zone.clone())
    }

    /// Posts it; an amount of nothing is not posted.
    pub(super) fn book(&mut self, entry: Entry) {
        if entry.amount.is_zero() {
            return;
        }
        let products = if entry.products.len() > 1 {
            let weights: Vec<i64> = entry.products.values().copied().collect();
            let parts = apportion(entry.amount.minor, &weights);
            let named = entry.products.into_keys().zip(parts);
            named.filter(|(_, minor)| *minor > 0).collect()
        } else {
            entry.products.into_keys().map(|name| (name, entry.amount.minor)).collect()
        };
        let bare =
            Posting::bare(self.next_txn(), self.now, entry.debit, entry.credit, entry.amount);
        self.record(Change::Posting(Posting {
            payment: entry.payment,
            refund: entry.refund,
            cash: entry.cash,
            shift: entry.shift,
            pass: entry.pass,
            counter: entry.counter,
            product: entry.product,
            zone: entry.zone,
            products,
            order: entry.order,
            merchant: entry.merchant,
            validation: entry.validation,
            ..bare
        }));
    }
}
