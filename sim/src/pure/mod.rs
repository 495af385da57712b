//! The core against the world in virtual time: every input is decided, committed, acted on and checked. Knows no runtime.
//!
//! ```text
//!   World ──happenings──▶ wire (lost, late, doubled) ──Input──▶ decide ──changes──▶ journal (JSON lines) ──▶ State
//!     ▲                                                           │                       │ parsed back
//!     └──────────── arm, display, camera ◀──effects, once ────────┘                  second State, must be equal
//!   PureBank ◀──questions, one after the other per payment──┘
//!      └──statements──▶ the settlement days, when all is over
//! ```

mod admissions;
pub mod bank;
pub mod books;
mod charges;
pub mod check;
mod codes;
mod counter;
mod counts;
mod flight;
mod guests;
mod journal;
mod machine;
mod morning;
mod office;
mod passes;
mod people;
mod places;
mod plates;
mod rights;
mod run;
mod sabotage;
mod scenic;
mod seen;
mod shifts;
mod shops;
mod site;
mod stall;
mod story;
mod tariffs;
mod watch;
mod wishes;

pub use self::{
    check::{Broken, Law},
    machine::Cut,
    run::{Failure, Run, STORY, Summary},
    sabotage::Sabotage,
    site::RunSpec,
    tariffs::tariffs_counted,
};
