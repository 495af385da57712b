//! Who may give up how much, how often is too often, and what stands in the ledger of it.

use super::*;
use crate::{
    core::{
        Refusal,
        change::AlarmKind,
        limit::{LimitName, Limited},
        money::{Account, Posting},
        tariff::Benefit,
        till::{MerchantAct, Offer, TillAct},
    },
    types::{CounterId, MerchantId, bank::Payer},
};

fn seconded(second: &str, act: TillAct) -> TillAct {
    TillAct::Seconded { second: second.into(), act: Box::new(act) }
}

impl Site {
    fn booked(&self) -> Vec<Posting> {
        let all = self.journal.iter().filter_map(|change| match change {
            Change::Posting(posting) => Some(posting.clone()),
            _ => None,
        });
        all.collect()
    }

    fn sum(&self, account: Account) -> i64 {
        let side = |p: &Posting| {
            (i64::from(p.debit == account) - i64::from(p.credit == account)) * p.amount.minor
        };
        self.booked().iter().map(side).sum()
    }

    fn alarmed(&self, subject: &str, kind: AlarmKind) -> bool {
        self.state.alarms.contains_key(&(subject.to_owned(), kind))
    }
}

#[test]
fn large_sums_are_given_up_by_two_persons() {
    let mut site = Site::with_booth();
    site.rules.limits.second_above_minor = 300;
    site.open_shift(1_000);
    site.stands_at_exit_after(HOUR);
    let above = || Err(Refusal::SecondNeeded(Money::new(300, Currency::Cny)));
    let fee = |amount_minor| TillAct::SetFee {
        lane: lane("out"),
        amount_minor,
        reason: "a broken machine".into(),
    };
    // Five yuan are due: to let go of more than three takes two.
    assert_eq!(site.till(fee(100)), above());
    assert_eq!(site.till(seconded("li", fee(100))), above(), "li alone is no two");
    assert_eq!(
        site.till(seconded("wang", seconded("zhao", fee(100)))),
        Err(Refusal::SamePerson),
        "one second person"
    );
    site.till(seconded("wang", fee(100))).unwrap();
    let order = site.order_at_exit().id;
    site.cash(order, 100).unwrap();
    let of = site.cash_taken();
    site.drive_through("out");
    let back = |amount_minor| TillAct::RefundCash {
        cash: of.clone(),
        amount_minor,
        reason: "it rained".into(),
    };
    site.rules.limits.second_above_minor = 50;
    assert!(matches!(site.till(back(60)), Err(Refusal::SecondNeeded(_))));
    site.till(seconded("wang", back(60))).unwrap();
    let told = site.journal.iter().rev().find_map(|change| match change {
        Change::TillActed { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(told.as_deref(), Some("it rained (with wang)"));
    assert!(!site.alarmed("acts li", AlarmKind::LimitPassed), "two persons did it");
}

#[test]
fn a_payer_who_pays_very_often_or_very_much_is_an_alarm_until_midnight() {
    for (much, often) in [(Some(1_200), None), (None, Some(3))] {
        let mut site = Site::new();
        (site.rules.limits.payer_day_minor, site.rules.limits.payer_day_times) = (much, often);
        let payer = Payer::named("o-1").unwrap().veiled(&[7; 32]);
        let subject = format!("payer {}", payer.mark());
        let kind = if much.is_some() { AlarmKind::LimitPassed } else { AlarmKind::ManyPayments };
        for n in 0..3 {
            assert!(!site.alarmed(&subject, kind), "{n} times");
            site.stands_at_exit_after(HOUR);
            let trade = site.pay();
            let amount = site.state.payment_of(&trade).unwrap().amount;
            for _ in 0..2 {
                // Told twice, it counts once.
                let paid = Word::Paid {
                    amount,
                    bank_no: "B1".into(),
                    paid_at: None,
                    payer: Some(payer.clone()),
                };
                site.bank(&trade, paid).unwrap();
            }
            site.drive_through("out");
        }
        assert!(site.alarmed(&subject, kind), "{:?}", site.state.alarms);
        assert!(site.state.spent.keys().all(|id| !id.contains("o-1")), "nobody is named");
        site.after(HOUR * 24);
        assert!(!site.alarmed(&subject, kind));
    }
}

#[test]
fn one_person_who_gives_up_money_very_often_is_an_alarm_until_midnight() {
    let mut site = Site::with_booth();
    site.rules.limits.acts_max = 3;
    site.open_shift(0);
    for n in 0..3 {
        assert!(!site.alarmed("acts li", AlarmKind::ManyActs), "{n} times");
        site.stands_at_exit_after(HOUR);
        let reason = "visitor".into();
        site.till(TillAct::SetFee { lane: lane("out"), amount_minor: 0, reason }).unwrap();
        site.drive_through("out");
        // Within ten minutes of each other, as the clock of the limit sees it.
        site.rules.limits.attempts_within = HOUR * 4;
        site.after(Duration::from_mins(1));
    }
    assert!(site.alarmed("acts li", AlarmKind::ManyActs));
    site.after(HOUR * 16);
    assert!(!site.alarmed("acts li", AlarmKind::ManyActs));
}

#[test]
fn attempts_for_one_plate_and_by_one_counter_are_counted_beside_a_lanes() {
    let mut site = Site::new();
    site.rules.limits.plate_attempts_max = 2;
    site.owes_five();
    let plate = Limited::Plate(Plate::parse("京A12345").unwrap()).key();
    for n in 0..2 {
        assert!(!site.alarmed(&plate, AlarmKind::ManyPayments), "{n}");
        let trade = site.scanned(&format!("13457924681012140{n}"));
        site.collected(&trade, Word::Failed { why: "no".into() }).unwrap();
    }
    assert!(site.alarmed(&plate, AlarmKind::ManyPayments));
    assert!(!site.alarmed("out", AlarmKind::ManyPayments), "a lane is let more");
    site.rules.limits.counter_attempts_max = 2;
    for n in 0..2 {
        let sale = crate::core::input::SaleAsked {
            counter: CounterId::parse("desk").unwrap(),
            key: n.to_string(),
            subject: "tea".into(),
            amount_minor: 100,
        };
        let Ok(Answer::Order(order)) = site.tell(Input::SaleAsked(sale)) else { panic!("sold") };
        site.tell(Input::PayAsked { order }).unwrap();
    }
    assert!(site.alarmed("counter desk", AlarmKind::ManyPayments));
}

#[test]
fn the_code_inside_the_lot_has_the_limit_of_a_printed_one() {
    let mut site = Site::new();
    site.rules.limits.printed_day_minor = Some(900);
    let most = Money::new(900, Currency::Cny);
    for (plate, refused) in [("京A12345", false), ("京A22222", true)] {
        site.enter(plate);
        site.after(HOUR);
        let prepay = Input::PrepayAsked { plate: Plate::parse(plate).unwrap() };
        let Ok(Answer::Order(order)) = site.tell(prepay) else { panic!("owed") };
        let reply = site.tell(Input::PrintedPayAsked { order });
        let expected = Err(Refusal::LimitReached(LimitName::Printed, most));
        assert_eq!(reply == expected, refused, "{plate}: {reply:?}");
        if let Ok(Answer::Payment(_)) = reply {
            let trade = site.generated().pop().unwrap();
            site.bank(&trade, Site::paid(500)).unwrap();
        }
    }
    assert_eq!(site.state.spent["printed /lot"].amount.minor, 500);
}

// ---- what stands in the ledger -------------------------------------------------------------------

#[test]
fn arrears_are_owed_until_they_are_paid_or_forgiven() {
    let mut site = Site::new();
    site.leaves_unpaid();
    assert_eq!(
        (site.sum(Account::ArrearsReceivable), site.sum(Account::ArrearsRevenue)),
        (500, -500)
    );
    let zoned = site.booked().iter().all(|posting| posting.zone.is_some());
    assert!(zoned, "it is known where");
    let arrears = site.state.arrears.keys().next().copied().unwrap();
    let reason = "a guest".into();
    site.till(TillAct::Forgive { arrears, reason }).unwrap();
    let (owed, lost) = (site.sum(Account::ArrearsReceivable), site.sum(Account::ArrearsForgiven));
    assert_eq!((owed, lost), (0, 500));
    // The next ones are paid with the next stay.
    site.leaves_unpaid();
    site.stands_at_exit_after(HOUR);
    let order = site.order_at_exit();
    assert_eq!(order.amount.minor, 1_000);
    let order = order.id;
    site.tell(Input::PayAsked { order }).unwrap();
    let trade = site.generated().pop().unwrap();
    site.bank(&trade, Site::paid(1_000)).unwrap();
    assert_eq!(site.sum(Account::ArrearsReceivable), 0);
    assert_eq!(site.sum(Account::ParkingRevenue), -1_000, "the fees were earned once");
    assert_eq!(site.sum(Account::ArrearsRevenue), -500, "of what was forgiven");
}

#[test]
fn merchants_owe_what_they_gave_unless_the_site_gives_it() {
    for on_site in [false, true] {
        let mut site = Site::new();
        let offers = vec![Offer {
            name: "usual".into(),
            benefit: Benefit::Amount { minor: 300 },
            at_most_minor: 300,
        }];
        let put = MerchantAct::Put { id: None, name: "Tea".into(), offers, budget_minor: 900 };
        let merchant = |site: &mut Site, act| site.tell(Input::Merchant { who: "li".into(), act });
        let Ok(Answer::Merchant(id)) = merchant(&mut site, put) else { panic!("put") };
        merchant(&mut site, MerchantAct::Bear { id, on_site }).unwrap();
        site.enter("京A12345");
        let (offer, by) = ("usual".into(), "tea".into());
        let plate = Plate::parse("京A12345").unwrap();
        site.tell(Input::Validate { merchant: id, plate, offer, by }).unwrap();
        site.after(HOUR);
        site.sensor("out", Sensor::Arrival, true);
        site.read("out", "京A12345");
        let order = site.order_at_exit().id;
        site.tell(Input::PayAsked { order }).unwrap();
        let trade = site.generated().pop().unwrap();
        site.bank(&trade, Site::paid(200)).unwrap();
        site.drive_through("out");
        let owed = if on_site { Account::Discounts } else { Account::MerchantReceivable };
        assert_eq!((site.sum(owed), site.sum(Account::ValidationRevenue)), (300, -300));
        let of: Vec<Option<MerchantId>> = site
            .booked()
            .iter()
            .filter(|posting| posting.credit == Account::ValidationRevenue)
            .map(|posting| posting.merchant)
            .collect();
        assert_eq!(of, [Some(id)]);
        let paid = |minor, reason: &str| MerchantAct::Paid { id, minor, reason: reason.into() };
        assert_eq!(merchant(&mut site, paid(300, " ")), Err(Refusal::NoReason));
        assert_eq!(merchant(&mut site, paid(0, "bill 1")), Err(Refusal::AmountUnfit));
        merchant(&mut site, paid(300, "bill 1")).unwrap();
        let left = if on_site { -300 } else { 0 };
        assert_eq!(site.sum(Account::MerchantReceivable), left);
        assert_eq!(site.sum(Account::BankAccount), 300);
    }
}
