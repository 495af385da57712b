//! Checks of the lines and devices a site file names. Opens none of them and knows no lane.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use paifang_devices::{
    Capability, Command, Profile, Transport,
    http_push::{Delivery, HttpPush},
};
use toml::Spanned;

use super::{AddressText, BusSection, DeviceSection, LimitsSection, Secrets, check::Check};
use crate::{
    io::{
        bucket::Rate,
        serial::{Framing, StopBits},
    },
    types::DeviceId,
};

/// A shorter key in a device's address can be guessed.
const KEY_CHARS_MIN: usize = 16;

#[derive(Clone, Debug)]
pub struct Bus {
    pub path: PathBuf,
    pub baud: u32,
    pub framing: Framing,
}

/// A line whose speed is not yet known.
pub(super) struct Line {
    path: PathBuf,
    baud: Option<u32>,
    framing: Framing,
}

#[derive(Clone, Debug)]
pub struct Device {
    pub id: DeviceId,
    pub profile: Profile,
    pub sn: Option<String>,
    pub bus: Option<DeviceId>,
    pub address: Option<u8>,
    /// A new reader is given its key.
    pub install: bool,
    /// Scheme, host and port of a device that we call.
    pub url: Option<String>,
    /// `host:port` of a device on the network.
    pub net: Option<String>,
    /// The camera whose serial port it is wired to, and which of its ports.
    pub via: Option<(DeviceId, u8)>,
}

