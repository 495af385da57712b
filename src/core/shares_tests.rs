//! Shares of any amounts and rules add up, and what goes back takes the same proportions and never more than was given.

use proptest::prelude::*;

use super::*;

fn id(text: &str) -> PartnerId {
    PartnerId::parse(text).unwrap()
}

fn rule(partner: &str, take: Take) -> ShareRule {
    let (zone, product, channel) = (None, None, None);
    ShareRule { partner: id(partner), take, net: false, zone, product, channel }
}

fn book(rules: Vec<ShareRule>) -> ShareBook {
    ShareBook { rules, remainder: id("operator"), own: id("operator") }
}

fn whole(minor: i64) -> Whole {
    Whole { channel: ChannelId::parse("icbc").unwrap(), zone: None, parts: vec![(None, minor)] }
}

fn minors(cuts: &[Cut]) -> Vec<i64> {
    cuts.iter().map(|cut| cut.minor).collect()
}

#[test]
fn each_takes_its_part_in_the_order_of_the_rules() {
    let lot = ZoneId::parse("lot").unwrap();
    let cash = ChannelId::parse("cash").unwrap();
    let in_lot = ShareRule { zone: Some(lot.clone()), ..rule("owner", Take::Ppm(300_000)) };
    let elsewhere = rule("owner", Take::Ppm(100_000));
    let of_cash = ShareRule { channel: Some(cash.clone()), ..rule("guard", Take::Order(100)) };
    let of_adults = ShareRule { product: Some("adult".into()), ..rule("boats", Take::Order(250)) };
    let rules = book(vec![of_adults, in_lot, elsewhere, of_cash, rule("bank", Take::Ppm(3_333))]);
    let at = |zone: Option<&ZoneId>, channel: &str, parts: &[(&str, i64)]| {
        let part =
            |(name, minor): &(&str, i64)| ((!name.is_empty()).then(|| (*name).to_owned()), *minor);
        let channel = ChannelId::parse(channel).unwrap();
        let parts = parts.iter().map(part).collect();
        minors(&rules.cut(&Whole { channel, zone: zone.cloned(), parts }))
    };
    // boats, owner in the lot, owner elsewhere, guard, bank, operator
    assert_eq!(at(Some(&lot), "icbc", &[("", 1_000)]), [0, 300, 0, 0, 3, 697]);
    assert_eq!(at(None, "icbc", &[("", 1_000)]), [0, 0, 100, 0, 3, 897]);
    assert_eq!(at(None, "cash", &[("", 120)]), [0, 0, 12, 100, 0, 8]);
    // A fixed part is of the order, not of each product, and never more than there is.
    let sale = [("adult", 1_000), ("child", 500), ("adult", 100)];
    assert_eq!(at(None, "icbc", &sale), [250, 0, 160, 0, 5, 1_185]);
    assert_eq!(at(None, "icbc", &[("adult", 90)]), [90, 0, 0, 0, 0, 0]);
}

#[test]
fn the_fee_is_borne_by_whom_the_rules_say() {
    let net = ShareRule { net: true, ..rule("owner", Take::Ppm(400_000)) };
    let rules = book(vec![rule("land", Take::Ppm(100_000)), net]);
    let mut tally = Tally::default();
    for _ in 0..10 {
        tally.add(&rules.cut(&whole(1_000)), 0, 1_000);
    }
    let shares = |fee| -> Vec<(String, i64, i64)> {
        let of = |share: Share| (share.partner.to_string(), share.taken_minor, share.fee_minor);
        tally.shares(fee, &id("operator")).into_iter().map(of).collect()
    };
    let row = |name: &str, taken, fee| (name.to_owned(), taken, fee);
    let expected = [row("land", 1_000, 0), row("operator", 5_000, 23), row("owner", 4_000, 15)];
    assert_eq!(shares(38), expected);
    // The bank gave some back.
    assert_eq!(shares(-38)[2], row("owner", 4_000, -15));
}

#[test]
fn a_part_is_never_taken_from_whom_nothing_was_given() {
    assert_eq!(apportion(7, &[0, 3, 0]), [0, 7, 0]);
    assert_eq!(apportion(7, &[0, 0]), [0, 7]);
    assert_eq!(apportion(0, &[5, 5]), [0, 0]);
    assert_eq!(apportion(1, &[]), Vec::<i64>::new());
    // Largest remainders would take one from the third as the total grows from 10 to 11.
    let weights = [6, 6, 2];
    let (ten, eleven) = (apportion(10, &weights), apportion(11, &weights));
    assert!(ten.iter().zip(&eleven).all(|(a, b)| a <= b), "{ten:?} {eleven:?}");
}

