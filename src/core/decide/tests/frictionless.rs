//! A card or wallet bound to the plate, from the entry to the ledger.

use super::*;
use crate::{
    core::{
        Message,
        frictionless::Agreement,
        lane::OperatorAct,
        rules::{PayChannel, Twice},
    },
    types::{
        ChannelId, StayId,
        bank::{AgreementAsk, AgreementWord, PayWay},
    },
};

mod portal;

const PLATE: &str = "京A12345";
const SECOND: Duration = Duration::from_secs(1);

fn channel(id: &str) -> ChannelId {
    ChannelId::parse(id).unwrap()
}

fn bound(number: &str) -> AgreementWord {
    AgreementWord::Bound { agreement: Some(number.into()) }
}

fn why() -> String {
    "said so".into()
}

impl Site {
    /// Of banks that also take fees by the plate.
    fn by_plate(channels: &[&str]) -> Self {
        let mut site = Self::new();
        let ways = || vec![PayWay::Cashier, PayWay::Plate];
        site.rules.pay.channels = channels
            .iter()
            .map(|id| PayChannel { id: channel(id), ways: ways(), hears_of_exits: false })
            .collect();
        site
    }

    fn agreements(&self) -> Vec<(ChannelId, StayId, AgreementAsk)> {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::AskAgreement { channel, stay, ask } => {
                Some((channel.clone(), *stay, ask.clone()))
            }
            _ => None,
        });
        asked.collect()
    }

    /// Answers the last question about an agreement.
    fn agree(&mut self, word: AgreementWord) {
        let (channel, stay, ask) = self.agreements().pop().unwrap();
        let at_exit = ask.amount.is_some();
        self.tell(Input::AgreementSaid { stay, channel, at_exit, word }).unwrap();
    }

    /// Numbers of the charges asked for, and on which agreement.
    fn charges(&self) -> Vec<(String, Option<String>)> {
        let charged = self.effects.iter().filter_map(|effect| match effect {
            Effect::AskBank { ask: Ask::Charge { out_trade_no, agreement, .. }, .. } => {
                Some((out_trade_no.clone(), agreement.clone()))
            }
            _ => None,
        });
        charged.collect()
    }

    fn reversed(&self) -> Vec<String> {
        let asked = self.effects.iter().filter_map(|effect| match effect {
            Effect::AskBank { ask: Ask::Reverse { out_trade_no, .. }, .. } => {
                Some(out_trade_no.clone())
            }
            _ => None,
        });
        asked.collect()
    }

    fn arrives_at_exit(&mut self) {
        self.after(HOUR);
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", PLATE);
    }

    /// A bound vehicle stands at the exit and its charge is asked for.
    fn charging(&mut self) -> String {
        self.enter(PLATE);
        self.agree(bound("N1"));
        self.arrives_at_exit();
        self.agree(bound("N1"));
        self.charges().pop().unwrap().0
    }

    fn answer(&mut self, trade: &str, word: Word) {
        let (out_trade_no, to) = (trade.to_owned(), Asked::Generate);
        self.tell(Input::BankSaid { out_trade_no, to, word }).unwrap();
    }

    fn stay(&self) -> &crate::core::stay::Stay {
        self.state.stays.values().last().unwrap()
    }

    fn revenue(&self) -> i64 {
        let postings = self.journal.iter().filter_map(|change| match change {
            Change::Posting(posting) => Some(posting),
            _ => None,
        });
        let revenue = postings
            .filter(|posting| posting.credit == crate::core::money::Account::ParkingRevenue);
        revenue.map(|posting| posting.amount.minor).sum()
    }
}

#[test]
fn an_accepted_charge_opens_and_is_paid_when_the_bank_says_so() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    assert!(matches!(site.shown("out"), Message::Charging { .. }));
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::AwaitingPayment, 0));
    site.answer(&trade, Word::Accepted);
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
    assert!(matches!(site.shown("out"), Message::Charged { .. }));
    site.drive_through("out");
    assert!(site.state.stays.is_empty() && site.state.arrears.is_empty());
    assert_eq!(site.state.orders.values().next().unwrap().state, OrderState::Due);
    assert_eq!(site.revenue(), 0, "nothing is earned before it is paid");
    site.bank(&trade, Site::paid(500)).unwrap();
    assert_eq!(site.revenue(), 500);
    assert!(site.state.orders.is_empty() && site.state.payments.is_empty());
}

