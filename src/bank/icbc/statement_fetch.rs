//! Fetches the bank's file of a settlement day into a file of ours. Reads none of its rows.
//!
//! ```text
//!   token   signed call at the gateway --> token
//!   file    form with the token at the reconciliation host --> the file, written piece by piece
//! ```
//!
//! The token's fields are not published, so each of them is a setting.

use std::{collections::BTreeMap, io::Read, path::Path, time::Duration};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Icbc, Trouble};
use crate::bank::statement::StatementError;

/// `[bank.icbc.statement.fetch]`. All of it is *unverified* but the names of the form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchSettings {
    /// Such as `https://mbiz.cf.icbc.com.cn/jftvendor/jftFileDownload/download`.
    pub url: String,
    /// `outVendorId`: the merchant's number there.
    pub out_vendor_id: String,
    /// Call that gives the token. Default `/api/jft/api/vacct/token/get/V1`.
    #[serde(default = "default_token_path")]
    pub token_path: String,
    /// Field of its answer that holds the token. Default `token`.
    #[serde(default = "default_token_field")]
    pub token_field: String,
    /// `return_code` of its success. Default `0`.
    #[serde(default = "default_token_code")]
    pub token_code: String,
    /// More fields of the token's call. Default: none.
    #[serde(default)]
    pub token_fields: BTreeMap<String, String>,
    /// How `acDate` is written. Default `%Y%m%d`.
    #[serde(default = "default_date_format")]
    pub date_format: String,
    /// Seconds the whole file may take. Default 600.
    #[serde(default = "default_within_s")]
    pub within_s: u64,
    /// A larger file is refused, in bytes. Default 2 GiB: some ten million rows.
    #[serde(default = "default_bytes_max")]
    pub bytes_max: u64,
}

fn default_token_path() -> String {
    "/api/jft/api/vacct/token/get/V1".to_owned()
}
fn default_token_field() -> String {
    "token".to_owned()
}
fn default_token_code() -> String {
    "0".to_owned()
}
fn default_date_format() -> String {
    "%Y%m%d".to_owned()
}
fn default_within_s() -> u64 {
    600
}
fn default_bytes_max() -> u64 {
    2 << 30
}

impl Icbc {
    /// See [`crate::bank::Channel::statement`].
    pub(super) async fn fetch_statement(
        &self,
        day: Date,
        into: &Path,
    ) -> Result<(), StatementError> {
        let fetch = self.settings.statement.as_ref().and_then(|settings| settings.fetch.as_ref());
        let fetch = fetch.ok_or(StatementError::NotOffered)?;
        let token = self.token(fetch).await?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("outVendorId", &fetch.out_vendor_id)
            .append_pair("randomValue", &self.settings.app_id)
            .append_pair("token", &token)
            .append_pair("acDate", &day.strftime(&fetch.date_format).to_string())
            .finish();
        let within = Duration::from_secs(fetch.within_s);
        let sent =
            self.transport.post_form_into(&fetch.url, form, within, fetch.bytes_max, into).await;
        let failed = |e: &dyn std::fmt::Display| StatementError::Failed(e.to_string());
        sent.map_err(|e| failed(&e))?;
        let mut head = [0; 200];
        let read = std::fs::File::open(into).and_then(|mut file| file.read(&mut head));
        let head = String::from_utf8_lossy(&head[..read.map_err(|e| failed(&e))?]);
        match head.trim_start().chars().next() {
            None => Err(StatementError::NotReady("an empty file".to_owned())),
            // A refusal comes as JSON or a page in the file's place.
            Some('{' | '<') => Err(StatementError::NotReady(head.into_owned())),
            Some(_) => Ok(()),
        }
    }

    async fn token(&self, fetch: &FetchSettings) -> Result<String, StatementError> {
        let failed = |why: String| StatementError::Failed(format!("no token: {why}"));
        let mut biz = json!({"appId": self.settings.app_id, "outVendorId": fetch.out_vendor_id});
        for (name, value) in &fetch.token_fields {
            biz[name] = value.as_str().into();
        }
        let said = self.call(&fetch.token_path, &biz.to_string()).await.map_err(|e| match e {
            Trouble::NotSent => failed("cannot sign".to_owned()),
            Trouble::Unheard(why) => failed(why),
        })?;
        let said: Value = serde_json::from_str(&said).map_err(|e| failed(e.to_string()))?;
        let code = match &said["return_code"] {
            Value::String(code) => code.clone(),
            other => other.to_string(),
        };
        if code != fetch.token_code {
            return Err(failed(format!("return_code {code}: {}", said["return_msg"])));
        }
        let token = said[&fetch.token_field].as_str().filter(|token| !token.is_empty());
        token.map(str::to_owned).ok_or_else(|| failed(format!("no field {}", fetch.token_field)))
    }
}
