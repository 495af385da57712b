//! ICBC's other families over real HTTP: payers' codes, the online family, plates, statements; each under its faults.

use std::{collections::BTreeMap, fs::File, io::BufReader, sync::Arc};

use jiff::tz;
use paifang::{
    bank::{
        AgreementAsk, AgreementWord, Ask, Channel, NotifyError, PayWay, ShareAccount, ShareAsk,
        ShareWord, SignAsk, Word,
        icbc::{IcbcSettings, Product, SubOrderSettings, Versions},
        statement::{StatementError, What},
    },
    types::{PayerCode, Plate, PlateColour},
};
use paifang_sim::bank::{Faults, Gateway, GatewaySettings, PlateAgreement, State};

use super::support::*;

fn collect(out_trade_no: &str, code: &str) -> Ask {
    Ask::Collect {
        out_trade_no: out_trade_no.to_owned(),
        amount: cny(1250),
        subject: "停车费".to_owned(),
        code: PayerCode::parse(code).unwrap(),
        scanner: None,
        asked_at: wall_clock(),
    }
}

/// About the payment `P1` by this way.
fn by(way: PayWay) -> [Ask; 3] {
    let no = || "P1".to_owned();
    let refund_no = "R1".to_owned();
    [
        Ask::Query { out_trade_no: no(), way },
        Ask::Refund {
            out_trade_no: no(),
            refund_no: refund_no.clone(),
            amount: cny(250),
            paid: cny(1250),
            way,
        },
        Ask::RefundQuery { out_trade_no: no(), refund_no, amount: cny(250), way },
    ]
}

/// A pair of channels, patient and not, with changed settings.
fn with(pair: &Pair, change: impl Fn(&mut IcbcSettings)) -> [Arc<dyn Channel>; 2] {
    [38_000, 400].map(|read_timeout_ms| {
        let mut settings = IcbcSettings { read_timeout_ms, ..pair.settings.clone() };
        if read_timeout_ms == 400 {
            settings.connect_timeout_ms = 200;
        }
        change(&mut settings);
        open(settings)
    })
}

fn is_paid(word: &Word) -> bool {
    matches!(word, Word::Paid { amount, .. } if *amount == cny(1250))
}

const CODE: &str = "134579246810121416";

#[tokio::test]
async fn a_payers_code_is_collected_in_every_version() {
    for (pay, query, reject, reject_query) in [(2, 2, 2, 2), (3, 3, 3, 3), (4, 5, 3, 4)] {
        let pair = faulty(Faults::default()).await;
        let versions = Versions { pay, query, reject, reject_query };
        let [channel, _] = with(&pair, |s| s.versions = versions);
        let [query, refund, refund_query] = by(PayWay::PayerCode);
        assert!(is_paid(&channel.ask(&collect("P1", CODE)).await), "{versions:?}");
        assert!(is_paid(&channel.ask(&query).await), "{versions:?}");
        assert!(is_unknown(&channel.ask(&refund_query).await), "not asked for yet");
        let done = Word::RefundDone { amount: cny(250) };
        assert_eq!(channel.ask(&refund).await, done, "{versions:?}");
        assert_eq!(channel.ask(&refund_query).await, done, "{versions:?}");
        assert_eq!(channel.ask(&query).await, Word::PartRefunded);
        let again = channel.ask(&collect("P2", CODE)).await;
        assert!(!is_paid(&again), "a code is good for one payment: {again:?}");
        assert_eq!(pair.gateway.books().len(), 1);
    }
}

#[tokio::test]
async fn a_payers_code_under_faults() {
    let faults = Faults { password: 1.0, password_s: 0, ..Faults::default() };
    let pair = faulty(faults).await;
    assert_eq!(pair.channel.ask(&collect("P1", CODE)).await, Word::Paying);
    let [query, refund, refund_query] = by(PayWay::PayerCode);
    assert!(is_paid(&pair.channel.ask(&query).await), "the password is entered");

    let pair = faulty(Faults { collect_unknown: 1.0, ..Faults::default() }).await;
    assert!(is_unknown(&pair.impatient.ask(&collect("P1", CODE)).await));
    assert!(is_paid(&pair.channel.ask(&query).await), "done and unsaid");
    pair.gateway.set_faults(Faults { refund_unknown: 1.0, ..Faults::default() });
    assert!(is_unknown(&pair.impatient.ask(&refund).await));
    let done = Word::RefundDone { amount: cny(250) };
    assert_eq!(pair.channel.ask(&refund_query).await, done);
    assert_eq!(pair.gateway.books()[0].refunded_fen, 250);

    let pair = faulty(Faults { code_refused: 1.0, ..Faults::default() }).await;
    assert!(is_unknown(&pair.channel.ask(&collect("P1", CODE)).await), "not known to be final");
    let [knowing, _] = with(&pair, |s| s.final_refusal_codes.push("93009".to_owned()));
    let word = knowing.ask(&collect("P2", "134579246810121417")).await;
    assert!(matches!(&word, Word::Refused { code, .. } if code == "93009"), "{word:?}");

    let wrong = Faults { wrong_amount: 1.0, ..Faults::default() };
    let pair = faulty(wrong).await;
    let word = pair.channel.ask(&collect("P1", CODE)).await;
    assert!(matches!(word, Word::Paid { amount, .. } if amount == cny(1249)), "{word:?}");
}

