//! The bodies of the fuzz targets: bytes in, every decoder of one family run over them, what must hold
//! asserted. Compiled here for the fuzzer and, by its path, in a test of `devices` for the seeds.

#[path = "../../sim/src/wire/reader/device.rs"]
#[allow(dead_code, unreachable_pub)]
mod device;

use std::sync::LazyLock;

use osdp::reply::{Reply, ReplyCode};
use paifang_devices::{
    CardPanel, DeviceEvent, Expect, HttpPush, IdCardPanel, JsonMqtt, LotTurnstile, OsdpPanel,
    Profile, Protocol, PushRequest, RelayBoard, ScanReader, Stranger, Way,
    escpos::{Answers, Ask, Escpos},
    id_card,
    learn::propose,
    led_aa55, led_olm,
    osdp::{Signal, SiteKey, Told},
    relay_board, turnstile_lot,
    words::SCAN_CHARS_MAX,
};

use device::{ReaderDevice, ReaderSettings};

const NOW_MS: i64 = 1_795_000_000_000;
const SN: &str = "7d20e1ab-03c94f6e";

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| Profile::load_all().unwrap());

/// Drivers as they are when the daemon starts: reading a profile takes far longer than a message.
static MQTT: LazyLock<Vec<JsonMqtt>> = LazyLock::new(|| {
    profiles(Protocol::JsonMqtt).into_iter().map(|one| JsonMqtt::new(one, SN).unwrap()).collect()
});
static HTTP: LazyLock<Vec<HttpPush>> = LazyLock::new(|| {
    profiles(Protocol::HttpPush)
        .into_iter()
        .map(|one| HttpPush::new(one, Some(SN)).unwrap())
        .collect()
});
static SCANNERS: LazyLock<[Vec<ScanReader>; 2]> = LazyLock::new(|| {
    [Protocol::AsciiScanner, Protocol::Reader55Aa].map(|protocol| {
        profiles(protocol).into_iter().map(|one| ScanReader::new(one).unwrap()).collect()
    })
});
static TURNSTILE: LazyLock<LotTurnstile> =
    LazyLock::new(|| LotTurnstile::new(one(Protocol::LotTurnstile), None).unwrap());
static BOARD: LazyLock<RelayBoard> =
    LazyLock::new(|| RelayBoard::new(one(Protocol::ModbusRelay), None).unwrap());

/// Learning reads every profile anew, a hundred times as long as all else: the fuzzer leaves out most
/// of it, by the bytes themselves so that a finding repeats.
#[allow(dead_code)] // only the fuzzer leaves out
pub fn is_left_out(data: &[u8]) -> bool {
    data.first() == Some(&LEARN) && !crc(data).is_multiple_of(64)
}

/// First byte of what no profile is picked for.
const LEARN: u8 = u8::MAX;

fn profiles(protocol: Protocol) -> Vec<&'static Profile> {
    PROFILES.iter().filter(|profile| profile.protocol == protocol).collect()
}

/// MQTT: byte 0 picks the profile (beyond the last: learning), then the topic up to a line feed, then
/// the payload, which is told twice, as brokers do.
pub fn messages(data: &[u8]) {
    let Some((&pick, rest)) = data.split_first() else { return };
    let cut = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(topic) = std::str::from_utf8(&rest[..cut]) else { return };
    let payload = rest.get(cut + 1..).unwrap_or_default();
    if pick == LEARN {
        let _ = propose(&Stranger::Mqtt { topic, payload });
        return;
    }
    let mut driver = MQTT[usize::from(pick) % MQTT.len()].clone();
    let _ = driver.is_for(topic, payload);
    let first = driver.decode(topic, payload, NOW_MS);
    let _ = driver.decode(topic, payload, NOW_MS + 1);
    if let Ok(heard) = first {
        heard.events.iter().for_each(sound);
    }
}

/// HTTP: byte 0 picks the profile (beyond the last: learning), byte 1 the content type, then path and
/// query up to a line feed, then the body.
pub fn http_bodies(data: &[u8]) {
    let [pick, kind, rest @ ..] = data else { return };
    let cut = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let Ok(target) = std::str::from_utf8(&rest[..cut]) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = rest.get(cut + 1..).unwrap_or_default();
    let content_type = CONTENT_TYPES[usize::from(*kind) % CONTENT_TYPES.len()];
    if *pick == LEARN {
        let _ = propose(&Stranger::Http { path, query, content_type, body });
        return;
    }
    let mut driver = HTTP[usize::from(*pick) % HTTP.len()].clone();
    let request = PushRequest { path, query, content_type, body };
    if let Ok(pushed) = driver.decode(&request, NOW_MS) {
        pushed.events.iter().for_each(sound);
        let _ = driver.reply(&pushed, &[], NOW_MS);
    }
    if let Some(call) = driver.position_call() {
        let _ = driver.answered(&call, 200, body);
    }
}

