//! Amounts as people type them. Knows no account.

use crate::{
    http::error::ApiError,
    types::{Currency, Money},
};

/// Digits before the point: more is a slip of the finger.
const DIGITS_MAX: usize = 7;

/// `12`, `12.5` or `12.50` in minor units; `None`: no amount in this currency.
pub(super) fn minor(text: &str, currency: Currency) -> Option<i64> {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let decimals = currency.decimals() as usize;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let fits = (1..=DIGITS_MAX).contains(&whole.len()) && part.len() <= decimals;
    if !fits || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// The same for a form.
pub(super) fn typed(text: &str, currency: Currency) -> Result<i64, ApiError> {
    let odd = ApiError::Unfit("金额应写成 12 或 12.50。", "Write an amount such as 12 or 12.50.");
    minor(text, currency).ok_or(odd)
}

/// As it would be typed.
pub(super) fn text(money: Money) -> String {
    let decimals = money.currency.decimals();
    let unit = 10_i64.pow(decimals);
    if decimals == 0 {
        return money.minor.to_string();
    }
    let width = decimals as usize;
    format!("{}.{:0width$}", money.minor / unit, money.minor.rem_euclid(unit))
}

/// The same, with a sign where it is below zero.
pub(super) fn signed(money: Money) -> String {
    let dash = if money.minor < 0 { "-" } else { "" };
    format!("{dash}{}", text(Money::new(money.minor.saturating_abs(), money.currency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_as_typed() {
        let rows = [
            ("12", Currency::Cny, Some(1_200)),
            (" 12.5 ", Currency::Cny, Some(1_250)),
            ("0.05", Currency::Cny, Some(5)),
            ("300", Currency::Jpy, Some(300)),
            ("3.0", Currency::Jpy, None),
            ("1.005", Currency::Cny, None),
            ("-1", Currency::Cny, None),
            ("1e3", Currency::Cny, None),
            ("", Currency::Cny, None),
            (".5", Currency::Cny, None),
            ("12345678", Currency::Cny, None),
        ];
        for (typed, currency, expected) in rows {
            assert_eq!(minor(typed, currency), expected, "{typed}");
        }
        assert_eq!(text(Money::new(1_205, Currency::Cny)), "12.05");
        assert_eq!(text(Money::new(300, Currency::Jpy)), "300");
    }
}
