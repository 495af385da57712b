//! The pages of passes: found, added, changed, extended, paid in, ended. Decides nothing.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{Html, IntoResponse, Response},
};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{
    FIRST, ROWS_MAX, Told, back,
    import::Line,
    normal, notation,
    selling::{Offer, offers, rest},
    status, told, words,
};
use crate::{
    core::{
        manage::{Manage, PassDraft},
        pass::{Pass, PassKind},
    },
    http::{
        console::Frame,
        error::ApiError,
        ports::Page,
        router::{Shared, Web},
        signin::Signed,
        words::Lang,
    },
    types::{Currency, Money, PassId, Plate, Vehicle, VehicleClass, ZoneId},
};

/// A pass as a person writes it, in a form or in a line of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PassForm {
    pub(super) holder: String,
    pub(super) plates: String,
    /// Empty: as many as plates.
    pub(super) spaces: String,
    /// `season`, `stored` or `count`.
    pub(super) kind: String,
    /// Paid in, in major units; or stays.
    pub(super) amount: String,
    pub(super) zones: String,
    /// Days; both count.
    pub(super) from: String,
    pub(super) until: String,
    pub(super) hours: String,
    /// Empty: what the camera sees.
    pub(super) class: String,
    pub(super) tier: String,
}

impl PassForm {
    pub(super) fn draft(
        &self,
        l: Lang,
        zone: &TimeZone,
        currency: Currency,
    ) -> Result<PassDraft, String> {
        let say = |zh, en| move || String::from(l.say(zh, en));
        let plates = notation::plates(&self.plates)
            .map_err(|odd| format!("{} {odd}", l.say("不是车牌：", "That is no plate:")))?;
        let spaces = match self.spaces.trim() {
            "" => plates.len() as u32,
            text => {
                text.parse().map_err(|_| say("车位数须为整数", "Spaces are a whole number")())?
            }
        };
        let odd_kind = say(
            "类型须为 season、stored 或 count，金额或次数须为数字",
            "The kind is season, stored or count; an amount or count is a number",
        );
        let kind = kind(self.kind.trim(), self.amount.trim(), currency).ok_or_else(odd_kind)?;
        let odd_day = say("日期请写作 2026-11-23", "Write days as 2026-11-23");
        let odd_hours = say("时段请写作 1-5 08:00-18:00", "Write hours as 1-5 08:00-18:00");
        Ok(PassDraft {
            holder: self.holder.trim().to_owned(),
            spaces,
            kind,
            zones: notation::zones(&self.zones)
                .ok_or_else(say("区域名称有误", "That is no zone's name"))?,
            valid_from: notation::day(&self.from, zone).ok_or_else(odd_day)?,
            valid_until: notation::end_of_day(&self.until, zone).ok_or_else(odd_day)?,
            hours: notation::hours(&self.hours).ok_or_else(odd_hours)?,
            vehicle: class(&self.class).map_err(|()| l.say("车型有误", "That is no class"))?,
            tier: Some(self.tier.trim().to_owned()).filter(|tier| !tier.is_empty()),
            plates,
        })
    }

    fn of(pass: &Pass, zone: &TimeZone, currency: Currency) -> Self {
        let plates: Vec<&str> = pass.plates.iter().map(Plate::full).collect();
        let zones: Vec<&str> = pass.zones.iter().map(ZoneId::as_str).collect();
        let (kind, amount) = match pass.kind {
            PassKind::Season => ("season", String::new()),
            PassKind::Stored { balance_minor } => ("stored", major(balance_minor, currency)),
            PassKind::Count { left } => ("count", left.to_string()),
        };
        Self {
            holder: pass.holder.clone(),
            plates: plates.join(" "),
            spaces: pass.spaces.to_string(),
            kind: kind.into(),
            amount,
            zones: zones.join(" "),
            from: zone.to_datetime(pass.valid_from).date().to_string(),
            until: notation::last_day(pass.valid_until, zone),
            hours: notation::written(&pass.hours),
            class: pass.vehicle.map(|vehicle| class_word(vehicle.class)).unwrap_or_default().into(),
            tier: pass.tier.clone().unwrap_or_default(),
        }
    }
}