const CONTENT_TYPES: [Option<&str>; 7] = [
    None,
    Some("application/json"),
    Some("application/xml; charset=\"UTF-8\""),
    Some("text/xml; charset=gb2312"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=x"),
    Some("multipart/form-data; boundary=\"---7d8\""),
];

/// Serial: byte 0 picks the device, byte 1 the size of the pieces it comes in.
pub fn serial(data: &[u8]) {
    let [pick, size, bytes @ ..] = data else { return };
    let size = usize::from(*size).max(1);
    if *pick == LEARN {
        let _ = propose(&Stranger::Serial { bytes });
        return;
    }
    match pick % 5 {
        0 => modbus(bytes),
        1 => displays(bytes),
        2 => printer(bytes),
        kind => scanner(&SCANNERS[usize::from(kind) - 3], bytes, size),
    }
}

fn modbus(bytes: &[u8]) {
    let (turnstile, board) = (&*TURNSTILE, &*BOARD);
    let asked = [
        turnstile.grant(Way::In),
        turnstile.read_counter(Way::Out),
        turnstile.read_state(Way::In),
        board.pulse(1, 500).unwrap(),
        board.read_inputs(8).unwrap(),
    ];
    for asked in asked {
        let Some(range) = found(&asked.expect, bytes) else { continue };
        let reply = &bytes[range];
        let _ = relay_board::accepted(&asked, reply);
        let _ = relay_board::states(&asked, reply);
        let _ = turnstile_lot::counter(&asked, reply);
        let _ = turnstile_lot::state(&asked, reply);
        let _ = turnstile_lot::accepted(&asked, reply);
    }
}

fn found(expect: &Expect, bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let range = expect.find(bytes)?;
    assert_eq!(expect.find(&bytes[range.clone()]), Some(0..range.len()), "a part finds itself");
    Some(range)
}

fn displays(bytes: &[u8]) {
    let _ = led_olm::parse(bytes);
    let _ = led_aa55::parse(bytes);
    let mut rest = bytes;
    while let Some((_, used)) = led_aa55::scan(rest) {
        assert!(used > 0 && used <= rest.len(), "a frame is as long as it says");
        rest = &rest[used..];
    }
}

fn printer(bytes: &[u8]) {
    let mut answers = Answers::default();
    let asks: Vec<Ask> = Escpos::asks().into_iter().chain([Ask::InOrder]).collect();
    for (piece, ask) in bytes.chunks(4).zip(asks.into_iter().cycle()) {
        if let Some(byte) = ask.answer(piece) {
            answers.take(ask, byte);
        }
    }
    let _ = answers.state().fault();
}

fn scanner(readers: &[ScanReader], bytes: &[u8], size: usize) {
    for reader in readers {
        let mut reader = reader.clone();
        let mut now_ms = 0;
        for piece in bytes.chunks(size) {
            reader.feed(piece, now_ms).iter().for_each(sound);
            now_ms += i64::from(piece[0]);
            if reader.wake_at_ms().is_some_and(|at| at <= now_ms) {
                reader.idle(now_ms).iter().for_each(sound);
            }
        }
        reader.idle(now_ms + 60_000).iter().for_each(sound);
        let _ = reader.faults();
    }
}

/// OSDP: byte 0 says whether there is a key, whether it is installed and who is at the other end; then
/// pieces, each with its length before it.
pub fn osdp(data: &[u8]) {
    let Some((&mode, mut rest)) = data.split_first() else { return };
    let mut bench = OsdpBench::new(mode);
    while let Some((&len, more)) = rest.split_first() {
        let (piece, more) = more.split_at(usize::from(len).min(more.len()));
        rest = more;
        bench.turn(mode, piece);
    }
}

/// Readers of identity cards: byte 0 says whether the pieces are framed (bit 0) and begin with a head (bit 1); then
/// pieces, each with its length in two bytes before it, so that a card's text and picture fit into one.
pub fn id_card(data: &[u8]) {
    let Some((&mode, mut rest)) = data.split_first() else { return };
    let (mut panel, mut now_ms) = (IdCardPanel::new(one(Protocol::IdCard)).unwrap(), 0);
    while let Some((len, more)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*len)).min(more.len());
        let (piece, more) = more.split_at(len);
        rest = more;
        let exchange = panel.ask([0; 8]);
        assert_eq!(panel.ask([1; 8]), exchange, "the same question until it is answered");
        let step = id_card::question(&exchange.request).expect("one of the three questions");
        let bytes = match mode & 3 {
            1 => id_card::frame(piece),
            2 => [&ID_HEAD[..], piece].concat(),
            _ => piece.to_vec(),
        };
        now_ms = panel.due_at_ms().max(now_ms);
        let told = match found(&exchange.expect, &bytes) {
            Some(range) => panel.heard(&bytes[range], now_ms),
            None => panel.unheard(now_ms),
        };
        for told in &told {
            // A number comes out of the third answer alone, and has a shape.
            if let Told::Event(event) = told {
                assert_eq!(step, id_card::Step::Read, "{event:?}");
                sound(event);
            }
        }
        assert!(panel.due_at_ms() >= now_ms, "a question that is due before it was answered");
    }
}

/// What every frame of theirs begins with.
const ID_HEAD: [u8; 5] = [0xAA, 0xAA, 0xAA, 0x96, 0x69];

