//! Profiles: what is known of one make and model, as data. Each is a file `<kind>/<make-model>.toml`
//! beside this crate's sources, embedded and checked; there is no list of them anywhere. Knows
//! nothing of a site: addresses and serial numbers come from its own file.

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use serde::Deserialize;
use thiserror::Error;

pub use crate::protocol::Protocol;
use crate::words::wire_words;

static FOLDERS: [(Kind, Dir<'static>); 7] = [
    (Kind::Barrier, include_dir!("$CARGO_MANIFEST_DIR/barrier")),
    (Kind::Camera, include_dir!("$CARGO_MANIFEST_DIR/camera")),
    (Kind::Display, include_dir!("$CARGO_MANIFEST_DIR/display")),
    (Kind::Printer, include_dir!("$CARGO_MANIFEST_DIR/printer")),
    (Kind::Reader, include_dir!("$CARGO_MANIFEST_DIR/reader")),
    (Kind::Scanner, include_dir!("$CARGO_MANIFEST_DIR/scanner")),
    (Kind::Turnstile, include_dir!("$CARGO_MANIFEST_DIR/turnstile")),
];

wire_words! {
    /// What a device is for: the folder its profile lies in.
    Kind {
        /// Moves an arm.
        Barrier = "barrier",
        /// Reads plates.
        Camera = "camera",
        /// Shows text, speaks.
        Display = "display",
        /// Reads codes.
        Scanner = "scanner",
        /// Lets one person through at a time.
        Turnstile = "turnstile",
        /// Reads cards.
        Reader = "reader",
        /// Prints receipts and tickets.
        Printer = "printer",
    }
}

wire_words! {
    /// What carries its bytes.
    Transport {
        /// A broker.
        Mqtt = "mqtt",
        /// A serial line.
        Serial = "serial",
        /// HTTP: the device calls us, or we call it.
        Http = "http",
        /// A network port of the device.
        Tcp = "tcp",
    }
}

wire_words! {
    /// Something a device can tell or do.
    Capability {
        /// Tells [`crate::words::DeviceEvent::PlateRead`].
        PlateRead = "plate-read",
        /// Tells the state of its inputs, by message or when asked.
        Inputs = "inputs",
        /// Tells bytes of its serial ports.
        SerialRead = "serial-read",
        /// Tells of the barrier controller behind it.
        BarrierStatus = "barrier-status",
        /// Tells pictures.
        Snapshot = "snapshot",
        /// [`crate::words::Command::PulseOpen`].
        PulseOpen = "pulse-open",
        /// [`crate::words::Command::PulseClose`].
        PulseClose = "pulse-close",
        /// [`crate::words::Command::Hold`].
        Hold = "hold",
        /// [`crate::words::Command::Release`].
        Release = "release",
        /// [`crate::words::Command::TriggerRead`].
        TriggerRead = "trigger-read",
        /// [`crate::words::Command::SetTime`].
        SetTime = "set-time",
        /// [`crate::words::Command::SerialData`].
        SerialWrite = "serial-write",
        /// Shows text.
        ShowText = "show-text",
        /// Speaks; of a camera [`crate::words::Command::Speak`].
        Speak = "speak",
        /// Tells where the arm stands.
        Position = "position",
        /// Tells [`crate::words::DeviceEvent::Scanned`].
        Scan = "scan",
        /// Tells [`crate::words::DeviceEvent::CardRead`], or of identity cards
        /// [`crate::words::DeviceEvent::IdCardRead`].
        CardRead = "card-read",
        /// Lets one person in or out, and tells whether somebody went.
        GrantPass = "grant-pass",
        /// Prints text and codes, and tells what became of it.
        Print = "print",
        /// Lamp and beeper for the person in front of it.
        Signal = "signal",
    }
}

wire_words! {
    /// What is wired to an input, unless the site says otherwise.
    InputRole {
        /// Loop before the arm.
        ArrivalLoop = "arrival-loop",
        /// Loop or beam under the arm.
        SafetyLoop = "safety-loop",
        /// Arm fully up.
        OpenLimit = "open-limit",
        /// Arm fully down.
        ClosedLimit = "closed-limit",
        /// Light beam under the arm.
        Beam = "beam",
        /// The barrier's own key switch or push button.
        ManualKey = "manual-key",
        /// The building's fire alarm.
        FireAlarm = "fire-alarm",
        /// Somebody goes through a turnstile.
        Passage = "passage",
        /// A driver asks for a person.
        HelpButton = "help-button",
    }
}

/// Durations of a device. What a profile leaves out does not apply to it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "a duration carries its unit in its name")]
pub struct Timings {
    /// Contact closed to open the arm.
    pub open_pulse_ms: Option<u32>,
    /// Contact closed to close it.
    pub close_pulse_ms: Option<u32>,
    /// No message for so long: the device is taken as gone.
    pub silence_ms: Option<u32>,
    /// Longest wait for an answer.
    pub reply_timeout_ms: Option<u32>,
    /// Silence on the line between two frames.
    pub gap_ms: Option<u32>,
    /// Between two readings of its inputs.
    pub poll_ms: Option<u32>,
}

/// One profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `<kind>/<file without .toml>`: how a site file names it.
    #[serde(skip)]
    pub name: String,
    /// The folder. Set on loading.
    #[serde(skip, default = "kind_not_yet_known")]
    pub kind: Kind,
    /// Who makes it.
    pub make: String,
    /// Which of theirs.
    pub model: String,
    /// Which code speaks to it.
    pub protocol: Protocol,
    /// What carries its bytes.
    pub transport: Transport,
    /// What of the protocol this device has.
    pub capabilities: BTreeSet<Capability>,
    /// Durations.
    #[serde(default)]
    pub timings: Timings,
    /// Usual wiring: input from 1, as text because TOML keys are.
    #[serde(default)]
    inputs: BTreeMap<String, InputRole>,
    /// Facts an installer should know, in words.
    #[serde(default)]
    pub quirks: Vec<String>,
    /// What nobody has tried on this hardware yet.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// Another profile whose protocol section is meant: the same box in another duty.
    #[serde(default)]
    base: Option<String>,
    /// The section named after the protocol; the protocol's own code reads it.
    #[serde(skip)]
    section: Option<toml::Table>,
}

