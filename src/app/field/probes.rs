//! What a test does with each kind of device: only what moves no arm and reads no vehicle. Decides nothing.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use paifang_devices::{Capability, Command, RelayBoard, Screen, relay_board, screen::Line};
use tokio::{sync::oneshot, time::Instant};

use super::{
    CallJob, Camera, FramePort, Orders, OverMqtt, Probe, Pulse, PushDevice, Tell,
    board::{fault, soon},
    health::clock,
    intake::civil,
};
use crate::{
    config::Device,
    io::{mqtt::Link, serial::BusHandle},
};

/// Longer than the device's own patience: a probe that hangs is told, too.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the inputs of a relay board.
pub fn board(board: RelayBoard, bus: BusHandle, patience: Duration, pulse: Pulse) -> Probe {
    let board = Arc::new(board);
    Arc::new(move || {
        let (board, bus, pulse) = (Arc::clone(&board), bus.clone(), pulse.clone());
        async move {
            let count = board.settings().inputs;
            let exchange = board.read_inputs(count).map_err(|e| e.to_string())?;
            let begun = Instant::now();
            let reply = bus.exchange(exchange.clone(), patience, soon(patience * 4)).await;
            let reply = reply.map_err(|why| {
                pulse.failed(fault(&why));
                why.to_string()
            })?;
            pulse.answered(begun.elapsed());
            let states = relay_board::states(&exchange, &reply).map_err(|e| e.to_string())?;
            let on: Vec<String> = (1..)
                .zip(&states)
                .filter(|(_, on): &(u32, &bool)| **on)
                .map(|(n, _)| n.to_string())
                .collect();
            let on = if on.is_empty() { "none".to_owned() } else { on.join(", ") };
            let ms = begun.elapsed().as_millis();
            Ok(format!("answered in {ms} ms: of {} inputs on: {on}", states.len()))
        }
        .boxed()
    })
}

/// Shows a text until the lane says the next thing.
pub fn display(screen: Screen, port: Arc<dyn FramePort>) -> Probe {
    Arc::new(move || {
        let (mut screen, port) = (screen.clone(), Arc::clone(&port));
        async move {
            let (_, now) = clock();
            let second = format!("{:02}", now.as_second().rem_euclid(100));
            let lines =
                [Line { text: "屏幕测试", color: None }, Line { text: &second, color: None }];
            let gap = Duration::from_millis(screen.gap_ms().into());
            for frame in screen.show(&lines, None) {
                port.send(frame, gap, soon(PATIENCE)).await?;
            }
            Ok(format!("sent: it should show 屏幕测试 and {second}; it does not answer"))
        }
        .boxed()
    })
}

/// Sets the clock of a camera and waits for its answer; nothing for one whose clock cannot be set.
pub fn camera(
    device: &Device,
    camera: &Arc<Camera>,
    link: &Link,
    orders: &Orders,
    zone: &jiff::tz::TimeZone,
) -> Option<Probe> {
    if !device.profile.can(Capability::SetTime) {
        return None;
    }
    let over = Arc::new(OverMqtt { camera: Arc::clone(camera), link: link.clone() });
    let (orders, zone) = (orders.clone(), zone.clone());
    Some(Arc::new(move || {
        let (over, orders, zone) = (Arc::clone(&over), orders.clone(), zone.clone());
        async move {
            let (_, wall) = clock();
            let (id, answer) = orders.ask();
            let begun = Instant::now();
            over.tell(&Command::SetTime(civil(wall, &zone)), &id, wall)?;
            let patience = over.camera.reply_patience;
            let Ok(Ok((accepted, text))) = tokio::time::timeout(patience, answer).await else {
                over.camera.pulse.failed(crate::http::ports::Fault::TimedOut);
                return Err(format!(
                    "its clock was set, but it did not answer in {} ms; check its power, network and account",
                    patience.as_millis()
                ));
            };
            over.camera.pulse.answered(begun.elapsed());
            let ms = begun.elapsed().as_millis();
            if accepted {
                Ok(format!("answered in {ms} ms: its clock is set"))
            } else {
                Err(format!("answered in {ms} ms, but refused to set its clock: {text}"))
            }
        }
        .boxed()
    }))
}

/// Asks a device that we call where its arm stands; nothing for one that only calls us.
pub fn called(device: &Arc<PushDevice>) -> Option<Probe> {
    device.driver().position_call()?;
    let calls = device.calls();
    Some(Arc::new(move || {
        let calls = calls.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let job = CallJob::Probe(answer);
            calls.try_send(job).map_err(|_| "too much waits for it already".to_owned())?;
            match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(found)) => found,
                _ => Err("it did not answer in time".to_owned()),
            }
        }
        .boxed()
    }))
}
