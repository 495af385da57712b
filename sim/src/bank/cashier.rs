//! The customer's side: a page like a wallet's cashier, with the amount and a button. Knows no
//! signatures.

use jiff::Timestamp;

use super::{model::Bank, words::PayRefusal};

/// The page of a token; `None` for a token nobody was given.
pub(super) fn page(bank: &Bank, token: &str, now: Timestamp) -> Option<String> {
    let (order, payable) = bank.cashier(token, now)?;
    let amount = format!("¥{}.{:02}", order.fen / 100, order.fen % 100);
    let below = match payable {
        Ok(()) => "<form method=\"post\"><button>立即支付</button></form>".to_owned(),
        Err(refusal) => format!("<p class=\"note\">{}</p>", text(refusal)),
    };
    let subject = escape(&order.subject);
    Some(html(&format!("<p>{subject}</p><p class=\"amount\">{amount}</p>{below}")))
}

/// Pays and tells the customer how it went.
pub(super) fn pay(
    bank: &mut Bank,
    token: &str,
    now: Timestamp,
    back_url: Option<&str>,
) -> Option<String> {
    let out_trade_no = bank.cashier(token, now)?.0.out_trade_no.clone();
    let said = match bank.customer_pays(&out_trade_no, now) {
        Ok(()) => "<p class=\"amount\">支付成功</p>".to_owned(),
        Err(refusal) => format!("<p class=\"note\">{}</p>", text(refusal)),
    };
    let back = escape(back_url.unwrap_or("javascript:history.go(-2)"));
    Some(html(&format!("{said}<p><a href=\"{back}\">返回商家</a></p>")))
}

fn text(refusal: PayRefusal) -> &'static str {
    match refusal {
        PayRefusal::NoSuchOrder => "订单不存在",
        PayRefusal::AlreadyPaid => "订单已支付",
        PayRefusal::Expired => "二维码已过期",
        PayRefusal::Closed => "订单已关闭",
    }
}

fn html(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>收银台（模拟）</title><style>body{{font:16px sans-serif;text-align:center;\
         margin:3em 1em}}.amount{{font-size:2.5em;margin:.5em}}.note{{color:#b00}}\
         button{{font-size:1.25em;width:100%;max-width:20em;padding:.75em;border:0;\
         border-radius:.5em;background:#07a35a;color:#fff}}</style>{body}</html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('\'', "&#39;")
}
