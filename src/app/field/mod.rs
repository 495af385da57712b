//! The devices of a site: what they say becomes inputs, effects become what they are told. Decides nothing.

mod board;
mod caller;
mod cameras;
mod display;
mod door;
mod fleet;
mod health;
mod intake;
mod mailbox;
mod mqtt_in;
mod orders;
mod ports;
pub mod probes;
mod push;
mod shape;
mod spoken;
mod strangers;
mod vitals;

pub use self::{
    board::Board,
    caller::{Caller, Reach},
    cameras::{Camera, Cameras, OverMqtt},
    display::Display,
    door::Door,
    fleet::{AppFleet, Probe, Probes},
    health::{Health, Pulse},
    intake::{Intake, Speaker, Tell, Wiring},
    mqtt_in::MqttIn,
    orders::Orders,
    ports::{ArmPort, FieldPorts},
    push::{CallJob, Calls, PushDevice, PushDevices},
    strangers::Strangers,
};
