//! Checks of the lines and devices a site file names. Opens none of them and knows no lane.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use paifang_devices::{Profile, Protocol, Transport};

use super::{BusSection, DeviceSection, Secrets, check::Check};
use crate::types::DeviceId;

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
                Transport::Http | Transport::Tcp => {}
            }
            let id = section.id.get_ref().clone();
            let device = Device {
                id: id.clone(),
                profile,
                sn: section.sn.as_ref().map(|sn| sn.get_ref().clone()),
                bus: section.bus.as_ref().map(|bus| bus.get_ref().clone()),
                address: section.address,
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

    /// A scanner speaks whenever it likes: nothing else can be on its line.
    pub(super) fn ports_of_their_own(
        &mut self,
        sections: &[DeviceSection],
        devices: &BTreeMap<DeviceId, Device>,
    ) {
        for section in sections {
            let Some(device) = devices.get(section.id.get_ref()) else { continue };
            let speaks =
                matches!(device.profile.protocol, Protocol::AsciiScanner | Protocol::Reader55Aa);
            let shared =
                devices.values().any(|other| other.id != device.id && other.bus == device.bus);
            if let Some(bus) = section.bus.as_ref().filter(|_| speaks && shared) {
                self.wrong(bus, "device.bus", "a scanner needs a line of its own");
            }
        }
    }
}
