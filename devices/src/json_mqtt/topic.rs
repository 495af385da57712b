//! Topic templates: `device/{sn}/message/up/{name}`. Knows no layout of any vendor.

use serde::Deserialize;

/// A parsed template. `{sn}` is there at most once; without it the topic is shared by devices.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Topic {
    levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Text(String),
    SerialNumber,
    Name,
}

/// What a topic of a template says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told<'a> {
    /// As written there; empty if the template has no `{sn}`.
    pub(super) sn: &'a str,
    /// Empty if the template has no `{name}`.
    pub(super) name: &'a str,
}

impl TryFrom<String> for Topic {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let level = |level: &str| match level {
            "{sn}" => Some(Level::SerialNumber),
            "{name}" => Some(Level::Name),
            text if !text.contains(['{', '}', '+', '#']) => Some(Level::Text(text.into())),
            _ => None,
        };
        let levels: Option<Vec<_>> = text.split('/').map(level).collect();
        let levels = levels.ok_or_else(|| format!("{text:?} is not a topic template"))?;
        let count = |wanted| levels.iter().filter(|level| **level == wanted).count();
        if count(Level::SerialNumber) > 1 || count(Level::Name) > 1 {
            return Err(format!("{text:?} may have {{sn}} once and {{name}} once"));
        }
        Ok(Self { levels })
    }
}

impl Topic {
    pub(super) fn has_name(&self) -> bool {
        self.levels.contains(&Level::Name)
    }

    /// No level of it names a device.
    pub(super) fn is_shared(&self) -> bool {
        !self.levels.contains(&Level::SerialNumber)
    }

    /// What `topic` says if it is of this template, whoever the device.
    pub(super) fn read<'a>(&self, topic: &'a str) -> Option<Told<'a>> {
        let mut told = Told::default();
        let mut levels = topic.split('/');
        for level in &self.levels {
            let heard = levels.next()?;
            let fits = match level {
                Level::Text(text) => heard == text,
                Level::SerialNumber => {
                    told.sn = heard;
                    !heard.is_empty()
                }
                Level::Name => {
                    told.name = heard;
                    !heard.is_empty()
                }
            };
            if !fits {
                return None;
            }
        }
        levels.next().is_none().then_some(told)
    }

    /// What `topic` says if it is of this template and this device, in whatever case.
    pub(super) fn hears<'a>(&self, topic: &'a str, sn: &str) -> Option<Told<'a>> {
        self.read(topic).filter(|told| self.is_shared() || told.sn.eq_ignore_ascii_case(sn))
    }

    /// The filter of all its topics for this device.
    pub(super) fn filter(&self, sn: &str) -> String {
        self.concrete(sn, "+")
    }

    /// The widest filter that reaches only this device: devices subscribe with `+`, `#` or plainly.
    pub(super) fn reach(&self, sn: &str) -> String {
        let ends_in_name = self.levels.last() == Some(&Level::Name);
        self.concrete(sn, if ends_in_name { "#" } else { "+" })
    }

    /// One topic.
    pub(super) fn concrete(&self, sn: &str, name: &str) -> String {
        let levels: Vec<&str> = self
            .levels
            .iter()
            .map(|level| match level {
                Level::Text(text) => text,
                Level::SerialNumber => sn,
                Level::Name => name,
            })
            .collect();
        levels.join("/")
    }
}
