//! Persons who want money given back of payments that were right: some or all of it, above a sum only with a second
//! person's word. Know no bank.

use std::time::Duration;

use jiff::Timestamp;
use paifang::{
    core::{
        Answer, Input,
        input::{RefundAsked, Refusal},
        money::{PaymentState, RefundState},
    },
    types::{PaymentId, RefundId},
};

use super::{
    check::{Broken, Law, law},
    run::Run,
    site::Feature,
};
use crate::{
    queue::Queue,
    seed::{Draws, Seed},
};

/// How often somebody comes for money back.
const PER_DAY: f64 = 12.0;
/// Payments that somebody comes back for.
const AGE_MAX: Duration = Duration::from_hours(3);
const ASKS: &str = "li";
const AGREES: &str = "wang";

#[derive(Debug)]
pub(super) struct Wishes {
    draws: Draws,
    next: Option<Timestamp>,
    judged: Queue<RefundId>,
    count: u32,
}

impl Wishes {
    pub(super) fn new(seed: u64, now: Timestamp) -> Self {
        let mut draws = Seed(seed).child("wishes").draws();
        let first = Feature::Wishes.is_of(seed).then(|| now + draws.wait(PER_DAY));
        Self { draws, next: first, judged: Queue::new(), count: 0 }
    }

    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.next.into_iter().chain(self.judged.next_at()).min()
    }
}

impl Run {
    pub(super) fn wishes_turn(&mut self) -> Result<(), Broken> {
        let now = self.now;
        if self.wishes.next.is_some_and(|at| at <= now) {
            self.wishes.next = (!self.drains).then(|| now + self.wishes.draws.wait(PER_DAY));
            self.wants_back()?;
        }
        while let Some(refund) = self.wishes.judged.take(now) {
            self.judges(refund)?;
        }
        Ok(())
    }

    fn wants_back(&mut self) -> Result<(), Broken> {
        let since = self.core_now() - AGE_MAX;
        let lately =
            self.books.payments.values().filter(
                |payment| matches!(payment.state, PaymentState::Paid { at } if at >= since),
            );
        let ids: Vec<PaymentId> = lately.map(|payment| payment.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = self.wishes.draws.pick(&ids);
        let payment = self.books.payments[&id].clone();
        let Some(order) = self.books.orders.get(&payment.order).cloned() else { return Ok(()) };
        let refunds = self.books.refunds.values();
        let back = refunds.filter(|r| r.payment == id && !r.state.came_to_nothing());
        let left = payment.amount.minor - back.map(|refund| refund.amount.minor).sum::<i64>();
        let draws = &mut self.wishes.draws;
        // Some want more than there is.
        let amount_minor = match draws.between(0, 9) {
            0..=4 => left,
            5..=8 if left > 1 => draws.between(1, left.unsigned_abs()) as i64,
            _ => left + 1,
        };
        self.wishes.count += 1;
        let (key, who) = (self.wishes.count.to_string(), ASKS.to_owned());
        let reason = "wants it back".to_owned();
        let asked = RefundAsked { payment, order, amount_minor, key, who, reason };
        match self.step(Input::RefundAsked(asked))? {
            Some(Ok(Answer::Refund(refund))) => {
                self.tally.add("money: wanted back");
                law(Law::GivenBackOnce, amount_minor <= left, || {
                    format!("{amount_minor} of {left} are given back of payment {id}")
                })?;
                if self.books.refunds.get(&refund).is_some_and(|r| r.state == RefundState::Waiting)
                {
                    let after = self.wishes.draws.secs(60.0, 1_800.0);
                    self.wishes.judged.put(self.now + after, refund);
                }
            }
            Some(Err(Refusal::RefundTooMuch(_))) => self.tally.add("money: too much wanted back"),
            _ => {}
        }
        // The power may have gone behind the commit.
        let judged = &mut self.wishes.judged;
        for refund in self.books.refunds.values().filter(|r| r.state == RefundState::Waiting) {
            judged.put(self.now + Duration::from_hours(1), refund.id);
        }
        Ok(())
    }

    /// Whoever asked tries first, in vain; another one agrees, or does not.
    fn judges(&mut self, refund: RefundId) -> Result<(), Broken> {
        if self.books.refunds.get(&refund).is_none_or(|r| r.state != RefundState::Waiting) {
            return Ok(());
        }
        let alone = Input::RefundJudged { refund, agreed: true, who: ASKS.to_owned() };
        let told = self.step(alone)?;
        law(Law::GivenBackOnce, !matches!(told, Some(Ok(_))), || {
            format!("{ASKS} agreed to refund {refund}, and had asked for it")
        })?;
        let agreed = self.wishes.draws.chance(0.8);
        let told = self.step(Input::RefundJudged { refund, agreed, who: AGREES.to_owned() })?;
        match told {
            Some(_) => self.tally.add("money: refund judged"),
            None => self.wishes.judged.put(self.now + Duration::from_mins(1), refund),
        }
        Ok(())
    }
}
