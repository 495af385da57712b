//! Protocol "http-push": devices that call us with what they have to say, and some of which we call
//! with what they are to do. The profile says where everything is. Knows no socket and no vendor.

use std::fmt;

use serde::Deserialize;

use crate::{
    json_mqtt::capability_of,
    message::error::{DecodeError, EncodeError, SetupError},
    profile::{Profile, Protocol},
    words::{ArmPosition, Command, DeviceEvent},
};

/// A request of a device, whole.
#[derive(Clone, Copy)]
pub struct PushRequest<'a> {
    /// Behind the part that names the device; empty or with its leading slash.
    pub path: &'a str,
    /// Without the question mark.
    pub query: &'a str,
    /// The header, if there is one.
    pub content_type: Option<&'a str>,
    /// As received.
    pub body: &'a [u8],
}

/// What a request said.
#[derive(Clone, Default, PartialEq)]
pub struct Pushed {
    /// None for a message the profile ignores.
    pub events: Vec<DeviceEvent>,
    /// Its reply may carry commands.
    pub takes_orders: bool,
}

/// What to reply: always with its length, never in chunks, never compressed.
#[derive(Clone, PartialEq, Eq)]
pub struct PushReply {
    /// The header; empty if there is no body.
    pub content_type: String,
    /// Some devices compare it byte by byte.
    pub body: Vec<u8>,
    /// How many of the orders it carries, from the first: what is left waits for the next reply.
    pub taken: usize,
}

/// A request to make to the device.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// GET, PUT or POST.
    pub method: String,
    /// With its leading slash, and a query if it needs one.
    pub path: String,
    /// The header; empty if there is no body.
    pub content_type: String,
    /// Empty for GET.
    pub body: Vec<u8>,
    /// Signed in by digest. Two refusals in a row: stop, or the device locks the account.
    pub digest: bool,
    asks: Asks,
}

/// What the answer to a call means.
#[expect(dead_code, reason = "no profile calls yet")]
#[derive(Clone, PartialEq, Eq)]
enum Asks {
    Command { id: String },
    Position,
}

/// How a command reaches the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the reply to its next request that takes orders.
    InReply,
    /// By a request of ours.
    ByCall,
    /// Not at all.
    None,
}

impl fmt::Debug for PushRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushRequest {{ {:?}, {} bytes }}", self.path, self.body.len())
    }
}

impl fmt::Debug for Pushed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pushed")
            .field("events", &self.events)
            .field("takes_orders", &self.takes_orders)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PushReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushReply {{ {} bytes, {} orders }}", self.body.len(), self.taken)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call {{ {} {}, {} bytes }}", self.method, self.path, self.body.len())
    }
}

/// The part of a profile this protocol reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpPushSettings {}

impl HttpPushSettings {
    pub(crate) fn check(&self, _profile: &Profile) -> Result<(), String> {
        Ok(())
    }
}

/// The driver of one device.
#[derive(Clone, Debug)]
pub struct HttpPush {
    profile: Profile,
    sn: Option<String>,
}

impl HttpPush {
    /// A device of this profile. Where a message names its sender it must be `sn`, if given.
    pub fn new(profile: &Profile, sn: Option<&str>) -> Result<Self, SetupError> {
        profile
            .settings::<HttpPushSettings>(Protocol::HttpPush)
            .map_err(|_| SetupError::WrongProfile(profile.name.clone()))?;
        Ok(Self { profile: profile.clone(), sn: sn.map(str::to_owned) })
    }

    /// As given to [`HttpPush::new`].
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// As given to [`HttpPush::new`].
    pub fn serial_number(&self) -> Option<&str> {
        self.sn.as_deref()
    }

    /// As [`crate::JsonMqtt::set_utc_offset`].
    pub fn set_utc_offset(&mut self, _seconds: i32) {}

    /// What a request says; `now_ms` is Unix time. No event for a message the profile ignores or
    /// that this duty of the device has no use for.
    pub fn decode(
        &mut self,
        request: &PushRequest<'_>,
        _now_ms: i64,
    ) -> Result<Pushed, DecodeError> {
        let sn = self.sn.clone().unwrap_or_else(|| self.profile.name.clone());
        Err(DecodeError::Unknown { sn, what: request.path.chars().take(80).collect() })
    }

    /// The reply to a request, once its events are on disk. `orders` are commands with their ids,
    /// the oldest first; they are left aside unless the request takes orders.
    pub fn reply(
        &self,
        _pushed: &Pushed,
        _orders: &[(Command, String)],
        _now_ms: i64,
    ) -> Result<PushReply, EncodeError> {
        Ok(PushReply { content_type: String::new(), body: vec![], taken: 0 })
    }

    /// The request that gives `command` to a device we call.
    pub fn call(&self, command: &Command, _id: &str, _now_ms: i64) -> Result<Call, EncodeError> {
        let (profile, command) = (self.profile.name.clone(), capability_of(command).name());
        Err(EncodeError::NotCapable { profile, command })
    }

    /// The request that asks where the arm stands, if the device can be asked.
    pub fn position_call(&self) -> Option<Call> {
        None
    }

    /// What the answer to `call` says, by its status and body: for a command
    /// [`DeviceEvent::CommandReply`], for a question [`DeviceEvent::Position`].
    pub fn answered(&self, call: &Call, status: u16, _body: &[u8]) -> DeviceEvent {
        match &call.asks {
            Asks::Command { id } => DeviceEvent::CommandReply {
                id: id.clone(),
                accepted: false,
                text: format!("HTTP {status}"),
            },
            Asks::Position => DeviceEvent::Position(ArmPosition::Unknown),
        }
    }

    /// How `command` reaches the device.
    pub fn delivery(&self, _command: &Command) -> Delivery {
        Delivery::None
    }
}
