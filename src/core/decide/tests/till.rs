//! Money that does not come through the bank at the exit: paid before, later, in cash, less, or not at all.

use super::*;
use crate::{
    core::{
        Message,
        lane::{Help, OperatorAct},
        money::{Account, Order, PaidBy, Posting},
        rules::{ArrearsAtEntry, ArrearsAtExit},
        shift_matches_postings,
        tariff::Benefit,
        till::{Cash, MerchantAct, Offer, Shift, TillAct, Validation, ValidationState},
    },
    types::{BoothId, MerchantId, OrderId, StayId},
};

mod merchants;

const PLATE: &str = "京A12345";
const MINUTE: Duration = Duration::from_mins(1);

fn plate() -> Plate {
    Plate::parse(PLATE).unwrap()
}

fn booth() -> BoothId {
    BoothId::parse("east").unwrap()
}

impl Site {
    pub(super) fn with_booth() -> Self {
        let mut site = Self::new();
        site.rules.till.booths.push(booth());
        site
    }

    /// A vehicle that came in `time` ago stands at the exit.
    pub(super) fn stands_at_exit_after(&mut self, time: Duration) {
        self.enter(PLATE);
        self.after(time);
        self.drives_to_exit();
    }

    fn drives_to_exit(&mut self) {
        self.sensor("out", Sensor::Arrival, true);
        self.read("out", PLATE);
    }

    pub(super) fn order_at_exit(&self) -> &Order {
        let visit = self.state.lanes[&lane("out")].visit.as_ref().unwrap();
        &self.state.orders[&visit.order.unwrap()]
    }

    fn help_at(&self, id: &str) -> Option<Help> {
        self.state.lanes[&lane(id)].visit.as_ref().and_then(|visit| visit.help)
    }

    pub(super) fn till(&mut self, act: TillAct) -> Reply {
        self.tell(Input::Till { who: "li".into(), act })
    }

    pub(super) fn open_shift(&mut self, float_minor: i64) {
        self.till(TillAct::OpenShift { booth: booth(), float_minor }).unwrap();
    }

    pub(super) fn cash(&mut self, order: OrderId, tendered_minor: i64) -> Reply {
        self.till(TillAct::TakeCash { order, tendered_minor })
    }

    fn all<T: Clone>(&self, pick: impl Fn(&Change) -> Option<&T>) -> Vec<T> {
        self.journal.iter().filter_map(pick).cloned().collect()
    }

    pub(super) fn ledger(&self) -> Vec<Posting> {
        self.all(|change| match change {
            Change::Posting(posting) => Some(posting),
            _ => None,
        })
    }

    /// Debits less credits.
    pub(super) fn balance(&self, account: Account) -> i64 {
        let side = |of: Account, minor: i64| if of == account { minor } else { 0 };
        let lines = self.ledger().into_iter();
        lines.map(|p| side(p.debit, p.amount.minor) - side(p.credit, p.amount.minor)).sum()
    }

    /// Shifts as they stand; each agrees with the ledger.
    pub(super) fn shift(&self) -> Shift {
        let shifts = self.all(|change| match change {
            Change::Shift(shift) => Some(shift),
            _ => None,
        });
        let shift = shifts.last().unwrap().clone();
        assert!(shift_matches_postings(&shift, &self.ledger()), "{shift:?} {:?}", self.ledger());
        shift
    }

    pub(super) fn cash_taken(&self) -> Cash {
        let cash = self.all(|change| match change {
            Change::Cash(cash) => Some(cash),
            _ => None,
        });
        cash.last().unwrap().clone()
    }

    fn validations(&self) -> Vec<Validation> {
        self.all(|change| match change {
            Change::Validation(validation) => Some(validation),
            _ => None,
        })
    }

    fn prepay(&mut self) -> Reply {
        self.tell(Input::PrepayAsked { plate: plate() })
    }

    /// Pays an order on the phone.
    pub(super) fn phone(&mut self, order: OrderId) {
        let amount = self.state.orders[&order].amount.minor;
        assert!(matches!(self.tell(Input::PayAsked { order }), Ok(Answer::Payment(_))));
        let trade = self.generated().pop().unwrap();
        self.bank(&trade, Site::paid(amount)).unwrap();
    }

