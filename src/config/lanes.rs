//! Checks of the lanes a site file names, for vehicles and for people. Knows no wire.

use std::collections::BTreeMap;

use paifang_devices::{Capability, InputRole, Profile, Protocol};
use toml::Spanned;

use super::{InputsSection, LaneKind, LaneSection, check::Check, devices::Device, rules};
use crate::{
    core::{
        lane::Sensor,
        rules::{Closing, GateRules, LaneRules, Wired, Zones},
    },
    types::{DeviceId, LaneId},
};

/// A lane for vehicles.
#[derive(Clone, Debug)]
pub struct Lane {
    pub id: LaneId,
    pub camera: DeviceId,
    pub barrier: DeviceId,
    pub display: Option<DeviceId>,
    /// Of a tidal lane: the camera and the display of the other way than at first.
    pub camera_back: Option<DeviceId>,
    pub display_back: Option<DeviceId>,
    pub open_relay: Option<u8>,
    pub close_relay: Option<u8>,
    /// Input of the barrier's device, from 1, to what it tells.
    pub inputs: BTreeMap<u8, Sensor>,
    /// Input of the barrier's device that a fire alarm is wired to.
    pub fire: Option<u8>,
    /// Input of the barrier's device that a driver's call button is wired to.
    pub help: Option<u8>,
    /// Scanner of payers' codes, at the lane or its booth: none or one.
    pub scanners: Vec<DeviceId>,
    /// What stands between a payer's code and the cipher that a certified scanner adds.
    pub scanner_cipher: Option<String>,
}

impl Lane {
    /// One of its cameras.
    pub fn is_read_by(&self, device: &DeviceId) -> bool {
        self.camera == *device || self.camera_back.as_ref() == Some(device)
    }
}

/// A lane for people.
#[derive(Clone, Debug)]
pub struct Gate {
    pub id: LaneId,
    /// Scanner and reader, at least one.
    pub readers: Vec<DeviceId>,
    pub turnstile: DeviceId,
    pub display: Option<DeviceId>,
    /// Relay of a turnstile without a protocol of its own.
    pub open_relay: Option<u8>,
    /// Its input that tells of a passage.
    pub passage: Option<u8>,
    pub fire: Option<u8>,
}

/// All lanes, and the rules the core decides by.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    pub(super) lanes: BTreeMap<LaneId, Lane>,
    pub(super) lane_rules: BTreeMap<LaneId, LaneRules>,
    pub(super) gates: BTreeMap<LaneId, Gate>,
    pub(super) gate_rules: BTreeMap<LaneId, GateRules>,
}

