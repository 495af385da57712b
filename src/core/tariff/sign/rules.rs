//! Each rule of a tariff as a line of its sign. A rule that says nothing has no line.

use super::phrases::Phrases;
use crate::core::tariff::{
    notation::{Amount, Percent},
    spec::{
        Again, Alternative, Band, Boundary, Cap, Choose, Counts, Every, Free, FreeMode, Limit,
        LostMode, Nested, Per, RoundMode, Spec, Started, Step, Surcharge, Then,
    },
};

/// All lines of one kind of vehicle and holder.
pub(super) fn lines(p: Phrases, spec: &Spec) -> Vec<String> {
    let mut lines: Vec<String> = spec.free.iter().map(|rule| free(p, rule)).collect();
    lines.extend(spec.bands.iter().map(|rule| band(p, rule)));
    lines.extend(units(p, spec));
    lines.extend(spec.caps.iter().map(|rule| cap(p, spec, rule)));
    if let Some(whole) = &spec.whole {
        let (every, amounts) = (p.length(whole.every), p.amounts(&whole.amount));
        lines.push(
            p.say(&format!("每满{every}：{amounts}"), &format!("Each full {every}: {amounts}")),
        );
    }
    lines.extend(spec.alternatives.iter().map(|rule| alternative(p, rule)));
    lines.extend(bounds(p, spec));
    lines.extend(spec.surcharges.iter().map(|rule| surcharge(p, rule)));
    lines.extend(around(p, spec));
    lines
}

fn free(p: Phrases, free: &Free) -> String {
    let time = p.length(free.time);
    let mut words = vec![match (free.mode, free.limit) {
        (FreeMode::Grace, Limit::Inclusive) => p.say(
            &format!("停放不超过{time}免费，超过的从入场起计费"),
            &format!("Up to {time} free; a longer stay pays from its first minute"),
        ),
        (FreeMode::Grace, Limit::Exclusive) => p.say(
            &format!("停放不足{time}免费，满{time}的从入场起计费"),
            &format!("Under {time} free; a stay of {time} or longer pays from its first minute"),
        ),
        (FreeMode::Deducted, _) => p.say(
            &format!("前{time}免费，不计入收费时间"),
            &format!("The first {time} are free for everybody"),
        ),
    }];
    match free.again {
        Again::Never | Again::Window => {}
        Again::Day => words.push(p.say("每日重新计算", "anew each day")),
        Again::Every(length) => {
            let length = p.length(length);
            words.push(p.say(&format!("每{length}重新计算"), &format!("anew every {length}")));
        }
    }
    if let Some(most) = free.visits_a_day {
        words.push(
            p.say(&format!("每车每日限{most}次"), &format!("for {most} visits of a vehicle a day")),
        );
    }
    if let Some(away) = free.away {
        let away = p.length(away);
        words.push(p.say(
            &format!("离场不超过{away}再入场的除外"),
            &format!("not within {away} of leaving"),
        ));
    }
    let when = p.when(&free.days, free.enter);
    if !when.is_empty() {
        words.push(p.say(&format!("限{when}入场"), &format!("entering {when}")));
    }
    p.join(&words)
}

fn band(p: Phrases, band: &Band) -> String {
    let when = p.when(&band.days, band.hours);
    let head = if when.is_empty() { band.name.to_string() } else { when };
    let last = band.rate.len().saturating_sub(1);
    let mut words = Vec::new();
    for (at, each) in band.rate.iter().enumerate() {
        let rate = step(p, each);
        words.push(match (band.rate.len(), at, each.lasts) {
            (1, ..) => rate,
            (_, at, _) if at == last => p.say(&format!("之后{rate}"), &format!("then {rate}")),
            (_, _, Some(lasts)) => {
                let lasts = p.length(lasts);
                p.say(
                    &format!("{}{lasts}{rate}", first(p, at)),
                    &format!("{}{lasts} {rate}", first(p, at)),
                )
            }
            _ => p.say(
                &format!("{}个单位{rate}", first(p, at)),
                &format!("{}unit {rate}", first(p, at)),
            ),
        });
    }
    if words.is_empty() {
        words.push(p.say("免费", "free"));
    }
    p.say(&format!("{head}：{}", p.join(&words)), &format!("{head}: {}", p.join(&words)))
}

fn first(p: Phrases, at: usize) -> String {
    if at == 0 { p.say("首", "first ") } else { p.say("再", "next ") }
}

