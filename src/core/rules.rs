//! The rules of a site: what the site file fixes for a run. Knows no state.

mod access;
mod calls;
mod frictionless;
mod lane;
mod limits;
mod matching;
mod passes;
mod settle;
mod shop;
mod ticket;
mod till;
mod zone;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};

pub use self::{
    access::{
        AccessRules, Convert, Full, FullRules, LaneUse, PassbackMode, PassbackRules, PlatePattern,
        Refusal as AccessRefusal, Right, Unfit,
    },
    calls::{BankDown, CallRules},
    frictionless::FrictionlessRules,
    lane::{Behind, Couple, Tailgating, Tide, Turn, TwoCameras},
    limits::LimitRules,
    matching::{MatchRules, Twice},
    passes::PassRules,
    settle::SettleRules,
    shop::{ShopRules, ShortCodes},
    ticket::{AREAS_MAX, TicketPassback, TicketRules},
    till::{ArrearsAtEntry, ArrearsAtExit, TillRules},
    zone::{Spaces, SpacesFor, ZoneRules, Zones},
};
use super::{
    cloud::CloudRules,
    sister::SisterRules,
    tariff::{Quote, Tariff, TariffBook},
};
use crate::types::{ChannelId, Currency, LaneId, ZoneId, bank::PayWay};

#[derive(Clone, Debug)]
pub struct Rules {
    pub site_name: String,
    pub zone: TimeZone,
    pub currency: Currency,
    pub tariffs: TariffBook,
    /// Name of the tariff of the outermost zone.
    pub tariff: Arc<str>,
    /// Lanes for vehicles.
    pub lanes: BTreeMap<LaneId, LaneRules>,
    /// Lanes for people.
    pub gates: BTreeMap<LaneId, GateRules>,
    pub zones: Zones,
    pub pay: PayRules,
    pub access: AccessRules,
    pub passes: PassRules,
    pub matching: MatchRules,
    pub till: TillRules,
    pub limits: LimitRules,
    pub settle: SettleRules,
    pub calls: CallRules,
    pub frictionless: FrictionlessRules,
    pub shop: ShopRules,
    pub tickets: TicketRules,
    /// Clouds whose tickets are good here.
    pub clouds: BTreeMap<ChannelId, CloudRules>,
    /// The other daemons of the site, by the issuer of their tickets.
    pub sisters: BTreeMap<u8, SisterRules>,
    /// Whoever paid may claim an invoice.
    pub invoices: bool,
    /// What operators and drivers read of a lane, where the site file names one.
    pub lane_names: BTreeMap<LaneId, String>,
}

impl Rules {
    /// A site without lanes, with one zone, and with the usual rules.
    pub fn new(site_name: &str, zone: TimeZone, currency: Currency, tariff: Tariff) -> Self {
        let main = tariff.name().clone();
        Self::priced(site_name, TariffBook::single(tariff, zone, currency), main)
    }

    /// As [`Rules::new`], with several tariffs; zone and currency are theirs.
    pub fn priced(site_name: &str, tariffs: TariffBook, main: Arc<str>) -> Self {
        Self {
            site_name: site_name.to_owned(),
            tariff: main,
            zone: tariffs.zone().clone(),
            currency: tariffs.currency(),
            tariffs,
            lanes: BTreeMap::new(),
            gates: BTreeMap::new(),
            zones: Zones::one(site_name),
            pay: PayRules::default(),
            access: AccessRules::default(),
            passes: PassRules::default(),
            matching: MatchRules::default(),
            till: TillRules::default(),
            limits: LimitRules::default(),
            settle: SettleRules::default(),
            calls: CallRules::default(),
            frictionless: FrictionlessRules::default(),
            shop: ShopRules::default(),
            tickets: TicketRules::default(),
            clouds: BTreeMap::new(),
            sisters: BTreeMap::new(),
            invoices: false,
            lane_names: BTreeMap::new(),
        }
    }
}

impl Rules {
    /// Of vehicles or people.
    pub fn has_lane(&self, lane: &LaneId) -> bool {
        self.lanes.contains_key(lane) || self.gates.contains_key(lane)
    }

    /// What a lane is called on pages.
    pub fn lane_name<'a>(&'a self, lane: &'a LaneId) -> &'a str {
        let known = self.lane_names.get(lane).map(String::as_str);
        known.or_else(|| self.by_hand(lane)).unwrap_or(lane.as_str())
    }

    /// The zone where staff check by hand, of what stands in place of a lane there.
    fn by_hand(&self, lane: &LaneId) -> Option<&str> {
        let zone = ZoneId::parse(lane.as_str().strip_prefix("hand-")?)?;
        self.zones.get(&zone).map(|zone| zone.name.as_str())
    }

    /// What a plain stay costs by the main tariff.
    pub fn quote(&self, from: Timestamp, to: Timestamp) -> Quote {
        self.tariffs.quote_main(from, to)
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Entry,
    Exit,
}

/// Which inputs a lane really has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wired {
    pub arrival: bool,
    pub safety: bool,
    pub open_limit: bool,
    pub closed_limit: bool,
    pub beam: bool,
    pub manual_key: bool,
}

/// Who brings the arm down behind a vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The barrier's own controller, by its own loop.
    ByItself,
    /// Paifang, and only while every loop is known to be free.
    OnCommand,
}