struct OsdpBench {
    panel: OsdpPanel,
    reader: ReaderDevice,
    now_ms: i64,
    /// Cards that the reader was given to tell.
    given: usize,
    taken: usize,
}

const KEY: [u8; 16] = *b"a key for a site";

impl OsdpBench {
    fn new(mode: u8) -> Self {
        let key =
            (mode & 1 == 1).then(|| "61206b657920666f7220612073697465".parse::<SiteKey>().unwrap());
        let install = mode & 2 == 2 && key.is_some();
        let known = (mode & 1 == 1 && !install).then_some(KEY);
        let settings = ReaderSettings { address: 3, key: known, install, plain: mode & 1 == 0 };
        Self {
            panel: OsdpPanel::new(one(Protocol::Osdp), Some(3), key, install).unwrap(),
            reader: ReaderDevice::new(settings),
            now_ms: 0,
            given: 0,
            taken: 0,
        }
    }

    fn turn(&mut self, mode: u8, piece: &[u8]) {
        self.now_ms = self.panel.due_at_ms().max(self.now_ms);
        let exchange = self.panel.ask([7; 8]);
        assert_eq!(self.panel.ask([8; 8]), exchange, "the same question until it is answered");
        let bytes = match mode >> 2 & 3 {
            0 => framed(piece, exchange.request[5] & 3),
            1 => piece.to_vec(),
            _ => self.reply_of_reader(&exchange.request[1..], piece),
        };
        let told = match found(&exchange.expect, &bytes) {
            Some(range) => self.panel.heard(&bytes[range], self.now_ms),
            None => self.panel.unheard(self.now_ms),
        };
        for told in told {
            match told {
                Told::Event(event) => {
                    sound(&event);
                    self.taken += usize::from(matches!(event, DeviceEvent::CardRead { .. }));
                }
                Told::Online { secure } => assert_eq!(secure, mode & 1 == 1),
                _ => {}
            }
        }
        // Over the channel there is no card but the reader's.
        assert!(mode & 1 == 0 || self.taken <= self.given, "a card out of nothing");
        if mode & 64 == 64 {
            self.panel.signal(Signal::Granted);
        }
    }

    /// The piece is a reply to tell (first byte even) or damage to the reader's own reply (odd).
    fn reply_of_reader(&mut self, question: &[u8], piece: &[u8]) -> Vec<u8> {
        let mut damage: &[u8] = &[];
        match piece {
            [kind, code, data @ ..] if kind & 1 == 0 => {
                let reply = ReplyCode::from_byte(*code).ok();
                if let Some(reply) = reply.and_then(|code| Reply::decode(code, data).ok()) {
                    self.given += usize::from(matches!(reply, Reply::Raw(_) | Reply::Fmt(_)));
                    self.reader.tell(reply);
                }
            }
            [_, rest @ ..] => damage = rest,
            [] => self.reader.faults.lose = 1,
        }
        let mut bytes = self.reader.hear(question).unwrap_or_default();
        for (byte, damage) in bytes.iter_mut().zip(damage) {
            *byte ^= damage;
        }
        if !damage.is_empty() && bytes.len() > 2 {
            let end = bytes.len() - 2;
            let crc = crc(&bytes[..end]);
            bytes[end..].copy_from_slice(&crc.to_le_bytes());
        }
        bytes
    }
}

/// A reply with the right head and CRC around `piece`: control bits (of its first byte), security
/// block, code and data.
fn framed(piece: &[u8], sqn: u8) -> Vec<u8> {
    let Some((&control, rest)) = piece.split_first() else { return Vec::new() };
    let len = rest.len() + 7;
    let mut frame = vec![0x53, 0x83, len as u8, (len >> 8) as u8, sqn | 4 | (control & 8)];
    frame.extend_from_slice(rest);
    let crc = crc(&frame);
    frame.extend_from_slice(&crc.to_le_bytes());
    frame
}

/// Without a checksum of our own making nothing would get past the first look.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x1D0F_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

fn one(protocol: Protocol) -> &'static Profile {
    profiles(protocol)[0]
}

/// What every event promises.
fn sound(event: &DeviceEvent) {
    match event {
        DeviceEvent::Scanned { text } => {
            assert!((1..=SCAN_CHARS_MAX).contains(&text.chars().count()), "{text:?}");
        }
        DeviceEvent::CardRead { bits, data } => {
            assert_eq!(data.len(), usize::from(*bits).div_ceil(8));
            assert!(*bits > 0);
        }
        DeviceEvent::PlateRead(read) => {
            assert!(read.confidence.is_none_or(|confidence| confidence <= 100));
            assert_ne!(read.plate.as_deref(), Some(""));
        }
        DeviceEvent::CommandReply { text, .. } => assert!(text.chars().count() <= 200),
        DeviceEvent::Identity { model, firmware } => {
            let short =
                |text: &Option<String>| text.as_ref().is_none_or(|t| t.chars().count() <= 80);
            assert!(short(model) && short(firmware));
        }
        _ => {}
    }
}