#[test]
fn a_charge_that_is_paid_at_once_opens() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.answer(&trade, Site::paid(500));
    assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
    assert!(matches!(site.shown("out"), Message::Charged { .. }));
    site.drive_through("out");
    assert!(site.state.orders.is_empty() && site.state.payments.is_empty());
    assert_eq!(site.revenue(), 500);
}

#[test]
fn an_accepted_charge_that_fails_becomes_arrears_that_can_be_paid() {
    for last in [Word::Failed { why: why() }, Word::Reversed] {
        let mut site = Site::by_plate(&["icbc"]);
        let trade = site.charging();
        site.answer(&trade, Word::Accepted);
        site.drive_through("out");
        site.after(HOUR);
        site.bank(&trade, last).unwrap();
        let arrears = site.state.arrears.values().next().unwrap();
        assert_eq!((arrears.plate.full(), arrears.amount.minor), (PLATE, 500));
        let order = arrears.order;
        site.tell(Input::PayAsked { order }).unwrap();
        let link = site.generated().pop().unwrap();
        site.bank(&link, Site::paid(500)).unwrap();
        assert!(site.state.arrears.is_empty());
        assert_eq!(site.revenue(), 500);
        // Late looks: it was collected after all.
        site.bank(&trade, Site::paid(500)).unwrap();
        assert_eq!((site.revenue(), site.state.refunds.len()), (500, 1));
    }
}

#[test]
fn an_accepted_charge_that_fails_under_the_arm_becomes_arrears_as_it_leaves() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.answer(&trade, Word::Accepted);
    site.bank(&trade, Word::Failed { why: why() }).unwrap();
    assert!(site.state.arrears.is_empty());
    site.drive_through("out");
    assert_eq!(site.state.arrears.len(), 1);
}

#[test]
fn an_accepted_charge_is_asked_about_for_a_day_and_then_reversed() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.answer(&trade, Word::Accepted);
    site.drive_through("out");
    for _ in 0..200 {
        site.after(Duration::from_mins(11));
        if site.reversed().is_empty() {
            site.bank(&trade, Word::Accepted).unwrap();
        }
    }
    assert_eq!(site.reversed()[0], trade);
    let queries = |e: &&Effect| matches!(e, Effect::AskBank { ask: Ask::Query { .. }, .. });
    let asked = site.effects.iter().filter(queries).count();
    assert!((100..400).contains(&asked), "asked {asked} times");
    site.bank(&trade, Word::Reversed).unwrap();
    assert_eq!(site.state.arrears.len(), 1);
}

/// What the exit does when no charge comes of it: the price is shown, and the driver pays by scan.
#[test]
fn without_a_charge_the_scan_appears() {
    type Then = fn(&mut Site);
    let table: [(&str, Then); 7] = [
        ("nothing bound any more", |site| site.agree(AgreementWord::None { why: why() })),
        ("paused", |site| site.agree(AgreementWord::Paused { why: why() })),
        ("unknown", |site| site.agree(AgreementWord::Unknown { why: why() })),
        ("silent when asked", |site| {
            site.after(SECOND * 2);
        }),
        ("refused", |site| {
            site.agree(bound("N1"));
            let trade = site.charges()[0].0.clone();
            site.answer(&trade, Word::Refused { code: "1".into(), why: why() });
        }),
        ("unknown charge", |site| {
            site.agree(bound("N1"));
            let trade = site.charges()[0].0.clone();
            site.answer(&trade, Word::Unknown { why: why() });
        }),
        ("silent when charged", |site| {
            site.after(SECOND);
            site.agree(bound("N1"));
            site.after(SECOND);
        }),
    ];
    for (what, then) in table {
        let mut site = Site::by_plate(&["icbc"]);
        site.enter(PLATE);
        site.agree(bound("N1"));
        site.arrives_at_exit();
        assert!(matches!(site.shown("out"), Message::Charging { .. }), "{what}");
        let order = site.state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap();
        assert_eq!(site.tell(Input::PayAsked { order }), Ok(Answer::Charging), "{what}");
        then(&mut site);
        assert!(matches!(site.shown("out"), Message::Pay { .. }), "{what}");
        let undecided = site.state.payments.values().filter(|p| p.state.is_undecided());
        let charged: Vec<_> = undecided.map(|p| p.out_trade_no.clone()).collect();
        assert_eq!(site.reversed(), charged, "{what}: taken back before anybody else pays");
        let scan = site.pay();
        site.bank(&scan, Site::paid(500)).unwrap();
        assert_eq!((site.opened("out"), site.revenue()), (1, 500), "{what}");
        assert!(site.charges().len() <= 1, "{what}");
    }
}

