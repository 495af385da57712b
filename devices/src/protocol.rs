//! The protocols: which code speaks to a device. Each is one module that reads the profile's section
//! of its name; here is only the list of them. Knows no field of any section.

use crate::{
    http_push::HttpPushSettings,
    json_mqtt::JsonMqttSettings,
    led_olm::OlmSettings,
    profile::{Profile, Transport},
    relay_board::RelaySettings,
    words::wire_words,
};

wire_words! {
    /// Which code speaks to it.
    Protocol {
        /// JSON over MQTT, driven by the profile.
        JsonMqtt = "json-mqtt",
        /// Devices that call us over HTTP, and some of which we call, driven by the profile.
        HttpPush = "http-push",
        /// Relay boards on Modbus RTU.
        ModbusRelay = "modbus-relay",
        /// OLM text and voice boards.
        OlmLed = "olm-led",
    }
}

impl Protocol {
    /// What can carry it.
    pub(crate) fn transports(self) -> &'static [Transport] {
        match self {
            Self::JsonMqtt => &[Transport::Mqtt],
            Self::HttpPush => &[Transport::Http],
            Self::ModbusRelay | Self::OlmLed => &[Transport::Serial],
        }
    }

    /// Whether the profile's section makes sense to the protocol's code; the reason if not.
    pub(crate) fn check(self, profile: &Profile) -> Result<(), String> {
        match self {
            Self::JsonMqtt => profile.settings::<JsonMqttSettings>(self)?.check(profile),
            Self::HttpPush => profile.settings::<HttpPushSettings>(self)?.check(profile),
            Self::ModbusRelay => profile.settings::<RelaySettings>(self)?.check(),
            Self::OlmLed => profile.settings::<OlmSettings>(self)?.check(profile.timings.gap_ms),
        }
    }
}