#[tokio::test]
async fn silence_and_a_strange_signature_leave_every_family_unknown() {
    let plates = r#"orders = "online""#;
    for faults in [
        Faults { silent: 1.0, ..Faults::default() },
        Faults { wrong_sign: 1.0, ..Faults::default() },
        Faults { slow: 1.0, slow_ms: 60_000, ..Faults::default() },
    ] {
        let silent = faults.silent > 0.0 || faults.slow > 0.0;
        let pair = faulty(faults).await;
        pair.gateway.bind_plate("京A12345", Some(PlateAgreement::Bound));
        let [patient, impatient] = with(&pair, |s| {
            s.product = Product::Consumption;
            s.plate = Some(toml::from_str(plates).unwrap());
        });
        let channel = if silent { impatient } else { patient };
        let [query, refund, refund_query] = by(PayWay::Cashier);
        for ask in [generate(), collect("P2", CODE), query, refund, refund_query, charge("P3")] {
            let word = channel.ask(&ask).await;
            assert!(is_unknown(&word), "{ask:?}: {word:?}");
        }
    }
}

#[tokio::test]
async fn the_online_family_lives_from_link_to_refund() {
    for product in [Product::Consumption, Product::Online] {
        let mut site = Site::start().await;
        let pair = pair(GatewaySettings::default(), &site.notify_url).await;
        let [channel, impatient] = with(&pair, |s| {
            s.product = product;
            s.online.close_deal_flag = Some("1".to_owned());
        });
        assert!(site.channel.set(channel.clone()).is_ok());
        let Word::Cashier { link } = channel.ask(&generate()).await else { panic!("no link") };
        assert!(link.starts_with(pair.gateway.base_url()), "{link}");
        let [query, refund, refund_query] = by(PayWay::Cashier);
        assert_eq!(channel.ask(&query).await, Word::Paying);
        pair.gateway.pay("P1").unwrap();
        let word = channel.ask(&query).await;
        assert!(is_paid(&word), "{product:?}: {word:?}");
        assert_eq!(site.next().await.2, Ok(format!("P1 {word:?}")));
        assert!(is_paid(&channel.ask(&reverse()).await), "what is paid cannot be closed");

        // The answer is lost, and the question that follows finds the refund done.
        pair.gateway.set_faults(Faults { refund_unknown: 1.0, ..Faults::default() });
        let done = Word::RefundDone { amount: cny(250) };
        assert_eq!(impatient.ask(&refund).await, done);
        assert_eq!(channel.ask(&refund_query).await, done);
        assert_eq!(pair.gateway.books()[0].refunded_fen, 250, "once");
    }
    let pair = faulty(Faults::default()).await;
    let [open_ended, _] = with(&pair, |s| s.product = Product::Consumption);
    open_ended.ask(&generate()).await;
    assert!(is_unknown(&open_ended.ask(&reverse()).await), "nothing closes it by default");
    let [closing, _] = with(&pair, |s| {
        s.product = Product::Consumption;
        s.online.close_deal_flag = Some("1".to_owned());
    });
    assert_eq!(closing.ask(&reverse()).await, Word::Reversed);
    assert_eq!(pair.gateway.books()[0].state, State::Reversed);
}

fn plate() -> Plate {
    Plate::parse("京A12345").unwrap()
}

fn charge(out_trade_no: &str) -> Ask {
    Ask::Charge {
        out_trade_no: out_trade_no.to_owned(),
        amount: cny(1250),
        subject: "停车费".to_owned(),
        plate: plate(),
        agreement: Some("20260101/0".to_owned()),
        entered_at: wall_clock(),
        left_at: wall_clock(),
        asked_at: wall_clock(),
    }
}

fn agreement() -> AgreementAsk {
    AgreementAsk {
        plate: plate(),
        colour: Some(PlateColour::Blue),
        stay_no: "S1".to_owned(),
        entered_at: wall_clock(),
        amount: None,
        known: None,
    }
}

