//! The panel against the simulator's reader, byte for byte, without a line between them.

use osdp::{
    command::Command,
    reply::{Fmt, Keypad, Raw, Reply},
};
use proptest::prelude::*;

use super::*;
use crate::DeviceEvent;

/// The simulator's reader knows nothing of this crate, so that it can stand on both sides.
#[path = "../../../sim/src/wire/reader/device.rs"]
#[expect(unreachable_pub, reason = "it is public where it lives")]
mod device;

use device::{ReaderDevice, ReaderSettings};

const KEY: [u8; 16] = *b"a key for a site";
const KEY_TEXT: &str = "61206b657920666f7220612073697465";

fn reader(key: Option<[u8; 16]>) -> ReaderDevice {
    ReaderDevice::new(ReaderSettings { address: 3, key, install: false, plain: key.is_none() })
}

fn site_key() -> SiteKey {
    KEY_TEXT.parse().unwrap()
}

fn profile() -> Profile {
    Profile::find("reader/osdp-generic").unwrap()
}

fn panel(key: Option<SiteKey>, install: bool) -> OsdpPanel {
    OsdpPanel::new(&profile(), Some(3), key, install).unwrap()
}

/// A panel, a reader, and a clock that only waiting moves.
struct Bench {
    panel: OsdpPanel,
    reader: ReaderDevice,
    now_ms: i64,
    told: Vec<Told>,
}

impl Bench {
    fn new(panel: OsdpPanel, reader: ReaderDevice) -> Self {
        Self { panel, reader, now_ms: 0, told: Vec::new() }
    }

    /// One question, sent twice at most as the line's owner does.
    fn turn(&mut self) -> Exchange {
        self.now_ms = self.now_ms.max(self.panel.due_at_ms());
        let exchange = self.panel.ask([self.now_ms as u8; 8]);
        let frame = &exchange.request[1..];
        let heard = (0..2).find_map(|_| {
            let bytes = self.reader.hear(frame)?;
            exchange.expect.find(&bytes).map(|range| bytes[range].to_vec())
        });
        self.told.extend(match heard {
            Some(bytes) => self.panel.heard(&bytes, self.now_ms),
            None => self.panel.unheard(self.now_ms),
        });
        exchange
    }

    fn turns(&mut self, count: usize) -> Vec<Told> {
        for _ in 0..count {
            self.turn();
        }
        std::mem::take(&mut self.told)
    }

    fn online(key: bool) -> Self {
        let mut bench = if key {
            Self::new(panel(Some(site_key()), false), reader(Some(KEY)))
        } else {
            Self::new(panel(None, false), reader(None))
        };
        let told = bench.turns(6);
        assert!(told.contains(&Told::Online { secure: key }), "{told:?}");
        bench
    }
}

fn raw(bits: u16, data: &[u8]) -> Reply {
    Reply::Raw(Raw { reader: 0, format_code: 1, bit_count: bits, bits: data.to_vec() })
}

fn card(bits: u16, data: &[u8]) -> Told {
    Told::Event(DeviceEvent::CardRead { bits, data: data.to_vec() })
}

#[test]
fn a_reader_says_what_it_is_and_tells_cards_and_keys_plain_and_secure() {
    for key in [false, true] {
        let mut bench = Bench::online(key);
        assert_eq!(bench.reader.is_secure(), key);
        bench.reader.tell(raw(26, &[0xDE, 0xAD, 0xBE, 0xFF]));
        let chars = b"4321".to_vec();
        bench.reader.tell(Reply::Fmt(Fmt { reader: 0, direction: 1, char_count: 4, chars }));
        let digits = vec![b'1', b'2', 0x7F, 0x0D];
        bench.reader.tell(Reply::Keypad(Keypad { reader: 0, digit_count: 4, digits }));
        let told = bench.turns(5);
        // The six bits after the 26th are none of the card's.
        let cards = [card(26, &[0xDE, 0xAD, 0xBE, 0xC0]), card(32, b"1234")];
        assert_eq!(told, [&cards[..], &[Told::Keys("12*#".into())]].concat());
        assert!(!format!("{told:?}").contains("12*#"), "keys are not printed");
    }
    let mut bench = Bench::new(panel(None, false), reader(None));
    let identity = DeviceEvent::Identity {
        model: Some("5C-26-23 model 2 version 1".into()),
        firmware: Some("1.4.12".into()),
    };
    assert_eq!(bench.turns(1), [Told::Event(identity)]);
}

#[test]
fn a_lost_reply_and_a_busy_reader_neither_lose_nor_double_a_card() {
    for key in [false, true] {
        for lose in 1..=3 {
            let mut bench = Bench::online(key);
            bench.reader.tell(raw(8, &[0x5A]));
            (bench.reader.faults.lose, bench.reader.faults.busy) = (lose, 2);
            assert_eq!(bench.turns(8), [card(8, &[0x5A])], "{lose} replies lost");
            assert!(bench.panel.is_online());
        }
    }
}

