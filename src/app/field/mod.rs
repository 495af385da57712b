//! The devices of a site: what they say becomes inputs, effects become what they are told. Decides nothing.

mod board;
mod cameras;
mod display;
mod intake;
mod orders;
mod ports;
mod reader;

pub use self::{
    board::Board,
    cameras::{Camera, Cameras},
    display::Display,
    intake::Intake,
    orders::Orders,
    ports::{ArmPort, FieldPorts},
    reader::{Reader, ReaderNews, ReaderSink, SIGNALS_MAX},
};
