//! What a receipt says, in Chinese or English. Knows no printer and no price: every amount is on record already.

use jiff::{Timestamp, tz::TimeZone};
use paifang_devices::escpos::{Align, Block, Document, Size};

use super::display::{said_amount, said_length};
use crate::{
    config::Language,
    core::{money::Order, money::Payment, stay::Stay, tariff, till::Cash},
    types::Money,
};

/// Dots of a module: a number of 20 characters fits a roll of 58 mm and a phone reads it.
const MODULE_DOTS: u8 = 5;

/// What a receipt is made of.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    pub language: Language,
    pub site: &'a str,
    pub zone: &'a TimeZone,
    pub stay: &'a Stay,
    pub order: &'a Order,
    /// `None`: nothing was collected through the bank.
    pub payment: Option<&'a Payment>,
    /// Taken at a booth.
    pub cash: Option<&'a Cash>,
    /// Where an invoice can be claimed, and the code for who types.
    pub invoice: Option<(&'a str, &'a str)>,
    pub paid_at: Timestamp,
    pub printed_at: Timestamp,
    /// Latin characters in a line.
    pub columns: u8,
}

impl Receipt<'_> {
    pub fn document(&self) -> Document {
        let mut page = Document::default();
        page.text(self.site, Size::Double, Align::Center, true);
        page.text(self.say("停车费收据", "Parking receipt"), Size::Normal, Align::Center, false);
        page.push(Block::Feed(1));
        let stay = self.stay;
        let minutes = self.paid_at.duration_since(stay.entered_at).as_mins().max(0);
        let amount = said_amount(self.language, self.order.amount);
        let mut row = |name: &str, value: String| {
            page.line(pair(name, &value, self.columns));
        };
        row(self.say("车牌", "Plate"), stay.plate.full().to_owned());
        row(self.say("入场", "Entered"), self.clock(stay.entered_at));
        row(self.say("付款", "Paid"), self.clock(self.paid_at));
        row(self.say("停车时长", "Length"), said_length(self.language, minutes));
        row(self.say("订单号", "Order"), self.order.id.to_string());
        if let Some(payment) = self.payment {
            row(self.say("付款单号", "Payment"), payment.out_trade_no.clone());
        }
        if let Some(number) = self.payment.and_then(|payment| payment.bank_no.clone()) {
            row(self.say("银行单号", "Bank"), number);
        }
        page.push(Block::Feed(1));
        self.fee(&mut page);
        let total = format!("{} {amount}", self.say("实收", "Total"));
        page.text(total, Size::Double, Align::Center, true);
        if let Some(payment) = self.payment {
            let (text, module_dots) = (payment.out_trade_no.clone(), MODULE_DOTS);
            page.push(Block::Feed(1)).push(Block::Qr { text, module_dots });
        }
        if let Some((link, code)) = self.invoice {
            page.push(Block::Feed(1));
            page.line(pair(self.say("扫码开发票", "Scan for an invoice"), code, self.columns));
            page.push(Block::Qr { text: link.to_owned(), module_dots: MODULE_DOTS });
        }
        let printed = format!("{} {}", self.say("打印", "Printed"), self.clock(self.printed_at));
        page.text(printed, Size::Normal, Align::Center, false);
        page.push(Block::Feed(3)).push(Block::Cut);
        page
    }

    /// How the fee came about, line by line, and how it was settled.
    fn fee(&self, page: &mut Document) {
        let quote = &self.order.quote;
        let language = match self.language {
            Language::Zh => tariff::Language::Chinese,
            Language::En => tariff::Language::English,
        };
        for line in &quote.lines {
            page.line(line.explain(language, self.zone));
        }
        let mut row = |name: &str, minor: i64| {
            let amount = Money::new(minor, self.order.amount.currency);
            page.line(pair(name, &said_amount(self.language, amount), self.columns));
        };
        if quote.paid_minor > 0 {
            row(self.say("此前已付或减免", "Paid or waived before"), -quote.paid_minor);
        }
        let arrears = self.order.amount.minor - quote.due().minor;
        if arrears > 0 {
            row(self.say("补缴欠费", "Owed from before"), arrears);
        }
        if let Some(cash) = self.cash {
            row(self.say("收现金", "Cash"), cash.tendered.minor);
            row(self.say("找零", "Change"), cash.tendered.minor - cash.amount.minor);
        }
    }

    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
    }

    fn clock(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// A name on the left, its value on the right; in two lines where they do not fit one.
fn pair(name: &str, value: &str, columns: u8) -> String {
    let room = usize::from(columns).saturating_sub(width(name) + width(value));
    if room == 0 { format!("{name} {value}") } else { format!("{name}{}{value}", " ".repeat(room)) }
}

/// Columns a text takes: a Chinese character is two wide.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        core::{
            money::{OrderState, PaidBy},
            rules::Zones,
            tariff::Quote,
        },
        types::{Currency, LaneId, Money, OrderId, PaymentId, Plate, StayId},
    };

    fn texts(language: Language, columns: u8) -> Vec<String> {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let lane = LaneId::parse("exit-1").unwrap();
        let entered_at = at("2026-11-23T01:30:00Z");
        let paid_at = at("2026-11-23T03:35:20Z");
        let amount = Money::new(1_250, Currency::Cny);
        let plate = Plate::parse("京A12345").unwrap();
        let stay = Stay::new(StayId(7), plate, lane.clone(), Zones::only(), entered_at);
        let stay = Stay { paid_minor: 1_250, paid_at: Some(paid_at), ..stay };
        let quote = Quote::bare(entered_at, paid_at, amount);
        let state = OrderState::Paid { by: PaidBy::Payment(PaymentId(3)), at: paid_at };
        let order = Order {
            id: OrderId(9),
            stay: Some(StayId(7)),
            sale: None,
            basket: None,
            pass: None,
            lane: Some(lane),
            amount,
            quote,
            made_at: paid_at,
            state,
            arrears: Vec::new(),
            by_plate: false,
        };
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let link = ("https://park.example/i/9-AbCd", "9-AB12CD34");
        let receipt = Receipt {
            language,
            site: "湖畔停车场",
            zone: &zone,
            stay: &stay,
            order: &order,
            payment: None,
            cash: None,
            invoice: Some(link),
            paid_at,
            printed_at: paid_at,
            columns,
        };
        let text = |block| match block {
            Block::Text { text, .. } | Block::Qr { text, .. } => Some(text),
            Block::Feed(_) | Block::Cut => None,
        };
        receipt.document().blocks.into_iter().filter_map(text).collect()
    }

    #[test]
    fn a_receipt_says_when_how_long_and_how_much_in_the_sites_time() {
        let zh = texts(Language::Zh, 32);
        assert!(zh.contains(&"实收 12.5元".to_owned()), "{zh:?}");
        let entered = zh.iter().find(|line| line.starts_with("入场")).unwrap();
        assert!(entered.ends_with("2026-11-23 09:30"), "{entered}");
        assert_eq!(width(entered), 32, "right to the edge");
        assert!(zh.iter().any(|line| line.ends_with("2时5分")));
        assert!(zh.iter().any(|line| line.ends_with(" 9-AB12CD34")), "{zh:?}");
        assert!(zh.contains(&"https://park.example/i/9-AbCd".to_owned()), "{zh:?}");
        let en = texts(Language::En, 32);
        assert!(en.contains(&"Total 12.5 CNY".to_owned()), "{en:?}");
        assert!(texts(Language::En, 16).iter().any(|line| line == "Entered 2026-11-23 09:30"));
    }
}
