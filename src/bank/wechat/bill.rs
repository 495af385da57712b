//! WeChat's statements: where one is fetched from, whether it is whole, and what its columns are called. Knows no ledger.
//!
//! The text is published; the calls that lead to it are *unverified*, so they are made only where the settings name their
//! path. What a person downloads from the merchant's portal is read in any case.

use std::{fs::File, io::Read, path::Path, time::Duration};

use jiff::{civil::Date, tz};
use serde::Deserialize;
use sha1::{Digest, Sha1};

use super::{Trouble, Wechat, parking::get, settings::WechatSettings};
use crate::bank::{
    backtick::{self, Lines, Names, Reading},
    statement::{StatementError, Text},
};

const NAMES: Names =
    Names { total: "订单金额", bank_no: "微信订单号", sub_merchant: "特约商户号" };

/// Reads a statement one line at a time.
pub(super) fn rows<'a>(settings: &WechatSettings, text: Text<'a>) -> Lines<'a> {
    let merchant = settings.sub_mchid.as_ref().unwrap_or(&settings.mchid);
    let reading = Reading {
        names: &NAMES,
        mch_id: Some(merchant.clone()),
        paid_states: settings.bill_paid_states.clone(),
        refund_states: settings.bill_refund_states.clone(),
        failed_states: settings.bill_refund_failed_states.clone(),
        zone: tz::offset(8),
    };
    backtick::rows(reading, text)
}

/// Where the file lies, and what it hashes to.
#[derive(Deserialize)]
struct Lies {
    download_url: String,
    #[serde(default)]
    hash_type: String,
    #[serde(default)]
    hash_value: String,
}

/// Fetches the statement of a day: first beside `into`, so that a broken download leaves nothing under its name.
pub(super) async fn fetch(channel: &Wechat, day: Date, into: &Path) -> Result<(), StatementError> {
    let settings = &channel.settings;
    let path = settings.bill_path.as_deref().ok_or(StatementError::NotOffered)?;
    let lies = asked(channel, path, day).await?;
    let mut part = into.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let disk = |e: std::io::Error| StatementError::Failed(format!("{}: {e}", into.display()));
    let kept = match download(channel, &lies.download_url, part).await {
        Ok(()) => is_whole(part, &lies).and_then(|()| std::fs::rename(part, into).map_err(disk)),
        Err(e) => Err(e),
    };
    if kept.is_err() {
        let _ = std::fs::remove_file(part);
    }
    kept
}

async fn asked(channel: &Wechat, path: &str, day: Date) -> Result<Lies, StatementError> {
    let sub = channel.settings.sub_mchid.as_ref();
    let sub = sub.map(|sub| format!("&sub_mchid={sub}")).unwrap_or_default();
    let path = format!("{path}?bill_date={day}&bill_type=ALL{sub}");
    match channel.call(get(path)).await {
        Ok((200, body)) => serde_json::from_str(&body)
            .map_err(|e| StatementError::Failed(format!("the answer names no file: {e}"))),
        // 400 with NO_STATEMENT_EXIST, or not made yet.
        Ok((status, body)) => {
            let told: String = body.chars().take(200).collect();
            Err(StatementError::NotReady(format!("HTTP {status}: {told}")))
        }
        Err(Trouble::NotSent) => Err(StatementError::Failed("cannot sign".to_owned())),
        Err(Trouble::Unheard(why)) => Err(StatementError::Failed(why)),
    }
}

/// The file's own address is signed as every call is; the file itself carries no signature but its hash.
async fn download(channel: &Wechat, url: &str, into: &Path) -> Result<(), StatementError> {
    let failed = |why: &str| StatementError::Failed(why.to_owned());
    let settings = &channel.settings;
    // Nothing is signed for another host.
    let base = settings.base_url.trim_end_matches('/');
    let path = url.strip_prefix(base).filter(|path| path.starts_with('/'));
    let path = path.ok_or_else(|| failed("the file lies at another address than base_url"))?;
    let path = format!("{}{path}", channel.base_path);
    let header = channel.authorization("GET", &path, "").ok_or_else(|| failed("cannot sign"))?;
    let headers = [("authorization", header.as_str()), ("user-agent", "paifang")];
    let within = Duration::from_secs(settings.bill_timeout_s);
    let bytes_max = settings.bill_mib_max.saturating_mul(1024 * 1024);
    let got = channel.transport.get_into(url, &headers, within, bytes_max, into).await;
    got.map(drop).map_err(|e| StatementError::Failed(e.to_string()))
}

