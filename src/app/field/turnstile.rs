//! A turnstile that counts passages itself: told to open, close and stand free, its counters read all the time.
//! Decides nothing. A turnstile on a relay board's contacts is the board's: see `board`.

use std::{collections::HashMap, time::Duration};

use paifang_devices::{
    Exchange, LotTurnstile,
    turnstile_lot::{self, CountReading},
};
use tokio::{sync::mpsc, time::Instant};
use tracing::warn;

use super::{
    Pulse,
    board::{LOST_AFTER, soon},
};
use crate::{
    app::{App, Busy},
    core::{
        Input,
        gate::{Counted, PassAction, Way},
        input::PassOutcome,
    },
    io::serial::{BusError, BusHandle},
    types::{CommandId, DeviceId, LaneId},
};

/// One order for a turnstile.
#[derive(Debug)]
pub struct PassJob {
    pub lane: LaneId,
    pub command: CommandId,
    pub action: PassAction,
    pub way: Way,
    /// Worth nothing after this.
    pub until: Instant,
}

pub struct Turnstile {
    pub id: DeviceId,
    pub app: App,
    pub bus: BusHandle,
    pub turnstile: LotTurnstile,
    /// The lanes it is, each with its way.
    pub lanes: Vec<(LaneId, Way)>,
    pub poll: Duration,
    pub reply_timeout: Duration,
    pub pulse: Pulse,
}

impl Turnstile {
    /// Moves and counts until the daemon stops.
    pub async fn run(self, mut jobs: mpsc::Receiver<PassJob>) {
        let mut poll = tokio::time::interval(self.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut known: HashMap<LaneId, u32> = HashMap::new();
        let mut missed = 0;
        loop {
            let done = tokio::select! {
                biased;
                job = jobs.recv() => match job {
                    Some(job) => self.order(job, &mut known).await,
                    None => Err(Busy::Stopped),
                },
                _ = poll.tick() => self.look(&mut known, &mut missed).await,
            };
            if done.is_err() {
                return;
            }
        }
    }

    async fn order(&self, job: PassJob, known: &mut HashMap<LaneId, u32>) -> Result<(), Busy> {
        let outcome = match self.carry_out(&job).await {
            Ok(total) => {
                if let Some(total) = total {
                    known.insert(job.lane.clone(), total);
                }
                PassOutcome::Done(total)
            }
            Err(outcome) => outcome,
        };
        if !matches!(outcome, PassOutcome::Done(_)) {
            warn!(turnstile = %self.id, lane = %job.lane, ?outcome, "its order did not get through");
        }
        let input = Input::PassAnswered { lane: job.lane, command: job.command, outcome };
        self.app.submit(input, None).await
    }

    /// The counter is read after an order to close: nobody goes after that.
    async fn carry_out(&self, job: &PassJob) -> Result<Option<u32>, PassOutcome> {
        for way in ways(job.way) {
            let exchange = match job.action {
                PassAction::Grant => self.turnstile.grant(way),
                PassAction::Free => self.turnstile.free(way),
                PassAction::Close => self.turnstile.close(way),
            };
            let reply = self.bus.exchange(exchange.clone(), self.reply_timeout, job.until).await;
            let reply = reply.map_err(|why| match why {
                BusError::TimedOut { .. } => PassOutcome::Silent(why.to_string()),
                why if why.may_have_acted() => PassOutcome::Silent(why.to_string()),
                why => PassOutcome::Refused(why.to_string()),
            })?;
            turnstile_lot::accepted(&exchange, &reply)
                .map_err(|why| PassOutcome::Refused(why.to_string()))?;
        }
        let own = self.lanes.iter().find(|(lane, _)| *lane == job.lane);
        match own {
            Some((_, way)) if job.action == PassAction::Close => {
                self.count(*way).await.map(Some).map_err(PassOutcome::Silent)
            }
            _ => Ok(None),
        }
    }

    async fn look(&self, known: &mut HashMap<LaneId, u32>, missed: &mut u32) -> Result<(), Busy> {
        for (lane, way) in &self.lanes {
            match self.count(*way).await {
                Ok(total) => {
                    *missed = 0;
                    self.pulse.heard();
                    if known.insert(lane.clone(), total) != Some(total) {
                        let count = Counted::Total(total);
                        let went = Input::Went { lane: lane.clone(), way: *way, count };
                        self.app.submit(went, None).await?;
                    }
                }
                Err(why) => {
                    *missed += 1;
                    if *missed == LOST_AFTER {
                        known.clear();
                        return self.lost(why).await;
                    }
                }
            }
        }
        Ok(())
    }

    /// Its two words belong together: see [`CountReading`].
    async fn count(&self, way: Way) -> Result<u32, String> {
        let way = ways(way).next().unwrap_or(turnstile_lot::Way::In);
        let mut reading = CountReading::new(way);
        // A counter that changes all the time is broken.
        for _ in 0..8 {
            let asked = reading.next(&self.turnstile);
            let reply = self.ask(&asked).await?;
            if let Some(count) = reading.heard(&asked, &reply).map_err(|why| why.to_string())? {
                return Ok(count);
            }
        }
        Err("its counter does not stand still".to_owned())
    }

    async fn ask(&self, exchange: &Exchange) -> Result<Vec<u8>, String> {
        let until = soon(self.reply_timeout * 4);
        let reply = self.bus.exchange(exchange.clone(), self.reply_timeout, until).await;
        reply.map_err(|why| why.to_string())
    }

    async fn lost(&self, why: String) -> Result<(), Busy> {
        warn!(turnstile = %self.id, why, "nothing is known of it; check its power and the line");
        self.pulse.is_silent(&why);
        for (lane, _) in &self.lanes {
            self.app.submit(Input::TurnstileLost { lane: lane.clone() }, None).await?;
        }
        Ok(())
    }
}

/// The controller's words for a way.
fn ways(way: Way) -> impl Iterator<Item = turnstile_lot::Way> {
    use turnstile_lot::Way::{In, Out};
    let ways: &[turnstile_lot::Way] = match way {
        Way::In => &[In],
        Way::Out => &[Out],
        Way::Both => &[In, Out],
    };
    ways.iter().copied()
}

impl std::fmt::Debug for Turnstile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turnstile").field("id", &self.id).finish_non_exhaustive()
    }
}