fn any_rule() -> impl Strategy<Value = ShareRule> {
    let take =
        prop_oneof![(0..=WHOLE_PPM).prop_map(Take::Ppm), (0..5_000_i64).prop_map(Take::Order)];
    let product = prop::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
    let partner = prop_oneof![Just("p-1"), Just("p-2"), Just("p-3"), Just("operator")];
    (partner, take, any::<bool>(), product).prop_map(|(partner, take, net, product)| ShareRule {
        net,
        product,
        ..rule(partner, take)
    })
}

fn any_whole() -> impl Strategy<Value = Whole> {
    let product = prop::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
    prop::collection::vec((product, 1..1_000_000_i64), 1..4)
        .prop_map(|parts| Whole { parts, ..whole(0) })
}

proptest! {
    #[test]
    fn cuts_add_up_and_what_goes_back_takes_the_same_proportions(
        rules in prop::collection::vec(any_rule(), 0..7),
        whole in any_whole(),
        backs in prop::collection::vec(1..400_000_i64, 0..6),
    ) {
        let book = book(rules);
        let total: i64 = whole.parts.iter().map(|(_, minor)| minor).sum();
        let cuts = book.cut(&whole);
        prop_assert_eq!(cuts.iter().map(|cut| cut.minor).sum::<i64>(), total);
        prop_assert!(cuts.iter().all(|cut| cut.minor >= 0));
        let mut tally = Tally::default();
        let mut holds = tally.add(&cuts, 0, total);
        prop_assert_eq!(&holds, &minors(&cuts), "the whole of it is what was cut");
        let mut left = total;
        for back in backs {
            let after = (left - back).max(0);
            let steps = tally.add(&cuts, left, after);
            prop_assert_eq!(steps.iter().sum::<i64>(), after - left);
            for ((held, step), cut) in holds.iter_mut().zip(steps).zip(&cuts) {
                prop_assert!(step <= 0, "going back gives nobody anything");
                *held += step;
                prop_assert!(*held >= 0, "never more than was shared");
                let exact = i128::from(after) * i128::from(cut.minor);
                let off = (i128::from(*held) * i128::from(total) - exact).abs();
                // By odd divisors a part is off by less than the number of parts in the worst case.
                prop_assert!(off <= i128::from(total) * cuts.len() as i128, "{held} of {cut:?}");
            }
            left = after;
        }
        // All of it goes back: nobody has anything.
        let rest = tally.add(&cuts, left, 0);
        prop_assert!(holds.iter().zip(rest).all(|(held, step)| held + step == 0));
    }

    #[test]
    fn a_day_adds_up_to_what_was_taken_less_the_fee(
        rules in prop::collection::vec(any_rule(), 0..7),
        wholes in prop::collection::vec((any_whole(), 0..=1_000_u32), 1..12),
        fee in -5_000..50_000_i64,
    ) {
        let book = book(rules);
        let (mut tally, mut taken) = (Tally::default(), 0);
        for (whole, keeps) in wholes {
            let cuts = book.cut(&whole);
            let total: i64 = whole.parts.iter().map(|(_, minor)| minor).sum();
            let left = total * i64::from(keeps) / 1_000;
            tally.add(&cuts, 0, total);
            tally.add(&cuts, total, left);
            taken += left;
        }
        let shares = tally.shares(fee, &book.remainder);
        prop_assert_eq!(shares.iter().map(Share::minor).sum::<i64>(), taken - fee);
    }

    #[test]
    fn parts_grow_one_at_a_time(
        weights in prop::collection::vec(0..50_i64, 1..7),
        most in 1..200_i64,
    ) {
        let mut before = apportion(0, &weights);
        for total in 1..=most {
            let parts = apportion(total, &weights);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let grown = parts.iter().zip(&before).filter(|(new, old)| new > old).count();
            let shrunk = parts.iter().zip(&before).filter(|(new, old)| new < old).count();
            prop_assert_eq!((grown, shrunk), (1, 0), "{:?} {:?}", before, parts);
            before = parts;
        }
        let all: i64 = weights.iter().sum();
        if all > 0 {
            prop_assert_eq!(apportion(all, &weights), weights);
        }
    }

    #[test]
    fn a_spread_adds_up(total in 0..10_000_000_i64, weights in prop::collection::vec(1..90_000_i64, 1..60)) {
        let parts = spread(total, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), total);
        prop_assert!(parts.iter().all(|part| *part >= 0));
    }
}
