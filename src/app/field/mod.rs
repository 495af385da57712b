//! The devices of a site: what they say becomes inputs, effects become what they are told. Decides nothing.

mod board;
mod cameras;
mod display;
mod frames;
mod intake;
mod orders;
mod ports;
mod printer;
mod printer_wire;
mod reader;
mod receipt;

pub use self::{
    board::Board,
    cameras::{Camera, Cameras},
    display::Display,
    frames::{CameraPort, FramePort},
    intake::Intake,
    orders::Orders,
    ports::{ArmPort, FieldPorts},
    printer::{Outcome, Printer, PrinterHandle, PrinterHealth},
    printer_wire::PrinterAt,
    reader::{Reader, ReaderNews, ReaderSink, SIGNALS_MAX},
    receipt::Receipt,
};
