//! Holders who renew and top up their passes at a counter or by phone, and an office that sets balances right. Knows no
//! lane.

use paifang::{
    core::{
        Input,
        input::Answer,
        manage::{Manage, PassDraft},
        pass::{Pass, PassKind},
        pass_sale::{Gives, PassAsked, PassPrice, PassWanted},
    },
    types::{OrderId, PassId},
};

use super::{
    check::Broken,
    counter::{AGAIN, Ev},
    run::Run,
};

/// Acts about passes in a day.
pub(super) const PER_DAY: f64 = 30.0;

/// What the site sells.
pub(super) fn prices() -> Vec<PassPrice> {
    let price = |id: &str, gives, price_minor| PassPrice {
        id: id.to_owned(),
        name: id.to_owned(),
        gives,
        price_minor,
        lasts_days: 365,
        zones: std::collections::BTreeSet::new(),
        hours: Vec::new(),
        vehicle: None,
        tier: None,
        by_phone: true,
    };
    vec![
        price("day", Gives::Days(1), 2_000),
        price("stays", Gives::Stays(2), 1_000),
        // Five given for every hundred.
        price("value", Gives::Value(2_100), 2_000),
    ]
}

/// As an operator's form has it that was loaded a while ago.
fn stale(pass: &Pass) -> PassDraft {
    PassDraft {
        holder: "holder".into(),
        plates: pass.plates.clone(),
        spaces: pass.spaces,
        kind: match pass.kind {
            PassKind::Season => PassKind::Season,
            PassKind::Stored { .. } => PassKind::Stored { balance_minor: 6_000 },
            PassKind::Count { .. } => PassKind::Count { left: 2 },
        },
        zones: Vec::new(),
        valid_from: pass.valid_from,
        valid_until: pass.valid_until,
        hours: Vec::new(),
        vehicle: pass.vehicle,
        tier: pass.tier.clone(),
    }
}

impl Run {
    pub(super) fn see_to_passes(&mut self) -> Result<(), Broken> {
        if self.counter.drains {
            return Ok(());
        }
        let after = self.counter.pass_draws.wait(PER_DAY);
        self.counter.queue.put(self.now + after, Ev::Passes);
        let passes: Vec<PassId> = self.state.passes.keys().copied().collect();
        if passes.is_empty() {
            return Ok(());
        }
        let pass = self.counter.pass_draws.pick(&passes);
        let Some(pass) = self.state.passes.get(&pass).cloned() else { return Ok(()) };
        match self.counter.pass_draws.between(0, 9) {
            0 => {
                let act = Manage::ChangePass { id: pass.id, to: stale(&pass) };
                self.step(Input::Manage { by: "li".into(), act })?;
            }
            1 => {
                let by = self.counter.pass_draws.pick(&[-300, -1, 1, 500]);
                let reason = "counted wrong".to_owned();
                let act = Manage::AdjustPass { id: pass.id, by, reason };
                self.step(Input::Manage { by: "li".into(), act })?;
            }
            _ => self.renew(&pass)?,
        }
        Ok(())
    }

    fn renew(&mut self, pass: &Pass) -> Result<(), Broken> {
        let price = prices().into_iter().find(|price| price.fits(pass));
        let Some(price) = price else { return Ok(()) };
        let by = self.counter.pass_draws.chance(0.5).then(|| "li".to_owned());
        let asked = PassAsked { by, price: price.id, wants: PassWanted::More(pass.id) };
        let Some(Ok(Answer::Order(order))) = self.step(Input::PassAsked(asked))? else {
            return Ok(());
        };
        self.counter.tally.add("passes: asked for");
        match self.counter.pass_draws.between(0, 5) {
            0 => self.give_up(order),
            1 | 2 if self.counter.is_staffed() => {
                self.counter.queue.put(self.now, Ev::Serve(order, 0));
                Ok(())
            }
            _ => {
                if let Some(Ok(Answer::Payment(payment))) = self.step(Input::PayAsked { order })? {
                    self.counter.queue.put(self.now + AGAIN, Ev::Phone(payment, 0));
                    // Some think better of it while the bank's page is open.
                    if self.counter.pass_draws.chance(0.1) {
                        return self.give_up(order);
                    }
                }
                Ok(())
            }
        }
    }

    fn give_up(&mut self, order: OrderId) -> Result<(), Broken> {
        self.step(Input::PassGivenUp { order })?;
        self.counter.tally.add("passes: given up");
        Ok(())
    }
}
