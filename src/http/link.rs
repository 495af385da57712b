//! Links to an order that nobody can count through: the number and a keyed hash of it. Knows no page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::types::{OrderId, TicketId};

/// 96 bits: short enough for a coarse QR, far too many to try.
const TAG_BYTES: usize = 12;
/// 40 bits: short enough to be typed, where each try is slowed down.
const CODE_BYTES: usize = 5;
/// Of typed codes: no I, L, O or U, which people take for others.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes and checks the last part of `/p/{token}`.
#[derive(Clone)]
pub(super) struct Links {
    key: Hmac<Sha256>,
}

impl Links {
    pub(super) fn new(secret: &[u8]) -> Self {
        let key = Hmac::new_from_slice(secret).expect("HMAC takes a key of any length");
        Self { key }
    }

    fn keyed(&self, order: OrderId) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(b"order ");
        mac.update(order.to_string().as_bytes());
        mac
    }

    /// `{order}-{tag}`.
    pub(super) fn token(&self, order: OrderId) -> String {
        let tag = self.keyed(order).finalize().into_bytes();
        format!("{order}-{}", URL_SAFE_NO_PAD.encode(&tag[..TAG_BYTES]))
    }

    /// As [`Self::token`], of who came by a code that is printed and the same for everybody: `{order}p-{tag}`.
    pub(super) fn printed_token(&self, order: OrderId) -> String {
        let made = self.made(b"printed ", order.0);
        made.replacen('-', "p-", 1)
    }

    /// The order of a token of its page, and whether its holder came by a printed code.
    pub(super) fn begun(&self, token: &str) -> Option<(OrderId, bool)> {
        if let Some(order) = self.order(token) {
            return Some((order, false));
        }
        let (number, tag) = token.split_once("p-")?;
        let order = self.read(b"printed ", &format!("{number}-{tag}"))?;
        Some((OrderId(order), true))
    }

    fn kept(&self, kind: &[u8], number: i64) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(kind);
        mac.update(number.to_string().as_bytes());
        mac
    }

    fn made(&self, kind: &[u8], number: i64) -> String {
        let tag = self.kept(kind, number).finalize().into_bytes();
        format!("{number}-{}", URL_SAFE_NO_PAD.encode(&tag[..TAG_BYTES]))
    }

    fn read(&self, kind: &[u8], token: &str) -> Option<i64> {
        let (number, tag) = token.split_once('-')?;
        let fits = !number.starts_with(['+', '0']);
        let id: i64 = number.parse().ok().filter(|n| *n > 0 && fits)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG_BYTES)?;
        self.kept(kind, id).verify_truncated_left(&tag).is_ok().then_some(id)
    }

    /// Of `/t/{token}`: whoever holds it shows the ticket.
    pub(super) fn ticket_token(&self, ticket: TicketId) -> String {
        self.made(b"ticket ", ticket.0)
    }

    pub(super) fn ticket(&self, token: &str) -> Option<TicketId> {
        self.read(b"ticket ", token).map(TicketId)
    }

    /// Of `/visit/o/{token}`: an order with its tickets. Another than of its page to pay, which is shown to bystanders.
    pub(super) fn visit_token(&self, order: OrderId) -> String {
        self.made(b"visit ", order.0)
    }

    pub(super) fn visit(&self, token: &str) -> Option<OrderId> {
        self.read(b"visit ", token).map(OrderId)
    }

    fn code_keyed(&self, order: OrderId) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(b"invoice ");
        mac.update(order.to_string().as_bytes());
        mac
    }

    /// `{order}-{8 letters}`, for a receipt: who cannot scan it types it.
    pub(super) fn code(&self, order: OrderId) -> String {
        let tag = self.code_keyed(order).finalize().into_bytes();
        let bits = tag[..CODE_BYTES].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let letter = |n: u32| char::from(LETTERS[(bits >> (35 - 5 * n) & 31) as usize]);
        format!("{order}-{}", (0..8).map(letter).collect::<String>())
    }

    /// The order of a code as typed: small letters and look-alikes are no mistakes. Compared in constant time.
    pub(super) fn order_of_code(&self, typed: &str) -> Option<OrderId> {
        let (number, tag) = typed.trim().split_once('-')?;
        let order = OrderId(number.trim().parse().ok().filter(|n| *n > 0)?);
        let mut bits = 0_u64;
        let mut count = 0;
        for c in tag.chars().filter(|c| !matches!(c, ' ' | '-')) {
            let meant = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let value = LETTERS.iter().position(|letter| char::from(*letter) == meant)? as u64;
            bits = bits << 5 | value;
            count += 1;
            if count > 8 {
                return None;
            }
        }
        let tag = &bits.to_be_bytes()[3..];
        let is_it = count == 8 && self.code_keyed(order).verify_truncated_left(tag).is_ok();
        is_it.then_some(order)
    }

    /// The order of a token that this site made; the tag is compared in constant time.
    pub(super) fn order(&self, token: &str) -> Option<OrderId> {
        let (number, tag) = token.split_once('-')?;
        let order =
            OrderId(number.parse().ok().filter(|n| *n > 0 && !number.starts_with(['+', '0']))?);
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG_BYTES)?;
        self.keyed(order).verify_truncated_left(&tag).is_ok().then_some(order)
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Links")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_as_people_type_them() {
        let (ours, theirs) = (Links::new(b"one"), Links::new(b"two"));
        for n in 1..200 {
            let code = ours.code(OrderId(n));
            assert_eq!(ours.order_of_code(&code), Some(OrderId(n)), "{code}");
            let tag = code.split_once('-').unwrap().1.to_lowercase();
            let tag = tag.replace('0', "o").replace('1', "l");
            let sloppy = format!(" {n}-{} {} ", &tag[..4], &tag[4..]);
            assert_eq!(ours.order_of_code(&sloppy), Some(OrderId(n)), "{sloppy}");
            assert_eq!(theirs.order_of_code(&code), None);
            assert_eq!(ours.order_of_code(&code[..code.len() - 1]), None, "a shorter one");
            assert_eq!(ours.order_of_code(&format!("{code}0")), None, "a longer one");
        }
        for bad in ["", "-", "12", "12-", "0-00000000", "12-UUUUUUUU", "x-00000000"] {
            assert_eq!(ours.order_of_code(bad), None, "{bad}");
        }
        assert_ne!(ours.code(OrderId(1))[2..], ours.token(OrderId(1))[2..]);
    }

    #[test]
    fn who_may_pay_may_not_see_the_tickets() {
        let links = Links::new(b"one");
        let (pay, visit) = (links.token(OrderId(7)), links.visit_token(OrderId(7)));
        let ticket = links.ticket_token(TicketId(7));
        assert_eq!(
            (links.visit(&visit), links.ticket(&ticket)),
            (Some(OrderId(7)), Some(TicketId(7)))
        );
        assert_eq!(
            (links.visit(&pay), links.visit(&ticket), links.ticket(&visit)),
            (None, None, None)
        );
        assert_eq!(links.order(&visit), None);
        let big = links.ticket_token(TicketId(1 << 47));
        assert_eq!(links.ticket(&big), Some(TicketId(1 << 47)));
    }

    #[test]
    fn who_came_by_a_printed_code_cannot_say_otherwise() {
        let (ours, theirs) = (Links::new(b"one"), Links::new(b"two"));
        let (shown, printed) = (ours.token(OrderId(7)), ours.printed_token(OrderId(7)));
        assert_eq!(ours.begun(&shown), Some((OrderId(7), false)));
        assert_eq!(ours.begun(&printed), Some((OrderId(7), true)));
        assert_eq!((ours.order(&printed), theirs.begun(&printed)), (None, None));
        assert_eq!(ours.begun(&printed.replace("p-", "-")), None, "the tag is of the kind");
        assert_eq!(ours.begun(&shown.replacen('-', "p-", 1)), None);
    }

    #[test]
    fn only_what_this_site_made() {
        let (ours, theirs) = (Links::new(b"one"), Links::new(b"two"));
        let token = ours.token(OrderId(12));
        assert_eq!(ours.order(&token), Some(OrderId(12)));
        assert_eq!(theirs.order(&token), None);
        let tag = token.split_once('-').unwrap().1;
        for bad in ["", "12", "12-", "-", &tag[1..]] {
            assert_eq!(ours.order(bad), None, "{bad}");
        }
        for number in ["13", "012", "+12", "-12", "12 "] {
            assert_eq!(ours.order(&format!("{number}-{tag}")), None, "{number}");
        }
        assert_eq!(ours.order(&format!("12-{}", &tag[..8])), None, "a shorter tag proves less");
    }
}
