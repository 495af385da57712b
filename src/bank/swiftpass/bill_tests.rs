//! Statements: by the names of the header, with what makes such files hard. Knows no wire.

use proptest::prelude::*;

use super::*;
use crate::{
    bank::{
        backtick::{LINE_BYTES_MAX, fen, milli},
        statement::{Row, RowError, What},
    },
    types::{Currency, Money},
};

/// The published columns; those nobody names are `x`.
const HEADER: &str = "交易时间,公众账号ID,x,x,商户号,x,平台订单号,第三方订单号,商户订单号,用户标识,交易类型,交易状态,\
                      付款银行,货币种类,总金额,优惠金额,平台退款单号,商户退款单号,退款金额,退款优惠金额,退款类型,\
                      退款状态,商品名称,商户数据包,手续费,费率";
const SUM_LINES: &str = "总交易单数,总交易额,总退款金额,总退款优惠金额,总手续费金额,总实收金额\n\
                         `2,`15.00,`3.00,`0.00,`0.07,`11.93\n";

fn settings() -> SwiftpassSettings {
    toml::from_str(
        "base_url = \"https://a/b\"\nmch_id = \"7551000001\"\nnotify_url = \"https://a/c\"",
    )
    .unwrap()
}

/// A line of the columns above: number, state, total, refund number, refund, refund state, goods, fee.
fn line(of: [&str; 8]) -> String {
    let [no, state, total, refund_no, refund, refund_state, goods, fee] = of;
    let values = [
        "2026-11-23 10:15:00",
        "wx1",
        "",
        "",
        "7551000001",
        "",
        "B9",
        "W9",
        no,
        "o1",
        "pay.weixin.micropay",
        state,
        "OTHERS",
        "CNY",
        total,
        "0.00",
        "",
        refund_no,
        refund,
        "0.00",
        "ORIGINAL",
        refund_state,
        goods,
        "",
        fee,
        "0.38%",
    ];
    values.map(|value| format!("`{value}")).join(",") + "\n"
}

fn read(text: &str) -> Vec<Result<Row, RowError>> {
    rows(&settings(), Box::new(text.as_bytes())).collect()
}

fn whole(lines: &[String]) -> Vec<Result<Row, RowError>> {
    read(&format!("\u{feff}{HEADER}\r\n{}{SUM_LINES}", lines.concat()))
}

fn row(what: What, minor: i64, refund_no: &str, fee_milli: Option<i64>) -> Row {
    Row {
        what,
        out_trade_no: "LS001".to_owned(),
        bank_no: "B9".to_owned(),
        refund_no: refund_no.to_owned(),
        amount: Money::new(minor, Currency::Cny),
        fee_milli,
        at: Some("2026-11-23T02:15:00Z".parse().unwrap()),
    }
}

#[test]
fn payments_and_refunds_are_read() {
    let paid = |fee| row(What::Paid, 1500, "", Some(fee));
    let back = |minor, no: &str, fee| row(What::Refunded, minor, no, fee);
    let rows: [([&str; 8], Vec<Row>); 8] = [
        (
            ["LS001", "SUCCESS", "15.00", "", "", "", "停车费 京A12345", "0.06000"],
            vec![paid(6_000)],
        ),
        (["LS001", "SUCCESS", "15.00", "", "0.00", "", "茶, 饭,酒", "0.05712"], vec![paid(5_712)]),
        (["LS001", "支付成功", "15", "", "0", "", "", "0.06"], vec![paid(6_000)]),
        (
            ["LS001", "REFUND", "0.00", "LS001R1", "3.00", "SUCCESS", "a", "-0.01000"],
            vec![back(300, "LS001R1", Some(-1_000))],
        ),
        (
            ["LS001", "SUCCESS", "15.00", "LS001R1", "3.00", "SUCCESS", "a", "0.06"],
            vec![paid(6_000), back(300, "LS001R1", None)],
        ),
        (["LS001", "SUCCESS", "15.00", "LS001R1", "3.00", "FAIL", "a", "0.06"], vec![paid(6_000)]),
        (["LS001", "REFUND", "0.00", "LS001R1", "3.00", "FAIL", "a", "0.00"], vec![]),
        (["LS001", "REVOKED", "15.00", "", "", "", "a", ""], vec![back(1500, "", None)]),
    ];
    for (values, expected) in rows {
        let expected: Vec<_> = expected.into_iter().map(Ok).collect();
        assert_eq!(whole(&[line(values)]), expected, "{values:?}");
    }
}