    /// Drives out under an arm that nobody opened, having been inside for an hour.
    pub(super) fn leaves_unpaid(&mut self) {
        self.stands_at_exit_after(HOUR);
        for (sensor, on) in [
            (Sensor::ClosedLimit, false),
            (Sensor::Safety, true),
            (Sensor::Arrival, false),
            (Sensor::Safety, false),
            (Sensor::ClosedLimit, true),
        ] {
            self.sensor("out", sensor, on);
        }
        assert!(self.state.stays.is_empty(), "it is gone");
        self.after(MINUTE);
    }
}

// ---- before the exit -----------------------------------------------------------------------------

#[test]
fn prepaid_it_leaves_within_the_leave_time_and_pays_the_difference_after() {
    for (later, opened, due) in [(10, 1, 0), (15, 1, 0), (16, 0, 500)] {
        let mut site = Site::new();
        site.enter(PLATE);
        site.after(HOUR * 2);
        let Ok(Answer::Order(order)) = site.prepay() else { panic!("an order") };
        assert_eq!(site.state.orders[&order].amount.minor, 1_000);
        assert_eq!(site.prepay(), Ok(Answer::Order(order)), "asked again it is the same");
        site.phone(order);
        let leave_by = site.now + MINUTE * 15;
        assert_eq!(site.prepay(), Ok(Answer::NothingOwed(Some(leave_by))));
        site.after(MINUTE * later);
        site.drives_to_exit();
        assert_eq!(site.opened("out"), opened, "after {later} minutes");
        if due > 0 {
            assert_eq!(site.order_at_exit().amount.minor, due);
            site.phone(site.order_at_exit().id);
            assert_eq!(site.opened("out"), 1);
        }
    }
}

#[test]
fn a_fee_that_grew_since_it_was_shown_is_shown_anew() {
    let mut site = Site::new();
    site.enter(PLATE);
    site.after(HOUR);
    let Ok(Answer::Order(shown)) = site.prepay() else { panic!("an order") };
    site.after(MINUTE * 5);
    let Ok(Answer::Order(grown)) = site.tell(Input::PayAsked { order: shown }) else {
        panic!("another order")
    };
    assert_eq!(site.state.orders[&grown].amount.minor, 1_000);
    assert!(site.generated().is_empty(), "nothing was asked of the bank");
    site.drives_to_exit();
    assert_eq!(site.order_at_exit().id, grown, "the same at the exit: it may be paying");
    assert!(site.order_at_exit().by_plate);
    site.phone(grown);
    assert_eq!(site.opened("out"), 1);
    let nobody = Plate::parse("京B99999").unwrap();
    assert!(site.tell(Input::PrepayAsked { plate: nobody }).is_err());
}

// ---- arrears -------------------------------------------------------------------------------------

#[test]
fn who_left_unpaid_owes_until_it_is_paid_by_itself() {
    let mut site = Site::new();
    site.leaves_unpaid();
    let arrears = site.state.arrears.values().next().unwrap().clone();
    assert_eq!((arrears.amount.minor, &arrears.plate), (500, &plate()));
    assert_eq!(site.state.orders[&arrears.order].state, OrderState::Unpaid);
    site.phone(arrears.order);
    assert!(site.state.arrears.is_empty() && site.state.orders.is_empty());
    assert!(site.state.payments.is_empty());
    assert_eq!(site.balance(Account::ParkingRevenue), -500);
}

#[test]
fn the_next_exit_collects_arrears_as_the_site_says() {
    let rows = [
        (ArrearsAtExit::Add, Phase::AwaitingPayment, 1_000, 0),
        (ArrearsAtExit::Warn, Phase::AwaitingPayment, 500, 1),
        (ArrearsAtExit::Refuse, Phase::Deciding, 0, 1),
    ];
    for (at_exit, phase, amount, left) in rows {
        let mut site = Site::new();
        site.rules.till.arrears_at_exit = at_exit;
        site.leaves_unpaid();
        site.stands_at_exit_after(HOUR);
        assert_eq!(site.phase("out"), phase, "{at_exit:?}");
        if amount == 0 {
            assert_eq!(site.help_at("out"), Some(Help::Arrears));
            let order = site.state.arrears.values().next().unwrap().order;
            site.phone(order);
            assert_eq!(site.order_at_exit().amount.minor, 500, "the lane looks again");
            continue;
        }
        assert_eq!(site.order_at_exit().amount.minor, amount, "{at_exit:?}");
        site.phone(site.order_at_exit().id);
        assert_eq!((site.opened("out"), site.state.arrears.len()), (1, left), "{at_exit:?}");
        site.drive_through("out");
        assert_eq!(site.balance(Account::ParkingRevenue), -amount);
        assert_eq!(site.state.orders.len(), left);
    }
}

