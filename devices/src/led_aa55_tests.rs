//! Tests of the module `led_aa55`.

use proptest::prelude::*;

use super::*;

fn board() -> Aa55Led {
    Aa55Led::new(&Profile::find("display/aa55-led").unwrap()).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split(' ').map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn flash(line: u8, text: &str) -> Message {
    Message::FlashText(line, text.into())
}

#[test]
fn published_frames_are_read() {
    let text = Message::Text { line: 1, seconds: 10, color: 1, text: "B2884SCP".into() };
    let rows = [
        ("AA 55 00 64 00 13 00 01 0A 76 2E AF", 0, Message::Light(10)),
        ("AA 55 00 64 00 27 00 0C 01 0A 01 00 42 32 38 38 34 53 43 50 36 C9 AF", 0, text),
        ("AA 55 05 64 00 11 00 09 01 BB B6 D3 AD B9 E2 C1 D9 95 17 AF", 5, flash(1, "欢迎光临")),
        ("AA 55 06 64 00 11 00 09 02 B3 B5 C5 C6 CA B6 B1 F0 1C D7 AF", 6, flash(2, "车牌识别")),
        ("AA 55 00 64 00 11 00 09 02 B3 B5 C5 C6 CA B6 B1 F0 BD 34 AF", 0, flash(2, "车牌识别")),
        ("AA 55 00 64 00 11 00 02 02 33 B3 63 AF", 0, flash(2, "3")),
        ("AA 55 0E 64 00 11 00 02 02 33 46 02 AF", 14, flash(2, "3")),
        ("AA 55 00 64 00 11 00 09 03 D2 BB B3 B5 D2 BB B8 CB DB B7 AF", 0, flash(3, "一车一杆")),
        ("AA 55 00 64 00 01 00 00 0D 58 AF", 0, Message::Heartbeat),
        (
            "AA 55 00 64 00 22 00 08 BB B6 D3 AD B9 E2 C1 D9 37 DF AF",
            0,
            Message::Speak("欢迎光临".into()),
        ),
        ("AA 55 00 64 00 F0 00 01 05 26 08 AF", 0, Message::Volume(5)),
    ];
    for (hex, sequence, message) in rows {
        let frame = bytes(hex);
        assert_eq!(parse(&frame), Ok((sequence, message)), "{hex}");
        assert_eq!(super::frame(sequence, frame[5], &frame[8..frame.len() - 3]), frame);
    }
}

#[test]
fn frames_match_byte_for_byte_and_are_counted() {
    let plate = Line { text: "B2884SCP", color: Some([255, 0, 0]) };
    let frames = board().show(&[plate], None);
    let published = "AA 55 00 64 00 27 00 0C 01 0A 01 00 42 32 38 38 34 53 43 50 36 C9 AF";
    assert_eq!(frames, [bytes(published)]);
    assert_eq!(board().light(10), bytes("AA 55 00 64 00 13 00 01 0A 76 2E AF"));
    assert_eq!(board().heartbeat(), bytes("AA 55 00 64 00 01 00 00 0D 58 AF"));
    assert_eq!(board().volume(5), bytes("AA 55 00 64 00 F0 00 01 05 26 08 AF"));
    let voice = "AA 55 00 64 00 22 00 08 BB B6 D3 AD B9 E2 C1 D9 37 DF AF";
    assert_eq!(board().speak("欢迎光临"), bytes(voice));
    let mut board = board();
    let sequences: Vec<u8> = (0..300).map(|_| board.heartbeat()[2]).collect();
    assert_eq!((sequences[0], sequences[255], sequences[256]), (0, 255, 0));
}

#[test]
fn what_is_shown_is_read_back_line_by_line() {
    let mut board = board();
    let color = |color| Some(color);
    let lines = [
        Line { text: "京A12345", color: color([255, 0, 0]) },
        Line { text: "请缴费 15元🚗", color: color([0, 255, 0]) },
        Line { text: "a\r\nb", color: color([255, 160, 0]) },
        Line::from("停"),
        Line::from("beyond the panel"),
    ];
    let frames = board.show(&lines, Some("请缴费"));
    let said: Vec<_> = frames.iter().map(|frame| parse(frame).unwrap()).collect();
    let text =
        |line, color, text: &str| Message::Text { line, seconds: 10, color, text: text.into() };
    let wanted = [
        (0, text(1, 1, "京A12345")),
        (1, text(2, 2, "请缴费 15元?")),
        (2, text(3, 3, "a  b")),
        (3, text(4, 3, "停")),
        (4, Message::Speak("请缴费".into())),
    ];
    assert_eq!(said, wanted);
}

#[test]
fn bytes_that_are_no_frame() {
    let good = board().volume(5);
    for cut in 0..good.len() {
        assert_eq!(parse(&good[..cut]), Err(FrameError::Short), "cut at {cut}");
        assert_eq!(scan(&good[..cut]), None);
    }
    for i in 0..good.len() {
        let mut damaged = good.clone();
        damaged[i] ^= 0x08;
        assert!(parse(&damaged).is_err(), "byte {i} damaged and not seen");
        let stream = [&[0xAA, 0x00][..], &damaged, &good].concat();
        let found = scan(&stream);
        assert_eq!(found, Some(((0, Message::Volume(5)), stream.len())), "behind byte {i}");
    }
    assert_eq!(parse(&[&good[..], &[0]].concat()), Err(FrameError::Checksum));
    assert_eq!(parse(&super::frame(0, VOLUME, &[5, 5])), Err(FrameError::Data(VOLUME)));
    assert_eq!(parse(&super::frame(0, TEXT, &[9, 1, 1, 0])), Err(FrameError::Data(TEXT)));
    assert_eq!(parse(&super::frame(0, VOICE, &[0x41; 256])), Err(FrameError::Long));
    assert_eq!(parse(&[0xAA, 0x55, 0, 0x65]), Err(FrameError::Head));
    let half = parse(&super::frame(0, VOICE, &[0xBB])).unwrap().1;
    assert_eq!(half, Message::Speak("\u{FFFD}".into()), "half a character of GBK");
}

#[test]
fn the_profile_must_fit() {
    assert!(Aa55Led::new(&Profile::find("display/olm-led").unwrap()).is_err());
}

proptest! {
    #[test]
    fn any_text_fits_its_frames(text in ".*", voice in ".*") {
        for frame in board().show(&[text.as_str().into()], Some(&voice)) {
            prop_assert!(parse(&frame).is_ok());
            prop_assert_ne!(frame[5], FLASH_TEXT);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        command in any::<u8>(),
        data in prop::collection::vec(any::<u8>(), 0..255),
    ) {
        let _ = (parse(&bytes), scan(&bytes), message(command, &data));
        let headed = [&HEAD[..], &[0], &ADDRESS, &bytes].concat();
        let _ = (parse(&headed), scan(&headed));
    }
}
