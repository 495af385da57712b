//! A day's statement as the gateway writes it: names, lines with backticks, the sum. Knows no sockets.

use std::fmt::Write;

use jiff::tz;

use super::SwiftpassGatewaySettings;
use crate::bank::words::{BillKind, BillLine};

/// Where nothing is published about a column, it is `备用`.
const COLUMNS: [&str; 34] = [
    "交易时间",
    "公众账号ID",
    "备用",
    "备用",
    "商户号",
    "备用",
    "平台订单号",
    "第三方订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "总金额",
    "优惠金额",
    "平台退款单号",
    "商户退款单号",
    "退款金额",
    "退款优惠金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "备用",
    "账单类型",
    "备用",
    "商户名称",
    "备用",
    "子商户号",
    "免充值券金额",
    "实收净额",
];
const SUM: &str = "总交易单数,总交易额,总退款金额,总退款优惠金额,总手续费金额,总实收金额";
/// The bank keeps 0.38 %, stated in yuan with five decimals: a hundred-thousandth is 38 tenths of a fen's thousandth.
const RATE: &str = "0.38%";

fn fee(fen: i64) -> i64 {
    (fen * 38 + 5) / 10
}

fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", fen.abs() / 100, fen.abs() % 100)
}

fn yuan5(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    format!("{sign}{}.{:05}", milli.abs() / 100_000, milli.abs() % 100_000)
}

pub(super) fn text(settings: &SwiftpassGatewaySettings, lines: &[BillLine]) -> String {
    let mut text = COLUMNS.join(",") + "\n";
    let (mut paid, mut back, mut kept) = (0, 0, 0);
    for line in lines {
        let (state, refund_no, refund) = match &line.kind {
            BillKind::Paid => ("SUCCESS", "", 0),
            BillKind::Refunded { refund_no, fen } => ("REFUND", refund_no.as_str(), *fen),
            BillKind::Undone => ("REVOKED", "", line.order_fen),
        };
        let milli = if refund == 0 { fee(line.order_fen) } else { -fee(refund) };
        paid += if refund == 0 { line.order_fen } else { 0 };
        back += refund;
        kept += milli;
        let at = tz::offset(8).to_datetime(line.at).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let kind = if line.by_code { "pay.weixin.micropay" } else { "pay.weixin.native" };
        let values: [&str; 34] = [
            &at,
            "wx0000000000000001",
            "",
            "",
            &settings.mch_id,
            "",
            &line.bank_no,
            &["W", &line.bank_no].concat(),
            &line.out_trade_no,
            "",
            kind,
            state,
            "OTHERS",
            "CNY",
            &yuan(line.order_fen),
            "0.00",
            "",
            refund_no,
            &yuan(refund),
            "0.00",
            "ORIGINAL",
            if refund == 0 { "" } else { "SUCCESS" },
            &line.subject,
            "",
            &yuan5(milli),
            RATE,
            "",
            "ALL",
            "",
            "停车场",
            "",
            "",
            "0.00",
            &yuan(line.order_fen - refund),
        ];
        let _ = writeln!(text, "`{}", values.join(",`"));
    }
    let sums =
        [lines.len().to_string(), yuan(paid), yuan(back), yuan(0), yuan5(kept), yuan(paid - back)];
    let _ = write!(text, "{SUM}\n`{}\n", sums.join(",`"));
    text
}
