//! Parking rules as tables that a manager can read: what happens, and what must then be true. The same table runs
//! against the pure core in virtual time and, where it says so, against the daemon on real wires. Knows no seed.
//!
//! `tests/scenarios/README.md` lists every word a table may use.

mod checks;
mod core;
mod counter;
mod desk;
mod head;
mod plates;
mod run;
mod sold;
mod steps;
mod table;
mod wire;

pub use self::{
    checks::Check,
    core::CoreSite,
    counter::CounterStep,
    desk::DeskStep,
    head::Head,
    plates::PlateStep,
    run::{Backend, Failed, read, run, vocabulary},
    steps::{LaneStep, Step},
    table::{Cell, Mistake, Row, Table, parse},
    wire::WireSite,
};
