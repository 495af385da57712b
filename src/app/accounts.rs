//! Who may sign in to the broker, and which topics are theirs. Knows no broker.

use super::field::Cameras;
use crate::{config::Site, io::broker::Account};

/// Who may listen to the counts of zones, and nothing else.
const GUIDANCE: &str = "guidance";

/// The daemon's account, that of guidance systems where the secrets file names one, and one for each serial number on MQTT that has a password.
///
/// A device reaches the topics of its own serial number only, and of those for commands it may only listen.
pub fn accounts(site: &Site, cameras: &Cameras, daemon_password: &str) -> Vec<Account> {
    let mut accounts =
        vec![Account::daemon(&site.mqtt.username, daemon_password, &cameras.filters())];
    for device in site.devices.values() {
        let password = site.mqtt.secrets.mqtt(device.id.as_str());
        let rules = device.sn.as_ref().and_then(|sn| cameras.topic_rules(sn));
        if let (Some(password), Some((publish, subscribe))) = (password, rules) {
            accounts.push(Account::device(device.id.as_str(), password, publish, subscribe));
        }
    }
    if let Some(password) = site.mqtt.secrets.mqtt(GUIDANCE) {
        let zones = vec!["paifang/zones/#".to_owned()];
        accounts.push(Account::device(GUIDANCE, password, Vec::new(), zones));
    }
    accounts
}
