//! The accounts of those who work here: made, given roles, passwords and back. Knows no hash and no table.

use std::borrow::Borrow;

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    ports::{Person, StaffAct, StaffRefusal},
    roles,
    router::{Shared, Web},
    signin::Signed,
    words::Lang,
};
use crate::types::Role;

pub(super) fn routes() -> Router<Shared> {
    Router::new()
        .route("/console/users", get(page).post(add))
        .route("/console/users/change", post(change))
}

#[derive(Template)]
#[template(path = "users.html", config = "src/http/askama.toml")]
struct UsersPage {
    f: Frame,
    people: Vec<Person>,
    /// Roles that the reader may give.
    roles: Vec<Role>,
    /// What became of the last act, and whether it was done.
    notice: Option<(bool, String)>,
    /// Whose, and the one-time password, shown this once.
    password: Option<(String, String)>,
}

impl UsersPage {
    fn word(&self, role: impl Borrow<Role>) -> &'static str {
        roles::word(self.f.l, *role.borrow())
    }

    fn may_change(&self, person: &Person) -> bool {
        person.name != self.f.who && self.roles.contains(&person.role)
    }

    fn state(&self, person: &Person) -> &'static str {
        match (person.disabled, person.must_change) {
            (true, _) => self.f.l.say("已停用", "Disabled"),
            (false, true) => self.f.l.say("未首次登录", "Has not signed in yet"),
            (false, false) => self.f.l.say("正常", "Can sign in"),
        }
    }

    /// What a role is for, beside its name.
    fn purpose(&self, role: impl Borrow<Role>) -> &'static str {
        let l = self.f.l;
        match role.borrow() {
            Role::Owner => l.say("全部权限", "may do all there is"),
            Role::Manager => l.say("日常管理，可建下级账号", "runs the site, makes accounts below"),
            Role::Booth => l.say("车道、收银、售票", "lanes, cash, tickets at the window"),
            Role::Gate => l.say("检票与闸机", "tickets and turnstiles"),
            Role::Accountant => l.say("付款、退款、对账、记录", "payments, settlement, the trail"),
            Role::Installer => l.say("设备", "devices"),
        }
    }
}

type Outcome = (Option<(bool, String)>, Option<(String, String)>);

async fn show(web: &Web, l: Lang, signed: &Signed, outcome: Outcome) -> Result<Response, ApiError> {
    let (notice, password) = outcome;
    let people = web.staff.people().await?;
    let governed = |role: &Role| signed.role.is_some_and(|mine| roles::governs(mine, *role));
    let roles = Role::ALL.into_iter().filter(governed).collect();
    let failed = notice.as_ref().is_some_and(|(done, _)| !done);
    let status = if failed { StatusCode::CONFLICT } else { StatusCode::OK };
    let page = UsersPage { f: Frame::new(web, l, signed), people, roles, notice, password };
    Ok((status, Html(page.render()?)).into_response())
}

async fn page(State(web): State<Shared>, l: Lang, signed: Signed) -> Result<Response, ApiError> {
    show(&web, l, &signed, (None, None)).await
}

#[derive(Deserialize)]
struct NewPerson {
    name: String,
    role: Role,
}

async fn add(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(NewPerson { name, role }): Form<NewPerson>,
) -> Result<Response, ApiError> {
    governs(&signed, role)?;
    let act = StaffAct::Add { name: name.trim().to_owned(), role };
    let outcome = told(&web, l, &signed, act).await?;
    show(&web, l, &signed, outcome).await
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Role,
    Reset,
    Disable,
    Enable,
}

#[derive(Deserialize)]
struct Changed {
    name: String,
    what: What,
    role: Option<Role>,
}

async fn change(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(Changed { name, what, role }): Form<Changed>,
) -> Result<Response, ApiError> {
    if name == signed.name {
        return Err(ApiError::Unfit(
            "自己的账号请由另一位负责人更改；改密码请点右上角姓名。",
            "Your own account is changed by another owner; your password, at your name above.",
        ));
    }
    let people = web.staff.people().await?;
    let person = people.iter().find(|person| person.name == name).ok_or(ApiError::NotFound)?;
    governs(&signed, person.role)?;
    let act = match (what, role) {
        (What::Role, Some(role)) => {
            governs(&signed, role)?;
            StaffAct::Role { name, role }
        }
        (What::Role, None) => {
            return Err(ApiError::Unfit("请选择角色。", "Choose a role."));
        }
        (What::Reset, _) => StaffAct::Reset { name },
        (What::Disable, _) => StaffAct::Disable { name },
        (What::Enable, _) => StaffAct::Enable { name },
    };
    let outcome = told(&web, l, &signed, act).await?;
    show(&web, l, &signed, outcome).await
}

/// Owners make and change everybody, a manager those below.
fn governs(signed: &Signed, role: Role) -> Result<(), ApiError> {
    if signed.role.is_some_and(|mine| roles::governs(mine, role)) {
        return Ok(());
    }
    Err(ApiError::Unfit(
        "您只能管理岗亭、检票、财务和安装调试的账号；其余由负责人办理。",
        "You manage booth, gate staff, accountants and installers; an owner does the rest.",
    ))
}

async fn told(web: &Web, l: Lang, signed: &Signed, act: StaffAct) -> Result<Outcome, ApiError> {
    let name = act.name().to_owned();
    tracing::info!(operator = signed.name, account = name, "an account is changed");
    let done = match &act {
        StaffAct::Role { role, .. } => {
            format!("{name}: {} {}", l.say("角色改为", "is now"), roles::word(l, *role))
        }
        StaffAct::Disable { .. } => {
            format!(
                "{name}: {}",
                l.say("已停用，已退出所有登录", "disabled, signed out everywhere")
            )
        }
        StaffAct::Enable { .. } => format!("{name}: {}", l.say("已启用", "can sign in again")),
        StaffAct::Add { .. } | StaffAct::Reset { .. } => {
            format!("{name}: {}", l.say("一次性密码如下", "the one-time password is below"))
        }
    };
    let why = match web.staff.act(act, signed.name.clone()).await {
        Ok(password) => {
            return Ok((Some((true, done)), password.map(|password| (name, password))));
        }
        Err(StaffRefusal::Records(error)) => return Err(error.into()),
        Err(StaffRefusal::Name) => l.say(
            "姓名须为 2 至 32 个字母、汉字、数字、- 或 .",
            "a name has 2 to 32 letters, digits, '-' or '.'",
        ),
        Err(StaffRefusal::Taken) => l.say("这个姓名已有账号", "there is an account of that name"),
        Err(StaffRefusal::Nobody) => l.say("没有这个账号", "there is no such account"),
        Err(StaffRefusal::LastOwner) => l.say(
            "这是最后一位能登录的负责人，请先另设一位",
            "this is the last owner who can sign in; make another one first",
        ),
    };
    Ok((Some((false, format!("{name}: {why}"))), None))
}
