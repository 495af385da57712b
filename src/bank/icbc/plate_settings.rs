//! What the site file says of payments from what is bound to a plate. Holds no secret and asks nobody.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::settings::IcbcSettings;
use crate::types::{Plate, PlateColour};

/// Which product of the platform binds plates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlateProduct {
    /// 车牌付: the bank itself keeps which plate is bound.
    #[default]
    Licenseplate,
    /// 免密支付: bound under a number of ours, made of the plate.
    Passfree,
}

/// The family that is asked about and gives back an order paid by plate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlateOrders {
    #[default]
    None,
    Qrcode,
    Online,
}

/// What an answer without an error says about the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlateAnswer {
    #[default]
    Paid,
    Accepted,
}

/// What version 2 of the pass-free payment added; the last two came with version 3.
const PAY_FIELDS: [&str; 13] = [
    "channel_type",
    "cust_ip",
    "cust_mac",
    "device_id",
    "cpu_id",
    "memory_capacity",
    "system_version",
    "browser_version",
    "browser_lang",
    "screen_resolution",
    "factory_info",
    "partner_app_id",
    "merchant_info",
];
const V2_FIELDS: usize = 11;

/// `[bank.icbc.plate]`. Names of the wire are the platform's. No code of this family is published: those below marked
/// *unverified* follow what the bank's people say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlateSettings {
    /// Default `licenseplate`.
    pub product: PlateProduct,
    /// Default: `mer_id`.
    pub merchant_id: Option<String>,
    /// Account to which the money goes. Default: the one of the contract.
    pub merchant_acct: String,
    /// `merchant_type`, from the contract. Default empty.
    pub merchant_type: String,
    /// `consumer_id`, from the contract. Default empty.
    pub consumer_id: String,
    /// The bank's number of the region, such as `0200`.
    pub areacode: String,
    /// Version of the pass-free payment, 1 to 3, as the contract says. Default 1.
    pub pay_version: u8,
    /// What a pass-free payment of version 2 or 3 tells besides, by the platform's names, such as `channel_type` and
    /// `cust_ip`. Default: nothing.
    pub pay_fields: BTreeMap<String, String>,
    /// `pay_type` of a payment. Default `1`, as in the published sample.
    pub pay_type: String,
    /// `secorder_flag`. Default: not sent.
    pub secorder_flag: String,
    /// `mimsSend` of a question. Default: not sent.
    pub mims_send: String,
    /// `goods_id`. Default `parking`.
    pub goods_id: String,
    /// Seconds the bank may take over a payment. Default 900, as in the published sample.
    pub timeout_s: u32,
    /// Codes of plate colours, *unverified*. Default: blue 0, yellow 1, black 2, white 3, green 4, yellow_green 5.
    pub colours: BTreeMap<PlateColour, String>,
    /// `prtoex` of a bound plate, *unverified*. Default `["1"]`.
    pub bound_values: Vec<String>,
    /// `prtoex` of a plate that is not bound, *unverified*. Default `["0"]`.
    pub unbound_values: Vec<String>,
    /// `return_code`s that say nothing is bound, *unverified*. Default: none known.
    pub unbound_codes: Vec<String>,
    /// `return_code`s that say it may not be charged now, *unverified*. Default: none known.
    pub paused_codes: Vec<String>,
    /// What success of a payment means: `paid`, or `accepted` for collecting later. Default `paid`.
    pub answer: PlateAnswer,
    /// Who is asked about such an order and gives it back, *unverified*: `qrcode` or `online`. Default `none`.
    pub orders: PlateOrders,
    /// Whether a message that names no payment is taken for one about an agreement, *unverified*: it is acknowledged,
    /// its names are logged without their values, and the bank is asked how the agreement stands. Default true.
    pub agreement_notices: bool,
    /// Names in such a message that may hold the plate, *unverified*. Default `["plateno", "plateNo"]`.
    pub agreement_plate_fields: Vec<String>,
    /// Names that may hold our number of the agreement, *unverified*. Default `["external_agreement_no",
    /// "external_id"]`.
    pub agreement_number_fields: Vec<String>,
    /// Whether drivers may bind a plate from this site's pages. Default false.
    pub sign: bool,
    /// Version of the bank's signing page for `licenseplate`, 1 to 3. Default 3.
    pub sign_version: u8,
    /// Scheme and host of the signing page, where it is not `base_url`'s.
    pub sign_base_url: Option<String>,
    /// `support_card_type` of the pass-free signing page. Default empty: not sent.
    pub support_card_type: String,
    /// How long a pass-free agreement is wanted. Default `12m`, as in the published sample.
    pub sign_validity_period: String,
}

