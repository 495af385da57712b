//! The daemon's channels of the wallets against their simulated gateways, over real HTTP on this machine: every call and
//! every fault.

use std::sync::Arc;

use jiff::tz;
use paifang::{
    bank::{
        AgreementAsk, AgreementWord, Ask, Channel, Departure, Letter, NotifyError, PayWay, Word,
        alipay::{Alipay, AlipaySettings, Reverse},
        statement::{StatementError, What},
        wechat::{Wechat, WechatSettings},
    },
    types::{Plate, PlateColour},
};
use paifang_sim::bank::{
    Book, Faults, PlateAgreement, State, alipay::AlipayGateway, wechat::WechatGateway,
};

use crate::support::{Folder, KEYS, OTHER_KEYS, Site, cny, eventually, is_unknown, wall_clock};

const PLATE: &str = "京A12345";
const NOWHERE: &str = "http://127.0.0.1:9/notify";

fn agreement(known: Option<&str>) -> AgreementAsk {
    AgreementAsk {
        plate: Plate::parse(PLATE).unwrap(),
        colour: Some(PlateColour::Blue),
        stay_no: "PFS7".to_owned(),
        entered_at: "2026-11-23T02:00:00.750Z".parse().unwrap(),
        amount: known.map(|_| cny(1250)),
        known: known.map(str::to_owned),
    }
}

fn charge(out_trade_no: &str, agreement: Option<&str>) -> Ask {
    Ask::Charge {
        out_trade_no: out_trade_no.to_owned(),
        amount: cny(1250),
        subject: "停车费".to_owned(),
        plate: Plate::parse(PLATE).unwrap(),
        agreement: agreement.map(str::to_owned),
        entered_at: "2026-11-23T02:00:00.750Z".parse().unwrap(),
        left_at: "2026-11-23T03:30:10Z".parse().unwrap(),
        asked_at: wall_clock(),
    }
}

fn query() -> Ask {
    Ask::Query { out_trade_no: "P1".to_owned(), way: PayWay::Plate }
}

fn reverse() -> Ask {
    Ask::Reverse { out_trade_no: "P1".to_owned(), way: PayWay::Plate }
}

fn refund(no: &str, minor: i64) -> Ask {
    Ask::Refund {
        out_trade_no: "P1".to_owned(),
        refund_no: no.to_owned(),
        amount: cny(minor),
        paid: cny(1250),
        way: PayWay::Plate,
    }
}

fn is_paid(word: &Word) -> bool {
    matches!(word, Word::Paid { amount, .. } if *amount == cny(1250))
}

/// One wallet with a channel that talks to it.
enum Gate {
    Wechat(WechatGateway),
    Alipay(AlipayGateway),
}

impl Gate {
    fn set(&self, faults: Faults) {
        match self {
            Self::Wechat(gateway) => gateway.set_faults(faults),
            Self::Alipay(gateway) => gateway.set_faults(faults),
        }
    }

    fn bind(&self, agreement: Option<PlateAgreement>) {
        match self {
            Self::Wechat(gateway) => gateway.bind_plate(PLATE, agreement),
            Self::Alipay(gateway) => gateway.bind_plate(PLATE, agreement),
        }
    }

    fn books(&self) -> Vec<Book> {
        match self {
            Self::Wechat(gateway) => gateway.books(),
            Self::Alipay(gateway) => gateway.books(),
        }
    }

    fn collect_now(&self) -> bool {
        match self {
            Self::Wechat(gateway) => gateway.collect_now("P1"),
            Self::Alipay(gateway) => gateway.collect_now("P1"),
        }
    }

    fn notices_waiting(&self) -> usize {
        match self {
            Self::Wechat(gateway) => gateway.notices_waiting(),
            Self::Alipay(gateway) => gateway.notices_waiting(),
        }
    }
}

struct Pair {
    gate: Gate,
    channel: Arc<dyn Channel>,
    /// The same with a short time-out, for a gateway that will not answer.
    impatient: Arc<dyn Channel>,
    /// The same, believing another gateway.
    suspicious: Arc<dyn Channel>,
    _folder: Folder,
}

