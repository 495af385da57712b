//! Checks the site file as a whole and turns it into what the daemon runs on. Opens no device.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use paifang_devices::{Capability, InputRole, Profile};
use toml::Spanned;

use super::{
    ConfigError, InputsSection, LaneSection, Mistake, Secrets, SiteFile,
    devices::{Bus, Device},
    rules,
};
use crate::{
    bank::icbc::IcbcSettings,
    core::{
        Rules,
        lane::Sensor,
        rules::{Closing, Wired},
    },
    io::bucket::Rate,
    types::{DeviceId, LaneId},
};

/// A checked site.
#[derive(Debug)]
pub struct Site {
    pub rules: Rules,
    pub data_dir: PathBuf,
    pub database_mib_max: u32,
    pub http_listen: SocketAddr,
    pub public_url: String,
    pub behind_proxy: bool,
    pub mqtt: Mqtt,
    /// What is taken of each device.
    pub rate: Rate,
    pub icbc: Option<IcbcSettings>,
    pub buses: BTreeMap<DeviceId, Bus>,
    pub devices: BTreeMap<DeviceId, Device>,
    pub lanes: BTreeMap<LaneId, Lane>,
}

#[derive(Clone, Debug)]
pub struct Mqtt {
    pub listen: SocketAddr,
    pub url: Option<String>,
    pub username: String,
    pub client_id: String,
    pub secrets: Secrets,
}

#[derive(Clone, Debug)]
pub struct Lane {
    pub id: LaneId,
    pub camera: DeviceId,
    pub barrier: DeviceId,
    pub display: Option<DeviceId>,
    pub open_relay: Option<u8>,
    pub close_relay: Option<u8>,
    /// Input of the barrier's device, from 1, to what it tells.
    pub inputs: BTreeMap<u8, Sensor>,
}

/// Reads and checks a site file.
pub fn load(path: &Path) -> Result<Site, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let base = path.parent().unwrap_or(Path::new("."));
    parse(&text, base).map_err(|mistakes| ConfigError::Mistakes { path: path.to_owned(), mistakes })
}

/// Checks a site file's text; paths in it are relative to `base`.
pub fn parse(text: &str, base: &Path) -> Result<Site, Vec<Mistake>> {
    let file: SiteFile = toml::from_str(text).map_err(|e| vec![unreadable(text, &e)])?;
    let mut check = Check { text, mistakes: Vec::new() };
    let site = check.site(file, base);
    if check.mistakes.is_empty() {
        return site.ok_or_else(Vec::new);
    }
    check.mistakes.sort_by_key(|mistake| mistake.line);
    Err(check.mistakes)
}

fn unreadable(text: &str, error: &toml::de::Error) -> Mistake {
    let start = error.span().map_or(0, |span| span.start);
    let line = line_of(text, start);
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let field = written.split('=').next().unwrap_or_default().trim();
    let what = error.message().replace('\n', " ");
    Mistake { line, field: if field.is_empty() { "file".into() } else { field.into() }, what }
}

pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

