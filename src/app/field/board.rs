//! A relay board on a serial line: its inputs are read all the time, its relays moved when told. It moves an arm, or a
//! turnstile. Decides nothing.

use std::{collections::HashMap, time::Duration};

use paifang_devices::{Exchange, RelayBoard, relay_board};
use tokio::{sync::mpsc, time::Instant};
use tracing::warn;

use super::{PassJob, Pulse};
use crate::{
    app::{App, Busy},
    core::{
        Input,
        gate::{Counted, PassAction, Way},
        input::{ArmOutcome, PassOutcome},
        lane::{ArmAction, Sensor},
        task::CallFrom,
    },
    http::ports::Fault,
    io::serial::{BusError, BusHandle},
    types::{CommandId, DeviceId, LaneId},
};

/// Readings without an answer after which nothing is known of the inputs.
pub(super) const LOST_AFTER: u32 = 3;

/// One order for a relay.
#[derive(Debug)]
pub struct ArmJob {
    pub lane: LaneId,
    pub command: CommandId,
    pub action: ArmAction,
    pub relay: u8,
    /// Worth nothing after this.
    pub until: Instant,
}

/// What may wait for a board.
#[derive(Debug)]
pub enum BoardJob {
    Arm(ArmJob),
    Pass {
        job: PassJob,
        /// Of its way, or of both.
        relays: Vec<u8>,
    },
}

/// What an input tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    Lane(LaneId, Sensor),
    /// The contact of a turnstile's passage, and its way.
    Passage(LaneId, Way),
    Fire,
    /// A driver's call button.
    Help(LaneId),
}

pub struct Board {
    pub id: DeviceId,
    pub pulse: Pulse,
    pub app: App,
    pub bus: BusHandle,
    pub board: RelayBoard,
    /// What each input (from 1) tells, and where.
    pub inputs: HashMap<u8, Wire>,
    pub lanes: Vec<LaneId>,
    /// Lanes whose turnstile it moves.
    pub gates: Vec<LaneId>,
    pub poll: Duration,
    pub reply_timeout: Duration,
    pub open_pulse_ms: u32,
    pub close_pulse_ms: u32,
}

