//! The channels a site can have: what `[bank]` of the site file says, and how each is opened. A new channel gets its
//! folder and a line in each of the lists here. Knows no wire.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

use super::{
    Channel, CloudShape, PayWay,
    icbc::{Icbc, IcbcSettings},
    is_same_path,
    settings::SettingsError,
    swiftpass::{Swiftpass, SwiftpassSettings},
};
use crate::types::ChannelId;

/// Where a channel reads the wall clock.
pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// `[bank]`. Without any channel, drivers are sent to the operator.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankSection {
    /// Whom new payments go to first. Default: as they stand in the list of the handbook, `icbc` first.
    #[serde(default)]
    pub order: Vec<ChannelId>,
    /// ICBC's open platform.
    pub icbc: Option<IcbcSettings>,
    /// The Swiftpass gateway: 兴E付 and other banks.
    pub swiftpass: Option<SwiftpassSettings>,
}

/// What the site file says of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelSettings {
    Icbc(Box<IcbcSettings>),
    Swiftpass(Box<SwiftpassSettings>),
}

/// A setting of a channel cannot be used.
#[derive(Debug, Error)]
#[error("bank.{channel}.{field}: {what}")]
pub struct ChannelError {
    pub channel: ChannelId,
    pub field: &'static str,
    pub what: String,
}

impl BankSection {
    /// Every channel under its name, in the order in which new payments go to them. File names are taken as relative to
    /// `folder`, the site file's. `Err`: a name in `order` has no section.
    pub fn channels(self, folder: &Path) -> Result<Vec<(ChannelId, ChannelSettings)>, ChannelId> {
        let mut named: Vec<(ChannelId, ChannelSettings)> = Vec::new();
        if let Some(mut icbc) = self.icbc {
            icbc.resolve_files(folder);
            named.push((name("icbc"), ChannelSettings::Icbc(Box::new(icbc))));
        }
        if let Some(mut swiftpass) = self.swiftpass {
            swiftpass.resolve_files(folder);
            named.push((name("swiftpass"), ChannelSettings::Swiftpass(Box::new(swiftpass))));
        }
        for wanted in self.order.iter().rev() {
            let at = named.iter().position(|(id, _)| id == wanted).ok_or_else(|| wanted.clone())?;
            let channel = named.remove(at);
            named.insert(0, channel);
        }
        Ok(named)
    }
}

impl ChannelSettings {
    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    pub fn open(&self, id: &ChannelId, clock: Clock) -> Result<Arc<dyn Channel>, ChannelError> {
        let named = |e: SettingsError| {
            let (channel, field, what) = (id.clone(), e.field, e.what);
            ChannelError { channel, field, what }
        };
        Ok(match self {
            Self::Icbc(settings) => {
                Arc::new(Icbc::open(settings.as_ref().clone(), clock).map_err(named)?)
            }
            Self::Swiftpass(settings) => {
                Arc::new(Swiftpass::open(settings.as_ref().clone()).map_err(named)?)
            }
        })
    }

    /// Whether both would be told of payments on the same path.
    pub fn notifies_like(&self, other: &Self) -> bool {
        match (self.notify_path(), other.notify_path()) {
            (Some(ours), Some(theirs)) => is_same_path(ours, theirs),
            _ => false,
        }
    }

    fn notify_path(&self) -> Option<&str> {
        match self {
            Self::Icbc(settings) => settings.notify_path().ok(),
            Self::Swiftpass(settings) => settings.notify_path().ok(),
        }
    }

    /// The cloud of tickets it has: what its codes look like, the patience in milliseconds, and how many are let in
    /// unchecked.
    pub fn cloud(&self) -> Option<(CloudShape, u32, u32)> {
        match self {
            Self::Icbc(settings) => {
                let scenic = settings.scenic.as_ref()?;
                Some((scenic.shape(), scenic.patience_ms, scenic.unchecked_max))
            }
            Self::Swiftpass(_) => None,
        }
    }

    /// How it collects.
    pub fn ways(&self) -> &'static [PayWay] {
        match self {
            Self::Icbc(settings) => settings.ways(),
            Self::Swiftpass(_) => Swiftpass::WAYS,
        }
    }
}

fn name(id: &str) -> ChannelId {
    ChannelId::parse(id).unwrap_or_else(|| unreachable!("{id} is a channel's name"))
}
