//! The scenic cloud (景区云): a ticket sold there is checked before a gate and written off behind it
//! (`/api/ecsp/scenic/ticket/...`). Two pure mappings; knows no gate.
//!
//! The names of the fields are published; what their values mean is not. All of it is a setting.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{envelope::ZONE, fields::scalar, settings::IcbcSettings};
use crate::{
    bank::CloudShape,
    types::{CloudAsk, CloudNo, CloudSlip, CloudWord},
};

/// `[bank.icbc.scenic]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenicSettings {
    /// The scenic site's number at the cloud.
    pub corp_id: String,
    /// The gate or spot its tickets are checked for.
    pub spot_id: String,
    /// Which codes are the cloud's: they begin so ... Default: with anything.
    #[serde(default)]
    pub prefix: String,
    /// ... are so long, *unverified*. Default 12 to 40 characters.
    #[serde(default = "chars_min")]
    pub chars_min: usize,
    #[serde(default = "chars_max")]
    pub chars_max: usize,
    /// ... and have figures only behind the prefix, *unverified*. Default true.
    #[serde(default = "yes")]
    pub figures: bool,
    /// Milliseconds a visitor waits for the cloud's word, 100 to 5000. Default 800.
    #[serde(default = "patience_ms")]
    pub patience_ms: u32,
    /// While the cloud is silent, so many persons are let in unchecked and told to it later; 0: nobody is. Default 0.
    #[serde(default)]
    pub unchecked_max: u32,
    /// Version of both calls. Default `V1`.
    #[serde(default = "version")]
    pub version: String,
    /// `protocolType` of a check. Default `002`, from the bank's sample.
    #[serde(default = "protocol_type")]
    pub protocol_type: String,
    /// `otherData` of a check. Default: empty.
    #[serde(default)]
    pub other_data: String,
    /// `inOutDirect` of a write-off. Default `0`, from the bank's sample.
    #[serde(default = "zero")]
    pub in_out_direct: String,
    /// `enterType` and `ticketType` of a write-off where the check names none. Default `10` and `0`, from the sample.
    #[serde(default = "enter_type")]
    pub enter_type: String,
    #[serde(default = "zero")]
    pub ticket_type: String,
    /// `return_code`s of a check, *unverified*, by what the visitor is told. Default: none; every other code than 0 is a
    /// no in the cloud's own words.
    #[serde(default)]
    pub unknown_codes: Vec<String>,
    #[serde(default)]
    pub used_codes: Vec<String>,
    #[serde(default)]
    pub early_codes: Vec<String>,
    #[serde(default)]
    pub late_codes: Vec<String>,
    /// `return_code`s that say the cloud cannot answer now: as silence. Default: none.
    #[serde(default)]
    pub busy_codes: Vec<String>,
    /// `return_code`s of a write-off, *unverified*: it was written off by the same number before. Default: none.
    #[serde(default)]
    pub done_codes: Vec<String>,
    /// `return_code`s of a write-off, *unverified*, by which it never will be. Default: none; every other is asked again.
    #[serde(default)]
    pub refused_codes: Vec<String>,
}

fn chars_min() -> usize {
    12
}
fn chars_max() -> usize {
    40
}
fn yes() -> bool {
    true
}
fn patience_ms() -> u32 {
    800
}
fn version() -> String {
    "V1".to_owned()
}
fn protocol_type() -> String {
    "002".to_owned()
}
fn zero() -> String {
    "0".to_owned()
}
fn enter_type() -> String {
    "10".to_owned()
}