impl Board {
    /// Reads and moves until the daemon stops.
    pub async fn run(self, mut jobs: mpsc::Receiver<BoardJob>) {
        let mut poll = tokio::time::interval(self.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut known: HashMap<u8, bool> = HashMap::new();
        let mut missed = 0;
        loop {
            let done = tokio::select! {
                biased;
                job = jobs.recv() => match job {
                    Some(BoardJob::Arm(job)) => self.order(job).await,
                    Some(BoardJob::Pass { job, relays }) => self.pass(job, &relays).await,
                    None => Err(Busy::Stopped),
                },
                _ = poll.tick() => self.read_inputs(&mut known, &mut missed).await,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn order(&self, job: ArmJob) -> Result<(), Busy> {
        let exchange = match job.action {
            ArmAction::Open => self.board.pulse(job.relay, self.open_pulse_ms),
            ArmAction::Close => self.board.pulse(job.relay, self.close_pulse_ms),
            ArmAction::Hold => self.board.set(job.relay, true),
            ArmAction::Release => self.board.set(job.relay, false),
        };
        let outcome = match exchange {
            Err(why) => ArmOutcome::Refused(why.to_string()),
            Ok(exchange) => match self.ask(&exchange, job.until).await {
                Ok(reply) => match relay_board::accepted(&exchange, &reply) {
                    Ok(()) => ArmOutcome::Done,
                    Err(why) => ArmOutcome::Refused(why.to_string()),
                },
                Err(why @ BusError::TimedOut { .. }) => ArmOutcome::Silent(why.to_string()),
                Err(why) => ArmOutcome::Refused(why.to_string()),
            },
        };
        if !matches!(outcome, ArmOutcome::Done) {
            warn!(board = %self.id, lane = %job.lane, ?outcome, "the arm's order did not get through");
        }
        let input = Input::ArmAnswered { lane: job.lane, command: job.command, outcome };
        self.app.submit(input, None).await
    }

    async fn pass(&self, job: PassJob, relays: &[u8]) -> Result<(), Busy> {
        let mut outcome = PassOutcome::Done(None);
        for relay in relays {
            if let Err(why) = self.move_pass_relay(&job, *relay).await {
                warn!(board = %self.id, lane = %job.lane, ?why, "the turnstile's order did not get through");
                outcome = why;
            }
        }
        let input = Input::PassAnswered { lane: job.lane, command: job.command, outcome };
        self.app.submit(input, None).await
    }

    async fn move_pass_relay(&self, job: &PassJob, relay: u8) -> Result<(), PassOutcome> {
        let refused = |why: String| PassOutcome::Refused(why);
        let exchange = match job.action {
            PassAction::Grant => self.board.pulse(relay, self.open_pulse_ms),
            PassAction::Free => self.board.set(relay, true),
            PassAction::Close => self.board.set(relay, false),
        };
        let exchange = exchange.map_err(|why| refused(why.to_string()))?;
        match self.bus.exchange(exchange.clone(), self.reply_timeout, job.until).await {
            Ok(reply) => {
                relay_board::accepted(&exchange, &reply).map_err(|e| refused(e.to_string()))
            }
            Err(why) if why.may_have_acted() => Err(PassOutcome::Silent(why.to_string())),
            Err(why) => Err(refused(why.to_string())),
        }
    }

    async fn read_inputs(
        &self,
        known: &mut HashMap<u8, bool>,
        missed: &mut u32,
    ) -> Result<(), Busy> {
        match self.inputs_now().await {
            Ok(states) => {
                *missed = 0;
                self.tell_changes(&states, known).await
            }
            Err(why) => {
                *missed += 1;
                if *missed == LOST_AFTER {
                    known.clear();
                    self.lost(&why).await?;
                }
                Ok(())
            }
        }
    }

    async fn ask(&self, exchange: &Exchange, until: Instant) -> Result<Vec<u8>, BusError> {
        let begun = Instant::now();
        let asked = self.bus.exchange(exchange.clone(), self.reply_timeout, until).await;
        match &asked {
            Ok(_) => self.pulse.answered(begun.elapsed()),
            Err(why) => self.pulse.failed(fault(why)),
        }
        asked
    }

    async fn inputs_now(&self) -> Result<Vec<bool>, String> {
        let count = self.inputs.keys().max().copied().unwrap_or(1);
        let exchange = self.board.read_inputs(count).map_err(|e| e.to_string())?;
        let reply =
            self.ask(&exchange, soon(self.reply_timeout * 4)).await.map_err(|e| e.to_string())?;
        relay_board::states(&exchange, &reply).map_err(|e| e.to_string())
    }

    async fn tell_changes(
        &self,
        states: &[bool],
        known: &mut HashMap<u8, bool>,
    ) -> Result<(), Busy> {
        for (input, on) in (1_u8..).zip(states.iter().copied()) {
            let Some(wire) = self.inputs.get(&input) else { continue };
            let former = known.insert(input, on);
            if former != Some(on)
                && let Some(input) = self.input_of(wire, former, on)
            {
                self.app.submit(input, None).await?;
            }
        }
        Ok(())
    }

    /// `None`: it tells nothing.
    fn input_of(&self, wire: &Wire, former: Option<bool>, on: bool) -> Option<Input> {
        Some(match wire {
            // Only pressing it counts, and one that is found pressed may be stuck.
            Wire::Help(_) if !on || former.is_none() => return None,
            Wire::Help(lane) => {
                Input::HelpAsked { lane: lane.clone(), from: CallFrom::Button, says: String::new() }
            }
            Wire::Lane(lane, sensor) => Input::Sensor { lane: lane.clone(), sensor: *sensor, on },
            Wire::Fire => Input::Fire { contact: self.id.clone(), on },
            Wire::Passage(lane, way) => {
                let count = match (former, on) {
                    (_, true) => Counted::Walks,
                    (Some(true), false) => Counted::One,
                    (_, false) => Counted::Nobody,
                };
                Input::Went { lane: lane.clone(), way: *way, count }
            }
        })
    }

    async fn lost(&self, why: &str) -> Result<(), Busy> {
        warn!(board = %self.id, why, "nothing is known of its inputs; check its power and the line");
        self.pulse.is_silent(why);
        for lane in &self.lanes {
            self.app.submit(Input::SensorsLost { lane: lane.clone() }, None).await?;
        }
        for lane in &self.gates {
            self.app.submit(Input::TurnstileLost { lane: lane.clone() }, None).await?;
        }
        Ok(())
    }
}

pub(super) fn fault(why: &BusError) -> Fault {
    match why {
        BusError::TimedOut { .. } | BusError::Lost { .. } => Fault::TimedOut,
        BusError::Closed { .. } | BusError::Resting { .. } => Fault::Unreachable,
        BusError::Full { .. } | BusError::Expired { .. } => Fault::Expired,
    }
}

pub(super) fn soon(after: Duration) -> Instant {
    Instant::now() + after
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Board").field("id", &self.id).finish_non_exhaustive()
    }
}
