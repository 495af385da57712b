//! What displays show and say in each situation: templates in Chinese and English, with what a site says instead. Knows
//! no board and no lane.

use std::collections::BTreeMap;

use serde::Deserialize;

const BUILT_IN: &str = include_str!("texts.toml");
/// Filled in everywhere.
const SITE: &str = "site";

/// The situations and the holes each can fill, besides `{site}`.
const SITUATIONS: [(&str, &[&str]); 54] = [
    ("ready", &[]),
    ("welcome", &["plate"]),
    ("pay", &["plate", "amount", "length"]),
    ("charging", &["plate", "amount"]),
    ("charged", &["plate", "amount"]),
    ("good_bye", &["plate"]),
    ("pass_ends_in", &["plate", "days"]),
    ("pass_ends_out", &["plate", "days"]),
    ("owes", &["plate", "amount"]),
    ("balance", &["plate", "left"]),
    ("denied", &["plate"]),
    ("denied_arrears", &["plate"]),
    ("denied_full", &["plate"]),
    ("denied_pass_ended", &["plate"]),
    ("denied_pass_used_up", &["plate"]),
    ("denied_other_lane", &["plate"]),
    ("denied_out_of_hours", &["plate"]),
    ("denied_passback", &["plate"]),
    ("wait", &[]),
    ("help", &[]),
    ("help_called", &[]),
    ("help_coming", &[]),
    ("full", &[]),
    ("lane_closed", &[]),
    ("faulty", &[]),
    ("held_open", &[]),
    ("pass_on", &[]),
    ("pass_on_more", &["left"]),
    ("not_admitted_unknown", &[]),
    ("not_admitted_used_up", &[]),
    ("not_admitted_too_early", &[]),
    ("not_admitted_too_late", &[]),
    ("not_admitted_revoked", &[]),
    ("not_admitted_lane_locked", &[]),
    ("not_admitted_busy", &[]),
    ("not_admitted_faulty", &[]),
    ("not_admitted_unreadable", &[]),
    ("not_admitted_forged", &[]),
    ("not_admitted_other_site", &[]),
    ("not_admitted_key_retired", &[]),
    ("not_admitted_picture_old", &["minutes"]),
    ("not_admitted_clock_ahead", &["minutes"]),
    ("not_admitted_page_needed", &[]),
    ("not_admitted_printed", &[]),
    ("not_admitted_reissued", &[]),
    ("not_admitted_other_gate", &[]),
    ("not_admitted_inside", &[]),
    ("not_admitted_no_return", &[]),
    ("not_admitted_full", &[]),
    ("not_admitted_unchecked", &[]),
    ("not_admitted_apart", &[]),
    ("not_admitted_card_lost", &[]),
    ("not_admitted_cloud_refused", &[]),
    ("not_admitted_cloud_silent", &[]),
];

/// Of displays and receipts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    Zh,
    En,
}

/// `[display]` of the site file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DisplaySection {
    /// `zh` or `en`. Default `zh`.
    pub language: Language,
    /// Situations that this site words itself: see `src/config/texts.toml` for their names and holes.
    pub texts: BTreeMap<String, Template>,
}

/// One situation, with holes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// From the top down.
    pub lines: Vec<Colored>,
    /// Spoken; absent: silent.
    #[serde(default)]
    pub voice: Option<String>,
}

/// A line and its colour.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colored {
    Red(String),
    Green(String),
    Amber(String),
}

impl Colored {
    fn text(&self) -> &str {
        match self {
            Self::Red(text) | Self::Green(text) | Self::Amber(text) => text,
        }
    }

    fn rgb(&self) -> [u8; 3] {
        match self {
            Self::Red(_) => [255, 0, 0],
            Self::Green(_) => [0, 255, 0],
            Self::Amber(_) => [255, 160, 0],
        }
    }
}

/// Text to show, red-green-blue of each line, and the phrase to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub lines: Vec<(String, [u8; 3])>,
    pub voice: Option<String>,
}

/// A site's texts.
#[derive(Clone, Debug)]
pub struct Texts {
    pub language: Language,
    site: String,
    templates: BTreeMap<String, Template>,
}