/// As a driver's phone does it.
async fn sign(channel: &dyn Channel, gateway: &Gateway) -> String {
    let ask = SignAsk {
        plate: plate(),
        colour: Some(PlateColour::Blue),
        mobile: "13800000000".to_owned(),
        back_url: "https://park.example/bound".to_owned(),
    };
    let form = channel.sign_form(&ask).unwrap();
    assert!(form.action.starts_with(gateway.base_url()), "{}", form.action);
    assert!(!format!("{form:?}{:?}", form.fields).contains("12345"), "encrypted: {form:?}");
    let phone = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = phone.post(&form.action).form(&form.fields).send().await.unwrap();
    page.text().await.unwrap()
}

#[tokio::test]
async fn a_plate_is_bound_charged_and_given_back() {
    for product in ["licenseplate", "passfree"] {
        let settings = GatewaySettings { encrypt: true, ..GatewaySettings::default() };
        let pair = pair(settings, "http://127.0.0.1:9//notify").await;
        let plates = format!(
            "product = \"{product}\"\nsign = true\norders = \"qrcode\"\n\
             unbound_codes = [\"93010\"]\npaused_codes = [\"93011\"]"
        );
        let [channel, _] = with(&pair, |s| s.plate = Some(toml::from_str(&plates).unwrap()));
        let word = channel.agreement(&agreement()).await;
        assert!(matches!(word, AgreementWord::None { .. }), "{product}: {word:?}");
        assert!(is_unknown(&channel.ask(&charge("P0")).await), "unbound, and no final code is set");
        let page = sign(channel.as_ref(), &pair.gateway).await;
        assert!(page.contains("签约成功"), "{page}");
        let word = channel.agreement(&agreement()).await;
        assert!(matches!(word, AgreementWord::Bound { .. }), "{product}: {word:?}");
        assert!(is_paid(&channel.ask(&charge("P1")).await), "{product}");
        let [query, refund, _] = by(PayWay::Plate);
        assert!(is_paid(&channel.ask(&query).await));
        assert_eq!(channel.ask(&refund).await, Word::RefundDone { amount: cny(250) });
        let book = pair.gateway.books().remove(0);
        assert_eq!((book.paid_fen, book.refunded_fen), (1250, 250));
        let word = channel.end_agreement(&agreement()).await;
        if product == "passfree" {
            assert!(matches!(word, AgreementWord::None { .. }), "{word:?}");
            let word = channel.agreement(&agreement()).await;
            assert!(matches!(word, AgreementWord::None { .. }), "{word:?}");
        } else {
            assert!(matches!(word, AgreementWord::Unknown { .. }), "in the bank's app: {word:?}");
            pair.gateway.bind_plate("京A12345", Some(PlateAgreement::Paused));
            let word = channel.agreement(&agreement()).await;
            assert!(matches!(word, AgreementWord::Paused { .. }), "{word:?}");
        }
        pair.gateway.stop().await;
    }
}

#[tokio::test]
async fn a_days_statement_is_fetched_and_read() {
    let pair = faulty(Faults { statement_late: 1.0, ..Faults::default() }).await;
    let statement = pair.gateway.statement_toml();
    let [channel, _] = with(&pair, |s| s.statement = Some(toml::from_str(&statement).unwrap()));
    assert!(is_paid(&channel.ask(&collect("P1", CODE)).await));
    let [_, refund, _] = by(PayWay::PayerCode);
    channel.ask(&refund).await;
    let folder = Folder::new();
    let file = folder.0.join("statement");
    let day = tz::offset(8).to_datetime(wall_clock()).date();
    let late = channel.statement(day, &file).await;
    assert!(matches!(late, Err(StatementError::NotReady(_))), "{late:?}");
    pair.gateway.set_faults(Faults::default());
    channel.statement(day, &file).await.unwrap();
    let text = BufReader::new(File::open(&file).unwrap());
    let rows: Vec<_> = channel.rows(Box::new(text)).map(Result::unwrap).collect();
    let short: Vec<_> = rows
        .iter()
        .map(|row| (row.what, row.out_trade_no.as_str(), row.refund_no.as_str(), row.amount.minor))
        .collect();
    assert_eq!(short, [(What::Paid, "P1", "", 1250), (What::Refunded, "P1", "R1", 250)]);
    assert!(rows[0].bank_no.starts_with("SIM") && rows[0].at.is_some(), "{:?}", rows[0]);
    let unfetched = pair.channel.statement(day, &file).await;
    assert!(matches!(unfetched, Err(StatementError::NotOffered)), "{unfetched:?}");
}

