//! What each role may see and do, in one table, and the check before every route of operators and programs. A route
//! without a right refuses everybody. Knows no page.

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use super::{
    error::ApiError,
    guard,
    router::Shared,
    signin::{Known, Signed},
    words::Lang,
};
use crate::types::Role;

/// One thing that somebody may see or do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Right {
    /// Comes in at all; pictures by their names, which nobody guesses.
    Enter,
    /// Lanes live, and their history.
    SeeLanes,
    /// Opens and closes arms, types plates.
    Operate,
    /// Lets people through turnstiles, locks those.
    OperateGates,
    /// The work list; each line of it needs the right to what it leads to.
    SeeTasks,
    SettleTasks,
    SeeSpaces,
    CountSpaces,
    SeeStays,
    /// Passes, lists, reservations.
    SeeRegister,
    ChangeRegister,
    ChangeReservations,
    SeeTariffs,
    /// Edits them and has the site's files read anew.
    ChangeTariffs,
    /// The counter: shifts, cash, a payer's code, fees set, entries given, receipts.
    TakeCash,
    /// Orders, payments, refunds.
    SeePayments,
    /// Has the bank asked or a payment closed, asks for refunds.
    ActOnPayments,
    /// Agrees to a refund as the second person, or does not.
    JudgeRefunds,
    SeeArrears,
    ForgiveArrears,
    SeeSettlement,
    Settle,
    IssueInvoices,
    SeeMerchants,
    ChangeMerchants,
    /// Tokens of counters and other programs.
    ChangePrograms,
    /// At the window.
    SellTickets,
    SeeTickets,
    /// Gives back, moves, prints, registers and revokes tickets.
    ChangeTickets,
    /// By hand, at a gate.
    CheckTickets,
    SeeAdmissions,
    SettleAdmissions,
    SeeSlots,
    ChangeSlots,
    SeeAttendance,
    SeeReports,
    SeeDevices,
    TestDevices,
    ChangeUsers,
    SeeAudit,
    Search,
}

impl Right {
    pub(super) const ALL: [Self; 41] = [
        Self::Enter,
        Self::SeeLanes,
        Self::Operate,
        Self::OperateGates,
        Self::SeeTasks,
        Self::SettleTasks,
        Self::SeeSpaces,
        Self::CountSpaces,
        Self::SeeStays,
        Self::SeeRegister,
        Self::ChangeRegister,
        Self::ChangeReservations,
        Self::SeeTariffs,
        Self::ChangeTariffs,
        Self::TakeCash,
        Self::SeePayments,
        Self::ActOnPayments,
        Self::JudgeRefunds,
        Self::SeeArrears,
        Self::ForgiveArrears,
        Self::SeeSettlement,
        Self::Settle,
        Self::IssueInvoices,
        Self::SeeMerchants,
        Self::ChangeMerchants,
        Self::ChangePrograms,
        Self::SellTickets,
        Self::SeeTickets,
        Self::ChangeTickets,
        Self::CheckTickets,
        Self::SeeAdmissions,
        Self::SettleAdmissions,
        Self::SeeSlots,
        Self::ChangeSlots,
        Self::SeeAttendance,
        Self::SeeReports,
        Self::SeeDevices,
        Self::TestDevices,
        Self::ChangeUsers,
        Self::SeeAudit,
        Self::Search,
    ];

    /// The table: who has this right besides the owner, who has all.
    fn roles(self) -> &'static [Role] {
        use Role::{Accountant, Booth, Gate, Installer, Manager};
        match self {
            Self::Enter | Self::SeeTasks => &[Manager, Booth, Gate, Accountant, Installer],
            Self::SeeLanes | Self::SeeSpaces => &[Manager, Booth, Gate, Installer],
            Self::Search | Self::SeeTickets | Self::SeeSlots | Self::SeeAdmissions => {
                &[Manager, Booth, Gate, Accountant]
            }
            Self::OperateGates | Self::CheckTickets | Self::SettleAdmissions => {
                &[Manager, Booth, Gate]
            }
            Self::SeeStays
            | Self::SeeRegister
            | Self::SeeTariffs
            | Self::SeePayments
            | Self::ActOnPayments
            | Self::SeeArrears
            | Self::IssueInvoices => &[Manager, Booth, Accountant],
            Self::Operate
            | Self::SettleTasks
            | Self::CountSpaces
            | Self::ChangeReservations
            | Self::TakeCash
            | Self::SellTickets
            | Self::ChangeTickets => &[Manager, Booth],
            Self::JudgeRefunds
            | Self::SeeSettlement
            | Self::Settle
            | Self::SeeMerchants
            | Self::SeeAttendance
            | Self::SeeReports
            | Self::SeeAudit => &[Manager, Accountant],
            Self::SeeDevices | Self::TestDevices => &[Manager, Installer],
            Self::ChangeRegister
            | Self::ForgiveArrears
            | Self::ChangeMerchants
            | Self::ChangePrograms
            | Self::ChangeSlots
            | Self::ChangeTariffs
            | Self::ChangeUsers => &[Manager],
        }
    }

    /// All roles that have it, the owner first.
    pub(super) fn held_by(self) -> impl Iterator<Item = Role> {
        std::iter::once(Role::Owner).chain(self.roles().iter().copied())
    }
}

