//! The daemon as its users meet it: the real program, real brokers, real lines, a real disk.

mod cli;
mod crash;
mod support;
mod tidy;
mod wire;
