//! Tests of the module `scan_reader` and of the framings under it.

use proptest::prelude::*;

use super::*;
use crate::{reader_55aa, scanner::Tail};

fn settings(tail: Tail) -> ScannerSettings {
    let profile = Profile::find("scanner/gm65-serial").unwrap();
    let settings: ScannerSettings = profile.settings(Protocol::AsciiScanner).unwrap();
    ScannerSettings { tail, ..settings }
}

fn with_tail(tail: Tail) -> ScanReader {
    ScanReader::text(&settings(tail))
}

fn named(profile: &str) -> ScanReader {
    ScanReader::new(&Profile::find(profile).unwrap()).unwrap()
}

fn codes(events: Vec<DeviceEvent>) -> Vec<String> {
    let code = |event| match event {
        DeviceEvent::Scanned { text } => text,
        other => panic!("{other:?} is no code"),
    };
    events.into_iter().map(code).collect()
}

/// Each piece at its time, then a long silence.
fn heard(reader: &mut ScanReader, pieces: &[(&[u8], i64)]) -> Vec<DeviceEvent> {
    let mut events = Vec::new();
    for (bytes, at_ms) in pieces {
        events.extend(reader.feed(bytes, *at_ms));
    }
    let end_ms = pieces.last().map_or(0, |(_, at_ms)| at_ms + 10_000);
    events.extend(reader.idle(end_ms));
    assert_eq!(reader.wake_at_ms(), None, "nothing waits after a silence");
    events
}

#[test]
fn every_tail_at_every_split_point() {
    let rows: [(Tail, &[u8]); 9] = [
        (Tail::Cr, b"PF1:AB C\rPF2\r"),
        (Tail::Lf, b"PF1:AB C\nPF2\n"),
        (Tail::CrLf, b"PF1:AB C\r\nPF2\r\n"),
        (Tail::Tab, b"PF1:AB C\tPF2\t"),
        (Tail::Any, b"PF1:AB C\rPF2\r"),
        (Tail::Any, b"PF1:AB C\r\nPF2\n"),
        (Tail::Any, b"PF1:AB C\tPF2"),
        // Set to CR, sends CR LF: the line feed belongs to nothing.
        (Tail::Cr, b"PF1:AB C\r\nPF2\r\n"),
        (Tail::None, b"PF1:AB C"),
    ];
    for (tail, stream) in rows {
        let wanted: &[&str] = if tail == Tail::None { &["PF1:AB C"] } else { &["PF1:AB C", "PF2"] };
        for cut in 0..=stream.len() {
            let (head, rest) = stream.split_at(cut);
            let mut reader = with_tail(tail);
            let events = heard(&mut reader, &[(head, 0), (rest, 10)]);
            assert_eq!(codes(events), wanted, "{tail:?} cut at {cut}");
            assert_eq!(reader.faults(), [], "{tail:?} cut at {cut}");
        }
    }
}

#[test]
fn a_pause_ends_a_code_or_shows_that_its_tail_is_lost() {
    for (tail, code_is_told) in [(Tail::Any, true), (Tail::None, true), (Tail::CrLf, false)] {
        let mut reader = with_tail(tail);
        assert_eq!(reader.feed(b"PF1", 1_000), []);
        assert_eq!(reader.wake_at_ms(), Some(1_080));
        assert_eq!(reader.idle(1_079), []);
        let told = codes(reader.idle(1_080));
        assert_eq!((told.len(), reader.wake_at_ms()), (usize::from(code_is_told), None));
        let faults: &[ScanFault] = if code_is_told { &[] } else { &[ScanFault::Cut] };
        assert_eq!(reader.faults(), faults);
        // Nobody called idle: the next bytes come long after all the same.
        let mut reader = with_tail(tail);
        reader.feed(b"HALF", 0);
        let told = codes(heard(&mut reader, &[(b"WHOLE\r\n", 5_000)]));
        assert_eq!(told.last().unwrap(), "WHOLE", "not glued to what came before");
    }
}

#[test]
fn an_over_long_code_is_dropped_whole_and_told_once() {
    let long = "7".repeat(5_000);
    for (tail, end) in [(Tail::Any, "\r"), (Tail::CrLf, "\r\n"), (Tail::Cr, "\r")] {
        let mut reader = with_tail(tail);
        let stream = format!("{long}{end}PF1{end}");
        let events: Vec<_> =
            stream.as_bytes().chunks(100).flat_map(|piece| reader.feed(piece, 0)).collect();
        assert_eq!(codes(events), ["PF1"], "{tail:?}");
        assert_eq!(reader.faults(), [ScanFault::TooLong]);
    }
    let mut reader = with_tail(Tail::None);
    assert_eq!(heard(&mut reader, &[(long.as_bytes(), 0)]), []);
    assert_eq!(reader.faults(), [ScanFault::TooLong]);
    assert_eq!(codes(heard(&mut reader, &[(b"PF1", 20_000)])), ["PF1"]);
    let just = "x".repeat(SCAN_CHARS_MAX);
    let one_more = format!("{just}x\r");
    assert_eq!(codes(reader.feed(just.as_bytes(), 40_000)), [""; 0]);
    assert_eq!(codes(reader.idle(41_000)), [just]);
    assert_eq!(with_tail(Tail::Cr).feed(one_more.as_bytes(), 0), []);
}

