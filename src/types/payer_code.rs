//! The code a payer shows on the phone (付款码). It is money: never logged, never kept. Knows no channel.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest code of any wallet known here; a scanner's line above it is something else.
const LONGEST: usize = 32;
const SHORTEST: usize = 16;

/// Digits of one payer's phone, good for one attempt within a minute or so.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PayerCode(String);

/// Whose code it is, by its first digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wallet {
    WeChat,
    Alipay,
    UnionPay,
    /// Nobody known here: aggregators take every code and say themselves whose it was.
    Other,
}

impl PayerCode {
    /// Spaces are left out, as typed; anything else but 16 to 32 digits is none.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let fits = (SHORTEST..=LONGEST).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then_some(Self(digits))
    }

    /// The digits, for the wire only.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// By what the wallets publish: WeChat 18 digits from 10 to 15, Alipay 16 to 24 from 25 to 30, UnionPay 19 from 62.
    pub fn wallet(&self) -> Wallet {
        let head: u32 = self.0.get(..2).and_then(|head| head.parse().ok()).unwrap_or_default();
        match (head, self.0.len()) {
            (10..=15, 18) => Wallet::WeChat,
            (25..=30, 16..=24) => Wallet::Alipay,
            (62, 19) => Wallet::UnionPay,
            _ => Wallet::Other,
        }
    }
}

impl Wallet {
    pub fn name(self) -> &'static str {
        match self {
            Self::WeChat => "wechat",
            Self::Alipay => "alipay",
            Self::UnionPay => "unionpay",
            Self::Other => "other",
        }
    }
}

impl fmt::Debug for PayerCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayerCode({}, {} digits)", self.wallet().name(), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_is_known_by_first_digits_and_length() {
        let cases = [
            ("134579246810121416", Wallet::WeChat),
            ("1345792468101214", Wallet::Other),
            ("281234567890123456", Wallet::Alipay),
            ("2812345678901234567890123", Wallet::Other),
            ("6235124674559394540", Wallet::UnionPay),
            ("0112345678901234567", Wallet::Other),
            ("9112345678901234567", Wallet::Other),
        ];
        for (digits, wallet) in cases {
            assert_eq!(PayerCode::parse(digits).unwrap().wallet(), wallet, "{digits}");
        }
        assert_eq!(PayerCode::parse("1345 7924 6810 1214 16").unwrap().digits().len(), 18);
        for none in ["", "京A12345", "12345", "13457924681012141x", &"1".repeat(33)] {
            assert!(PayerCode::parse(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_code_is_not_shown_in_logs() {
        let code = PayerCode::parse("134579246810121416").unwrap();
        assert_eq!(format!("{code:?}"), "PayerCode(wechat, 18 digits)");
    }
}
