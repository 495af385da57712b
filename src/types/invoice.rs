//! Who an invoice is for, where it is sent, and what a provider says of it. Knows no order.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{CashId, InvoiceId, Money, OrderId, RefundId, TaxNumber};

/// Longest title, in characters: what invoices have room for.
pub const TITLE_CHARS_MAX: usize = 100;

/// Who is named on the invoice. It stands in the books as long as they are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Buyer {
    Company { name: String, tax_number: TaxNumber },
    Person { name: String },
}

impl Buyer {
    /// The title (抬头).
    pub fn name(&self) -> &str {
        match self {
            Self::Company { name, .. } | Self::Person { name } => name,
        }
    }

    pub fn tax_number(&self) -> Option<&TaxNumber> {
        match self {
            Self::Company { tax_number, .. } => Some(tax_number),
            Self::Person { .. } => None,
        }
    }
}

/// A title as typed: trimmed, one line, not empty and not too long.
pub fn title(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = (1..=TITLE_CHARS_MAX).contains(&text.chars().count())
        && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Where the invoice is sent. Personal data: never in a log or the journal, deleted after a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contact {
    Email(String),
    /// Digits only; a leading `+` stays.
    Phone(String),
}

impl Contact {
    /// An e-mail address or a telephone number, as typed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((name, domain)) = text.split_once('@') {
            let odd = |c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"\\".contains(c);
            let fits = !name.is_empty()
                && text.len() <= 254
                && !text.chars().any(odd)
                && !domain.contains('@')
                && domain.split('.').count() >= 2
                && domain.split('.').all(|part| !part.is_empty());
            return fits.then(|| Self::Email(text.to_owned()));
        }
        let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
        let digits: String = rest.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        fits.then(|| Self::Phone(format!("{plus}{digits}")))
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "Email(..)",
            Self::Phone(_) => "Phone(..)",
        })
    }
}

/// Money that went back to who had paid, by the bank or out of a drawer. Journaled as one key, such as `"refund":7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenBack {
    Refund(RefundId),
    Cash(CashId),
}

/// What an invoice is for: each has its own name and rate of tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvoiceFor {
    Parking,
    Tickets,
    /// What a counter sold.
    Sales,
}

/// What a provider is asked for. The same `number` is the same invoice however often it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceAsk {
    pub id: InvoiceId,
    /// Ours, such as `PFI12`: letters and digits, good for a file's name.
    pub number: String,
    pub order: OrderId,
    pub sold: InvoiceFor,
    pub amount: Money,
    pub buyer: Buyer,
    /// `None`: not given, or deleted by now.
    pub to: Option<Contact>,
    pub made_at: Timestamp,
    /// The invoice that this red-letter one takes back, in part or whole.
    pub red_of: Option<RedOf>,
}

/// An issued invoice, by our number and its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedOf {
    pub ours: String,
    pub theirs: String,
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvoiceWord {
    /// Taken; neither issued nor refused yet.
    Waiting,
    Issued {
        /// The invoice's own number.
        number: String,
        /// Where it can be fetched.
        link: Option<String>,
        at: Timestamp,
    },
    /// It will not; another claim, corrected, may be made.
    Refused { why: String },
    /// An answer that makes no sense; it is put aside, and asked about again.
    Nonsense { why: String },
    /// The provider cannot be reached.
    Unreachable { why: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_as_typed() {
        for (typed, kept) in [
            (" a.b@example.com ", Some(Contact::Email("a.b@example.com".into()))),
            ("138 0013-8000", Some(Contact::Phone("13800138000".into()))),
            ("+86 13800138000", Some(Contact::Phone("+8613800138000".into()))),
            ("a@b", None),
            ("@example.com", None),
            ("a@b@example.com", None),
            ("a b@example.com", None),
            ("a@example..com", None),
            ("12345", None),
            ("1380013800x", None),
            ("", None),
        ] {
            assert_eq!(Contact::parse(typed), kept, "{typed}");
        }
        assert_eq!(format!("{:?}", Contact::parse("a@b.cn")), "Some(Email(..))");
    }

    #[test]
    fn titles_are_one_line() {
        assert_eq!(title(" 某某公司 "), Some("某某公司".to_owned()));
        for bad in ["", "  ", "a\nb", &"长".repeat(TITLE_CHARS_MAX + 1)] {
            assert_eq!(title(bad), None, "{bad}");
        }
    }
}
