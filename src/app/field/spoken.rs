//! What a device said, in words for a screen: plates masked, codes and cards left out. Knows no device.

use paifang_devices::{DeviceEvent, PlateRead};

use crate::types::Plate;

/// One line.
pub(super) fn words(event: &DeviceEvent) -> String {
    match event {
        DeviceEvent::PlateRead(read) => plate(read),
        DeviceEvent::InputChanged { input, on } => {
            format!("input {input} {}", if *on { "on" } else { "off" })
        }
        DeviceEvent::KeepAlive { .. } => "heart-beat".into(),
        DeviceEvent::SerialData { channel, bytes } => {
            format!("{} bytes from its serial port {channel}", bytes.len())
        }
        DeviceEvent::CommandReply { accepted, text, .. } => {
            format!("command {}: {text}", if *accepted { "taken" } else { "refused" })
        }
        DeviceEvent::BarrierStatus { state, connected } => {
            format!("barrier controller: state {state:?}, connected {connected:?}")
        }
        DeviceEvent::Snapshot { picture } => format!("picture of {} bytes", picture.len()),
        DeviceEvent::Gone => "is leaving".into(),
        DeviceEvent::Position(position) => format!("arm {}", position.name()),
        DeviceEvent::Scanned { text } => format!("code of {} characters", text.chars().count()),
        DeviceEvent::IdCardRead { .. } => "identity card".to_owned(),
        DeviceEvent::CardRead { bits, .. } => format!("card of {bits} bits"),
        DeviceEvent::Identity { model, firmware } => {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
            format!("is a {}, firmware {}", text(model), text(firmware))
        }
    }
}

fn plate(read: &PlateRead) -> String {
    let plate = match read.plate.as_deref().map(Plate::parse) {
        Some(Ok(plate)) => plate.masked(),
        Some(Err(_)) => "a text that is no plate".into(),
        None => "no plate".into(),
    };
    let sure = read.confidence.map(|percent| format!(", {percent} %")).unwrap_or_default();
    let live = if read.live { "" } else { ", kept while offline" };
    let picture = if read.picture.is_some() { ", picture" } else { "" };
    format!("plate read {plate}{sure}{live}{picture}")
}