fn step(p: Phrases, step: &Step) -> String {
    let amount = p.money(step.amount);
    let nothing = match step.amount {
        Amount::Major(major) => major.is_zero(),
        Amount::Minor(minor) => minor == 0,
    };
    if nothing {
        return p.say("免费", "free");
    }
    let mut text = match step.every {
        Every::Window => {
            p.say(&format!("每时段{amount}"), &format!("{amount} for the whole of it"))
        }
        Every::Time(every) => {
            let every = p.length(every);
            p.say(&format!("每{every}{amount}"), &format!("{amount} per {every}"))
        }
    };
    if let Some(by) = step.by {
        let by = p.length(by);
        text += &p.say(&format!("（按{by}计）"), &format!(" (by {by})"));
    }
    if step.started == Started::Free {
        text += &p.say("（不足一个计时单位不收费）", " (only full units count)");
    }
    if let Some(tolerance) = step.tolerance {
        let time = p.length(tolerance);
        text += &p
            .say(&format!("（超出不满{time}不计）"), &format!(" (up to {time} over do not count)"));
    }
    text
}

/// How units lie over the bounds of bands and when a ladder begins anew: only where it makes a difference.
fn units(p: Phrases, spec: &Spec) -> Vec<String> {
    let mut lines = Vec::new();
    let timed = spec.bands.iter().flat_map(|band| &band.rate);
    let mut started =
        timed.clone().filter(|step| step.by.is_none() && matches!(step.every, Every::Time(_)));
    if started.clone().next().is_some() && started.all(|step| step.started == Started::Charged) {
        let text =
            p.say("不足一个计时单位的按一个计时单位计", "A started unit counts as a full one");
        lines.push(text);
    }
    if spec.bands.len() > 1 {
        lines.push(match spec.boundary {
            Boundary::RunOn => p.say(
                "跨时段的计时单位按其开始的时段计费",
                "A unit is charged at the rate of the hours it begins in",
            ),
            Boundary::Split => p.say(
                "各时段分别计时计费",
                "Units end with their hours; the next hours begin a new one",
            ),
            Boundary::Entry => {
                p.say("全程按入场时所在时段计费", "The rate at entry holds for the whole stay")
            }
        });
    }
    if spec.bands.iter().any(|band| band.rate.len() > 1) {
        let again = match spec.ladder.restart {
            Again::Never => None,
            Again::Day => Some(p.say("阶梯价每日重新计算", "The first steps come again each day")),
            Again::Window => Some(
                p.say("阶梯价每时段重新计算", "The first steps come again in each of the hours"),
            ),
            Again::Every(length) => {
                let length = p.length(length);
                Some(p.say(
                    &format!("阶梯价每{length}重新计算"),
                    &format!("The first steps come again every {length}"),
                ))
            }
        };
        lines.extend(again);
        if spec.ladder.counts == Counts::Band && spec.bands.len() > 1 {
            lines.push(p.say("各时段的阶梯价分别累计", "Each of the hours has steps of its own"));
        }
    }
    lines
}

fn cap(p: Phrases, spec: &Spec, cap: &Cap) -> String {
    let amounts = p.amounts(&cap.amount);
    let per = match cap.per {
        Per::Stay => p.say("每次停放", "a stay"),
        Per::Day => p.say("每日（0时至24时）", "a calendar day"),
        Per::Week => p.say("每周（周一起）", "a week from Monday"),
        Per::Month => p.say("每自然月", "a calendar month"),
        Per::Window => p.say("每时段", "each time these hours come"),
        Per::Every(length) => {
            let length = p.length(length);
            p.say(&format!("自入场起每{length}"), &format!("each {length} from entry"))
        }
    };
    let mut when = p.when(&cap.days, cap.hours);
    if !cap.bands.is_empty() && cap.bands.len() < spec.bands.len() {
        let named = spec.bands.iter().filter(|band| cap.bands.contains(&band.name));
        let named: Vec<String> = named
            .map(|band| {
                Some(p.when(&band.days, band.hours))
                    .filter(|w| !w.is_empty())
                    .unwrap_or_else(|| band.name.to_string())
            })
            .collect();
        when = [when, p.join(&named)]
            .into_iter()
            .filter(|w| !w.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
    }
    let head = if when.is_empty() {
        String::new()
    } else {
        p.say(&format!("{when}，"), &format!("{when}: "))
    };
    let mut words = vec![
        p.say(&format!("{head}{per}最高{amounts}"), &format!("{head}at most {amounts} {per}")),
    ];
    if let Some(times) = cap.times {
        words.push(p.say(&format!("仅限前{times}个周期"), &format!("for the first {times} only")));
    }
    if cap.over_visits {
        words.push(p.say("多次停放合并计算", "several visits counted together"));
    }
    p.join(&words)
}

fn alternative(p: Phrases, rule: &Alternative) -> String {
    let mut terms = Vec::new();
    if !rule.days.is_empty() {
        terms.push(p.days(&rule.days));
    }
    if let Some(hours) = rule.enter {
        terms.push(p.say(&format!("{}入场", p.hours(hours)), &format!("enter {}", p.hours(hours))));
    }
    if let Some(hours) = rule.leave {
        terms.push(p.say(&format!("{}离场", p.hours(hours)), &format!("leave {}", p.hours(hours))));
    }
    if rule.same_day {
        terms.push(p.say("当日离场", "the same day"));
    }
    if let Some(length) = rule.shortest {
        terms.push(p.say(
            &format!("停放{}以上", p.length(length)),
            &format!("{} or longer", p.length(length)),
        ));
    }
    if let Some(length) = rule.longest {
        terms.push(p.say(
            &format!("停放不超过{}", p.length(length)),
            &format!("up to {}", p.length(length)),
        ));
    }
    let price = match (&rule.amount, &rule.tariff) {
        (Some(amount), _) => {
            p.say(&format!("一口价{}", p.money(*amount)), &format!("{} in all", p.money(*amount)))
        }
        (None, Some(tariff)) => {
            p.say(&format!("按“{tariff}”计费"), &format!("as tariff \"{tariff}\""))
        }
        (None, None) => String::new(),
    };
    let head = if terms.is_empty() { String::new() } else { format!(" ({})", p.join(&terms)) };
    let cheaper = match rule.choose {
        Choose::Cheapest => p.say("，如更低", ", where that is less"),
        Choose::Always => String::new(),
    };
    p.say(
        &format!("{}{head}：{price}{cheaper}", rule.name),
        &format!("{}{head}: {price}{cheaper}", rule.name),
    )
}

fn bounds(p: Phrases, spec: &Spec) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(percent) = spec.percent.filter(|percent| *percent != Percent::ALL) {
        lines.push(p.say(
            &format!("按应收的{percent}%收取"),
            &format!("{percent} % of the fee is charged"),
        ));
    }
    if let Some(least) = spec.minimum {
        lines.push(
            p.say(&format!("最低{}", p.money(least)), &format!("At least {}", p.money(least))),
        );
    }
    if let Some(most) = spec.maximum {
        lines.push(p.say(
            &format!("每次最高{}", p.money(most)),
            &format!("At most {} a stay", p.money(most)),
        ));
    }
    lines
}