impl Check<'_> {
    pub(super) fn buses(&mut self, sections: &[BusSection]) -> BTreeMap<DeviceId, Line> {
        let mut buses = BTreeMap::new();
        let mut paths = BTreeSet::new();
        for section in sections {
            if !paths.insert(section.path.clone()) {
                self.wrong(&section.id, "bus.path", "another bus has this path already");
            }
            let stop_bits = match section.stop_bits.as_ref().map(|bits| (*bits.get_ref(), bits)) {
                None | Some((1, _)) => StopBits::One,
                Some((2, _)) => StopBits::Two,
                Some((_, bits)) => {
                    self.wrong(bits, "bus.stop_bits", "must be 1 or 2");
                    StopBits::One
                }
            };
            let framing = Framing { parity: section.parity, stop_bits };
            let bus = Line { path: section.path.clone(), baud: section.baud, framing };
            if buses.insert(section.id.get_ref().clone(), bus).is_some() {
                self.wrong(&section.id, "bus.id", "is used twice");
            }
        }
        buses
    }

    /// A line runs at one speed: the site file's, or the one its boards agree on.
    pub(super) fn bauds(
        &mut self,
        buses: BTreeMap<DeviceId, Line>,
        devices: &BTreeMap<DeviceId, Device>,
    ) -> BTreeMap<DeviceId, Bus> {
        let mut checked = BTreeMap::new();
        for (id, Line { path, baud, framing }) in buses {
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
            checked.insert(id, Bus { path, baud, framing });
        }
        checked
    }

    pub(super) fn devices(
        &mut self,
        sections: &[DeviceSection],
        buses: &BTreeMap<DeviceId, Line>,
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
                Transport::Serial if section.via.is_some() => self.behind_camera(section, &profile),
                Transport::Serial => self.serial_device(section, buses),
                Transport::Tcp => self.network_device(section),
                Transport::Http => self.http_device(section, &profile, sections, secrets),
            }
            let id = section.id.get_ref().clone();
            let device = Device {
                id: id.clone(),
                profile,
                sn: section.sn.as_ref().map(|sn| sn.get_ref().clone()),
                bus: section.bus.as_ref().map(|bus| bus.get_ref().clone()),
                install: section.install,
                url: section.url.as_ref().map(|url| url.get_ref().trim_end_matches('/').to_owned()),
                address: section.address.as_ref().and_then(|address| match address.get_ref() {
                    AddressText::Line(address) => Some(*address),
                    AddressText::Net(_) => None,
                }),
                net: section.address.as_ref().and_then(|address| match address.get_ref() {
                    AddressText::Line(_) => None,
                    AddressText::Net(at) => Some(at.clone()),
                }),
                via: section
                    .via
                    .as_ref()
                    .map(|via| (via.get_ref().clone(), section.channel.unwrap_or_default())),
            };
            if section.install && secrets.osdp(device.id.as_str()).is_none() {
                let what =
                    format!("there is no key to install: put osdp.{id} into the secrets file");
                self.wrong(&section.id, "device.install", what);
            }
            if devices.insert(id, device).is_some() {
                self.wrong(&section.id, "device.id", "is used twice");
            }
        }
        self.cameras_of(sections, &devices);
        self.own_lines(sections, &devices);
        devices
    }

    /// A display behind a camera has neither a bus nor an address of its own.
    fn behind_camera(&mut self, section: &DeviceSection, profile: &Profile) {
        if !profile.can(Capability::ShowText) {
            self.wrong(&section.id, "device.via", "only displays hang on a camera's serial port");
        }
        if let Some(bus) = &section.bus {
            self.wrong(bus, "device.bus", "it is on a camera's port already: name a bus or via");
        }
    }

    /// The camera named by `via` exists and passes bytes on.
    fn cameras_of(&mut self, sections: &[DeviceSection], devices: &BTreeMap<DeviceId, Device>) {
        for via in sections.iter().filter_map(|section| section.via.as_ref()) {
            match devices.get(via.get_ref()) {
                None => {
                    let what = format!("no [[device]] is called {:?}", via.get_ref());
                    self.wrong(via, "device.via", what);
                }
                Some(camera) if !camera.profile.can(Capability::SerialWrite) => {
                    let what = format!("{} passes no bytes on", camera.profile.name);
                    self.wrong(via, "device.via", what);
                }
                Some(_) => {}
            }
        }
    }

    fn network_device(&mut self, section: &DeviceSection) {
        let is_host_and_port = |text: &str| {
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains(' ') && port.parse::<u16>().is_ok()
            })
        };
        let is_place =
            |at: &AddressText| matches!(at, AddressText::Net(at) if is_host_and_port(at));
        if let Some(address) = &section.address {
            if !is_place(address.get_ref()) {
                self.wrong(address, "device.address", "must be \"host:port\"");
            }
        } else {
            let what = "a device on the network needs address = \"host:port\"";
            self.wrong(&section.id, "device.address", what);
        }
        if let Some(bus) = &section.bus {
            self.wrong(bus, "device.bus", "a device on the network is on no serial line");
        }
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

    fn serial_device(&mut self, section: &DeviceSection, buses: &BTreeMap<DeviceId, Line>) {
        match &section.bus {
            _ if matches!(
                section.address.as_ref().map(Spanned::get_ref),
                Some(AddressText::Net(_))
            ) =>
            {
                self.wrong(
                    &section.id,
                    "device.address",
                    "a board's address is a number, 1 to 247",
                );
            }
            None => self.wrong(&section.id, "device.bus", "a board on a serial line needs its bus"),
            Some(bus) if !buses.contains_key(bus.get_ref()) => {
                self.wrong(bus, "device.bus", format!("no [[bus]] is called {:?}", bus.get_ref()));
            }
            Some(_) => {}
        }
    }

    /// What speaks when it likes shares its line with nobody.
    fn own_lines(&mut self, sections: &[DeviceSection], devices: &BTreeMap<DeviceId, Device>) {
        for section in sections {
            let Some(bus) = &section.bus else { continue };
            let Some(device) = devices.get(section.id.get_ref()) else { continue };
            let others = sections.iter().filter(|other| {
                other.bus.as_ref().map(Spanned::get_ref) == Some(bus.get_ref())
                    && other.id.get_ref() != section.id.get_ref()
            });
            if device.profile.protocol.needs_own_line() && others.count() > 0 {
                self.wrong(bus, "device.bus", "what speaks by itself needs a line of its own");
            }
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

    pub(super) fn rate(&mut self, limits: &LimitsSection) -> Rate {
        let (per_s, burst) = (limits.device_messages_per_s, limits.device_messages_burst);
        if per_s == 0 || burst == 0 {
            let at = self.text.find("[limits]").unwrap_or(0);
            self.mistake(at, "limits", "at least one message must be taken");
        }
        Rate { per_s, burst }
    }
}
