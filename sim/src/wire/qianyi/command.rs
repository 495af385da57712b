//! What a Qianyi camera is told, read as strictly as its maker's paper describes it. Sends nothing
//! and moves nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::Value;

/// A command understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The answer to its registration.
    Registered,
    /// The answer to a read.
    Heard {
        msg_id: String,
        fine: bool,
    },
    /// One push, on the output for opening or the one for closing.
    Push {
        open: bool,
    },
    KeepOpen(bool),
    SetClock(Timestamp),
    Serial(Vec<(u8, Vec<u8>)>),
    Look,
    /// An answer it has no use for.
    Nothing,
}

/// Reads a message; an error is the status of the answer.
pub(super) fn read(message: &Value) -> Result<Told, &'static str> {
    let name = message["cmd"].as_str().unwrap_or_default();
    if name.is_empty() || message["msg_id"].as_str().is_none_or(str::is_empty) {
        return Err("no cmd or msg_id");
    }
    let told = match name {
        "camera_register_rsp" if message["status"] == "ok" => Some(Told::Registered),
        "result_rsp" => message["msg_id"]
            .as_str()
            .map(|id| Told::Heard { msg_id: id.to_owned(), fine: message["status"] == "ok" }),
        _ if name.ends_with("_rsp") => Some(Told::Nothing),
        "iooutput" => output(message),
        "barrierKeepOpen" => match message["isKeepOpen"].as_u64() {
            Some(1) => Some(Told::KeepOpen(true)),
            Some(0) => Some(Told::KeepOpen(false)),
            _ => None,
        },
        "syncSysTime" => clock(message),
        "rs485" => serial(message),
        "tarkphoto" if message["utc_ts"].is_u64() => Some(Told::Look),
        "tarkphoto" => None,
        _ => return Err("unknown cmd"),
    };
    told.ok_or("bad parameter")
}

fn output(message: &Value) -> Option<Told> {
    let wants = message["action"] == "on" && message["utc_ts"].is_u64();
    match message["ionum"].as_u64()? {
        0 if wants => Some(Told::Push { open: true }),
        2 if wants => Some(Told::Push { open: false }),
        _ => None,
    }
}

/// The zone is counted from GMT+12 downwards; the time is Unix seconds as text.
fn clock(message: &Value) -> Option<Told> {
    let _zone = message["time_zone"].as_u64().filter(|zone| *zone <= 24)?;
    let seconds: i64 = message["time_stamp"].as_str()?.parse().ok()?;
    Timestamp::from_second(seconds).ok().map(Told::SetClock)
}

fn serial(message: &Value) -> Option<Told> {
    if message["encode_type"] != "base64" {
        return None;
    }
    let mut frames = Vec::new();
    for (channel, key) in [(0, "rs485ch1_data"), (1, "rs485ch2_data")] {
        for frame in message[key].as_array().into_iter().flatten() {
            frames.push((channel, STANDARD.decode(frame["data"].as_str()?).ok()?));
        }
    }
    (!frames.is_empty()).then_some(Told::Serial(frames))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(rest: &Value) -> Result<Told, &'static str> {
        let mut message = json!({"msg_id": "1700000000000AbCdEfG"});
        for (key, value) in rest.as_object().unwrap() {
            message[key] = value.clone();
        }
        read(&message)
    }

    #[test]
    fn commands_as_the_paper_has_them() {
        let out = |ionum: u64| json!({"cmd": "iooutput", "ionum": ionum, "action": "on", "utc_ts": 1_700_000_000});
        let keep = |value: u64| json!({"cmd": "barrierKeepOpen", "isKeepOpen": value});
        let clock =
            |stamp: &Value| json!({"cmd": "syncSysTime", "time_zone": 4, "time_stamp": stamp});
        let serial = |kind: &str| json!({"cmd": "rs485", "encode_type": kind, "rs485ch1_data": [{"data": "AQI="}]});
        let set = Timestamp::from_second(1_700_000_000).unwrap();
        let rows = [
            (out(0), Ok(Told::Push { open: true })),
            (out(2), Ok(Told::Push { open: false })),
            (out(1), Err("bad parameter")),
            (json!({"cmd": "iooutput", "ionum": 0, "action": "on"}), Err("bad parameter")),
            (keep(1), Ok(Told::KeepOpen(true))),
            (keep(2), Err("bad parameter")),
            (clock(&json!("1700000000")), Ok(Told::SetClock(set))),
            (clock(&json!(1_700_000_000)), Err("bad parameter")),
            (serial("base64"), Ok(Told::Serial(vec![(0, vec![1, 2])]))),
            (serial("hex"), Err("bad parameter")),
            (json!({"cmd": "camera_register_rsp", "status": "ok"}), Ok(Told::Registered)),
            (json!({"cmd": "openGate"}), Err("unknown cmd")),
        ];
        for (message, expected) in rows {
            assert_eq!(told(&message), expected, "{message}");
        }
        assert_eq!(read(&json!({"cmd": "iooutput"})), Err("no cmd or msg_id"));
    }
}
