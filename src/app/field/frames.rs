//! How a frame gets to a display: over a line of ours, or through the serial port of a camera. Knows no frame's meaning.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use paifang_devices::Command;
use tokio::time::Instant;

use super::Camera;
use crate::{
    app::App,
    io::{mqtt::Link, serial::BusHandle},
};

/// Somewhere a frame can be sent that nobody answers.
pub trait FramePort: Send + Sync {
    /// Sends it and keeps the line silent for `gap` after it; nothing is sent at or after `until`. The error is for the
    /// operator.
    fn send(
        &self,
        frame: Vec<u8>,
        gap: Duration,
        until: Instant,
    ) -> BoxFuture<'_, Result<(), String>>;
}

impl FramePort for BusHandle {
    fn send(
        &self,
        frame: Vec<u8>,
        gap: Duration,
        until: Instant,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(
            async move { Self::send(self, frame, gap, until).await.map_err(|e| e.to_string()) },
        )
    }
}

/// The serial port of a camera on MQTT.
pub struct CameraPort {
    pub app: App,
    pub link: Link,
    pub camera: Arc<Camera>,
    /// 0 is the camera's first port.
    pub channel: u8,
    sent: AtomicU32,
}

impl CameraPort {
    pub fn new(app: App, link: Link, camera: Arc<Camera>, channel: u8) -> Self {
        Self { app, link, camera, channel, sent: AtomicU32::new(0) }
    }
}

impl FramePort for CameraPort {
    fn send(
        &self,
        frame: Vec<u8>,
        gap: Duration,
        until: Instant,
    ) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            if Instant::now() >= until {
                return Err("it was too late to send".into());
            }
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            let id = format!("show-{}-{number}", self.channel);
            let command = Command::SerialData { channel: self.channel, bytes: frame };
            let now_ms = self.app.now().as_millisecond();
            self.camera
                .tell(&self.link, &command, &id, now_ms)
                .map_err(|why| format!("through {}: {why}", self.camera.id))?;
            // The camera's own queue is unknown: the next frame leaves here no sooner.
            tokio::time::sleep(gap).await;
            Ok(())
        })
    }
}

impl std::fmt::Debug for CameraPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CameraPort").field("camera", &self.camera.id).finish_non_exhaustive()
    }
}
