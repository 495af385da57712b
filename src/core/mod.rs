//! The core decides: who passes, what is owed, what the bank is asked. Pure: no clock, no I/O, no await, no SQL.
//!
//! [`decide`] takes the state, the rules, the time and one [`Input`]; it gives the changes to commit and the effects
//! to perform once they are on disk. [`State::apply`] makes a change true. [`State::next_deadline`] says when silence
//! itself becomes an input ([`Input::Tick`]). Nothing else changes a [`State`], so replaying the journal rebuilds it.

mod admit;
pub mod basket;
pub mod card;
pub mod change;
pub mod cloud;
pub mod codes;
pub mod crowd;
mod decide;
pub mod effect;
pub mod frictionless;
pub mod gate;
pub mod input;
pub mod invoice;
pub mod lane;
pub mod limit;
pub mod manage;
pub mod matching;
pub mod money;
pub mod office;
pub mod pass;
pub mod pass_sale;
pub mod presented;
pub mod pricing;
pub mod product;
mod refusal;
mod register;
mod rights;
pub mod rules;
pub mod selling;
pub mod settle;
pub mod shares;
pub mod sister;
pub mod slot;
pub mod state;
pub mod stay;
pub mod tariff;
pub mod task;
pub mod ticket;
pub mod till;
pub mod week;
pub mod zone;

pub use self::{
    admit::Place,
    change::{Alarm, AlarmKind, Change},
    decide::{Decision, decide, quote_of, shift_matches_postings},
    effect::{Effect, Message},
    input::{Answer, Input, Refusal, Reply},
    rules::Rules,
    state::{State, Waiting},
};