#[test]
fn arrears_paid_or_forgiven_meanwhile_come_off_the_bill() {
    for forgive in [false, true] {
        let mut site = Site::new();
        site.leaves_unpaid();
        site.stands_at_exit_after(HOUR);
        let both = site.order_at_exit().clone();
        let trade = site.pay();
        let arrears = site.state.arrears.values().next().unwrap().clone();
        if forgive {
            let act =
                |reason: &str| TillAct::Forgive { arrears: arrears.id, reason: reason.into() };
            assert!(site.till(act(" ")).is_err(), "no reason, no forgiving");
            site.till(act("the arm was broken")).unwrap();
        } else {
            site.phone(arrears.order);
        }
        assert!(site.state.arrears.is_empty());
        assert_eq!(site.order_at_exit().amount.minor, 500);
        assert_eq!(site.state.orders[&both.id].state, OrderState::Void);
        // The bank says so late: both were paid for, one of them already over.
        let _ = site.bank(&trade, Site::paid(1_000));
        let _ = site.bank(&trade, Site::paid(1_000));
        assert_eq!(site.state.refunds.len(), 1, "it goes back");
        assert_eq!(site.opened("out"), 0);
        site.phone(site.order_at_exit().id);
        assert_eq!(site.opened("out"), 1);
    }
}

#[test]
fn who_leaves_unpaid_again_owes_each_stay_once() {
    let mut site = Site::new();
    site.leaves_unpaid();
    site.leaves_unpaid();
    let owed: Vec<i64> = site.state.arrears.values().map(|arrears| arrears.amount.minor).collect();
    assert_eq!(owed, [500, 500]);
    site.stands_at_exit_after(HOUR);
    assert_eq!(site.order_at_exit().amount.minor, 1_500);
    site.phone(site.order_at_exit().id);
    assert!(site.state.arrears.is_empty());
    site.drive_through("out");
    assert!(site.state.orders.is_empty() && site.state.payments.is_empty());
    assert_eq!(site.rules.till.arrears_at_entry, ArrearsAtEntry::Warn);
}

#[test]
fn who_has_not_paid_before_is_told_or_stays_outside() {
    let arrives = |at_entry| {
        let mut site = Site::new();
        site.rules.till.arrears_at_entry = at_entry;
        site.leaves_unpaid();
        site.after(HOUR);
        site.sensor("in", Sensor::Arrival, true);
        site.read("in", "京A12345");
        site
    };
    let warned = arrives(ArrearsAtEntry::Warn);
    assert_eq!(warned.opened("in"), 2);
    let amount = Money::new(500, Currency::Cny);
    let plate = plate();
    assert_eq!(*warned.shown("in"), Message::Owes { plate, amount });
    let mut refused = arrives(ArrearsAtEntry::Refuse);
    assert_eq!(refused.opened("in"), 1);
    let order = refused.state.arrears.values().next().unwrap().order;
    refused.phone(order);
    assert_eq!(refused.opened("in"), 2, "paid by phone: it comes in");
}

#[test]
fn an_operator_who_lets_it_go_waives_this_stay_alone() {
    let mut site = Site::with_booth();
    site.open_shift(0);
    site.leaves_unpaid();
    site.stands_at_exit_after(HOUR * 2);
    let (act, who, reason) = (OperatorAct::Open, "li".into(), "phone is flat".into());
    site.tell(Input::Operator { lane: lane("out"), act, who, reason }).unwrap();
    site.drive_through("out");
    let totals = site.shift().totals;
    assert_eq!((totals.waived_minor, totals.waived_count, totals.openings), (1_000, 1, 1));
    assert_eq!(site.state.arrears.len(), 1, "the earlier one is still owed");
    let waived = site.all(|change| match change {
        Change::Stay(stay) => stay.waived.last(),
        _ => None,
    });
    let last = waived.last().unwrap();
    assert_eq!(
        (last.minor, last.shift, last.reason.as_str()),
        (1_000, Some(site.shift().id), "phone is flat")
    );
}

// ---- cash and shifts -----------------------------------------------------------------------------

