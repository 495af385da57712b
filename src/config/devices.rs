//! Checks of the lines and devices a site file names. Opens none of them and knows no lane.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use paifang_devices::{
    Capability, Command, Profile, Transport,
    http_push::{Delivery, HttpPush},
};

use super::{BusSection, DeviceSection, LimitsSection, Secrets, check::Check};
use crate::{io::bucket::Rate, types::DeviceId};
use toml::Spanned;

/// A shorter key in a device's address can be guessed.
const KEY_CHARS_MIN: usize = 16;

#[derive(Clone, Debug)]
pub struct Bus {
    pub path: PathBuf,
    pub baud: u32,
}

#[derive(Clone, Debug)]
pub struct Device {
    pub id: DeviceId,
    pub profile: Profile,
    pub sn: Option<String>,
    pub bus: Option<DeviceId>,
    pub address: Option<u8>,
    /// Scheme, host and port of a device that we call.
    pub url: Option<String>,
}

impl Check<'_> {
    pub(super) fn buses(
        &mut self,
        sections: &[BusSection],
    ) -> BTreeMap<DeviceId, (PathBuf, Option<u32>)> {
        let mut buses = BTreeMap::new();
        let mut paths = BTreeSet::new();
        for section in sections {
            if !paths.insert(section.path.clone()) {
                self.wrong(&section.id, "bus.path", "another bus has this path already");
            }
            let bus = (section.path.clone(), section.baud);
            if buses.insert(section.id.get_ref().clone(), bus).is_some() {
                self.wrong(&section.id, "bus.id", "is used twice");
            }
        }
        buses
    }

    /// A line runs at one speed: the site file's, or the one its boards agree on.
    pub(super) fn bauds(
        &mut self,
        buses: BTreeMap<DeviceId, (PathBuf, Option<u32>)>,
        devices: &BTreeMap<DeviceId, Device>,
    ) -> BTreeMap<DeviceId, Bus> {
        let mut checked = BTreeMap::new();
        for (id, (path, baud)) in buses {
            let bauds: BTreeSet<u32> = devices
                .values()
                .filter(|device| device.bus.as_ref() == Some(&id))
                .filter_map(|device| device.profile.baud())
                .collect();
            let baud = baud.or_else(|| bauds.first().copied()).unwrap_or(9_600);
            if bauds.len() > 1 {
                let at = self.text.find(id.as_str()).unwrap_or(0);
                self.mistake(
                    at,
                    "bus.baud",
                    format!(
                        "the boards on {id} differ: {bauds:?}; set baud and the boards to one speed"
                    ),
                );
            }
            checked.insert(id, Bus { path, baud });
        }
        checked
    }

    pub(super) fn devices(
        &mut self,
        sections: &[DeviceSection],
        buses: &BTreeMap<DeviceId, (PathBuf, Option<u32>)>,
        secrets: &Secrets,
        external_broker: bool,
    ) -> BTreeMap<DeviceId, Device> {
        let mut devices = BTreeMap::new();
        for section in sections {
            let profile = match Profile::find(section.profile.get_ref()) {
                Ok(profile) => profile,
                Err(e) => {
                    self.wrong(&section.profile, "device.profile", e.to_string());
                    continue;
                }
            };
            match profile.transport {
                Transport::Mqtt => self.mqtt_device(section, secrets, external_broker),
                Transport::Serial => self.serial_device(section, buses),
                Transport::Http => self.http_device(section, &profile, sections, secrets),
                Transport::Tcp => {}
            }
            let id = section.id.get_ref().clone();
            let device = Device {
                id: id.clone(),
                profile,
                sn: section.sn.as_ref().map(|sn| sn.get_ref().clone()),
                bus: section.bus.as_ref().map(|bus| bus.get_ref().clone()),
                address: section.address,
                url: section.url.as_ref().map(|url| url.get_ref().trim_end_matches('/').to_owned()),
            };
            if devices.insert(id, device).is_some() {
                self.wrong(&section.id, "device.id", "is used twice");
            }
        }
        devices
    }

    fn mqtt_device(&mut self, section: &DeviceSection, secrets: &Secrets, external: bool) {
        let id = section.id.get_ref().as_str();
        if section.sn.is_none() {
            self.wrong(&section.id, "device.sn", "a device on MQTT needs its serial number");
        }
        let camera = section.profile.get_ref().starts_with("camera/");
        if camera && !external && secrets.mqtt(id).is_none() {
            let what = format!("no password: put mqtt.{id} into the secrets file");
            self.wrong(&section.id, "device.id", what);
        }
        if let Some(bus) = &section.bus {
            self.wrong(bus, "device.bus", "a device on MQTT is on no serial line");
        }
    }

    /// A device that calls us needs its key; one that we call needs its address and our password there.
    fn http_device(
        &mut self,
        section: &DeviceSection,
        profile: &Profile,
        sections: &[DeviceSection],
        secrets: &Secrets,
    ) {
        let id = section.id.get_ref().as_str();
        let driver =
            match HttpPush::new(profile, section.sn.as_ref().map(|sn| sn.get_ref().as_str())) {
                Ok(driver) => driver,
                Err(e) => return self.wrong(&section.id, "device.profile", e.to_string()),
            };
        let key = secrets.push(id);
        let same_box = |other: &&DeviceSection| {
            section.sn.is_some()
                && other.sn.as_ref().map(Spanned::get_ref)
                    == section.sn.as_ref().map(Spanned::get_ref)
        };
        let shared = sections
            .iter()
            .filter(same_box)
            .any(|s| secrets.push(s.id.get_ref().as_str()).is_some());
        if calls_us(profile) && !shared && key.is_none() {
            let what =
                format!("no key: put push.{id} into the secrets file and ?key=... into the device");
            self.wrong(&section.id, "device.id", what);
        }
        if key.is_some_and(|key| key.chars().count() < KEY_CHARS_MIN) {
            let what = format!("its key push.{id} is shorter than {KEY_CHARS_MIN} characters");
            self.wrong(&section.id, "device.id", what);
        }
        match &section.url {
            None if !calls_us(profile) => {
                self.wrong(&section.id, "device.url", "a device that we call needs its address");
            }
            Some(url) if !is_plain_http(url.get_ref()) => {
                self.wrong(url, "device.url", "must be http://host or http://host:port");
            }
            Some(url) if secrets.login(id).is_none() && signs_in(&driver) => {
                let what = format!(
                    "no password: put device.{id} = {{ user, password }} into the secrets file"
                );
                self.wrong(url, "device.url", what);
            }
            _ => {}
        }
        if let Some(bus) = &section.bus {
            self.wrong(bus, "device.bus", "a device on HTTP is on no serial line");
        }
    }

    fn serial_device(
        &mut self,
        section: &DeviceSection,
        buses: &BTreeMap<DeviceId, (PathBuf, Option<u32>)>,
    ) {
        match &section.bus {
            None => self.wrong(&section.id, "device.bus", "a board on a serial line needs its bus"),
            Some(bus) if !buses.contains_key(bus.get_ref()) => {
                self.wrong(bus, "device.bus", format!("no [[bus]] is called {:?}", bus.get_ref()));
            }
            Some(_) => {}
        }
    }
}

