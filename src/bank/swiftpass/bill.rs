//! The gateway's statements: fetched into a file, and what their columns are called. Knows no ledger.

use std::{io::Read, path::Path, time::Duration};

use jiff::civil::Date;

use super::{
    seal,
    settings::SwiftpassSettings,
    sign::Keys,
    trade::ZONE,
    xml::{self, Values},
};
use crate::bank::{
    backtick::{self, Lines, Names, Reading},
    settings::SettingsError,
    statement::{StatementError, Text},
    transport::Transport,
};

/// A body below this is a word about the statement, not the statement: its two headers alone are longer.
const BYTES_MIN: u64 = 100;

/// The way to the download host.
#[derive(Clone, Debug)]
pub(super) struct Download {
    url: String,
    transport: Transport,
}

impl Download {
    pub(super) fn open(settings: &SwiftpassSettings, url: &str) -> Result<Self, SettingsError> {
        let transport = Transport::open(&settings.transport(url)).map_err(|e| {
            let field = if e.field == "base_url" { "bill_url" } else { e.field };
            SettingsError::new(field, e.what)
        })?;
        Ok(Self { url: url.to_owned(), transport })
    }
}

/// Fetches the statement of a day: first beside `into`, so that a broken download leaves nothing under its name.
pub(super) async fn fetch(
    settings: &SwiftpassSettings,
    keys: &Keys,
    download: Option<&Download>,
    day: Date,
    into: &Path,
) -> Result<(), StatementError> {
    let download = download.ok_or(StatementError::NotOffered)?;
    let text = seal(keys, values(settings, day)).map_err(StatementError::Failed)?;
    let mut part = into.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let within = Duration::from_secs(settings.bill_timeout_s);
    let bytes_max = settings.bill_mib_max.saturating_mul(1024 * 1024);
    let got = download.transport.post_xml_into(&download.url, text, within, bytes_max, part).await;
    let kept = match got {
        Ok(bytes) => accept(part, bytes),
        Err(e) => Err(StatementError::Failed(e.to_string())),
    };
    let kept = kept.and_then(|()| {
        let disk = |e| StatementError::Failed(format!("{}: {e}", into.display()));
        std::fs::rename(part, into).map_err(disk)
    });
    if kept.is_err() {
        let _ = std::fs::remove_file(part);
    }
    kept
}

fn values(settings: &SwiftpassSettings, day: Date) -> Values {
    [
        ("service", settings.bill_service.as_str()),
        ("version", "1.0"),
        ("charset", "UTF-8"),
        ("sign_type", settings.sign_type.code()),
        ("mch_id", &settings.mch_id),
        ("bill_date", &day.strftime("%Y%m%d").to_string()),
        ("bill_type", "ALL"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Whether the file is a statement; a short text or an XML answer says why there is none.
fn accept(file: &Path, bytes: u64) -> Result<(), StatementError> {
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(4_096).read_to_end(&mut head));
    read.map_err(|e| StatementError::Failed(format!("{}: {e}", file.display())))?;
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_start_matches('\u{feff}').trim();
    if head.starts_with('<') {
        let said = xml::read(head).unwrap_or_default();
        let told = |name| said.get(name).map_or("", String::as_str);
        let why = format!("{} {} {}", told("message"), told("err_code"), told("err_msg"));
        return Err(StatementError::NotReady(why.trim().chars().take(200).collect()));
    }
    if bytes < BYTES_MIN {
        return Err(StatementError::NotReady(head.to_owned()));
    }
    Ok(())
}

const NAMES: Names =
    Names { total: "总金额", bank_no: "平台订单号", sub_merchant: "子商户号" };

/// Reads a statement one line at a time.
pub(super) fn rows<'a>(settings: &SwiftpassSettings, text: Text<'a>) -> Lines<'a> {
    let reading = Reading {
        names: &NAMES,
        // Statements of several merchants name others too.
        mch_id: (settings.bill_service == "pay.bill.merchant").then(|| settings.mch_id.clone()),
        paid_states: settings.bill_paid_states.clone(),
        refund_states: settings.bill_refund_states.clone(),
        failed_states: settings.refund_failed_states.clone(),
        zone: ZONE,
    };
    backtick::rows(reading, text)
}

#[cfg(test)]
#[path = "bill_tests.rs"]
mod tests;