async fn wechat(faults: Faults, notify_url: &str) -> Pair {
    let folder = Folder::new();
    let gateway = WechatGateway::start(faults, KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, notify_url).unwrap();
    let settings: WechatSettings = toml::from_str(&toml).unwrap();
    let open = |settings| -> Arc<dyn Channel> {
        Arc::new(Wechat::open(settings, Arc::new(wall_clock)).unwrap())
    };
    let (connect_timeout_ms, read_timeout_ms) = (200, 400);
    let impatient =
        open(WechatSettings { connect_timeout_ms, read_timeout_ms, ..settings.clone() });
    let other = folder.0.join("other.pem");
    std::fs::write(&other, OTHER_KEYS.gateway_public_key()).unwrap();
    let mut stranger = settings.clone();
    stranger.platform_keys.values_mut().for_each(|file| file.clone_from(&other));
    let (channel, suspicious) = (open(settings), open(stranger));
    Pair { gate: Gate::Wechat(gateway), channel, impatient, suspicious, _folder: folder }
}

fn open_alipay(settings: AlipaySettings) -> Arc<dyn Channel> {
    Arc::new(Alipay::open(settings, Arc::new(wall_clock)).unwrap())
}

async fn alipay_with(
    faults: Faults,
    notify_url: &str,
    change: impl Fn(&mut AlipaySettings),
) -> Pair {
    let folder = Folder::new();
    let gateway = AlipayGateway::start(faults, KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, notify_url).unwrap();
    let mut settings: AlipaySettings = toml::from_str(&toml).unwrap();
    change(&mut settings);
    let (connect_timeout_ms, read_timeout_ms) = (200, 400);
    let impatient =
        open_alipay(AlipaySettings { connect_timeout_ms, read_timeout_ms, ..settings.clone() });
    let gateway_public_key = Some(OTHER_KEYS.gateway_public_key());
    let suspicious = open_alipay(AlipaySettings { gateway_public_key, ..settings.clone() });
    let channel = open_alipay(settings);
    Pair { gate: Gate::Alipay(gateway), channel, impatient, suspicious, _folder: folder }
}

async fn both(faults: &Faults, notify_url: &str) -> [Pair; 2] {
    let pairs = [
        wechat(faults.clone(), notify_url).await,
        alipay_with(faults.clone(), notify_url, |_| {}).await,
    ];
    pairs.iter().for_each(|pair| pair.gate.bind(Some(PlateAgreement::Bound)));
    pairs
}

