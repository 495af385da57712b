//! Orders sent to arms over MQTT that nobody has answered yet. Silence becomes an input. Sends nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use super::health::Pulse;
use crate::{
    app::App,
    core::{Input, input::ArmOutcome},
    http::ports::Fault,
    types::{CommandId, LaneId},
};

/// How often silence is looked for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Default)]
pub struct Orders {
    arms: Arc<Mutex<HashMap<CommandId, Sent>>>,
    tests: Arc<Mutex<HashMap<String, Test>>>,
}

/// Whether the device took it, and its own words.
type Test = oneshot::Sender<(bool, String)>;

#[derive(Debug)]
struct Sent {
    lane: LaneId,
    device: Pulse,
    at: Instant,
    until: Instant,
}

impl Orders {
    /// The text a device gets as the message's id, and gives back with its answer.
    pub fn wire_id(command: CommandId) -> String {
        format!("paifang-{command}")
    }

    pub fn sent(&self, command: CommandId, lane: LaneId, device: Pulse, patience: Duration) {
        let at = Instant::now();
        self.lock().insert(command, Sent { lane, device, at, until: at + patience });
    }

    /// The lane whose order this answer belongs to, and how long the answer took.
    pub fn answered(&self, wire_id: &str) -> Option<(CommandId, LaneId, Duration)> {
        let command = CommandId(wire_id.strip_prefix("paifang-")?.parse().ok()?);
        self.lock().remove(&command).map(|sent| (command, sent.lane, sent.at.elapsed()))
    }

    /// Tells of every order that got no answer in time, for ever.
    pub async fn watch(self, app: App) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let now = Instant::now();
            let silent: Vec<(CommandId, Sent)> =
                self.lock().extract_if(|_, sent| sent.until <= now).collect();
            for (command, Sent { lane, device, .. }) in silent {
                device.failed(Fault::TimedOut);
                let outcome = ArmOutcome::Silent("the device did not answer the order".into());
                if app.submit(Input::ArmAnswered { lane, command, outcome }, None).await.is_err() {
                    return;
                }
            }
        }
    }

    /// An id for a command of a test, and what the device answers to it.
    pub fn ask(&self) -> (String, oneshot::Receiver<(bool, String)>) {
        let (tx, rx) = oneshot::channel();
        let mut tests = self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        tests.retain(|_, waiting| !waiting.is_closed());
        // Sixteen tests at once are many; a further one takes the place of the first.
        let free = (1..=16).map(|n| format!("test-{n}")).find(|id| !tests.contains_key(id));
        let id = free.unwrap_or_else(|| "test-1".into());
        tests.insert(id.clone(), tx);
        (id, rx)
    }

    /// `true`: it was the answer to a test.
    pub fn test_answered(&self, wire_id: &str, accepted: bool, text: &str) -> bool {
        let test = self.tests.lock().unwrap_or_else(PoisonError::into_inner).remove(wire_id);
        test.is_some_and(|test| test.send((accepted, text.to_owned())).is_ok())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CommandId, Sent>> {
        self.arms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
