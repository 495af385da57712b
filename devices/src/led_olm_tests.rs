//! Tests of the module `led_olm`.

use proptest::prelude::*;

use super::*;

fn board() -> OlmLed {
    OlmLed::new(&Profile::find("display/olm-led").unwrap()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split(' ').map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn monday() -> CivilTime {
    CivilTime { year: 2026, month: 11, day: 23, hour: 9, minute: 30, second: 0 }
}

#[test]
fn frames_match_byte_for_byte() {
    let board = board();
    let lines: [Line<'_>; 2] = ["粤B12345".into(), "欢迎光临".into()];
    let rows = [
        (
            OlmLed::speak("欢迎光临,请入场停车", SpeakMode::QueueAndPlay),
            "00 64 FF FF 30 14 01 BB B6 D3 AD B9 E2 C1 D9 2C C7 EB C8 EB B3 A1 CD A3 B3 B5 A9 36",
        ),
        (
            OlmLed::speak("粤B12345,欢迎光临", SpeakMode::QueueAndPlay),
            "00 64 FF FF 30 12 01 D4 C1 42 31 32 33 34 35 2C BB B6 D3 AD B9 E2 C1 D9 6A 91",
        ),
        (OlmLed::volume(50), "00 64 FF FF 0D 01 32 26 A2"),
        (OlmLed::stop_voice(), "00 64 FF FF 31 00 64 67"),
        (OlmLed::brightness(80), "00 64 FF FF 0C 01 50 F6 8B"),
        (OlmLed::set_time(monday()), "00 64 FF FF 05 07 1A 0B 17 09 1E 00 01 66 15"),
        (
            board.show(&lines, None),
            "00 64 FF FF 6F 2F 00 00 02 \
             00 00 00 05 00 03 00 FF FF FF 00 08 D4 C1 42 31 32 33 34 35 0D \
             01 00 00 05 00 03 00 FF FF FF 00 08 BB B6 D3 AD B9 E2 C1 D9 00 \
             0A 00 89 63",
        ),
    ];
    for (frame, published) in rows {
        assert_eq!(frame, bytes(published));
    }
}

#[test]
fn published_frames_of_other_commands_are_read() {
    let hello = bytes("00 64 FF FF 3F 10 40 00 00 00 48 65 6C 6C 6F 20 77 6F 72 6C 64 21 EA 28");
    let Ok(Message::Other(0x3F, data)) = parse(&hello) else { panic!("not read") };
    assert_eq!(&data[4..], b"Hello world!");
    let digits = parse(&bytes("00 64 FF FF 00 06 31 35 39 37 35 33 FB 06"));
    assert_eq!(digits, Ok(Message::Other(0x00, b"159753".to_vec())));
}

#[test]
fn what_is_written_is_read_back() {
    let board = board();
    let lines: [Line<'_>; 3] =
        ["京A12345".into(), "请缴费 15.00元".into(), Line { text: "", color: Some([255, 0, 0]) }];
    let show = |lines: &[&str], voice: &str| Message::Show {
        lines: lines.iter().map(ToString::to_string).collect(),
        voice: voice.into(),
    };
    let rows = [
        (board.show(&lines, Some("请缴费")), show(&["京A12345", "请缴费 15.00元", ""], "请缴费")),
        (board.show(&[], None), show(&[], "")),
        (OlmLed::speak("", SpeakMode::Now), Message::Speak(2, String::new())),
        (OlmLed::stop_voice(), Message::StopVoice),
        (OlmLed::volume(250), Message::Volume(100)),
        (OlmLed::brightness(0), Message::Brightness(10)),
        (OlmLed::set_time(monday()), Message::SetTime([26, 11, 23, 9, 30, 0, 1])),
    ];
    for (frame, message) in rows {
        assert_eq!(parse(&frame), Ok(message));
    }
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(gbk("车牌", 3), gbk("车", 2));
    assert_eq!(gbk("A车", 2), b"A");
    assert_eq!(gbk("车", 1), b"");
    let (board, long) = (board(), "停".repeat(300));
    let lines = vec![Line::from(long.as_str()); 9];
    let Ok(Message::Show { lines, voice }) = parse(&board.show(&lines, Some(&long))) else {
        panic!("not read")
    };
    assert_eq!(lines.len(), usize::from(board.settings().lines));
    for line in &lines {
        assert_eq!(line.len() / 3, usize::from(board.settings().line_bytes_max / 2));
    }
    assert!(voice.chars().all(|c| c == '停'), "no half character at the end");
    let Ok(Message::Speak(0, spoken)) = parse(&OlmLed::speak(&long, SpeakMode::Queue)) else {
        panic!("not read")
    };
    assert_eq!(spoken.chars().count(), 127);
}

#[test]
fn what_gbk_lacks_and_control_characters_are_replaced() {
    assert_eq!(gbk("🚗한é", 9), b"??\xA8\xA6");
    assert_eq!(gbk("a\r\n\0b", 9), b"a   b");
}

#[test]
fn bytes_that_are_no_frame() {
    let frame = OlmLed::volume(50);
    for cut in 0..frame.len() {
        assert_eq!(parse(&frame[..cut]), Err(FrameError::Short), "cut at {cut}");
        assert_eq!(scan(&frame[..cut]), None);
    }
    for i in 0..frame.len() {
        let mut damaged = frame.clone();
        damaged[i] ^= 0x04;
        assert!(parse(&damaged).is_err(), "byte {i} damaged and not seen");
        let stream = [damaged, frame.clone()].concat();
        let found = scan(&stream);
        assert_eq!(found, Some((Message::Volume(50), stream.len())), "behind damaged byte {i}");
    }
    let longer = [frame.as_slice(), &[0]].concat();
    assert_eq!(parse(&longer), Err(FrameError::Checksum));
    assert_eq!(parse(&super::frame(VOLUME, &[101])), Err(FrameError::Data(VOLUME)));
    assert_eq!(parse(&super::frame(LINES, &[0, 0, 1, 0x0A, 0])), Err(FrameError::Data(LINES)));
}

#[test]
fn the_profile_must_fit() {
    let other = Profile::find("barrier/waveshare-modbus").unwrap();
    assert!(OlmLed::new(&other).is_err());
}

proptest! {
    #[test]
    fn any_text_fits_a_frame(a in ".*", b in ".*", voice in ".*") {
        let frame = board().show(&[a.as_str().into(), b.as_str().into()], Some(&voice));
        let is_show = matches!(parse(&frame), Ok(Message::Show { .. }));
        prop_assert!(is_show);
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        data in prop::collection::vec(any::<u8>(), 0..255),
    ) {
        let _ = (parse(&bytes), scan(&bytes), message(LINES, &data));
    }
}