/// Comes in and is told under which agreement it may be charged.
async fn entered(channel: &Arc<dyn Channel>) -> Option<String> {
    match channel.agreement(&agreement(None)).await {
        AgreementWord::Bound { agreement } => agreement,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plate_is_registered_charged_and_given_back() {
    for pair in both(&Faults::default(), NOWHERE).await {
        let channel = &pair.channel;
        assert_eq!(channel.capabilities().ways, [PayWay::Plate]);
        let named = entered(channel).await;
        assert_eq!(entered(channel).await, named, "the same stay again is the same entry");
        let again = channel.agreement(&agreement(named.as_deref())).await;
        assert_eq!(again, AgreementWord::Bound { agreement: named.clone() });
        let word = channel.ask(&charge("P1", named.as_deref())).await;
        match pair.gate {
            Gate::Wechat(_) => assert_eq!(word, Word::Accepted),
            Gate::Alipay(_) => assert!(is_paid(&word), "{word:?}"),
        }
        let word = channel.ask(&query()).await;
        let Word::Paid { bank_no, paid_at, .. } = &word else { panic!("{word:?}") };
        assert!(is_paid(&word) && bank_no.starts_with("SIM"), "{word:?}");
        assert!(paid_at.unwrap().duration_since(wall_clock()).abs().as_secs() < 10);
        let part = Word::RefundDone { amount: cny(250) };
        assert_eq!(channel.ask(&refund("R1", 250)).await, part);
        assert_eq!(channel.ask(&refund("R1", 250)).await, part, "the same refund again");
        let differs = channel.ask(&refund("R1", 300)).await;
        assert!(is_unknown(&differs) || differs == Word::Refunding, "{differs:?}");
        let beyond = channel.ask(&refund("R2", 1001)).await;
        assert!(!matches!(beyond, Word::RefundDone { .. }), "{beyond:?}");
        assert_eq!(channel.ask(&refund("R3", 1000)).await, Word::RefundDone { amount: cny(1000) });
        assert_eq!(channel.ask(&query()).await, Word::Refunded);
        let book = pair.gate.books().remove(0);
        assert_eq!((book.state, book.paid_fen, book.refunded_fen), (State::Paid, 1250, 1250));
    }
}

#[tokio::test]
async fn who_is_not_bound_is_not_charged() {
    for pair in both(&Faults::default(), NOWHERE).await {
        let channel = &pair.channel;
        let named = entered(channel).await;
        for (bound, name) in [(None, "none"), (Some(PlateAgreement::Paused), "paused")] {
            pair.gate.bind(bound);
            let word = channel.agreement(&agreement(None)).await;
            assert_eq!(word.name(), name, "{word:?}");
            let word = channel.ask(&charge("P1", named.as_deref())).await;
            assert!(matches!(word, Word::Refused { .. }), "{word:?}");
        }
        assert!(pair.gate.books().is_empty());
    }
}

#[tokio::test]
async fn wechat_counts_one_charge_for_one_entry() {
    let [pair, _] = both(&Faults::default(), NOWHERE).await;
    let named = entered(&pair.channel).await;
    assert_eq!(pair.channel.ask(&charge("P1", named.as_deref())).await, Word::Accepted);
    let second = pair.channel.ask(&charge("P2", named.as_deref())).await;
    assert!(matches!(second, Word::Refused { .. }), "{second:?}");
    let nameless = pair.channel.ask(&charge("P3", None)).await;
    assert!(matches!(&nameless, Word::Refused { code, .. } if code == "not sent"), "{nameless:?}");
    assert_eq!(pair.gate.books().len(), 1);
}

#[tokio::test]
async fn a_vehicle_that_left_is_told_and_its_order_is_listed() {
    let pair = alipay_with(Faults::default(), NOWHERE, |_| {}).await;
    pair.gate.bind(Some(PlateAgreement::Bound));
    let Gate::Alipay(gateway) = &pair.gate else { panic!() };
    let named = entered(&pair.channel).await;
    assert!(is_paid(&pair.channel.ask(&charge("P1", named.as_deref())).await));
    eventually("the order is in the driver's list", || gateway.listed().len() == 1).await;
    let left = Departure {
        plate: Plate::parse(PLATE).unwrap(),
        colour: Some(PlateColour::Blue),
        stay_no: "PFS7".to_owned(),
        known: named.clone(),
        entered_at: wall_clock(),
        left_at: wall_clock(),
        paid: cny(1250),
    };
    pair.channel.left(&left).await.unwrap();
    let departed = gateway.departed().remove(0);
    assert_eq!((departed.serial_no, departed.amount), (named, Some("12.50".to_owned())));
    gateway.set_faults(Faults { wrong_sign: 1.0, ..Faults::default() });
    assert!(pair.channel.left(&left).await.is_err(), "it is not taken for granted");
}

#[tokio::test]
async fn an_acceptance_is_collected_later_or_not_at_all() {
    let later = Faults { password: 1.0, password_s: 3600, ..Faults::default() };
    let leaves_first = |settings: &mut AlipaySettings| settings.after_pay_order = true;
    let pairs = [
        wechat(later.clone(), NOWHERE).await,
        alipay_with(later.clone(), NOWHERE, leaves_first).await,
    ];
    for pair in pairs {
        pair.gate.bind(Some(PlateAgreement::Bound));
        let named = entered(&pair.channel).await;
        assert_eq!(pair.channel.ask(&charge("P1", named.as_deref())).await, Word::Accepted);
        let waits = pair.channel.ask(&query()).await;
        assert!(matches!(waits, Word::Accepted | Word::Paying), "{waits:?}");
        if let Gate::Wechat(_) = pair.gate {
            // There is no taking back: given up here, it is paid there all the same, and that is seen.
            assert_eq!(pair.channel.ask(&reverse()).await, Word::Accepted);
        }
        assert!(pair.gate.collect_now());
        assert!(is_paid(&pair.channel.ask(&query()).await));
    }
    let fails = Faults { charge_failed: 1.0, ..later };
    let pair = wechat(fails, NOWHERE).await;
    pair.gate.bind(Some(PlateAgreement::Bound));
    let named = entered(&pair.channel).await;
    assert_eq!(pair.channel.ask(&charge("P1", named.as_deref())).await, Word::Accepted);
    pair.gate.collect_now();
    for ask in [query(), reverse()] {
        assert!(matches!(pair.channel.ask(&ask).await, Word::Failed { .. }));
    }
    assert_eq!(pair.gate.books()[0].paid_fen, 0);
}

#[tokio::test]
async fn what_never_came_can_be_taken_back_and_what_came_unsaid_is_found() {
    for pair in both(&Faults { silent: 1.0, ..Faults::default() }, NOWHERE).await {
        pair.gate.set(Faults::default());
        let named = entered(&pair.channel).await;
        pair.gate.set(Faults { silent: 1.0, ..Faults::default() });
        assert!(is_unknown(&pair.impatient.ask(&charge("P1", named.as_deref())).await));
        pair.gate.set(Faults::default());
        let none = pair.channel.ask(&query()).await;
        assert!(matches!(none, Word::NoOrder { .. }), "{none:?}");
        assert_eq!(pair.channel.ask(&reverse()).await, Word::Reversed);
        assert!(pair.gate.books().is_empty());

        pair.gate.set(Faults { collect_unknown: 1.0, ..Faults::default() });
        assert!(is_unknown(&pair.impatient.ask(&charge("P1", named.as_deref())).await));
        pair.gate.set(Faults::default());
        assert!(is_paid(&pair.channel.ask(&query()).await), "charged, and never told");
        pair.gate.set(Faults { refund_unknown: 1.0, ..Faults::default() });
        // The question behind it finds the refund.
        let done = Word::RefundDone { amount: cny(250) };
        assert_eq!(pair.impatient.ask(&refund("R1", 250)).await, done);
        assert_eq!(pair.gate.books()[0].refunded_fen, 250, "once");
        let under_way = Faults { refund_pending: 1.0, refund_pending_s: 3600, ..Faults::default() };
        pair.gate.set(under_way);
        assert_eq!(pair.channel.ask(&refund("R2", 250)).await, Word::Refunding);
        pair.gate.set(Faults { refund_failed: 1.0, ..Faults::default() });
        let failed = pair.channel.ask(&refund("R3", 100)).await;
        assert!(!matches!(failed, Word::RefundDone { .. }), "{failed:?}");
    }
}

#[tokio::test]
async fn alipay_takes_a_charge_back_and_sees_late_money() {
    let later = Faults { password: 1.0, password_s: 3600, ..Faults::default() };
    let pay_after_close = Faults { pay_after_close: 1.0, ..later };
    let pair = alipay_with(pay_after_close, NOWHERE, |_| {}).await;
    pair.gate.bind(Some(PlateAgreement::Bound));
    let named = entered(&pair.channel).await;
    assert!(is_unknown(&pair.channel.ask(&charge("P1", named.as_deref())).await));
    assert_eq!(pair.channel.ask(&query()).await, Word::Paying);
    for _ in 0..2 {
        assert_eq!(pair.channel.ask(&reverse()).await, Word::Reversed);
    }
    assert_eq!(pair.channel.ask(&query()).await, Word::Reversed);
    let Gate::Alipay(gateway) = &pair.gate else { panic!() };
    gateway.pay("P1").unwrap();
    assert!(is_paid(&pair.channel.ask(&query()).await), "paid after it was closed");

    // One that was paid goes back by the same call.
    let paid = alipay_with(Faults::default(), NOWHERE, |_| {}).await;
    paid.gate.bind(Some(PlateAgreement::Bound));
    assert!(is_paid(&paid.channel.ask(&charge("P1", None)).await));
    assert_eq!(paid.channel.ask(&reverse()).await, Word::Reversed);
    assert_eq!(paid.gate.books()[0].paid_fen, 0);
    // Where it is not taken back but asked about, what is paid is paid.
    let asks = |settings: &mut AlipaySettings| settings.reverse = Reverse::Query;
    let asked = alipay_with(Faults::default(), NOWHERE, asks).await;
    asked.gate.bind(Some(PlateAgreement::Bound));
    assert!(is_paid(&asked.channel.ask(&charge("P1", None)).await));
    assert!(is_paid(&asked.channel.ask(&reverse()).await));
    assert!(!asked.channel.capabilities().reverse);
}

#[tokio::test]
async fn slow_wrongly_signed_misstated_and_from_another_clock() {
    for pair in both(&Faults::default(), NOWHERE).await {
        let named = entered(&pair.channel).await;
        let slow = Faults { slow: 1.0, slow_ms: 60_000, ..Faults::default() };
        pair.gate.set(slow);
        assert!(is_unknown(&pair.impatient.ask(&query()).await));
        pair.gate.set(Faults { slow: 1.0, slow_ms: 50, ..Faults::default() });
        assert!(!is_unknown(&pair.channel.ask(&charge("P1", named.as_deref())).await));

        pair.gate.set(Faults { wrong_sign: 1.0, ..Faults::default() });
        assert!(is_unknown(&pair.channel.ask(&query()).await));
        assert_eq!(pair.channel.agreement(&agreement(None)).await.name(), "unknown");
        pair.gate.set(Faults::default());
        assert!(is_unknown(&pair.suspicious.ask(&query()).await), "it believes another gateway");
        assert!(is_paid(&pair.channel.ask(&query()).await));

        for apart in [-3_600, 3_600] {
            pair.gate.set(Faults { clock_apart_s: apart, ..Faults::default() });
            assert!(is_unknown(&pair.channel.ask(&query()).await), "{apart}");
            assert_eq!(pair.channel.agreement(&agreement(None)).await.name(), "unknown");
        }
        pair.gate.set(Faults { clock_apart_s: 120, ..Faults::default() });
        assert!(is_paid(&pair.channel.ask(&query()).await), "a little apart is usual");
    }
    for pair in both(&Faults { wrong_amount: 1.0, ..Faults::default() }, NOWHERE).await {
        let named = entered(&pair.channel).await;
        pair.channel.ask(&charge("P1", named.as_deref())).await;
        let word = pair.channel.ask(&query()).await;
        assert!(matches!(word, Word::Paid { amount, .. } if amount == cny(1249)), "{word:?}");
    }
    for pair in both(&Faults { late_word: 1.0, ..Faults::default() }, NOWHERE).await {
        let named = entered(&pair.channel).await;
        pair.channel.ask(&charge("P1", named.as_deref())).await;
        let word = pair.channel.ask(&query()).await;
        assert!(matches!(word, Word::Accepted | Word::Paying), "{word:?}");
        assert_eq!(pair.gate.books()[0].paid_fen, 1250);
    }
}

#[tokio::test]
async fn notifications_come_twice_late_or_forged() {
    for which in 0..2 {
        let mut site = Site::start().await;
        let doubled = Faults { notice_doubled: 1.0, ..Faults::default() };
        let [first, second] = both(&doubled, &site.notify_url).await;
        let pair = if which == 0 { first } else { second };
        assert!(site.channel.set(pair.channel.clone()).is_ok());
        let named = entered(&pair.channel).await;
        pair.channel.ask(&charge("P1", named.as_deref())).await;
        let word = pair.channel.ask(&query()).await;
        assert!(is_paid(&word));
        for _ in 0..2 {
            assert_eq!(site.next().await.2, Ok(format!("P1 {word:?}")));
        }
        eventually("both are accepted", || pair.gate.notices_waiting() == 0).await;
        // Told when the money had gone back already: what it says is of the past, and stays as it was said.
        let late = Faults { notice_late: 1.0, notice_late_s: 1, ..Faults::default() };
        pair.gate.set(late);
        let again = AgreementAsk { stay_no: "PFS8".to_owned(), ..agreement(None) };
        let AgreementWord::Bound { agreement: other } = pair.channel.agreement(&again).await else {
            panic!("not bound")
        };
        pair.channel.ask(&charge("P2", other.as_deref())).await;
        let way = PayWay::Plate;
        let (out_trade_no, refund_no) = ("P2".to_owned(), "R9".to_owned());
        let whole =
            Ask::Refund { out_trade_no, refund_no, amount: cny(1250), paid: cny(1250), way };
        assert_eq!(pair.channel.ask(&whole).await, Word::RefundDone { amount: cny(1250) });
        let (path, body, told) = site.next().await;
        assert!(told.unwrap().contains("P2 Paid"), "out of order");

        // The same letters are not believed by who expects another signature, nor with one of them changed.
        let letter = Letter::new(&path, &body);
        let refused = pair.suspicious.notification(&letter);
        assert!(matches!(refused, Err(NotifyError::BadSignature { .. })), "{refused:?}");
        let text = String::from_utf8(body).unwrap();
        let forged = text.replacen("SIM", "SIN", 1);
        assert_ne!(forged, text);
        let refused = pair.channel.notification(&Letter::new(&path, forged.as_bytes()));
        assert!(matches!(refused, Err(NotifyError::BadSignature { .. })), "{refused:?}");

        pair.gate.set(Faults { wrong_sign: 1.0, ..Faults::default() });
        pair.impatient.ask(&charge("P3", other.as_deref())).await;
    }
}

#[tokio::test]
async fn wechat_tells_that_a_vehicle_inside_may_not_be_charged_any_more() {
    let mut site = Site::start().await;
    let pair = wechat(Faults::default(), &site.notify_url).await;
    pair.gate.bind(Some(PlateAgreement::Bound));
    assert!(site.channel.set(pair.channel.clone()).is_ok());
    let named = entered(&pair.channel).await.unwrap();
    let Gate::Wechat(gateway) = &pair.gate else { panic!() };
    let changes = [
        (Some("OVERDUE"), "word: Paused"),
        (Some("OUT_SERVICE"), "word: None"),
        (Some("SOMETHING_NEW"), "word: Paused"),
        (None, "word: Bound"),
    ];
    for (blocked, word) in changes {
        let (status, body) = gateway.change_entrance("PFS7", blocked).await.unwrap();
        assert_eq!((status, body.as_str()), (200, r#"{"code":"SUCCESS"}"#), "{blocked:?}");
        let told = site.next().await.2.unwrap();
        assert!(told.contains("PFS7") && told.contains(word), "{blocked:?}: {told}");
    }
    let told = format!("{:?}", Some(named));
    gateway.change_entrance("PFS7", None).await.unwrap();
    let heard = site.next().await.2.unwrap();
    assert!(heard.contains(&told), "the entry keeps its number: {heard}");

    gateway.set_faults(Faults { wrong_sign: 1.0, ..Faults::default() });
    let (status, body) = gateway.change_entrance("PFS7", None).await.unwrap();
    assert!(status == 401 && body.contains("FAIL"), "{status} {body}");
    assert!(matches!(site.next().await.2, Err(NotifyError::BadSignature { .. })));
    gateway.set_faults(Faults { clock_apart_s: 3_600, ..Faults::default() });
    let (status, _) = gateway.change_entrance("PFS7", None).await.unwrap();
    assert_eq!(status, 401, "a letter of another hour may be an old one");
}

#[tokio::test]
async fn the_gateways_refuse_what_is_not_rightly_signed() {
    let folder = Folder::new();
    OTHER_KEYS.write_merchant_key(&folder.0.join("other.key")).unwrap();
    let gateway = WechatGateway::start(Faults::default(), KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, NOWHERE).unwrap();
    let good: WechatSettings = toml::from_str(&toml).unwrap();
    let refused = async |change: &dyn Fn(&mut WechatSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        let channel = Wechat::open(settings, Arc::new(wall_clock)).unwrap();
        match channel.ask(&charge("P1", Some("E/BLUE"))).await {
            Word::Refused { code, .. } => code,
            other => format!("{other:?}"),
        }
    };
    let other = folder.0.join("other.key");
    assert_eq!(refused(&|s| s.private_key_file.clone_from(&other)).await, "SIGN_ERROR");
    assert_eq!(refused(&|s| s.serial_no = "1".to_owned()).await, "SIGN_ERROR");
    assert_eq!(refused(&|s| s.sub_mchid = Some("1".to_owned())).await, "NO_AUTH");
    assert_eq!(refused(&|s| s.appid = "wx0".to_owned()).await, "PARAM_ERROR");

    let gateway = AlipayGateway::start(Faults::default(), KEYS.clone()).await.unwrap();
    let toml = gateway.site_toml(&folder.0, NOWHERE).unwrap();
    let good: AlipaySettings = toml::from_str(&toml).unwrap();
    let refused = async |change: &dyn Fn(&mut AlipaySettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        match open_alipay(settings).ask(&charge("P1", None)).await {
            Word::Refused { code, .. } => code,
            other => format!("{other:?}"),
        }
    };
    assert_eq!(refused(&|s| s.private_key_file.clone_from(&other)).await, "isv.invalid-signature");
    assert_eq!(refused(&|s| s.app_id = "1".to_owned()).await, "isv.invalid-app-id");
    assert_eq!(refused(&|s| s.seller_id = "1".to_owned()).await, "ACQ.INVALID_PARAMETER");
}

#[tokio::test]
async fn wechats_statement_says_what_was_taken_and_given_back() {
    let pair = wechat(Faults::default(), NOWHERE).await;
    pair.gate.bind(Some(PlateAgreement::Bound));
    let folder = Folder::new();
    let (file, day) = (folder.0.join("bill"), tz::offset(8).to_datetime(wall_clock()).date());
    let agreement = entered(&pair.channel).await;
    let _ = pair.channel.ask(&charge("P1", agreement.as_deref())).await;
    pair.gate.collect_now();
    let _ = pair.channel.ask(&refund("R1", 250)).await;
    pair.channel.statement(day, &file).await.unwrap();
    let text = std::io::BufReader::new(std::fs::File::open(&file).unwrap());
    let rows: Vec<_> = pair.channel.rows(Box::new(text)).map(Result::unwrap).collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.what, row.out_trade_no.as_str(), row.refund_no.as_str(), row.amount.minor))
        .collect();
    if day != tz::offset(8).to_datetime(wall_clock()).date() {
        return; // Midnight fell into the test.
    }
    assert_eq!(told, [(What::Paid, "P1", "", 1_250), (What::Refunded, "P1", "R1", 250)]);
    assert_eq!((rows[0].fee_milli, rows[1].fee_milli), (Some(7_500), Some(-1_500)));

    // Late, or believing another platform: nothing is left under its name.
    std::fs::remove_file(&file).unwrap();
    pair.gate.set(Faults { statement_late: 1.0, ..Faults::default() });
    let late = pair.channel.statement(day, &file).await;
    assert!(
        matches!(&late, Err(StatementError::NotReady(why)) if why.contains("CREATING")),
        "{late:?}"
    );
    pair.gate.set(Faults::default());
    let strange = pair.suspicious.statement(day, &file).await;
    assert!(matches!(strange, Err(StatementError::Failed(_))), "{strange:?}");
    assert!(!file.exists());
}