#[test]
fn noise_before_a_reply_and_a_checksum_instead_of_the_crc() {
    let mut bench = Bench::online(true);
    bench.reader.faults.noise = true;
    bench.reader.tell(raw(8, &[0x11]));
    assert_eq!(bench.turns(2), [card(8, &[0x11])]);

    let mut panel = panel(Some(site_key()), false);
    panel.settings.check = Check::Checksum;
    let mut bench = Bench::new(panel, reader(Some(KEY)));
    bench.reader.tell(raw(8, &[0x22]));
    let told = bench.turns(8);
    assert!(told.contains(&card(8, &[0x22])) && bench.reader.is_secure(), "{told:?}");
}

#[test]
fn lamp_and_buzzer_come_before_the_next_poll_and_only_the_latest() {
    for key in [false, true] {
        let mut bench = Bench::online(key);
        bench.panel.signal(Signal::Granted);
        bench.panel.signal(Signal::Refused);
        assert_eq!(bench.turns(2), []);
        let [Command::Led(lamp), Command::Buzzer(buzzer)] = bench.reader.signals() else {
            panic!("{:?}", bench.reader.signals());
        };
        let lamp = &lamp.records[0].temporary;
        assert_eq!((lamp.control, lamp.on_color.as_byte(), lamp.timer), (2, 1, 30));
        assert_eq!((buzzer.on_time, buzzer.count), (2, 3));
        bench.turns(3);
        assert_eq!(bench.reader.signals().len(), 2, "told once");
    }
}

#[test]
fn an_opened_housing_is_told_once_and_so_is_its_end() {
    let mut bench = Bench::online(true);
    bench.reader.set_tamper(true);
    bench.reader.set_tamper(true);
    bench.reader.set_tamper(false);
    assert_eq!(bench.turns(5), [Told::Tamper(true), Told::Tamper(false)]);
    bench.reader.set_tamper(true);
    bench.reader.restart();
    let told = bench.turns(8);
    assert!(told.contains(&Told::Tamper(true)), "found after a restart: {told:?}");
}

#[test]
fn a_reader_that_was_off_is_found_again() {
    for key in [false, true] {
        let mut bench = Bench::online(key);
        bench.reader.faults.silent = true;
        assert_eq!(bench.turns(12), [Told::Offline], "told once");
        let pause = bench.panel.due_at_ms() - bench.now_ms;
        assert_eq!(pause, PAUSE_MAX_MS, "a dead reader is asked seldom");
        bench.reader.faults.silent = false;
        bench.reader.tell(raw(8, &[0x33]));
        let told = bench.turns(7);
        assert!(told.ends_with(&[Told::Online { secure: key }, card(8, &[0x33])]), "{told:?}");
    }
}

#[test]
fn a_reader_that_was_never_there_is_told_once() {
    let mut bench = Bench::new(panel(None, false), reader(None));
    bench.reader.faults.silent = true;
    assert_eq!((bench.turns(2), bench.turns(10)), (vec![], vec![Told::Offline]));
}

#[test]
fn a_reader_that_restarted_between_two_polls_is_in_step_again() {
    let mut bench = Bench::online(true);
    bench.reader.restart();
    let told = bench.turns(8);
    assert_eq!(told.first(), Some(&Told::Offline));
    assert_eq!(told.last(), Some(&Told::Online { secure: true }));
}

#[test]
fn a_wrong_key_is_told_once_and_nothing_is_read() {
    let mut bench = Bench::new(panel(Some(site_key()), false), reader(Some(*b"of another site!")));
    bench.reader.tell(raw(8, &[0x44]));
    let told = bench.turns(20);
    let [Told::Event(_), Told::Trouble(why), rest @ ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*why, OsdpTrouble::KeyRefused);
    assert!(rest.iter().all(|told| matches!(told, Told::Event(DeviceEvent::Identity { .. }))));
    assert!(why.to_string().contains("install = true"));
}

#[test]
fn a_reader_that_wants_a_channel_is_not_polled_without_a_key() {
    let mut bench = Bench::new(panel(None, false), reader(Some(KEY)));
    let told = bench.turns(12);
    assert!(told.contains(&Told::Trouble(OsdpTrouble::KeyNeeded)), "{told:?}");
    assert!(!bench.panel.is_online());
}

#[test]
fn a_new_reader_takes_the_key_only_while_it_is_installed() {
    let fresh = || {
        let settings = ReaderSettings { address: 3, key: None, install: true, plain: true };
        ReaderDevice::new(settings)
    };
    let mut bench = Bench::new(panel(Some(site_key()), false), fresh());
    let told = bench.turns(12);
    assert!(told.contains(&Told::Trouble(OsdpTrouble::KeyRefused)), "{told:?}");
    assert_eq!(bench.reader.key(), None, "the common key is not used unasked");

    let mut bench = Bench::new(panel(Some(site_key()), true), fresh());
    bench.reader.tell(raw(8, &[0x55]));
    let told = bench.turns(18);
    assert_eq!(bench.reader.key(), Some(KEY));
    let at = |wanted: &Told| told.iter().position(|told| told == wanted);
    let (set, online) = (at(&Told::KeySet), at(&Told::Online { secure: true }));
    assert!(set.is_some() && set < online, "{told:?}");
    assert_eq!(told.last(), Some(&card(8, &[0x55])), "no card over the common key");

    let mut other = Bench::new(panel(Some(site_key()), true), reader(Some([7; 16])));
    let told = other.turns(20);
    assert!(told.contains(&Told::Trouble(OsdpTrouble::InstallRefused)), "{told:?}");
}

