//! What a paper ticket looks like, in Chinese or English. Knows no printer, no key and no price list.

use paifang_devices::escpos::{Align, Block, Document, Size};

use crate::{config::Language, http::ports::Slip};

/// Dots of a module: the code's 41 modules and their margin are 294 dots wide, which fits a roll of 58 mm (384 dots).
const MODULE_DOTS: u8 = 6;

/// One ticket, cut off.
pub fn slip(language: Language, site: &str, ticket: &Slip) -> Document {
    let say = |zh: &'static str, en: &'static str| match language {
        Language::Zh => zh,
        Language::En => en,
    };
    let mut page = Document::default();
    page.text(site, Size::Double, Align::Center, true);
    page.push(Block::Feed(1));
    page.text(ticket.product.as_str(), Size::Double, Align::Center, true);
    if ticket.persons > 1 {
        let persons = format!("{} {}", ticket.persons, say("人", "persons"));
        page.text(persons, Size::Double, Align::Center, false);
    }
    page.text(ticket.when.as_str(), Size::Tall, Align::Center, true);
    for text in [Some(&ticket.place), ticket.visitor.as_ref()].into_iter().flatten() {
        if !text.is_empty() {
            page.text(text.as_str(), Size::Normal, Align::Center, false);
        }
    }
    page.push(Block::Qr { text: ticket.code.clone(), module_dots: MODULE_DOTS });
    page.text(ticket.typed.as_str(), Size::Double, Align::Center, true);
    let number = format!("{} {} {}", say("票号", "Ticket"), ticket.ticket, ticket.price);
    page.text(number, Size::Normal, Align::Center, false);
    let until = format!("{} {}", say("有效期至", "Valid until"), ticket.until);
    page.text(until, Size::Normal, Align::Center, false);
    if let Some((here, code)) = &ticket.invoice {
        let invoice = format!("{} {code}", say("开发票，输入", "Invoice: type"));
        page.text(invoice, Size::Normal, Align::Center, false);
        page.text(here.as_str(), Size::Normal, Align::Center, false);
    }
    if ticket.again > 0 {
        let again = format!(
            "{} {}: {}",
            say("第", "Reprint"),
            ticket.again,
            say("次补打，前一张作废", "the one before lets nobody in")
        );
        page.text(again, Size::Normal, Align::Center, false);
    }
    page.push(Block::Feed(3)).push(Block::Cut);
    page
}