impl ScenicSettings {
    pub(super) fn wrong(&self) -> Option<&'static str> {
        match () {
            () if self.corp_id.is_empty() || self.spot_id.is_empty() => {
                Some("corp_id and spot_id must not be empty")
            }
            () if !(4..=self.chars_max).contains(&self.chars_min) || self.chars_max > 512 => {
                Some("chars_min must be 4 or more and chars_max no less and at most 512")
            }
            () if !(100..=5_000).contains(&self.patience_ms) => {
                Some("patience_ms must be 100 to 5000")
            }
            () if self.unchecked_max > 10_000 => Some("unchecked_max must be at most 10000"),
            () => None,
        }
    }

    pub(in crate::bank) fn shape(&self) -> CloudShape {
        CloudShape {
            prefix: self.prefix.clone(),
            chars: self.chars_min..=self.chars_max,
            figures: self.figures,
        }
    }
}

/// Path and business text of a question.
pub(super) fn call(
    settings: &IcbcSettings,
    now_ms: i64,
    ask: &CloudAsk,
) -> Result<(String, String), String> {
    let scenic = settings.scenic.as_ref().ok_or("this channel has no scenic cloud")?;
    let (name, biz) = match ask {
        CloudAsk::Check { trade_no, code } => (
            "check",
            json!({
                "corpId": scenic.corp_id, "spotId": scenic.spot_id, "timestamp": now_ms.to_string(),
                "cientTransNo": trade_no, "protocolType": scenic.protocol_type, "upData": code,
                "otherData": scenic.other_data,
            }),
        ),
        CloudAsk::WriteOff { trade_no, ticket_no, slip } => {
            let or = |said: &String, usual: &String| {
                if said.is_empty() { usual.clone() } else { said.clone() }
            };
            (
                "writeoff",
                json!({
                    "corpId": scenic.corp_id, "spotId": scenic.spot_id, "ticketNo": ticket_no,
                    "cientTransNo": trade_no, "inOutDirect": scenic.in_out_direct,
                    "enterType": or(&slip.enter_type, &scenic.enter_type),
                    "ticketType": or(&slip.ticket_type, &scenic.ticket_type), "idNo": "",
                }),
            )
        }
    };
    let path = format!("/api/ecsp/scenic/ticket/{name}/{}", scenic.version);
    Ok((path, biz.to_string()))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(deserialize_with = "scalar")]
    return_code: Option<String>,
    return_msg: Option<String>,
    #[serde(rename = "enterType", deserialize_with = "scalar")]
    enter_type: Option<String>,
    #[serde(rename = "ticketType", deserialize_with = "scalar")]
    ticket_type: Option<String>,
    #[serde(rename = "ticketNoList")]
    ticket_no_list: Option<Value>,
    #[serde(rename = "ticketList")]
    ticket_list: Vec<Sort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sort {
    #[serde(rename = "ticketNum", deserialize_with = "scalar")]
    ticket_num: Option<String>,
    #[serde(rename = "validDateBeg", deserialize_with = "scalar")]
    valid_date_beg: Option<String>,
    #[serde(rename = "validDateEnd", deserialize_with = "scalar")]
    valid_date_end: Option<String>,
}

/// Judges the verified business text of an answer.
pub(super) fn word(
    settings: &IcbcSettings,
    today: Date,
    ask: &CloudAsk,
    content: &str,
) -> CloudWord {
    let unknown = |why: String| CloudWord::Unknown { why };
    let Some(scenic) = &settings.scenic else { return unknown("no scenic cloud is set".into()) };
    let said: Said = match serde_json::from_str(content) {
        Ok(said) => said,
        Err(e) => return unknown(format!("the cloud's answer cannot be read: {e}")),
    };
    let Some(code) = said.return_code.clone() else {
        return unknown("the cloud's answer has no return_code".into());
    };
    let why = format!("{code} {}", said.return_msg.as_deref().unwrap_or_default());
    let is = |codes: &[String]| codes.contains(&code);
    match ask {
        _ if is(&scenic.busy_codes) => unknown(why),
        CloudAsk::Check { .. } if code == "0" => checked(&said, today),
        CloudAsk::Check { .. } => {
            let no = match () {
                () if is(&scenic.unknown_codes) => CloudNo::NotThere,
                () if is(&scenic.used_codes) => CloudNo::Used,
                () if is(&scenic.early_codes) => CloudNo::TooEarly,
                () if is(&scenic.late_codes) => CloudNo::TooLate,
                () => CloudNo::Other,
            };
            CloudWord::Refused { no, why }
        }
        CloudAsk::WriteOff { .. } if code == "0" || is(&scenic.done_codes) => CloudWord::WrittenOff,
        CloudAsk::WriteOff { .. } if is(&scenic.refused_codes) || is(&scenic.used_codes) => {
            CloudWord::Refused { no: CloudNo::Other, why }
        }
        CloudAsk::WriteOff { .. } => unknown(why),
    }
}