#[test]
fn whichever_pays_second_goes_back() {
    for charge_first in [true, false] {
        let mut site = Site::by_plate(&["icbc"]);
        let charge = site.charging();
        site.after(SECOND * 2);
        let scan = site.pay();
        // Late, and already being reversed: it opens nothing.
        site.answer(&charge, Word::Accepted);
        assert_eq!(site.opened("out"), 0);
        let order = if charge_first { [&charge, &scan] } else { [&scan, &charge] };
        for trade in order {
            // What is said before a reversal may be undone by it: it is asked once more.
            site.bank(trade, Site::paid(500)).unwrap();
            site.bank(trade, Site::paid(500)).unwrap();
        }
        assert_eq!((site.opened("out"), site.revenue()), (1, 500));
        assert_eq!(site.state.refunds.len(), 1);
        assert_eq!(site.state.refunds.values().next().unwrap().out_trade_no, *order[1]);
    }
}

#[test]
fn a_small_fee_goes_first_and_is_charged_or_owed() {
    for paid in [true, false] {
        let mut site = Site::by_plate(&["icbc"]);
        site.rules.frictionless.leave_first_at_most_minor = 500;
        let trade = site.charging();
        site.after(SECOND * 2);
        assert_eq!((site.phase("out"), site.opened("out")), (Phase::Opening, 1));
        assert!(site.reversed().is_empty(), "the charge goes on");
        site.drive_through("out");
        assert!(site.state.arrears.is_empty());
        let word = if paid { Site::paid(500) } else { Word::Failed { why: why() } };
        site.bank(&trade, word).unwrap();
        assert_eq!((site.revenue() == 500, site.state.arrears.len() == 1), (paid, !paid));
    }
}

#[test]
fn who_owes_more_than_the_limit_or_has_a_charge_open_does_not_go_first() {
    let mut site = Site::by_plate(&["icbc"]);
    site.rules.frictionless.leave_first_at_most_minor = 499;
    site.charging();
    site.after(SECOND * 2);
    assert_eq!(site.opened("out"), 0);

    let mut site = Site::by_plate(&["icbc"]);
    site.rules.frictionless.leave_first_at_most_minor = 500;
    site.charging();
    site.after(SECOND * 2);
    site.drive_through("out");
    site.after(HOUR);
    site.charging();
    site.after(SECOND * 2);
    assert_eq!(site.opened("out"), 1, "one risk for each plate at a time");
}

/// An agreement that is not the one of the entry is asked about again, and the old one is never charged.
#[test]
fn a_sold_car_is_charged_on_the_new_agreement_or_not_at_all() {
    let table = [
        (vec![bound("N2"), bound("N2")], Some("N2")),
        (vec![bound("N2"), bound("N1")], None),
        (vec![bound("N2"), bound("N3")], None),
        (vec![bound("N2"), AgreementWord::None { why: why() }], None),
    ];
    for (said, charged) in table {
        let mut site = Site::by_plate(&["icbc"]);
        site.enter(PLATE);
        site.agree(bound("N1"));
        site.arrives_at_exit();
        for word in &said {
            site.agree(word.clone());
        }
        let found: Vec<_> = site.charges().into_iter().map(|(_, number)| number).collect();
        let wanted: Vec<_> = charged.map(|number| Some(number.to_owned())).into_iter().collect();
        assert_eq!(found, wanted, "{said:?}");
        assert_eq!(matches!(site.shown("out"), Message::Pay { .. }), charged.is_none(), "{said:?}");
    }
}

