//! The other daemons of the site: `[[sister]]` of the site file. Knows no socket.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Deserialize;
use toml::Spanned;

use super::{Secrets, check::Check};
use crate::{
    core::{
        rules::{Direction, GateRules},
        sister::{SisterRules, WhenApart},
    },
    types::{LaneId, ZoneId},
};

/// A daemon that sells tickets for this site's gates, or has gates for this daemon's tickets. Each names the other.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SisterSection {
    /// What operators call it: 1 to 20 of a-z, 0-9 and '-'. The secret both have is `sister.<name>` in the secrets file.
    pub name: Spanned<String>,
    /// Its own `tickets.issuer`: 0 to 255, another than ours.
    pub issuer: Spanned<u8>,
    /// Where it listens, such as `http://10.0.0.6:8080`.
    pub url: Spanned<String>,
    /// How long a visitor waits for its answer, 50 to 2000. Default 400.
    pub patience_ms: Option<Spanned<u32>>,
    /// Who is let in here while it is not heard. `home_only` (default): on tickets that were sold here, so that nobody
    /// comes in twice. `refuse`: nobody on a ticket of either, for where the other says `admit`. `admit`: everybody; who
    /// came in at both is found afterwards and told.
    #[serde(default)]
    pub when_apart: WhenApart,
}

/// How a sister is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct SisterAt {
    pub name: String,
    pub issuer: u8,
    pub url: String,
    pub secret: String,
    pub patience: Duration,
    /// Zones whose ways out are watched here.
    pub watched: BTreeSet<ZoneId>,
}

impl std::fmt::Debug for SisterAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SisterAt({} {} {})", self.name, self.issuer, self.url)
    }
}

const SECRET_CHARS: usize = 24;

impl Check<'_> {
    pub(super) fn sisters(
        &mut self,
        sections: &[SisterSection],
        own: u8,
        secrets: &Secrets,
        gates: &BTreeMap<LaneId, GateRules>,
    ) -> (BTreeMap<u8, SisterRules>, Vec<SisterAt>) {
        let (mut rules, mut ways) = (BTreeMap::new(), Vec::<SisterAt>::new());
        let exits = gates.values().filter(|gate| gate.direction == Direction::Exit);
        let watched: BTreeSet<ZoneId> = exits.map(|gate| gate.zone.clone()).collect();
        for section in sections {
            let (name, issuer) = (section.name.get_ref(), *section.issuer.get_ref());
            if name.len() > 20 || LaneId::parse(name).is_none() {
                self.wrong(&section.name, "sister.name", "must be 1 to 20 of a-z, 0-9 and '-'");
            }
            if ways.iter().any(|other| other.name == *name) {
                self.wrong(&section.name, "sister.name", "another sister is called so");
            }
            if issuer == own {
                let what = "is our own tickets.issuer: give each daemon another";
                self.wrong(&section.issuer, "sister.issuer", what);
            }
            let url = section.url.get_ref().trim_end_matches('/');
            if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains(' ') {
                self.wrong(&section.url, "sister.url", "must begin with http:// or https://");
            }
            let secret = secrets.sister(name).unwrap_or_default();
            if secret.chars().count() < SECRET_CHARS {
                let what = format!(
                    "needs sister.{name} in the secrets file, of {SECRET_CHARS} characters or more, the same at both"
                );
                self.wrong(&section.name, "sister.name", what);
            }
            let patience_ms = section.patience_ms.as_ref().map_or(400, |ms| *ms.get_ref());
            if let Some(ms) =
                section.patience_ms.as_ref().filter(|_| !(50..=2_000).contains(&patience_ms))
            {
                self.wrong(ms, "sister.patience_ms", "must be 50 to 2000");
            }
            let patience = Duration::from_millis(patience_ms.into());
            let known =
                SisterRules { name: name.clone(), patience, when_apart: section.when_apart };
            if rules.insert(issuer, known).is_some() {
                self.wrong(&section.issuer, "sister.issuer", "another sister has this number");
            }
            ways.push(SisterAt {
                name: name.clone(),
                issuer,
                url: url.to_owned(),
                secret: secret.to_owned(),
                patience,
                watched: watched.clone(),
            });
        }
        (rules, ways)
    }
}
