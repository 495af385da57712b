//! The site file: one TOML, checked as a whole before anything starts. Knows no socket and holds no secret.
//!
//! Each mistake is told with its line and field; all of them at once where the file can be read at all.

mod access;
mod calls;
mod check;
mod crash;
mod devices;
mod frictionless;
mod invoices;
mod lanes;
mod passes;
mod pay_limits;
mod product_file;
mod products;
mod rules;
mod secrets;
mod settlement;
mod shares;
mod signs;
mod sisters;
mod tariffs;
#[cfg(test)]
mod tests;
mod texts;
mod tickets;
mod till;
mod ways;
mod zones;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Spanned;

pub use self::{
    access::AccessSection,
    calls::CallsSection,
    check::{Site, load, parse},
    crash::crash_at,
    devices::{Bus, Device},
    frictionless::FrictionlessSection,
    invoices::{InvoiceSettings, InvoicesSection},
    lanes::{Gate, Lane},
    passes::{PassPriceSection, PassesSection},
    pay_limits::PayLimitsSection,
    secrets::Secrets,
    settlement::{Settlement, SettlementSection},
    shares::{CASH, Partner, PartnerAccount, Shares, SharesSection},
    signs::{Sign, SignSection},
    sisters::{SisterAt, SisterSection},
    tariffs::{TariffsSection, tariff_file, tariff_text},
    texts::{DisplaySection, Filled, Language, Texts},
    tickets::{TicketSettings, TicketsSection},
    till::{ArrearsSection, MerchantsSection, TillSection},
    ways::{CoupleSection, MatchingSection, TidalSection, TurnSection},
    zones::ZoneSection,
};
use crate::{
    bank::BankSection,
    core::{
        rules::{Closing, Direction, Right, Tailgating},
        tariff::Hourly,
    },
    io::serial::Parity,
    types::{Currency, DeviceId, LaneId, VehicleClass, ZoneId},
};

/// The site file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFile {
    pub site: SiteSection,
    #[serde(default)]
    pub http: HttpSection,
    #[serde(default)]
    pub mqtt: MqttSection,
    #[serde(default)]
    pub limits: LimitsSection,
    /// The short form of a site with one simple price; its name is `hourly`.
    pub tariff: Option<Hourly>,
    #[serde(default)]
    pub tariffs: TariffsSection,
    #[serde(default)]
    pub pay: PaySection,
    #[serde(default)]
    pub till: TillSection,
    #[serde(default)]
    pub arrears: ArrearsSection,
    #[serde(default)]
    pub merchants: MerchantsSection,
    #[serde(default)]
    pub passes: PassesSection,
    /// The price list of passes. Default: none is sold.
    #[serde(default, rename = "pass")]
    pub pass_prices: Vec<PassPriceSection>,
    #[serde(default)]
    pub bank: BankSection,
    #[serde(default)]
    pub tickets: TicketsSection,
    /// Default: none are issued.
    pub invoices: Option<InvoicesSection>,
    #[serde(default)]
    pub settlement: SettlementSection,
    /// Default: nobody else has a part of the takings.
    pub shares: Option<SharesSection>,
    #[serde(default)]
    pub display: DisplaySection,
    #[serde(default)]
    pub matching: MatchingSection,
    #[serde(default)]
    pub calls: CallsSection,
    #[serde(default)]
    pub frictionless: FrictionlessSection,
    #[serde(default, rename = "bus")]
    pub buses: Vec<BusSection>,
    #[serde(default, rename = "device")]
    pub devices: Vec<DeviceSection>,
    #[serde(default)]
    pub access: AccessSection,
    #[serde(default, rename = "zone")]
    pub zones: Vec<ZoneSection>,
    /// The other daemons of this site.
    #[serde(default, rename = "sister")]
    pub sisters: Vec<SisterSection>,
    #[serde(default, rename = "sign")]
    pub signs: Vec<SignSection>,
    #[serde(default, rename = "lane")]
    pub lanes: Vec<LaneSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteSection {
    /// What drivers and operators read.
    pub name: String,
    /// IANA zone of schedules and settlement days, such as `Asia/Shanghai`.
    pub zone: Spanned<String>,
    /// ISO 4217; default `CNY`.
    #[serde(default = "cny")]
    pub currency: Currency,
    /// Where the database, pictures and keys live; relative to the site file.
    pub data_dir: PathBuf,
    /// Passwords of devices: TOML, readable by its owner only; relative to the site file. Default `secrets.toml`.
    #[serde(default = "secrets_file")]
    pub secrets_file: PathBuf,
    /// MiB the database may grow to; 0: as far as the disk goes. Default 0.
    #[serde(default)]
    pub database_mib_max: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpSection {
    /// Where the pages are served. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// What phones call this site by: the beginning of every QR code. Default `http://` and the listen address.
    pub public_url: Option<Spanned<String>>,
    /// A reverse proxy of yours stands in front and names the source in `X-Forwarded-For`. Default false.
    pub behind_proxy: bool,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            behind_proxy: false,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttSection {
    /// Where the embedded broker listens; not used with `url`. Default `127.0.0.1:1883`.
    pub listen: SocketAddr,
    /// An external broker, such as `mqtt://10.0.0.5:1883`. Default: the embedded one.
    pub url: Option<Spanned<String>>,
    /// The daemon's name at an external broker; its password is `mqtt.daemon` in the secrets file. Default `paifang`.
    pub username: String,
    /// Names the daemon's session at the broker. Default `paifang`.
    pub client_id: String,
}

impl Default for MqttSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1883)),
            url: None,
            username: "paifang".into(),
            client_id: "paifang".into(),
        }
    }
}