#[test]
fn the_first_of_several_channels_that_says_bound_charges() {
    let mut site = Site::by_plate(&["icbc", "wechat"]);
    site.enter(PLATE);
    assert_eq!(site.agreements().len(), 2);
    let stay = site.stay().id;
    let mut said = |id: &str, word| {
        let (channel, at_exit) = (channel(id), false);
        site.tell(Input::AgreementSaid { stay, channel, at_exit, word }).unwrap();
    };
    said("wechat", bound("W1"));
    said("icbc", bound("N1"));
    site.effects.clear();
    site.arrives_at_exit();
    assert_eq!(site.agreements().len(), 1, "nobody else is asked");
    site.agree(bound("W1"));
    let charged = site.state.payments.values().next().unwrap();
    assert_eq!((charged.channel.as_str(), charged.way), ("wechat", PayWay::Plate));
}

/// Who is charged by an act of the driver only, and the question that is not even asked at the exit.
#[test]
fn a_plate_that_no_camera_proved_is_never_charged() {
    type Come = fn(&mut Site);
    let table: [(&str, Come); 5] = [
        ("nothing bound at the entry", |site| {
            site.enter(PLATE);
            site.agree(AgreementWord::None { why: why() });
            site.arrives_at_exit();
        }),
        ("given by hand at the entry", |site| {
            site.sensor("in", Sensor::Arrival, true);
            let plate = Plate::parse(PLATE).unwrap();
            site.tell(Input::PlateGiven { lane: lane("in"), plate, by: "li".into() }).unwrap();
            site.drive_through("in");
            site.arrives_at_exit();
        }),
        ("a misread at the exit", |site| {
            site.enter(PLATE);
            site.agree(bound("N1"));
            site.after(HOUR);
            site.sensor("out", Sensor::Arrival, true);
            site.read("out", "京A1234S");
            let plate = Plate::parse(PLATE).unwrap();
            if site.phase("out") == Phase::Deciding {
                site.tell(Input::PlateGiven { lane: lane("out"), plate, by: "li".into() }).unwrap();
            }
        }),
        ("inside twice", |site| {
            site.enter(PLATE);
            site.agree(bound("N1"));
            site.after(HOUR);
            site.enter(PLATE);
            site.arrives_at_exit();
        }),
        ("without a plate", |site| {
            site.sensor("in", Sensor::Arrival, true);
            site.after(Duration::from_secs(10));
            let no_plate = Input::NoPlate { lane: lane("in"), phone: None, by: "li".into() };
            let Ok(Answer::Named(plate)) = site.tell(no_plate) else { panic!() };
            site.drive_through("in");
            site.after(HOUR);
            site.sensor("out", Sensor::Arrival, true);
            site.after(Duration::from_secs(10));
            site.tell(Input::PlateGiven { lane: lane("out"), plate, by: "li".into() }).unwrap();
        }),
    ];
    for (what, come) in table {
        let mut site = Site::by_plate(&["icbc"]);
        come(&mut site);
        assert_eq!(site.phase("out"), Phase::AwaitingPayment, "{what}");
        let asked = site.agreements().iter().filter(|(.., ask)| ask.amount.is_some()).count();
        assert_eq!((asked, site.charges().len()), (0, 0), "{what}");
        assert!(matches!(site.shown("out"), Message::Pay { .. }), "{what}");
    }
}

#[test]
fn a_copied_plate_bars_also_the_stay_that_goes_on() {
    let mut site = Site::by_plate(&["icbc"]);
    site.rules.matching.twice = Twice::GoesOn;
    site.enter(PLATE);
    site.agree(bound("N1"));
    site.after(HOUR);
    site.enter(PLATE);
    assert_eq!(site.stay().agreement, Some(Agreement::Barred));
}

#[test]
fn a_driver_who_binds_inside_is_charged_at_the_exit() {
    let mut site = Site::by_plate(&["icbc"]);
    site.enter(PLATE);
    site.agree(AgreementWord::None { why: why() });
    assert_eq!(site.stay().agreement, Some(Agreement::Nothing));
    let plate = Plate::parse(PLATE).unwrap();
    site.tell(Input::AgreementMade { plate }).unwrap();
    site.agree(bound("N1"));
    site.arrives_at_exit();
    site.agree(bound("N1"));
    assert_eq!(site.charges().len(), 1);
}

