//! From what the site file says to the rules the core decides by. Reads nothing.

use std::{collections::BTreeMap, time::Duration};

use super::{LaneSection, PaySection, TimesSection};
use crate::{
    bank::ChannelSettings,
    core::cloud::CloudRules,
    core::rules::{GateRules, GateTimes, LaneRules, LaneTimes, PayChannel, PayRules, Wired},
    types::{ChannelId, LaneId, ZoneId},
};

pub(super) fn lane(section: &LaneSection, wired: Wired, zone: ZoneId) -> LaneRules {
    LaneRules {
        zone,
        serves: section.serves(),
        closing: section.closing,
        times: times(section.times),
        ..LaneRules::new(section.direction, wired)
    }
}

/// `counter`: the turnstile counts passages itself. Whether it is alone is known when all lanes are.
pub(super) fn gate(section: &LaneSection, counter: bool, zone: ZoneId) -> GateRules {
    let usual = GateTimes::default();
    let or = |seconds: Option<u32>, usual: Duration| {
        seconds.map_or(usual, |s| Duration::from_secs(s.into()))
    };
    let times = section.times;
    GateRules {
        direction: section.direction,
        zone,
        counter,
        alone: true,
        times: GateTimes {
            order_life: or(times.order_life_s, usual.order_life),
            walk: or(times.walk_s, usual.walk),
            stuck: or(times.stuck_s, usual.stuck),
            shown: or(times.shown_s, usual.shown),
            ..usual
        },
    }
}

fn times(section: TimesSection) -> LaneTimes {
    let usual = LaneTimes::default();
    let or = |seconds: Option<u32>, usual: Duration| {
        seconds.map_or(usual, |s| Duration::from_secs(s.into()))
    };
    LaneTimes {
        unread: or(section.unread_s, usual.unread),
        waiting: or(section.waiting_s, usual.waiting),
        vacated: or(section.vacated_s, usual.vacated),
        order_life: or(section.order_life_s, usual.order_life),
        opening: or(section.opening_s, usual.opening),
        unused: or(section.unused_s, usual.unused),
        stuck: or(section.stuck_s, usual.stuck),
        closing: or(section.closing_s, usual.closing),
        echo: or(section.echo_s, usual.echo),
        queued: or(section.queued_s, usual.queued),
    }
}

pub(super) fn lane_names(sections: &[LaneSection]) -> BTreeMap<LaneId, String> {
    let named = sections.iter().filter_map(|section| {
        let name = section.name.as_deref().map(str::trim).filter(|name| !name.is_empty())?;
        Some((section.id.get_ref().clone(), name.to_owned()))
    });
    named.collect()
}

pub(super) fn pay(section: &PaySection, channels: &[(ChannelId, ChannelSettings)]) -> PayRules {
    PayRules {
        trade_prefix: section.trade_prefix.clone(),
        link_life: Duration::from_secs(section.link_life_s.into()),
        leave_time: Duration::from_mins(section.leave_minutes.into()),
        code_window: Duration::from_secs(section.code_window_s.into()),
        sale_life: Duration::from_mins(section.sale_minutes.into()),
        channels: channels
            .iter()
            .map(|(id, settings)| PayChannel {
                id: id.clone(),
                ways: settings.ways().to_vec(),
                hears_of_exits: settings.hears_of_exits(),
            })
            .collect(),
        ..PayRules::default()
    }
}

/// The channels that have a cloud of tickets.
pub(super) fn clouds(channels: &[(ChannelId, ChannelSettings)]) -> BTreeMap<ChannelId, CloudRules> {
    let of = |(id, settings): &(ChannelId, ChannelSettings)| {
        let (_, patience_ms, unchecked_max) = settings.cloud()?;
        let patience = Duration::from_millis(patience_ms.into());
        Some((id.clone(), CloudRules { patience, unchecked_max }))
    };
    channels.iter().filter_map(of).collect()
}
