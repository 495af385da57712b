//! Payments beyond the exit scan: payers' codes, refunds people ask for, payments nobody knows the end of, limits.

use super::*;
use crate::{
    core::{
        AlarmKind, Refusal,
        input::{At, PaymentAct, RefundAsked},
        limit::LimitName,
        money::{Account, Payment, Refund, RefundState},
        rules::PayChannel,
        till::TillAct,
    },
    types::{ChannelId, OrderId, PayerCode, PaymentId, bank::PayWay},
};

mod refunds;
mod sales;

const S: Duration = Duration::from_secs(1);
const CODE: &str = "134579246810121416";

pub(super) fn code(digits: &str) -> PayerCode {
    PayerCode::parse(digits).unwrap()
}

fn unknown() -> Word {
    Word::Unknown { why: "no answer".into() }
}

impl Site {
    fn scan_code(&mut self, digits: &str) -> Reply {
        self.tell(Input::PayerCodeScanned { at: At::Lane(lane("out")), code: code(digits) })
    }

    pub(super) fn scanned(&mut self, digits: &str) -> String {
        let Ok(Answer::Payment(payment)) = self.scan_code(digits) else { panic!("no attempt") };
        self.payment_now(payment).out_trade_no
    }

    /// As the journal has it.
    pub(super) fn payment_now(&self, id: PaymentId) -> Payment {
        let of = |change: &Change| match change {
            Change::Payment(payment) if payment.id == id => Some(payment.clone()),
            _ => None,
        };
        self.journal.iter().rev().find_map(of).unwrap()
    }

    pub(super) fn refund_now(&self, id: crate::types::RefundId) -> Refund {
        let of = |change: &Change| match change {
            Change::Refund(refund) if refund.id == id => Some(refund.clone()),
            _ => None,
        };
        self.journal.iter().rev().find_map(of).unwrap()
    }

    fn trade_state(&self, trade: &str) -> PaymentState {
        self.state.payment_of(trade).unwrap().state.clone()
    }

    pub(super) fn collected(&mut self, trade: &str, word: Word) -> Reply {
        self.tell(Input::BankSaid { out_trade_no: trade.into(), to: Asked::Generate, word })
    }

    /// The questions of the last step, as name and number.
    fn bank_asked(&mut self) -> Vec<&'static str> {
        let asks = self.effects.drain(..).filter_map(|effect| match effect {
            Effect::AskBank { ask, .. } => Some(ask.name()),
            _ => None,
        });
        asks.collect()
    }

    /// A vehicle stands at the exit and owes 5.00.
    pub(super) fn owes_five(&mut self) {
        self.enter("京A12345");
        self.after(HOUR);
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", "京A12345");
        self.effects.clear();
    }

    fn due(&self) -> OrderId {
        self.state.lanes[&lane("out")].visit.as_ref().unwrap().order.unwrap()
    }
}

/// What the bank says to the code, what becomes of the payment, and whether the arm opens.
#[test]
fn a_code_is_decided_by_explicit_words_only() {
    let refused = Word::Refused { code: "BAD_CODE".into(), why: "expired".into() };
    let cases = [
        (Site::paid(500), "paid", 1),
        (Site::paid(400), "disputed", 0),
        (Word::Failed { why: "no money".into() }, "failed", 0),
        (refused, "failed", 0),
        (Word::Paying, "pending", 0),
        (unknown(), "pending", 0),
        (Word::Reversed, "reversed", 0),
    ];
    for (word, state, opened) in cases {
        let mut site = Site::new();
        site.owes_five();
        let trade = site.scanned(CODE);
        site.collected(&trade, word.clone()).unwrap();
        assert_eq!(site.trade_state(&trade).name(), state, "{word:?}");
        assert_eq!(site.opened("out"), opened, "{word:?}");
    }
}

#[test]
fn a_code_is_asked_about_and_closed_within_its_window() {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.scanned(CODE);
    assert_eq!(site.bank_asked(), ["collect"]);
    site.collected(&trade, Word::Paying).unwrap();
    for gap in [2, 3, 5, 5, 5, 5, 5] {
        site.after(Duration::from_secs(gap - 1));
        assert_eq!(site.bank_asked(), [""; 0], "not before {gap} s");
        site.after(S);
        let asked = site.bank_asked();
        let closing = site.trade_state(&trade) == PaymentState::Reversing;
        assert_eq!(asked, [if closing { "reverse" } else { "query" }]);
        site.bank(&trade, Word::Paying).unwrap();
    }
    assert_eq!(site.trade_state(&trade), PaymentState::Reversing, "30 s are over");
    let mut asked = Vec::new();
    for _ in 0..4 {
        site.after(3 * S);
        asked.extend(site.bank_asked());
        site.bank(&trade, unknown()).unwrap();
    }
    assert!(asked.contains(&"reverse") && asked.contains(&"query"), "{asked:?}");
    site.bank(&trade, Word::Reversed).unwrap();
    assert_eq!(site.trade_state(&trade), PaymentState::Reversed);
    assert_eq!(site.phase("out"), Phase::AwaitingPayment, "its driver pays in another way");
}

