//! What a Vzenith camera is told, read as strictly as its maker's paper describes it. Sends nothing
//! and moves nothing.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil, tz};
use serde_json::Value;

use crate::wire::RelayKind;

/// A command understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Relay from 1.
    Relay {
        relay: u8,
        kind: RelayKind,
    },
    SetClock(Timestamp),
    Trigger,
    Serial(Vec<SerialFrame>),
}

/// Bytes for a serial port, and how long to wait before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SerialFrame {
    pub(super) channel: u8,
    pub(super) bytes: Vec<u8>,
    pub(super) after: Duration,
}

/// Why not, as the code of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed = 400,
    Unknown = 404,
}

/// Reads the command `name`; `message` is its whole payload.
pub(super) fn read(name: &str, message: &Value) -> Result<Told, Refusal> {
    let payload = &message["payload"];
    let body = &payload["body"];
    let told = match name {
        _ if message["name"] != name => None,
        "gpio_out" => gpio_out(body),
        "set_io_lock_status" => io_lock(body),
        "set_time" => set_time(body),
        "ivs_trigger" => Some(Told::Trigger),
        "serial_data" => serial_data(body),
        _ => return Err(Refusal::Unknown),
    };
    told.ok_or(Refusal::Malformed)
}

fn relay(io: &Value, relays: u64) -> Option<u8> {
    io.as_u64().filter(|io| *io < relays).map(|io| io as u8 + 1)
}

fn gpio_out(body: &Value) -> Option<Told> {
    let kind = match body["value"].as_u64()? {
        0 => RelayKind::Off,
        1 => RelayKind::On,
        2 => {
            let ms = body["delay"].as_u64().filter(|ms| (500..=5000).contains(ms))?;
            RelayKind::Pulse { ms: ms as u32 }
        }
        _ => return None,
    };
    Some(Told::Relay { relay: relay(&body["io"], 4)?, kind })
}

fn io_lock(body: &Value) -> Option<Told> {
    let kind = match body["status"].as_u64()? {
        1 => RelayKind::On,
        0 | 2 => RelayKind::Off,
        _ => return None,
    };
    Some(Told::Relay { relay: relay(&body["ioout"], 2)?, kind })
}

/// Local time of China, every number as text.
fn set_time(body: &Value) -> Option<Told> {
    let number = |key: &str| body[key].as_str()?.parse::<i16>().ok();
    let small = |key: &str| number(key).and_then(|n| i8::try_from(n).ok());
    let date = civil::Date::new(number("year")?, small("month")?, small("day")?).ok()?;
    let time = civil::Time::new(small("hour")?, small("min")?, small("sec")?, 0).ok()?;
    tz::offset(8).to_timestamp(date.to_datetime(time)).ok().map(Told::SetClock)
}

fn serial_data(body: &Value) -> Option<Told> {
    let after = Duration::from_millis(body["interval"].as_u64()?);
    let one = |(i, frame): (usize, &Value)| {
        let bytes = STANDARD.decode(frame["data"].as_str()?).ok()?;
        let channel = frame["serialChannel"].as_u64().filter(|channel| *channel < 2)? as u8;
        let whole = frame["dataLen"].as_u64() == Some(bytes.len() as u64);
        whole.then_some(SerialFrame { channel, bytes, after: after * i as u32 })
    };
    let frames: Option<Vec<_>> =
        body["serialData"].as_array()?.iter().enumerate().map(one).collect();
    frames.map(Told::Serial)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(name: &str, body: &Value) -> Result<Told, Refusal> {
        read(name, &json!({"id": "1", "name": name, "payload": {"type": name, "body": body}}))
    }

    #[test]
    fn commands_as_the_paper_has_them() {
        let relay = |relay, kind| Ok(Told::Relay { relay, kind });
        let rows = [
            (
                "gpio_out",
                json!({"io": 0, "value": 2, "delay": 1500}),
                relay(1, RelayKind::Pulse { ms: 1500 }),
            ),
            ("gpio_out", json!({"io": 1, "value": 1}), relay(2, RelayKind::On)),
            ("gpio_out", json!({"io": 3, "value": 0, "delay": 0}), relay(4, RelayKind::Off)),
            ("set_io_lock_status", json!({"ioout": 0, "status": 1}), relay(1, RelayKind::On)),
            ("ivs_trigger", json!({}), Ok(Told::Trigger)),
            ("gpio_out", json!({"io": 4, "value": 2, "delay": 1500}), Err(Refusal::Malformed)),
            ("gpio_out", json!({"io": 0, "value": 2, "delay": 100}), Err(Refusal::Malformed)),
            ("gpio_out", json!({"io": 0, "value": 2}), Err(Refusal::Malformed)),
            ("gpio_out", json!({"io": "0", "value": 2, "delay": 1500}), Err(Refusal::Malformed)),
            ("gate_direct_open", json!(null), Err(Refusal::Unknown)),
        ];
        for (name, body, expected) in rows {
            assert_eq!(told(name, &body), expected, "{name} {body}");
        }
    }

    #[test]
    fn the_clock_is_set_by_texts_in_local_time() {
        let body = json!({"year": "2026", "month": "11", "day": "23", "hour": "9", "min": "5", "sec": "0"});
        let Ok(Told::SetClock(set)) = told("set_time", &body) else { panic!() };
        assert_eq!(set.to_string(), "2026-11-23T01:05:00Z");
        for (key, wrong) in [("year", json!(2026)), ("hour", json!("25")), ("sec", json!(null))] {
            let mut body = body.clone();
            body[key] = wrong;
            assert_eq!(told("set_time", &body), Err(Refusal::Malformed), "{body}");
        }
    }

    #[test]
    fn bytes_for_a_serial_port() {
        let frame =
            |data: &str, len: u64| json!({"serialChannel": 0, "data": data, "dataLen": len});
        let body = json!({"interval": 50, "serialData": [frame("AGT//w==", 4), frame("AQ==", 1)]});
        let Ok(Told::Serial(frames)) = told("serial_data", &body) else { panic!() };
        assert_eq!(frames[0].bytes, [0x00, 0x64, 0xFF, 0xFF]);
        assert_eq!((&frames[1].bytes[..], frames[1].after), (&[1][..], Duration::from_millis(50)));
        let short = json!({"interval": 50, "serialData": [frame("AGT//w==", 5)]});
        assert_eq!(told("serial_data", &short), Err(Refusal::Malformed));
    }
}
