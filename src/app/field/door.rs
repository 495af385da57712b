//! The door of devices that call us: a key lets in, the events go to disk, then the reply leaves, with the orders that
//! wait. Decides nothing.
//!
//! The reply is the device's proof that what it said is safe: it leaves after the commit, and a 503 in its place makes
//! the device keep the read and say it again, which the core knows as the same. An order goes along once: what the
//! decision ordered is in the mailbox before the commit is told.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;
use metrics::counter;
use paifang_devices::{
    DeviceEvent,
    http_push::{PushRequest, Pushed},
};
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::Instant,
};
use tracing::{debug, warn};

use super::{
    Intake, Speaker, Strangers,
    health::clock,
    push::{PushDevice, PushDevices, report},
};
use crate::{
    app::Then,
    core::{Answer, input::ArmOutcome},
    http::ports::{Admission, DeviceAnswer, DeviceCall, DeviceDoor},
};

/// Waited for a commit at the most; then the device says it again.
const COMMIT_WAIT: Duration = Duration::from_secs(5);
/// Waited for an order behind a plate read that gave none at once.
const ORDER_WAIT: Duration = Duration::from_millis(1_500);
/// Behind the first order, for what the display says beside it.
const GATHER: Duration = Duration::from_millis(5);
/// A poll so soon after the answer to the one before is held.
const AT_ONCE: Duration = Duration::from_millis(500);
/// A poll that is held is answered by then without any order: sooner than a camera gives up.
const POLL_HOLD: Duration = Duration::from_secs(4);

#[derive(Debug)]
pub struct Door {
    pub devices: PushDevices,
    pub intake: Intake,
    pub strangers: Strangers,
}

impl DeviceDoor for Door {
    fn admits(&self, device: &str, key: Option<&str>) -> Admission {
        let Some(device) = self.devices.get(device) else { return Admission::Stranger };
        if !device.opens_to(key) {
            counter!("paifang_push_wrong_key_total").increment(1);
            device.pulse.nonsense("somebody called in its name with a wrong key, or with none");
            return Admission::WrongKey;
        }
        if device.pulse.admits() { Admission::Welcome } else { Admission::Flood }
    }

    fn place(&self, device: &str) -> BoxFuture<'_, Option<OwnedSemaphorePermit>> {
        let places = self.devices.get(device).map(|device| Arc::clone(&device.places));
        Box::pin(async move {
            let turn = places?.acquire_owned();
            tokio::time::timeout(COMMIT_WAIT, turn).await.ok()?.ok()
        })
    }

    fn called(&self, call: DeviceCall) -> BoxFuture<'_, DeviceAnswer> {
        Box::pin(async move {
            counter!("paifang_push_calls_total").increment(1);
            match self.devices.get(&call.device) {
                Some(device) => self.answer(device, call).await,
                None => bare(StatusCode::NOT_FOUND),
            }
        })
    }

    fn stranger(&self, call: DeviceCall) {
        counter!("paifang_push_foreign_total").increment(1);
        self.strangers.heard_http(call);
    }
}