#[test]
fn what_is_no_text_is_no_code() {
    for bytes in [&b"PF\xFF1\r"[..], b"P\x01F\r", b"\xE4\xBD\r", b"P\0F\r"] {
        let mut reader = with_tail(Tail::Cr);
        let events = [reader.feed(bytes, 0), reader.feed(b"PF2\r", 1)].concat();
        assert_eq!(codes(events), ["PF2"]);
        assert_eq!(reader.faults(), [ScanFault::NotText], "{bytes:?}");
    }
    let chinese = "门票-1".as_bytes();
    assert_eq!(codes(heard(&mut with_tail(Tail::Any), &[(chinese, 0)])), ["门票-1"]);
    let gbk: &[u8] = b"\xC3\xC5\xC6\xB1-1\r";
    assert_eq!(codes(named("scanner/vguang-serial").feed(gbk, 0)), ["门票-1"]);
    let mut reader = named("scanner/vguang-serial");
    assert_eq!(reader.feed(b"\xC3\r", 0), []);
    assert_eq!(reader.faults(), [ScanFault::NotText], "half a character of GBK");
}

#[test]
fn prefix_and_suffix_are_taken_off_and_asked_for() {
    let own = settings(Tail::Cr);
    let own = ScannerSettings { prefix: "]Q1".into(), suffix: "#".into(), ..own };
    let mut reader = ScanReader::text(&own);
    assert_eq!(codes(reader.feed(b"]Q1PF1#\rPF2\r]Q1#\r", 0)), ["PF1"]);
    assert_eq!(reader.faults(), [ScanFault::Unmarked, ScanFault::Unmarked]);
}

#[test]
fn a_code_held_there_is_told_once() {
    let mut reader = with_tail(Tail::Cr);
    let mut told = |text: &[u8], at_ms| reader.feed(text, at_ms).len();
    assert_eq!(told(b"A\r", 0), 1);
    for at_ms in (500..20_000).step_by(500) {
        assert_eq!(told(b"A\r", at_ms), 0, "the window follows it");
    }
    assert_eq!(told(b"B\r", 19_600), 1, "another code is another");
    assert_eq!(told(b"A\rB\r", 20_000), 0, "two held together");
    assert_eq!(told(b"A\r", 22_000), 1, "gone for two seconds");
    assert_eq!(told(b"A\r", -500_000), 1, "a clock set back silences nothing for long");
}

#[test]
fn answers_to_commands_are_no_codes() {
    let reply = [0x02, 0x00, 0x00, 0x01, 0x00, 0x33, 0x31];
    let done = DeviceEvent::CommandReply { id: String::new(), accepted: true, text: "00".into() };
    let code = |text: &str| DeviceEvent::Scanned { text: text.into() };
    let stream = [b"PF1\r", &reply[..], b"PF2\r", &reply[..3], &reply[3..]].concat();
    for cut in 0..=stream.len() {
        let mut reader = named("scanner/gm65-serial");
        let events = heard(&mut reader, &[(&stream[..cut], 0), (&stream[cut..], 5)]);
        assert_eq!(events, [code("PF1"), done.clone(), code("PF2"), done.clone()], "cut at {cut}");
    }
    // In the middle of a code, and with a body that holds a tail.
    let mut reader = named("scanner/gm65-serial");
    let other = [2, 0, 1, 1, b'\r', 0xAB, 0xCD];
    let events = reader.feed(&[b"PF", &other[..], b"3\r"].concat(), 0);
    let refused =
        DeviceEvent::CommandReply { id: String::new(), accepted: false, text: "0d".into() };
    assert_eq!(events, [refused, code("PF3")]);
    let mut damaged = reply;
    damaged[4] = 7;
    assert_eq!(reader.feed(&damaged, 10), []);
    assert_eq!(reader.feed(b"\x02PF4\r", 20), [], "a control character spoils a code");
    assert_eq!(reader.feed(&reply[..4], 30), []);
    assert_eq!(codes(reader.feed(b"PF5\r", 900)), ["PF5"], "a cut answer is forgotten");
    assert_eq!(reader.faults(), [ScanFault::Damaged, ScanFault::NotText, ScanFault::Cut]);
    // A scanner that takes no commands has no answers either.
    let mut reader = named("scanner/ascii-generic");
    assert_eq!(reader.feed(&reply, 0), []);
    assert!(reader.commands().is_none());
}