/// What is taken of each device; more is dropped and told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    /// Messages a second in the long run. Default 50.
    pub device_messages_per_s: u32,
    /// Messages at once. Default 200.
    pub device_messages_burst: u32,
    /// What may be paid, given back and let go in a day.
    pub pay: PayLimitsSection,
}

impl Default for LimitsSection {
    fn default() -> Self {
        let pay = PayLimitsSection::default();
        Self { device_messages_per_s: 50, device_messages_burst: 200, pay }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PaySection {
    /// First letters of every payment number; unique under the merchant: 1 to 8 letters or digits. Default `PF`.
    pub trade_prefix: String,
    /// Seconds a cashier link lives. Default 300.
    pub link_life_s: u32,
    /// Minutes to leave after paying. Default 15.
    pub leave_minutes: u32,
    /// Seconds until a payment by the payer's own code is decided or closed, 10 to 120. Default 30: for as long wallets
    /// have their payer confirm.
    pub code_window_s: u32,
    /// Minutes that what a counter sells waits to be paid, 5 to 1440. Default 120.
    pub sale_minutes: u32,
}

impl Default for PaySection {
    fn default() -> Self {
        Self {
            trade_prefix: "PF".into(),
            link_life_s: 300,
            leave_minutes: 15,
            code_window_s: 30,
            sale_minutes: 120,
        }
    }
}

/// A serial line with one or more boards on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BusSection {
    pub id: Spanned<DeviceId>,
    /// By `/dev/serial/by-id/...`: that name survives unplugging.
    pub path: PathBuf,
    /// Bits per second. Default: what the boards' profiles say.
    pub baud: Option<u32>,
    /// `none`, `even` or `odd`. Default `none`.
    #[serde(default)]
    pub parity: Parity,
    /// 1 or 2. Default 1.
    pub stop_bits: Option<Spanned<u8>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSection {
    pub id: Spanned<DeviceId>,
    /// `<kind>/<make-model>`, a file under `devices/`.
    pub profile: Spanned<String>,
    /// Serial number, for devices on MQTT. Its account there is the device's id; the password is in the secrets file.
    pub sn: Option<Spanned<String>>,
    /// The line it is on, for boards.
    pub bus: Option<Spanned<DeviceId>>,
    /// Its address on the line. Default: the profile's. Of a device on the network: `host:port`.
    pub address: Option<Spanned<AddressText>>,
    /// A display behind a camera: the camera whose serial port it is wired to, in place of a bus.
    pub via: Option<Spanned<DeviceId>>,
    /// Which of the camera's serial ports; 0 is the first. Default 0.
    pub channel: Option<u8>,
    /// A new OSDP reader is given its key from the secrets file. Only while it is installed: whoever listens on the
    /// line then can read the key. Default false.
    #[serde(default)]
    pub install: bool,
    /// Where a device that we call is, such as `http://192.168.1.64`; our user and password are in the secrets file.
    pub url: Option<Spanned<String>>,
}

/// Where a device is found.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum AddressText {
    Line(u8),
    Net(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneSection {
    pub id: Spanned<LaneId>,
    /// What operators and drivers read. Default: the id.
    pub name: Option<String>,
    /// `vehicles` or `people`. Default `vehicles`.
    #[serde(default)]
    pub kind: LaneKind,
    pub direction: Direction,
    /// What it leads into or out of. Default: the first zone that lies in no other.
    pub zone: Option<Spanned<ZoneId>>,
    /// Vehicles it is for: of `motorcycle`, `small`, `medium`, `large`. Default: all.
    pub classes: Option<Vec<VehicleClass>>,
    /// Who it is for: of `transient`, `pass`, `white`, `vip`, `reservation`. Default: all. Emergency vehicles always.
    pub only: Option<Vec<Right>>,
    /// For vehicles: what reads their plates.
    pub camera: Option<Spanned<DeviceId>>,
    /// The relay board, or the camera's own relays by a second device with the camera's serial number.
    pub barrier: Option<Spanned<DeviceId>>,
    /// What reads codes: of people their tickets, and such a lane has a scanner or a reader, or both; of vehicles the
    /// codes on their drivers' phones, to pay by.
    pub scanner: Option<Spanned<DeviceId>>,
    /// For vehicles: what a certified scanner writes between a payer's code and the cipher it makes of it (密文), such as
    /// `|`. Default: it makes none.
    pub scanner_cipher: Option<Spanned<String>>,
    /// For people: what reads their cards.
    pub reader: Option<Spanned<DeviceId>>,
    /// For people: what lets one through at a time. One for both ways is named by two lanes.
    pub turnstile: Option<Spanned<DeviceId>>,
    pub display: Option<Spanned<DeviceId>>,
    /// Who brings the arm down behind a vehicle. Default `by_itself`.
    #[serde(default = "by_itself")]
    pub closing: Closing,
    /// Relays of the barrier's board, from 1. Default: the profile's.
    pub open_relay: Option<u8>,
    pub close_relay: Option<u8>,
    /// Inputs of the barrier's board, from 1; one that is left out is not wired. Default: the profile's wiring.
    pub inputs: Option<InputsSection>,
    /// Of a zone within another: it leads straight to the street. Default false.
    #[serde(default)]
    pub leads_to_street: bool,
    /// Its direction changes, while it is empty; `direction` is where it leads at first. Default: it never does.
    pub tidal: Option<TidalSection>,
    /// It shares its roadway with another lane, or is one end of a sluice. Default: none.
    pub couple: Option<CoupleSection>,
    /// `both_loops` or `safety_loop`: what proves that a second vehicle followed the first. Default `both_loops`.
    #[serde(default)]
    pub tailgating: Tailgating,
    #[serde(default)]
    pub times: TimesSection,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputsSection {
    pub arrival: Option<u8>,
    pub safety: Option<u8>,
    pub open_limit: Option<u8>,
    pub closed_limit: Option<u8>,
    /// A light beam under the arm.
    pub beam: Option<u8>,
    /// The barrier's own key switch.
    pub manual_key: Option<u8>,
    /// The building's fire alarm: of the whole site, whichever board it is wired to.
    pub fire: Option<u8>,
    /// Somebody goes through the turnstile.
    pub passage: Option<u8>,
    /// A button by which a driver calls a person.
    pub help: Option<u8>,
}

/// Who a lane is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneKind {
    #[default]
    Vehicles,
    People,
}

/// Seconds; see [`crate::core::rules::LaneTimes`] for what each waits for and its default.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimesSection {
    pub unread_s: Option<u32>,
    pub waiting_s: Option<u32>,
    pub vacated_s: Option<u32>,
    pub order_life_s: Option<u32>,
    pub opening_s: Option<u32>,
    pub unused_s: Option<u32>,
    pub stuck_s: Option<u32>,
    pub closing_s: Option<u32>,
    pub echo_s: Option<u32>,
    pub queued_s: Option<u32>,
    /// People only: see [`crate::core::rules::GateTimes`].
    pub walk_s: Option<u32>,
    pub shown_s: Option<u32>,
}

fn cny() -> Currency {
    Currency::Cny
}

fn secrets_file() -> PathBuf {
    "secrets.toml".into()
}

fn by_itself() -> Closing {
    Closing::ByItself
}

/// What is wrong with the site file, or with a `file` that it names. `line` counts from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: Option<PathBuf>,
    pub line: usize,
    pub field: String,
    pub what: String,
}

/// The site file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{} cannot be read: {source}; check the path and its rights", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}", lines(path, mistakes))]
    Mistakes { path: PathBuf, mistakes: Vec<Mistake> },
}

fn lines(path: &Path, mistakes: &[Mistake]) -> String {
    let rows: Vec<String> = mistakes
        .iter()
        .map(|m| {
            let path = m.file.as_deref().unwrap_or(path);
            format!("{}:{}: {}: {}", path.display(), m.line, m.field, m.what)
        })
        .collect();
    rows.join("\n")
}
