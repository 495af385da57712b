//! Merchants, what they give to stays, and what each is used for. Knows no lane.

use jiff::Timestamp;

use super::{Desk, ledger::Entry};
use crate::{
    core::{
        change::Change,
        input::{Answer, Refusal, Reply},
        money::Account,
        stay::Stay,
        tariff::Benefit,
        till::{Merchant, MerchantAct, Offer, TillDid, Validation, ValidationState},
    },
    types::{MerchantId, OrderId, Plate, StayId, ValidationId},
};

/// A name is read on a page and a receipt.
const NAME_CHARS_MAX: usize = 60;
const OFFERS_MAX: usize = 20;

impl Desk<'_> {
    pub(super) fn merchant_act(&mut self, who: String, act: MerchantAct) -> Reply {
        match act {
            MerchantAct::Put { id, name, offers, budget_minor } => {
                self.put_merchant(id, &name, offers, budget_minor)
            }
            MerchantAct::Suspend { id, suspended } => {
                let merchant = self.merchant(id).cloned().ok_or(Refusal::NoMerchant(id))?;
                self.record(Change::Merchant(Merchant { suspended, ..merchant }));
                Ok(Answer::Done)
            }
            MerchantAct::Bear { id, on_site } => {
                let merchant = self.merchant(id).cloned().ok_or(Refusal::NoMerchant(id))?;
                self.record(Change::Merchant(Merchant { on_site, ..merchant }));
                Ok(Answer::Done)
            }
            MerchantAct::Paid { id, minor, reason } => self.merchant_paid(who, id, minor, &reason),
        }
    }

    fn put_merchant(
        &mut self,
        id: Option<MerchantId>,
        name: &str,
        offers: Vec<Offer>,
        budget_minor: i64,
    ) -> Reply {
        let name = name.trim().to_owned();
        let is_name = |name: &str| (1..=NAME_CHARS_MAX).contains(&name.chars().count());
        let mut names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let fits = is_name(&name)
            && budget_minor >= 0
            && offers.len() <= OFFERS_MAX
            && names.len() == offers.len()
            && offers.iter().all(|offer| is_name(&offer.name) && self.is_sound(offer));
        if !fits {
            return Err(Refusal::MerchantUnfit);
        }
        let merchant = match id {
            Some(id) => {
                let known = self.merchant(id).cloned().ok_or(Refusal::NoMerchant(id))?;
                Merchant { name, offers, budget_minor, ..known }
            }
            None => Merchant {
                id: self.next_merchant(),
                name,
                offers,
                budget_minor,
                spent_minor: 0,
                month: self.month(),
                suspended: false,
                on_site: false,
                over_at: None,
            },
        };
        let id = merchant.id;
        self.record(Change::Merchant(merchant));
        Ok(Answer::Merchant(id))
    }

    fn is_sound(&self, offer: &Offer) -> bool {
        let sound = match &offer.benefit {
            Benefit::TimeFront { minutes } | Benefit::TimeBack { minutes } => {
                (1..=10_080).contains(minutes)
            }
            Benefit::Amount { minor } => *minor > 0,
            Benefit::Percent { off } => (1..=100).contains(off),
            Benefit::AllFree => true,
            Benefit::OtherTariff { name } => self.rules.tariffs.names().contains(name),
        };
        sound && offer.at_most_minor > 0
    }

    /// The first instant of this month by the site's clock.
    fn month(&self) -> Timestamp {
        let now = self.now.to_zoned_datetime(self.rules.zone.clone());
        let first = now.first_of_month().and_then(|day| day.start_of_day());
        first.map_or(self.now, |day| day.timestamp())
    }

    /// The merchant with what it spent this month.
    fn merchant_now(&self, id: MerchantId) -> Option<Merchant> {
        let mut merchant = self.merchant(id).cloned()?;
        let month = self.month();
        if merchant.month < month {
            (merchant.month, merchant.spent_minor) = (month, 0);
        }
        Some(merchant)
    }

    // ---- giving and taking back ------------------------------------------------------------------

    pub(super) fn validate(
        &mut self,
        id: MerchantId,
        plate: &Plate,
        offer: &str,
        by: String,
    ) -> Reply {
        let mut merchant = self.merchant_now(id).ok_or(Refusal::NoMerchant(id))?;
        if merchant.suspended {
            return Err(Refusal::NoMerchant(id));
        }
        let offer = merchant.offers.iter().find(|known| known.name == offer).cloned();
        let offer = offer.ok_or(Refusal::NoOffer(id))?;
        let stay = self.stay_of(plate).map(|stay| stay.id).ok_or(Refusal::NotInside)?;
        if self.validations_of(stay).len() >= self.rules.till.validations_max as usize {
            return Err(Refusal::ValidationsFull);
        }
        let spent = merchant.spent_minor.saturating_add(offer.at_most_minor);
        if spent > merchant.budget_minor {
            return Err(Refusal::BudgetSpent);
        }
        merchant.spent_minor = spent;
        self.record(Change::Merchant(merchant));
        let validation = Validation {
            id: self.next_validation(),
            merchant: id,
            offer: offer.name,
            benefit: offer.benefit,
            at_most_minor: offer.at_most_minor,
            stay,
            by,
            given_at: self.now,
            state: ValidationState::Given,
            over_at: None,
        };
        let id = validation.id;
        self.record(Change::Validation(validation));
        self.settle_again(stay);
        Ok(Answer::Validation(id))
    }

    /// `merchant`: who gave it; `None`: an operator takes it back.
    pub(super) fn unvalidate(&mut self, id: ValidationId, merchant: Option<MerchantId>) -> Reply {
        let refused = Refusal::NoValidation(id);
        let Some(mut validation) = self.validation(id).cloned() else { return Err(refused) };
        let foreign = merchant.is_some_and(|merchant| merchant != validation.merchant);
        if foreign || validation.state != ValidationState::Given {
            return Err(refused);
        }
        let stay = validation.stay;
        self.charge(&validation, validation.at_most_minor, 0);
        validation.state = ValidationState::Revoked;
        validation.over_at = Some(self.now);
        self.record(Change::Validation(validation));
        self.settle_again(stay);
        Ok(Answer::Done)
    }

    // ---- what they are used for ------------------------------------------------------------------

    /// The validations of a stay that are not over, in the order of giving.
    pub(super) fn validations_of(&self, stay: StayId) -> Vec<Validation> {
        let known = self.state.validations_of(stay).map(|validation| validation.id);
        let fresh = self.changes.iter().filter_map(|change| match change {
            Change::Validation(validation) if validation.stay == stay => Some(validation.id),
            _ => None,
        });
        let ids: std::collections::BTreeSet<ValidationId> = known.chain(fresh).collect();
        ids.into_iter().filter_map(|id| self.validation(id).cloned()).collect()
    }

    /// The fee up to `to` is paid, or its vehicle leaves: what took something off is used. A driver who had paid before
    /// saved nothing, and no merchant pays what nobody saved.
    pub(super) fn validations_used(&mut self, stay: &Stay, to: Timestamp, order: Option<OrderId>) {
        if self.validations_of(stay.id).is_empty() {
            return;
        }
        let mut left = self.saved(stay, to);
        for (mut validation, worth) in self.worth(stay, to) {
            let worth = worth.min(left);
            left -= worth;
            let minor = worth.min(validation.at_most_minor);
            let first = match validation.state {
                ValidationState::Given if minor == 0 => continue,
                ValidationState::Given => order,
                // A later payment is for a longer stay, so it may be worth more than at the first.
                ValidationState::Used { minor: before, order } if minor > before => order,
                ValidationState::Used { .. }
                | ValidationState::Revoked
                | ValidationState::Lapsed => continue,
            };
            let known = match validation.state {
                ValidationState::Used { minor, .. } => minor,
                ValidationState::Given | ValidationState::Revoked | ValidationState::Lapsed => 0,
            };
            self.book_discount(stay, &validation, minor - known);
            validation.state = ValidationState::Used { order: first, minor };
            self.record(Change::Validation(validation));
        }
    }

    /// The stay is over: so are its validations, used or not. Until now each kept all that it could be worth of its
    /// merchant's budget, since a later payment may make more of it.
    pub(super) fn end_validations(&mut self, stay: StayId) {
        for mut validation in self.validations_of(stay) {
            let (most, used) = (validation.at_most_minor, validation.state);
            match used {
                ValidationState::Given => {
                    self.charge(&validation, most, 0);
                    validation.state = ValidationState::Lapsed;
                }
                ValidationState::Used { minor, .. } => self.charge(&validation, most, minor),
                ValidationState::Revoked | ValidationState::Lapsed => {}
            }
            validation.over_at = Some(self.now);
            self.record(Change::Validation(validation));
        }
    }

    /// Its merchant owes what it took off the fee; where its discounts are the site's own, the site gave it away.
    fn book_discount(&mut self, stay: &Stay, validation: &Validation, minor: i64) {
        let own = self.merchant(validation.merchant).is_some_and(|merchant| merchant.on_site);
        let account = if own { Account::Discounts } else { Account::MerchantReceivable };
        let entry = Entry::new(account, Account::ValidationRevenue, self.money(minor));
        self.book(Entry {
            zone: Some(self.zone_of_stay(stay)),
            merchant: Some(validation.merchant),
            validation: Some(validation.id),
            ..entry
        });
    }

    /// What a merchant has transferred of what it owes, as a person has seen it; below zero: taken back.
    fn merchant_paid(&mut self, who: String, id: MerchantId, minor: i64, reason: &str) -> Reply {
        let merchant = self.merchant(id).ok_or(Refusal::NoMerchant(id))?.id;
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Refusal::NoReason);
        }
        if minor == 0 || minor.unsigned_abs() > super::sale::SALE_MINOR_MAX.unsigned_abs() {
            return Err(Refusal::AmountUnfit);
        }
        let (bank, owed) = (Account::BankAccount, Account::MerchantReceivable);
        let (debit, credit) = if minor > 0 { (bank, owed) } else { (owed, bank) };
        let entry = Entry::new(debit, credit, self.money(minor.abs()));
        self.book(Entry { merchant: Some(merchant), ..entry });
        let (did, amount, shift) = (TillDid::MerchantPaid, self.money(minor), None);
        let (lane, stay, picture, payment) = (None, None, None, None);
        self.record(Change::TillActed {
            did,
            who,
            reason,
            amount,
            lane,
            stay,
            shift,
            picture,
            payment,
        });
        Ok(Answer::Done)
    }

    /// What a validation takes of its merchant's budget changes. A month that is over stays as it was.
    fn charge(&mut self, validation: &Validation, before: i64, after: i64) {
        let Some(mut merchant) = self.merchant_now(validation.merchant) else { return };
        if validation.given_at < merchant.month || before == after {
            return;
        }
        merchant.spent_minor = merchant.spent_minor.saturating_sub(before).saturating_add(after);
        self.record(Change::Merchant(merchant));
    }
}
