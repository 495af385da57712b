//! Codes as they are made, altered, aged and shown to the wrong site; and read by programs of other hands.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use qrcode::{EcLevel, QrCode, Version};

use super::{code::encode, *};
use crate::{
    core::{
        presented::{Claims, Presented, Shown},
        rules::TicketRules,
        ticket::{Area, Medium, NotAdmitted, Ticket},
    },
    types::{Code, CodeDigest, TicketId, ZoneId},
};

const NOW: i64 = 1_795_500_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn site() -> SiteCode {
    SiteCode::of("PF Lakeside")
}

fn keys() -> TicketKeys {
    TicketKeys::of(&[1; 32], b"a secret", site()).unwrap()
}

fn ticket(id: i64, edition: u8, medium: Medium) -> Ticket {
    Ticket {
        id: TicketId(id),
        digest: CodeDigest::of("one"),
        persons: 3,
        used: 0,
        held: 0,
        valid_from: at(NOW),
        valid_until: at(NOW + 86_400),
        revoked: false,
        expired: false,
        made_at: at(NOW),
        made_by: "page".into(),
        revoked_by: String::new(),
        areas: vec![Area::new(ZoneId::parse("tower").unwrap(), None)],
        sold: None,
        edition,
        medium,
        visitor: None,
    }
}

fn rules() -> TicketRules {
    let areas = ["park", "tower"].map(|name| ZoneId::parse(name).unwrap());
    TicketRules { areas: areas.to_vec(), ..TicketRules::default() }
}

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_code_says_what_its_ticket_is() {
    let code = keys().code(&ticket(7, 2, Medium::Any), &rules());
    assert_eq!(code.len(), CODE_CHARS);
    let Presented::Signed(claims, Shown::Still, short) =
        keys().read(&format!(" {code}\r\n"), at(NOW))
    else {
        panic!("it is good");
    };
    assert_eq!(short, Code::parse(&keys().short_code(TicketId(7), 2)).unwrap().digest());
    assert_eq!((claims.ticket, claims.edition, claims.persons), (TicketId(7), 2, 3));
    assert_eq!((claims.valid_from, claims.valid_until), (at(NOW), at(NOW + 86_400)));
    assert_eq!((claims.areas, claims.product, claims.medium), (0b10, 0, Medium::Any));
    assert_eq!(keys().read(&code.to_lowercase(), at(NOW)), keys().read(&code, at(NOW)));
}

#[test]
fn the_part_that_changes_dies_within_a_minute() {
    let (keys, ticket) = (keys(), ticket(7, 0, Medium::Phone));
    let seed = keys.seed(ticket.id, ticket.edition);
    let begin = NOW / STEP_S * STEP_S;
    let shown = format!("{}{}", keys.code(&ticket, &rules()), part(&seed, at(begin)));
    let read = |seconds: i64| keys.read(&shown, at(begin + seconds));
    assert!(matches!(read(0), Presented::Signed(_, Shown::Changing, _)));
    assert!(matches!(read(44), Presented::Signed(_, Shown::Changing, _)));
    assert_eq!(read(45), Presented::Bad(NotAdmitted::PictureOld(1)));
    assert_eq!(read(600), Presented::Bad(NotAdmitted::PictureOld(10)));
    assert_eq!(read(-180), Presented::Bad(NotAdmitted::ClockAhead(3)));
    let other = keys.seed(TicketId(8), 0);
    let lent = format!("{}{}", keys.code(&ticket, &rules()), part(&other, at(begin)));
    assert_eq!(keys.read(&lent, at(begin)), Presented::Bad(NotAdmitted::Forged));
}

/// One letter altered, one missing, one too many: nothing of it is taken, and nothing panics.
#[test]
fn whatever_is_altered_is_refused() {
    let keys = keys();
    let code = keys.code(&ticket(7, 0, Medium::Any), &rules());
    for place in 0..code.len() {
        for letter in ["0", "Z", ":", " ", "é"] {
            let mut altered = code.clone();
            altered.replace_range(place..=place, letter);
            if altered != code {
                let read = keys.read(&altered, at(NOW));
                assert!(!matches!(read, Presented::Signed(..)), "{place} {letter:?}: {read:?}");
            }
        }
        assert_eq!(keys.read(&code[..place], at(NOW)), {
            let cut = &code[..place];
            match Code::parse(cut) {
                _ if is_signed(cut) => Presented::Bad(NotAdmitted::Unreadable),
                Ok(short) => Presented::Code(short.digest()),
                Err(_) => Presented::Bad(NotAdmitted::Unreadable),
            }
        });
    }
    for bad in [format!("{code}0"), code.repeat(2), "PT1".repeat(1_400), "PT1".into()] {
        assert_eq!(keys.read(&bad, at(NOW)), Presented::Bad(NotAdmitted::Unreadable));
    }
}

