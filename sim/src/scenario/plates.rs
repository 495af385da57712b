//! Cards and wallets bound to plates, as a table tells of them: phrases, and the bank that answers at once. Knows no lane.

use std::collections::{BTreeMap, BTreeSet};

use paifang::{
    core::{
        input::Asked,
        rules::{PayChannel, Rules},
    },
    types::{
        ChannelId, Money, Plate,
        bank::{AgreementWord, Ask, PayWay, Word},
    },
};

use super::steps::plate;

/// Something that happens at the bank, or on a driver's phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlateStep {
    /// A new agreement, in place of any before.
    Bound(Plate),
    /// The same, by a driver inside, who comes back to the site's page.
    BindsInside(Plate),
    Paused(Plate),
    Ended(Plate),
    Charges(Plate, Charged),
    /// What was accepted is collected, or is not.
    Collected(Plate, bool),
}

/// What becomes of a charge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charged {
    #[default]
    Paid,
    Accepted,
    Refused,
    /// Paid, and the answer gets lost.
    Unheard,
    /// The bank never hears of it.
    Lost,
}

type Make = fn(&[&str]) -> Result<PlateStep, String>;

/// Every phrase, in the order they are tried.
pub(super) const WORDS: &[(&str, Make)] = &[
    ("a card is bound to {}", |w| Ok(PlateStep::Bound(plate(w[0])?))),
    ("the driver of {} binds a card", |w| Ok(PlateStep::BindsInside(plate(w[0])?))),
    ("the card of {} is paused", |w| Ok(PlateStep::Paused(plate(w[0])?))),
    ("the card of {} is not bound any more", |w| Ok(PlateStep::Ended(plate(w[0])?))),
    ("the bank takes charges of {} on itself", |w| charges(w[0], Charged::Accepted)),
    ("the bank refuses charges of {}", |w| charges(w[0], Charged::Refused)),
    ("the bank's answers to charges of {} get lost", |w| charges(w[0], Charged::Unheard)),
    ("charges of {} never reach the bank", |w| charges(w[0], Charged::Lost)),
    ("the bank collects from {}", |w| Ok(PlateStep::Collected(plate(w[0])?, true))),
    ("the bank cannot collect from {}", |w| Ok(PlateStep::Collected(plate(w[0])?, false))),
];

fn charges(text: &str, charged: Charged) -> Result<PlateStep, String> {
    Ok(PlateStep::Charges(plate(text)?, charged))
}

/// The bank of a site that takes fees by the plate.
pub(super) fn allow(rules: &mut Rules) {
    let id = ChannelId::parse("bank").expect("a name of this file");
    rules.pay.channels =
        vec![PayChannel { id, ways: vec![PayWay::Cashier, PayWay::Plate], hears_of_exits: false }];
}

/// What the bank knows of plates, and what it was asked to charge.
#[derive(Debug, Default)]
pub(super) struct Plates {
    /// By plate: how many agreements it has had; the last is the one in force.
    bound: BTreeMap<Plate, u32>,
    paused: BTreeSet<Plate>,
    ended: BTreeSet<Plate>,
    charged: BTreeMap<Plate, Charged>,
    trades: BTreeMap<String, (Plate, Money, Word)>,
}

impl Plates {
    /// What the bank tells of by itself.
    pub(super) fn act(&mut self, step: &PlateStep) -> Vec<(String, Word)> {
        match step {
            PlateStep::Bound(plate) | PlateStep::BindsInside(plate) => {
                *self.bound.entry(plate.clone()).or_default() += 1;
                self.paused.remove(plate);
                self.ended.remove(plate);
            }
            PlateStep::Paused(plate) => drop(self.paused.insert(plate.clone())),
            PlateStep::Ended(plate) => drop(self.ended.insert(plate.clone())),
            PlateStep::Charges(plate, charged) => {
                self.charged.insert(plate.clone(), *charged);
            }
            PlateStep::Collected(of, paid) => {
                let accepted = self.trades.iter_mut();
                let accepted =
                    accepted.filter(|(_, (plate, _, word))| plate == of && *word == Word::Accepted);
                let told = accepted.map(|(number, (_, amount, word))| {
                    let why = "no money".to_owned();
                    *word = if *paid { paid_word(*amount) } else { Word::Failed { why } };
                    (number.clone(), word.clone())
                });
                return told.collect();
            }
        }
        Vec::new()
    }

    pub(super) fn agreement(&self, plate: &Plate) -> AgreementWord {
        let why = || "by the table".to_owned();
        match self.bound.get(plate) {
            None => AgreementWord::None { why: why() },
            Some(_) if self.ended.contains(plate) => AgreementWord::None { why: why() },
            Some(_) if self.paused.contains(plate) => AgreementWord::Paused { why: why() },
            Some(nth) => {
                AgreementWord::Bound { agreement: Some(format!("{}-{nth}", plate.full())) }
            }
        }
    }

    /// The answer about a charge; `None`: there is none.
    pub(super) fn answer(&mut self, ask: &Ask) -> Option<(Asked, Word)> {
        let number = ask.out_trade_no().to_owned();
        let refused = |code: &str| Word::Refused { code: code.into(), why: "by the table".into() };
        match ask {
            Ask::Charge { plate, amount, .. } => {
                let charged = self.charged.get(plate).copied().unwrap_or_default();
                let word = match charged {
                    Charged::Paid | Charged::Unheard => paid_word(*amount),
                    Charged::Accepted => Word::Accepted,
                    Charged::Refused => refused("NO_MONEY"),
                    Charged::Lost => return None,
                };
                self.trades.insert(number, (plate.clone(), *amount, word.clone()));
                (charged != Charged::Unheard).then_some((Asked::Generate, word))
            }
            Ask::Reverse { .. } => {
                let word = match self.trades.get_mut(&number) {
                    Some((_, _, Word::Paid { .. })) => refused("ORDER_PAID"),
                    Some((_, _, word)) => {
                        *word = Word::Reversed;
                        Word::Reversed
                    }
                    None => Word::Reversed,
                };
                Some((Asked::Reverse, word))
            }
            _ => {
                let known = self.trades.get(&number).map(|(_, _, word)| word.clone());
                Some((Asked::Query, known.unwrap_or_else(|| refused("ORDER_NOT_EXIST"))))
            }
        }
    }
}

fn paid_word(amount: Money) -> Word {
    Word::Paid { amount, bank_no: "B1".into(), paid_at: None, payer: None }
}