impl Texts {
    /// The built-in texts of the language with the site's own in their place; each mistake in those
    /// with the situation it is in.
    pub fn new(section: &DisplaySection, site: &str) -> Result<Self, Vec<(String, String)>> {
        let mut built_in: BTreeMap<Language, BTreeMap<String, Template>> =
            toml::from_str(BUILT_IN).map_err(|e| vec![(String::new(), e.to_string())])?;
        let mut templates = built_in.remove(&section.language).unwrap_or_default();
        let mut mistakes = Vec::new();
        for (situation, template) in &section.texts {
            match check(situation, template) {
                Ok(()) => drop(templates.insert(situation.clone(), template.clone())),
                Err(what) => mistakes.push((situation.clone(), what)),
            }
        }
        let site = site.to_owned();
        let texts = Self { language: section.language, site, templates };
        if mistakes.is_empty() { Ok(texts) } else { Err(mistakes) }
    }

    /// What to show and say. A situation without a text shows nothing.
    pub fn fill(&self, situation: &str, holes: &[(&str, String)]) -> Filled {
        let fill = |text: &str| {
            let text = text.replace("{site}", &self.site);
            holes
                .iter()
                .fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
        };
        let template = self.templates.get(situation);
        let lines = template.map_or(&[][..], |template| &template.lines);
        Filled {
            lines: lines.iter().map(|line| (fill(line.text()), line.rgb())).collect(),
            voice: template.and_then(|template| template.voice.as_deref()).map(fill),
        }
    }
}

fn check(situation: &str, template: &Template) -> Result<(), String> {
    let known = SITUATIONS.iter().find(|(name, _)| *name == situation);
    let Some((_, holes)) = known else {
        let names: Vec<&str> = SITUATIONS.iter().map(|(name, _)| *name).collect();
        return Err(format!("is no situation; there are: {}", names.join(", ")));
    };
    if !(1..=4).contains(&template.lines.len()) {
        return Err("has no line, or more than four".into());
    }
    let texts = template.lines.iter().map(Colored::text).chain(template.voice.as_deref());
    for text in texts {
        for piece in text.split('{').skip(1) {
            let hole = piece.split('}').next().unwrap_or_default();
            if hole != SITE && !holes.contains(&hole) {
                let known = [&[SITE], *holes].concat().join(", ");
                return Err(format!("{{{hole}}} is never filled here; there is {known}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_word_every_situation_and_no_other() {
        let all: BTreeMap<Language, BTreeMap<String, Template>> = toml::from_str(BUILT_IN).unwrap();
        for language in [Language::Zh, Language::En] {
            let names: Vec<&String> = all[&language].keys().collect();
            assert_eq!(names.len(), SITUATIONS.len(), "{language:?}: {names:?}");
            for (situation, template) in &all[&language] {
                assert_eq!(check(situation, template), Ok(()), "{language:?} {situation}");
            }
        }
    }

    #[test]
    fn a_sites_own_words_take_the_place_of_ours() {
        let own = r#"
            language = "en"
            [texts.pay]
            lines = [{ amber = "{plate}" }, { red = "{amount} at {site}" }]
        "#;
        let texts = Texts::new(&toml::from_str(own).unwrap(), "Lakeside").unwrap();
        let holes = [("plate", "B1".to_owned()), ("amount", "5 yuan".to_owned())];
        let filled = texts.fill("pay", &holes);
        let lines = [("B1".into(), [255, 160, 0]), ("5 yuan at Lakeside".into(), [255, 0, 0])];
        assert_eq!(filled, Filled { lines: lines.into(), voice: None });
        assert_eq!(texts.fill("welcome", &holes).voice.unwrap(), "B1,welcome");
    }

    #[test]
    fn mistakes_are_named() {
        for (own, why) in [
            ("[texts.wellcome]\nlines = [{ red = \"a\" }]", "no situation"),
            ("[texts.help]\nlines = []", "no line"),
            ("[texts.help]\nlines = [{ red = \"{plate}\" }]", "never filled"),
            ("[texts.pay]\nlines = [{ red = \"a\" }]\nvoice = \"{x}\"", "never filled"),
        ] {
            let mistakes = Texts::new(&toml::from_str(own).unwrap(), "").unwrap_err();
            assert!(mistakes[0].1.contains(why), "{mistakes:?}");
        }
    }
}
