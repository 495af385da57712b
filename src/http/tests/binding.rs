//! A card bound to a plate and unbound again, by pages of ours and of a simulated bank; charges that only its portal
//! knows of.

use std::sync::Arc;

use jiff::Timestamp;
use paifang_sim::bank::{Gateway, GatewayKeys, GatewaySettings};

use super::{phone::Phone, site::Site};
use crate::{
    bank::{
        Channel,
        icbc::{Icbc, IcbcSettings},
    },
    core::{Change, Effect, Input, input::Asked, lane::Phase, rules::PayChannel, till::TillDid},
    types::{
        ChannelId, Plate, StayId,
        bank::{AgreementAsk, AgreementWord, Ask, PayWay, Word},
    },
};

const PLATE: &str = "京A12345";

#[expect(clippy::disallowed_methods, reason = "the gateway checks the time of real requests")]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

fn by_plate() -> Arc<Site> {
    Site::with(|rules| {
        let id = ChannelId::parse("icbc").unwrap();
        let ways = vec![PayWay::Cashier, PayWay::Plate];
        rules.pay.channels = vec![PayChannel { id, ways, hears_of_exits: false }];
        None
    })
}

/// A site whose bank stands behind a real socket, and that bank.
async fn with_bank() -> (Arc<Site>, Gateway) {
    let settings = GatewaySettings { encrypt: true, ..GatewaySettings::default() };
    let gateway = Gateway::start(settings, GatewayKeys::generate(21)).await.unwrap();
    let folder = std::env::temp_dir().join(format!("paifang-binding-{}", gateway.addr.port()));
    std::fs::create_dir_all(&folder).unwrap();
    let toml = gateway.site_toml(&folder, "http://127.0.0.1:9//notify").unwrap();
    let mut settings: IcbcSettings = toml::from_str(&toml).unwrap();
    let plate = "product = \"passfree\"\nsign = true\nunbound_codes = [\"93010\"]";
    settings.plate = Some(toml::from_str(plate).unwrap());
    let channel: Arc<dyn Channel> = Arc::new(Icbc::open(settings, Arc::new(wall_clock)).unwrap());
    let _ = std::fs::remove_dir_all(&folder);
    let site = by_plate();
    assert!(site.channel.set(channel).is_ok());
    (site, gateway)
}

/// What stands between two texts, with the escapes of a page undone.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<(String, &'a str)> {
    let rest = &text[text.find(from)? + from.len()..];
    let end = rest.find(to)?;
    let plain = rest[..end]
        .replace("&#38;", "&")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&#62;", ">");
    Some((plain, &rest[end..]))
}

async fn is_bound(site: &Site) -> AgreementWord {
    let ask = AgreementAsk {
        plate: Plate::parse(PLATE).unwrap(),
        colour: None,
        stay_no: "S1".into(),
        entered_at: wall_clock(),
        amount: None,
        known: None,
    };
    site.channel.get().unwrap().agreement(&ask).await
}

fn did(site: &Site) -> Vec<(TillDid, String, String)> {
    let rows = site.rows(|change| matches!(change, Change::TillActed { .. })).into_iter();
    let acts = rows.filter_map(|row| match row.change {
        Change::TillActed { did, who, reason, .. } => Some((did, who, reason)),
        _ => None,
    });
    acts.collect()
}

#[tokio::test]
async fn a_driver_binds_a_card_at_the_bank_and_ends_it_here() {
    let (site, gateway) = with_bank().await;
    let (address, _stop) = site.serve().await;
    let phone = Phone::new(address);
    site.enter(PLATE);
    let page = phone.text("/pay/bind?lang=en").await;
    assert!(page.contains("Bind a card") && page.contains("/pay/bind/end"), "{page}");

    // On to the bank, as the browser goes.
    let form = [("plate", PLATE), ("mobile", "138 0000 0000")];
    let page = phone.post("/pay/bind", &form).await.text().await.unwrap();
    let (action, rest) = between(&page, "<form method=\"post\" action=\"", "\"").unwrap();
    let (name, rest) = between(rest, "name=\"", "\"").unwrap();
    let (value, _) = between(rest, "value=\"", "\"").unwrap();
    assert!(action.starts_with(gateway.base_url()), "{action}");
    assert!(!value.contains("12345"), "what the phone carries is sealed");
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let at_bank = browser.post(&action).form(&[(name.as_str(), value.as_str())]).send().await;
    let at_bank = at_bank.unwrap().text().await.unwrap();
    assert!(at_bank.contains("签约成功"), "{at_bank}");
    let forged = browser.post(&action).form(&[(name.as_str(), "AAAA")]).send().await.unwrap();
    assert_eq!(forged.status().as_u16(), 403, "nobody else's");

    // And back: the bank is asked about the vehicle inside.
    assert!(phone.text("/pay/bind/back?lang=en").await.contains("Back from the bank"));
    let asked = || site.effects(|e| matches!(e, Effect::AskAgreement { .. }).then_some(())).len();
    let before = asked();
    let answer = phone.post("/pay/bind/made", &[("plate", PLATE)]).await;
    assert!(answer.text().await.unwrap().contains("The bank is being asked"));
    assert_eq!(asked(), before + 1);
    assert_eq!(is_bound(&site).await.name(), "bound");

    let answer = phone.post("/pay/bind/end", &[("plate", PLATE)]).await;
    let said = answer.text().await.unwrap();
    assert!(said.contains("The bank was told to end it") && said.contains(PLATE), "{said}");
    assert_eq!(is_bound(&site).await.name(), "none");
    let [(act, who, reason)] = did(&site).try_into().unwrap();
    assert_eq!((act, who.as_str()), (TillDid::AgreementEnded, "driver"));
    assert!(reason.starts_with(PLATE), "{reason}");
    let odd = phone.post("/pay/bind/end", &[("plate", "x")]).await;
    assert_eq!(odd.status().as_u16(), 422);

    // Whoever tries plate after plate is slowed down.
    let mut slowed = false;
    for n in 0..12 {
        let plate = format!("京A1234{n}X");
        let answer = phone.post("/pay/bind/end", &[("plate", &plate)]).await;
        slowed |= answer.status().as_u16() != 200;
    }
    assert!(slowed);
    gateway.stop().await;
}

