//! Charges that no bank can be asked about, agreements that are ended, and who hears of a departure.

use super::*;
use crate::core::{
    AlarmKind, Refusal,
    input::PaymentAct,
    manage::{ListDraft, Manage},
    pass::List,
    till::TillDid,
};

const MINUTE: Duration = Duration::from_mins(1);

fn unaskable() -> Word {
    Word::Unaskable { why: "no family is named".into() }
}

impl Site {
    /// A charge whose answer was lost: reversed in vain, its vehicle stands before the scan.
    fn charged_into_the_dark(&mut self) -> String {
        let trade = self.charging();
        self.answer(&trade, Word::Unknown { why: "silence".into() });
        self.tell(Input::BankSaid {
            out_trade_no: trade.clone(),
            to: Asked::Reverse,
            word: unaskable(),
        })
        .unwrap();
        trade
    }

    fn portal(&mut self, trade: &str, paid: bool, note: &str) -> Reply {
        let payment = self.state.payment_of(trade).unwrap().id;
        let act = PaymentAct::Portal { paid, note: note.into() };
        self.tell(Input::PaymentActed { payment, act, who: "li".into() })
    }

    fn marked(&self, trade: &str) -> bool {
        self.state.alarms.contains_key(&(trade.to_owned(), AlarmKind::BankCannotSay))
    }

    fn portal_acts(&self) -> Vec<TillDid> {
        let acts = self.journal.iter().filter_map(|change| match change {
            Change::TillActed { did, .. } => Some(*did),
            _ => None,
        });
        acts.collect()
    }
}

#[test]
fn a_charge_nobody_can_ask_about_waits_for_a_persons_word() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charged_into_the_dark();
    assert!(site.marked(&trade), "told at once, not after ten minutes");
    let silent = site.state.alarms.contains_key(&("icbc".to_owned(), AlarmKind::BankSilent));
    assert!(!silent, "the channel answers all the same");
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::AwaitingPayment, 0));
    assert!(matches!(site.shown("out"), Message::Pay { .. }), "nobody is held");
    // "Not paid" may be true a minute later no more.
    let early = site.portal(&trade, false, "nothing there");
    assert!(matches!(early, Err(Refusal::MayCollect(..))), "{early:?}");
    assert_eq!(site.portal(&trade, true, " "), Err(Refusal::NoReason));
    site.portal(&trade, true, "B9").unwrap();
    assert!(!site.marked(&trade));
    assert_eq!((site.phase("out"), site.revenue()), (Phase::Opening, 500));
    assert_eq!(site.portal_acts(), [TillDid::PortalPaid]);
    let id = site.state.payment_of(&trade).unwrap().id;
    assert_eq!(site.portal(&trade, true, "B9"), Err(Refusal::Decided(id)), "once");
    assert_eq!(site.revenue(), 500);
}

#[test]
fn what_the_portal_shows_besides_the_scan_goes_back_by_a_persons_hand() {
    let mut site = Site::by_plate(&["icbc"]);
    let dark = site.charged_into_the_dark();
    let scanned = site.pay();
    site.bank(&scanned, Site::paid(500)).unwrap();
    assert_eq!((site.phase("out"), site.revenue()), (Phase::Opening, 500));
    site.portal(&dark, true, "B9").unwrap();
    assert_eq!(site.revenue(), 500, "earned once");
    let refund = site.state.refunds.values().next().unwrap().clone();
    assert_eq!(refund.out_trade_no, dark);
    let made =
        |note: &str| Input::RefundMade { refund: refund.id, note: note.into(), who: "li".into() };
    assert_eq!(site.tell(made("R7")), Err(Refusal::NoRefund(refund.id)), "the bank is asked first");
    site.tell(Input::RefundSaid { refund: refund.id, word: unaskable() }).unwrap();
    assert!(site.marked(&dark));
    assert_eq!(site.tell(made("")), Err(Refusal::NoReason));
    site.tell(made("R7")).unwrap();
    assert!(!site.marked(&dark) && site.state.refunds.is_empty());
    assert_eq!(site.tell(made("R7")), Err(Refusal::NoRefund(refund.id)), "once");
    assert_eq!(site.portal_acts(), [TillDid::PortalPaid, TillDid::PortalRefunded]);
}

#[test]
fn not_paid_counts_once_the_bank_cannot_collect_any_more() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charged_into_the_dark();
    site.after(21 * MINUTE);
    site.portal(&trade, false, "nothing there").unwrap();
    let state = site.state.payment_of(&trade).unwrap().state.clone();
    assert!(matches!(state, PaymentState::Failed { .. }), "{state:?}");
    assert_eq!(site.revenue(), 0);
    // The bank tells of it after all. It is not believed by itself, and not lost.
    let (out_trade_no, to) = (trade.clone(), Asked::Notified);
    site.tell(Input::BankSaid { out_trade_no, to, word: Site::paid(500) }).unwrap();
    site.bank(&trade, unaskable()).unwrap();
    assert!(site.marked(&trade));
    site.portal(&trade, true, "B9").unwrap();
    assert_eq!(site.revenue(), 500);
    assert_eq!(site.portal_acts(), [TillDid::PortalUnpaid, TillDid::PortalPaid]);
}