#[tokio::test]
async fn rows_that_a_statement_lacks_are_the_same_each_time_it_is_fetched() {
    let pair = faulty(Faults::default()).await;
    let statement = pair.gateway.statement_toml();
    let [channel, _] = with(&pair, |s| s.statement = Some(toml::from_str(&statement).unwrap()));
    for n in 1..=20 {
        let code = format!("1345792468101214{n:02}");
        assert!(is_paid(&channel.ask(&collect(&format!("P{n}"), &code)).await));
    }
    let folder = Folder::new();
    let file = folder.0.join("statement");
    let day = tz::offset(8).to_datetime(wall_clock()).date();
    let mut seen = Vec::new();
    for short in [0.3, 0.3, 0.0] {
        pair.gateway.set_faults(Faults { statement_short: short, ..Faults::default() });
        channel.statement(day, &file).await.unwrap();
        let text = BufReader::new(File::open(&file).unwrap());
        let rows = channel.rows(Box::new(text)).map(Result::unwrap);
        seen.push(rows.map(|row| row.out_trade_no).collect::<Vec<_>>());
    }
    if day != tz::offset(8).to_datetime(wall_clock()).date() {
        return; // Midnight fell into the test.
    }
    assert!((1..20).contains(&seen[0].len()), "some are missing: {:?}", seen[0]);
    assert_eq!(seen[0], seen[1], "the same ones");
    assert_eq!(seen[2].len(), 20, "and all of them once the bank has put it right");
}

#[tokio::test]
async fn parts_of_a_payment_are_given_to_others_and_taken_back_once() {
    let pair = faulty(Faults::default()).await;
    let [channel, _] = with(&pair, |settings| {
        settings.sub_orders = Some(SubOrderSettings::default());
        settings.product = Product::Consumption;
    });
    assert!(matches!(channel.ask(&generate()).await, Word::Cashier { .. }));
    pair.gateway.pay("P1").unwrap();
    let Word::Paid { bank_no, .. } = channel.ask(&query()).await else { panic!("paid") };
    let share = |number: &str, minor, given: Option<&str>| ShareAsk {
        number: number.to_owned(),
        out_trade_no: "P1".to_owned(),
        bank_no: bank_no.clone(),
        paid_at: wall_clock(),
        account: ShareAccount {
            sub_mer_id: "0300".to_owned(),
            sub_mer_prtcl_no: None,
            mer_acct: None,
        },
        amount: cny(minor),
        given: given.map(str::to_owned),
    };
    let left = || pair.gateway.sub_orders().iter().map(|sub| sub.fen).sum::<i64>();
    assert_eq!(channel.share(&share("S1", 250, None)).await, ShareWord::Done);
    assert_eq!(channel.share(&share("S1", 250, None)).await, ShareWord::Done, "the same again");
    assert_eq!(left(), 250);
    let too_much = channel.share(&share("S2", 1_001, None)).await;
    assert!(matches!(too_much, ShareWord::Refused { .. } | ShareWord::Unknown { .. }));
    assert_eq!(channel.share(&share("S3", 100, Some("S1"))).await, ShareWord::Done);
    assert_eq!(channel.share(&share("S3", 100, Some("S1"))).await, ShareWord::Done);
    assert_eq!(left(), 150);
    let more = channel.share(&share("S4", 151, Some("S1"))).await;
    assert_ne!(more, ShareWord::Done, "never more than was given");
    let [plain, _] = with(&pair, |_| {});
    assert_eq!(plain.share(&share("S5", 1, None)).await, ShareWord::NotOffered);
}

#[tokio::test]
async fn a_notice_of_the_online_family_names_its_own_call() {
    let mut site = Site::start().await;
    let pair = pair(GatewaySettings::default(), &site.notify_url).await;
    let [channel, _] = with(&pair, |s| s.product = Product::Consumption);
    assert!(site.channel.set(channel.clone()).is_ok());
    channel.ask(&generate()).await;
    pair.gateway.pay("P1").unwrap();
    let (_, body, told) = site.next().await;
    assert!(told.unwrap().starts_with("P1 Paid"));
    let body = String::from_utf8(body).unwrap();
    let fields: BTreeMap<_, _> = form_pairs(&body);
    assert_eq!(fields["api"], "/api/cardbusiness/qrcode/consumption/V1");
    assert!(fields["biz_content"].contains("third_trade_no"));
}

