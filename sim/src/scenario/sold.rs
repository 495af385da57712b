//! Passes that are sold in a table: ordered, paid, set right, ended. Knows no lane.

use jiff::Timestamp;
use paifang::{
    core::{
        Change, Input, Rules, State,
        manage::{Manage, Rest},
        money::OrderState,
        pass::{Pass, PassKind},
        pass_sale::{PassAsked, PassWanted},
        till::TillAct,
    },
    types::{OrderId, PassId, Plate},
};

use super::{
    desk::DeskStep,
    steps::{Step, minor, plate},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SoldStep {
    /// An operator writes an order of a new pass, from today on.
    New {
        who: String,
        price: String,
        plates: Vec<Plate>,
    },
    /// Of the pass of a plate, by an operator or by its holder's phone.
    More {
        who: Option<String>,
        price: String,
        plate: Plate,
    },
    Cash {
        who: String,
        tendered_minor: i64,
        plate: Plate,
    },
    /// At the bank's cashier.
    Phone(Plate),
    GivenUp(Plate),
    Adjust {
        who: String,
        plate: Plate,
        by: i64,
        reason: String,
    },
    /// What is left goes back, or is kept.
    End {
        who: String,
        plate: Plate,
        back: bool,
        reason: String,
    },
}

type Make = fn(&[&str]) -> Result<Step, String>;

/// Every phrase, in the order they are tried.
pub(super) const WORDS: &[(&str, Make)] = &[
    ("operator {} writes an order of {} for {*}", |w| {
        let plates: Result<Vec<Plate>, String> = w[2].split(", ").map(plate).collect();
        sold(SoldStep::New { who: w[0].into(), price: w[1].into(), plates: plates? })
    }),
    ("operator {} renews the pass of {} by {}", |w| {
        let (who, plate, price) = (Some(w[0].to_owned()), plate(w[1])?, w[2].to_owned());
        sold(SoldStep::More { who, price, plate })
    }),
    ("the holder of {} renews by {} on the phone", |w| {
        let (who, plate, price) = (None, plate(w[0])?, w[1].to_owned());
        sold(SoldStep::More { who, price, plate })
    }),
    ("operator {} takes {} in cash for the pass of {}", |w| {
        let (who, tendered_minor, plate) = (w[0].to_owned(), minor(w[1])?, plate(w[2])?);
        sold(SoldStep::Cash { who, tendered_minor, plate })
    }),
    ("the pass of {} is paid by phone", |w| sold(SoldStep::Phone(plate(w[0])?))),
    ("the order of a pass for {} is given up", |w| sold(SoldStep::GivenUp(plate(w[0])?))),
    ("operator {} takes {} out of the pass of {}: {*}", |w| {
        let (who, by, plate) = (w[0].to_owned(), -minor(w[1])?, plate(w[2])?);
        sold(SoldStep::Adjust { who, plate, by, reason: w[3].into() })
    }),
    ("operator {} puts {} into the pass of {}: {*}", |w| {
        let (who, by, plate) = (w[0].to_owned(), minor(w[1])?, plate(w[2])?);
        sold(SoldStep::Adjust { who, plate, by, reason: w[3].into() })
    }),
    ("operator {} ends the pass of {} and gives the rest back: {*}", |w| {
        let (who, plate, reason) = (w[0].to_owned(), plate(w[1])?, w[2].to_owned());
        sold(SoldStep::End { who, plate, back: true, reason })
    }),
    ("operator {} ends the pass of {} and keeps the rest: {*}", |w| {
        let (who, plate, reason) = (w[0].to_owned(), plate(w[1])?, w[2].to_owned());
        sold(SoldStep::End { who, plate, back: false, reason })
    }),
];

fn sold(step: SoldStep) -> Result<Step, String> {
    Ok(Step::Desk(DeskStep::Sold(step)))
}

/// The pass a plate is in.
pub(super) fn pass_of(state: &State, plate: &Plate) -> Result<PassId, String> {
    let pass = state.passes_of(plate).last().map(|pass| pass.id);
    pass.ok_or_else(|| format!("{} is in no pass", plate.full()))
}

/// The latest order of a pass for a plate that waits to be paid.
fn due(state: &State, plate: &Plate) -> Result<OrderId, String> {
    let of = |order: &&paifang::core::money::Order| {
        let Some(sold) = &order.pass else { return false };
        let new = sold.new.as_ref().is_some_and(|draft| draft.plates.contains(plate));
        let known = sold.pass.and_then(|id| state.passes.get(&id));
        order.state == OrderState::Due && (new || known.is_some_and(|pass| pass.is_of(plate)))
    };
    let found = state.orders.values().rev().find(of).map(|order| order.id);
    found.ok_or_else(|| format!("no pass is ordered for {}", plate.full()))
}

/// What is stored in a pass.
pub(super) fn balance(pass: &Pass) -> i64 {
    match pass.kind {
        PassKind::Stored { balance_minor } => balance_minor,
        PassKind::Season | PassKind::Count { .. } => 0,
    }
}

impl SoldStep {
    /// What it tells the core.
    pub(super) fn input(
        &self,
        state: &State,
        rules: &Rules,
        now: Timestamp,
    ) -> Result<Input, String> {
        Ok(match self {
            Self::New { who, price, plates } => {
                let today = now.to_zoned_datetime(rules.zone.clone()).date();
                let from = rules.zone.to_timestamp(today.at(0, 0, 0, 0));
                let wants = PassWanted::New {
                    holder: "table".into(),
                    plates: plates.clone(),
                    spaces: plates.len() as u32,
                    from: from.map_err(|why| why.to_string())?,
                };
                Input::PassAsked(PassAsked { by: Some(who.clone()), price: price.clone(), wants })
            }
            Self::More { who, price, plate } => {
                let wants = PassWanted::More(pass_of(state, plate)?);
                Input::PassAsked(PassAsked { by: who.clone(), price: price.clone(), wants })
            }
            Self::Cash { who, tendered_minor, plate } => {
                let (order, tendered_minor) = (due(state, plate)?, *tendered_minor);
                let act = TillAct::TakeCash { order, tendered_minor };
                Input::Till { who: who.clone(), act }
            }
            Self::Phone(plate) => Input::PayAsked { order: due(state, plate)? },
            Self::GivenUp(plate) => Input::PassGivenUp { order: due(state, plate)? },
            Self::Adjust { who, plate, by, reason } => {
                let (id, by, reason) = (pass_of(state, plate)?, *by, reason.clone());
                Input::Manage { by: who.clone(), act: Manage::AdjustPass { id, by, reason } }
            }
            Self::End { who, plate, back, reason } => {
                let rest = if *back {
                    Rest::Back { payments: Vec::new(), cash: Vec::new() }
                } else {
                    Rest::Kept
                };
                let (id, reason) = (pass_of(state, plate)?, reason.clone());
                Input::Manage { by: who.clone(), act: Manage::EndPass { id, rest, reason } }
            }
        })
    }
}

/// What a pass that ends was paid with, as the tables would tell it.
pub(super) fn with_records(input: Input, journal: &[Change]) -> Input {
    let Input::Manage { by, act: Manage::EndPass { id, rest: Rest::Back { .. }, reason } } = input
    else {
        return input;
    };
    let (mut payments, mut cash) = (Vec::new(), Vec::new());
    for change in journal.iter().rev() {
        match change {
            Change::Payment(payment) => payments.push(payment.clone()),
            Change::Cash(taken) => cash.push(taken.clone()),
            _ => {}
        }
    }
    Input::Manage { by, act: Manage::EndPass { id, rest: Rest::Back { payments, cash }, reason } }
}
