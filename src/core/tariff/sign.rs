//! A tariff in words, as it must stand on the sign at the entrance (收费公示牌). Knows no stay and no page.

mod phrases;
mod rules;

use std::fmt;

use self::phrases::Phrases;
use super::{Language, Tariff, spec::When};
use crate::types::{Currency, PlateColour, VehicleClass};

/// A tariff as a driver reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Name and version.
    pub title: String,
    /// What the file says of itself, and when it holds.
    pub notes: Vec<String>,
    /// For everybody first; then, for some vehicles or holders, what is otherwise.
    pub parts: Vec<SignPart>,
}

/// What holds for some vehicles or holders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignPart {
    /// Empty: for everybody.
    pub who: String,
    pub lines: Vec<String>,
}

impl Tariff {
    /// The tariff in words. Amounts are in `currency`.
    pub fn sign(&self, language: Language, currency: Currency) -> Sign {
        let p = Phrases { language, currency };
        let version = self.version();
        let title = if version.is_empty() {
            self.name().to_string()
        } else {
            format!("{} ({version})", self.name())
        };
        let mut notes = Vec::new();
        if !self.about().is_empty() {
            notes.push(self.about().trim().to_owned());
        }
        match (self.valid_from(), self.valid_until()) {
            (Some(from), Some(until)) => {
                notes.push(
                    p.say(&format!("自 {from} 至 {until}"), &format!("From {from} until {until}")),
                );
            }
            (Some(from), None) => {
                notes.push(p.say(&format!("自 {from} 起"), &format!("From {from}")))
            }
            (None, Some(until)) => {
                notes.push(p.say(&format!("至 {until} 止"), &format!("Until {until}")));
            }
            (None, None) => {}
        }
        let mut parts: Vec<SignPart> = Vec::new();
        for (mask, spec) in &self.resolved {
            let who: Vec<String> = (0..self.whens.len())
                .filter(|at| mask >> at & 1 == 1)
                .map(|at| who(p, &self.whens[at]))
                .collect();
            // Several variants at once say nothing that each of them does not say.
            if who.len() > 1 {
                continue;
            }
            let mut lines = rules::lines(p, spec);
            if let Some(base) = parts.first() {
                lines.retain(|line| !base.lines.contains(line));
            }
            if !lines.is_empty() || parts.is_empty() {
                parts.push(SignPart { who: who.concat(), lines });
            }
        }
        Sign { title, notes, parts }
    }
}

fn who(p: Phrases, when: &When) -> String {
    let mut words = Vec::new();
    for class in &when.class {
        words.push(match class {
            VehicleClass::Motorcycle => p.say("摩托车", "motorcycles"),
            VehicleClass::Small => p.say("小型车", "cars"),
            VehicleClass::Medium => p.say("中型车", "medium vehicles"),
            VehicleClass::Large => p.say("大型车", "large vehicles"),
        });
    }
    for colour in &when.colour {
        words.push(match colour {
            PlateColour::Blue => p.say("蓝牌", "blue plates"),
            PlateColour::Green => p.say("绿牌", "green plates"),
            PlateColour::YellowGreen => p.say("黄绿牌", "yellow-green plates"),
            PlateColour::Yellow => p.say("黄牌", "yellow plates"),
            PlateColour::White => p.say("白牌", "white plates"),
            PlateColour::Black => p.say("黑牌", "black plates"),
            PlateColour::Other => p.say("其他号牌", "other plates"),
        });
    }
    match when.new_energy {
        Some(true) => words.push(p.say("新能源车", "new-energy vehicles")),
        Some(false) => words.push(p.say("非新能源车", "vehicles with combustion engines")),
        None => {}
    }
    for tier in &when.tier {
        words.push(p.say(&format!("{tier}会员"), &format!("{tier} members")));
    }
    words.join(&p.say("、", ", "))
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "  {note}"))?;
        for part in &self.parts {
            if !part.who.is_empty() {
                writeln!(f, "  [{}]", part.who)?;
            }
            part.lines.iter().try_for_each(|line| writeln!(f, "  - {line}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOT: &str = r#"
        name = "lot"
        version = "2026-1"
        about = "东门停车场"
        valid_from = "2026-01-01"
        [[free]]
        time = "30m"
        [[band]]
        name = "day"
        days = ["mon-fri", "!holiday"]
        hours = "08:00-22:00"
        rate = [{ amount = "2.50", every = "15m", for = "1h" }, { amount = "3", every = "15m" }]
        [[band]]
        name = "night"
        hours = "22:00-08:00"
        rate = [{ amount = "1", every = "1h" }]
        [[band]]
        name = "rest"
        [[cap]]
        amount = ["40", "20"]
        per = "24h"
        [[variant]]
        when = { new_energy = true }
        percent = 50
        [lost]
        amount = "30"
    "#;

    fn sign(language: Language) -> String {
        Tariff::parse(LOT).unwrap().sign(language, Currency::Cny).to_string()
    }

    #[test]
    fn the_sign_says_every_rule_in_english() {
        let told = sign(Language::English);
        for line in [
            "lot (2026-1)",
            "From 2026-01-01",
            "Up to 30 min free; a longer stay pays from its first minute",
            "Mon to Fri (except public holidays) 08:00-22:00: first 1 h ¥2.50 per 15 min, then ¥3.00 per 15 min",
            "22:00-08:00: ¥1.00 per 1 h",
            "rest: free",
            "A started unit counts as a full one",
            "at most ¥40.00 for no. 1, ¥20.00 from no. 2 on each 24 h from entry",
            "Lost ticket: ¥30.00 instead of the fee",
            "[new-energy vehicles]\n  - 50 % of the fee is charged\n",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }

    #[test]
    fn the_sign_says_every_rule_in_chinese() {
        let told = sign(Language::Chinese);
        for line in [
            "自 2026-01-01 起",
            "停放不超过30分钟免费，超过的从入场起计费",
            "周一至周五（法定节假日除外） 08:00-22:00：首1小时每15分钟2.5元，之后每15分钟3元",
            "22:00-次日08:00：每1小时1元",
            "不足一个计时单位的按一个计时单位计",
            "自入场起每24小时最高第1个40元，第2个起20元",
            "遗失凭证：30元",
            "[新能源车]\n  - 按应收的50%收取\n",
        ] {
            assert!(told.contains(line), "{line}\n{told}");
        }
    }

    #[test]
    fn every_tariff_of_the_tests_has_its_sign() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tariffs");
        let mut folders = vec![std::path::PathBuf::from(folder)];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "toml") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let Ok(tariff) = Tariff::parse(&text) else { continue };
                    for language in [Language::Chinese, Language::English] {
                        let sign = tariff.sign(language, Currency::Cny);
                        let said = sign.parts.iter().any(|part| !part.lines.is_empty());
                        assert!(said, "{}: {sign}", path.display());
                    }
                    seen += 1;
                }
            }
        }
        assert!(seen > 20, "{seen}");
    }
}
