//! The daemon as its users meet it: the real program, real brokers, real lines, a real disk.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]
#![allow(clippy::disallowed_methods, reason = "tests wait on the machine's clock")]

mod cli;
mod crash;
mod support;
mod tidy;
mod wire;