fn surcharge(p: Phrases, rule: &Surcharge) -> String {
    let days =
        if rule.days.is_empty() { String::new() } else { format!("{} ", p.days(&rule.days)) };
    let (name, amount) = (&rule.name, p.money(rule.amount));
    let what = match (rule.past, rule.after) {
        (Some(clock), _) => {
            let clock = format!("{:02}:{:02}", clock.0 / 3_600, clock.0 % 3_600 / 60);
            p.say(&format!("停放超过{clock}加收"), &format!("for staying past {clock}, more:"))
        }
        (None, Some(after)) => {
            let after = p.length(after);
            p.say(&format!("停放超过{after}加收"), &format!("for staying over {after}, more:"))
        }
        (None, None) => String::new(),
    };
    let each = match rule.again.map(|again| p.length(again)) {
        Some(again) => p.say(
            &format!("，此后每{again}再加收一次"),
            &format!(", once more for each further {again}"),
        ),
        None if rule.each_time => p.say("（每次）", " (each time)"),
        None => String::new(),
    };
    p.say(
        &format!("{name}：{days}{what}{amount}{each}"),
        &format!("{name}: {days}{what} {amount}{each}"),
    )
}

/// What holds around the fee: lost tickets, earlier visits, payments, nested zones, rounding.
fn around(p: Phrases, spec: &Spec) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(lost) = spec.lost {
        let amount = p.money(lost.amount);
        lines.push(match lost.mode {
            LostMode::Replaces => p.say(
                &format!("遗失凭证：{amount}"),
                &format!("Lost ticket: {amount} instead of the fee"),
            ),
            LostMode::Adds => {
                p.say(&format!("遗失凭证：加收{amount}"), &format!("Lost ticket: {amount} more"))
            }
            LostMode::AtLeast => p.say(
                &format!("遗失凭证：不低于{amount}"),
                &format!("Lost ticket: at least {amount}"),
            ),
        });
    }
    if let Some(reentry) = spec.reentry {
        let within = p.length(reentry.within);
        lines.push(p.say(
            &format!("离场{within}内再次入场，连续计费"),
            &format!("Back within {within}: the stay goes on"),
        ));
    }
    if let Some(leave) = spec.prepaid.leave {
        let leave = p.length(leave);
        lines.push(
            p.say(&format!("缴费后{leave}内离场"), &format!("Leave within {leave} of paying")),
        );
    }
    if spec.prepaid.then == Then::FromPayment {
        lines.push(p.say(
            "缴费后超时的，自缴费时起重新计费",
            "After that a new stay begins at the payment",
        ));
    }
    if spec.nested == Nested::Runs {
        lines.push(p.say("进入内场期间照常计时", "Time in inner zones counts here as well"));
    }
    if let Some(to) = spec.round.to {
        let to = p.money(to);
        lines.push(match spec.round.mode {
            RoundMode::HalfUp => p.say(&format!("费用四舍五入到{to}"), &format!("Rounded to {to}")),
            RoundMode::Up => p.say(&format!("费用进到{to}"), &format!("Rounded up to {to}")),
            RoundMode::Down => p.say(&format!("费用舍到{to}"), &format!("Rounded down to {to}")),
        });
    }
    lines
}
