//! Messages of the broker on their way to the intake. A message is acknowledged, and answered where its device insists,
//! once its decision is on disk; one that makes no sense is told of and acknowledged, so that it does not come for
//! ever. Decides nothing.

use std::sync::Arc;

use metrics::counter;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::{Camera, Cameras, Intake, OverMqtt, Speaker, Strangers, health::clock};
use crate::{
    app::{Busy, Then},
    core::Answer,
    io::mqtt::{Ack, Incoming, Link},
};

#[derive(Debug)]
pub struct MqttIn {
    pub intake: Intake,
    pub cameras: Cameras,
    pub strangers: Strangers,
    pub link: Link,
}

impl MqttIn {
    /// Runs until the daemon stops.
    pub async fn run(self, mut messages: mpsc::Receiver<Incoming>) {
        while let Some(message) = messages.recv().await {
            if self.message(message).await.is_err() {
                return;
            }
        }
    }

    async fn message(&self, message: Incoming) -> Result<(), Busy> {
        counter!("paifang_mqtt_messages_total").increment(1);
        let mut cameras = self.cameras.heard_by(&message.topic, &message.payload);
        if cameras.is_empty() {
            counter!("paifang_mqtt_foreign_total").increment(1);
            debug!(topic = message.topic, "a message of a device that the site file does not name");
            self.strangers.heard_mqtt("", &message.topic, &message.payload);
        }
        cameras.retain(|camera| camera.pulse.admits());
        if let (Some(camera), true) = (cameras.last(), message.retain) {
            warn!(device = %camera.wiring.id, topic = message.topic, "a retained message may be of any age; ignored. Clear it at the broker");
            cameras.clear();
        }
        let mut ack = Some(message.ack);
        for (i, camera) in cameras.iter().enumerate() {
            let ack = if i + 1 == cameras.len() { ack.take() } else { None };
            self.said(camera, &message.topic, &message.payload, ack).await?;
        }
        if let Some(ack) = ack {
            ack.done();
        }
        Ok(())
    }

    /// What one device says by a message.
    async fn said(
        &self,
        camera: &Arc<Camera>,
        topic: &str,
        payload: &[u8],
        ack: Option<Ack>,
    ) -> Result<(), Busy> {
        let (_, wall) = clock();
        let heard = match camera.decode(topic, payload, wall.as_millisecond()) {
            Ok(heard) => heard,
            Err(why) => {
                camera.pulse.nonsense(&why.to_string());
                if let Some(ack) = ack {
                    ack.done();
                }
                return Ok(());
            }
        };
        camera.pulse.heard();
        let over = OverMqtt { camera: camera.clone(), link: self.link.clone() };
        let speaker = Speaker { wiring: &camera.wiring, pulse: &camera.pulse, tell: &over };
        let (told, link, answers) = (camera.clone(), self.link.clone(), heard.answers);
        let mut then: Option<Then> = Some(Box::new(move |_| {
            told.answer(&link, answers);
            if let Some(ack) = ack {
                ack.done();
            }
        }));
        let last = heard.events.len().saturating_sub(1);
        for (i, event) in heard.events.into_iter().enumerate() {
            let then = if i == last { then.take() } else { None };
            self.intake.event(speaker, event, wall, then).await?;
        }
        if let Some(then) = then {
            then(&Ok(Answer::Done));
        }
        Ok(())
    }
}