impl Check<'_> {
    pub(super) fn lanes(
        &mut self,
        sections: &[LaneSection],
        devices: &BTreeMap<DeviceId, Device>,
        zones: &Zones,
    ) -> Lanes {
        let mut lanes = Lanes::default();
        for section in sections {
            let id = section.id.get_ref();
            if lanes.lanes.contains_key(id) || lanes.gates.contains_key(id) {
                self.wrong(&section.id, "lane.id", "is used twice");
            }
            match section.kind {
                LaneKind::Vehicles => {
                    let zone = self.zone_of(section.zone.as_ref(), zones);
                    if let Some((lane, wired)) = self.lane(section, devices, &lanes.lanes) {
                        let mut rules = rules::lane(section, wired, zone);
                        self.ways(section, &mut rules);
                        lanes.lane_rules.insert(id.clone(), rules);
                        lanes.lanes.insert(id.clone(), lane);
                    }
                }
                LaneKind::People => {
                    if let Some((gate, rules)) = self.gate(section, devices, &lanes, zones) {
                        lanes.gate_rules.insert(id.clone(), rules);
                        lanes.gates.insert(id.clone(), gate);
                    }
                }
            }
        }
        self.couples(sections, &lanes);
        for (id, rules) in &mut lanes.gate_rules {
            let turnstile = lanes.gates.get(id).map(|gate| &gate.turnstile);
            let of_it = lanes.gates.values().filter(|gate| Some(&gate.turnstile) == turnstile);
            rules.alone = of_it.count() == 1;
        }
        lanes
    }

    fn lane(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
        known: &BTreeMap<LaneId, Lane>,
    ) -> Option<(Lane, Wired)> {
        let id = section.id.get_ref().clone();
        self.none_of(
            section,
            &[
                ("lane.reader", section.reader.as_ref()),
                ("lane.turnstile", section.turnstile.as_ref()),
            ],
        );
        let camera = self.named(section, section.camera.as_ref(), "lane.camera");
        let barrier = self.named(section, section.barrier.as_ref(), "lane.barrier");
        let (camera, barrier) = (camera?, barrier?);
        let back = section.tidal.as_ref().and_then(|tidal| tidal.camera.as_ref());
        for (camera, field) in [(Some(camera), "lane.camera"), (back, "lane.tidal.camera")] {
            let Some(camera) = camera else { continue };
            if let Some(other) = known.values().find(|lane| lane.is_read_by(camera.get_ref())) {
                self.wrong(camera, field, format!("serves lane {} already", other.id));
            }
        }
        let camera = self.device(camera, "lane.camera", Capability::PlateRead, devices);
        let named = barrier;
        let barrier = self.device(named, "lane.barrier", Capability::PulseOpen, devices);
        let display = self.display(section, devices);
        let (camera_back, display_back) = self.way_back(section, devices);
        let scanners = self.code_scanner(section, devices, known);
        let (camera, barrier) = (camera?, barrier?);
        self.barrier_address(named, barrier);
        let inputs = self.inputs(section, barrier);
        let has = |sensor| inputs.values().any(|s| *s == sensor);
        let wired = Wired {
            arrival: has(Sensor::Arrival),
            safety: has(Sensor::Safety),
            open_limit: has(Sensor::OpenLimit) || tells_position(barrier),
            closed_limit: has(Sensor::ClosedLimit) || tells_position(barrier),
            beam: has(Sensor::Beam),
            manual_key: has(Sensor::ManualKey),
        };
        if section.closing == Closing::OnCommand && !wired.safety {
            let what = "on_command needs a safety loop: nothing else tells that the arm is free";
            self.wrong(&section.id, "lane.closing", what);
        }
        let lane = Lane {
            id,
            camera: camera.id.clone(),
            barrier: barrier.id.clone(),
            display,
            camera_back,
            display_back,
            open_relay: section.open_relay,
            close_relay: section.close_relay,
            fire: self.input_of(section, barrier, InputRole::FireAlarm),
            help: self.input_of(section, barrier, InputRole::HelpButton),
            inputs,
            scanners,
            scanner_cipher: self.scanner_cipher(section),
        };
        Some((lane, wired))
    }

    fn scanner_cipher(&mut self, section: &LaneSection) -> Option<String> {
        let between = section.scanner_cipher.as_ref()?;
        let text = between.get_ref();
        let digits = text.bytes().any(|b| b.is_ascii_digit());
        if text.is_empty() || text.trim() != text || digits || section.scanner.is_none() {
            let what = "is what the lane's scanner writes between a code and its cipher, such as \"|\": \
                        no digit, no space, and not without a scanner";
            self.wrong(between, "lane.scanner_cipher", what);
        }
        Some(text.clone())
    }

    /// What reads the codes of payers; each scanner serves one lane.
    fn code_scanner(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
        known: &BTreeMap<LaneId, Lane>,
    ) -> Vec<DeviceId> {
        let Some(named) = &section.scanner else { return Vec::new() };
        if let Some(other) = known.values().find(|lane| lane.scanners.contains(named.get_ref())) {
            self.wrong(named, "lane.scanner", format!("serves lane {} already", other.id));
        }
        let device = self.device(named, "lane.scanner", Capability::Scan, devices);
        device.map(|device| device.id.clone()).into_iter().collect()
    }

    fn gate(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
        known: &Lanes,
        zones: &Zones,
    ) -> Option<(Gate, GateRules)> {
        self.none_of(
            section,
            &[("lane.camera", section.camera.as_ref()), ("lane.barrier", section.barrier.as_ref())],
        );
        let turnstile = self.named(section, section.turnstile.as_ref(), "lane.turnstile")?;
        let readers = self.readers(section, devices, known);
        let display = self.display(section, devices);
        let turnstile = self.device(turnstile, "lane.turnstile", Capability::GrantPass, devices)?;
        let same_way = known.gates.values().find(|gate| {
            gate.turnstile == turnstile.id
                && known.gate_rules.get(&gate.id).map(|r| r.direction) == Some(section.direction)
        });
        if let Some(other) = same_way {
            let what = format!("lane {} is this way of it already", other.id);
            self.wrong(&section.id, "lane.turnstile", what);
        }
        let counter = turnstile.profile.protocol == Protocol::LotTurnstile;
        let passage = self.input_of(section, turnstile, InputRole::Passage);
        if !counter && passage.is_none() {
            let what = "needs the turnstile's passage contact: inputs = { passage = 1 }";
            self.wrong(&section.id, "lane.inputs", what);
        }
        let gate = Gate {
            id: section.id.get_ref().clone(),
            readers,
            turnstile: turnstile.id.clone(),
            display,
            open_relay: section.open_relay,
            passage: passage.filter(|_| !counter),
            fire: self.input_of(section, turnstile, InputRole::FireAlarm).filter(|_| !counter),
        };
        let zone = self.zone_of(section.zone.as_ref(), zones);
        Some((gate, rules::gate(section, counter, zone)))
    }

    fn readers(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
        known: &Lanes,
    ) -> Vec<DeviceId> {
        let named = [
            ("lane.scanner", section.scanner.as_ref(), Capability::Scan),
            ("lane.reader", section.reader.as_ref(), Capability::CardRead),
        ];
        let mut readers = Vec::new();
        for (field, named, needs) in named {
            let Some(named) = named else { continue };
            if let Some(other) =
                known.gates.values().find(|gate| gate.readers.contains(named.get_ref()))
            {
                self.wrong(named, field, format!("serves lane {} already", other.id));
            }
            let pays = known.lanes.values().find(|lane| lane.scanners.contains(named.get_ref()));
            if let Some(other) = pays {
                self.wrong(named, field, format!("takes payers' codes at lane {}", other.id));
            }
            if let Some(device) = self.device(named, field, needs, devices) {
                readers.push(device.id.clone());
            }
        }
        if section.scanner.is_none() && section.reader.is_none() {
            let what = "a lane for people has a scanner or a reader";
            self.wrong(&section.id, "lane.scanner", what);
        }
        readers
    }

    /// What a lane of the other kind has.
    fn none_of(&mut self, section: &LaneSection, fields: &[(&str, Option<&Spanned<DeviceId>>)]) {
        let of = match section.kind {
            LaneKind::Vehicles => "people",
            LaneKind::People => "vehicles",
        };
        for (field, value) in fields {
            if let Some(value) = value {
                self.wrong(value, field, format!("is for a lane of kind \"{of}\""));
            }
        }
    }

    fn named<'s>(
        &mut self,
        section: &LaneSection,
        value: Option<&'s Spanned<DeviceId>>,
        field: &str,
    ) -> Option<&'s Spanned<DeviceId>> {
        if value.is_none() {
            self.wrong(&section.id, field, "is missing: this lane needs one");
        }
        value
    }

    fn display(
        &mut self,
        section: &LaneSection,
        devices: &BTreeMap<DeviceId, Device>,
    ) -> Option<DeviceId> {
        let display = section.display.as_ref()?;
        self.device(display, "lane.display", Capability::ShowText, devices);
        Some(display.get_ref().clone())
    }

    pub(super) fn device<'d>(
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
        let InputsSection {
            arrival,
            safety,
            open_limit,
            closed_limit,
            beam,
            manual_key,
            fire,
            passage,
            help,
        } = inputs;
        let mut wired = BTreeMap::new();
        for (input, sensor) in [
            (arrival, Sensor::Arrival),
            (safety, Sensor::Safety),
            (open_limit, Sensor::OpenLimit),
            (closed_limit, Sensor::ClosedLimit),
            (beam, Sensor::Beam),
            (manual_key, Sensor::ManualKey),
        ] {
            let Some(input) = input else { continue };
            if wired.insert(input, sensor).is_some() {
                self.wrong(&section.id, "lane.inputs", format!("input {input} is named twice"));
            }
        }
        if fire.is_some_and(|input| wired.contains_key(&input)) {
            self.wrong(&section.id, "lane.inputs", "fire shares its input with something else");
        }
        if help.is_some_and(|input| wired.contains_key(&input) || fire == Some(input)) {
            self.wrong(&section.id, "lane.inputs", "help shares its input with something else");
        }
        if passage.is_some() {
            self.wrong(&section.id, "lane.inputs", "passage is for a lane of kind \"people\"");
        }
        wired
    }

    /// The input the site file names, else, where it names none at all, the profile's.
    fn input_of(&mut self, section: &LaneSection, device: &Device, role: InputRole) -> Option<u8> {
        let Some(inputs) = section.inputs else {
            return device.profile.inputs().find(|(_, r)| *r == role).map(|(input, _)| input);
        };
        if section.kind == LaneKind::People
            && inputs.fire == inputs.passage
            && inputs.fire.is_some()
        {
            self.wrong(&section.id, "lane.inputs", "fire shares its input with passage");
        }
        match role {
            InputRole::FireAlarm => inputs.fire,
            InputRole::Passage => inputs.passage,
            InputRole::HelpButton => inputs.help,
            InputRole::ArrivalLoop
            | InputRole::SafetyLoop
            | InputRole::OpenLimit
            | InputRole::ClosedLimit
            | InputRole::Beam
            | InputRole::ManualKey => None,
        }
    }
}

fn usual_inputs(profile: &Profile) -> BTreeMap<u8, Sensor> {
    let sensor = |role| match role {
        InputRole::ArrivalLoop => Some(Sensor::Arrival),
        InputRole::SafetyLoop => Some(Sensor::Safety),
        InputRole::OpenLimit => Some(Sensor::OpenLimit),
        InputRole::ClosedLimit => Some(Sensor::ClosedLimit),
        InputRole::Beam => Some(Sensor::Beam),
        InputRole::ManualKey => Some(Sensor::ManualKey),
        // Of the whole site, of a turnstile, or of nobody's loops.
        InputRole::FireAlarm | InputRole::Passage | InputRole::HelpButton => None,
    };
    profile.inputs().filter_map(|(input, role)| Some((input, sensor(role)?))).collect()
}

/// It says itself where its arm stands: as good as limits.
fn tells_position(barrier: &Device) -> bool {
    barrier.profile.can(Capability::Position)
}
