//! Settlement days in the ledger: whatever is said, and however often, the postings add up to the last of it.

use super::*;
use crate::{
    core::{
        Refusal,
        money::{Account, Posting},
        settle::{SettleAct, SettledDay},
        shares::{Share, ShareBook},
    },
    types::{ChannelId, PartnerId},
};

fn day() -> SettledDay {
    SettledDay { channel: ChannelId::parse("icbc").unwrap(), day: "2026-11-22".parse().unwrap() }
}

impl Site {
    fn settles(&mut self, who: &str, act: SettleAct) -> Reply {
        self.tell(Input::Settle { day: day(), who: who.into(), act })
    }

    /// Debits less credits of postings of settlement days.
    fn of_day(&self, account: Account) -> i64 {
        let postings = self.journal.iter().filter_map(|change| match change {
            Change::Posting(posting) if posting.settled == Some(day()) => Some(posting),
            _ => None,
        });
        let side = |p: &Posting| {
            i64::from(p.debit == account) * p.amount.minor
                - i64::from(p.credit == account) * p.amount.minor
        };
        postings.map(side).sum()
    }
}

fn write_off(minor: i64, reason: &str, second: Option<&str>) -> SettleAct {
    let second = second.map(str::to_owned);
    SettleAct::WriteOff { difference: 7, minor, reason: reason.into(), second }
}

#[test]
fn what_is_said_of_a_day_is_posted_once() {
    let mut site = Site::new();
    let arrived = |minor| SettleAct::Arrived { minor, reason: "seen in the account".into() };
    let steps = [
        (SettleAct::Fees { minor: 38 }, Ok(Answer::Done), (38, 0, -38)),
        (SettleAct::Fees { minor: 38 }, Ok(Answer::Duplicate), (38, 0, -38)),
        // The corrected statement says less, then that the bank gave some back.
        (SettleAct::Fees { minor: 30 }, Ok(Answer::Done), (30, 0, -30)),
        (SettleAct::Fees { minor: -4 }, Ok(Answer::Done), (-4, 0, 4)),
        (arrived(9_962), Ok(Answer::Done), (-4, 9_962, -9_958)),
        (arrived(9_962), Ok(Answer::Duplicate), (-4, 9_962, -9_958)),
        (arrived(10_000), Ok(Answer::Done), (-4, 10_000, -9_996)),
        (arrived(i64::MIN), Err(Refusal::AmountUnfit), (-4, 10_000, -9_996)),
        (SettleAct::Fees { minor: i64::MAX }, Err(Refusal::AmountUnfit), (-4, 10_000, -9_996)),
    ];
    for (at, (act, reply, (fees, bank, receivable))) in steps.into_iter().enumerate() {
        assert_eq!(site.settles("li", act), reply, "step {at}");
        assert_eq!(site.of_day(Account::ChannelFees), fees, "step {at}");
        assert_eq!(site.of_day(Account::BankAccount), bank, "step {at}");
        assert_eq!(site.of_day(Account::ChannelReceivable), receivable, "step {at}");
    }
    let mut replayed = State::default();
    site.journal.iter().for_each(|change| replayed.apply(change));
    assert_eq!(replayed.settled, site.state.settled);
}

#[test]
fn writing_off_has_a_reason_and_above_a_sum_a_second_person() {
    let mut site = Site::new();
    site.rules.settle.second_above_minor = 1_000;
    let above = || Err(Refusal::SecondNeeded(Money::new(1_000, Currency::Cny)));
    let steps = [
        (write_off(1_000, " ", None), Err(Refusal::NoReason), 0),
        (write_off(1_000, "too old", None), Ok(Answer::Done), 1_000),
        (write_off(1_000, "too old", None), Ok(Answer::Duplicate), 1_000),
        (write_off(1_001, "too old", None), above(), 1_000),
        (write_off(-1_001, "too old", Some("li")), above(), 1_000),
        (write_off(-1_001, "it is theirs", Some("wang")), Ok(Answer::Done), -1_001),
    ];
    for (at, (act, reply, lost)) in steps.into_iter().enumerate() {
        assert_eq!(site.settles("li", act), reply, "step {at}");
        assert_eq!(site.of_day(Account::SettlementOverShort), lost, "step {at}");
    }
    assert_eq!(site.state.settled[&day()].reason, "it is theirs (with wang)");
}

// ---- partners ------------------------------------------------------------------------------------

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