#[test]
fn others_codes_are_told_apart() {
    let mine = keys().code(&ticket(7, 0, Medium::Any), &rules());
    let read = |private: u8, site: SiteCode| {
        TicketKeys::of(&[private; 32], b"a secret", site).unwrap().read(&mine, at(NOW))
    };
    assert!(matches!(read(1, site()), Presented::Signed(..)));
    assert_eq!(read(2, site()), Presented::Bad(NotAdmitted::Forged));
    assert_eq!(read(1, SiteCode::of("elsewhere")), Presented::Bad(NotAdmitted::OtherSite));
}

#[test]
fn keys_are_made_once_kept_closed_and_rotated_with_overlap() {
    let folder = Folder::new("ticket-keys");
    let first = TicketKeys::open(&folder.0, site()).unwrap();
    let old = first.code(&ticket(7, 0, Medium::Paper), &rules());
    let again = TicketKeys::open(&folder.0, site()).unwrap();
    assert_eq!(again.code(&ticket(7, 0, Medium::Paper), &rules()), old, "the same key");
    assert_eq!(again.short_code(TicketId(7), 0), first.short_code(TicketId(7), 0));
    assert_ne!(again.short_code(TicketId(7), 1), first.short_code(TicketId(7), 0));
    for entry in fs::read_dir(&folder.0).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    assert_eq!(again.rotate(at(NOW), Duration::from_hours(24)).unwrap(), 2);
    let fresh = again.code(&ticket(7, 0, Medium::Paper), &rules());
    assert_ne!(fresh, old);
    assert!(matches!(first.read(&fresh, at(NOW)), Presented::Bad(NotAdmitted::Forged)));
    first.refresh().unwrap();
    let day = 86_400;
    for (code, when, good) in [(&old, day, true), (&old, day + 1, false), (&fresh, day + 1, true)] {
        let read = first.read(code, at(NOW + when));
        assert_eq!(matches!(read, Presented::Signed(..)), good, "{read:?}");
    }
    assert_eq!(first.read(&old, at(NOW + day + 1)), Presented::Bad(NotAdmitted::KeyRetired));
    fs::remove_file(folder.0.join("key-1.json")).unwrap();
    first.refresh().unwrap();
    assert_eq!(first.read(&old, at(NOW)), Presented::Bad(NotAdmitted::KeyRetired));

    let exported = serde_json::to_string(&first.public()).unwrap();
    assert!(!exported.contains("private"));
    let verifier = Verifier::new(&serde_json::from_str(&exported).unwrap()).unwrap();
    assert_eq!(verifier.verify(&fresh, at(NOW)).unwrap().claims.ticket, TicketId(7));

    let key = folder.0.join("key-2.json");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(first.refresh(), Err(TicketKeyError::Open { .. })));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "{}").unwrap();
    assert!(matches!(first.refresh(), Err(TicketKeyError::Damaged { .. })));
    assert!(matches!(first.read(&fresh, at(NOW)), Presented::Signed(..)), "what was read stays");
}

/// The same bytes always give the same code: codes on paper outlive the program that made them.
#[test]
fn a_known_key_signs_a_known_code() {
    let code = keys().code(&ticket(7, 2, Medium::Paper), &rules());
    assert_eq!(code, KNOWN);
    assert_eq!(keys().short_code(TicketId(7), 2), "29T41-3Y82N");
    assert_eq!(part(&[7; 16], at(NOW)), "YJF55M:$F");
}

const KNOWN: &str = "PT1W50*$DYE7000000700JB03006A0*1K500AAKHB0D10LAD9B32J4RCJD$9A399WER6IH-2$39A:B2TBGNT7VKDYLO\
    0GE82J46-PIRU1:*PS77HP8FKN1MECHG5XO$OV1AKJ4PE8K50";

#[test]
fn a_code_and_what_changes_fit_version_6_and_are_read_by_other_hands() {
    let (keys, ticket) = (keys(), ticket(i64::MAX >> 16, u8::MAX, Medium::Phone));
    let text = keys.code(&ticket, &rules());
    for text in [text.clone(), text + &part(&keys.seed(ticket.id, 255), at(NOW))] {
        let qr = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap();
        assert!(matches!(qr.version(), Version::Normal(..=6)), "{:?}", qr.version());
        assert!(seen(&qr).is_none_or(|seen| seen == text));
    }
}

