//! Prices and products read anew while the site runs: checked as a whole, on record, held from the next batch on. Knows
//! no price; a file with a mistake changes nothing.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::Mutex;
use tracing::{info, warn};

use super::{App, Busy};
use crate::{
    config::{self, ConfigError, Mistake},
    core::{
        Input, Rules, State,
        rules::Zones,
        tariff::{Benefit, TariffBook},
    },
};

/// The rules that hold, for all who look at them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RulesNow(Arc<RwLock<Arc<Rules>>>);

impl RulesNow {
    pub fn new(rules: Arc<Rules>) -> Self {
        Self(Arc::new(RwLock::new(rules)))
    }

    pub fn get(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, rules: Arc<Rules>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

/// New rules on their way to the writer, with what goes on record of them.
pub(crate) struct NewRules {
    pub(crate) rules: Arc<Rules>,
    pub(crate) record: Input,
    pub(crate) then: Box<dyn FnOnce() + Send>,
}

/// Why the rules stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("the daemon has more to do than it can take; the rules stay as they are, try again")]
    Busy(#[from] Busy),
}

/// Reads the site's files again. One at a time.
#[derive(Clone, Debug)]
pub struct Reloader {
    app: App,
    file: PathBuf,
    rules: RulesNow,
    one: Arc<Mutex<()>>,
}

impl Reloader {
    pub fn new(app: App, file: PathBuf, rules: RulesNow) -> Self {
        Self { app, file, rules, one: Arc::default() }
    }

    /// The site file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What the files say from now on; the digest of them all.
    pub async fn reload(&self, who: &str, reason: &str) -> Result<String, ReloadError> {
        let _one = self.one.lock().await;
        let told = self.read_and_swap(who, reason).await;
        match &told {
            Ok(digest) => info!(who, digest, "new prices and products hold from now on"),
            Err(refused) => warn!(who, %refused, "the rules stay as they are"),
        }
        told
    }

    async fn read_and_swap(&self, who: &str, reason: &str) -> Result<String, ReloadError> {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || config::load(&file)).await;
        let site = read.map_err(|_| Busy::Stopped)??;
        let old = self.rules.get();
        let mut mistakes = misfits(&old, &site.rules);
        let book = site.rules.tariffs.clone();
        mistakes.extend(self.app.read(move |state| still_named(state, &book)).await?);
        if !mistakes.is_empty() {
            return Err(ConfigError::Mistakes { path: self.file.clone(), mistakes }.into());
        }
        let rules = Arc::new(merged(&old, site.rules));
        let digest = site.digest.clone();
        let record = Input::RulesRead {
            who: who.to_owned(),
            digest: digest.clone(),
            reason: reason.to_owned(),
        };
        let (cell, fresh) = (self.rules.clone(), Arc::clone(&rules));
        self.app.take_rules(rules, record, Box::new(move || cell.put(fresh))).await?;
        Ok(digest)
    }
}

/// What can change while the site runs; the rest of the file holds from the next start on.
fn merged(old: &Rules, new: Rules) -> Rules {
    let mut shop = new.shop;
    shop.codes.clone_from(&old.shop.codes);
    Rules {
        tariffs: new.tariffs,
        tariff: new.tariff,
        zones: new.zones,
        passes: new.passes,
        shop,
        ..old.clone()
    }
}

/// What cannot change under vehicles and tickets that are there already.
fn misfits(old: &Rules, new: &Rules) -> Vec<Mistake> {
    let wrong = |field: &str, what: &str| Mistake {
        file: None,
        line: 1,
        field: field.to_owned(),
        what: format!("{what}: that takes a new start of the daemon"),
    };
    let shape = |zones: &Zones| -> Vec<_> {
        let one = |(id, rules): (&crate::types::ZoneId, &crate::core::rules::ZoneRules)| {
            (id.clone(), rules.parent.clone(), rules.capacity)
        };
        zones.iter().map(one).collect()
    };
    let mut mistakes = Vec::new();
    if old.currency != new.currency {
        mistakes.push(wrong("site.currency", "is another than before"));
    }
    if old.zone != new.zone {
        mistakes.push(wrong("site.zone", "is another than before"));
    }
    if shape(&old.zones) != shape(&new.zones) {
        mistakes.push(wrong("zone", "zones were added, taken away or changed their size"));
    }
    mistakes
}

/// Tariffs that a visitor's place or a merchant's discount names, and that are not there any more.
fn still_named(state: &State, book: &TariffBook) -> Vec<Mistake> {
    let mut named = BTreeSet::new();
    named.extend(state.reservations.values().filter_map(|kept| kept.tariff.clone()));
    let offers = state.merchants.values().flat_map(|merchant| &merchant.offers);
    let given = state.validations.values().map(|validation| &validation.benefit);
    for benefit in offers.map(|offer| &offer.benefit).chain(given) {
        if let Benefit::OtherTariff { name } = benefit {
            named.insert(name.to_string());
        }
    }
    let gone = named.into_iter().filter(|name| book.versions(name).is_empty());
    gone.map(|name| Mistake {
        file: None,
        line: 1,
        field: "tariffs".into(),
        what: format!("\"{name}\" is gone, and a reservation or a merchant's offer names it"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(text: &str) -> Rules {
        let head = "[site]\nname = \"t\"\nzone = \"Asia/Shanghai\"\ndata_dir = \"d\"\n";
        config::parse(&format!("{head}{text}"), Path::new("/nonexistent")).unwrap().rules
    }

    #[test]
    fn prices_change_and_what_the_site_is_made_of_does_not() {
        let price = |minor| {
            format!("[tariff]\nfree_minutes = 0\nhour_minor = {minor}\nday_cap_minor = 9000\n")
        };
        let zone = |spaces| format!("[[zone]]\nid = \"lot\"\ncapacity = {spaces}\n");
        let old = site(&format!("{}{}", price(500), zone(10)));
        for (text, fields) in [
            (format!("{}{}", price(800), zone(10)), vec![]),
            (format!("{}{}", price(800), zone(11)), vec!["zone"]),
            (price(800), vec!["zone"]),
        ] {
            let told = misfits(&old, &site(&text));
            let told: Vec<&str> = told.iter().map(|mistake| mistake.field.as_str()).collect();
            assert_eq!(told, fields, "{text}");
        }
        let new = merged(&old, site(&format!("{}{}", price(800), zone(10))));
        let (from, to) = ("2026-11-23T00:00:00Z", "2026-11-23T01:00:00Z");
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        assert_eq!(
            (old.quote(from, to).amount.minor, new.quote(from, to).amount.minor),
            (500, 800)
        );
    }
}