#[test]
fn what_has_no_fitting_mac_is_no_card() {
    let mut bench = Bench::online(true);
    bench.reader.faults.wrong_mac = true;
    bench.reader.tell(raw(8, &[0x66]));
    let told = bench.turns(1);
    assert_eq!(told, [Told::Offline, Told::Trouble(OsdpTrouble::Forged)]);

    // A plain card, well framed, in the place of the secured reply.
    let mut bench = Bench::online(true);
    let exchange = bench.turn();
    let next = bench.panel.ask([0; 8]);
    assert_ne!(next.request, exchange.request);
    let forged = plain_card(3, next.request[5] & 3);
    let range = next.expect.find(&forged).unwrap();
    let told = bench.panel.heard(&forged[range], 1);
    assert_eq!(told, [Told::Offline, Told::Trouble(OsdpTrouble::Forged)]);
}

fn plain_card(address: u8, sqn: u8) -> Vec<u8> {
    use osdp::packet::{Address, ControlByte, CtrlFlags, PacketBuilder};
    let ctrl = ControlByte::new(Sqn::new(sqn).unwrap(), CtrlFlags::USE_CRC);
    let data = raw(8, &[0x77]).encode_data().unwrap();
    PacketBuilder::plain(Address::reply(address).unwrap(), ctrl, 0x50, data).encode().unwrap()
}

#[test]
fn a_reply_is_found_at_every_split_and_only_the_asked_one() {
    let wanted = OsdpReply::new(3, Sqn::new(2).unwrap(), Check::Crc);
    let reply = plain_card(3, 2);
    let mut damaged = reply.clone();
    damaged[6] ^= 1;
    let over_long = [0x53, 0x83, 0xFF, 0xFF, 0x06];
    let before =
        [&[0x53, 0x83][..], &over_long, &damaged, &plain_card(4, 2), &plain_card(3, 1)].concat();
    let bytes = [&before[..], &reply].concat();
    for end in 0..bytes.len() {
        assert_eq!(wanted.find(&bytes[..end]), None, "{end} bytes");
    }
    let found = before.len()..bytes.len();
    assert_eq!(wanted.find(&bytes), Some(found.clone()));
    assert_eq!(wanted.find(&[&bytes[..], &[0x53, 0x00]].concat()), Some(found));
    for end in 0..reply.len() {
        assert_eq!(wanted.find(&reply[..end]), None);
    }
}

#[test]
fn questions_are_framed_as_the_standard_prints_them() {
    let mut panel = OsdpPanel::new(&profile(), Some(0), None, false).unwrap();
    let id = panel.ask([0; 8]);
    assert_eq!(id.request, [0xFF, 0x53, 0x00, 0x09, 0x00, 0x04, 0x61, 0x00, 0xC0, 0x66]);
    assert_eq!(panel.ask([0; 8]), id, "the same bytes until it is answered");
    panel.begin_anew(0);
    (panel.settings.check, panel.settings.mark) = (Check::Checksum, false);
    let id = panel.ask([0; 8]);
    assert_eq!(id.request, [0x53, 0x00, 0x08, 0x00, 0x00, 0x61, 0x00, 0x44]);
}

#[test]
fn addresses_keys_and_settings_that_cannot_be() {
    let made = |address, key, install| OsdpPanel::new(&profile(), address, key, install);
    assert_eq!(made(Some(127), None, false).unwrap_err(), OsdpSetupError::Address(127));
    assert_eq!(made(None, None, true).unwrap_err(), OsdpSetupError::InstallWithoutKey);
    let other = Profile::find("barrier/waveshare-modbus").unwrap();
    assert!(OsdpPanel::new(&other, None, None, false).is_err());
    assert!(!format!("{:?}", panel(Some(site_key()), false)).contains("97"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_panel_panic(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20),
        key: bool,
    ) {
        let mut bench = Bench::online(key);
        for chunk in chunks {
            let exchange = bench.panel.ask([1; 8]);
            if let Some(range) = exchange.expect.find(&chunk) {
                bench.panel.heard(&chunk[range], 1);
            }
            let _ = bench.panel.heard(&chunk, 2);
        }
    }

    #[test]
    fn any_data_in_a_sound_frame_is_taken(code: u8, data in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = replies::decode(code, &data).map(|reply| Bench::online(false).panel.report(&reply, code));
    }
}
