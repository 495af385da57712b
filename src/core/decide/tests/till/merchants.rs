//! What merchants give, within their budgets, and visits that a tariff looks back on.

use super::*;

// ---- merchants -----------------------------------------------------------------------------------

impl Site {
    fn shop(&mut self, benefit: Benefit, budget_minor: i64) -> MerchantId {
        let offers = vec![Offer { name: "usual".into(), benefit, at_most_minor: 600 }];
        let act = MerchantAct::Put { id: None, name: "Noodles".into(), offers, budget_minor };
        match self.tell(Input::Merchant { who: "li".into(), act }) {
            Ok(Answer::Merchant(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    fn gives(&mut self, merchant: MerchantId) -> Reply {
        let (offer, by) = ("usual".into(), "noodles".into());
        self.tell(Input::Validate { merchant, plate: plate(), offer, by })
    }

    fn spent(&self, merchant: MerchantId) -> i64 {
        self.state.merchants[&merchant].spent_minor
    }
}

#[test]
fn a_merchant_gives_within_its_budget_and_takes_back_what_is_not_used() {
    let mut site = Site::new();
    let shop = site.shop(Benefit::TimeFront { minutes: 60 }, 1_000);
    assert_eq!(site.gives(shop), Err(crate::core::Refusal::NotInside));
    site.enter(PLATE);
    let Ok(Answer::Validation(given)) = site.gives(shop) else { panic!("given") };
    assert_eq!(site.spent(shop), 600);
    assert_eq!(site.gives(shop), Err(crate::core::Refusal::BudgetSpent));
    let back = |merchant| Input::Unvalidate { validation: given, merchant };
    let foreign = site.tell(back(Some(MerchantId(9))));
    assert_eq!(foreign, Err(crate::core::Refusal::NoValidation(given)));
    site.tell(back(Some(shop))).unwrap();
    assert_eq!((site.spent(shop), site.state.validations.len()), (0, 0));
    assert!(site.tell(back(Some(shop))).is_err(), "once");
    site.gives(shop).unwrap();
    site.after(Duration::from_hours(24 * 8));
    site.tell(Input::Merchant {
        who: "li".into(),
        act: MerchantAct::Suspend { id: shop, suspended: true },
    })
    .unwrap();
    assert_eq!(site.gives(shop), Err(crate::core::Refusal::NoMerchant(shop)));
}

#[test]
fn a_new_month_has_a_new_budget() {
    let mut site = Site::new();
    let shop = site.shop(Benefit::Amount { minor: 600 }, 700);
    site.enter(PLATE);
    site.gives(shop).unwrap();
    assert!(site.gives(shop).is_err());
    site.after(Duration::from_hours(24 * 8));
    site.gives(shop).unwrap();
    assert_eq!(site.spent(shop), 600, "of December");
}

#[test]
fn a_validation_that_was_not_needed_lapses() {
    let mut site = Site::new();
    let shop = site.shop(Benefit::TimeFront { minutes: 60 }, 1_000);
    site.enter(PLATE);
    site.gives(shop).unwrap();
    site.after(MINUTE * 5);
    site.drives_to_exit();
    site.drive_through("out");
    assert_eq!(site.validations().last().unwrap().state, ValidationState::Lapsed);
    assert_eq!((site.spent(shop), site.state.validations.len()), (0, 0));
}

#[test]
fn what_a_validation_takes_off_is_the_merchants_up_to_its_price() {
    let rows = [
        // What is given; what is left to pay for two hours; what it costs the merchant.
        (Benefit::Amount { minor: 300 }, 700, 300),
        (Benefit::TimeFront { minutes: 60 }, 500, 500),
        (Benefit::Percent { off: 20 }, 800, 200),
        (Benefit::AllFree, 0, 600),
    ];
    for (benefit, due, cost) in rows {
        let mut site = Site::new();
        let shop = site.shop(benefit.clone(), 1_000);
        site.stands_at_exit_after(HOUR * 2);
        assert_eq!(site.order_at_exit().amount.minor, 1_000);
        let Ok(Answer::Validation(given)) = site.gives(shop) else { panic!("given") };
        if due > 0 {
            assert_eq!(site.order_at_exit().amount.minor, due, "{benefit:?}: at once");
            site.phone(site.order_at_exit().id);
        }
        assert_eq!(site.opened("out"), 1, "{benefit:?}");
        if due > 0 {
            let back = Input::Unvalidate { validation: given, merchant: Some(shop) };
            assert!(site.tell(back).is_err(), "{benefit:?}: used is used");
        }
        site.drive_through("out");
        let validation = site.validations().pop().unwrap();
        let ValidationState::Used { minor, .. } = validation.state else {
            panic!("{benefit:?}: {validation:?}")
        };
        assert_eq!((minor, site.spent(shop)), (cost, cost), "{benefit:?}");
        assert_eq!(site.balance(Account::ParkingRevenue), -due, "{benefit:?}");
        assert!(site.state.validations.is_empty() && site.state.orders.is_empty());
    }
}

#[test]
fn two_validations_share_what_they_take_off() {
    let mut site = Site::new();
    let first = site.shop(Benefit::Amount { minor: 300 }, 1_000);
    let second = site.shop(Benefit::Amount { minor: 200 }, 1_000);
    site.enter(PLATE);
    site.gives(first).unwrap();
    site.gives(second).unwrap();
    site.after(HOUR);
    let answer = site.prepay();
    if let Ok(Answer::Order(order)) = answer {
        site.phone(order);
    }
    site.drives_to_exit();
    assert_eq!(site.opened("out"), 1);
    site.drive_through("out");
    let taken = 500 + site.balance(Account::ParkingRevenue);
    assert_eq!(site.spent(first) + site.spent(second), taken, "all of it is somebody's");
}

#[test]
fn unfit_offers_are_refused() {
    let rows = [
        Benefit::Amount { minor: 0 },
        Benefit::Percent { off: 101 },
        Benefit::TimeBack { minutes: 0 },
        Benefit::OtherTariff { name: "none such".into() },
    ];
    for benefit in rows {
        let mut site = Site::new();
        let offers = vec![Offer { name: "odd".into(), benefit, at_most_minor: 1 }];
        let act = MerchantAct::Put { id: None, name: "Shop".into(), offers, budget_minor: 1 };
        let reply = site.tell(Input::Merchant { who: "li".into(), act });
        assert_eq!(reply, Err(crate::core::Refusal::MerchantUnfit));
    }
}

// ---- visits before this one ----------------------------------------------------------------------

#[test]
fn visits_that_are_found_go_into_the_stay() {
    let mut site = Site::new();
    site.enter(PLATE);
    let stay = *site.state.stays.keys().next().unwrap();
    let (from, to) = (site.now - HOUR * 3, site.now - HOUR);
    let visit = crate::core::tariff::Earlier { from, to, charged_minor: 500 };
    site.tell(Input::VisitsFound { stay, visits: vec![visit] }).unwrap();
    assert_eq!(site.state.stays[&stay].earlier, [visit]);
    site.tell(Input::VisitsFound { stay: StayId(99), visits: vec![visit] }).unwrap();
}

#[test]
fn a_merchant_pays_nothing_for_what_the_driver_had_paid_before() {
    // Given after so many hours were paid; how long it stays after that; what the driver saved.
    for (minutes, more, asked, cost) in [(120, 5, 0, 0), (120, 90, 0, 600), (120, 200, 1_000, 600)]
    {
        let mut site = Site::new();
        let shop = site.shop(Benefit::TimeFront { minutes: 120 }, 1_000);
        site.enter(PLATE);
        site.after(MINUTE * minutes);
        let Ok(Answer::Order(order)) = site.tell(Input::PrepayAsked { plate: plate() }) else {
            panic!("there is something to pay")
        };
        site.phone(order);
        site.gives(shop).unwrap();
        site.after(MINUTE * more);
        site.drives_to_exit();
        if asked > 0 {
            assert_eq!(site.order_at_exit().amount.minor, asked, "{more} min");
            site.phone(site.order_at_exit().id);
        }
        site.drive_through("out");
        assert_eq!(site.spent(shop), cost, "{more} min");
    }
}

#[test]
fn the_seconds_under_the_arm_cost_no_merchant_a_unit() {
    let mut site = Site::new();
    let shop = site.shop(Benefit::AllFree, 2_000);
    site.enter(PLATE);
    site.gives(shop).unwrap();
    let entered_at = site.state.stay_of(&plate()).unwrap().entered_at;
    let parked = site.now.duration_since(entered_at).unsigned_abs();
    site.after(HOUR.checked_sub(parked).unwrap());
    site.drives_to_exit();
    assert_eq!(site.opened("out"), 1);
    site.after(Duration::from_secs(5));
    site.drive_through("out");
    assert_eq!(site.spent(shop), 500, "one hour, not a second one that began");
}
