//! The devices of a site: what they say becomes inputs, effects become what they are told. Decides nothing.

mod board;
mod caller;
mod cameras;
mod display;
mod door;
mod fleet;
mod frames;
mod health;
mod intake;
mod mailbox;
mod mqtt_in;
mod orders;
mod ports;
mod printer;
mod printer_wire;
pub mod probes;
mod push;
mod reader;
mod receipt;
mod scanner;
mod shape;
mod slip;
mod spoken;
mod strangers;
mod tickets;
mod turnstile;
mod two_ways;
mod vitals;

pub use self::{
    board::{Board, BoardJob, Wire},
    caller::{Caller, Reach},
    cameras::{Camera, Cameras, OverMqtt},
    display::Display,
    door::Door,
    fleet::{AppFleet, Probe, Probes},
    frames::{CameraPort, FramePort},
    health::{Health, Pulse},
    intake::{Intake, Speaker, Tell, Wiring},
    mqtt_in::MqttIn,
    orders::Orders,
    ports::{ArmPort, FieldPorts, PassPort},
    printer::{Outcome, Printer, PrinterHandle, PrinterHealth},
    printer_wire::PrinterAt,
    push::{CallJob, Calls, PushDevice, PushDevices},
    reader::{Reader, ReaderNews, ReaderSink, SIGNALS_MAX},
    receipt::Receipt,
    scanner::{Reads, Scanner},
    slip::slip,
    strangers::Strangers,
    tickets::Tickets,
    turnstile::{PassJob, Turnstile},
    two_ways::TwoWays,
};