#[test]
fn what_is_paid_otherwise_is_not_charged_too() {
    // A phone has the cashier of this very order open.
    let mut site = Site::by_plate(&["icbc"]);
    site.enter(PLATE);
    site.agree(bound("N1"));
    site.after(HOUR);
    let plate = Plate::parse(PLATE).unwrap();
    let Ok(Answer::Order(order)) = site.tell(Input::PrepayAsked { plate }) else { panic!() };
    site.tell(Input::PayAsked { order }).unwrap();
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", PLATE);
    assert_eq!(site.agreements().len(), 1, "only at the entry");
    assert!(matches!(site.shown("out"), Message::Pay { .. }));
}

#[test]
fn one_that_turns_back_takes_its_charge_along_or_back() {
    // Nothing was said: the charge is taken back.
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.sensor("out", Sensor::Arrival, false);
    site.now += Duration::from_millis(1);
    site.answer(&trade, Word::Paying);
    site.after(Duration::from_secs(6));
    assert_eq!((site.phase("out"), site.reversed()), (Phase::Idle, vec![trade]));

    // It was accepted: within the time to leave it goes out without another.
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.answer(&trade, Word::Accepted);
    for (sensor, on) in
        [(Sensor::ClosedLimit, false), (Sensor::OpenLimit, true), (Sensor::Arrival, false)]
    {
        site.sensor("out", sensor, on);
    }
    site.after(Duration::from_secs(40));
    for (sensor, on) in [(Sensor::OpenLimit, false), (Sensor::ClosedLimit, true)] {
        site.sensor("out", sensor, on);
    }
    assert_eq!((site.phase("out"), site.state.stays.len()), (Phase::Idle, 1));
    site.after(Duration::from_mins(5));
    site.sensor("out", Sensor::Arrival, true);
    site.read("out", PLATE);
    assert_eq!((site.opened("out"), site.charges().len()), (2, 1));
    site.drive_through("out");
    site.bank(&trade, Site::paid(500)).unwrap();
    assert_eq!(site.revenue(), 500);
}

#[test]
fn an_operator_who_opens_takes_the_charge_back() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    let (act, who, reason) = (OperatorAct::Open, "li".into(), "guest".into());
    site.tell(Input::Operator { lane: lane("out"), act, who, reason }).unwrap();
    site.drive_through("out");
    assert_eq!(site.reversed(), std::slice::from_ref(&trade));
    site.bank(&trade, Word::Reversed).unwrap();
    assert!(site.state.arrears.is_empty() && site.state.stays.is_empty());
}

#[test]
fn after_a_power_cut_the_scan_appears_and_the_charge_is_decided_first() {
    let mut site = Site::by_plate(&["icbc"]);
    let trade = site.charging();
    site.tell(Input::Started).unwrap();
    assert!(site.reversed().is_empty());
    site.after(Duration::from_mins(1));
    assert_eq!((site.reversed(), site.charges().len()), (vec![trade], 1));
    assert!(matches!(site.shown("out"), Message::Pay { .. }));
    let scan = site.pay();
    site.bank(&scan, Site::paid(500)).unwrap();
    assert_eq!((site.opened("out"), site.revenue()), (1, 500));
}

#[test]
fn a_plate_is_charged_no_more_than_a_day_allows() {
    let mut site = Site::by_plate(&["icbc"]);
    site.rules.limits.plate_day_minor = Some(400);
    site.enter(PLATE);
    site.agree(bound("N1"));
    site.arrives_at_exit();
    site.agree(bound("N1"));
    assert!(site.charges().is_empty(), "five are due and four may be paid");
    assert_eq!(site.phase("out"), Phase::AwaitingPayment);
    let mut site = Site::by_plate(&["icbc"]);
    site.rules.limits.plate_day_minor = Some(500);
    site.rules.limits.plate_attempts_max = 1;
    site.charging();
    let plate = format!("plate {PLATE}");
    assert!(site.state.alarms.contains_key(&(plate, crate::core::AlarmKind::ManyPayments)));
}