#[derive(Clone, Debug)]
pub struct LaneRules {
    pub direction: Direction,
    /// What it leads into or out of.
    pub zone: ZoneId,
    /// Whom it is for.
    pub serves: LaneUse,
    /// Of a zone within another: it leads to the street all the same, not to the zone around.
    pub street: bool,
    pub wired: Wired,
    pub closing: Closing,
    pub times: LaneTimes,
    /// Its direction changes; `direction` is where it leads at first.
    pub tide: Option<Tide>,
    pub couple: Option<Couple>,
    pub tailgating: Tailgating,
}

impl LaneRules {
    /// Of the site's only zone, with the usual times and a barrier that closes by itself.
    pub fn new(direction: Direction, wired: Wired) -> Self {
        let (closing, times) = (Closing::ByItself, LaneTimes::default());
        Self {
            direction,
            zone: Zones::only(),
            serves: LaneUse::default(),
            street: false,
            wired,
            closing,
            times,
            tide: None,
            couple: None,
            tailgating: Tailgating::default(),
        }
    }
}

/// A turnstile, or one way of it.
#[derive(Clone, Debug)]
pub struct GateRules {
    pub direction: Direction,
    /// What it leads into or out of.
    pub zone: ZoneId,
    /// It counts passages itself, over its own power cuts and ours. Else a contact tells of each.
    pub counter: bool,
    /// No other lane is the other way of the same turnstile.
    pub alone: bool,
    pub times: GateTimes,
}

/// How long a turnstile waits. `walk` is no shorter than the time the turnstile itself waits for a person.
#[derive(Clone, Copy, Debug)]
pub struct GateTimes {
    /// An order is worth nothing after this.
    pub order_life: Duration,
    /// From the grant to taking it back.
    pub walk: Duration,
    /// From the order to close to its answer.
    pub answer: Duration,
    /// Between two orders to close, or to stand free, that were not taken.
    pub again: Duration,
    /// Somebody in the turnstile for this long is looked at.
    pub stuck: Duration,
    /// A refusal is shown for this long.
    pub shown: Duration,
}

impl Default for GateTimes {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self { order_life: s(2), walk: s(10), answer: s(5), again: s(3), stuck: s(30), shown: s(4) }
    }
}

/// How long a lane waits. The defaults are what a lane with a 1.5 s to 6 s arm needs.
#[derive(Clone, Copy, Debug)]
pub struct LaneTimes {
    /// From a vehicle on the arrival loop to asking the camera for a read.
    pub unread: Duration,
    /// From a vehicle waiting to calling the operator.
    pub waiting: Duration,
    /// From a free arrival loop to "it backed out".
    pub vacated: Duration,
    /// An order to an arm is worth nothing after this.
    pub order_life: Duration,
    /// From the order to the open limit.
    pub opening: Duration,
    /// An open arm that nobody uses is closed after this.
    pub unused: Duration,
    /// A safety loop occupied for this long is looked at.
    pub stuck: Duration,
    /// From a free safety loop to the closed limit.
    pub closing: Duration,
    /// A second read of the plate that just passed is an echo within this.
    pub echo: Duration,
    /// A vehicle that was read behind another and does not come up to the arm within this is forgotten.
    pub queued: Duration,
}

impl Default for LaneTimes {
    fn default() -> Self {
        let s = Duration::from_secs;
        Self {
            unread: s(3),
            waiting: s(120),
            vacated: s(5),
            order_life: s(3),
            opening: s(8),
            unused: s(30),
            stuck: s(300),
            closing: s(12),
            echo: s(15),
            queued: s(30),
        }
    }
}

/// How payments are asked about. Sources: ICBC tells at most three times in ten minutes, so asking is the main path.
#[derive(Clone, Debug)]
pub struct PayRules {
    /// First letters of every `out_trade_no` of this site; unique per merchant.
    pub trade_prefix: String,
    /// A cashier link lives this long; after that the payment is reversed.
    pub link_life: Duration,
    /// After paying, a vehicle has this long to leave.
    pub leave_time: Duration,
    /// A payment by the payer's own code is decided within this, or closed: a vehicle stands there meanwhile.
    pub code_window: Duration,
    /// What a counter sells waits this long to be paid, and is remembered as long for who asks for it twice.
    pub sale_life: Duration,
    /// Whom new payments go to: the first that collects the wanted way and is not silent.
    pub channels: Vec<PayChannel>,
    /// Channels that give back the whole of a payment only.
    pub whole_refunds: BTreeSet<ChannelId>,
    /// Channels that close no attempt: one ends by its age, and is only asked about.
    pub never_close: BTreeSet<ChannelId>,
}

/// A bank channel as far as the core knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayChannel {
    pub id: ChannelId,
    pub ways: Vec<PayWay>,
    /// It wants to hear of vehicles that leave, where it was told of their entry.
    pub hears_of_exits: bool,
}

impl Default for PayRules {
    fn default() -> Self {
        Self {
            trade_prefix: "PF".into(),
            link_life: Duration::from_mins(5),
            leave_time: Duration::from_mins(15),
            code_window: Duration::from_secs(30),
            sale_life: Duration::from_hours(2),
            channels: Vec::new(),
            whole_refunds: BTreeSet::new(),
            never_close: BTreeSet::new(),
        }
    }
}
