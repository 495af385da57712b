//! The code a payer shows on the phone (付款码). It is money: never logged, never kept. Knows no channel.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest code of any wallet known here; a scanner's line above it is something else.
const LONGEST: usize = 32;
const SHORTEST: usize = 16;

/// A cipher that a certified scanner makes of a code is shorter.
const CIPHER_LONGEST: usize = 128;

/// Digits of one payer's phone, good for one attempt within a minute or so.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PayerCode {
    digits: String,
    /// What a certified scanner made of its serial number and this code (密文); of use to the bank alone.
    cipher: Option<String>,
}

/// Without the cipher: it is good for this attempt only.
impl From<PayerCode> for String {
    fn from(code: PayerCode) -> Self {
        code.digits
    }
}

impl TryFrom<String> for PayerCode {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a payer's code")
    }
}

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
        fits.then_some(Self { digits, cipher: None })
    }

    /// As a scanner gives it: the code, and where it makes ciphers, what stands between the two, and the cipher. A code
    /// that comes without its cipher is a code all the same.
    pub fn scanned(text: &str, between: Option<&str>) -> Option<Self> {
        match between.and_then(|between| text.split_once(between)) {
            Some((code, cipher)) => Self::parse(code)?.with_cipher(cipher.trim()),
            None => Self::parse(text),
        }
    }

    /// With a scanner's cipher; `None`: that is none.
    pub fn with_cipher(self, cipher: &str) -> Option<Self> {
        let fits = (1..=CIPHER_LONGEST).contains(&cipher.len())
            && cipher.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self { cipher: Some(cipher.to_owned()), ..self })
    }

    /// For the wire only.
    pub fn cipher(&self) -> Option<&str> {
        self.cipher.as_deref()
    }

    /// The digits, for the wire only.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The last six digits: by the rules on acceptance terminals, the random part of a cipher.
    pub fn last_six(&self) -> &str {
        &self.digits[self.digits.len() - 6..]
    }

    /// By what the wallets publish: WeChat 18 digits from 10 to 15, Alipay 16 to 24 from 25 to 30, UnionPay 19 from 62.
    pub fn wallet(&self) -> Wallet {
        let head: u32 = self.digits.get(..2).and_then(|head| head.parse().ok()).unwrap_or_default();
        match (head, self.digits.len()) {
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
        write!(f, "PayerCode({}, {} digits)", self.wallet().name(), self.digits.len())
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
    fn a_scanner_may_add_a_cipher() {
        let scanned = |text: &str, between: Option<&str>| {
            let code = PayerCode::scanned(text, between)?;
            Some((code.last_six().to_owned(), code.cipher().map(str::to_owned)))
        };
        let (code, six) = ("6235124674559394540", || "394540".to_owned());
        let with = format!("{code}|9F3A+/=");
        assert_eq!(scanned(&with, Some("|")), Some((six(), Some("9F3A+/=".to_owned()))));
        assert_eq!(scanned(code, Some("|")), Some((six(), None)), "one that makes none now");
        assert_eq!(scanned(code, None), Some((six(), None)));
        for odd in [with.as_str(), "6235124674559394540|", "6235124674559394540|a b", "|9F3A"] {
            assert_eq!(scanned(odd, None), None, "{odd}");
        }
        for odd in ["6235124674559394540|", "6235124674559394540|a b", "|9F3A"] {
            assert_eq!(scanned(odd, Some("|")), None, "{odd}");
        }
        let long = format!("{code}|{}", "A".repeat(129));
        assert_eq!(scanned(&long, Some("|")), None);
    }

    #[test]
    fn a_code_is_not_shown_in_logs() {
        let code = PayerCode::scanned("134579246810121416#9F3A", Some("#")).unwrap();
        assert_eq!(format!("{code:?}"), "PayerCode(wechat, 18 digits)");
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"134579246810121416\"");
    }
}