/// What zbarimg sees. `None`: it is not installed.
fn seen(qr: &QrCode) -> Option<String> {
    let (width, dots) = (qr.width() + 8, 4);
    let dark = |x: usize, y: usize| {
        let at = |n: usize| n.checked_sub(4).filter(|n| *n < qr.width());
        at(x).zip(at(y)).is_some_and(|at| qr[at] == qrcode::Color::Dark)
    };
    let mut picture = format!("P5 {0} {0} 255\n", width * dots).into_bytes();
    for y in 0..width * dots {
        picture.extend((0..width * dots).map(|x| if dark(x / dots, y / dots) { 0 } else { 255 }));
    }
    let file = std::env::temp_dir().join(format!("paifang-ticket-{}.pgm", std::process::id()));
    fs::write(&file, picture).unwrap();
    let told = Command::new("zbarimg").args(["--raw", "-q"]).arg(&file).output();
    fs::remove_file(&file).unwrap();
    let Ok(told) = told else {
        eprintln!("left out: zbarimg is not installed");
        return None;
    };
    Some(String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// Makes and checks codes after the description alone, with other libraries.
const OTHER_HANDS: &str = r#"
import hashlib, hmac, struct, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

def letters(raw):
    out = ""
    for i in range(0, len(raw), 2):
        n = int.from_bytes(raw[i:i + 2], "big")
        for _ in range(len(raw[i:i + 2]) + 1):
            out += LETTERS[n % 45]
            n //= 45
    return out

def raw(text):
    out = b""
    for i in range(0, len(text), 3):
        part = text[i:i + 3]
        n = sum(LETTERS.index(c) * 45 ** k for k, c in enumerate(part))
        out += n.to_bytes(len(part) - 1, "big")
    return out

code, site, step, now = sys.stdin.read().split("\n")[:4]
key = Ed25519PrivateKey.from_private_bytes(bytes([1] * 32))
data = raw(code[3:140])
key.public_key().verify(data[27:], data[:27])
ticket = int.from_bytes(data[6:12], "big")
print(data[0], data[1], data[2:6].hex() == hashlib.sha256(site.encode()).digest()[:4].hex(), ticket,
      *struct.unpack(">BBHI", data[12:20]), int.from_bytes(data[20:23], "big"), *struct.unpack(">HH", data[23:27]))
seed = hmac.digest(b"a secret", b"ticket" + struct.pack(">qB", ticket, data[12]), "sha256")[:16]
n = int(now) // int(step)
changing = letters(struct.pack(">H", n & 0xffff) + hmac.digest(seed, struct.pack(">q", n), "sha256")[:4])
mine = struct.pack(">BB", 1, 1) + data[2:6] + (99).to_bytes(6, "big") + struct.pack(">BBHI", 4, 2, 5, 29925000) \
    + (60).to_bytes(3, "big") + struct.pack(">HH", 3, 9)
print(changing)
print("PT1" + letters(mine + key.sign(mine)))
"#;

#[test]
fn codes_are_the_same_by_other_hands() {
    #[expect(clippy::disallowed_methods, reason = "a gate of this test, no setting")]
    let Ok(python) = std::env::var("PAIFANG_PYTHON") else {
        eprintln!("left out: PAIFANG_PYTHON names no Python with cryptography");
        return;
    };
    let (keys, ticket) = (keys(), ticket(7, 2, Medium::Any));
    let code = keys.code(&ticket, &rules());
    let mut other = Command::new(python)
        .args(["-c", OTHER_HANDS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let told = format!("{code}\nPF Lakeside\n{STEP_S}\n{NOW}\n");
    other.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
    let said = other.wait_with_output().unwrap();
    assert!(said.status.success(), "it does not verify what we signed");
    let said = String::from_utf8(said.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], format!("1 1 True 7 2 0 3 {} 1440 2 0", NOW / 60));
    assert_eq!(lines[1], part(&keys.seed(ticket.id, 2), at(NOW)));
    let Presented::Signed(claims, Shown::Still, _) = keys.read(lines[2], at(NOW)) else {
        panic!("what others sign with our key is good");
    };
    let valid_from = at(29_925_000 * 60);
    let expected = Claims {
        ticket: TicketId(99),
        edition: 4,
        medium: Medium::Paper,
        persons: 5,
        valid_from,
        valid_until: valid_from + SignedDuration::from_mins(60),
        areas: 3,
        product: 9,
    };
    assert_eq!(claims, expected);
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let medium = prop_oneof![Just(Medium::Any), Just(Medium::Phone), Just(Medium::Paper)];
    let times = (0_i64..1 << 31, 0_i64..1 << 24);
    let rest = (0_i64..1 << 48, any::<u8>(), medium, any::<u16>(), any::<u16>(), any::<u16>());
    (times, rest).prop_map(|((from, long), (ticket, edition, medium, persons, areas, product))| {
        Claims {
            ticket: TicketId(ticket),
            edition,
            medium,
            persons,
            valid_from: at(from * 60),
            valid_until: at((from + long) * 60),
            areas,
            product,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn claims_come_back(claims in any_claims(), site in any::<u32>(), key in any::<u8>()) {
        let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let text = encode(&claims, SiteCode(site), key, &pair);
        let code = decode(&text).unwrap();
        prop_assert_eq!((code.claims, code.site, code.key), (claims, SiteCode(site), key));
    }

    #[test]
    fn any_text_is_read_as_something(text in "(PT1)?[ -~]{0,200}") {
        prop_assert!(!matches!(keys().read(&text, at(NOW)), Presented::Signed(..)));
    }
}
