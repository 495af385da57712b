//! What field devices say on the wire. A device is a profile (data, `devices/<kind>/*.toml`) over
//! a protocol (code, one module each). No money, no SQL, no tickets, no sockets and no clock: bytes
//! and the time come in as arguments, bytes and wire words go out.
//!
//! ```text
//!   words        what every device says and is told, whatever its make
//!   profile      the TOML files, embedded and checked; protocol: the list of those below
//!   json_mqtt    protocol "json-mqtt"     cameras that talk JSON over MQTT, driven by the profile
//!   http_push    protocol "http-push"     devices that call us, and that we call, over HTTP
//!   message      what those two share; learn: which profile a stranger's message fits
//!   relay_board  protocol "modbus-relay"  relay and input boards, over modbus (RTU frames)
//!   led_olm      protocol "olm-led"       text and voice boards, GBK text
//!   osdp         protocol "osdp"          card readers, as their control panel
//!   id_card      protocol "id-card"       readers of identity cards; `card_panel` is either
//!   led_aa55     protocol "aa55-led"      the same duty, other frames; `screen` is either
//!   scanner      protocol "ascii-scanner" codes as text, with any tail; commands of the GM65
//!   reader_55aa  protocol "55aa-reader"   codes in frames
//!   turnstile_lot protocol "lot-turnstile" passes and counters, over modbus
//!   escpos       protocol "escpos"        receipts, and what became of them
//! ```

mod card_panel;
pub mod escpos;
pub mod exchange;
pub mod http_push;
pub mod id_card;
pub mod json_mqtt;
pub mod learn;
pub mod led_aa55;
pub mod led_olm;
pub mod message;
pub mod modbus;
pub mod osdp;
pub mod profile;
mod protocol;
pub mod reader_55aa;
pub mod relay_board;
pub mod scan_reader;
pub mod scanner;
pub mod screen;
mod text;
pub mod turnstile_lot;
pub mod words;

pub use card_panel::CardPanel;
pub use exchange::{Exchange, Expect};
pub use http_push::{Call, Delivery, HttpPush, PushReply, PushRequest, Pushed};
pub use id_card::IdCardPanel;
pub use json_mqtt::{Heard, JsonMqtt, Outgoing, TopicRules};
pub use learn::{Proposal, Stranger};
pub use led_olm::OlmLed;
pub use message::error::{DecodeError, EncodeError, SetupError};
pub use osdp::OsdpPanel;
pub use profile::{Capability, InputRole, Kind, Profile, ProfileError, Protocol, Transport};
pub use relay_board::RelayBoard;
pub use scan_reader::{ScanFault, ScanReader};
pub use screen::Screen;
pub use turnstile_lot::{LotTurnstile, Way};
pub use words::{ArmPosition, CivilTime, Command, DeviceEvent, IdNumber, PlateRead};