#[tokio::test]
async fn an_operator_ends_an_agreement_with_a_reason() {
    let (site, gateway) = with_bank().await;
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    assert!(li.text("/console/lists").await.contains("/console/lists/agreement"));
    let post = async |plate: &str, reason: &str| {
        let answer =
            li.post("/console/lists/agreement", &[("plate", plate), ("reason", reason)]).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, page) = post(PLATE, " ").await;
    assert!(status != 200 && page.contains("reason"), "{status}");
    assert!(did(&site).is_empty());
    let (status, page) = post(PLATE, "sold").await;
    assert!(status == 200 && page.contains("icbc: ended"), "{status} {page}");
    let [(act, who, reason)] = did(&site).try_into().unwrap();
    let expected = (TillDid::AgreementEnded, "li", format!("{PLATE}: sold"));
    assert_eq!((act, who.as_str(), reason), expected);
    let stranger = Phone::new(address);
    let answer = stranger.post("/console/lists/agreement", &[("plate", PLATE)]).await;
    assert_ne!(answer.status().as_u16(), 200, "operators only");
    gateway.stop().await;

    let silent = post(PLATE, "sold").await;
    assert!(silent.1.contains("icbc: unclear"), "a bank that does not answer has ended nothing");
}

#[tokio::test]
async fn what_only_the_portal_knows_an_operator_puts_down() {
    let site = by_plate();
    let (address, _stop) = site.serve().await;
    let li = Phone::operator(address).await;
    site.enter(PLATE);
    let icbc = || ChannelId::parse("icbc").unwrap();
    let agree = |at_exit: bool| {
        let word = AgreementWord::Bound { agreement: Some("N1".into()) };
        site.decide(Input::AgreementSaid { stay: StayId(1), channel: icbc(), at_exit, word })
            .unwrap();
    };
    agree(false);
    site.at_exit(PLATE, std::time::Duration::from_hours(1));
    agree(true);
    let trade = site
        .effects(|effect| match effect {
            Effect::AskBank { ask: Ask::Charge { out_trade_no, .. }, .. } => {
                Some(out_trade_no.clone())
            }
            _ => None,
        })
        .pop()
        .unwrap();
    site.bank(&trade, Asked::Generate, Word::Unknown { why: "silence".into() });
    let unaskable = || Word::Unaskable { why: "no family is named".into() };
    site.bank(&trade, Asked::Reverse, unaskable());
    let page = li.text("/console/payments").await;
    assert!(page.contains("/console/payments/1/portal"), "{page}");
    assert!(!page.contains("/console/payments/1/close"), "there is nothing to close it with");
    let post = async |said: &str, note: &str| {
        let form = [("said", said), ("note", note)];
        let answer = li.post("/console/payments/1/portal", &form).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, page) = post("unpaid", "nothing there").await;
    assert!(status == 409 && page.contains("20 minutes"), "{status} {page}");
    assert_eq!(post("paid", " ").await.0, 409);
    assert_eq!(post("perhaps", "B9").await.0, 404);
    assert_eq!(post("paid", "B9").await.0, 303);
    assert_eq!(site.phase("out"), Phase::Opening);
    assert_eq!(post("paid", "B9").await.0, 409, "once");
    let acts: Vec<_> = did(&site).into_iter().map(|(did, who, _)| (did, who)).collect();
    assert_eq!(acts, [(TillDid::PortalPaid, "li".to_owned())]);
    assert!(li.text("/console/payments/1").await.contains("B9"));
}