fn said(shares: &[(&str, i64, i64)]) -> SettleAct {
    let share = |(id, taken_minor, fee_minor): &(&str, i64, i64)| Share {
        partner: partner(id),
        taken_minor: *taken_minor,
        fee_minor: *fee_minor,
    };
    let (remainder, own) = (partner("operator"), partner("operator"));
    let book = ShareBook { rules: Vec::new(), remainder, own };
    SettleAct::Shares { book, shares: shares.iter().map(share).collect() }
}

#[test]
fn shares_are_posted_once_and_what_is_new_of_them_later() {
    let mut site = Site::new();
    let own = ("operator", 700, 4);
    let steps = [
        (said(&[("land", 200, 0), ("bank", 100, 1), own]), Ok(Answer::Done), 299),
        (said(&[("land", 200, 0), ("bank", 100, 1), own]), Ok(Answer::Duplicate), 299),
        // The corrected statement says another fee.
        (said(&[("land", 200, 0), ("bank", 100, 3), own]), Ok(Answer::Done), 297),
        // More went back that day than came in, and one has no part any more.
        (said(&[("land", -50, 0), own]), Ok(Answer::Done), -50),
        (said(&[("land", i64::MAX, 0), own]), Err(Refusal::AmountUnfit), -50),
    ];
    for (at, (act, reply, shared)) in steps.into_iter().enumerate() {
        assert_eq!(site.settles("li", act), reply, "step {at}");
        assert_eq!(site.of_day(Account::PartnersShare), shared, "step {at}");
        assert_eq!(site.of_day(Account::PartnersPayable), -shared, "step {at}");
    }
    let named = site.journal.iter().filter_map(|change| match change {
        Change::Posting(posting) => posting.partner.clone(),
        _ => None,
    });
    assert!(named.into_iter().all(|id| id != partner("operator")), "its own part is no posting");
}

#[test]
fn nobody_gets_more_than_its_share() {
    let mut site = Site::new();
    site.settles("li", said(&[("land", 1_000, 0)])).unwrap();
    let gives = |minor| SettleAct::Transferred {
        partner: partner("land"),
        minor,
        reason: "by the file of Monday".into(),
    };
    let relays = |minor| SettleAct::Relayed { partner: partner("land"), minor };
    let steps = [
        (relays(300), Ok(Answer::Done), (-700, -300, 0)),
        (relays(300), Ok(Answer::Duplicate), (-700, -300, 0)),
        (gives(701), Err(Refusal::AmountUnfit), (-700, -300, 0)),
        (gives(600), Ok(Answer::Done), (-100, -300, -600)),
        (gives(600), Ok(Answer::Duplicate), (-100, -300, -600)),
        (gives(700), Ok(Answer::Done), (0, -300, -700)),
        // A slip, put right.
        (gives(650), Ok(Answer::Done), (-50, -300, -650)),
        (gives(-1), Err(Refusal::AmountUnfit), (-50, -300, -650)),
    ];
    for (at, (act, reply, (owed, receivable, bank))) in steps.into_iter().enumerate() {
        assert_eq!(site.settles("li", act), reply, "step {at}");
        assert_eq!(site.of_day(Account::PartnersPayable), owed, "step {at}");
        assert_eq!(site.of_day(Account::ChannelReceivable), receivable, "step {at}");
        assert_eq!(site.of_day(Account::BankAccount), bank, "step {at}");
    }
    let left = site.state.settled[&day()].owed_minor(&partner("land"));
    assert_eq!(left, 50);
}

#[test]
fn a_large_difference_is_settled_by_two_persons_without_a_posting() {
    let mut site = Site::new();
    site.rules.settle.second_above_minor = 1_000;
    let close = |minor, second: Option<&str>| SettleAct::Close {
        difference: 7,
        minor,
        reason: "the bank gives it back".into(),
        second: second.map(str::to_owned),
    };
    let above = || Err(Refusal::SecondNeeded(Money::new(1_000, Currency::Cny)));
    assert_eq!(site.settles("li", close(1_000, None)), Ok(Answer::Done));
    assert_eq!(site.settles("li", close(-1_001, None)), above());
    assert_eq!(site.settles("li", close(1_001, Some("li"))), above());
    assert_eq!(site.settles("li", close(1_001, Some("wang"))), Ok(Answer::Done));
    assert_eq!(site.of_day(Account::ChannelReceivable), 0);
    assert!(site.state.settled[&day()].reason.contains("(with wang)"));
}
