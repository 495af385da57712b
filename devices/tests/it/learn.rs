//! A stranger's message finds its profile.

use paifang_devices::{Stranger, learn::propose};

use crate::cases::CASES;

#[test]
fn the_right_profile_comes_first() {
    for case in CASES {
        let body = case.body();
        let found = propose(&case.stranger(&body));
        let first = found.first().unwrap_or_else(|| panic!("{}: none", case.file));
        assert_eq!(first.profile, case.profile, "{}: {found:?}", case.file);
        let silent = ["frigate-stats.json", "vzenith-http-snapshot.json", "hikvision-other.xml"];
        let sn = first.sn.clone().unwrap_or_default();
        if !silent.contains(&case.file) {
            assert!(sn.eq_ignore_ascii_case(case.sn), "{}: {sn:?}", case.file);
        }
    }
}

#[test]
fn it_says_what_it_understood() {
    let says = |file: &str| {
        let case = CASES.iter().find(|case| case.file == file).unwrap();
        let body = case.body();
        propose(&case.stranger(&body)).remove(0).says
    };
    assert_eq!(says("hikvision-anpr.multipart"), ["plate-read"]);
    assert_eq!(says("qianyi-register.json"), ["identity"]);
    assert_eq!(says("shelly-input.json"), ["input-changed"]);
    assert!(says("hikvision-other.xml").is_empty());
}

#[test]
fn nonsense_finds_nothing() {
    let nonsense: [&[u8]; 5] = [b"", b"hello", b"{}", b"\xFF\xFE\x00", b"<a><b></a>"];
    for body in nonsense {
        assert!(propose(&Stranger::Mqtt { topic: "home/lamp", payload: body }).is_empty());
        let http = Stranger::Http { path: "/", query: "", content_type: None, body };
        assert!(propose(&http).is_empty(), "{body:?}");
        assert!(propose(&Stranger::Serial { bytes: body }).is_empty());
    }
    let shown = format!("{:?}", Stranger::Mqtt { topic: "t", payload: b"pass_wd" });
    assert!(!shown.contains("pass_wd"), "{shown}");
}