/// It has something to say by itself.
fn calls_us(profile: &Profile) -> bool {
    [Capability::PlateRead, Capability::Inputs, Capability::SerialRead]
        .iter()
        .any(|capability| profile.can(*capability))
}

fn called(driver: &HttpPush) -> bool {
    driver.delivery(&Command::PulseOpen) == Delivery::ByCall
}

fn signs_in(driver: &HttpPush) -> bool {
    let call = driver.call(&Command::PulseOpen, "check", 0).ok().or_else(|| driver.position_call());
    call.is_some_and(|call| call.digest)
}

fn is_plain_http(url: &str) -> bool {
    let host = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']))
}

impl Check<'_> {
    /// A barrier that is called is of no use without its address.
    pub(super) fn barrier_address(&mut self, named: &Spanned<DeviceId>, barrier: &Device) {
        let driver = HttpPush::new(&barrier.profile, None);
        if barrier.url.is_none() && driver.is_ok_and(|driver| called(&driver)) {
            self.wrong(
                named,
                "lane.barrier",
                format!("{} is called to open: give it its url", barrier.id),
            );
        }
    }

    pub(super) fn rate(&mut self, limits: LimitsSection) -> Rate {
        let LimitsSection { device_messages_per_s: per_s, device_messages_burst: burst } = limits;
        if per_s == 0 || burst == 0 {
            let at = self.text.find("[limits]").unwrap_or(0);
            self.mistake(at, "limits", "at least one message must be taken");
        }
        Rate { per_s, burst }
    }
}