#[test]
fn a_silent_bank_decides_nothing_and_the_lane_does_not_wait_for_it() {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.scanned(CODE);
    site.effects.clear();
    site.after(30 * S);
    assert_eq!(
        (site.bank_asked(), site.trade_state(&trade)),
        (vec!["reverse"], PaymentState::Reversing)
    );
    site.tell(Input::Started).unwrap();
    assert_eq!(site.trade_state(&trade), PaymentState::Reversing, "over a restart");
    site.after(S);
    assert_eq!(site.bank_asked().len(), 1, "and asked about at once");
    // It had been paid all the while: only an answer to a question asked since is believed.
    site.bank(&trade, Site::paid(500)).unwrap();
    site.bank(&trade, Site::paid(500)).unwrap();
    let order = site.state.orders.values().next().unwrap();
    assert!(matches!(order.state, OrderState::Paid { .. }));
}

#[test]
fn another_code_is_another_attempt_and_both_paid_means_one_goes_back() {
    let mut site = Site::new();
    site.owes_five();
    let first = site.scanned(CODE);
    site.collected(&first, Word::Paying).unwrap();
    let second = site.scanned("281234567890123456");
    assert_ne!(first, second);
    assert_eq!(site.trade_state(&first), PaymentState::Reversing);
    site.collected(&second, Site::paid(500)).unwrap();
    assert_eq!(site.opened("out"), 1);
    for _ in 0..2 {
        site.bank(&first, Site::paid(500)).unwrap();
    }
    assert_eq!((site.state.refunds.len(), site.opened("out")), (1, 1));
    assert_eq!(site.scan_code(CODE), Err(Refusal::NobodyThere(lane("out"))), "it goes");
}

#[test]
fn the_journal_never_holds_a_code() {
    let mut site = Site::new();
    site.owes_five();
    site.scanned(CODE);
    let journal = serde_json::to_string(&site.journal).unwrap();
    assert!(!journal.contains(CODE) && !format!("{:?}", site.effects).contains(CODE));
}

#[test]
fn nobody_at_the_lane_or_nothing_owed_takes_no_code() {
    let mut site = Site::new();
    assert_eq!(site.scan_code(CODE), Err(Refusal::NobodyThere(lane("out"))));
    let at = At::Lane(lane("nowhere"));
    let scan = Input::PayerCodeScanned { at, code: code(CODE) };
    assert_eq!(site.tell(scan), Err(Refusal::NoLane(lane("nowhere"))));
    assert_eq!(site.state.payments.len(), 0);
}

// ---- channels ------------------------------------------------------------------------------------

#[test]
fn only_new_payments_go_to_another_channel_and_each_alarm_ends_by_itself() {
    let mut site = Site::new();
    let id = |id: &str| ChannelId::parse(id).unwrap();
    let channel = |name: &str, ways: &[PayWay]| PayChannel {
        id: id(name),
        ways: ways.to_vec(),
        hears_of_exits: false,
    };
    let both = [PayWay::Cashier, PayWay::PayerCode];
    site.rules.pay.channels = vec![channel("icbc", &both), channel("swift", &both)];
    site.owes_five();
    let first = site.pay();
    for _ in 0..5 {
        site.after(45 * S);
        site.bank(&first, unknown()).unwrap();
    }
    let silent = |site: &Site, name: &str| {
        site.state.alarms.contains_key(&(name.to_owned(), AlarmKind::BankSilent))
    };
    assert!(silent(&site, "icbc") && !silent(&site, "swift"));
    let second = site.scanned(CODE);
    let of = |site: &Site, trade: &str| site.state.payment_of(trade).unwrap().channel.clone();
    assert_eq!((of(&site, &first), of(&site, &second)), (id("icbc"), id("swift")));
    site.collected(&second, Word::Paying).unwrap();
    assert!(silent(&site, "icbc"), "another channel's word says nothing of this one");
    site.bank(&first, Word::Reversed).unwrap();
    assert!(!silent(&site, "icbc"));
}

