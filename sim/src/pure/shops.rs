//! Shops that give discounts, and drivers who pay from home what they owe. Knows no lane and no drawer.

use paifang::{
    core::{
        Input,
        input::Answer,
        tariff::Benefit,
        till::{MerchantAct, Offer, TillAct, ValidationState},
    },
    types::{ArrearsId, OrderId, PaymentId, StayId},
};

use super::{
    check::Broken,
    counter::{AGAIN, Ev},
    run::Run,
};
use crate::world::people::CashierSays;

/// A phone whose cashier does not come is put away after so many looks.
const LOOKS_MAX: u32 = 30;

impl Run {
    /// What shops there are, and what they may give.
    pub(super) fn open_shops(&mut self) -> Result<(), Broken> {
        if !self.counter.shops {
            return Ok(());
        }
        for (name, budget_minor) in [("tea house", 60_000), ("book shop", 4_000)] {
            let offer = |name: &str, benefit, at_most_minor| {
                let name = name.to_owned();
                Offer { name, benefit, at_most_minor }
            };
            let offers = vec![
                offer("an hour", Benefit::TimeFront { minutes: 60 }, 1_500),
                offer("three off", Benefit::Amount { minor: 300 }, 300),
                offer("half", Benefit::Percent { off: 50 }, 1_000),
            ];
            let act = MerchantAct::Put { id: None, name: name.into(), offers, budget_minor };
            self.step(Input::Merchant { who: "li".into(), act })?;
        }
        Ok(())
    }

    pub(super) fn is_at_a_lane(&self, stay: StayId) -> bool {
        let visits = self.state.lanes.values().filter_map(|lane| lane.visit.as_ref());
        visits.into_iter().any(|visit| visit.stay == Some(stay))
    }

    pub(super) fn give_validation(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        self.counter.plan(self.now, 60.0, Ev::Validate);
        let inside = self.state.stays.values().filter(|stay| !self.is_at_a_lane(stay.id));
        let plates: Vec<_> = inside.map(|stay| &stay.plate).collect();
        let merchants: Vec<_> = self.state.merchants.keys().copied().collect();
        if plates.is_empty() || merchants.is_empty() {
            return Ok(());
        }
        let draws = &mut self.counter.draws;
        let (plate, merchant) = (draws.pick(&plates).clone(), draws.pick(&merchants));
        let offer = draws.pick(&["an hour", "three off", "half"]).to_owned();
        let by = "shop".to_owned();
        let told = self.step(Input::Validate { merchant, plate, offer, by })?;
        self.counter.tally.add(match told {
            Some(Ok(_)) => "shop: validated",
            _ => "shop: not validated",
        });
        Ok(())
    }

    pub(super) fn take_validation_back(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        self.counter.plan(self.now, 10.0, Ev::TakeBack);
        let given = self.state.validations.values();
        let given =
            given.filter(|v| v.state == ValidationState::Given && !self.is_at_a_lane(v.stay));
        let given: Vec<_> = given.map(|v| (v.id, v.merchant)).collect();
        if given.is_empty() {
            return Ok(());
        }
        let (validation, merchant) = self.counter.draws.pick(&given);
        let merchant = self.counter.draws.chance(0.7).then_some(merchant);
        if let Some(Ok(_)) = self.step(Input::Unvalidate { validation, merchant })? {
            self.counter.tally.add("shop: taken back");
        }
        Ok(())
    }

    // ---- what was left unpaid ----------------------------------------------------------------------

    pub(super) fn pay_arrears(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        self.counter.plan(self.now, 30.0, Ev::Owed);
        let owed: Vec<(ArrearsId, OrderId)> =
            self.state.arrears.values().map(|arrears| (arrears.id, arrears.order)).collect();
        if owed.is_empty() {
            return Ok(());
        }
        let (id, order) = self.counter.draws.pick(&owed);
        match self.counter.draws.between(0, 9) {
            0 => {
                let reason = "the bank was down".to_owned();
                self.till("li", TillAct::Forgive { arrears: id, reason })?;
                self.counter.tally.add("arrears: forgiven");
            }
            1..=3 if self.counter.is_staffed() => {
                self.counter.queue.put(self.now, Ev::Serve(order, 0));
            }
            _ => {
                if let Some(Ok(Answer::Payment(payment))) = self.step(Input::PayAsked { order })? {
                    self.counter.tally.add("arrears: asked to pay");
                    self.counter.queue.put(self.now + AGAIN, Ev::Phone(payment, 0));
                }
            }
        }
        Ok(())
    }

    pub(super) fn pay_at_home(&mut self, payment: PaymentId, looks: u32) {
        let link = self.state.payments.get(&payment).and_then(|p| p.link.clone());
        let says = link.map(|link| self.bank.pay(self.now, &link));
        match says {
            Some(CashierSays::Paid) => self.counter.tally.add("phone: paid from afar"),
            Some(CashierSays::Busy) | None if looks < LOOKS_MAX => {
                self.counter.queue.put(self.now + AGAIN, Ev::Phone(payment, looks + 1));
            }
            Some(CashierSays::Busy | CashierSays::Closed) | None => {}
        }
    }
}