fn kind_not_yet_known() -> Kind {
    Kind::Camera
}

/// A profile that cannot be used, and why.
#[derive(Debug, Error)]
pub enum ProfileError {
    /// No such file.
    #[error("there is no device profile {name:?}; there are: {known}")]
    NotFound {
        /// Asked for.
        name: String,
        /// All that exist.
        known: String,
    },
    /// Not TOML, a key nobody knows, a wrong type.
    #[error("devices/{name}.toml cannot be read: {why}")]
    Syntax {
        /// Which.
        name: String,
        /// Line and reason.
        why: String,
    },
    /// Readable, but it contradicts itself.
    #[error("devices/{name}.toml is wrong: {why}")]
    Invalid {
        /// Which.
        name: String,
        /// Reason.
        why: String,
    },
}

impl Profile {
    /// Every profile, in the order of their names; the first mistake found in any of them.
    pub fn load_all() -> Result<Vec<Self>, ProfileError> {
        files().map(|(name, kind, text)| Self::load(&name, kind, text)).collect()
    }

    /// The profile a site file names, as in `camera/vzenith-mqtt`.
    pub fn find(name: &str) -> Result<Self, ProfileError> {
        let (name, kind, text) =
            files().find(|file| file.0 == name).ok_or_else(|| ProfileError::NotFound {
                name: name.into(),
                known: files().map(|file| file.0).collect::<Vec<_>>().join(", "),
            })?;
        Self::load(&name, kind, text)
    }

