//! Partners and their parts of the takings, as the site file gives them. Knows no payment.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use toml::Spanned;

use super::{check::Check, secrets::Secrets};
use crate::{
    bank::{ChannelSettings, ShareAccount},
    core::shares::{ShareBook, ShareRule, Take, WHOLE_PPM},
    types::{ChannelId, PartnerId, ZoneId},
};

/// What is paid in cash is of this channel, in rules.
pub const CASH: &str = "cash";

/// `[shares]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesSection {
    /// Whose the rest is once every rule took its part.
    pub remainder: Spanned<PartnerId>,
    /// Whose books these are: its part is no posting. Default: the one of the remainder.
    pub own: Option<Spanned<PartnerId>>,
    #[serde(default, rename = "partner")]
    pub partners: Vec<PartnerSection>,
    /// In this order; of one partner's rules the first that fits.
    #[serde(default, rename = "rule")]
    pub rules: Vec<RuleSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerSection {
    pub id: Spanned<PartnerId>,
    /// What operators read.
    pub name: String,
    /// Channels by which the bank gives it its part by itself, with its account there. Default: none, it is in the
    /// payment file.
    #[serde(default)]
    pub relay: BTreeMap<ChannelId, ShareAccount>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSection {
    pub partner: Spanned<PartnerId>,
    /// Of each order, as text: `"12.5"`, at most 100, with at most 4 decimals. Either this or `order_minor`.
    pub percent: Option<Spanned<String>>,
    /// Minor units of each order.
    pub order_minor: Option<Spanned<i64>>,
    /// `gross` or `net`: before or after the bank's fee. Default `gross`.
    #[serde(default)]
    pub of: Of,
    /// Only of stays in this zone. Default: all.
    pub zone: Option<Spanned<ZoneId>>,
    /// Only of this product, or of what a counter calls so. Default: all.
    pub product: Option<String>,
    /// Only of what this channel took, or `cash`. Default: all.
    pub channel: Option<Spanned<ChannelId>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    #[default]
    Gross,
    Net,
}

/// Where a partner's money is sent. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerAccount {
    pub name: String,
    pub number: String,
    #[serde(default)]
    pub bank: String,
}

impl fmt::Debug for PartnerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartnerAccount({})", self.masked())
    }
}

impl PartnerAccount {
    /// The last four digits.
    pub fn masked(&self) -> String {
        let digits: Vec<char> = self.number.chars().collect();
        let tail: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
        format!("…{tail}")
    }
}

/// A partner as checked.
#[derive(Clone, Debug)]
pub struct Partner {
    pub name: String,
    /// `None`: nobody said, so the payment file has no number.
    pub account: Option<PartnerAccount>,
    pub relay: BTreeMap<ChannelId, ShareAccount>,
}

/// As checked.
#[derive(Clone, Debug)]
pub struct Shares {
    pub book: ShareBook,
    pub partners: BTreeMap<PartnerId, Partner>,
}

