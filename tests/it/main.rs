//! The daemon as its users meet it: the real program, real brokers, real lines, a real disk.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and waits by the real clock"
)]

mod api;
mod book;
mod cli;
mod crash;
mod crash_points;
mod crowd;
mod displays;
mod faults;
mod first_run;
mod gates;
mod guests;
mod makes;
mod money;
mod packaging;
mod pay_site;
mod people;
mod push;
mod reload;
#[path = "../rig/gates.rs"]
mod rig;
mod scenic;
mod sisters;
mod support;
mod tariff;
mod tidy;
mod wire;
