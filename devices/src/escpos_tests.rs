//! Tests of the module `escpos`.

use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;

fn printer() -> Escpos {
    Escpos::new(&Profile::find("printer/escpos-tcp").unwrap()).unwrap()
}

fn without_qr() -> Escpos {
    let settings = EscposSettings { native_qr: false, ..printer().settings };
    Escpos { settings }
}

fn of(block: Block) -> Document {
    Document { blocks: vec![block] }
}

fn holds(stream: &[u8], piece: &[u8]) -> bool {
    stream.windows(piece.len()).any(|window| window == piece)
}

#[test]
fn a_qr_code_is_the_published_one() {
    let block = Block::Qr { text: "T2026112300001".into(), module_dots: 6 };
    let stream = printer().encode(&of(block)).unwrap();
    let published = "1D 28 6B 04 00 31 41 32 00 1D 28 6B 03 00 31 43 06 1D 28 6B 03 00 31 45 31 \
        1D 28 6B 11 00 31 50 30 54 32 30 32 36 31 31 32 33 30 30 30 30 31 1D 28 6B 03 00 31 51 30";
    let published: Vec<u8> =
        published.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    assert!(holds(&stream, &published));
    assert_eq!(stream[..4], [0x1B, 0x40, 0x1C, 0x26], "put back, Chinese on");
}

#[test]
fn text_is_gb18030_and_cannot_command() {
    let mut document = Document::default();
    document.text("停车费 京A12345", Size::Double, Align::Center, true).line("\x1B@\n🚗");
    document.push(Block::Feed(3)).push(Block::Cut);
    let stream = printer().encode(&document).unwrap();
    let head = [0x1B, b'a', 1, 0x1D, b'!', 0x11, 0x1B, b'E', 1];
    let text = GB18030.encode("停车费 京A12345\n").0.into_owned();
    assert!(holds(&stream, &[&head[..], &text].concat()));
    let plain = [0x1B, b'a', 0, 0x1D, b'!', 0, 0x1B, b'E', 0];
    let other = GB18030.encode(" @ 🚗\n").0.into_owned();
    assert!(holds(&stream, &[&plain[..], &other].concat()));
    assert!(stream.ends_with(&[0x1B, b'd', 3, 0x1D, b'V', 66, 0]));
}

#[test]
fn a_printer_without_qr_gets_a_picture() {
    let block = Block::Qr { text: "PF".into(), module_dots: 3 };
    let stream = without_qr().encode(&of(block)).unwrap();
    let at = stream.windows(4).position(|window| window == [0x1D, b'v', b'0', 0]).unwrap();
    // Version 1 is 21 modules, 4 more on each side, 3 dots each: 87 dots, 11 bytes.
    assert_eq!(stream[at + 4..at + 8], [11, 0, 87, 0]);
    assert_eq!(stream.len(), at + 8 + 11 * 87 + 1);
    let row = |y: usize| &stream[at + 8 + y * 11..][..11];
    assert_eq!(row(11), [0; 11], "the quiet zone is white");
    // The finder pattern: seven dark modules behind four white ones, 21 dots behind 12.
    assert_eq!(row(12)[..4], [0x00, 0x0F, 0xFF, 0xFF]);
    assert_eq!(row(12)[4] & 0xF0, 0x80, "and three white ones");
}

#[test]
fn codes_that_fit_no_paper_are_refused() {
    for one in [printer(), without_qr()] {
        let qr = |text: String, module_dots| one.encode(&of(Block::Qr { text, module_dots }));
        assert_eq!(qr(String::new(), 4), Err(DocumentError::QrLength(0)));
        assert_eq!(qr("x".repeat(513), 1), Err(DocumentError::QrLength(513)));
        assert!(matches!(qr("x".repeat(200), 16), Err(DocumentError::QrWidth { .. })));
        assert!(qr("x".repeat(300), 3).is_ok());
    }
}

#[test]
fn answers_are_told_from_noise() {
    let rows = [
        (Ask::Printer, &[0x16_u8][..], Some(0x16)),
        (Ask::Printer, &[0x11, 0x13, 0xFF, 0x00, 0x12], Some(0x12)),
        (Ask::Paper, &[0x72], Some(0x72)),
        (Ask::Paper, &[0x00, 0x80, 0x92], None),
        (Ask::InOrder, &[0x12, 0x00], Some(0x00)),
        (Ask::InOrder, &[], None),
    ];
    for (ask, bytes, answer) in rows {
        assert_eq!(ask.answer(bytes), answer, "{ask:?} of {bytes:?}");
    }
    assert_eq!(Ask::Paper.request(), [0x10, 0x04, 4]);
}

#[test]
fn what_the_printer_says_of_itself() {
    let state = |said: &[(Ask, u8)]| {
        let mut answers = Answers::default();
        said.iter().for_each(|(ask, byte)| answers.take(*ask, *byte));
        assert_eq!(answers.answered(), said.len());
        answers.state()
    };
    let well = [
        (Ask::InOrder, 0x00),
        (Ask::Printer, 0x16),
        (Ask::Offline, 0x12),
        (Ask::Error, 0x12),
        (Ask::Paper, 0x12),
    ];
    assert_eq!((state(&well).paper, state(&well).fault()), (Paper::Present, None));
    let rows = [
        ((Ask::Paper, 0x1E), Paper::NearEnd, None),
        ((Ask::InOrder, 0x03), Paper::NearEnd, None),
        ((Ask::InOrder, 0x0C), Paper::Out, Some(Fault::PaperOut)),
        ((Ask::Paper, 0x7E), Paper::Out, Some(Fault::PaperOut)),
        ((Ask::Offline, 0x32), Paper::Out, Some(Fault::PaperOut)),
        ((Ask::Offline, 0x16), Paper::Present, Some(Fault::CoverOpen)),
        ((Ask::Offline, 0x52), Paper::Present, Some(Fault::Broken)),
        ((Ask::Error, 0x1A), Paper::Present, Some(Fault::Broken)),
        ((Ask::Printer, 0x1A), Paper::Present, Some(Fault::Offline)),
    ];
    for (ill, paper, fault) in rows {
        let said: Vec<_> = well.map(|one| if one.0 == ill.0 { ill } else { one }).to_vec();
        assert_eq!((state(&said).paper, state(&said).fault()), (paper, fault), "{ill:?}");
    }
    assert_eq!(state(&[]).paper, Paper::Unknown, "silence says nothing");
}

#[test]
fn the_profile_must_fit() {
    assert!(Escpos::new(&Profile::find("display/olm-led").unwrap()).is_err());
    assert_eq!(printer().asks_after().len(), 5);
}

proptest! {
    #[test]
    fn any_document_is_encoded_or_refused(texts in prop::collection::vec(".{0,80}", 0..6), dots in any::<u8>()) {
        let mut document = Document::default();
        for text in &texts {
            document.line(text.as_str());
            document.push(Block::Qr { text: text.clone(), module_dots: dots });
        }
        for one in [printer(), without_qr()] {
            let _ = one.encode(&document);
        }
    }

    #[test]
    fn any_answer_is_understood(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut answers = Answers::default();
        for ask in printer().asks_after() {
            if let Some(byte) = ask.answer(&bytes) {
                answers.take(ask, byte);
            }
        }
        let _ = answers.state().fault();
    }
}
