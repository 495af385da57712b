//! The other side of every wire: vehicles, loops, arms, cameras, drivers with phones and a bank, and the faults of all.
//!
//! [`world`] is the physical site in virtual time; [`pure`] runs the core against it; [`wire`] are its devices behind
//! real wires; [`bank`] is a bank's gateway; [`invoicing`] issues invoices; [`site`] is all of it around a running daemon;
//! [`replay`] drives published occupancy through it. [`scenario`] runs parking rules written as tables. Knows no real device.

pub mod bank;
pub mod faults;
pub mod invoicing;
pub mod pure;
pub mod queue;
pub mod replay;
pub mod scenario;
pub mod seed;
pub mod site;
pub mod wire;
pub mod world;
