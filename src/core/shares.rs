//! Whose part of the takings is whose: rules, and amounts that add up to the fen. Knows no bank and no table.
//!
//! A payment is cut once, by the rules of the day it came on: each rule that fits takes its part, in their order, out of
//! what is left, and the rest is the remainder's. What goes back of it later is taken from the same cuts in the same
//! proportions, by [`apportion`], which never takes back more from anybody than it gave: as the sum grows by one, one
//! part grows by one and no other part changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::types::{ChannelId, PartnerId, ZoneId};

/// Millionths of a whole.
pub const WHOLE_PPM: u32 = 1_000_000;

/// Who takes what, in the order of the rules. Kept with each day it was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareBook {
    pub rules: Vec<ShareRule>,
    /// Whose the rest is.
    pub remainder: PartnerId,
    /// Whose books these are: what is its own is no posting, and nobody transfers it.
    pub own: PartnerId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareRule {
    pub partner: PartnerId,
    pub take: Take,
    /// Of what is left once the bank has kept its fee.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub net: bool,
    /// `None`: wherever, whatever, however paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// A bank channel, or `cash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// Of each order's amount, in millionths.
    Ppm(u32),
    /// Minor units of each order.
    Order(i64),
}

/// What is cut: one payment or piece of cash, as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub channel: ChannelId,
    pub zone: Option<ZoneId>,
    /// What it is of, with how much of it; they add up to what came in.
    pub parts: Vec<(Option<String>, i64)>,
}

/// One rule's part of a whole; the last of a row is the remainder's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub partner: PartnerId,
    pub net: bool,
    pub minor: i64,
}

impl ShareBook {
    /// The cuts of a whole: they add up to it, and none is below zero.
    pub fn cut(&self, whole: &Whole) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = self
            .rules
            .iter()
            .map(|rule| Cut { partner: rule.partner.clone(), net: rule.net, minor: 0 })
            .collect();
        let mut rest = 0;
        let mut paid_once = BTreeSet::new();
        for (product, minor) in &whole.parts {
            let mut left = (*minor).max(0);
            let mut served = BTreeSet::new();
            for (nth, rule) in self.rules.iter().enumerate() {
                // The first rule that fits is a partner's; those behind it are for what fits no earlier one.
                if !rule.fits(whole, product.as_deref()) || !served.insert(&rule.partner) {
                    continue;
                }
                let wants = match rule.take {
                    Take::Ppm(ppm) => of_ppm(*minor, ppm),
                    Take::Order(fixed) if paid_once.insert(nth) => fixed,
                    Take::Order(_) => 0,
                };
                let taken = wants.clamp(0, left);
                (cuts[nth].minor, left) = (cuts[nth].minor + taken, left - taken);
            }
            rest += left;
        }
        cuts.push(Cut { partner: self.remainder.clone(), net: true, minor: rest });
        cuts
    }
}

impl ShareRule {
    fn fits(&self, whole: &Whole, product: Option<&str>) -> bool {
        self.zone.as_ref().is_none_or(|zone| whole.zone.as_ref() == Some(zone))
            && self.product.as_deref().is_none_or(|wanted| product == Some(wanted))
            && self.channel.as_ref().is_none_or(|channel| *channel == whole.channel)
    }
}

/// Rounded half up.
fn of_ppm(minor: i64, ppm: u32) -> i64 {
    let whole = i128::from(WHOLE_PPM);
    let part = (i128::from(minor) * i128::from(ppm) + whole / 2).div_euclid(whole);
    i64::try_from(part).unwrap_or(minor)
}

/// What is left of cuts when `left_minor` is left of their whole, in the same proportions.
pub fn left_of(cuts: &[Cut], left_minor: i64) -> Vec<i64> {
    let weights: Vec<i64> = cuts.iter().map(|cut| cut.minor).collect();
    apportion(left_minor, &weights)
}

