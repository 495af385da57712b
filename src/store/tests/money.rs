//! Operators, merchants and drivers who do anything with money at any time, and what the tables say of it.

use std::time::Duration;

use rand::RngExt;

use super::site::{Dir, Traffic};
use crate::{
    core::{
        Change, Input,
        money::OrderState,
        rules::TillRules,
        shift_matches_postings,
        tariff::Benefit,
        till::{MerchantAct, Offer, TillAct},
    },
    store::{Options, Store},
    types::{BoothId, Plate},
};

pub(super) fn rules() -> TillRules {
    TillRules { booths: vec![booth()], approve_above_minor: 400, ..TillRules::default() }
}

fn booth() -> BoothId {
    BoothId::parse("east").unwrap()
}

impl Traffic {
    /// Something is done with money.
    pub(super) fn money(&mut self) {
        let who = if self.rng.random() { "li" } else { "wang" }.to_owned();
        let minor = self.rng.random_range(0..3_000);
        let plate = Plate::parse(&format!("京A{:05}", self.rng.random_range(0..12))).unwrap();
        let act = match self.rng.random_range(0..12) {
            9..12 => return self.sales(),
            0 => TillAct::OpenShift { booth: booth(), float_minor: minor },
            1 => TillAct::CloseShift { booth: booth(), counted_minor: minor },
            2 => TillAct::TakeOver { booth: booth(), counted_minor: minor },
            3..6 => {
                let owed =
                    |state: &OrderState| matches!(state, OrderState::Due | OrderState::Unpaid);
                let order = self.state.orders.values().find(|order| owed(&order.state));
                let Some(order) = order.map(|order| order.id) else { return };
                TillAct::TakeCash { order, tendered_minor: minor }
            }
            6 => return self.tell(Input::PrepayAsked { plate }),
            7 => return self.shop(plate),
            _ => {
                let Some(arrears) = self.state.arrears.keys().next().copied() else { return };
                TillAct::Forgive { arrears, reason: "seen".into() }
            }
        };
        self.tell(Input::Till { who, act })
    }

    fn shop(&mut self, plate: Plate) {
        let Some(merchant) = self.state.merchants.keys().next().copied() else {
            let benefit = Benefit::Percent { off: 50 };
            let offers = vec![Offer { name: "half".into(), benefit, at_most_minor: 700 }];
            let name = "Noodles".into();
            let act = MerchantAct::Put { id: None, name, offers, budget_minor: 100_000 };
            return self.tell(Input::Merchant { who: "li".into(), act });
        };
        if let Some(validation) = self.state.validations.keys().next().copied()
            && self.rng.random_ratio(1, 3)
        {
            return self.tell(Input::Unvalidate { validation, merchant: Some(merchant) });
        }
        let (offer, by) = ("half".into(), "noodles".into());
        self.tell(Input::Validate { merchant, plate, offer, by })
    }
}

/// Each step is committed at once, so that the order of the journal is that of the acts.
#[tokio::test]
async fn shifts_agree_with_the_ledger_whatever_happens() {
    let (mut shifts, mut cash, mut used, mut arrears) = (0, 0, 0, 0);
    for seed in 100..104 {
        let dir = Dir::new("money");
        let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
        let mut traffic = Traffic::new(seed);
        traffic.tell(Input::Started);
        for _ in 0..300 {
            traffic.step(&store.reader).await;
            traffic.money();
            traffic.now += Duration::from_mins(3);
            traffic.commit(&mut store.writer).await;
        }
        let rows = store.reader.journal_after(0, 100_000).await.unwrap();
        let pick = |change: &Change| match change {
            Change::Posting(posting) => Some(posting.clone()),
            _ => None,
        };
        let postings: Vec<_> = rows.iter().filter_map(|row| pick(&row.change)).collect();
        for shift in store.reader.shifts(1_000).await.unwrap() {
            assert!(shift_matches_postings(&shift, &postings), "seed {seed}: {shift:?}");
            cash += store.reader.cash_of_shift(shift.id, 1_000).await.unwrap().len();
            shifts += 1;
        }
        if let Some(merchant) = traffic.state.merchants.keys().next() {
            used += store.reader.validations_of(*merchant, 1_000).await.unwrap().len();
        }
        arrears += traffic.state.counters.arrears;
        let loaded = store.reader.load().await.unwrap();
        assert_eq!(loaded.state, traffic.state, "seed {seed}: loaded");
        assert_eq!(store.reader.rebuild().await.unwrap().differences, [], "seed {seed}");
        let sums = store.reader.ledger_sums().await.unwrap();
        assert_eq!(sums.iter().map(|sum| sum.minor).sum::<i64>(), 0, "seed {seed}: ledger");
    }
    assert!(shifts > 8 && cash > 4 && used > 4 && arrears > 0, "{shifts} {cash} {used} {arrears}");
}

#[tokio::test]
async fn a_merchants_sign_in_is_its_own() {
    use crate::{store::MerchantAccount, types::MerchantId};
    let dir = Dir::new("merchants");
    let store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let (accounts, now) = (&store.accounts, super::site::start());
    let account = |merchant: i64, hash: &str| MerchantAccount {
        name: "noodles".into(),
        merchant: MerchantId(merchant),
        password_hash: hash.into(),
    };
    assert!(accounts.put_merchant_account(&account(1, "a"), &[1; 32], now).await.unwrap());
    assert!(!accounts.put_merchant_account(&account(2, "b"), &[2; 32], now).await.unwrap());
    let user = Some(("noodles".to_owned(), MerchantId(1)));
    assert_eq!(accounts.merchant_of_token(&[1; 32]).await.unwrap(), user);
    assert_eq!(accounts.merchant_of_token(&[2; 32]).await.unwrap(), None);
    let until = now + Duration::from_hours(1);
    accounts.put_merchant_session(&[7; 32], "noodles", until, now).await.unwrap();
    assert_eq!(accounts.merchant_session(&[7; 32], now).await.unwrap(), user);
    assert_eq!(accounts.merchant_session(&[7; 32], until).await.unwrap(), None);
    // A new password signs everybody out and ends the old token.
    assert!(accounts.put_merchant_account(&account(1, "c"), &[3; 32], now).await.unwrap());
    assert_eq!(accounts.merchant_session(&[7; 32], now).await.unwrap(), None);
    assert_eq!(accounts.merchant_of_token(&[1; 32]).await.unwrap(), None);
    assert_eq!(accounts.merchant_account("noodles").await.unwrap(), Some(account(1, "c")));
}