#[test]
fn a_persons_word_counts_only_where_the_bank_has_none() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.after(21 * MINUTE);
    let id = site.state.payment_of(&trade).unwrap().id;
    for paid in [true, false] {
        assert_eq!(site.portal(&trade, paid, "B9"), Err(Refusal::Decided(id)));
    }
    assert!(site.portal_acts().is_empty());
}

#[test]
fn a_plate_that_pays_by_hand_is_never_asked_about_nor_charged() {
    let plate = || Plate::parse(PLATE).unwrap();
    let list = |site: &mut Site| {
        let draft = ListDraft {
            plate: plate(),
            list: List::ByHand,
            note: "sold".into(),
            from: site.now,
            until: None,
            vehicle: None,
            tier: None,
        };
        site.tell(Input::Manage { by: "li".into(), act: Manage::List(draft) }).unwrap();
    };
    let mut site = Site::by_plate(&["icbc"]);
    list(&mut site);
    site.enter(PLATE);
    site.tell(Input::AgreementMade { plate: plate() }).unwrap();
    site.arrives_at_exit();
    assert!(site.agreements().is_empty() && site.charges().is_empty());
    assert!(matches!(site.shown("out"), Message::Pay { .. }), "it pays like anybody");

    // Sold while it stood inside: the former owner's card is not charged.
    let mut site = Site::by_plate(&["icbc"]);
    site.enter(PLATE);
    site.agree(bound("N1"));
    list(&mut site);
    site.arrives_at_exit();
    assert_eq!((site.agreements().len(), site.charges().len()), (1, 0));
}

#[test]
fn the_end_of_an_agreement_is_on_record_before_the_bank_hears_of_it() {
    let mut site = Site::by_plate(&["icbc"]);
    site.enter(PLATE);
    site.agree(bound("N1"));
    let plate = Plate::parse(PLATE).unwrap();
    let asked = |reason: &str| Input::AgreementEndAsked {
        plate: plate.clone(),
        who: "li".into(),
        reason: reason.into(),
    };
    assert_eq!(site.tell(asked(" ")), Err(Refusal::NoReason));
    site.tell(asked("sold")).unwrap();
    assert_eq!(site.portal_acts(), [TillDid::AgreementEnded]);
    site.agree(AgreementWord::None { why: "ended".into() });
    assert_eq!(site.stay().agreement, Some(Agreement::Nothing));
    site.arrives_at_exit();
    assert!(site.charges().is_empty());
}

#[test]
fn a_departure_is_told_to_who_was_told_of_the_entry() {
    let departures = |site: &Site| {
        let told = site.effects.iter().filter_map(|effect| match effect {
            Effect::TellLeft { channel, left } => Some((channel.as_str().to_owned(), left.clone())),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let mut site = Site::by_plate(&["icbc", "alipay"]);
    site.rules.pay.channels[1].hears_of_exits = true;
    site.enter(PLATE);
    let (_, stay, ask) = site.agreements().pop().unwrap();
    site.tell(Input::AgreementSaid {
        stay,
        channel: channel("alipay"),
        at_exit: false,
        word: bound("SN9"),
    })
    .unwrap();
    site.arrives_at_exit();
    let (_, _, again) = site.agreements().pop().unwrap();
    assert_eq!((ask.known, again.known), (None, Some("SN9".to_owned())));
    site.agree(bound("SN9"));
    let trade = site.charges().pop().unwrap().0;
    site.answer(&trade, Site::paid(500));
    assert!(departures(&site).is_empty(), "it is still here");
    site.drive_through("out");
    let told = departures(&site);
    let [(channel, left)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((channel.as_str(), left.known.as_deref()), ("alipay", Some("SN9")));
    assert_eq!((left.paid.minor, &left.stay_no), (500, &again.stay_no));

    // Nobody asked about it at the entry, so nobody hears of its exit.
    let mut site = Site::by_plate(&["alipay"]);
    site.rules.pay.channels[0].hears_of_exits = true;
    site.rules.pay.channels[0].ways = vec![PayWay::Cashier];
    site.enter(PLATE);
    site.arrives_at_exit();
    let trade = site.pay();
    site.bank(&trade, Site::paid(500)).unwrap();
    site.drive_through("out");
    assert!(departures(&site).is_empty());
}
