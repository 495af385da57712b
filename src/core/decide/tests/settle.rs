//! Settlement days in the ledger: whatever is said, and however often, the postings add up to the last of it.

use super::*;
use crate::{
    core::{
        Refusal,
        money::{Account, Posting},
        settle::{SettleAct, SettledDay},
    },
    types::ChannelId,
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
