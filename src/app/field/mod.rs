//! The devices of a site: what they say becomes inputs, effects become what they are told. Decides nothing.

mod board;
mod cameras;
mod display;
mod heard;
mod intake;
mod orders;
mod ports;
mod reader;
mod scanner;
mod tickets;
mod turnstile;

pub use self::{
    board::{Board, BoardJob, Wire},
    cameras::{Camera, Cameras},
    display::Display,
    heard::{Heard, Unwatched},
    intake::Intake,
    orders::Orders,
    ports::{ArmPort, FieldPorts, PassPort},
    reader::{Reader, ReaderNews, ReaderSink, SIGNALS_MAX},
    scanner::Scanner,
    tickets::Tickets,
    turnstile::{PassJob, Turnstile},
};