impl Door {
    async fn answer(&self, device: &Arc<PushDevice>, call: DeviceCall) -> DeviceAnswer {
        let begun = Instant::now();
        let Some(body) = call.body else {
            device.pulse.nonsense("its request is too long; lower its picture quality");
            return bare(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let (_, wall) = clock();
        let decoded = {
            let request = PushRequest {
                path: &call.path,
                query: &call.query,
                content_type: call.content_type.as_deref(),
                body: &body,
            };
            let mut driver = device.driver();
            driver.set_utc_offset(self.intake.zone.to_offset(wall).seconds());
            driver.decode(&request, wall.as_millisecond())
        };
        let mut pushed = match decoded {
            Ok(pushed) => pushed,
            Err(why) => {
                // Answered all the same, or it comes for ever.
                device.pulse.nonsense(&why.to_string());
                return reply(device, &Pushed::default(), false, &self.intake);
            }
        };
        drop(body);
        device.pulse.heard();
        let asks = match Asks::of(&pushed) {
            Asks::Poll if !is_held(device) => Asks::Heartbeat,
            asks => asks,
        };
        let kept = self.keep(device, std::mem::take(&mut pushed.events));
        let Ok(Some(decided)) = tokio::time::timeout(COMMIT_WAIT, kept).await else {
            warn!(device = %device.wiring.id, "what it said is not on disk yet; it is asked to say it again");
            return bare(StatusCode::SERVICE_UNAVAILABLE);
        };
        wait_for_orders(device, asks, decided, begun).await;
        if matches!(asks, Asks::Heartbeat | Asks::Poll) {
            *device.polled.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        let takes_orders = matches!(asks, Asks::Read | Asks::InPassing | Asks::Poll);
        reply(device, &pushed, takes_orders, &self.intake)
    }

    /// Tells the core; `None` unless all is on disk. `Some(true)`: a decision was made.
    async fn keep(&self, device: &Arc<PushDevice>, events: Vec<DeviceEvent>) -> Option<bool> {
        let (_, wall) = clock();
        let speaker =
            Speaker { wiring: &device.wiring, pulse: &device.pulse, tell: device.as_ref() };
        let mut kept = Vec::with_capacity(events.len());
        for event in events {
            let (tx, rx) = oneshot::channel();
            let then: Then = Box::new(move |reply| {
                let _ = tx.send(matches!(reply, Ok(Answer::Done)));
            });
            self.intake.event(speaker, event, wall, Some(then)).await.ok()?;
            kept.push(rx);
        }
        let mut decided = false;
        for kept in kept {
            decided |= kept.await.ok()?;
        }
        Some(decided)
    }
}

/// What a request can be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// No orders: its kind takes none, or it tells of the past.
    Nothing,
    /// A vehicle is there.
    Read,
    /// An input changed, or the like.
    InPassing,
    /// It is alive. Whether it would act on an order in the answer nobody knows.
    Heartbeat,
    /// It asks again right behind our last answer, to be told something.
    Poll,
}

impl Asks {
    fn of(pushed: &Pushed) -> Self {
        let reads = || {
            pushed.events.iter().filter_map(|event| match event {
                DeviceEvent::PlateRead(read) => Some(read.live),
                _ => None,
            })
        };
        let is_news = |event: &DeviceEvent| !matches!(event, DeviceEvent::KeepAlive { .. });
        match (pushed.takes_orders, reads().next().is_some()) {
            (false, _) => Self::Nothing,
            // An order beside a record of the past would be taken for its answer.
            (true, true) if !reads().all(|live| live) => Self::Nothing,
            (true, true) => Self::Read,
            (true, false) if pushed.events.iter().any(is_news) => Self::InPassing,
            (true, false) => Self::Poll,
        }
    }
}

/// Some devices ask again as soon as they are answered, so that they can be told something at any time. Such a poll is
/// held until there is something to tell; a heart-beat comes seconds after the one before and is answered at once.
fn is_held(device: &PushDevice) -> bool {
    let polled = *device.polled.lock().unwrap_or_else(PoisonError::into_inner);
    polled.is_some_and(|at| at.elapsed() < AT_ONCE)
}

/// `decided`: something new was, so that an order may be on its way.
async fn wait_for_orders(device: &PushDevice, asks: Asks, decided: bool, begun: Instant) {
    let until = match asks {
        Asks::Read if decided && device.wiring.moves.is_some() => begun + ORDER_WAIT,
        Asks::Poll => begun + POLL_HOLD,
        _ => return,
    };
    device.mailbox.wait(until).await;
    tokio::time::sleep_until(until.min(Instant::now() + GATHER)).await;
}

/// Writes the reply and hands over what waits. From here on nothing is awaited: what is in the reply is told as given.
fn reply(device: &PushDevice, pushed: &Pushed, orders: bool, intake: &Intake) -> DeviceAnswer {
    let (_, wall) = clock();
    let now_ms = wall.as_millisecond();
    let (written, given) = if orders {
        device.mailbox.hand_over(Instant::now(), |orders| {
            let written = device.driver().reply(pushed, orders, now_ms);
            let taken = written.as_ref().map_or(0, |reply| reply.taken);
            (written, taken)
        })
    } else {
        (device.driver().reply(pushed, &[], now_ms), Vec::new())
    };
    for letter in given {
        debug!(device = %device.wiring.id, order = letter.id, "handed over with the reply");
        report(&intake.app, letter, ArmOutcome::Done);
    }
    match written {
        Ok(reply) => DeviceAnswer {
            status: StatusCode::OK,
            content_type: reply.content_type,
            body: Bytes::from(reply.body),
        },
        Err(why) => {
            warn!(device = %device.wiring.id, %why, "no reply can be written for it");
            bare(StatusCode::OK)
        }
    }
}

fn bare(status: StatusCode) -> DeviceAnswer {
    DeviceAnswer { status, content_type: String::new(), body: Bytes::new() }
}
