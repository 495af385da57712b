//! What the pages, the command line and calling devices need of the field: its health, its tests, its door. Knows no
//! profile and no wire.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::StatusCode;
use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use crate::types::{Code, DeviceId};

/// How a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Since the daemon started.
    NeverHeard,
    /// It is told things and answers nothing: whether it lives is only to be seen.
    Mute,
    Well,
    /// Its last command or poll failed.
    Failing,
    /// Silent for longer than its profile allows.
    Silent,
    /// It sends more than is taken.
    Flooding,
    /// It refused our password twice; nothing is asked of it until it is tested or the daemon starts anew.
    LockedOut,
}

/// What went wrong with a command or a poll.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No answer in time.
    TimedOut,
    /// The device, or what leads to it, cannot be reached.
    Unreachable,
    /// It answered that it will not.
    Refused,
    /// A password or key was wrong.
    Login,
    /// Waited past its expiry and was not sent.
    Expired,
}

/// Time from a command or poll to its answer, in microseconds, over the last answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Latency {
    pub last_us: u64,
    pub p50_us: u64,
    pub p99_us: u64,
}

/// What is known of one device's own state. Counts are since the daemon started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceReport {
    pub id: DeviceId,
    pub profile: String,
    pub transport: String,
    pub state: DeviceState,
    pub last_seen: Option<Timestamp>,
    pub messages: u64,
    /// Not looked at, because they came too fast.
    pub dropped: u64,
    pub nonsense: u64,
    pub errors: BTreeMap<Fault, u64>,
    pub latency: Option<Latency>,
    /// The device's clock less ours.
    pub clock_offset_ms: Option<i64>,
    pub model: Option<String>,
    pub firmware: Option<String>,
    /// A test can move its arm.
    pub movable: bool,
}

/// One thing a device said, in words fit for a screen: plates are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    pub at: Timestamp,
    pub device: DeviceId,
    pub what: String,
}

/// A profile that understands what a stranger said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Guess {
    pub profile: String,
    pub sn: Option<String>,
    /// Kinds of events it understood.
    pub says: Vec<String>,
}

/// Somebody the site file does not name, by where it spoke; the last message stands for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StrangerReport {
    pub first: Timestamp,
    pub last: Timestamp,
    pub count: u64,
    /// Topic or path.
    pub place: String,
    /// Account or address it came from, as far as known.
    pub from: String,
    pub bytes: usize,
    /// The message's shape: names and lengths, no text.
    pub shape: String,
    /// Best first.
    pub guesses: Vec<Guess>,
}

/// What a test did and found, one fact a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestReport {
    pub passed: bool,
    pub lines: Vec<String>,
}

/// A test that was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    #[error("no device is called {0}")]
    NoDevice(String),
    #[error("device {0} moves no arm; test it without moving")]
    NoArm(DeviceId),
    #[error(transparent)]
    Busy(#[from] super::Busy),
    #[error(transparent)]
    Refused(#[from] crate::core::input::Refusal),
}

/// All devices of the site.
pub trait Fleet: Send + Sync + 'static {
    /// In the order of their names.
    fn devices(&self) -> Vec<DeviceReport>;

    /// Harmless unless `moves`: then the arm is opened in the name of `who`, on record.
    fn test(
        &self,
        id: String,
        moves: bool,
        who: String,
    ) -> BoxFuture<'_, Result<TestReport, TestError>>;

    /// The last card of each reader, for whoever binds one, and when it was read.
    fn last_cards(&self) -> Vec<(DeviceId, Code, Timestamp)> {
        Vec::new()
    }

    fn live(&self) -> broadcast::Receiver<Arc<Spoken>>;

    /// Those heard so far, the latest first.
    fn strangers(&self) -> Vec<StrangerReport>;

    /// Listens to strangers more closely for a while; what that means here, in words.
    fn listen(&self, window: Duration) -> Vec<String>;
}

/// Before its body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Welcome,
    /// Nobody the site file names.
    Stranger,
    WrongKey,
    /// It has sent too much.
    Flood,
}

/// A device's request.
#[derive(Clone, Debug)]
pub struct DeviceCall {
    pub device: String,
    /// Behind `/device/<id>`, with its slash; empty if there is nothing.
    pub path: String,
    /// Without the key.
    pub query: String,
    pub content_type: Option<String>,
    /// `None`: longer than is taken.
    pub body: Option<Bytes>,
    /// The caller's address.
    pub from: String,
}

/// What a calling device is answered: always with its length, never in chunks.
#[derive(Clone, Debug)]
pub struct DeviceAnswer {
    pub status: StatusCode,
    pub content_type: String,
    pub body: Bytes,
}

/// Where devices that call us come in.
pub trait DeviceDoor: Send + Sync + 'static {
    fn admits(&self, device: &str, key: Option<&str>) -> Admission;

    /// A device has few requests under way at once; others wait here for their turn before their body is read.
    fn place(&self, device: &str) -> BoxFuture<'_, Option<OwnedSemaphorePermit>>;

    /// Answers once what was said is on disk.
    fn called(&self, call: DeviceCall) -> BoxFuture<'_, DeviceAnswer>;

    /// Nobody the site file names said this.
    fn stranger(&self, call: DeviceCall);
}