fn kind(text: &str, amount: &str, currency: Currency) -> Option<PassKind> {
    match text {
        "" | "season" => Some(PassKind::Season),
        "stored" => Some(PassKind::Stored { balance_minor: minor(amount, currency)? }),
        "count" => Some(PassKind::Count { left: amount.parse().ok()? }),
        _ => None,
    }
}

/// `12.50` in minor units.
fn minor(text: &str, currency: Currency) -> Option<i64> {
    let major: rust_decimal::Decimal = text.parse().ok()?;
    Money::round_half_up_to_minor(major, currency).map(|money| money.minor)
}

fn major(minor: i64, currency: Currency) -> String {
    rust_decimal::Decimal::new(minor, currency.decimals()).to_string()
}

pub(super) fn class(text: &str) -> Result<Option<Vehicle>, ()> {
    let class = match text.trim() {
        "" => return Ok(None),
        "motorcycle" => VehicleClass::Motorcycle,
        "small" => VehicleClass::Small,
        "medium" => VehicleClass::Medium,
        "large" => VehicleClass::Large,
        _ => return Err(()),
    };
    Ok(Some(Vehicle::of(class)))
}

fn class_word(class: VehicleClass) -> &'static str {
    match class {
        VehicleClass::Motorcycle => "motorcycle",
        VehicleClass::Small => "small",
        VehicleClass::Medium => "medium",
        VehicleClass::Large => "large",
    }
}

// ---- all of them ---------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    pub(super) q: String,
}

#[derive(Template)]
#[template(path = "passes.html", config = "src/http/askama.toml")]
struct PassesPage {
    f: Frame,
    search: String,
    passes: Vec<Pass>,
    most: usize,
    form: PassForm,
    wrong: Option<String>,
    /// What became of the lines of a file that were not taken.
    lines: Option<(usize, Vec<Line>)>,
    offers: Vec<Offer>,
}

impl PassesPage {
    fn kind(&self, pass: &Pass) -> String {
        words::kind(self.f.l, pass.kind, |minor| Money::new(minor, self.f.currency))
    }

    fn last_day(&self, pass: &Pass) -> String {
        notation::last_day(pass.valid_until, &self.f.zone)
    }

    fn is_over(&self, pass: &Pass) -> bool {
        pass.valid_until <= self.f.now
    }
}

/// The latest first; by any part of a plate, or of the holder's name.
pub(super) fn found(state: &crate::core::State, search: &str, page: Page) -> Vec<Pass> {
    let plate = normal(search);
    let fits = |pass: &&Pass| {
        search.is_empty()
            || pass.holder.contains(search.trim())
            || pass.plates.iter().any(|p| p.full().contains(&plate))
    };
    let entries = state.passes.values().rev().filter(|one| one.id.0 < page.below);
    entries.filter(fits).take(page.limit as usize).cloned().collect()
}

pub(super) async fn render(
    web: &Web,
    l: Lang,
    signed: Signed,
    search: String,
    wrong: Option<(String, PassForm)>,
    lines: Option<(usize, Vec<Line>)>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let looked = search.clone();
    let passes = web.desk.read(move |state| found(state, &looked, FIRST)).await?;
    let (wrong, form) = wrong.map_or((None, PassForm::default()), |(w, form)| (Some(w), form));
    let status = status(wrong.as_ref());
    let (most, offers) = (ROWS_MAX, offers(web, None, false));
    let page = PassesPage { f, search, passes, most, form, wrong, lines, offers };
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn page(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Query(search): Query<Search>,
) -> Result<Response, ApiError> {
    render(&web, l, signed, search.q, None, None).await
}

pub(super) async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(form): Form<PassForm>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let added: Told = match form.draft(l, &rules.zone, rules.currency) {
        Ok(draft) => told(&web, l, &signed, Manage::AddPass(draft)).await?,
        Err(wrong) => Err(wrong),
    };
    match added {
        Ok(number) => Ok(back(&format!("/console/passes/{number}"))),
        Err(wrong) => render(&web, l, signed, String::new(), Some((wrong, form)), None).await,
    }
}

// ---- one of them ---------------------------------------------------------------------------------

#[derive(Template)]
#[template(path = "pass.html", config = "src/http/askama.toml")]
struct PassPage {
    f: Frame,
    pass: Pass,
    form: PassForm,
    wrong: Option<String>,
    /// Which of its plates are inside, and whether it covers them.
    inside: Vec<(Plate, bool)>,
    offers: Vec<Offer>,
    /// What would go back, were it ended now.
    unused: Money,
}