impl Default for PlateSettings {
    fn default() -> Self {
        let colours = [
            (PlateColour::Blue, "0"),
            (PlateColour::Yellow, "1"),
            (PlateColour::Black, "2"),
            (PlateColour::White, "3"),
            (PlateColour::Green, "4"),
            (PlateColour::YellowGreen, "5"),
        ];
        Self {
            product: PlateProduct::default(),
            merchant_id: None,
            merchant_acct: String::new(),
            merchant_type: String::new(),
            consumer_id: String::new(),
            areacode: String::new(),
            pay_version: 1,
            pay_fields: BTreeMap::new(),
            pay_type: "1".to_owned(),
            secorder_flag: String::new(),
            mims_send: String::new(),
            goods_id: "parking".to_owned(),
            timeout_s: 900,
            colours: colours.map(|(colour, code)| (colour, code.to_owned())).into(),
            bound_values: vec!["1".to_owned()],
            unbound_values: vec!["0".to_owned()],
            unbound_codes: Vec::new(),
            paused_codes: Vec::new(),
            answer: PlateAnswer::default(),
            orders: PlateOrders::default(),
            agreement_notices: true,
            agreement_plate_fields: ["plateno", "plateNo"].map(str::to_owned).into(),
            agreement_number_fields: ["external_agreement_no", "external_id"]
                .map(str::to_owned)
                .into(),
            sign: false,
            sign_version: 3,
            sign_base_url: None,
            support_card_type: String::new(),
            sign_validity_period: "12m".to_owned(),
        }
    }
}

impl PlateSettings {
    /// Why it cannot work so.
    pub(super) fn wrong(&self) -> Option<String> {
        let both = self.bound_values.iter().find(|value| self.unbound_values.contains(value));
        if let Some(value) = both {
            return Some(format!("{value:?} stands in bound_values and in unbound_values"));
        }
        if !(1..=3).contains(&self.sign_version) {
            return Some(format!(
                "sign_version {} is not published; take 1 to 3",
                self.sign_version
            ));
        }
        if !(1..=3).contains(&self.pay_version) {
            return Some(format!("pay_version {} is not published; take 1 to 3", self.pay_version));
        }
        let published = match self.pay_version {
            1 => &PAY_FIELDS[..0],
            2 => &PAY_FIELDS[..V2_FIELDS],
            _ => &PAY_FIELDS[..],
        };
        let odd = self.pay_fields.keys().find(|name| !published.contains(&name.as_str()));
        if let Some(name) = odd {
            let version = self.pay_version;
            return Some(format!("pay_fields: version {version} of the payment has no {name:?}"));
        }
        (self.timeout_s == 0).then(|| "timeout_s must be at least 1 second".to_owned())
    }

    pub(super) fn signs(&self) -> bool {
        self.sign
    }

    pub(super) fn merchant_id<'a>(&'a self, settings: &'a IcbcSettings) -> &'a str {
        self.merchant_id.as_deref().unwrap_or(&settings.mer_id)
    }

    /// The colour as a camera saw it; else by the length of the plate, which is longer for new energy.
    pub(super) fn colour(&self, plate: &Plate, seen: Option<PlateColour>) -> &str {
        let long = plate.full().chars().count() > 7;
        let usual = if long { PlateColour::Green } else { PlateColour::Blue };
        let code = seen.and_then(|colour| self.colours.get(&colour));
        code.or_else(|| self.colours.get(&usual)).map_or("", String::as_str)
    }
}
