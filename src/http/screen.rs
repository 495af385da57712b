//! The exit display as a page for a monitor, and the printed lane sign. Shows; takes no input.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse, Response},
};

use super::{
    charts,
    error::ApiError,
    router::{Shared, Web},
    stream::Piece,
    turn::{self, Bill, Turn},
    words::{self, Lang},
};
use crate::{core::lane::Help, core::rules::Direction, types::LaneId};

#[derive(Template)]
#[template(path = "screen.html", config = "src/http/askama.toml")]
struct ScreenPage<'a> {
    l: Lang,
    css: &'a str,
    js: &'a str,
    site: &'a str,
    lane: &'a LaneId,
    name: &'a str,
    show: String,
}

/// The part of the display that moves.
#[derive(Template)]
#[template(path = "show.html", config = "src/http/askama.toml")]
struct Show<'a> {
    l: Lang,
    turn: &'a Turn,
    entry: bool,
    qr: String,
    called: Option<bool>,
}

impl Show<'_> {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand out references")]
    fn denied(&self, why: &Help) -> &'static str {
        words::denied(self.l, *why)
    }

    fn stayed(&self, bill: &Bill) -> String {
        self.l.duration(bill.stayed_s)
    }
}

pub(super) async fn screen(
    State(web): State<Shared>,
    l: Lang,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let lane = LaneId::parse(&lane).ok_or(ApiError::NotFound)?;
    let show = show(&web, l, &lane).await?;
    let rules = web.desk.rules();
    let (site, name) = (&rules.site_name, rules.lane_name(&lane));
    let (css, js) = (web.assets.css_path(), web.assets.js_path());
    Ok(Html(ScreenPage { l, css, js, site, lane: &lane, name, show }.render()?).into_response())
}

pub(super) async fn pieces(web: &Web, l: Lang, lane: &LaneId) -> Result<Vec<Piece>, ApiError> {
    Ok(vec![("show".into(), show(web, l, lane).await?)])
}

async fn show(web: &Web, l: Lang, lane: &LaneId) -> Result<String, ApiError> {
    let turn = turn::lane_turn(web, lane).await?;
    let (rules, id) = (web.desk.rules(), lane.clone());
    let direction = move |state: &crate::core::State| {
        Some(state.lanes.get(&id)?.direction(rules.lanes.get(&id)?))
    };
    let entry = web.desk.read(direction).await? == Some(Direction::Entry);
    let link = match turn.order() {
        Some(order) => format!("{}/p/{}", web.settings.public_url(), web.links.token(order)),
        None => format!("{}/l/{lane}", web.settings.public_url()),
    };
    let qr = charts::qr(&link).ok_or(ApiError::Internal)?;
    let called = turn::called(web, lane).await?;
    Ok(Show { l, turn: &turn, entry, qr, called }.render()?)
}

#[derive(Template)]
#[template(path = "sign.html", config = "src/http/askama.toml")]
struct SignPage<'a> {
    l: Lang,
    css: &'a str,
    site: &'a str,
    /// `None`: it hangs inside the lot.
    lane: Option<&'a str>,
    link: String,
    qr: String,
}

pub(super) async fn sign(
    State(web): State<Shared>,
    l: Lang,
    Path(lane): Path<String>,
) -> Result<Response, ApiError> {
    let rules = web.desk.rules();
    let known = LaneId::parse(&lane).filter(|lane| rules.lanes.contains_key(lane));
    let lane = known.ok_or(ApiError::NotFound)?;
    let link = format!("{}/l/{lane}", web.settings.public_url());
    printed(&web, l, Some(rules.lane_name(&lane)), link)
}

/// The sign for walls and lifts: pay before going to the vehicle.
pub(super) async fn lot_sign(State(web): State<Shared>, l: Lang) -> Result<Response, ApiError> {
    printed(&web, l, None, format!("{}/pay", web.settings.public_url()))
}

fn printed(web: &Web, l: Lang, lane: Option<&str>, link: String) -> Result<Response, ApiError> {
    let qr = charts::qr(&link).ok_or(ApiError::Internal)?;
    let (css, site) = (web.assets.css_path(), &web.desk.rules().site_name);
    Ok(Html(SignPage { l, css, site, lane, link, qr }.render()?).into_response())
}