/// The fields of a form that needs no more than percent signs.
fn form_pairs(body: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).unwrap();
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_notice_that_comes_late_speaks_of_the_past() {
    let mut site = Site::start().await;
    let faults = Faults { notice_late: 1.0, notice_late_s: 1, ..Faults::default() };
    let settings = GatewaySettings { faults, ..GatewaySettings::default() };
    let pair = pair(settings, &site.notify_url).await;
    assert!(site.channel.set(pair.channel.clone()).is_ok());
    pair.channel.ask(&generate()).await;
    pair.gateway.pay("P1").unwrap();
    let whole = Ask::Refund {
        out_trade_no: "P1".to_owned(),
        refund_no: "R1".to_owned(),
        amount: cny(1250),
        paid: cny(1250),
        way: PayWay::Cashier,
    };
    assert_eq!(pair.channel.ask(&whole).await, Word::RefundDone { amount: cny(1250) });
    assert_eq!(pair.channel.ask(&query()).await, Word::Refunded);
    let told = site.next().await.2.unwrap();
    assert!(told.starts_with("P1 Paid"), "behind the refund, and as it was then: {told}");
}

#[tokio::test]
async fn a_bank_whose_clock_is_apart_is_not_understood() {
    let pair = faulty(Faults { clock_apart_s: 3_600, ..Faults::default() }).await;
    for apart in [3_600, -3_600] {
        pair.gateway.set_faults(Faults { clock_apart_s: apart, ..Faults::default() });
        let word = pair.channel.ask(&generate()).await;
        assert!(is_unknown(&word), "{apart}: {word:?}");
    }
    assert!(pair.gateway.books().is_empty(), "refused by its time, and not made");
    pair.gateway.set_faults(Faults { clock_apart_s: 600, ..Faults::default() });
    assert!(matches!(pair.channel.ask(&generate()).await, Word::Cashier { .. }));
    pair.gateway.pay("P1").unwrap();
    let Word::Paid { paid_at, .. } = pair.channel.ask(&query()).await else { panic!("not paid") };
    let ahead = paid_at.unwrap().duration_since(wall_clock()).as_secs();
    assert!((590..=610).contains(&ahead), "the time is the bank's: {ahead}");
}

#[tokio::test]
async fn a_message_about_an_agreement_is_acknowledged_and_believed_in_nothing() {
    let mut site = Site::start().await;
    let pair = pair(GatewaySettings::default(), &site.notify_url).await;
    let [channel, _] = with(&pair, |s| s.plate = Some(toml::from_str("").unwrap()));
    assert!(site.channel.set(channel.clone()).is_ok());
    let answer = pair.gateway.tell_of_agreement("京A12345", &site.notify_url).await.unwrap();
    assert!(answer.contains(r#""return_code":0"#) && answer.contains("SIMAGREEMENT1"), "{answer}");
    let told = site.next().await.2.unwrap();
    assert!(told.contains("Agreement") && !told.contains("13800000000"), "{told}");
    assert!(told.contains("detail{mobile}"), "its names are kept: {told}");

    // A site that binds nothing does not understand it, and says nothing of the signature.
    let mut deaf = Site::start().await;
    assert!(deaf.channel.set(pair.channel.clone()).is_ok());
    let other = self::pair(GatewaySettings::default(), &deaf.notify_url).await;
    let answer = other.gateway.tell_of_agreement("京A12345", &deaf.notify_url).await.unwrap();
    let refused = deaf.next().await.2;
    match refused {
        Err(NotifyError::BadSignature { .. }) => assert!(answer.contains("-12345"), "{answer}"),
        Err(_) => assert!(!answer.contains("sign not pass"), "{answer}"),
        Ok(told) => panic!("{told}"),
    }
}

#[tokio::test]
async fn the_pass_free_payment_is_asked_in_the_version_of_the_contract() {
    let settings = GatewaySettings { encrypt: true, ..GatewaySettings::default() };
    let pair = pair(settings, "http://127.0.0.1:9//notify").await;
    for (version, fields, paid) in [
        (1, "", true),
        (2, "channel_type = \"1\"", true),
        (3, "channel_type = \"1\", partner_app_id = \"A1\"", true),
        (2, "", false),
    ] {
        let plates = format!(
            "product = \"passfree\"\nsign = true\npay_version = {version}\n\
             pay_fields = {{ {fields} }}"
        );
        let [channel, _] = with(&pair, |s| s.plate = Some(toml::from_str(&plates).unwrap()));
        sign(channel.as_ref(), &pair.gateway).await;
        let number = format!("P{version}{}", fields.len());
        let word = channel.ask(&charge(&number)).await;
        assert_eq!(is_paid(&word), paid, "{version}: {word:?}");
        let query = Ask::Query { out_trade_no: number, way: PayWay::Plate };
        let word = channel.ask(&query).await;
        assert!(matches!(word, Word::Unaskable { .. }), "no family is named: {word:?}");
    }
}
