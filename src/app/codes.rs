//! The codes of tickets, orders and visitors, made of the site's keys. Keeps nothing and knows no page.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::clouds::CloudCodes;
use crate::{
    core::{
        Rules,
        money::Order,
        presented::Presented,
        ticket::{Ticket, Visitor},
    },
    http::ports::{TicketCodes, VisitorUnfit},
    tickets::{Seal, TicketKeys},
    types::{ChannelId, CodeDigest, TicketId},
};

/// A pick-up code is made anew where another order had it; more often than that, nobody waits for it.
const AGAIN_MAX: u8 = 8;
const NAME_CHARS_MAX: usize = 60;

/// The codes of tickets and orders.
#[derive(Clone, Debug)]
pub struct Codes {
    keys: TicketKeys,
    clouds: CloudCodes,
}

impl Codes {
    pub fn new(keys: TicketKeys, clouds: CloudCodes) -> Self {
        Self { keys, clouds }
    }

    /// Of a site that no cloud sells for.
    pub fn alone(keys: TicketKeys) -> Self {
        Self::new(keys.clone(), CloudCodes::new(Vec::new(), keys))
    }

    pub fn keys(&self) -> &TicketKeys {
        &self.keys
    }
}

impl TicketCodes for Codes {
    fn code(&self, ticket: &Ticket, rules: &Rules) -> String {
        self.keys.code(ticket, &rules.tickets)
    }

    fn seed(&self, ticket: TicketId, edition: u8) -> [u8; 16] {
        self.keys.seed(ticket, edition)
    }

    fn typed(&self, ticket: TicketId, edition: u8) -> String {
        self.keys.short_code(ticket, edition)
    }

    fn pickup(&self, order: &Order) -> Option<String> {
        let wanted = order.basket.as_ref()?.pickup;
        let mut codes = (0..AGAIN_MAX).map(|again| self.keys.pickup_code(order.id, again));
        codes.find(|code| CodeDigest::of(code) == wanted)
    }

    fn pickup_digest(&self, typed: &str) -> Option<CodeDigest> {
        let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
        (digits.len() == 8).then(|| CodeDigest::of(&digits))
    }

    fn read(&self, text: &str, at: Timestamp) -> Presented {
        self.keys.read(text, at)
    }

    fn of_cloud(&self, text: &str) -> Option<(ChannelId, CodeDigest, String)> {
        self.clouds.is_one(text).then(|| self.clouds.sealed(text)).flatten()
    }

    fn visitor(&self, name: &str, number: &str) -> Result<Visitor, VisitorUnfit> {
        let (name, number) = (name.trim(), number.trim().to_ascii_uppercase());
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.contains(char::is_control)
        {
            return Err(VisitorUnfit::Name);
        }
        check_number(&number)?;
        let first = name.chars().next().unwrap_or('*');
        Ok(Visitor {
            name: format!("{first}*"),
            number: masked(&number),
            digest: person(&self.keys, &number),
        })
    }

    fn seal(&self, visitor: &Visitor, name: &str, number: &str) -> Option<Vec<u8>> {
        let number = number.trim().to_ascii_uppercase();
        Seal::new(&self.keys).seal(&visitor.digest, name, &number).ok()
    }

    fn unseal(&self, visitor: &Visitor, sealed: &[u8]) -> Option<(String, String)> {
        Seal::new(&self.keys).open(&visitor.digest, sealed)
    }
}

/// What a visitor is known by: the number of a document, in capitals, keyed so that nobody finds it by trying.
pub(super) fn person(keys: &TicketKeys, number: &str) -> CodeDigest {
    let key = keys.derived("visitor number");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes any length");
    mac.update(number.as_bytes());
    let tag: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    CodeDigest::of(&tag)
}

/// A resident's number is checked by its last character (GB 11643: ISO 7064, MOD 11-2); others are letters and digits.
fn check_number(number: &str) -> Result<(), VisitorUnfit> {
    let bytes = number.as_bytes();
    let resident = bytes.len() == 18 && bytes[..17].iter().all(u8::is_ascii_digit);
    if resident {
        let value = |byte: &u8| if *byte == b'X' { 10 } else { u32::from(*byte) - u32::from(b'0') };
        if !(bytes[17].is_ascii_digit() || bytes[17] == b'X') {
            return Err(VisitorUnfit::Check);
        }
        let sum = bytes[..17].iter().fold(0, |sum, byte| (sum + value(byte)) * 2 % 11);
        return if (sum + value(&bytes[17])) % 11 == 1 { Ok(()) } else { Err(VisitorUnfit::Check) };
    }
    let fits = (5..=20).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
    if fits { Ok(()) } else { Err(VisitorUnfit::Number) }
}

/// `110***********123X`: enough for its holder to know it.
fn masked(number: &str) -> String {
    let (head, tail) = if number.len() >= 12 { (3, 4) } else { (1, 2) };
    let stars = "*".repeat(number.len() - head - tail);
    format!("{}{stars}{}", &number[..head], &number[number.len() - tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_checked_and_masked() {
        // The example of the standard, and one digit of it changed.
        assert_eq!(check_number("11010519491231002X"), Ok(()));
        assert_eq!(check_number("11010519491231003X"), Err(VisitorUnfit::Check));
        assert_eq!(check_number("110105194912310021"), Err(VisitorUnfit::Check));
        assert_eq!(check_number("E12345678"), Ok(()));
        for bad in ["", "1234", "E1234 5678", "张三张三张三", "123456789012345678901"] {
            assert_eq!(check_number(bad), Err(VisitorUnfit::Number), "{bad}");
        }
        assert_eq!(masked("11010519491231002X"), "110***********002X");
        assert_eq!(masked("E1234"), "E**34");
    }
}
