//! Rows of made-up layouts: none is published. Knows no wire.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn read(settings: &str, text: &[u8]) -> Vec<Result<Row, RowError>> {
    let settings: StatementSettings = toml::from_str(settings).unwrap();
    assert_eq!(settings.wrong(), None);
    rows(settings, Box::new(Cursor::new(text.to_vec()))).collect()
}

const PLAIN: &str = r#"
separator = "|"
end_words = ["合计"]
columns = { out_trade_no = "商户订单号", amount = "金额", bank_no = "订单号", refund_no = "退款号", fee = "手续费", time = "时间" }
"#;

#[test]
fn rows_are_read_by_the_names_in_the_header() {
    let text = "\u{feff}商户：某停车场\n\
        时间|商户订单号|订单号|金额|退款号|手续费\r\n\
        2026-11-24 00:05:10|`P1|B1|12.50||0.04750\n\
        \n\
        2026-11-24 00:06:10|P2|B2|-3|R1|-0.01\n\
        later|P3||0.10||\n\
        合计|2|||9.50|\n\
        nonsense\n";
    let rows = read(PLAIN, text.as_bytes());
    let cny = |minor| Money::new(minor, Currency::Cny);
    let expected = [
        Ok(Row {
            what: What::Paid,
            out_trade_no: "P1".to_owned(),
            bank_no: "B1".to_owned(),
            refund_no: String::new(),
            amount: cny(1250),
            fee_milli: Some(4750),
            at: Some("2026-11-23T16:05:10Z".parse().unwrap()),
        }),
        Ok(Row {
            what: What::Refunded,
            out_trade_no: "P2".to_owned(),
            bank_no: "B2".to_owned(),
            refund_no: "R1".to_owned(),
            amount: cny(300),
            fee_milli: Some(-1000),
            at: Some("2026-11-23T16:06:10Z".parse().unwrap()),
        }),
        Ok(Row {
            what: What::Paid,
            out_trade_no: "P3".to_owned(),
            bank_no: String::new(),
            refund_no: String::new(),
            amount: cny(10),
            fee_milli: None,
            at: None,
        }),
    ];
    assert_eq!(rows, expected);
}

#[test]
fn gbk_quotes_fen_and_words_are_read() {
    let settings = r#"
    encoding = "gbk"
    unit = "fen"
    paid_words = ["消费"]
    refunded_words = ["退货"]
    columns = { out_trade_no = "号码", amount = "交易额", refund_amount = "退货额", kind = "类型", refund_no = "退货号" }
    "#;
    let text = "号码,类型,商品,交易额,退货额,退货号\n\
        P1,消费,\"停车, 一小时\",1250,0,\n\
        P1,退货,\"停车\",1250,300,R1\n\
        P1,撤销,x,1250,0,\n";
    let rows = read(settings, &encoding_rs::GBK.encode(text).0);
    let short = |row: &Result<Row, RowError>| match row {
        Ok(row) => format!("{:?} {} {}", row.what, row.amount.minor, row.refund_no),
        Err(e) => e.line.to_string(),
    };
    assert_eq!(rows.iter().map(short).collect::<Vec<_>>(), ["Paid 1250 ", "Refunded 300 R1", "4"]);
}

#[test]
fn one_bad_row_does_not_hide_the_others() {
    let header = "时间|商户订单号|订单号|金额|退款号|手续费\n";
    for bad in [
        "t||B1|1.00||",
        "t|P1|B1|1.005||",
        "t|P1|B1|0||",
        "t|P1|B1|1e3||",
        "t|P1|B1|１||",
        "t|P1|B1|||",
        "t|P1|B1|1.00||free",
        "t|P1",
    ] {
        let rows = read(PLAIN, format!("{header}{bad}\nt|P2|B2|1.00||0\n").as_bytes());
        assert!(matches!(&rows[0], Err(RowError { line: 2, .. })), "{bad}: {rows:?}");
        assert!(matches!(&rows[1], Ok(row) if row.out_trade_no == "P2"), "{bad}: {rows:?}");
    }
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(b"t|\xff|B|1||\nt|P2|B2|1||0\n");
    let rows = read(PLAIN, &bytes);
    assert!(rows[0].is_err() && rows[1].is_ok(), "{rows:?}");
}

#[test]
fn a_statement_without_its_header_is_an_error_and_not_empty() {
    for text in ["", "a|b\n1|2\n", "商户订单号|金额\nP1|1.00\n"] {
        let rows = read(PLAIN, text.as_bytes());
        assert!(matches!(&rows[..], [Err(e)] if e.what.contains("header")), "{rows:?}");
    }
    let long = format!("{}\n", "x".repeat(70_000));
    let rows = read(PLAIN, long.as_bytes());
    assert!(matches!(&rows[..], [Err(e)] if e.what.contains("longer")), "{rows:?}");
}

#[test]
fn settings_that_cannot_be_read_by_are_refused() {
    for (settings, about) in [
        ("columns = {}", "out_trade_no"),
        (
            r#"separator = ""
            columns = { out_trade_no = "a", amount = "b" }"#,
            "separator",
        ),
        (r#"columns = { out_trade_no = "a", amount = "b", kind = "c" }"#, "paid_words"),
        (
            r#"columns = { out_trade_no = "a", amount = "b" }
            fetch = { url = "ftp://x", out_vendor_id = "1" }"#,
            "fetch.url",
        ),
    ] {
        let settings: StatementSettings = toml::from_str(settings).unwrap();
        assert!(settings.wrong().unwrap().contains(about), "{about}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        let _ = read(PLAIN, &bytes);
        let header = "时间|商户订单号|订单号|金额|退款号|手续费\n";
        let _ = read(PLAIN, format!("{header}{text}\n{text}|{text}|{text}|{text}|{text}|{text}").as_bytes());
    }

    #[test]
    fn amounts_are_whole_and_exact(fen in 0..1_000_000_000_000_i64) {
        let yuan = format!("{}.{:02}", fen / 100, fen % 100);
        prop_assert_eq!(milli(&yuan, Unit::Yuan), Ok(fen * 1000));
        prop_assert_eq!(milli(&fen.to_string(), Unit::Fen), Ok(fen * 1000));
        prop_assert_eq!(milli(&format!("-{yuan}000"), Unit::Yuan), Ok(-fen * 1000));
    }
}