pub(super) struct Check<'a> {
    pub(super) text: &'a str,
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    pub(super) fn mistake(&mut self, at: usize, field: &str, what: impl Into<String>) {
        let line = line_of(self.text, at);
        self.mistakes.push(Mistake { line, field: field.into(), what: what.into() });
    }

    pub(super) fn wrong<T>(&mut self, value: &Spanned<T>, field: &str, what: impl Into<String>) {
        self.mistake(value.span().start, field, what);
    }

    fn site(&mut self, file: SiteFile, base: &Path) -> Option<Site> {
        let zone = TimeZone::get(file.site.zone.get_ref()).unwrap_or_else(|_| {
            self.wrong(&file.site.zone, "site.zone", "is no IANA zone; try Asia/Shanghai");
            TimeZone::UTC
        });
        let secrets = match Secrets::load(&base.join(&file.site.secrets_file)) {
            Ok(secrets) => secrets,
            Err(e) => {
                self.mistake(0, "site.secrets_file", e.to_string());
                Secrets::default()
            }
        };
        self.pay(&file);
        let public_url = self.public_url(&file);
        let rate = self.rate(file.limits);
        let buses = self.buses(&file.buses);
        let devices = self.devices(&file.devices, &buses, &secrets, file.mqtt.url.is_some());
        let buses = self.bauds(buses, &devices);
        let mut lanes = BTreeMap::new();
        let mut lane_rules = BTreeMap::new();
        for section in &file.lanes {
            if let Some((lane, wired)) = self.lane(section, &devices, &lanes) {
                lane_rules.insert(lane.id.clone(), rules::lane(section, wired));
                lanes.insert(lane.id.clone(), lane);
            }
        }
        if file.lanes.is_empty() {
            self.mistake(0, "lane", "a site has at least one [[lane]]");
        }
        let mqtt = Mqtt {
            listen: file.mqtt.listen,
            url: self.broker_url(file.mqtt.url.as_ref(), &secrets),
            username: file.mqtt.username,
            client_id: file.mqtt.client_id,
            secrets,
        };
        Some(Site {
            rules: Rules {
                site_name: file.site.name,
                zone,
                currency: file.site.currency,
                tariff: file.tariff,
                lanes: lane_rules,
                pay: rules::pay(&file.pay),
            },
            data_dir: base.join(file.site.data_dir),
            database_mib_max: file.site.database_mib_max,
            http_listen: file.http.listen,
            public_url,
            behind_proxy: file.http.behind_proxy,
            mqtt,
            rate,
            icbc: file.bank.icbc.map(|mut icbc| {
                icbc.resolve_files(base);
                icbc
            }),
            buses,
            devices,
            lanes,
        })
    }

    fn pay(&mut self, file: &SiteFile) {
        let prefix = &file.pay.trade_prefix;
        let fits = (1..=8).contains(&prefix.len())
            && prefix.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if !fits {
            let at = self.text.find("trade_prefix").unwrap_or(0);
            self.mistake(at, "pay.trade_prefix", "must be 1 to 8 of A-Z and 0-9");
        }
        if !(60..=86_400).contains(&file.pay.link_life_s) {
            let at = self.text.find("link_life_s").unwrap_or(0);
            self.mistake(at, "pay.link_life_s", "must be 60 to 86400 seconds");
        }
        let tariff = &file.tariff;
        if tariff.hour_minor < 0 || tariff.day_cap_minor < 0 {
            let at = self.text.find("[tariff]").unwrap_or(0);
            self.mistake(at, "tariff", "amounts cannot be negative");
        }
    }

    fn public_url(&mut self, file: &SiteFile) -> String {
        let Some(url) = &file.http.public_url else {
            return format!("http://{}", file.http.listen);
        };
        let text = url.get_ref().trim_end_matches('/');
        if !(text.starts_with("http://") || text.starts_with("https://")) || text.contains(' ') {
            self.wrong(url, "http.public_url", "must begin with http:// or https://");
        }
        text.to_owned()
    }

    fn broker_url(&mut self, url: Option<&Spanned<String>>, secrets: &Secrets) -> Option<String> {
        let url = url?;
        if !url.get_ref().starts_with("mqtt://") {
            self.wrong(url, "mqtt.url", "must be mqtt://host:port");
        }
        if secrets.mqtt("daemon").is_none() {
            self.wrong(
                url,
                "mqtt.url",
                "needs the daemon's password: mqtt.daemon in the secrets file",
            );
        }
        Some(url.get_ref().clone())
    }

    fn lane(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
        known: &BTreeMap<LaneId, Lane>,
    ) -> Option<(Lane, Wired)> {
        let id = section.id.get_ref().clone();
        if known.contains_key(&id) {
            self.wrong(&section.id, "lane.id", "is used twice");
        }
        if let Some(other) = known.values().find(|lane| lane.camera == *section.camera.get_ref()) {
            self.wrong(&section.camera, "lane.camera", format!("serves lane {} already", other.id));
        }
        let camera = self.device(&section.camera, "lane.camera", Capability::PlateRead, devices);
        let barrier = self.device(&section.barrier, "lane.barrier", Capability::PulseOpen, devices);
        let display = section.display.as_ref();
        if let Some(display) = display {
            self.device(display, "lane.display", Capability::ShowText, devices);
        }
        let (camera, barrier) = (camera?, barrier?);
        self.barrier_address(&section.barrier, barrier);
        let inputs = self.inputs(section, barrier);
        let has = |sensor| inputs.values().any(|s| *s == sensor);
        let wired = Wired {
            arrival: has(Sensor::Arrival),
            safety: has(Sensor::Safety),
            open_limit: has(Sensor::OpenLimit) || tells_position(barrier),
            closed_limit: has(Sensor::ClosedLimit) || tells_position(barrier),
        };
        if section.closing == Closing::OnCommand && !wired.safety {
            let what = "on_command needs a safety loop: nothing else tells that the arm is free";
            self.wrong(&section.id, "lane.closing", what);
        }
        let lane = Lane {
            id,
            camera: camera.id.clone(),
            barrier: barrier.id.clone(),
            display: display.map(|display| display.get_ref().clone()),
            open_relay: section.open_relay,
            close_relay: section.close_relay,
            inputs,
        };
        Some((lane, wired))
    }

    fn device<'d>(
        &mut self,
        named: &Spanned<DeviceId>,
        field: &str,
        needs: Capability,
        devices: &'d BTreeMap<DeviceId, Device>,
    ) -> Option<&'d Device> {
        let Some(device) = devices.get(named.get_ref()) else {
            self.wrong(named, field, format!("no [[device]] is called {:?}", named.get_ref()));
            return None;
        };
        if !device.profile.can(needs) {
            let what = format!("{} cannot do that: {}", device.profile.name, needs.name());
            self.wrong(named, field, what);
            return None;
        }
        Some(device)
    }

    fn inputs(&mut self, section: &LaneSection, barrier: &Device) -> BTreeMap<u8, Sensor> {
        let Some(inputs) = section.inputs else { return usual_inputs(&barrier.profile) };
        let InputsSection { arrival, safety, open_limit, closed_limit } = inputs;
        let mut wired = BTreeMap::new();
        for (input, sensor) in [
            (arrival, Sensor::Arrival),
            (safety, Sensor::Safety),
            (open_limit, Sensor::OpenLimit),
            (closed_limit, Sensor::ClosedLimit),
        ] {
            let Some(input) = input else { continue };
            if wired.insert(input, sensor).is_some() {
                self.wrong(&section.id, "lane.inputs", format!("input {input} is named twice"));
            }
        }
        wired
    }
}

/// It says itself where its arm stands: as good as limits.
fn tells_position(barrier: &Device) -> bool {
    barrier.profile.can(Capability::Position)
}

fn usual_inputs(profile: &Profile) -> BTreeMap<u8, Sensor> {
    let sensor = |role| match role {
        InputRole::ArrivalLoop => Some(Sensor::Arrival),
        InputRole::SafetyLoop => Some(Sensor::Safety),
        InputRole::OpenLimit => Some(Sensor::OpenLimit),
        InputRole::ClosedLimit => Some(Sensor::ClosedLimit),
        InputRole::Beam | InputRole::ManualKey | InputRole::FireAlarm | InputRole::Passage => None,
    };
    profile.inputs().filter_map(|(input, role)| Some((input, sensor(role)?))).collect()
}
