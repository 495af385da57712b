//! Settlement days in the ledger: fees, transfers and what is written off, each posted once. Knows no statement.

use std::collections::BTreeMap;

use super::Desk;
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        money::{Account, Posting},
        settle::{SettleAct, Settled, SettledDay},
        shares::{Share, ShareBook},
    },
    types::{Money, PartnerId},
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
                let reason = self.agreed(&who, minor, reason, second)?;
                let former = self.money(day.written_off.get(&difference).copied().unwrap_or(0));
                let posted = self.post(&day, Account::SettlementOverShort, former, minor)?;
                day.written_off.insert(difference, minor);
                day.reason = reason;
                posted
            }
            SettleAct::Close { difference, minor, reason, second } => {
                let reason = self.agreed(&who, minor, reason, second)?;
                day.reason = format!("difference {difference} settled: {reason}");
                true
            }
            SettleAct::Shares { book, shares } => self.share(&mut day, book, shares)?,
            SettleAct::Transferred { partner, minor, reason } => {
                let former = day.transferred.get(&partner).copied().unwrap_or(0);
                if minor < 0 || minor - former > self.owed_to(&partner) {
                    return Err(Refusal::AmountUnfit);
                }
                let posted = self.give(&day, Account::BankAccount, &partner, former, minor)?;
                day.transferred.insert(partner, minor);
                day.reason = reason;
                posted
            }
            SettleAct::Relayed { partner, minor } => {
                let former = day.relayed.get(&partner).copied().unwrap_or(0);
                let posted =
                    self.give(&day, Account::ChannelReceivable, &partner, former, minor)?;
                day.relayed.insert(partner, minor);
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

    /// Above the site's sum two persons say so; with the second one's name in the reason.
    fn agreed(
        &self,
        who: &str,
        minor: i64,
        reason: String,
        second: Option<String>,
    ) -> Result<String, Refusal> {
        if reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
        if self.needs_second(minor) && second.as_ref().is_none_or(|second| second == who) {
            return Err(Refusal::SecondNeeded(self.money(self.rules.settle.second_above_minor)));
        }
        Ok(match second {
            Some(second) => format!("{reason} (with {second})"),
            None => reason,
        })
    }

    fn needs_second(&self, minor: i64) -> bool {
        minor.unsigned_abs() > self.rules.settle.second_above_minor.unsigned_abs()
    }

    fn settled(&self, id: SettledDay) -> Settled {
        self.state.settled.get(&id).cloned().unwrap_or_else(|| {
            let (nothing, by, reason) = (self.money(0), String::new(), String::new());
            let (transferred, relayed) = (BTreeMap::new(), BTreeMap::new());
            Settled {
                id,
                fees: nothing,
                arrived: nothing,
                written_off: BTreeMap::new(),
                book: None,
                shares: Vec::new(),
                transferred,
                relayed,
                by,
                reason,
                at: self.now,
            }
        })
    }

    /// What a partner has a right to of all days and has not got.
    fn owed_to(&self, partner: &PartnerId) -> i64 {
        let days = self.state.settled.values();
        days.map(|day| day.owed_minor(partner)).fold(0, i64::saturating_add)
    }

    /// Posts what is new of a day's shares. The rules of a day stay as they were first said; what the site keeps for
    /// itself is no posting.
    fn share(
        &mut self,
        day: &mut Settled,
        book: ShareBook,
        shares: Vec<Share>,
    ) -> Result<bool, Refusal> {
        let fresh = day.book.is_none();
        let own = day.book.get_or_insert(book).own.clone();
        let known = std::mem::replace(&mut day.shares, shares);
        if known == day.shares {
            return Ok(fresh);
        }
        let mut steps = BTreeMap::<PartnerId, i64>::new();
        for share in &day.shares {
            let sum = steps.entry(share.partner.clone()).or_default();
            *sum = sum.saturating_add(share.minor());
        }
        for share in &known {
            let sum = steps.entry(share.partner.clone()).or_default();
            *sum = sum.saturating_sub(share.minor());
        }
        if steps.values().any(|minor| minor.unsigned_abs() > DAY_MINOR_MAX.unsigned_abs()) {
            return Err(Refusal::AmountUnfit);
        }
        for (partner, minor) in steps.into_iter().filter(|(partner, _)| *partner != own) {
            let (share, owed) = (Account::PartnersShare, Account::PartnersPayable);
            let (debit, credit) = if minor > 0 { (share, owed) } else { (owed, share) };
            self.post_to(day, debit, credit, minor.abs(), &partner);
        }
        Ok(true)
    }

    /// What a partner has a right to goes to it; `former` of it was said before.
    fn give(
        &mut self,
        day: &Settled,
        from: Account,
        partner: &PartnerId,
        former: i64,
        minor: i64,
    ) -> Result<bool, Refusal> {
        let new = minor.checked_sub(former).ok_or(Refusal::AmountUnfit)?;
        if minor.unsigned_abs() > DAY_MINOR_MAX.unsigned_abs() {
            return Err(Refusal::AmountUnfit);
        }
        let owed = Account::PartnersPayable;
        let (debit, credit) = if new > 0 { (owed, from) } else { (from, owed) };
        self.post_to(day, debit, credit, new.abs(), partner);
        Ok(new != 0)
    }

    fn post_to(
        &mut self,
        day: &Settled,
        debit: Account,
        credit: Account,
        minor: i64,
        partner: &PartnerId,
    ) {
        if minor == 0 {
            return;
        }
        let bare = Posting::bare(self.next_txn(), self.now, debit, credit, self.money(minor));
        let (partner, settled) = (Some(partner.clone()), Some(day.id.clone()));
        self.record(Change::Posting(Posting { partner, settled, ..bare }));
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
        let bare = Posting::bare(txn, at, debit, credit, amount);
        self.record(Change::Posting(Posting { settled: Some(day.id.clone()), ..bare }));
        Ok(true)
    }
}
