//! A day's statement as WeChat writes it: names, lines with backticks, the sum. Knows no sockets.

use std::fmt::Write;

use jiff::tz;

use super::Wechat;
use crate::bank::words::{BillKind, BillLine};

const COLUMNS: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
const SUM: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Of 0.60 %, in yuan with five decimals.
fn fee(fen: i64) -> String {
    let milli = fen * 6;
    let sign = if milli < 0 { "-" } else { "" };
    format!("{sign}{}.{:05}", milli.abs() / 100_000, milli.abs() % 100_000)
}

pub(super) fn text(words: &Wechat, lines: &[BillLine]) -> String {
    let mut text = format!("{COLUMNS}\r\n");
    let (mut paid, mut back) = (0, 0);
    for line in lines {
        let (state, refund_no, given) = match &line.kind {
            BillKind::Paid => ("SUCCESS", "0", 0),
            BillKind::Refunded { refund_no, fen } => ("REFUND", refund_no.as_str(), *fen),
            BillKind::Undone => ("REVOKED", "0", line.order_fen),
        };
        paid += if given == 0 { line.order_fen } else { 0 };
        back += given;
        let at = tz::offset(8).to_datetime(line.at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let (total, refunded) = (yuan(line.order_fen), yuan(given));
        let kept = if given == 0 { fee(line.order_fen) } else { fee(-given) };
        let values: [&str; 27] = [
            &at,
            &words.appid,
            &words.mchid,
            &words.sub_mchid,
            "",
            &line.bank_no,
            &line.out_trade_no,
            "",
            "PARKING",
            state,
            "OTHERS",
            "CNY",
            &total,
            "0.00",
            "0",
            refund_no,
            &refunded,
            "0.00",
            "",
            if given == 0 { "" } else { "SUCCESS" },
            &line.subject,
            "",
            &kept,
            "0.60%",
            &total,
            &refunded,
            "",
        ];
        let _ = write!(text, "`{}\r\n", values.join(",`"));
    }
    let count = lines.len();
    let _ = write!(
        text,
        "{SUM}\r\n`{count},`{0},`{1},`0.00,`{2},`{0},`{1}\r\n",
        yuan(paid),
        yuan(back),
        fee(paid - back)
    );
    text
}