/// Parts of `total` in proportion to their weights: they add up to it, are the weights themselves where these do, and
/// grow one at a time as it grows. Without any weight, all is the last one's. By odd divisors (Sainte-Laguë), so that
/// no part ever shrinks while the total grows.
pub fn apportion(total: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let total = i128::from(total.max(0));
    let mut parts: Vec<i128> = vec![0; weights.len()];
    if all <= 0 {
        if let Some(last) = parts.last_mut() {
            *last = total;
        }
        return narrow(&parts);
    }
    for (part, weight) in parts.iter_mut().zip(weights) {
        // How many odd numbers are below twice the exact part.
        let twice = 2 * total * i128::from(*weight);
        *part = if twice > 0 { ((twice - 1) / all + 1) / 2 } else { 0 };
    }
    let mut sum: i128 = parts.iter().sum();
    // Of equals the first grows first and shrinks last.
    let before = |a: (i128, i64), b: (i128, i64)| i128::from(a.1) * b.0 > i128::from(b.1) * a.0;
    while sum < total {
        let mut best = None;
        for (at, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
            let own = (2 * parts[at] + 1, *weight);
            if best.is_none_or(|(_, known)| before(own, known)) {
                best = Some((at, own));
            }
        }
        let Some((at, _)) = best else { break };
        (parts[at], sum) = (parts[at] + 1, sum + 1);
    }
    while sum > total {
        let mut last = None;
        for (at, weight) in weights.iter().enumerate().filter(|(at, _)| parts[*at] > 0) {
            let own = (2 * parts[at] - 1, *weight);
            if last.is_none_or(|(_, known)| !before(own, known)) {
                last = Some((at, own));
            }
        }
        let Some((at, _)) = last else { break };
        (parts[at], sum) = (parts[at] - 1, sum - 1);
    }
    narrow(&parts)
}

fn narrow(parts: &[i128]) -> Vec<i64> {
    parts.iter().map(|part| i64::try_from(*part).unwrap_or(i64::MAX)).collect()
}

/// As [`apportion`] for very many weights: each part is the step between two rounded sums. Not for what shrinks later.
pub fn spread(total: i64, weights: &[i64]) -> Vec<i64> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let (mut sum, mut before) = (0_i128, 0_i128);
    let step = |weight: &i64| {
        sum += i128::from(*weight);
        let upto = if all > 0 { i128::from(total) * sum / all } else { 0 };
        let part = upto - before;
        before = upto;
        i64::try_from(part).unwrap_or(0)
    };
    weights.iter().map(step).collect()
}

/// A settlement day's shares in the making.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    sums: BTreeMap<PartnerId, Sum>,
    /// Came in, before anything went back.
    paid_minor: i64,
    net_paid_minor: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    minor: i64,
    /// Of what came in, under rules that look at what the bank left.
    net_paid: i64,
}

/// A partner's share of a day, in minor units; below zero: more went back than came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub partner: PartnerId,
    /// Before the bank's fee.
    pub taken_minor: i64,
    /// Its part of the fee.
    pub fee_minor: i64,
}

impl Share {
    pub fn minor(&self) -> i64 {
        self.taken_minor.saturating_sub(self.fee_minor)
    }
}

impl Tally {
    /// Of the whole that was cut so, `before` was left and `after` is left now. Gives what each cut gains or loses.
    pub fn add(&mut self, cuts: &[Cut], before: i64, after: i64) -> Vec<i64> {
        let (had, has) = (left_of(cuts, before), left_of(cuts, after));
        let steps: Vec<i64> = had.iter().zip(&has).map(|(had, has)| has - had).collect();
        self.paid_minor += (after - before).max(0);
        let last = cuts.len().saturating_sub(1);
        for (nth, (cut, step)) in cuts.iter().zip(&steps).enumerate() {
            let sum = self.sums.entry(cut.partner.clone()).or_default();
            sum.minor += step;
            // The remainder bears what nobody else does.
            if cut.net && nth < last && *step > 0 {
                sum.net_paid += step;
                self.net_paid_minor += step;
            }
        }
        steps
    }

    /// The shares once the bank kept `fee_minor`; they add up to what was taken less the fee.
    pub fn shares(&self, fee_minor: i64, remainder: &PartnerId) -> Vec<Share> {
        let mut sums = self.sums.clone();
        sums.entry(remainder.clone()).or_default();
        let mut weights: Vec<i64> = sums.values().map(|sum| sum.net_paid).collect();
        weights.push(self.paid_minor - self.net_paid_minor);
        let sign = fee_minor.signum();
        let mut fees = apportion(fee_minor.saturating_abs(), &weights);
        let others = fees.pop().unwrap_or(0);
        let share = |((partner, sum), fee): ((&PartnerId, &Sum), i64)| {
            let more = if partner == remainder { others } else { 0 };
            Share {
                partner: partner.clone(),
                taken_minor: sum.minor,
                fee_minor: sign * (fee + more),
            }
        };
        sums.iter().zip(fees).map(share).collect()
    }
}

#[cfg(test)]
#[path = "shares_tests.rs"]
mod tests;
