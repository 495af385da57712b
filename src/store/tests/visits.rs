//! What was taken for tickets: those that went back, whole or in part, and those that were withdrawn.

use std::time::Duration;

use super::site::{Dir, start};
use crate::{
    core::{
        Change,
        ticket::{Medium, Sold, Ticket},
    },
    store::{Options, Store},
    types::{CodeDigest, Currency, Money, OrderId, ProductId, TicketId},
};

/// Ten persons for 600.00, so many of whom went back.
fn ticket(id: i64, set: impl FnOnce(&mut Ticket, &mut Sold)) -> Change {
    let mut sold = Sold {
        order: OrderId(id),
        no: 1,
        product: ProductId::parse("group").unwrap(),
        slot: None,
        price: Money::new(60_000, Currency::Cny),
        moved: 0,
        more: Vec::new(),
        printed: None,
        returned: 0,
        kept_minor: 0,
    };
    let mut ticket = Ticket {
        id: TicketId(id),
        digest: CodeDigest::of(&format!("code {id}")),
        persons: 10,
        used: 0,
        held: 0,
        valid_from: start(),
        valid_until: start() + Duration::from_hours(8),
        revoked: false,
        expired: false,
        made_at: start(),
        made_by: "page".into(),
        revoked_by: String::new(),
        areas: Vec::new(),
        sold: None,
        edition: 0,
        medium: Medium::Any,
        visitor: None,
    };
    set(&mut ticket, &mut sold);
    ticket.sold = Some(sold);
    Change::Ticket(ticket)
}

#[tokio::test]
async fn what_was_taken_is_what_was_paid_less_what_went_back() {
    let dir = Dir::new("visits");
    let mut store = Store::open(&dir.db(), Options::default()).await.unwrap();
    let money = |minor| Money::new(minor, Currency::Cny);
    let changes = [
        // Six came.
        ticket(1, |ticket, _| ticket.used = 6),
        // All went back, and a fifth of the price was kept.
        ticket(2, |_, _| ()),
        ticket(2, |ticket, sold| {
            ticket.revoked = true;
            (sold.price, sold.kept_minor) = (money(0), 12_000);
        }),
        // Four of ten went back in full.
        ticket(3, |ticket, sold| {
            ticket.persons = 6;
            (sold.price, sold.returned) = (money(36_000), 4);
        }),
        // Withdrawn: no money went back.
        ticket(4, |ticket, _| ticket.revoked = true),
    ];
    store.writer.commit(start(), &changes).await.unwrap();
    let (from, to) = (start() - Duration::from_hours(1), start() + Duration::from_hours(1));
    let visits = store.reader.visits(from, to, Currency::Cny).await.unwrap();
    let sold = store.reader.sold_between(from, to, Currency::Cny).await.unwrap();
    for row in [&visits[0], &sold[0]] {
        assert_eq!((row.sold, row.returned), (16, 24), "{row:?}");
        assert_eq!(row.taken, money(60_000 + 12_000 + 36_000 + 60_000));
    }
    assert_eq!((visits.len(), visits[0].came, sold.len()), (1, 6, 1));
    assert_eq!(store.reader.rebuild().await.unwrap().differences, []);
}
