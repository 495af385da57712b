//! The protocols: which code speaks to a device. Each is one module that reads the profile's section
//! of its name; here is only the list of them. Knows no field of any section.

use crate::{
    escpos::EscposSettings,
    http_push::HttpPushSettings,
    id_card::IdCardSettings,
    json_mqtt::JsonMqttSettings,
    led_aa55::Aa55Settings,
    led_olm::OlmSettings,
    osdp::OsdpSettings,
    profile::{Profile, Transport},
    reader_55aa::Reader55AaSettings,
    relay_board::RelaySettings,
    scanner::ScannerSettings,
    turnstile_lot::LotSettings,
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
        /// Card readers on OSDP.
        Osdp = "osdp",
        /// Readers of resident identity cards.
        IdCard = "id-card",
        /// AA55 text and voice boards.
        Aa55Led = "aa55-led",
        /// Scanners that write the code as text.
        AsciiScanner = "ascii-scanner",
        /// Scanners that write the code in frames 55 AA.
        #[serde(rename = "55aa-reader")]
        Reader55Aa = "55aa-reader",
        /// Turnstile controllers of LOT on Modbus RTU.
        LotTurnstile = "lot-turnstile",
        /// Receipt printers.
        Escpos = "escpos",
    }
}

impl Protocol {
    /// It speaks when it likes, so nobody else can be on its line.
    pub fn needs_own_line(self) -> bool {
        matches!(self, Self::AsciiScanner | Self::Reader55Aa | Self::Escpos)
    }

    /// What can carry it.
    pub(crate) fn transports(self) -> &'static [Transport] {
        match self {
            Self::JsonMqtt => &[Transport::Mqtt],
            Self::HttpPush => &[Transport::Http],
            Self::ModbusRelay
            | Self::OlmLed
            | Self::Osdp
            | Self::IdCard
            | Self::Aa55Led
            | Self::AsciiScanner
            | Self::Reader55Aa
            | Self::LotTurnstile => &[Transport::Serial],
            Self::Escpos => &[Transport::Serial, Transport::Tcp],
        }
    }

    /// Whether the profile's section makes sense to the protocol's code; the reason if not.
    pub(crate) fn check(self, profile: &Profile) -> Result<(), String> {
        match self {
            Self::JsonMqtt => profile.settings::<JsonMqttSettings>(self)?.check(profile),
            Self::HttpPush => profile.settings::<HttpPushSettings>(self)?.check(profile),
            Self::ModbusRelay => profile.settings::<RelaySettings>(self)?.check(),
            Self::OlmLed => profile.settings::<OlmSettings>(self)?.check(profile.timings.gap_ms),
            Self::IdCard => profile.settings::<IdCardSettings>(self)?.check(),
            Self::Osdp => profile.settings::<OsdpSettings>(self)?.check(),
            Self::Aa55Led => profile.settings::<Aa55Settings>(self)?.check(profile.timings.gap_ms),
            Self::AsciiScanner => profile.settings::<ScannerSettings>(self)?.check(),
            Self::Reader55Aa => profile.settings::<Reader55AaSettings>(self)?.check(),
            Self::LotTurnstile => profile.settings::<LotSettings>(self)?.check(),
            Self::Escpos => profile.settings::<EscposSettings>(self)?.check(),
        }
    }
}