impl Check<'_> {
    pub(super) fn shares(
        &mut self,
        section: Option<&SharesSection>,
        channels: &[(ChannelId, ChannelSettings)],
        zones: &[ZoneId],
        secrets: &Secrets,
    ) -> Option<Shares> {
        let section = section?;
        let mut partners = BTreeMap::new();
        for partner in &section.partners {
            let id = partner.id.get_ref().clone();
            for channel in partner.relay.keys() {
                if !channels.iter().any(|(known, _)| known == channel) {
                    let what = format!("{channel} has no section [bank.{channel}]");
                    self.wrong(&partner.id, "shares.partner.relay", what);
                }
            }
            let one = Partner {
                name: partner.name.clone(),
                account: secrets.partner(id.as_str()).cloned(),
                relay: partner.relay.clone(),
            };
            if partners.insert(id, one).is_some() {
                self.wrong(&partner.id, "shares.partner.id", "names a partner twice");
            }
        }
        let own = section.own.as_ref().unwrap_or(&section.remainder);
        for (field, id) in [("shares.remainder", &section.remainder), ("shares.own", own)] {
            self.known(&partners, id, field);
        }
        let rules = section
            .rules
            .iter()
            .filter_map(|rule| self.rule(rule, &partners, channels, zones))
            .collect();
        let (remainder, own) = (section.remainder.get_ref().clone(), own.get_ref().clone());
        Some(Shares { book: ShareBook { rules, remainder, own }, partners })
    }

    fn known(
        &mut self,
        partners: &BTreeMap<PartnerId, Partner>,
        id: &Spanned<PartnerId>,
        field: &str,
    ) {
        if !partners.contains_key(id.get_ref()) {
            let what = format!("{} has no [[shares.partner]]", id.get_ref());
            self.wrong(id, field, what);
        }
    }

    fn rule(
        &mut self,
        rule: &RuleSection,
        partners: &BTreeMap<PartnerId, Partner>,
        channels: &[(ChannelId, ChannelSettings)],
        zones: &[ZoneId],
    ) -> Option<ShareRule> {
        self.known(partners, &rule.partner, "shares.rule.partner");
        if let Some(zone) = rule.zone.as_ref().filter(|zone| !zones.contains(zone.get_ref())) {
            let what = format!("no zone is called {}", zone.get_ref());
            self.wrong(zone, "shares.rule.zone", what);
        }
        let knows = |id: &ChannelId| {
            id.as_str() == CASH || channels.iter().any(|(channel, _)| channel == id)
        };
        if let Some(channel) = rule.channel.as_ref().filter(|id| !knows(id.get_ref())) {
            let what = format!("{} is neither a channel nor cash", channel.get_ref());
            self.wrong(channel, "shares.rule.channel", what);
        }
        let take = match (&rule.percent, &rule.order_minor) {
            (Some(percent), None) => {
                let ppm = ppm(percent.get_ref());
                if ppm.is_none() {
                    let what = "must be 0 to 100 with at most 4 decimals, such as \"12.5\"";
                    self.wrong(percent, "shares.rule.percent", what);
                }
                Take::Ppm(ppm?)
            }
            (None, Some(minor)) => {
                if *minor.get_ref() < 0 {
                    self.wrong(minor, "shares.rule.order_minor", "cannot be negative");
                }
                Take::Order(*minor.get_ref())
            }
            _ => {
                let what = "takes either percent or order_minor";
                self.wrong(&rule.partner, "shares.rule", what);
                return None;
            }
        };
        Some(ShareRule {
            partner: rule.partner.get_ref().clone(),
            take,
            net: rule.of == Of::Net,
            zone: rule.zone.as_ref().map(|zone| zone.get_ref().clone()),
            product: rule.product.clone(),
            channel: rule.channel.as_ref().map(|channel| channel.get_ref().clone()),
        })
    }
}

/// Percent as text in millionths; no float on its way.
fn ppm(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let fits = (1..=3).contains(&whole.len()) && part.len() <= 4 && digits(whole) && digits(part);
    let ppm: u32 = fits.then(|| format!("{whole}{part:0<4}").parse().ok())??;
    (ppm <= WHOLE_PPM).then_some(ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> (Option<Shares>, Vec<String>) {
        #[derive(Deserialize)]
        struct File {
            shares: Option<SharesSection>,
        }
        let file: File = toml::from_str(text).unwrap();
        let mut check = Check::of(text);
        let lot = ZoneId::parse("lot").unwrap();
        let shares = check.shares(file.shares.as_ref(), &[], &[lot], &Secrets::default());
        (shares, check.into_mistakes().into_iter().map(|mistake| mistake.field).collect())
    }

    const TWO: &str = "[shares]\nremainder = 'op'\n[[shares.partner]]\nid = 'op'\nname = 'O'\n\
                       [[shares.partner]]\nid = 'land'\nname = 'L'\n[[shares.rule]]\npartner = 'land'\n";

    #[test]
    fn rules_as_written_and_mistakes_are_named() {
        let rows = [
            ("percent = '12.5'", &[][..]),
            ("percent = '100.0000'\nzone = 'lot'\nchannel = 'cash'\nof = 'net'", &[]),
            ("order_minor = 50", &[]),
            ("percent = '100.1'", &["shares.rule.percent"]),
            ("percent = '1.00001'", &["shares.rule.percent"]),
            ("percent = '-1'", &["shares.rule.percent"]),
            ("order_minor = -1", &["shares.rule.order_minor"]),
            ("order_minor = 1\npercent = '1'", &["shares.rule"]),
            ("percent = '1'\nzone = 'roof'", &["shares.rule.zone"]),
            ("percent = '1'\nchannel = 'icbc'", &["shares.rule.channel"]),
        ];
        for (rule, mistakes) in rows {
            assert_eq!(check(&format!("{TWO}{rule}")).1, mistakes, "{rule}");
        }
        let (shares, _) = check(&format!("{TWO}percent = '12.5'"));
        let book = shares.unwrap().book;
        assert_eq!(book.rules[0].take, Take::Ppm(125_000));
        assert_eq!(book.own, book.remainder);
        let strange = TWO.replace("remainder = 'op'", "remainder = 'bank'") + "percent = '1'";
        assert_eq!(check(&strange).1, ["shares.remainder", "shares.own"]);
        assert!(check("").0.is_none());
    }

    #[test]
    fn an_account_is_never_printed() {
        let account = PartnerAccount {
            name: "Lake".into(),
            number: "6222020200001234".into(),
            ..Default::default()
        };
        assert_eq!(format!("{account:?}"), "PartnerAccount(…1234)");
    }
}
