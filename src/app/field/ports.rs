//! Where effects go: arms, cameras, displays, the bank. Called by the writer, so nothing here blocks. Decides nothing.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use metrics::counter;
use paifang_devices::Command;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use super::{
    Camera, Orders, PassJob, PushDevice, Tell, Tickets, TwoWays,
    board::{ArmJob, BoardJob, soon},
};
use crate::{
    app::{App, Ports, banker::Banker, clouds::Clouds, invoices::Invoices, sisters::Sisters},
    core::{
        Effect, Input, Message,
        gate::Way,
        input::{ArmOutcome, PassOutcome},
        lane::ArmAction,
    },
    io::mqtt::Link,
    types::{CommandId, InvoiceId, InvoiceWord, LaneId},
};

/// How a lane's arm is reached.
#[derive(Debug)]
pub enum ArmPort {
    /// By a relay board on a serial line.
    Board { jobs: mpsc::Sender<BoardJob>, open_relay: u8, close_relay: Option<u8> },
    /// By the relay of a device on MQTT.
    Mqtt { camera: Arc<Camera> },
    /// By a device that speaks HTTP.
    Push { device: Arc<PushDevice> },
}

/// How a lane's turnstile is reached.
#[derive(Debug)]
pub enum PassPort {
    /// By a relay board: the relay of the lane's own way, and of the other.
    Board { jobs: mpsc::Sender<BoardJob>, own: u8, other: Option<u8> },
    /// It speaks for itself.
    Turnstile { jobs: mpsc::Sender<PassJob> },
}

pub struct FieldPorts {
    pub app: App,
    pub link: Link,
    pub orders: Orders,
    pub arms: HashMap<LaneId, ArmPort>,
    pub passes: HashMap<LaneId, PassPort>,
    pub tickets: Tickets,
    /// The camera that reads a lane.
    pub cameras: HashMap<LaneId, Arc<dyn Tell>>,
    /// Lanes with a camera or a display for each way.
    pub two_ways: HashMap<LaneId, TwoWays>,
    /// What each lane says; displays and pages listen.
    pub messages: HashMap<LaneId, watch::Sender<Message>>,
    pub banker: Banker,
    pub invoices: Option<Invoices>,
    pub sisters: Sisters,
    pub clouds: Clouds,
}

impl Ports for FieldPorts {
    fn perform(&mut self, effect: Effect, now: Timestamp) {
        match effect {
            Effect::Arm { lane, command, action, expires_at } => {
                counter!("paifang_arm_orders_total").increment(1);
                let sent = if expires_at <= now {
                    Err("the order expired before it could be sent".to_owned())
                } else {
                    self.arm(&lane, command, action, expires_at, now)
                };
                if let Err(why) = sent {
                    self.refused(lane, command, why);
                }
            }
            Effect::Pass { lane, command, action, way, expires_at } => {
                counter!("paifang_pass_orders_total").increment(1);
                let sent = if expires_at <= now {
                    Err("the order expired before it could be sent")
                } else {
                    let until = soon(expires_at.duration_since(now).unsigned_abs());
                    self.pass(PassJob { lane: lane.clone(), command, action, way, until })
                };
                if let Err(why) = sent {
                    self.pass_refused(lane, command, why);
                }
            }
            Effect::FindTicket { lane, shown } => self.tickets.find(lane, shown),
            Effect::FindVisits { stay, plate, since } => {
                self.tickets.find_visits(stay, plate, since);
            }
            Effect::FindBought { closure, after, orders } => {
                self.tickets.find_bought(closure, after, orders);
            }
            Effect::FindCloudTicket { pass, digest } => self.clouds.find(pass, digest),
            Effect::AskCloud { pass } => self.clouds.ask(pass),
            Effect::AskSister { ask, watched } => self.sisters.ask(&ask, watched),
            Effect::TellSister { sister } => self.sisters.wake(sister),
            Effect::TriggerRead { lane } => self.trigger(&lane, now),
            Effect::Show { lane, message } => {
                if let Some(lane) = self.two_ways.get_mut(&lane) {
                    lane.show(message.clone());
                }
                if let Some(messages) = self.messages.get(&lane) {
                    messages.send_replace(message);
                }
            }
            Effect::Turned { lane, turned } => {
                if let Some(lane) = self.two_ways.get_mut(&lane) {
                    lane.turn(turned);
                }
            }
            Effect::AskBank { channel, ask } => self.banker.ask(channel, ask),
            Effect::AskAgreement { channel, stay, ask } => {
                self.banker.ask_agreement(stay, channel, ask);
            }
            Effect::TellLeft { channel, left } => self.banker.tell_left(channel, left),
            Effect::AskInvoice { invoice } => self.ask_invoice(invoice),
            Effect::FindInvoice { undoes } => {
                if let Some(invoices) = &self.invoices {
                    invoices.find(undoes);
                }
            }
            Effect::AskRefund { refund, channel, ask } => {
                self.banker.ask_refund(refund, channel, ask);
            }
        }
    }
}

