//! What a Vzenith camera does with the answer to a push, read as strictly as its maker's paper
//! describes it. Moves nothing.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::wire::RelayKind;

/// One wish in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Relay from 1.
    Relay {
        relay: u8,
        kind: RelayKind,
    },
    Serial {
        channel: u8,
        bytes: Vec<u8>,
    },
    Speak(String),
    Trigger,
    /// A record was heard; the next one may come.
    Continue {
        plateid: u64,
    },
    /// The read was heard.
    StopResending,
    /// Something under this name that the paper does not have, or not like this.
    Nonsense(String),
}

/// The pulse of `info: "ok"`, from the firmware's own source.
const OK_PULSE_MS: u32 = 500;

/// The wishes of an answer; `None`: it is none at all.
pub(super) fn read(body: &[u8]) -> Option<Vec<Told>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let reply = body.get("Response_AlarmInfoPlate")?.as_object()?;
    let mut told = Vec::new();
    for (name, value) in reply {
        let read = match name.as_str() {
            "info" if value == "ok" => {
                info_ok(&reply.get("channelNum").cloned().unwrap_or(0.into()))
            }
            "ivs_ioctrl" => ivs_ioctrl(value),
            "serialData" => serial(value, &mut told),
            "playserver_json_request" => voice(value),
            "manualTrigger" if value == "ok" => Some(Told::Trigger),
            "ContinuePushOffline" => {
                match (value["plateid"].as_u64(), value["continue"].as_u64()) {
                    (Some(plateid), Some(1)) => Some(Told::Continue { plateid }),
                    (Some(_), Some(0)) => continue,
                    _ => None,
                }
            }
            "content" if value == "retransfer_stop" => Some(Told::StopResending),
            "info" | "content" | "is_pay" | "manualTrigger" if value.is_string() => continue,
            "channelNum" if value.is_u64() => continue,
            _ => None,
        };
        told.push(read.unwrap_or_else(|| Told::Nonsense(name.clone())));
    }
    Some(told)
}

fn relay(io: &Value) -> Option<u8> {
    io.as_u64().filter(|io| *io < 4).map(|io| io as u8 + 1)
}

fn info_ok(channel: &Value) -> Option<Told> {
    Some(Told::Relay { relay: relay(channel)?, kind: RelayKind::Pulse { ms: OK_PULSE_MS } })
}

fn ivs_ioctrl(value: &Value) -> Option<Told> {
    let kind = match value["value"].as_u64()? {
        0 => RelayKind::Off,
        1 => RelayKind::On,
        2 => {
            let ms = value["delay"].as_u64().filter(|ms| (1..=600_000).contains(ms))?;
            RelayKind::Pulse { ms: ms as u32 }
        }
        _ => return None,
    };
    Some(Told::Relay { relay: relay(&value["io"])?, kind })
}

/// All of the list but the last goes to `told`.
fn serial(value: &Value, told: &mut Vec<Told>) -> Option<Told> {
    let one = |frame: &Value| {
        let bytes = STANDARD.decode(frame["data"].as_str()?).ok()?;
        let channel = frame["serialChannel"].as_u64().filter(|channel| *channel < 2)? as u8;
        let whole = frame["dataLen"].as_u64() == Some(bytes.len() as u64);
        whole.then_some(Told::Serial { channel, bytes })
    };
    let mut frames: Vec<Told> = value.as_array()?.iter().map(one).collect::<Option<_>>()?;
    let last = frames.pop()?;
    told.append(&mut frames);
    Some(last)
}

fn voice(value: &Value) -> Option<Told> {
    let says = value["type"] == "ps_voice_play";
    let loud = value["voice_volume"].as_u64().is_some_and(|volume| (1..=100).contains(&volume));
    let bytes = STANDARD.decode(value["voice"].as_str()?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    (says && loud).then_some(Told::Speak(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(reply: &Value) -> Vec<Told> {
        read(json!({"Response_AlarmInfoPlate": reply}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn wishes_as_the_paper_has_them() {
        let relay = |relay, kind| Told::Relay { relay, kind };
        let pulse = |ms| RelayKind::Pulse { ms };
        let nonsense = |name: &str| vec![Told::Nonsense(name.to_owned())];
        let rows = [
            (json!({"info": "ok"}), vec![relay(1, pulse(500))]),
            (json!({"info": "ok", "channelNum": 1}), vec![relay(2, pulse(500))]),
            (json!({"info": "no", "is_pay": "true"}), vec![]),
            (
                json!({"ivs_ioctrl": {"io": 1, "value": 2, "delay": 1500}}),
                vec![relay(2, pulse(1500))],
            ),
            (json!({"ivs_ioctrl": {"io": 0, "value": 1}}), vec![relay(1, RelayKind::On)]),
            (json!({"manualTrigger": "ok"}), vec![Told::Trigger]),
            (json!({"content": "retransfer_stop"}), vec![Told::StopResending]),
            (
                json!({"ContinuePushOffline": {"plateid": 123, "continue": 1}}),
                vec![Told::Continue { plateid: 123 }],
            ),
            (json!({"ContinuePushOffline": {"plateid": 123, "continue": 0}}), vec![]),
            (
                json!({"ivs_ioctrl": {"io": 0, "value": 2, "delay": 600_001}}),
                nonsense("ivs_ioctrl"),
            ),
            (json!({"ivs_ioctrl": {"io": 4, "value": 2, "delay": 500}}), nonsense("ivs_ioctrl")),
            (json!({"ivs_ioctrl": {"io": "0", "value": 2, "delay": 500}}), nonsense("ivs_ioctrl")),
            (json!({"openGate": 1}), nonsense("openGate")),
        ];
        for (reply, expected) in rows {
            assert_eq!(told(&reply), expected, "{reply}");
        }
        assert_eq!(read(b"ok"), None);
        assert_eq!(read(br#"{"code":200}"#), None);
    }

    #[test]
    fn bytes_and_voice() {
        let frame =
            |data: &str, len: u64| json!({"serialChannel": 0, "data": data, "dataLen": len});
        let two = told(&json!({"serialData": [frame("AGT//w==", 4), frame("AQ==", 1)]}));
        let bytes = |bytes: &[u8]| Told::Serial { channel: 0, bytes: bytes.to_vec() };
        assert_eq!(two, [bytes(&[0, 0x64, 0xFF, 0xFF]), bytes(&[1])]);
        let short = told(&json!({"serialData": [frame("AGT//w==", 5)]}));
        assert_eq!(short, [Told::Nonsense("serialData".into())]);
        let voice = json!({"type": "ps_voice_play", "voice": "5qyi6L+O", "voice_interval": 0, "voice_volume": 100, "voice_male": 1});
        let said = told(&json!({"playserver_json_request": voice}));
        assert_eq!(said, [Told::Speak("欢迎".into())]);
    }
}