fn is_whole(file: &Path, lies: &Lies) -> Result<(), StatementError> {
    if !lies.hash_type.eq_ignore_ascii_case("SHA1") {
        return Err(StatementError::Failed(format!("its hash is {:?}, not SHA1", lies.hash_type)));
    }
    let disk = |e: std::io::Error| StatementError::Failed(format!("{}: {e}", file.display()));
    let (mut file, mut hash, mut piece) =
        (File::open(file).map_err(disk)?, Sha1::new(), [0; 8_192]);
    loop {
        let count = file.read(&mut piece).map_err(disk)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if hex.eq_ignore_ascii_case(&lies.hash_value) {
        Ok(())
    } else {
        Err(StatementError::Failed("the file is not what its hash says".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        bank::statement::What,
        types::{Currency, Money},
    };

    use super::*;

    const HEADER: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
        付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
        商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";

    fn settings() -> WechatSettings {
        let text = r#"
            mchid = "1900000001"
            sub_mchid = "1900000109"
            appid = "wx1"
            serial_no = "3A"
            private_key_file = "key"
            platform_keys = {}
            apiv3_key_file = "secret"
            notify_url = "https://park.example/bank/wechat"
            parking_name = "P"
        "#;
        toml::from_str(text).unwrap()
    }

    fn line(no: &str, state: &str, refund: (&str, &str, &str)) -> String {
        let (refund_no, amount, standing) = refund;
        let values = [
            "2026-11-23 10:15:00",
            "wx1",
            "1900000001",
            "1900000109",
            "",
            "42000",
            no,
            "o1",
            "PARKING",
            state,
            "OTHERS",
            "CNY",
            "12.50",
            "0.00",
            "0",
            refund_no,
            amount,
            "0.00",
            "",
            standing,
            "停车费, 一楼",
            "",
            "0.07500",
            "0.60%",
            "12.50",
            "0.00",
            "",
        ];
        format!("`{}\n", values.join(",`"))
    }

    #[test]
    fn rows_are_read_by_the_published_names() {
        let text = [
            format!("{HEADER}\r\n"),
            line("SIM1", "SUCCESS", ("0", "0.00", "")),
            line("SIM1", "REFUND", ("R1", "2.50", "SUCCESS")),
            line("SIM2", "REVOKED", ("", "0.00", "")),
            line("SIM3", "REFUND", ("R3", "1.00", "FAIL")),
            line("SIM4", "ODD", ("0", "0.00", "")),
            "总交易单数,应结订单总金额\n`5,`12.50\n".to_owned(),
        ]
        .concat();
        let rows: Vec<_> = rows(&settings(), Box::new(text.as_bytes())).collect();
        let good: Vec<_> = rows
            .iter()
            .flatten()
            .map(|row| (row.what, row.out_trade_no.as_str(), row.refund_no.as_str(), row.amount))
            .collect();
        let cny = |minor| Money::new(minor, Currency::Cny);
        let expected = [
            (What::Paid, "SIM1", "", cny(1_250)),
            (What::Refunded, "SIM1", "R1", cny(250)),
            (What::Refunded, "SIM2", "", cny(1_250)),
        ];
        assert_eq!(good, expected);
        let first = rows[0].as_ref().unwrap();
        assert_eq!((first.bank_no.as_str(), first.fee_milli), ("42000", Some(7_500)));
        assert_eq!(first.at, Some("2026-11-23T02:15:00Z".parse().unwrap()));
        let wrong = rows.iter().find_map(|row| row.as_ref().err()).unwrap();
        assert!(wrong.line == 6 && wrong.what.contains("ODD"), "{wrong:?}");
        // Broken off before its sum, and of somebody else.
        let cut = format!("{HEADER}\n{}", line("SIM1", "SUCCESS", ("0", "0.00", "")));
        let told: Vec<_> = super::rows(&settings(), Box::new(cut.as_bytes())).collect();
        assert!(told[0].is_ok() && told[1].is_err());
        let other = cut.replace("1900000109", "1").replace("1900000001", "2");
        assert!(super::rows(&settings(), Box::new(other.as_bytes())).next().unwrap().is_err());
    }
}
