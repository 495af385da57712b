//! The exchange of files, with the other side played by the test.

use std::{sync::atomic::AtomicI64, sync::atomic::Ordering};

use super::*;
use crate::types::{Buyer, Currency, InvoiceFor, InvoiceId, Money, OrderId, RedOf};

struct Folder {
    path: PathBuf,
    files: FileExchange,
    /// Seconds that the wall clock is ahead of the files' times.
    ahead: Arc<AtomicI64>,
}

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("paifang-invoices-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let ahead = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&ahead);
        let seller = Seller {
            name: "湖畔停车".into(),
            tax_number: TaxNumber::parse("91110000802100433B").unwrap(),
            parking: Item { name: "停车费".into(), tax_rate: "9%".into() },
            tickets: Item { name: "门票".into(), tax_rate: "6%".into() },
            sales: Item { name: "商品".into(), tax_rate: "13%".into() },
        };
        #[expect(clippy::disallowed_methods, reason = "the files' times are the wall clock's")]
        let now =
            move || Timestamp::now() + SignedDuration::from_secs(clock.load(Ordering::Relaxed));
        let files = FileExchange::new(path.clone(), seller, Arc::new(now));
        Self { path, files, ahead }
    }

    fn ask(&self) -> InvoiceWord {
        self.files.ask_now(&asked())
    }

    fn answer(&self, text: &str) {
        fs::create_dir_all(self.path.join("in")).unwrap();
        fs::write(self.path.join("in/PFI12.json"), text).unwrap();
    }

    fn out(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path.join("out/PFI12.json")).unwrap()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn asked() -> InvoiceAsk {
    InvoiceAsk {
        sold: InvoiceFor::Parking,
        id: InvoiceId(12),
        number: "PFI12".into(),
        order: OrderId(9),
        amount: Money::new(1_250, Currency::Cny),
        buyer: Buyer::Company {
            name: "某某公司".into(),
            tax_number: TaxNumber::parse("91350100M000100Y43").unwrap(),
        },
        to: Contact::parse("a@b.cn"),
        made_at: "2026-11-23T01:00:00Z".parse().unwrap(),
        red_of: None,
    }
}

const ISSUED: &str = r#"{"number": "26312000000012345678", "link": "https://tax.example/x",
    "issued_at": "2026-11-23T01:02:03Z", "more": 1}"#;

#[test]
fn asked_once_it_waits_for_the_answer() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("asked");
    assert_eq!(folder.ask(), InvoiceWord::Waiting);
    let out = folder.out();
    for (field, value) in [
        ("number", "PFI12"),
        ("kind", "blue"),
        ("amount", "12.50"),
        ("currency", "CNY"),
        ("item", "停车费"),
        ("tax_rate", "9%"),
        ("email", "a@b.cn"),
    ] {
        assert_eq!(out[field], value, "{out}");
    }
    assert_eq!(out["buyer"]["tax_number"], "91350100M000100Y43");
    let about = fs::metadata(folder.path.join("out/PFI12.json")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
    // The other side may have taken note of the file: it is never written again.
    fs::write(folder.path.join("out/PFI12.json"), "{\"seen\": true}").unwrap();
    assert_eq!(folder.ask(), InvoiceWord::Waiting);
    assert_eq!(folder.out()["seen"], true);
    folder.answer(ISSUED);
    let at = "2026-11-23T01:02:03Z".parse().unwrap();
    let link = Some("https://tax.example/x".to_owned());
    let word = InvoiceWord::Issued { number: "26312000000012345678".into(), link, at };
    // However often it is asked, also after a start.
    assert_eq!((folder.ask(), folder.ask()), (word.clone(), word));
}

#[test]
fn a_write_cut_short_is_done_again() {
    let folder = Folder::new("cut");
    fs::create_dir_all(folder.path.join("out")).unwrap();
    fs::write(folder.path.join("out/PFI12.new"), "{\"numb").unwrap();
    assert_eq!(folder.ask(), InvoiceWord::Waiting);
    assert_eq!(folder.out()["number"], "PFI12");
    assert!(!folder.path.join("out/PFI12.new").exists());
}

#[test]
fn an_answer_before_the_request_counts() {
    let folder = Folder::new("before");
    folder.answer("{\"refused\": \" no such company \"}");
    assert_eq!(folder.ask(), InvoiceWord::Refused { why: "no such company".into() });
}

#[test]
fn bad_answers_are_put_aside_and_none_is_lost() {
    let folder = Folder::new("bad");
    folder.ask();
    let bad = [
        "",
        "{\"number\": \"26",
        "{}",
        "{\"number\": \"26\"}",
        "{\"number\": \"\", \"issued_at\": \"2026-11-23T01:02:03Z\"}",
        "{\"number\": \"2/6\", \"issued_at\": \"2026-11-23T01:02:03Z\"}",
        "{\"number\": \"26\", \"issued_at\": \"yesterday\"}",
        "{\"number\": \"26\", \"issued_at\": \"2026-11-23T01:02:03Z\", \"link\": \"javascript:x\"}",
        "{\"number\": \"26\", \"refused\": \"x\"}",
        "[1]",
    ];
    for (n, text) in bad.iter().enumerate() {
        folder.ahead.store(0, Ordering::Relaxed);
        folder.answer(text);
        assert_eq!(folder.ask(), InvoiceWord::Waiting, "half written, perhaps: {text}");
        folder.ahead.store(11, Ordering::Relaxed);
        let InvoiceWord::Nonsense { why } = folder.ask() else { panic!("{text}") };
        assert!(why.contains("in/PFI12.json") && why.contains("bad/"), "{why}");
        let kept = folder.path.join(format!("bad/PFI12-{}.json", n + 1));
        assert_eq!(fs::read_to_string(kept).unwrap(), *text);
        assert_eq!(folder.ask(), InvoiceWord::Waiting);
    }
    folder.answer(ISSUED);
    assert!(matches!(folder.ask(), InvoiceWord::Issued { .. }));
}

#[test]
fn a_folder_that_cannot_be_used_is_told() {
    let folder = Folder::new("file");
    fs::write(&folder.path, "in the way").unwrap();
    let InvoiceWord::Unreachable { why } = folder.ask() else { panic!("there is no folder") };
    assert!(why.contains("check the folder"), "{why}");
    fs::remove_file(&folder.path).unwrap();
}

#[test]
fn a_red_one_names_what_it_takes_back_and_old_requests_are_deleted() {
    let folder = Folder::new("red");
    let red_of = Some(RedOf { ours: "PFI3".into(), theirs: "2631".into() });
    let word = folder.files.ask_now(&InvoiceAsk { red_of, to: None, ..asked() });
    assert_eq!(word, InvoiceWord::Waiting);
    let out = folder.out();
    assert_eq!((&out["kind"], &out["red_of"]["theirs"]), (&"red".into(), &"2631".into()));
    assert!(out.get("email").is_none());
    let now = (folder.files.now)();
    folder.files.forget_now(now - SignedDuration::from_hours(24));
    assert!(folder.path.join("out/PFI12.json").exists());
    folder.files.forget_now(now + SignedDuration::from_hours(1));
    assert!(!folder.path.join("out/PFI12.json").exists());
}
