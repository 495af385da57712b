//! Whether a stranger's message could be of a device of this profile. Makes no driver's memory.

use super::{Heading, JsonMqtt, topic::Told};
use crate::{
    learn::Guess,
    message::{Listener, Memory},
    profile::{Profile, Protocol},
};

impl JsonMqtt {
    /// `None`: the profile does not understand it.
    pub(crate) fn guess(profile: &Profile, topic: &str, payload: &[u8]) -> Option<Guess> {
        let settings: super::JsonMqttSettings = profile.settings(Protocol::JsonMqtt).ok()?;
        let wire = &settings.wire;
        let of_layouts = wire.layouts.iter().find_map(|layout| {
            layout
                .reply
                .as_ref()
                .and_then(|reply| reply.read(topic))
                .map(|told| (told, true))
                .or_else(|| layout.up.read(topic).map(|told| (told, false)))
        });
        let (told, is_reply) = of_layouts.or_else(|| {
            let told = wire.exceptions.iter().find_map(|one| {
                let told = one.topic.read(topic)?;
                Some(Told { name: if one.name.is_empty() { told.name } else { &one.name }, ..told })
            });
            told.map(|told| (told, false))
        })?;
        let language = &settings.language;
        let listener = Listener { profile, language, sn: "?" };
        let opened = listener.open(told.name, payload, None).ok()?;
        let sn = Some(told.sn).filter(|sn| !sn.is_empty()).map(str::to_owned);
        let sn = sn.or_else(|| language.sender(&opened.top));
        // A driver of that serial number hears it as it would be heard.
        let driver = Self::new(profile, sn.as_deref().unwrap_or("unknown")).ok()?;
        let heading = Heading { layout: None, told, is_reply, is_shared: false };
        let (opened, name) = driver.open(&heading, payload).ok()?;
        let rule = language.rule(&name, is_reply, &opened.top)?;
        let mut memory = Memory { utc_offset_s: Some(0), ..Memory::default() };
        let events = driver.listener().events(rule, &name, &opened, &mut memory).ok()?;
        Some(Guess::new(profile, rule, language, &opened, sn, !events.is_empty()))
    }
}