fn checked(said: &Said, today: Date) -> CloudWord {
    let ticket_nos = numbers(said.ticket_no_list.as_ref());
    if ticket_nos.is_empty() {
        return CloudWord::Unknown { why: "the cloud says yes and names no ticket".into() };
    }
    let date = |text: &Option<String>| text.as_deref().and_then(date);
    let begins = said.ticket_list.iter().filter_map(|sort| date(&sort.valid_date_beg)).max();
    let ends = said.ticket_list.iter().filter_map(|sort| date(&sort.valid_date_end)).min();
    match (begins, ends) {
        (Some(begin), _) if begin > today => {
            let why = format!("valid from {begin}");
            return CloudWord::Refused { no: CloudNo::TooEarly, why };
        }
        (_, Some(end)) if end < today => {
            let why = format!("valid until {end}");
            return CloudWord::Refused { no: CloudNo::TooLate, why };
        }
        _ => {}
    }
    let counted =
        said.ticket_list.iter().filter_map(|sort| sort.ticket_num.as_deref()?.parse::<u32>().ok());
    let persons = counted.sum::<u32>().max(1);
    let slip = CloudSlip {
        ticket_nos,
        enter_type: said.enter_type.clone().unwrap_or_default(),
        ticket_type: said.ticket_type.clone().unwrap_or_default(),
    };
    CloudWord::Good { slip, persons, until: ends }
}

/// A list, or a text with commas.
fn numbers(list: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let all: Vec<String> = match list {
        Some(Value::Array(list)) => list.iter().filter_map(text).collect(),
        Some(Value::String(list)) => list.split(',').map(|one| one.trim().to_owned()).collect(),
        _ => Vec::new(),
    };
    all.into_iter().filter(|one| !one.is_empty()).collect()
}

/// `20261124`, `2026-11-24`, and either with a time behind it.
fn date(text: &str) -> Option<Date> {
    let figures: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    Date::strptime("%Y%m%d", &figures).ok()
}

