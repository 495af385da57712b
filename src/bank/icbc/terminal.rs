//! What the rules on acceptance terminals want told of the scanner that read a payer's code. Passes on what the site file
//! says and the scanner gave; computes no cipher.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{PayerCode, bank::Scanner};

/// The entry for every scanner that has none of its own.
const DEFAULT: &str = "default";

/// One terminal, with the names of the wire. What is not given is not sent. Either `location` or `device_ip` is wanted
/// by wallets that are reached through UnionPay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TerminalSettings {
    /// Latitude and longitude with their signs, such as `+37.12/-121.213`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Number of the network licence (入网认证编号), such as `P3100`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_license: Option<String>,
    /// Kind of device, two digits such as `01`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_type: Option<String>,
    /// Serial number of the terminal (TUSN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_num: Option<String>,
    /// Number that the bank gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_ip: Option<String>,
    /// Of its mobile network: country, network, SIM, then cells and their signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_country_cd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_net_num: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icc_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_cd1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_num1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_signal1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_cd2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_num2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_signal2: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_cd3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_num3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lbs_signal3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telecom_sys_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telecom_net_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telecom_lbs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub telecom_lbs_signal: Option<String>,
}

/// The object that goes along with a payment by a payer's code; `None` where the site file tells of no such terminal.
///
/// The random part of the cipher is by rule the last six digits of the code. The cipher itself is made inside a certified
/// terminal and only handed on.
pub(super) fn told(
    terminals: &BTreeMap<String, TerminalSettings>,
    scanner: Option<&Scanner>,
    code: &PayerCode,
) -> Option<Value> {
    let own = scanner.and_then(|scanner| terminals.get(&scanner.place));
    let terminal = own.or_else(|| terminals.get(DEFAULT))?;
    let mut told = serde_json::to_value(terminal).ok()?;
    if let Some(secret) = scanner.and_then(|scanner| scanner.secret_text.as_deref()) {
        told["encrypt_rand_num"] = code.last_six().into();
        told["secret_text"] = secret.into();
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_terminal_is_told_by_its_place_and_computes_nothing() {
        let terminals: BTreeMap<String, TerminalSettings> = toml::from_str(
            r#"
            default = { device_type = "01", device_ip = "10.0.0.2" }
            booth-1 = { location = "+37.12/-121.213", network_license = "P3100", serial_num = "T1" }
            "#,
        )
        .unwrap();
        let code = PayerCode::parse("6235124674559394540").unwrap();
        let told = |scanner: Option<Scanner>| told(&terminals, scanner.as_ref(), &code);
        assert_eq!(told(None), Some(json!({"device_ip": "10.0.0.2", "device_type": "01"})));
        let at = |place: &str, secret: Option<&str>| {
            Some(Scanner { place: place.to_owned(), secret_text: secret.map(str::to_owned) })
        };
        assert_eq!(told(at("gate-9", None)), told(None));
        let expected = json!({
            "location": "+37.12/-121.213", "network_license": "P3100", "serial_num": "T1",
            "encrypt_rand_num": "394540", "secret_text": "9F3A",
        });
        assert_eq!(told(at("booth-1", Some("9F3A"))), Some(expected));
        assert_eq!(super::told(&BTreeMap::new(), None, &code), None);
    }

    #[test]
    fn a_name_that_is_not_published_is_refused() {
        assert!(toml::from_str::<TerminalSettings>("secret_text = \"1\"").is_err());
    }
}