impl FieldPorts {
    fn arm(
        &self,
        lane: &LaneId,
        command: CommandId,
        action: ArmAction,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), String> {
        match self.arms.get(lane) {
            Some(ArmPort::Board { jobs, open_relay, close_relay }) => {
                let relay = match (action, close_relay) {
                    (ArmAction::Close, Some(close)) => *close,
                    (ArmAction::Close, None) => return Err("no close relay is wired".into()),
                    (ArmAction::Open | ArmAction::Hold | ArmAction::Release, _) => *open_relay,
                };
                let until = soon(expires_at.duration_since(now).unsigned_abs());
                let job = ArmJob { lane: lane.clone(), command, action, relay, until };
                let job = BoardJob::Arm(job);
                jobs.try_send(job).map_err(|_| "the relay board has too many orders waiting".into())
            }
            Some(ArmPort::Mqtt { camera }) => {
                let id = Orders::wire_id(command);
                let (device, patience) = (camera.pulse.clone(), camera.reply_patience);
                self.orders.sent(command, lane.clone(), device, patience);
                let told = camera.tell(&self.link, &words(action), &id, now.as_millisecond());
                told.map_err(|why| {
                    self.orders.answered(&id);
                    why.to_string()
                })
            }
            Some(ArmPort::Push { device }) => {
                let until = soon(expires_at.duration_since(now).unsigned_abs());
                device.order(&words(action), (command, lane.clone()), until, &self.app)
            }
            None => Err("the site file wires no arm to this lane".into()),
        }
    }

    fn pass(&self, job: PassJob) -> Result<(), &'static str> {
        const FULL: &str = "too many orders wait for it";
        match self.passes.get(&job.lane) {
            Some(PassPort::Board { jobs, own, other }) => {
                let other = other.filter(|_| job.way == Way::Both);
                let relays = std::iter::once(*own).chain(other).collect();
                jobs.try_send(BoardJob::Pass { job, relays }).map_err(|_| FULL)
            }
            Some(PassPort::Turnstile { jobs }) => jobs.try_send(job).map_err(|_| FULL),
            None => Err("the site file wires no turnstile to this lane"),
        }
    }

    fn pass_refused(&self, lane: LaneId, command: CommandId, why: &'static str) {
        warn!(%lane, %command, why, "the turnstile was not told");
        let app = self.app.clone();
        let outcome = PassOutcome::Refused(why.to_owned());
        tokio::spawn(async move {
            let _ = app.submit(Input::PassAnswered { lane, command, outcome }, None).await;
        });
    }

    /// The answer goes through the queue like any other; the writer must not wait for itself.
    fn refused(&self, lane: LaneId, command: CommandId, why: String) {
        warn!(%lane, %command, why, "the arm was not told");
        let app = self.app.clone();
        let outcome = ArmOutcome::Refused(why);
        tokio::spawn(async move {
            let _ = app.submit(Input::ArmAnswered { lane, command, outcome }, None).await;
        });
    }

    /// One that was claimed before the site file lost its section waits, and is told.
    fn ask_invoice(&self, invoice: InvoiceId) {
        if let Some(invoices) = &self.invoices {
            return invoices.ask(invoice);
        }
        let app = self.app.clone();
        let why = "the site file has no [invoices], and some are open; put the section back";
        let word = InvoiceWord::Unreachable { why: why.to_owned() };
        tokio::spawn(async move {
            let _ = app.submit(Input::InvoiceSaid { invoice, word }, None).await;
        });
    }

    fn trigger(&self, lane: &LaneId, now: Timestamp) {
        let back = self.two_ways.get(lane).and_then(TwoWays::camera);
        let Some(camera) = back.or_else(|| self.cameras.get(lane)) else { return };
        if let Err(why) = camera.tell(&Command::TriggerRead, "trigger", now) {
            warn!(%lane, why, "the camera could not be asked to look again");
        }
    }
}

/// The arm's order in the words of devices.
fn words(action: ArmAction) -> Command {
    match action {
        ArmAction::Open => Command::PulseOpen,
        ArmAction::Close => Command::PulseClose,
        ArmAction::Hold => Command::Hold,
        ArmAction::Release => Command::Release,
    }
}

impl std::fmt::Debug for FieldPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldPorts").field("arms", &self.arms).finish_non_exhaustive()
    }
}
