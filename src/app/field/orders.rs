//! Orders sent to arms over MQTT that nobody has answered yet. Silence becomes an input. Sends nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    app::App,
    core::{Input, input::ArmOutcome},
    types::{CommandId, LaneId},
};

/// How often silence is looked for.
const LOOK: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, Default)]
pub struct Orders(Arc<Mutex<HashMap<CommandId, (LaneId, Instant)>>>);

impl Orders {
    /// The text a device gets as the message's id, and gives back with its answer.
    pub fn wire_id(command: CommandId) -> String {
        format!("paifang-{command}")
    }

    pub fn sent(&self, command: CommandId, lane: LaneId, patience: Duration) {
        self.lock().insert(command, (lane, Instant::now() + patience));
    }

    /// The lane whose order this answer belongs to.
    pub fn answered(&self, wire_id: &str) -> Option<(CommandId, LaneId)> {
        let command = CommandId(wire_id.strip_prefix("paifang-")?.parse().ok()?);
        self.lock().remove(&command).map(|(lane, _)| (command, lane))
    }

    /// Tells of every order that got no answer in time, for ever.
    pub async fn watch(self, app: App) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            let now = Instant::now();
            let silent: Vec<(CommandId, LaneId)> = self
                .lock()
                .extract_if(|_, (_, until)| *until <= now)
                .map(|(c, (l, _))| (c, l))
                .collect();
            for (command, lane) in silent {
                let outcome = ArmOutcome::Silent("the device did not answer the order".into());
                if app.submit(Input::ArmAnswered { lane, command, outcome }, None).await.is_err() {
                    return;
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CommandId, (LaneId, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
