//! Cards and wallets bound to plates at the bank in virtual time: asked about, charged, accepted and collected later or
//! not. Knows no lane.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use paifang::{
    core::rules::{FrictionlessRules, PayChannel, Rules},
    types::{
        ChannelId, Money, Plate,
        bank::{AgreementAsk, AgreementWord, PayWay, Word},
    },
};

use super::bank::{Ev, PureBank, TIMEOUT, Trade, TradeState, paid_word, refused};

/// Of a site whose bank takes fees by the plate. `risks`: some go before the bank has spoken.
pub(super) fn allow(rules: &mut Rules, risks: bool) {
    let channel = ChannelId::parse("bank").expect("a name of this file");
    let ways = vec![PayWay::Cashier, PayWay::Plate];
    rules.pay.channels = vec![PayChannel { id: channel, ways, hears_of_exits: false }];
    rules.frictionless = FrictionlessRules {
        leave_first_at_most_minor: if risks { 1_500 } else { 0 },
        // So that a run sees its end.
        watch: Duration::from_hours(2),
        ..FrictionlessRules::default()
    };
}

impl PureBank {
    /// What is bound to a plate. Two of three are; now and then one is ended, bound anew, or paused between two questions.
    pub(super) fn agreement(&mut self, ask: &AgreementAsk) -> (Duration, AgreementWord) {
        let why = || "as drawn".to_owned();
        if self.silent[0] {
            return (TIMEOUT, AgreementWord::Unknown { why: "no answer".into() });
        }
        let first = u32::from(self.draws.chance(0.67));
        let number = *self.bound.entry(ask.plate.clone()).or_insert(first);
        if self.draws.chance(0.05) {
            self.tally.add("bank: agreement changed");
            self.bound.insert(ask.plate.clone(), if number == 0 { 1 } else { number + 1 });
        }
        let word = match number {
            0 => AgreementWord::None { why: why() },
            _ if self.draws.chance(0.05) => AgreementWord::Paused { why: why() },
            number => AgreementWord::Bound { agreement: Some(format!("A{number}")) },
        };
        if self.draws.chance(self.faults.unknown) {
            return (self.draws.secs(0.1, 38.0), AgreementWord::Unknown { why: why() });
        }
        let slow = self.draws.chance(self.faults.slow);
        let after = if slow { self.draws.secs(0.5, 37.0) } else { self.draws.secs(0.05, 0.4) };
        (after, word)
    }

    /// Paid at once, taken on to be collected later, or refused.
    pub(super) fn charge(&mut self, now: Timestamp, no: &str, amount: Money) -> Word {
        if self.trades.contains_key(no) {
            return refused("ORDER_USED", "the number was used before");
        }
        let (state, taken_minor) = match self.draws.between(0, 9) {
            0..=3 => (TradeState::Paid, amount.minor),
            4..=7 => (TradeState::Accepted, 0),
            _ => (TradeState::Failed, 0),
        };
        let trade = Trade {
            bank: self.asked,
            state: state.clone(),
            asked: amount,
            taken_minor,
            expires_at: now,
            fails: false,
            refunds: BTreeMap::new(),
        };
        let paid = paid_word(no, &trade);
        self.trades.insert(no.to_owned(), trade);
        match state {
            TradeState::Paid => {
                self.tally.add("money: charged by the plate");
                self.notify(no, now);
                paid
            }
            TradeState::Accepted => {
                self.tally.add("bank: charge accepted");
                let after = self.draws.secs(5.0, 3_000.0);
                let collects = self.draws.chance(0.75);
                self.queue.put(now + after, Ev::Collects(no.to_owned(), collects));
                Word::Accepted
            }
            _ => refused("NO_MONEY", "the account has too little"),
        }
    }

    /// What was accepted is collected, or cannot be.
    pub(super) fn collects(&mut self, no: &str, collects: bool, now: Timestamp) {
        let Some(trade) = self.trades.get_mut(no) else { return };
        if trade.state != TradeState::Accepted {
            return;
        }
        if collects {
            trade.state = TradeState::Paid;
            trade.taken_minor = trade.asked.minor;
            self.tally.add("money: charged by the plate");
            return self.notify(no, now);
        }
        trade.state = TradeState::Failed;
        self.tally.add("bank: accepted charge failed");
    }
}

/// The numbers of the agreements by plate; 0: nothing is bound.
pub(super) type Bound = BTreeMap<Plate, u32>;
