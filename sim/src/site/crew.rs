//! Who has an account at a large site: one person of each role, all with the same password. Works at nothing itself.

use std::sync::Arc;

use anyhow::Result;
use paifang::{
    app::{self, staff::StaffError},
    store::{Accounts, Doer},
    types::Role,
};

use super::{
    attendant::{Attendant, NAME},
    office::SHOP_ACCOUNT,
    stage::Stage,
    wall_clock,
};

/// Takes turns with the owner at the booth.
const DEPUTY: &str = "li";

/// Besides the owner, whom the daemon's first start makes.
const CREW: [(&str, Role); 5] = [
    (DEPUTY, Role::Manager),
    ("booth", Role::Booth),
    ("gate", Role::Gate),
    ("accountant", Role::Accountant),
    ("installer", Role::Installer),
];

/// Name, what it is, and the page each of them begins at.
pub fn accounts() -> Vec<(&'static str, &'static str, &'static str)> {
    let operators = std::iter::once((NAME, Role::Owner)).chain(CREW);
    let mut all: Vec<_> = operators.map(|(name, role)| (name, role.name(), "/console")).collect();
    all.push((SHOP_ACCOUNT, "merchant", "/merchant"));
    all
}

/// Each has an account from now on, and has chosen `password`. The one who takes turns at the booth comes back.
pub async fn hire(stage: &Stage, password: &str) -> Result<Arc<Attendant>> {
    let (url, data) = (stage.layout.public_url(), stage.layout.data_dir());
    let accounts = Accounts::beside(&data.join(app::DATABASE)).await?;
    let mut deputy = None;
    for (name, role) in CREW {
        let by = Doer { name: "demo", now: wall_clock() };
        let one_time = match app::staff::add(&accounts, name, role, by).await {
            Ok(one_time) => Some(one_time),
            Err(StaffError::Taken(_)) if name == DEPUTY => None,
            // From an earlier run; somebody may have changed the password since.
            Err(StaffError::Taken(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        let person = Attendant::named(name, &url, password, one_time)?;
        person.sign_in().await?;
        if name == DEPUTY {
            deputy = Some(Arc::new(person));
        }
    }
    deputy.ok_or_else(|| anyhow::anyhow!("nobody takes turns at the booth"))
}