#[test]
fn cash_needs_a_shift_and_enough_and_gives_change() {
    let mut site = Site::with_booth();
    site.stands_at_exit_after(HOUR * 2);
    let order = site.order_at_exit().id;
    assert_eq!(site.cash(order, 5_000), Err(crate::core::Refusal::NoShift));
    site.open_shift(20_000);
    let owed = Money::new(1_000, Currency::Cny);
    assert_eq!(site.cash(order, 999), Err(crate::core::Refusal::NotEnough(owed)));
    let trade = site.pay();
    let Ok(Answer::Cash(cash, change)) = site.cash(order, 5_000) else { panic!("taken") };
    assert_eq!((change.minor, site.opened("out")), (4_000, 1));
    assert_eq!(site.cash(order, 5_000), Ok(Answer::AlreadyPaid));
    let state = &site.state.orders[&order].state;
    assert!(matches!(state, OrderState::Paid { by: PaidBy::Cash(by), .. } if *by == cash));
    // A bank that took it all the same gives it back.
    for _ in 0..2 {
        let _ = site.bank(&trade, Site::paid(1_000));
    }
    assert_eq!(site.state.refunds.len(), 1);
    site.drive_through("out");
    let shift = site.shift();
    assert_eq!((shift.totals.cash_minor, shift.expected_minor()), (1_000, 21_000));
    assert_eq!(site.balance(Account::CashDrawer), 21_000);
}

#[test]
fn cash_goes_back_once_and_the_stay_owes_it_again() {
    let mut site = Site::with_booth();
    site.open_shift(20_000);
    site.enter(PLATE);
    site.after(HOUR * 2);
    let Ok(Answer::Order(order)) = site.prepay() else { panic!("an order") };
    site.cash(order, 1_000).unwrap();
    let cash = site.cash_taken();
    let back = |amount_minor: i64| TillAct::RefundCash {
        cash: cash.clone(),
        amount_minor,
        reason: "wrong vehicle".into(),
    };
    assert_eq!(site.till(back(1_001)), Err(crate::core::Refusal::AmountUnfit));
    site.till(back(1_000)).unwrap();
    assert_eq!(site.till(back(1_000)), Err(crate::core::Refusal::RefundedBefore(cash.id)));
    assert_eq!(site.shift().expected_minor(), 20_000);
    assert_eq!(site.balance(Account::ParkingRevenue), 0);
    site.drives_to_exit();
    assert_eq!((site.order_at_exit().amount.minor, site.opened("out")), (1_000, 0));
}

#[test]
fn a_drawer_is_in_one_pair_of_hands_and_counted_between_two() {
    for (counted_minor, over) in [(21_000, 0), (21_300, 300), (20_900, -100)] {
        let mut site = Site::with_booth();
        site.open_shift(20_000);
        let second = TillAct::OpenShift { booth: booth(), float_minor: 0 };
        let wang = |act: TillAct| Input::Till { who: "wang".into(), act };
        assert_eq!(site.tell(wang(second.clone())), Err(crate::core::Refusal::BoothOpen(booth())));
        site.stands_at_exit_after(HOUR * 2);
        site.cash(site.order_at_exit().id, 1_000).unwrap();
        site.shift();
        let first = *site.state.shifts.keys().next().unwrap();
        site.tell(wang(TillAct::TakeOver { booth: booth(), counted_minor })).unwrap();
        let shifts = site.all(|change| match change {
            Change::Shift(shift) => Some(shift),
            _ => None,
        });
        let ended = shifts.iter().rfind(|shift| shift.id == first).unwrap();
        assert_eq!((ended.over_minor(), ended.closed_by.as_deref()), (Some(over), Some("wang")));
        assert!(shift_matches_postings(ended, &site.ledger()), "{ended:?}");
        assert_eq!(site.balance(Account::CashOverShort), -over);
        let next = site.shift();
        assert_eq!((next.operator.as_str(), next.float.minor), ("wang", counted_minor));
        assert_eq!(site.cash(OrderId(1), 1), Err(crate::core::Refusal::NoShift), "li's is over");
        let close = TillAct::CloseShift { booth: booth(), counted_minor };
        site.tell(wang(close)).unwrap();
        assert_eq!(site.balance(Account::CashDrawer), 0, "all of it is in the safe");
        assert_eq!(site.balance(Account::CashSafe), 1_000 + over);
    }
}

// ---- less than the fee ---------------------------------------------------------------------------

