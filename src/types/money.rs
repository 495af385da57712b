//! Money: whole minor units with their currency. Knows no tariff; never a float.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// ISO 4217 currencies a site can run in.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    Aed,
    Aud,
    Cad,
    Chf,
    Cny,
    Eur,
    Gbp,
    Hkd,
    Jpy,
    Krw,
    Myr,
    Php,
    Sgd,
    Thb,
    Try,
    Twd,
    Usd,
}

/// Every currency a site can run in.
const ALL: [Currency; 17] = [
    Currency::Aed,
    Currency::Aud,
    Currency::Cad,
    Currency::Chf,
    Currency::Cny,
    Currency::Eur,
    Currency::Gbp,
    Currency::Hkd,
    Currency::Jpy,
    Currency::Krw,
    Currency::Myr,
    Currency::Php,
    Currency::Sgd,
    Currency::Thb,
    Currency::Try,
    Currency::Twd,
    Currency::Usd,
];

impl Currency {
    /// Decimal places of the major unit: 2 for yuan (fen), 0 for yen.
    pub fn decimals(self) -> u32 {
        match self {
            Self::Jpy | Self::Krw => 0,
            Self::Aed
            | Self::Aud
            | Self::Cad
            | Self::Chf
            | Self::Cny
            | Self::Eur
            | Self::Gbp
            | Self::Hkd
            | Self::Myr
            | Self::Php
            | Self::Sgd
            | Self::Thb
            | Self::Try
            | Self::Twd
            | Self::Usd => 2,
        }
    }

    /// ISO 4217 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Aed => "AED",
            Self::Aud => "AUD",
            Self::Cad => "CAD",
            Self::Chf => "CHF",
            Self::Cny => "CNY",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Hkd => "HKD",
            Self::Jpy => "JPY",
            Self::Krw => "KRW",
            Self::Myr => "MYR",
            Self::Php => "PHP",
            Self::Sgd => "SGD",
            Self::Thb => "THB",
            Self::Try => "TRY",
            Self::Twd => "TWD",
            Self::Usd => "USD",
        }
    }

    /// The currency of an ISO 4217 code, or `None` for one a site cannot run in.
    pub fn from_code(code: &str) -> Option<Self> {
        ALL.into_iter().find(|currency| currency.code() == code)
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Cny | Self::Jpy => "¥",
            Self::Eur => "€",
            Self::Gbp => "£",
            Self::Usd => "$",
            Self::Aed => "AED ",
            Self::Aud => "A$",
            Self::Cad => "C$",
            Self::Chf => "CHF ",
            Self::Hkd => "HK$",
            Self::Krw => "₩",
            Self::Myr => "RM",
            Self::Php => "₱",
            Self::Sgd => "S$",
            Self::Thb => "฿",
            Self::Try => "₺",
            Self::Twd => "NT$",
        }
    }
}

/// An amount in minor units (fen for CNY). Arithmetic is checked: other currency or overflow gives `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    pub fn is_zero(self) -> bool {
        self.minor == 0
    }

    pub fn checked_add(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_add(other.minor)?;
        (self.currency == other.currency).then(|| Self::new(minor, self.currency))
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let minor = self.minor.checked_sub(other.minor)?;
        (self.currency == other.currency).then(|| Self::new(minor, self.currency))
    }

    /// The one place where a tariff's decimal becomes money: major units, half away from zero.
    pub fn round_half_up_to_minor(major: Decimal, currency: Currency) -> Option<Self> {
        use rust_decimal::prelude::ToPrimitive;
        let scaled = major.checked_mul(Decimal::from(10_i64.pow(currency.decimals())))?;
        let minor =
            scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64()?;
        Some(Self::new(minor, currency))
    }
}

/// For people only, such as `¥12.50`; machines take `minor` and `currency`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dash = if self.minor < 0 { "-" } else { "" };
        let unit = 10_u64.pow(self.currency.decimals());
        let (whole, part) = (self.minor.unsigned_abs() / unit, self.minor.unsigned_abs() % unit);
        write!(f, "{dash}{}{whole}", self.currency.sign())?;
        match self.currency.decimals() {
            0 => Ok(()),
            width => write!(f, ".{part:0width$}", width = width as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_checked() {
        let fen = |minor| Money::new(minor, Currency::Cny);
        assert_eq!(fen(250).checked_add(fen(50)), Some(fen(300)));
        assert_eq!(fen(250).checked_sub(fen(300)), Some(fen(-50)));
        assert_eq!(fen(i64::MAX).checked_add(fen(1)), None);
        assert_eq!(fen(1).checked_add(Money::new(1, Currency::Jpy)), None);
    }

    #[test]
    fn rounds_once_half_away_from_zero() {
        let cny = |text: &str| {
            Money::round_half_up_to_minor(text.parse().unwrap(), Currency::Cny).unwrap().minor
        };
        assert_eq!(cny("1.005"), 101);
        assert_eq!(cny("1.0049"), 100);
        assert_eq!(cny("-0.005"), -1);
        assert_eq!(
            Money::round_half_up_to_minor("99.5".parse().unwrap(), Currency::Jpy).unwrap().minor,
            100
        );
    }

    #[test]
    fn shows_as_people_write_it() {
        assert_eq!(Money::new(1250, Currency::Cny).to_string(), "¥12.50");
        assert_eq!(Money::new(-5, Currency::Eur).to_string(), "-€0.05");
        assert_eq!(Money::new(300, Currency::Jpy).to_string(), "¥300");
    }
}