#[test]
fn columns_are_found_by_name() {
    let text = "商户订单号,备注,总金额,交易状态\n`LS001,`a,b,`15.00,`SUCCESS\n总交易单数\n`1\n";
    let mut settings = settings();
    settings.bill_service = "pay.bill.bigMerchant".to_owned();
    let rows: Vec<_> = rows(&settings, Box::new(text.as_bytes())).collect();
    let expected = Row { bank_no: String::new(), at: None, ..row(What::Paid, 1500, "", None) };
    assert_eq!(rows, [Ok(expected)]);
}

#[test]
fn a_bad_line_is_told_and_the_others_are_read() {
    let good = || line(["LS001", "SUCCESS", "15.00", "", "", "", "a", "0.06"]);
    let bad = [
        (line(["LS001", "WAITING", "15.00", "", "", "", "a", "0.06"]), "WAITING"),
        (line(["LS001", "SUCCESS", "15.001", "", "", "", "a", "0.06"]), "part of a fen"),
        (line(["LS001", "SUCCESS", "1e3", "", "", "", "a", "0.06"]), "1e3"),
        (line(["LS001", "SUCCESS", "0.00", "", "", "", "a", "0.06"]), "above zero"),
        (line(["LS001", "SUCCESS", "-1.00", "", "", "", "a", "0.06"]), "above zero"),
        (line(["", "SUCCESS", "15.00", "", "", "", "a", "0.06"]), "商户订单号"),
        (good().replace("7551000001", "9"), "merchant"),
        (good().replacen(",`", "", 1), "25 values under 26"),
        (good().replacen('`', "", 1), "backtick"),
    ];
    for (line, what) in bad {
        let mut told = whole(&[good(), line.clone(), good()]);
        assert_eq!(told.len(), 3, "{line}");
        let error = told.remove(1).unwrap_err();
        assert_eq!(error.line, 3);
        assert!(error.what.contains(what), "{error}");
        assert!(told.iter().all(Result::is_ok));
    }
}

#[test]
fn a_file_that_is_broken_off_or_none_is_told() {
    let good = line(["LS001", "SUCCESS", "15.00", "", "", "", "a", "0.06"]);
    let broken = read(&format!("{HEADER}\n{good}"));
    assert!(broken[0].is_ok() && broken[1].as_ref().unwrap_err().what.contains("sum"));
    for text in ["", "<html></html>", "交易时间,总金额\n`1,`2\n", &"x".repeat(LINE_BYTES_MAX + 9)]
    {
        let told = read(text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].is_err());
    }
    let gbk: &[u8] = b"\xbd\xbb\xd2\xd7\n";
    assert!(rows(&settings(), Box::new(gbk)).next().unwrap().is_err());
}

#[test]
fn a_word_about_a_statement_is_not_a_statement() {
    let folder = crate::bank::testing::Folder::new("swiftpass-bill");
    let file = folder.0.join("bill");
    let judged = |text: &str| {
        std::fs::write(&file, text).unwrap();
        accept(&file, text.len() as u64)
    };
    let sum = "总交易单数,总交易额,总退款金额,总退款优惠金额,总手续费金额,总实收金额\n`0,`0,`0,`0,`0,`0\n";
    assert!(judged(&format!("{HEADER}\n{sum}")).is_ok());
    for (text, why) in [
        ("No Bill Exist", "No Bill Exist"),
        ("", ""),
        (
            "<xml><status>400</status><message><![CDATA[Bill Creating]]></message></xml>",
            "Bill Creating",
        ),
    ] {
        let Err(StatementError::NotReady(told)) = judged(text) else { panic!("{text}") };
        assert_eq!(told, why);
    }
}

proptest! {
    #[test]
    fn reading_never_panics_and_ends(bytes in any::<Vec<u8>>(), text in "[`,\n.0-9A-Z]{0,200}") {
        let count = |bytes: &[u8]| rows(&settings(), Box::new(bytes)).take(1_000).count();
        prop_assert!(count(&bytes) < 1_000);
        let body = format!("{HEADER}\n{text}");
        prop_assert!(count(body.as_bytes()) < 1_000);
    }

    #[test]
    fn amounts_are_exact(minor in 0..999_999_999_999_i64, text in "\\PC{0,16}") {
        let yuan = format!("{}.{:02}", minor / 100, minor % 100);
        prop_assert_eq!(fen(&yuan), Ok(minor));
        prop_assert_eq!(milli(&format!("-{yuan}")), Ok(-minor * 1_000));
        let _ = milli(&text);
    }
}