    /// A profile that is not embedded, under a name as in `camera/acme-x1`.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, ProfileError> {
        let kind = name.split_once('/').and_then(|(folder, _)| Kind::named(folder));
        let kind = kind.ok_or_else(|| ProfileError::Invalid {
            name: name.into(),
            why: "its name does not begin with a kind of device, as in camera/acme-x1".into(),
        })?;
        Self::load(name, kind, text)
    }

    /// What is usually wired to an input, counted from 1.
    pub fn inputs(&self) -> impl Iterator<Item = (u8, InputRole)> + '_ {
        self.inputs.iter().filter_map(|(input, role)| Some((input.parse().ok()?, *role)))
    }

    /// Bits per second of a device on a serial line, as it is delivered.
    pub fn baud(&self) -> Option<u32> {
        self.section.as_ref()?.get("baud")?.as_integer()?.try_into().ok()
    }

    /// The device has this.
    pub fn can(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// It speaks the protocol section of another profile.
    pub(crate) fn is_derived(&self) -> bool {
        self.base.is_some()
    }

    fn load(name: &str, kind: Kind, text: &str) -> Result<Self, ProfileError> {
        let mut profile = Self::read(name, kind, text)?;
        if let Some(base) = profile.base.clone() {
            profile.take_protocol_of(&base)?;
        }
        let why = profile.check().err();
        why.map_or(Ok(profile), |why| Err(ProfileError::Invalid { name: name.into(), why }))
    }

    fn read(name: &str, kind: Kind, text: &str) -> Result<Self, ProfileError> {
        let syntax =
            |e: toml::de::Error| ProfileError::Syntax { name: name.into(), why: e.to_string() };
        let mut whole: toml::Table = toml::from_str(text).map_err(syntax)?;
        let mut sections: BTreeMap<Protocol, toml::Table> = BTreeMap::new();
        for protocol in Protocol::ALL {
            if let Some(section) = whole.remove(protocol.name()) {
                sections.insert(*protocol, section.try_into().map_err(syntax)?);
            }
        }
        let mut profile: Self = whole.try_into().map_err(syntax)?;
        (profile.name, profile.kind) = (name.into(), kind);
        profile.section = sections.remove(&profile.protocol);
        if let Some(other) = sections.keys().next() {
            let (section, says) = (other.name(), profile.protocol.name());
            let why = format!("it has a section [{section}] but its protocol is {says}");
            return Err(ProfileError::Invalid { name: name.into(), why });
        }
        Ok(profile)
    }

    /// What the profile says to its protocol.
    pub(crate) fn settings<S: serde::de::DeserializeOwned>(
        &self,
        protocol: Protocol,
    ) -> Result<S, String> {
        let name = protocol.name();
        if self.protocol != protocol {
            return Err(format!("its protocol is {}, not {name}", self.protocol.name()));
        }
        let section = self.section.clone().ok_or_else(|| format!("it lacks a section [{name}]"))?;
        section
            .try_into()
            .map_err(|e: toml::de::Error| format!("[{name}]: {}", e.to_string().trim_end()))
    }

    /// One step only: a base has no base, so that a reader opens two files at most.
    fn take_protocol_of(&mut self, base: &str) -> Result<(), ProfileError> {
        let found = files().find(|file| file.0 == base);
        let (name, kind, text) = found.ok_or_else(|| ProfileError::Invalid {
            name: self.name.clone(),
            why: format!("its base {base:?} does not exist"),
        })?;
        let base = Self::read(&name, kind, text)?;
        if base.protocol == self.protocol {
            self.section = self.section.take().or(base.section);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if !self.protocol.transports().contains(&self.transport) {
            return Err("protocol and transport do not go together".into());
        }
        for input in self.inputs.keys() {
            if !input.parse::<u8>().is_ok_and(|n| (1..=32).contains(&n)) {
                return Err(format!("input {input:?} is not a number of 1..=32"));
            }
        }
        self.check_pulses()?;
        self.protocol.check(self)
    }

    fn check_pulses(&self) -> Result<(), String> {
        let Timings { open_pulse_ms, close_pulse_ms, .. } = self.timings;
        for (capability, pulse_ms) in
            [(Capability::PulseOpen, open_pulse_ms), (Capability::PulseClose, close_pulse_ms)]
        {
            // Barriers take a push of 0.3 s to 3 s; outside 0.1 s to 5 s it is a slip of the pen.
            let fits = pulse_ms.is_some_and(|ms| (100..=5000).contains(&ms));
            if self.can(capability) && !fits {
                let name = capability.name();
                return Err(format!("{name} needs its pulse in timings, 100..=5000 ms"));
            }
        }
        Ok(())
    }
}

/// Name, kind and text of every embedded profile, sorted by name.
fn files() -> impl Iterator<Item = (String, Kind, &'static str)> {
    let mut files: Vec<_> = FOLDERS
        .iter()
        .flat_map(|(kind, folder)| folder.files().map(move |file| (*kind, file)))
        .filter(|(_, file)| file.path().extension().is_some_and(|e| e == "toml"))
        .filter_map(|(kind, file)| {
            let stem = file.path().file_stem()?.to_str()?;
            Some((format!("{}/{stem}", kind.name()), kind, file.contents_utf8()?))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files.into_iter()
}

#[cfg(test)]
#[path = "profile_tests.rs"]
mod tests;