// ---- payments nobody knows the end of ------------------------------------------------------------

#[test]
fn a_person_may_have_it_asked_about_or_closed_and_nothing_else() {
    let mut site = Site::new();
    site.owes_five();
    let trade = site.pay();
    let id = site.state.payment_of(&trade).unwrap().id;
    let act = |act| Input::PaymentActed { payment: id, act, who: "li".into() };
    site.effects.clear();
    site.tell(act(PaymentAct::Ask)).unwrap();
    assert_eq!(site.bank_asked(), ["query"]);
    site.tell(act(PaymentAct::Close)).unwrap();
    assert_eq!(
        (site.bank_asked(), site.trade_state(&trade)),
        (vec!["reverse"], PaymentState::Reversing)
    );
    site.bank(&trade, Word::Reversed).unwrap();
    assert_eq!(site.tell(act(PaymentAct::Ask)), Err(Refusal::Decided(id)));
    assert!(site.state.payments.len() == 1 && site.bank_asked().is_empty(), "nothing was created");
}

// ---- limits --------------------------------------------------------------------------------------

#[test]
fn limits_of_a_day_refuse_what_goes_beyond_and_begin_anew_tomorrow() {
    type Set = fn(&mut crate::core::rules::LimitRules);
    let cases: [(Set, bool, LimitName); 3] = [
        (|limits| limits.plate_day_minor = Some(900), false, LimitName::Plate),
        (|limits| limits.lane_day_minor = Some(900), false, LimitName::Lane),
        (|limits| limits.printed_day_minor = Some(900), true, LimitName::Printed),
    ];
    for (set, printed, name) in cases {
        let mut site = Site::new();
        set(&mut site.rules.limits);
        let ask = |site: &mut Site| {
            let order = site.due();
            let input =
                if printed { Input::PrintedPayAsked { order } } else { Input::PayAsked { order } };
            site.tell(input)
        };
        site.owes_five();
        assert!(ask(&mut site).is_ok());
        let trade = site.generated().pop().unwrap();
        site.bank(&trade, Site::paid(500)).unwrap();
        site.drive_through("out");
        site.after(Duration::from_mins(1));
        site.owes_five();
        let most = Money::new(900, Currency::Cny);
        assert_eq!(ask(&mut site), Err(Refusal::LimitReached(name, most)), "{name:?}");
        site.after(HOUR * 16);
        assert!(site.state.spent.is_empty(), "yesterday's are over");
        site.read("out", "京A12345");
        let reply = ask(&mut site);
        assert!(!matches!(reply, Err(Refusal::NotDue(_))), "{reply:?}");
    }
}

#[test]
fn one_operator_gives_back_so_much_cash_a_day() {
    let mut site = Site::with_booth();
    site.rules.limits.cash_back_day_minor = Some(300);
    site.open_shift(1_000);
    site.owes_five();
    let order = site.due();
    site.cash(order, 500).unwrap();
    let of = site.cash_taken();
    let back =
        |amount_minor| TillAct::RefundCash { cash: of.clone(), amount_minor, reason: "r".into() };
    let most = Money::new(300, Currency::Cny);
    let too_much = Err(Refusal::LimitReached(LimitName::CashBack, most));
    assert_eq!(site.till(back(400)), too_much);
    site.till(back(300)).unwrap();
    assert_eq!(site.state.spent["cash_back li"].amount, most);
    assert_eq!(site.balance(Account::CashDrawer), 1_000 + 500 - 300);
}

#[test]
fn many_attempts_at_a_lane_are_an_alarm() {
    let mut site = Site::new();
    site.rules.limits.attempts_max = 3;
    site.owes_five();
    let raised =
        |site: &Site| site.state.alarms.contains_key(&("out".to_owned(), AlarmKind::ManyPayments));
    for n in 0..3 {
        assert!(!raised(&site), "{n} attempts");
        let trade = site.scanned(&format!("13457924681012140{n}"));
        site.collected(&trade, Word::Failed { why: "no".into() }).unwrap();
    }
    assert!(raised(&site));
    site.after(Duration::from_mins(11));
    let trade = site.scanned(CODE);
    site.collected(&trade, Site::paid(500)).unwrap();
    assert!(!raised(&site), "calm again");
    assert!(site.state.refunds.values().all(|r| r.state == RefundState::Pending));
}
