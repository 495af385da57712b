//! What field devices say on the wire. A device is a profile (data, `devices/<kind>/*.toml`) over
//! a protocol (code, one module each). No money, no SQL, no tickets, no sockets and no clock: bytes
//! and the time come in as arguments, bytes and wire words go out.
//!
//! ```text
//!   words        what every device says and is told, whatever its make
//!   profile      the TOML files, embedded and checked; protocol: the list of those below
//!   json_mqtt    protocol "json-mqtt"     cameras that talk JSON over MQTT, driven by the profile
//!   relay_board  protocol "modbus-relay"  relay and input boards, over modbus (RTU frames)
//!   led_olm      protocol "olm-led"       text and voice boards, GBK text
//!   osdp         protocol "osdp"          card readers, as their control panel
//! ```

pub mod exchange;
pub mod json_mqtt;
mod json_path;
mod json_template;
pub mod led_olm;
pub mod modbus;
pub mod osdp;
pub mod profile;
mod protocol;
pub mod relay_board;
pub mod words;

pub use exchange::{Exchange, Expect};
pub use json_mqtt::{DecodeError, EncodeError, JsonMqtt, Outgoing, TopicRules};
pub use led_olm::OlmLed;
pub use osdp::OsdpPanel;
pub use profile::{Capability, InputRole, Kind, Profile, ProfileError, Protocol, Transport};
pub use relay_board::RelayBoard;
pub use words::{ArmPosition, CivilTime, Command, DeviceEvent, PlateRead};
