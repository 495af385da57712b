//! The channels a site can have: what `[bank]` of the site file says, and how each is opened. A new channel is its own
//! folder and one line below. Knows no wire.

use std::{fmt, path::Path, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

use super::{
    Channel, CloudShape, PayWay, alipay::AlipaySettings, icbc::IcbcSettings, is_same_path,
    settings::SettingsError, swiftpass::SwiftpassSettings, wechat::WechatSettings,
};
use crate::types::ChannelId;

/// Where a channel reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a channel's section of the site file says, once it is read.
pub trait Settings: fmt::Debug + Send + Sync {
    /// Takes relative file names as relative to `folder`, the site file's.
    fn resolve_files(&mut self, folder: &Path);

    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    fn open(&self, clock: Clock) -> Result<Arc<dyn Channel>, SettingsError>;

    /// The path on which the bank notifies; `None` also where the address is none.
    fn notify_path(&self) -> Option<&str>;

    /// How it collects.
    fn ways(&self) -> &'static [PayWay];

    /// The cloud of tickets it has: what its codes look like, the patience in milliseconds, and how many are let in
    /// unchecked.
    fn cloud(&self) -> Option<(CloudShape, u32, u32)> {
        None
    }

    /// Whether it wants to hear of vehicles that leave.
    fn hears_of_exits(&self) -> bool {
        false
    }
}

macro_rules! channels {
    ($($(#[$doc:meta])* $name:ident: $settings:ty,)+) => {
        /// `[bank]`. Without any channel, drivers are sent to the operator.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct BankSection {
            /// Whom new payments go to first. Default: as they stand in the list of the handbook, `icbc` first.
            #[serde(default)]
            pub order: Vec<ChannelId>,
            $($(#[$doc])* pub $name: Option<$settings>,)+
        }

        impl BankSection {
            fn named(self, folder: &Path) -> Vec<(ChannelId, ChannelSettings)> {
                let mut named = Vec::new();
                $(if let Some(mut settings) = self.$name {
                    Settings::resolve_files(&mut settings, folder);
                    named.push((name(stringify!($name)), ChannelSettings(Arc::new(settings))));
                })+
                named
            }
        }
    };
}

channels! {
    /// ICBC's open platform.
    icbc: IcbcSettings,
    /// The Swiftpass gateway: 兴E付 and other banks.
    swiftpass: SwiftpassSettings,
    /// WeChat's parking by payment score.
    wechat: WechatSettings,
    /// Alipay's parking by the plate.
    alipay: AlipaySettings,
}

/// What the site file says of one channel.
#[derive(Clone, Debug)]
pub struct ChannelSettings(Arc<dyn Settings>);

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
    pub fn channels(
        mut self,
        folder: &Path,
    ) -> Result<Vec<(ChannelId, ChannelSettings)>, ChannelId> {
        let order = std::mem::take(&mut self.order);
        let mut named = self.named(folder);
        for wanted in order.into_iter().rev() {
            let Some(at) = named.iter().position(|(id, _)| *id == wanted) else {
                return Err(wanted);
            };
            let channel = named.remove(at);
            named.insert(0, channel);
        }
        Ok(named)
    }
}

impl ChannelSettings {
    /// Reads the keys and prepares the connection; asks nothing of the bank yet.
    pub fn open(&self, id: &ChannelId, clock: Clock) -> Result<Arc<dyn Channel>, ChannelError> {
        self.0.open(clock).map_err(|e| {
            let (channel, field, what) = (id.clone(), e.field, e.what);
            ChannelError { channel, field, what }
        })
    }

    /// Whether both would be told of payments on the same path.
    pub fn notifies_like(&self, other: &Self) -> bool {
        match (self.0.notify_path(), other.0.notify_path()) {
            (Some(ours), Some(theirs)) => is_same_path(ours, theirs),
            _ => false,
        }
    }

    /// How it collects.
    pub fn ways(&self) -> &'static [PayWay] {
        self.0.ways()
    }

    /// See [`Settings::cloud`].
    pub fn cloud(&self) -> Option<(CloudShape, u32, u32)> {
        self.0.cloud()
    }

    pub fn hears_of_exits(&self) -> bool {
        self.0.hears_of_exits()
    }
}

fn name(id: &str) -> ChannelId {
    ChannelId::parse(id).unwrap_or_else(|| unreachable!("{id} is a channel's name"))
}
