//! Messages cut short, too long, in wrong letters, with bytes changed: an error or less in the event,
//! never a panic, and nothing secret in what is printed.

use paifang_devices::{DecodeError, DeviceEvent, message::BODY_BYTES_MAX};
use proptest::prelude::*;

use crate::cases::{CASES, Case, Driver};

fn driver_of(file: &str) -> (Case, Driver) {
    let case = *CASES.iter().find(|case| case.file == file).unwrap();
    (case, case.driver())
}

#[test]
fn cut_at_every_byte() {
    for case in CASES {
        let (whole, fresh) = (case.body(), case.driver());
        let of_form = case.is("form");
        for cut in 1..whole.trim_ascii_end().len() {
            let heard = fresh.clone().hear(&whole[..cut]);
            // A form cut short is still a form; the end of the last boundary is two dashes.
            let may = of_form || case.is("multipart") && cut + 4 >= whole.len();
            assert!(may || heard.is_err(), "{} cut at {cut}: {heard:?}", case.file);
            let shown = format!("{heard:?}");
            assert!(!shown.contains("Pa55") && !shown.contains("A12345"), "{shown}");
        }
    }
}

#[test]
fn longer_than_allowed() {
    for case in CASES {
        let mut body = case.body();
        body.resize(BODY_BYTES_MAX + 1, b' ');
        let refused = case.driver().hear(&body);
        assert!(matches!(refused, Err(DecodeError::TooLarge { .. })), "{}: {refused:?}", case.file);
        body.pop();
        assert!(!matches!(case.driver().hear(&body), Err(DecodeError::TooLarge { .. })));
    }
}

#[test]
fn wrong_letters() {
    for case in CASES.iter().filter(|case| case.is("json")) {
        let mut body = case.body();
        let quote = body.iter().position(|b| *b == b'"').unwrap();
        body.insert(quote + 1, 0xC8);
        let refused = case.driver().hear(&body);
        assert!(matches!(refused, Err(DecodeError::Unreadable { .. })), "{}", case.file);
    }
    let (case, mut driver) = driver_of("hikvision-anpr-gbk.xml");
    let body = case.body();
    let undeclared: Vec<u8> =
        String::from_utf8_lossy(&body).replace("GB2312", "utf-8").into_bytes();
    assert!(driver.hear(&undeclared).is_ok(), "replaced letters are letters");
    let at = body.windows(6).position(|w| w == b"GB2312").unwrap();
    let mut raw = body.clone();
    raw.splice(at..at + 6, b"utf-8".iter().copied());
    assert!(matches!(driver.hear(&raw), Err(DecodeError::Unreadable { .. })));
}

#[test]
fn xml_that_would_burst() {
    let (_, mut driver) = driver_of("hikvision-anpr.xml");
    let deep = "<a>".repeat(100_000);
    let wide = format!("<a>{}</a>", "<b/>".repeat(100_000));
    let laughs = r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>"#;
    for body in [deep.as_str(), wide.as_str(), laughs, "<a></b>", "<a", "<a x=></a>", "</a>"] {
        let refused = driver.hear(body.as_bytes());
        assert!(refused.is_err(), "{}", body.chars().take(40).collect::<String>());
    }
}

#[test]
fn passwords_are_in_nothing_that_is_printed() {
    let (case, mut driver) = driver_of("vzenith-http-heartbeat.multipart");
    let body = case.body();
    let Driver::Http(push, path, content_type) = &mut driver else { panic!() };
    let request = paifang_devices::PushRequest {
        path,
        query: "pass_wd=Pa55",
        content_type: *content_type,
        body: &body,
    };
    let pushed = push.decode(&request, 0).unwrap();
    let reply = push.reply(&pushed, &[], 0).unwrap();
    let shown = format!("{request:?} {pushed:?} {reply:?} {push:?} {:?}", case.stranger(&body));
    assert!(!shown.contains("Pa55"), "{shown}");
    assert!(!String::from_utf8(reply.body).unwrap().contains("Pa55"));
}

#[test]
fn forms_in_parts_with_mistakes() {
    let (case, driver) = driver_of("vzenith-http-heartbeat.multipart");
    let text = String::from_utf8(case.body()).unwrap();
    let with = |from: &str, to: &str| driver.clone().hear(text.replace(from, to).as_bytes());
    assert_eq!(with("\r\n", "\n").unwrap().len(), 1, "lines of another system");
    assert!(with("------------7e91--", "").is_err(), "no end");
    assert!(with("------------7e91", "--other").is_err(), "another boundary");
    assert!(with("name=\"serialno\"", "").is_err(), "no name");
    let many = text.replacen("------------7e91--", &"------------7e91\r\n\r\nx\r\n".repeat(50), 1);
    assert!(driver.clone().hear(many.as_bytes()).is_err(), "endless parts");
    let long = format!("name=\"{}\"", "x".repeat(9000));
    assert!(with("name=\"port\"", &long).is_err(), "an endless header");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn changed_bytes_never_panic(
        which in 0..CASES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..12),
    ) {
        let case = CASES[which];
        let mut body = case.body();
        for (at, byte, kind) in changes {
            let at = at.index(body.len());
            match kind {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                _ if body.len() > 1 => { body.remove(at); }
                _ => {}
            }
        }
        let heard = case.driver().hear(&body);
        for event in heard.unwrap_or_default() {
            if let DeviceEvent::PlateRead(read) = event {
                prop_assert!(read.confidence.is_none_or(|c| c <= 100));
                prop_assert!(!read.event_id.is_empty());
            }
        }
        let _ = paifang_devices::learn::propose(&case.stranger(&body));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        which in 0..CASES.len(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = CASES[which].driver().hear(&bytes);
    }

    #[test]
    fn arbitrary_xml_and_forms_never_panic(
        which in 0..CASES.len(),
        text in "(<[a-z:]{1,4}( [a-z]=\"[^\"]{0,3}\")?/?>|</[a-z]{1,3}>|&[a-z#0-9]{0,3};|[a-z%+=&]{0,5}|\r\n--[a-z-]{0,4}){0,30}",
    ) {
        let _ = CASES[which].driver().hear(text.as_bytes());
    }
}