impl PassPage {
    fn kind(&self) -> String {
        words::kind(self.f.l, self.pass.kind, |minor| Money::new(minor, self.f.currency))
    }
}

pub(super) async fn render_one(
    web: &Web,
    l: Lang,
    signed: Signed,
    id: PassId,
    wrong: Option<String>,
    form: Option<PassForm>,
) -> Result<Response, ApiError> {
    let f = Frame::new(web, l, &signed);
    let seen = web.desk.read(move |state| {
        let pass = state.passes.get(&id)?.clone();
        let stays = pass.plates.iter().filter_map(|plate| state.stay_of(plate));
        let covered = crate::core::pass::Standing::Pass(id);
        let inside = stays.map(|stay| (stay.plate.clone(), stay.standing == covered)).collect();
        Some((pass, inside))
    });
    let (pass, inside) = seen.await?.ok_or(ApiError::NotFound)?;
    let form = form.unwrap_or_else(|| PassForm::of(&pass, &f.zone, f.currency));
    let status = status(wrong.as_ref());
    let rules = web.desk.rules();
    let tomorrow = notation::today(f.now, &f.zone) + jiff::SignedDuration::from_hours(24);
    let parts = crate::core::pass_sale::unused(&pass, rules.passes.rest, tomorrow);
    let unused = Money::new(parts.iter().map(|(_, minor)| minor).sum(), f.currency);
    let offers = offers(web, Some(&pass), false);
    let page = PassPage { f, pass, form, wrong, inside, offers, unused };
    Ok((status, Html(page.render()?)).into_response())
}

pub(super) async fn one(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Response, ApiError> {
    render_one(&web, l, signed, PassId(id), None, None).await
}

pub(super) async fn change(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path(id): Path<i64>,
    Form(form): Form<PassForm>,
) -> Result<Response, ApiError> {
    let (rules, id) = (web.desk.rules(), PassId(id));
    let changed: Told = match form.draft(l, &rules.zone, rules.currency) {
        Ok(to) => told(&web, l, &signed, Manage::ChangePass { id, to }).await?,
        Err(wrong) => Err(wrong),
    };
    match changed {
        Ok(_) => Ok(back(&format!("/console/passes/{id}"))),
        Err(wrong) => render_one(&web, l, signed, id, Some(wrong), Some(form)).await,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Small {
    until: String,
    amount: String,
    plate: String,
    reason: String,
    rest: String,
}

/// Extend, set right, end, or forget where a plate is.
pub(super) async fn act(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Path((id, act)): Path<(i64, String)>,
    Form(small): Form<Small>,
) -> Result<Response, ApiError> {
    let (rules, id) = (web.desk.rules(), PassId(id));
    let kind = web.desk.read(move |state| state.passes.get(&id).map(|pass| pass.kind)).await?;
    let by = || match kind {
        Some(PassKind::Count { .. }) => small.amount.trim().parse().ok(),
        _ => minor(small.amount.trim(), rules.currency),
    };
    let reason = small.reason.clone();
    let act = match act.as_str() {
        "extend" => notation::end_of_day(&small.until, &rules.zone)
            .map(|until| Manage::ExtendPass { id, until, reason }),
        "adjust" => by().map(|by| Manage::AdjustPass { id, by, reason }),
        "reset" => Plate::parse(&small.plate).ok().map(|plate| Manage::ResetPassback { plate }),
        "end" => {
            let rest = rest(&web, id, &small.rest).await?;
            Some(Manage::EndPass { id, rest, reason })
        }
        _ => return Err(ApiError::NotFound),
    };
    let ends = matches!(act, Some(Manage::EndPass { .. }));
    let done: Told = match act {
        Some(act) => told(&web, l, &signed, act).await?,
        None => Err(l.say("请检查填写的内容", "Check what was typed").to_owned()),
    };
    match done {
        Ok(_) if ends => Ok(back("/console/passes")),
        Ok(_) => Ok(back(&format!("/console/passes/{id}"))),
        Err(wrong) => render_one(&web, l, signed, id, Some(wrong), None).await,
    }
}