#[test]
fn a_lower_fee_is_paid_and_the_rest_is_waived() {
    let mut site = Site::with_booth();
    site.open_shift(0);
    site.stands_at_exit_after(HOUR * 2);
    let set = |amount_minor: i64, reason: &str| TillAct::SetFee {
        lane: lane("out"),
        amount_minor,
        reason: reason.into(),
    };
    for (minor, reason) in [(300, ""), (1_000, "too much"), (-1, "a gift")] {
        assert!(site.till(set(minor, reason)).is_err(), "{minor} {reason}");
    }
    site.till(set(300, "lift was broken")).unwrap();
    assert_eq!(site.order_at_exit().amount.minor, 300);
    let order = site.order_at_exit().id;
    site.cash(order, 500).unwrap();
    assert_eq!(site.opened("out"), 1);
    site.drive_through("out");
    let totals = site.shift().totals;
    assert_eq!((totals.waived_minor, totals.waived_count, totals.cash_minor), (700, 1, 300));
    assert_eq!(site.balance(Account::ParkingRevenue), -300);
    assert!(site.state.stays.is_empty() && site.state.arrears.is_empty());
}

#[test]
fn a_fee_set_to_nothing_opens_the_arm() {
    let mut site = Site::with_booth();
    site.open_shift(0);
    site.stands_at_exit_after(HOUR);
    let reason = "visitor of the manager".into();
    site.till(TillAct::SetFee { lane: lane("out"), amount_minor: 0, reason }).unwrap();
    assert_eq!(site.opened("out"), 1);
    site.drive_through("out");
    assert_eq!((site.shift().totals.waived_minor, site.state.arrears.len()), (500, 0));
}

#[test]
fn an_entry_nobody_saw_is_given_by_a_person() {
    let mut site = Site::new();
    site.drives_to_exit();
    assert_eq!(site.help_at("out"), Some(Help::NoStay));
    let entry = |entered_at: Option<Timestamp>| TillAct::GiveEntry {
        lane: lane("out"),
        plate: None,
        entered_at,
        reason: "came in while the power was off".into(),
    };
    assert_eq!(site.till(entry(None)), Err(crate::core::Refusal::NoLostFee));
    assert_eq!(site.till(entry(Some(site.now + HOUR))), Err(crate::core::Refusal::AmountUnfit));
    site.till(entry(Some(site.now - HOUR * 2))).unwrap();
    assert_eq!(
        (site.phase("out"), site.order_at_exit().amount.minor),
        (Phase::AwaitingPayment, 1_000)
    );
    assert!(site.till(entry(Some(site.now - HOUR))).is_err(), "it is on record now");
    site.phone(site.order_at_exit().id);
    site.drive_through("out");
    assert!(site.state.stays.is_empty());
}

#[test]
fn an_operator_ends_the_stay_of_a_vehicle_that_is_gone() {
    let mut site = Site::new();
    site.rules.limits.second_above_minor = 1_000;
    site.enter(PLATE);
    let stay = site.state.stay_of(&plate()).unwrap().id;
    let end = |reason: &str| TillAct::EndStay { stay, reason: reason.into() };
    let till = |act| Input::Till { who: "li".into(), act };
    site.after(HOUR);
    assert_eq!(site.tell(till(end(" "))), Err(crate::core::Refusal::NoReason));
    site.drives_to_exit();
    let stands = crate::core::Refusal::StandsThere(lane("out"));
    assert_eq!(site.tell(till(end("gone"))), Err(stands));
    site.sensor("out", Sensor::Arrival, false);
    site.after(HOUR * 3);
    assert!(matches!(site.tell(till(end("gone"))), Err(crate::core::Refusal::SecondNeeded(_))));
    let act = TillAct::Seconded { second: "wang".into(), act: Box::new(end("gone")) };
    site.tell(till(act)).unwrap();
    assert!(site.state.stays.is_empty() && site.state.orders.is_empty());
    let told = site.journal.iter().rev().find_map(|change| match change {
        Change::TillActed {
            did: crate::core::till::TillDid::StayEnded, amount, reason, ..
        } => Some((amount.minor, reason.clone())),
        _ => None,
    });
    assert_eq!(told, Some((2_000, "gone (with wang)".into())));
    assert_eq!(site.balance(Account::ParkingRevenue), 0);
    assert_eq!(site.tell(till(end("gone"))), Err(crate::core::Refusal::NoStay(stay)), "once");
}
