//! A made-up tariff and its price counted minute by minute, by nothing but the words of the reference. Knows nothing of
//! the engine.

use std::{collections::BTreeMap, fmt::Write};

pub(super) const DAY: i64 = 1_440;

/// Hours, if it has any, and the steps of its rate.
type Band = (Option<(i64, i64)>, Vec<Rung>);

/// Minutes everywhere; amounts in minor units of a currency with two decimals.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// From, to (0 to 1440; equal ends are a whole day); first match wins.
    pub(super) bands: Vec<Band>,
    pub(super) split: bool,
    pub(super) restart: Restart,
    pub(super) by_band: bool,
    pub(super) caps: Vec<(Period, i64)>,
    pub(super) free: Option<(i64, bool)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Rung {
    pub(super) amount: i64,
    pub(super) every: i64,
    pub(super) units: i64,
    pub(super) completed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Restart {
    Never,
    Day,
    Window,
    Every(i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Period {
    Stay,
    Day,
    Window,
    Every(i64),
}

impl Made {
    pub(super) fn toml(&self) -> String {
        let mut text = format!(
            "name = \"made\"\nboundary = \"{}\"\n",
            if self.split { "split" } else { "run_on" }
        );
        let restart = match self.restart {
            Restart::Never => "never".to_owned(),
            Restart::Day => "day".to_owned(),
            Restart::Window => "window".to_owned(),
            Restart::Every(minutes) => format!("{minutes}m"),
        };
        let counts = if self.by_band { "band" } else { "all" };
        let _ = writeln!(text, "ladder = {{ restart = \"{restart}\", counts = \"{counts}\" }}");
        if let Some((minutes, inclusive)) = self.free {
            let limit = if inclusive { "inclusive" } else { "exclusive" };
            let _ = writeln!(text, "free = [{{ time = \"{minutes}m\", limit = \"{limit}\" }}]");
        }
        for (at, (hours, rate)) in self.bands.iter().enumerate() {
            let _ = writeln!(text, "[[band]]\nname = \"b{at}\"");
            if let Some((from, to)) = hours {
                let clock = |m: i64| format!("{:02}:{:02}", m / 60, m % 60);
                let _ = writeln!(text, "hours = \"{}-{}\"", clock(*from), clock(*to));
            }
            text += "rate = [";
            for (at, rung) in rate.iter().enumerate() {
                let started = if rung.completed { "free" } else { "charged" };
                let amount = format!("{}.{:02}", rung.amount / 100, rung.amount % 100);
                let _ = write!(
                    text,
                    "{{ amount = \"{amount}\", every = \"{}m\", started = \"{started}\"",
                    rung.every
                );
                if at + 1 < rate.len() {
                    let _ = write!(text, ", for = \"{}m\"", rung.every * rung.units);
                }
                text += " }, ";
            }
            text += "]\n";
        }
        for (per, amount) in &self.caps {
            let per = match per {
                Period::Stay => "stay".to_owned(),
                Period::Day => "day".to_owned(),
                Period::Window => "window".to_owned(),
                Period::Every(minutes) => format!("{minutes}m"),
            };
            let amount = format!("{}.{:02}", amount / 100, amount % 100);
            let _ = writeln!(text, "[[cap]]\namount = \"{amount}\"\nper = \"{per}\"");
        }
        text
    }

    /// The band at a minute, and the minute at which its hours began.
    fn band(&self, minute: i64) -> Option<(usize, i64)> {
        let (day, second) = (minute.div_euclid(DAY), minute.rem_euclid(DAY));
        self.bands.iter().enumerate().find_map(|(at, (hours, _))| match *hours {
            None => Some((at, i64::MIN)),
            Some((from, to)) if from < to => {
                (from <= second && second < to).then_some((at, day * DAY + from))
            }
            Some((from, _)) if second >= from => Some((at, day * DAY + from)),
            Some((from, to)) => (second < to).then_some((at, (day - 1) * DAY + from)),
        })
    }

    /// The fee of a stay from one minute to another, by counting them.
    pub(super) fn fee(&self, from: i64, to: i64) -> i64 {
        self.fee_by(from, to, |minute| minute)
    }

    /// The same where clocks show another minute than those that are counted.
    pub(super) fn fee_by(&self, from: i64, to: i64, clock: impl Fn(i64) -> i64) -> i64 {
        let within = |(free, inclusive)| to - from < free || (inclusive && to - from == free);
        if self.free.is_some_and(within) || to == from {
            return 0;
        }
        let mut charges: Vec<Charge> = Vec::new();
        let mut unit: Option<Unit> = None;
        let mut ladder: BTreeMap<usize, i64> = BTreeMap::new();
        let (mut before, mut last) = (None, None);
        for minute in from..to {
            let here = self.band(clock(minute));
            let anew = match self.restart {
                Restart::Day => clock(minute).rem_euclid(DAY) == 0,
                Restart::Every(every) => (minute - from) % every == 0,
                Restart::Never | Restart::Window => false,
            };
            if minute > from && (anew || (self.split && before != here)) {
                unit = None;
            }
            if minute > from && anew {
                ladder.clear();
            }
            before = here;
            if unit.is_none() {
                let Some((band, began)) = here.filter(|(band, _)| !self.bands[*band].1.is_empty())
                else {
                    last = Some(here);
                    continue;
                };
                let rung = if self.by_band { band } else { 0 };
                if self.restart == Restart::Window && last.is_some_and(|last| last != here) {
                    ladder.insert(rung, 0);
                }
                last = Some(here);
                let (step, left) = self.step(band, *ladder.get(&rung).unwrap_or(&0));
                let start = (minute, began);
                unit = Some(Unit { step, left: left.min(step.every), rung, start });
                if !step.completed {
                    charges.push(Charge { at: minute, began, amount: step.amount });
                }
            }
            let current = unit.as_mut().unwrap();
            current.left -= 1;
            *ladder.entry(current.rung).or_insert(0) += 1;
            if current.left == 0 {
                if current.step.completed {
                    let (at, began) = current.start;
                    charges.push(Charge { at, began, amount: current.step.amount });
                }
                unit = None;
            }
        }
        self.capped(from, &charges, clock)
    }

    /// The step at so many minutes of the ladder, and the minutes left of it.
    fn step(&self, band: usize, on_ladder: i64) -> (Rung, i64) {
        let rate = &self.bands[band].1;
        let mut until = 0;
        for rung in &rate[..rate.len() - 1] {
            until += rung.every * rung.units;
            if on_ladder < until {
                return (*rung, until - on_ladder);
            }
        }
        (rate[rate.len() - 1], i64::MAX)
    }

    fn capped(&self, from: i64, charges: &[Charge], clock: impl Fn(i64) -> i64) -> i64 {
        let mut left: Vec<i64> = charges.iter().map(|charge| charge.amount).collect();
        for (per, limit) in &self.caps {
            let mut used: BTreeMap<i64, i64> = BTreeMap::new();
            for (charge, amount) in charges.iter().zip(&mut left) {
                let key = match per {
                    Period::Stay => 0,
                    Period::Day => clock(charge.at).div_euclid(DAY),
                    Period::Window => charge.began,
                    Period::Every(every) => (charge.at - from) / every,
                };
                let used = used.entry(key).or_insert(0);
                *amount = (*amount).min(limit - *used);
                *used += *amount;
            }
        }
        left.iter().sum()
    }
}

struct Charge {
    at: i64,
    began: i64,
    amount: i64,
}

struct Unit {
    step: Rung,
    left: i64,
    rung: usize,
    /// The minute it began, and the one its band's hours began.
    start: (i64, i64),
}
