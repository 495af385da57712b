//! Messages about agreements: that one was signed, changed or ended. Their format is published nowhere, so nothing in them
//! is believed but that they came: the bank is asked how the agreement stands. Knows no signatures.

use serde_json::Value;

use super::settings::IcbcSettings;
use crate::{bank::About, types::Plate};

/// Names deeper than this are left out of the shape.
const DEEP_MAX: usize = 3;
const SHAPE_MAX: usize = 400;

/// `None`: it speaks of a payment, or this site binds nothing and wants to hear of no agreement.
pub(super) fn read(settings: &IcbcSettings, content: &str) -> Option<(String, About)> {
    let plates = settings.plate.as_ref().filter(|plates| plates.agreement_notices)?;
    let message: Value = serde_json::from_str(content).ok()?;
    let fields = message.as_object()?;
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // Whatever names a payment is of it.
    if text("out_trade_no").is_some() || text("pay_status").is_some() {
        return None;
    }
    let first = |names: &[String]| names.iter().find_map(|name| text(name));
    let plate = first(&plates.agreement_plate_fields);
    let plate = plate.and_then(|plate| Plate::parse(&plate).ok());
    let number = first(&plates.agreement_number_fields);
    let msg_id = text("msg_id").unwrap_or_default();
    Some((msg_id, About::Agreement { plate, number, shape: shape(&message) }))
}

/// The names in a message, sorted, without a single value.
fn shape(message: &Value) -> String {
    let mut shape = String::new();
    names(message, 0, &mut shape);
    shape.chars().take(SHAPE_MAX).collect()
}

fn names(value: &Value, deep: usize, shape: &mut String) {
    match value {
        Value::Object(fields) if deep < DEEP_MAX => {
            shape.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                let joint = if at == 0 { "" } else { "," };
                // A name that is none may be a value in a name's place.
                let is_name = name.len() <= 40
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && !name.bytes().all(|b| b.is_ascii_digit());
                shape.push_str(joint);
                shape.push_str(if is_name { name } else { "?" });
                names(value, deep + 1, shape);
            }
            shape.push('}');
        }
        Value::Array(items) => {
            shape.push('[');
            items.first().into_iter().for_each(|item| names(item, deep + 1, shape));
            shape.push(']');
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::icbc::family;

    fn settings(plate: &str) -> IcbcSettings {
        let text = format!(
            r#"
            base_url = "https://gw.example"
            app_id = "1"
            mer_id = "020002040095"
            store_code = "02000015087"
            private_key_file = "key"
            notify_url = "https://site.example//notify"
            {plate}
            "#
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_message_of_an_agreement_is_known_by_what_it_lacks() {
        let settings = settings("plate = {}");
        let signed = r#"{"msg_id":"M1","plateno":"京A12345","status":"1","more":[{"mobile":"13800000000"}],"京A12345":{"a":1}}"#;
        let (msg_id, about) = read(&settings, signed).unwrap();
        let About::Agreement { plate, number, shape } = about else { panic!("{about:?}") };
        assert_eq!((msg_id.as_str(), number), ("M1", None));
        assert_eq!(plate.unwrap().full(), "京A12345");
        assert_eq!(shape, "{more[{mobile}],msg_id,plateno,status,?{a}}");
        let by_number = r#"{"external_agreement_no":"PF01","agreement_no":"77"}"#;
        let (_, about) = read(&settings, by_number).unwrap();
        assert!(
            matches!(&about, About::Agreement { number: Some(n), .. } if n == "PF01"),
            "{about:?}"
        );
        for of_a_payment in [
            r#"{"msg_id":"M1","out_trade_no":"P1","return_code":"0"}"#,
            r#"{"msg_id":"M1","pay_status":"0"}"#,
            "[]",
            "x",
        ] {
            assert_eq!(read(&settings, of_a_payment), None, "{of_a_payment}");
        }
    }

    #[test]
    fn a_site_that_binds_nothing_takes_none() {
        let message = r#"{"msg_id":"M1","plateno":"京A12345"}"#;
        for plate in ["", "plate = { agreement_notices = false }"] {
            assert!(family::notified(&settings(plate), "", message).is_err(), "{plate:?}");
        }
        assert!(family::notified(&settings("plate = {}"), "", message).is_ok());
    }
}
