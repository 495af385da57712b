//! A stay: a vehicle's presence on the site, and the read that tells of it. Knows no price.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    frictionless::Agreement,
    pass::Standing,
    rules::Zones,
    tariff::{Earlier, PaidAt, Span},
    till::Waiver,
    zone::Segment,
};
use crate::types::{CodeDigest, DeviceId, LaneId, OrderId, Plate, StayId, Vehicle, ZoneId};

/// What a camera read, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    pub device: DeviceId,
    /// What tells a second copy of this read from a second read.
    pub event: String,
    /// The text as the camera wrote it; empty when it saw no plate.
    pub raw: String,
    /// `None`: no plate, or one that nobody could have.
    pub plate: Option<Plate>,
    /// Percent.
    pub confidence: Option<u8>,
    /// `false`: kept by the camera while it was offline. Never opens anything.
    pub live: bool,
    /// By the camera's clock.
    pub taken_at: Option<Timestamp>,
    /// Name of the kept picture.
    pub picture: Option<String>,
    /// What it saw besides the plate.
    #[serde(default, skip_serializing_if = "Vehicle::is_usual")]
    pub vehicle: Vehicle,
}

/// A read as it stays with its stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAs {
    /// Empty: the camera saw no plate.
    pub raw: String,
    /// Percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

impl From<&Read> for SeenAs {
    fn from(read: &Read) -> Self {
        Self { raw: read.raw.clone(), confidence: read.confidence }
    }
}

impl Read {
    /// A short number for "the same read again": FNV-1a over device and event.
    pub fn fingerprint(&self) -> u64 {
        let bytes = self.device.as_str().bytes().chain([0]).chain(self.event.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StayState {
    /// Admitted at the entry, not yet through.
    Entering,
    Inside,
    Left,
    /// Admitted, but it backed out.
    Abandoned,
    /// Over without an exit: the same plate came in again, or an operator saw that it is gone.
    Superseded,
}

impl StayState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Entering => "entering",
            Self::Inside => "inside",
            Self::Left => "left",
            Self::Abandoned => "abandoned",
            Self::Superseded => "superseded",
        }
    }

    pub fn is_open(self) -> bool {
        matches!(self, Self::Entering | Self::Inside)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    pub id: StayId,
    pub plate: Plate,
    pub state: StayState,
    pub entry_lane: LaneId,
    pub entered_at: Timestamp,
    pub entry_picture: Option<String>,
    pub exit_lane: Option<LaneId>,
    pub left_at: Option<Timestamp>,
    pub exit_picture: Option<String>,
    /// Minor units collected for this stay so far.
    pub paid_minor: i64,
    /// The last payment: the leave time counts from it.
    pub paid_at: Option<Timestamp>,
    /// The order that waits to be paid, if one does.
    pub order: Option<OrderId>,
    /// The zone of its entry.
    #[serde(default = "Zones::only")]
    pub zone: ZoneId,
    /// Nested zones it went into, oldest first; outside of them it is in `zone`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<Segment>,
    #[serde(default, skip_serializing_if = "Standing::is_transient")]
    pub standing: Standing,
    #[serde(default, skip_serializing_if = "Vehicle::is_usual")]
    pub vehicle: Vehicle,
    /// Since when it stands so, where that is not from its entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing_since: Option<Timestamp>,
    /// The phone of a driver whose vehicle has no plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<CodeDigest>,
    /// Spans that a right it had before paid for; once it has left, all that was paid for so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<Span>,
    /// Visits before this one that its tariff asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// Each payment for it, oldest first, by the time up to which it pays; `paid_minor` is their sum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paid: Vec<PaidAt>,
    /// Parts of its fee that a person let go, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<Waiver>,
    /// Nobody knows when it came in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
    /// What the cameras wrote at its entry and at its exit, and how sure they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_read: Option<SeenAs>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_read: Option<SeenAs>,
    /// The tariff of its reservation, and the tier it was priced as; known once it has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// What is known of a card or wallet bound to its plate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
}

impl Stay {
    /// A vehicle that comes in now, of which nothing else is known.
    pub fn new(id: StayId, plate: Plate, lane: LaneId, zone: ZoneId, now: Timestamp) -> Self {
        Self {
            id,
            plate,
            state: StayState::Inside,
            entry_lane: lane,
            entered_at: now,
            entry_picture: None,
            exit_lane: None,
            left_at: None,
            exit_picture: None,
            paid_minor: 0,
            paid_at: None,
            order: None,
            zone,
            nested: Vec::new(),
            standing: Standing::Transient,
            standing_since: None,
            phone: None,
            vehicle: Vehicle::default(),
            covered: Vec::new(),
            earlier: Vec::new(),
            paid: Vec::new(),
            waived: Vec::new(),
            lost: false,
            entry_read: None,
            exit_read: None,
            tariff: None,
            tier: None,
            agreement: None,
        }
    }

    /// The innermost zone it is in.
    pub fn zone_now(&self) -> &ZoneId {
        let nested = self.nested.iter().rev().find(|segment| segment.to.is_none());
        nested.map_or(&self.zone, |segment| &segment.zone)
    }
}
