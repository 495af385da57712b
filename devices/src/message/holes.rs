//! Everything a hole in a template can stand for. Knows no vendor's command.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Opened, path::Path};
use crate::{
    profile::{Capability, Timings},
    words::{CivilTime, Command},
};

/// What is known when a template is filled.
#[derive(Clone, Copy)]
pub(crate) struct Holes<'a> {
    pub(crate) timings: &'a Timings,
    /// `None` for an answer or a reply.
    pub(crate) command: Option<&'a Command>,
    pub(crate) sn: &'a str,
    pub(crate) id: &'a str,
    pub(crate) now_ms: i64,
    pub(crate) name: &'a str,
    /// What is answered: holes that begin with `$.` are paths into it, `null` if nothing is there.
    pub(crate) message: Option<&'a Opened>,
}

impl Holes<'_> {
    /// `None`: a hole nobody fills.
    pub(crate) fn value(&self, hole: &str) -> Option<Value> {
        if hole.starts_with("$.") {
            let path = Path::try_from(hole.to_owned()).ok()?;
            let found = self.message.and_then(|m| path.find(&m.top, &m.top));
            return Some(found.cloned().unwrap_or(Value::Null));
        }
        let Timings { open_pulse_ms, close_pulse_ms, gap_ms, .. } = *self.timings;
        Some(match hole {
            "id" => json!(self.id),
            "sn" => json!(self.sn),
            "name" => json!(self.name),
            "now_ms" => json!(self.now_ms),
            "now_s" => json!(self.now_ms.div_euclid(1000)),
            "open_pulse_ms" => json!(open_pulse_ms?),
            "close_pulse_ms" => json!(close_pulse_ms?),
            "open_pulse_ds" => json!(open_pulse_ms?.div_ceil(100)),
            "close_pulse_ds" => json!(close_pulse_ms?.div_ceil(100)),
            "open_pulse_s" => json!(f64::from(open_pulse_ms?) / 1000.0),
            "close_pulse_s" => json!(f64::from(close_pulse_ms?) / 1000.0),
            "gap_ms" => json!(gap_ms?),
            _ => return self.of_command(hole),
        })
    }

    fn of_command(&self, hole: &str) -> Option<Value> {
        Some(match (self.command?, hole) {
            (Command::SerialData { channel, .. }, "channel") => json!(channel),
            (Command::SerialData { channel, .. }, "channel_from_1") => {
                json!(channel.saturating_add(1))
            }
            (Command::SerialData { bytes, .. }, "data_base64") => json!(STANDARD.encode(bytes)),
            (Command::SerialData { bytes, .. }, "data_len") => json!(bytes.len()),
            (Command::SetTime(time), "year") => json!(time.year),
            (Command::SetTime(time), "month") => json!(time.month),
            (Command::SetTime(time), "day") => json!(time.day),
            (Command::SetTime(time), "hour") => json!(time.hour),
            (Command::SetTime(time), "minute") => json!(time.minute),
            (Command::SetTime(time), "second") => json!(time.second),
            (Command::Speak { text }, "text") => json!(text),
            (Command::Speak { text }, "text_base64") => json!(STANDARD.encode(text)),
            _ => return None,
        })
    }
}

/// The commands a profile may have a template for, one of each kind.
pub(crate) fn examples() -> [Command; 8] {
    let time = CivilTime { year: 2026, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    [
        Command::PulseOpen,
        Command::PulseClose,
        Command::Hold,
        Command::Release,
        Command::TriggerRead,
        Command::SetTime(time),
        Command::SerialData { channel: 0, bytes: vec![] },
        Command::Speak { text: "x".into() },
    ]
}

/// What a device must have to be given `command`.
pub(crate) fn capability_of(command: &Command) -> Capability {
    match command {
        Command::PulseOpen => Capability::PulseOpen,
        Command::PulseClose => Capability::PulseClose,
        Command::Hold => Capability::Hold,
        Command::Release => Capability::Release,
        Command::TriggerRead => Capability::TriggerRead,
        Command::SetTime(_) => Capability::SetTime,
        Command::SerialData { .. } => Capability::SerialWrite,
        Command::Speak { .. } => Capability::Speak,
    }
}