#[test]
fn commands_are_the_published_ones() {
    let gm65 = named("scanner/gm65-serial").commands().unwrap();
    assert_eq!(gm65.trigger(), [0x7E, 0, 8, 1, 0, 2, 1, 0xAB, 0xCD]);
    assert_eq!(gm65.save(), [0x7E, 0, 9, 1, 0, 0, 0, 0xDE, 0xC8]);
    assert_eq!(gm65.set(0x0060, 1)[..7], [0x7E, 0, 8, 1, 0, 0x60, 1]);
}

#[test]
fn a_heart_beat_is_a_sign_of_life() {
    let mut reader = named("scanner/vguang-serial");
    let alive = DeviceEvent::KeepAlive { clock_ms: None };
    for at_ms in [0, 500] {
        let events = reader.feed(b"www.vguang.cn\r\n", at_ms);
        assert_eq!(events, std::slice::from_ref(&alive), "not a repeated code");
    }
    assert_eq!(codes(named("scanner/ascii-generic").feed(b"www.vguang.cn\r", 0)).len(), 1);
}

#[test]
fn frames_at_every_split_point_behind_garbage() {
    let frame = reader_55aa::report(0x30, 0, b"PF1:AB");
    let stream = [&[0x55, 0x00, 0xAA, 0x55][..], &frame].concat();
    for cut in 0..=stream.len() {
        let mut reader = named("scanner/cr08-55aa");
        let events = heard(&mut reader, &[(&stream[..cut], 0), (&stream[cut..], 50)]);
        assert_eq!(codes(events), ["PF1:AB"], "cut at {cut}");
        assert_eq!(reader.faults(), []);
    }
    for i in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[i] ^= 0x20;
        let mut reader = named("scanner/cr08-55aa");
        let pieces = [(&damaged[..], 0), (&frame[..], 1_000)];
        let events = heard(&mut reader, &pieces);
        assert_eq!(codes(events), ["PF1:AB"], "behind damaged byte {i}");
    }
}

#[test]
fn frames_that_are_no_codes() {
    let mut reader = named("scanner/cr08-55aa");
    let long = reader_55aa::report(0x30, 0, &[b'7'; 9_000]);
    let good = reader_55aa::report(0x30, 0, b"PF1");
    assert_eq!(codes(reader.feed(&[long, good.clone()].concat(), 0)), ["PF1"]);
    assert_eq!(reader.faults(), [ScanFault::TooLong], "told once, and what is in it is no frame");
    assert_eq!(reader.feed(&reader_55aa::report(0x30, 0, b"\xFF"), 10), []);
    assert_eq!(reader.faults(), [ScanFault::NotText]);
    let refusal = reader.feed(&reader_55aa::report(0x04, 1, b""), 20);
    let id = String::new();
    assert_eq!(refusal, [DeviceEvent::CommandReply { id, accepted: false, text: "04".into() }]);
    // A head out of noise claims 255 bytes; the frame behind it is found once the line is silent.
    let noise = [0x55, 0xAA, 0x30, 0x00, 0xFF, 0x00];
    let events = heard(&mut reader, &[(&noise, 5_000), (&good, 5_010)]);
    assert_eq!(codes(events), ["PF1"]);
    assert_eq!(reader.faults(), [ScanFault::Cut]);
    assert_eq!(reader_55aa::command(0x04, &[1]), [0x55, 0xAA, 4, 1, 0, 1, 0xFB]);
}

#[test]
fn the_profile_must_be_a_scanners() {
    assert!(ScanReader::new(&Profile::find("display/olm-led").unwrap()).is_err());
}

fn any_reader() -> impl Strategy<Value = ScanReader> {
    let tails = [Tail::Cr, Tail::Lf, Tail::CrLf, Tail::Tab, Tail::None, Tail::Any];
    let text = prop::sample::select(tails.to_vec()).prop_map(with_tail);
    prop_oneof![text, Just(named("scanner/cr08-55aa")), Just(named("scanner/vguang-serial"))]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_codes_are_bounded(
        mut reader in any_reader(),
        pieces in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0i64..500), 0..12),
    ) {
        let mut now_ms = 0;
        for (bytes, pause_ms) in pieces {
            now_ms += pause_ms;
            for event in reader.feed(&bytes, now_ms) {
                if let DeviceEvent::Scanned { text } = event {
                    prop_assert!((1..=SCAN_CHARS_MAX).contains(&text.chars().count()));
                    prop_assert!(!text.chars().any(char::is_control));
                }
            }
        }
        reader.idle(now_ms + 10_000);
        prop_assert_eq!(reader.wake_at_ms(), None);
    }

    #[test]
    fn any_text_comes_through(text in "[A-Z0-9 $%*+./:-]{1,154}", cut in 0usize..154) {
        let stream = format!("{text}\r");
        let (head, rest) = stream.as_bytes().split_at(cut.min(stream.len()));
        let mut reader = with_tail(Tail::Any);
        let events = heard(&mut reader, &[(head, 0), (rest, 10)]);
        prop_assert_eq!(codes(events), [text]);
    }
}
