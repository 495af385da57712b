//! Tickets for pages: their codes from the keys, their past from the tables. Sells nothing and knows no page.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, civil::Date};
use sha2::Sha256;

use super::pages::{Tables, odd};
use crate::{
    core::{
        Rules,
        money::Order,
        rules::ShortCodes,
        selling::Bought,
        slot::Slot,
        ticket::{Ticket, Visitor},
    },
    http::ports::{Found, Row, TicketCodes, TicketPast, TicketRecords, VisitorUnfit, Visits},
    store::{self, Past},
    tickets::TicketKeys,
    types::{CodeDigest, LaneId, OrderId, TicketId},
};

/// A pick-up code is made anew where another order had it; more often than that, nobody waits for it.
const AGAIN_MAX: u8 = 8;
const NAME_CHARS_MAX: usize = 60;
/// Of one visitor.
const VISITOR_TICKETS_MAX: u32 = 50;

/// The codes of tickets and orders.
#[derive(Clone, Debug)]
pub struct Codes {
    pub keys: TicketKeys,
}

impl ShortCodes for Codes {
    fn ticket(&self, ticket: TicketId, edition: u8) -> CodeDigest {
        CodeDigest::of(&self.keys.short_code(ticket, edition))
    }

    fn pickup(&self, order: OrderId, again: u8) -> CodeDigest {
        CodeDigest::of(&self.keys.pickup_code(order, again))
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

    fn visitor(&self, name: &str, number: &str) -> Result<Visitor, VisitorUnfit> {
        let (name, number) = (name.trim(), number.trim().to_ascii_uppercase());
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.contains(char::is_control)
        {
            return Err(VisitorUnfit::Name);
        }
        check_number(&number)?;
        let key = self.keys.derived("visitor number");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes any length");
        mac.update(number.as_bytes());
        let tag: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let first = name.chars().next().unwrap_or('*');
        Ok(Visitor {
            name: format!("{first}*"),
            number: masked(&number),
            digest: CodeDigest::of(&tag),
        })
    }
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

impl TicketRecords for Tables {
    fn of_order(&self, order: OrderId) -> Found<'_, Vec<Ticket>> {
        Box::pin(async move { self.reader.tickets_of_order(order).await.map_err(odd) })
    }

    fn bought(&self, order: OrderId) -> Found<'_, Option<Bought>> {
        Box::pin(async move { self.reader.bought(order).await.map_err(odd) })
    }

    fn past(&self, ticket: TicketId) -> Found<'_, TicketPast> {
        Box::pin(async move {
            let admissions = self.reader.admissions_of(ticket).await.map_err(odd)?;
            let acts = self.reader.ticket_history(ticket).await.map_err(odd)?;
            let row = |past: Past| Row { seq: past.seq, at: past.at, change: past.change };
            Ok(TicketPast { admissions, acts: acts.into_iter().map(row).collect() })
        })
    }

    fn order_of_pickup(&self, digest: CodeDigest) -> Found<'_, Option<Order>> {
        Box::pin(async move { self.reader.order_of_pickup(&digest).await.map_err(odd) })
    }

    fn orders(&self, limit: u32) -> Found<'_, Vec<Order>> {
        Box::pin(async move { self.reader.orders_of_tickets(limit).await.map_err(odd) })
    }

    fn of_visitor(&self, digest: CodeDigest, from: Timestamp) -> Found<'_, Vec<Ticket>> {
        Box::pin(async move {
            self.reader.tickets_of_visitor(&digest, from, VISITOR_TICKETS_MAX).await.map_err(odd)
        })
    }

    fn visits(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        Box::pin(async move {
            let visits = self.reader.visits(from, to, self.currency).await.map_err(odd)?;
            Ok(visits.into_iter().map(shown).collect())
        })
    }

    fn sold(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<Visits>> {
        Box::pin(async move {
            let sold = self.reader.sold_between(from, to, self.currency).await.map_err(odd)?;
            Ok(sold.into_iter().map(shown).collect())
        })
    }

    fn passages(&self, from: Timestamp, to: Timestamp) -> Found<'_, Vec<(LaneId, i64, i64)>> {
        Box::pin(async move { self.reader.passages_by_hour(from, to).await.map_err(odd) })
    }

    fn slots(&self, from: Date, until: Date) -> Found<'_, Vec<Slot>> {
        Box::pin(async move { self.reader.slots(from, until).await.map_err(odd) })
    }
}

fn shown(of: store::Visits) -> Visits {
    Visits {
        slot: of.slot.unwrap_or_default(),
        product: of.product,
        counter: of.counter,
        sold: of.sold,
        came: of.came,
        returned: of.returned,
        taken: of.taken,
    }
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
