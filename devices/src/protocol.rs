//! The protocols: which code speaks to a device. Each is one module that reads the profile's section
//! of its name; here is only the list of them. Knows no field of any section.

use crate::{
    json_mqtt::JsonMqttSettings,
    led_olm::OlmSettings,
    osdp::OsdpSettings,
    profile::{Profile, Transport},
    relay_board::RelaySettings,
    words::wire_words,
};

wire_words! {
    /// Which code speaks to it.
    Protocol {
        /// JSON over MQTT, driven by the profile.
        JsonMqtt = "json-mqtt",
        /// Relay boards on Modbus RTU.
        ModbusRelay = "modbus-relay",
        /// OLM text and voice boards.
        OlmLed = "olm-led",
        /// Card readers on OSDP.
        Osdp = "osdp",
    }
}

impl Protocol {
    /// What can carry it.
    pub(crate) fn transports(self) -> &'static [Transport] {
        match self {
            Self::JsonMqtt => &[Transport::Mqtt],
            Self::ModbusRelay | Self::OlmLed | Self::Osdp => &[Transport::Serial],
        }
    }

    /// Whether the profile's section makes sense to the protocol's code; the reason if not.
    pub(crate) fn check(self, profile: &Profile) -> Result<(), String> {
        match self {
            Self::JsonMqtt => profile.settings::<JsonMqttSettings>(self)?.check(profile),
            Self::ModbusRelay => profile.settings::<RelaySettings>(self)?.check(),
            Self::OlmLed => profile.settings::<OlmSettings>(self)?.check(profile.timings.gap_ms),
            Self::Osdp => profile.settings::<OsdpSettings>(self)?.check(),
        }
    }
}
