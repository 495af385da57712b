//! What a ticket's paper says, and printing it. The edition on the paper is on record before a byte goes to a printer.

use crate::{
    core::{Rules, ticket::Ticket},
    http::{
        error::ApiError,
        ports::Slip,
        router::Web,
        visit::{clock, named, office},
        words::Lang,
    },
    types::CounterId,
};

/// Of the ticket as it is now: its edition is the one the code is made for.
pub(super) fn of(web: &Web, rules: &Rules, l: Lang, ticket: &Ticket) -> Result<Slip, ApiError> {
    let (codes, _) = office(web)?;
    let visitor = ticket.visitor.as_ref();
    Ok(Slip {
        product: named::ticket(rules, l, ticket),
        persons: ticket.persons,
        when: named::when(rules, l, ticket),
        until: clock(ticket.valid_until, &rules.zone),
        place: named::areas(rules, ticket),
        visitor: visitor.map(|visitor| format!("{} {}", visitor.name, visitor.number)),
        price: ticket.sold.as_ref().map(|sold| sold.price.to_string()).unwrap_or_default(),
        ticket: ticket.id,
        code: codes.code(ticket, rules),
        typed: codes.typed(ticket.id, ticket.edition),
        again: ticket.edition.saturating_sub(1),
        invoice: invoice(web, ticket),
    })
}

/// What was paid for it here has an invoice; what an agent sold has one there.
fn invoice(web: &Web, ticket: &Ticket) -> Option<(String, String)> {
    let sold = ticket.sold.as_ref().filter(|sold| !sold.price.is_zero())?;
    web.invoices.as_ref()?;
    let by_account = |counter: &CounterId| counter.as_str() == ticket.made_by;
    if web.desk.rules().shop.on_account.iter().any(by_account) {
        return None;
    }
    let here = format!("{}/i", web.settings.public_url());
    Some((here, web.links.code(sold.order)))
}