/// The cloud's day.
pub(super) fn today(now: jiff::Timestamp) -> Date {
    ZONE.to_datetime(now).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rest: &str) -> IcbcSettings {
        let text = format!(
            "base_url = \"http://127.0.0.1:1\"\napp_id = \"1\"\nmer_id = \"2\"\nstore_code = \"3\"\n\
             private_key_file = \"x\"\nnotify_url = \"http://x/y\"\n[scenic]\ncorp_id = \"0000000272\"\n\
             spot_id = \"7\"\n{rest}"
        );
        toml::from_str(&text).unwrap()
    }

    fn check() -> CloudAsk {
        CloudAsk::Check { trade_no: "PFT1".into(), code: "881234567890".into() }
    }

    fn write_off() -> CloudAsk {
        let slip = CloudSlip {
            ticket_nos: vec!["A".into()],
            enter_type: "11".into(),
            ticket_type: String::new(),
        };
        CloudAsk::WriteOff { trade_no: "PFT1".into(), ticket_no: "A".into(), slip }
    }

    #[test]
    fn the_calls_are_the_published_ones() {
        let settings = settings("");
        let (path, biz) = call(&settings, 1_795_500_000_000, &check()).unwrap();
        assert_eq!(path, "/api/ecsp/scenic/ticket/check/V1");
        let biz: Value = serde_json::from_str(&biz).unwrap();
        assert_eq!(biz["cientTransNo"], "PFT1");
        assert_eq!((&biz["upData"], &biz["protocolType"]), (&json!("881234567890"), &json!("002")));
        let (path, biz) = call(&settings, 0, &write_off()).unwrap();
        assert_eq!(path, "/api/ecsp/scenic/ticket/writeoff/V1");
        let biz: Value = serde_json::from_str(&biz).unwrap();
        assert_eq!((&biz["ticketNo"], &biz["inOutDirect"]), (&json!("A"), &json!("0")));
        assert_eq!(
            (&biz["enterType"], &biz["ticketType"]),
            (&json!("11"), &json!("0")),
            "as checked, or as set"
        );
        assert!(!format!("{:?}", check()).contains("8812"), "the code is in no log");
    }

    #[test]
    fn only_an_explicit_yes_lets_in_and_only_an_explicit_end_ends_a_write_off() {
        let settings = settings(
            "used_codes = [\"9\"]\nbusy_codes = [\"5\"]\ndone_codes = [\"8\"]\nrefused_codes = [\"7\"]",
        );
        let today = date("2026-11-24").unwrap();
        let on_check = |content: &str| word(&settings, today, &check(), content);
        let good = on_check(
            r#"{"return_code":0,"enterType":"11","ticketNoList":["A","B"],"ticketList":[{"ticketNum":2,"validDateEnd":"20261124"}]}"#,
        );
        let slip = CloudSlip {
            ticket_nos: vec!["A".into(), "B".into()],
            enter_type: "11".into(),
            ticket_type: String::new(),
        };
        assert_eq!(good, CloudWord::Good { slip, persons: 2, until: Some(today) });
        let is = |word: CloudWord| match word {
            CloudWord::Refused { no, .. } => Some(no),
            CloudWord::Unknown { .. } => None,
            other => panic!("{other:?}"),
        };
        for (content, no) in [
            (r#"{"return_code":"9"}"#, Some(CloudNo::Used)),
            (r#"{"return_code":"1","return_msg":"x"}"#, Some(CloudNo::Other)),
            (r#"{"return_code":"5"}"#, None),
            (r#"{"return_code":0}"#, None),
            (r#"{"return_code":0,"ticketNoList":[]}"#, None),
            ("{}", None),
            ("nonsense", None),
            (
                r#"{"return_code":0,"ticketNoList":"A","ticketList":[{"validDateEnd":"2026-11-23"}]}"#,
                Some(CloudNo::TooLate),
            ),
            (
                r#"{"return_code":0,"ticketNoList":"A","ticketList":[{"validDateBeg":"2026-11-25 00:00:00"}]}"#,
                Some(CloudNo::TooEarly),
            ),
        ] {
            assert_eq!(is(on_check(content)), no, "{content}");
        }
        let on_write_off = |content: &str| word(&settings, today, &write_off(), content);
        for done in [r#"{"return_code":0}"#, r#"{"return_code":"8"}"#] {
            assert_eq!(on_write_off(done), CloudWord::WrittenOff);
        }
        assert_eq!(is(on_write_off(r#"{"return_code":"7"}"#)), Some(CloudNo::Other));
        for pending in [r#"{"return_code":"5"}"#, r#"{"return_code":"1"}"#, "{}"] {
            assert_eq!(is(on_write_off(pending)), None, "{pending}");
        }
    }

    #[test]
    fn a_code_is_the_clouds_by_its_shape() {
        let shape = settings("prefix = \"88\"").scenic.unwrap().shape();
        assert!(shape.fits("881234567890"));
        for other in [
            "991234567890",
            "88123",
            "8812345678AB",
            "PT1",
            "88123456789012345678901234567890123456789",
        ] {
            assert!(!shape.fits(other), "{other}");
        }
    }
}