/// A set of rights: a role's, or what a program was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights(u64);

impl Rights {
    pub(super) fn of(role: Role) -> Self {
        Right::ALL.into_iter().filter(|right| right.held_by().any(|one| one == role)).collect()
    }

    pub(super) fn has(self, right: Right) -> bool {
        self.0 & (1 << right as u32) != 0
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        Self(rights.into_iter().fold(0, |all, right| all | 1 << right as u32))
    }
}

/// Whether `role` may make an account of `other`, change it or take it away: owners all, a manager those below.
pub(super) fn governs(role: Role, other: Role) -> bool {
    match role {
        Role::Owner => true,
        Role::Manager => !matches!(other, Role::Owner | Role::Manager),
        Role::Booth | Role::Gate | Role::Accountant | Role::Installer => false,
    }
}

/// Where somebody of this role begins.
pub(super) fn home(role: Option<Role>) -> &'static str {
    match role {
        None | Some(Role::Owner | Role::Manager | Role::Booth | Role::Gate) => "/console",
        Some(Role::Accountant) => "/console/tasks",
        Some(Role::Installer) => "/console/devices",
    }
}

pub(super) fn word(l: Lang, role: Role) -> &'static str {
    match role {
        Role::Owner => l.say("负责人", "owner"),
        Role::Manager => l.say("经理", "manager"),
        Role::Booth => l.say("岗亭", "booth"),
        Role::Gate => l.say("检票", "gate staff"),
        Role::Accountant => l.say("财务", "accountant"),
        Role::Installer => l.say("安装调试", "installer"),
    }
}

/// Who may, and who asked, in one sentence or two.
pub(super) fn refusal(l: Lang, right: Right, role: Option<Role>) -> String {
    let names: Vec<_> = right.held_by().map(|role| word(l, role)).collect();
    let names = names.join(l.say("、", ", "));
    let who = match (l, role) {
        (Lang::Zh, Some(role)) => format!("您的角色是{}。", word(l, role)),
        (Lang::En, Some(role)) => format!("Your role is {}. ", word(l, role)),
        (Lang::Zh, None) => "此令牌没有这项权限。".to_owned(),
        (Lang::En, None) => "This token does not have that right. ".to_owned(),
    };
    match l {
        Lang::Zh => format!("{who}只有以下角色可以这样做：{names}。"),
        Lang::En => format!("{who}This is for: {names}."),
    }
}

// ---- before the routes ---------------------------------------------------------------------------

/// What a group of routes asks of who comes.
#[derive(Clone)]
struct Needs {
    web: Shared,
    right: Right,
}

/// These routes need a right.
pub(super) fn need(web: &Shared, right: Right, routes: Router<Shared>) -> Router<Shared> {
    routes.route_layer(from_fn_with_state(Needs { web: web.clone(), right }, check))
}

async fn check(
    State(needs): State<Needs>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let signed = caller(&needs, &mut parts).await?;
    if !signed.rights.has(needs.right) {
        tracing::info!(operator = signed.name, right = ?needs.right, "has no right to this");
        return Err(ApiError::NotAllowed { right: needs.right, role: signed.role });
    }
    if signed.may(Right::SeeSettlement) && parts.uri.path().starts_with("/console") {
        needs.web.differences.look(&needs.web).await?;
    }
    parts.extensions.insert(signed);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// A session acts from this site's own pages only.
async fn caller(needs: &Needs, parts: &mut Parts) -> Result<Signed, ApiError> {
    let web = &needs.web;
    let signed = Known::of(web, &parts.headers).await?.signed(&parts.uri)?;
    let asks = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if !asks && !guard::is_own(web.settings.public_url(), &parts.headers) {
        return Err(ApiError::Foreign);
    }
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_has_its_own_place() {
        for (at, right) in Right::ALL.into_iter().enumerate() {
            assert_eq!(right as usize, at, "{right:?}");
            assert!(Rights::of(Role::Owner).has(right), "{right:?}");
        }
        assert_eq!(Right::Search as usize + 1, Right::ALL.len(), "the last one is in ALL");
    }

    #[test]
    fn nobody_governs_themselves_upwards() {
        for role in Role::ALL {
            assert_eq!(governs(role, Role::Owner), role == Role::Owner, "{role}");
            assert_eq!(governs(role, Role::Booth), matches!(role, Role::Owner | Role::Manager));
        }
        assert!(!governs(Role::Manager, Role::Manager));
    }

    #[test]
    fn a_home_is_a_page_its_role_may_see() {
        let has = |role, right| Rights::of(role).has(right);
        assert!(has(Role::Accountant, Right::SeeTasks) && has(Role::Installer, Right::SeeDevices));
        for role in [Role::Owner, Role::Manager, Role::Booth, Role::Gate] {
            assert!(has(role, Right::SeeLanes), "{role}");
        }
    }
}
