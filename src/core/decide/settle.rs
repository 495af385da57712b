//! Settlement days in the ledger: fees, transfers and what is written off, each posted once. Knows no statement.

use std::collections::BTreeMap;

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        money::{Account, Posting},
        settle::{SettleAct, Settled, SettledDay},
    },
    types::Money,
};

/// More than any site takes in a day, in minor units: a slip of the finger.
const DAY_MINOR_MAX: i64 = 1_000_000_000_000;

impl Desk<'_> {
    pub(super) fn settle_day(&mut self, id: SettledDay, who: String, act: SettleAct) -> Reply {
        let mut day = self.settled(id);
        let posted = match act {
            SettleAct::Fees { minor } => {
                let posted = self.post(&day, Account::ChannelFees, day.fees, minor)?;
                day.fees = self.money(minor);
                posted
            }
            SettleAct::Arrived { minor, reason } => {
                let posted = self.post(&day, Account::BankAccount, day.arrived, minor)?;
                day.arrived = self.money(minor);
                day.reason = reason;
                posted
            }
            SettleAct::WriteOff { difference, minor, reason, second } => {
                if reason.trim().is_empty() {
                    return Err(Refusal::NoReason);
                }
                if self.needs_second(minor) && second.as_ref().is_none_or(|second| *second == who) {
                    let above = self.money(self.rules.settle.second_above_minor);
                    return Err(Refusal::SecondNeeded(above));
                }
                let former = self.money(day.written_off.get(&difference).copied().unwrap_or(0));
                let posted = self.post(&day, Account::SettlementOverShort, former, minor)?;
                day.written_off.insert(difference, minor);
                day.reason = match second {
                    Some(second) => format!("{reason} (with {second})"),
                    None => reason,
                };
                posted
            }
        };
        if !posted {
            return Ok(Answer::Duplicate);
        }
        day.by = who;
        day.at = self.now;
        self.record(Change::Settled(day));
        Ok(Answer::Done)
    }

    fn needs_second(&self, minor: i64) -> bool {
        minor.unsigned_abs() > self.rules.settle.second_above_minor.unsigned_abs()
    }

    fn settled(&self, id: SettledDay) -> Settled {
        self.state.settled.get(&id).cloned().unwrap_or_else(|| {
            let (nothing, by, reason) = (self.money(0), String::new(), String::new());
            let written_off = BTreeMap::new();
            Settled { id, fees: nothing, arrived: nothing, written_off, by, reason, at: self.now }
        })
    }

    /// Moves what is new of `minor` from the channel's receivable to `account`; `false`: nothing is new.
    fn post(
        &mut self,
        day: &Settled,
        account: Account,
        former: Money,
        minor: i64,
    ) -> Result<bool, Refusal> {
        let new = minor.checked_sub(former.minor).ok_or(Refusal::AmountUnfit)?;
        if minor.unsigned_abs() > DAY_MINOR_MAX.unsigned_abs() {
            return Err(Refusal::AmountUnfit);
        }
        if new == 0 {
            return Ok(false);
        }
        let receivable = Account::ChannelReceivable;
        let (debit, credit) = if new > 0 { (account, receivable) } else { (receivable, account) };
        let (txn, at, amount) = (self.next_txn(), self.now, self.money(new.abs()));
        self.record(Change::Posting(Posting {
            counter: None,
            product: None,
            txn,
            at,
            payment: None,
            refund: None,
            cash: None,
            shift: None,
            pass: None,
            settled: Some(day.id.clone()),
            debit,
            credit,
            amount,
        }));
        Ok(true)
    }
}
