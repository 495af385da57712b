//! One line of the trail in words: what a row of the journal, or of the record of accounts, says of a person. Knows no
//! page.

use jiff::Timestamp;

use crate::{
    core::{
        Change, Rules,
        lane::Cause,
        pass::{Pass, Reservation},
        task::Task,
        till::{Shift, ValidationState},
    },
    http::{
        alarms,
        ports::{AccountRow, Row},
        records::till_did,
        roles,
        words::{self, Lang},
    },
    types::{AccountDid, LaneId, StayId},
};

/// Who acts where nobody does.
const SELF: &str = "paifang";

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Lane,
    Money,
    Ticket,
    Task,
    Register,
    Shift,
    Settlement,
    Alarm,
    Account,
}

impl Kind {
    pub(super) const ALL: [Self; 9] = [
        Self::Lane,
        Self::Money,
        Self::Ticket,
        Self::Task,
        Self::Register,
        Self::Shift,
        Self::Settlement,
        Self::Alarm,
        Self::Account,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lane => "lane",
            Self::Money => "money",
            Self::Ticket => "ticket",
            Self::Task => "task",
            Self::Register => "register",
            Self::Shift => "shift",
            Self::Settlement => "settlement",
            Self::Alarm => "alarm",
            Self::Account => "account",
        }
    }

    pub(super) fn word(self, l: Lang) -> &'static str {
        match self {
            Self::Lane => l.say("车道操作", "Lanes"),
            Self::Money => l.say("款项", "Money"),
            Self::Ticket => l.say("门票与通行", "Tickets and admissions"),
            Self::Task => l.say("待办", "Tasks"),
            Self::Register => l.say("月卡、名单、车位", "Passes, lists, spaces"),
            Self::Shift => l.say("交接班", "Shifts"),
            Self::Settlement => l.say("对账", "Settlement"),
            Self::Alarm => l.say("报警", "Alarms"),
            Self::Account => l.say("登录与账号", "Sign-ins and accounts"),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) seq: i64,
    pub(super) at: Timestamp,
    pub(super) kind: Kind,
    /// Empty: nobody.
    pub(super) who: String,
    /// To whose account it was done.
    pub(super) whom: Option<String>,
    pub(super) what: String,
    pub(super) lane: Option<LaneId>,
    /// The lane's name.
    pub(super) place: String,
    pub(super) plate: Option<String>,
    pub(super) stay: Option<StayId>,
    /// Where to see more, besides the stay.
    pub(super) link: Option<(String, String)>,
    pub(super) picture: Option<String>,
}

impl Entry {
    fn new(at: Timestamp, kind: Kind, who: &str, what: String) -> Self {
        Self {
            seq: 0,
            at,
            kind,
            who: who.to_owned(),
            whom: None,
            what,
            lane: None,
            place: String::new(),
            plate: None,
            stay: None,
            link: None,
            picture: None,
        }
    }

    /// As both records are numbered apart, with a letter.
    pub(super) fn number(&self) -> String {
        let of = if self.kind == Kind::Account { 'A' } else { 'J' };
        format!("{of}{}", self.seq)
    }

    fn at_lane(self, rules: &Rules, lane: Option<LaneId>) -> Self {
        let place = lane.as_ref().map(|lane| rules.lane_name(lane).to_owned());
        Self { place: place.unwrap_or_default(), lane, ..self }
    }

    fn linked(self, to: String, name: String) -> Self {
        Self { link: Some((to, name)), ..self }
    }

    /// `None`: nobody did anything, such as a pass that was used.
    pub(super) fn of_row(l: Lang, rules: &Rules, row: &Row) -> Option<Self> {
        let new = |kind, who: &str, what| Self::new(row.at, kind, who, what);
        Some(match &row.change {
            Change::OperatorActed { lane, act, who, reason, picture, .. } => {
                let what = format!("{} · {reason}", words::act(l, *act));
                let picture = picture.clone();
                Self { picture, ..new(Kind::Lane, who, what) }.at_lane(rules, Some(lane.clone()))
            }
            Change::PlateGiven { lane, plate, by } => {
                let what = l.say("录入车牌", "Typed a plate").to_owned();
                let entry = new(Kind::Lane, by, what).at_lane(rules, Some(lane.clone()));
                Self { plate: Some(plate.full().to_owned()), ..entry }
            }
            Change::TillActed {
                did, who, reason, amount, lane, stay, payment, picture, ..
            } => {
                let what = format!("{} {amount} · {reason}", till_did(l, *did));
                let (stay, picture) = (*stay, picture.clone());
                let entry = Self { stay, picture, ..new(Kind::Money, who, what) };
                let entry = entry.at_lane(rules, lane.clone());
                match payment {
                    Some(id) => entry.linked(
                        format!("/console/payments/{id}"),
                        format!("{} {id}", l.say("付款", "Payment")),
                    ),
                    None => entry,
                }
            }
            Change::TicketActed(acted) => {
                let did = words::ticket_did(l, acted.did);
                let what = match acted.reason.as_str() {
                    "" => did.to_owned(),
                    reason => format!("{did} · {reason}"),
                };
                let id = acted.ticket;
                new(Kind::Ticket, &acted.who, what).linked(
                    format!("/console/tickets/{id}"),
                    format!("{} {id}", l.say("门票", "Ticket")),
                )
            }
            Change::Admission(admission) => {
                let Some(Cause::Operator { who, reason }) = &admission.settled else { return None };
                let state = words::admission_state(l, admission.state);
                new(
                    Kind::Ticket,
                    who,
                    format!(
                        "{} {} · {state} · {reason}",
                        l.say("认定通行", "Decided an admission"),
                        admission.id
                    ),
                )
                .at_lane(rules, Some(admission.lane.clone()))
            }
            Change::Task(task) => return of_task(l, rules, row.at, task),
            Change::Pass(pass) => return of_pass(l, row.at, pass),
            Change::Reservation(reservation) => return of_reservation(l, row.at, reservation),
            Change::Listed(listed) if is_person(&listed.by) => {
                let did = match listed.over_at {
                    Some(_) => l.say("移出名单", "Taken off a list"),
                    None => l.say("列入名单", "Put on a list"),
                };
                let what = format!("{did} · {}", listed.note);
                let plate = Some(listed.plate.full().to_owned());
                Self { plate, ..new(Kind::Register, &listed.by, what) }
                    .linked("/console/lists".into(), l.say("名单", "Lists").into())
            }
            Change::Validation(validation) => {
                let (who, did) = match validation.state {
                    ValidationState::Given => {
                        (validation.by.as_str(), l.say("商户减免", "Gave a discount"))
                    }
                    // Who took it back is not on record.
                    ValidationState::Revoked => {
                        ("", l.say("减免撤回", "A discount was taken back"))
                    }
                    ValidationState::Used { .. } | ValidationState::Lapsed => return None,
                };
                let what = format!("{did} · {}", validation.offer);
                Self { stay: Some(validation.stay), ..new(Kind::Money, who, what) }
            }
            Change::Shift(shift) => return of_shift(l, row.at, shift),
            Change::Settled(settled) if is_person(&settled.by) => {
                let id = &settled.id;
                let what = format!("{} · {} {}", id, l.say("到账", "arrived"), settled.arrived);
                let what = match settled.reason.as_str() {
                    "" => what,
                    reason => format!("{what} · {reason}"),
                };
                new(Kind::Settlement, &settled.by, what)
                    .linked(format!("/console/settlement?day={}", id.day), id.day.to_string())
            }
            Change::Closure(closure) if closure.made_at == row.at => {
                let days = format!("{} – {}", closure.from, closure.until);
                let what = format!("{} {days} · {}", l.say("闭园", "Closed"), closure.reason);
                new(Kind::Ticket, &closure.who, what)
                    .linked("/console/slots".into(), l.say("时段", "Time slots").into())
            }
            Change::Zone(zone) => {
                let counted = zone.counts.last().filter(|counted| counted.at == row.at)?;
                let what =
                    format!("{} {} · {}", l.say("清点车位", "Counted"), zone.id, counted.reason);
                new(Kind::Register, &counted.who, what)
                    .linked("/console/zones".into(), l.say("车位", "Spaces").into())
            }
            Change::AlarmRaised(alarm) => {
                about(l, rules, alarms::words(l, alarm.kind).0, &alarm.subject, row.at)
            }
            Change::AlarmCleared { subject, alarm } => {
                let over = l.say("报警解除", "Over");
                let what = format!("{over}: {}", alarms::words(l, *alarm).0);
                about(l, rules, &what, subject, row.at)
            }
            Change::WordUnplaced { out_trade_no, word } => {
                let what = l.say("银行提到未知单号", "The bank spoke of a number nobody knows");
                new(Kind::Money, "", format!("{what} {out_trade_no} · {word}"))
            }
            _ => return None,
        })
    }

    pub(super) fn of_account(l: Lang, row: &AccountRow) -> Self {
        let note = &row.note;
        let whom = note.whom.as_deref();
        let of = |did: &str| match whom {
            Some(whom) if whom != note.by => format!("{did} {whom}"),
            _ => did.to_owned(),
        };
        let from = |did: &str| format!("{did} · {}", note.detail);
        let role = note.detail.parse().map_or(note.detail.as_str(), |role| roles::word(l, role));
        let what = match note.did {
            AccountDid::SignedIn => from(l.say("登录", "Signed in")),
            AccountDid::SignInFailed if whom.is_none() => {
                from(l.say("登录失败：没有这个账号", "A sign-in failed: no such account"))
            }
            AccountDid::SignInFailed => {
                from(l.say("登录失败：密码不对", "A sign-in failed: wrong password"))
            }
            AccountDid::SignedOut => of(l.say("退出", "Signed out")),
            AccountDid::PasswordChanged => of(l.say("修改密码", "Changed the password")),
            AccountDid::Added => {
                format!("{} · {role}", of(l.say("新增账号", "Made the account of")))
            }
            AccountDid::RoleChanged => {
                format!("{} · {role}", of(l.say("更改角色", "Changed the role of")))
            }
            AccountDid::PasswordReset => of(l.say("重置密码", "Gave a new password to")),
            AccountDid::Disabled => of(l.say("停用账号", "Disabled the account of")),
            AccountDid::Enabled => of(l.say("启用账号", "Enabled the account of")),
        };
        Self { whom: note.whom.clone(), ..Self::new(row.at, Kind::Account, &note.by, what) }
    }
}

fn is_person(by: &str) -> bool {
    !by.is_empty() && by != SELF
}

/// An alarm of a lane stands at the lane; of anything else it names the thing.
fn about(l: Lang, rules: &Rules, what: &str, subject: &str, at: Timestamp) -> Entry {
    let alarm = |what| Entry::new(at, Kind::Alarm, "", what);
    match LaneId::parse(subject).filter(|id| rules.has_lane(id)) {
        Some(lane) => alarm(what.to_owned()).at_lane(rules, Some(lane)),
        None => alarm(format!("{what} · {}", words::subject(l, subject))),
    }
}

fn of_task(l: Lang, rules: &Rules, at: Timestamp, task: &Task) -> Option<Entry> {
    let about = words_of_task(l, task);
    let entry = match (&task.outcome, &task.taken) {
        (Some(outcome), _) if is_person(&outcome.who) => {
            let what = format!("{about} · {}", outcome.what);
            Entry::new(at, Kind::Task, &outcome.who, what)
        }
        (None, Some(taken)) if taken.at == at => {
            let what = format!("{about} · {}", l.say("接手", "taken on"));
            Entry::new(at, Kind::Task, &taken.who, what)
        }
        _ => return None,
    };
    Some(Entry { stay: task.stay, ..entry }.at_lane(rules, task.lane.clone()))
}

fn words_of_task(l: Lang, task: &Task) -> &'static str {
    crate::http::tasks::what(l, &task.about)
}

fn of_pass(l: Lang, at: Timestamp, pass: &Pass) -> Option<Entry> {
    if !is_person(&pass.by) {
        return None;
    }
    let did = match pass.over_at {
        Some(_) => l.say("终止月卡", "Ended a pass"),
        None => l.say("办理或更改月卡", "Made or changed a pass"),
    };
    let entry = Entry::new(at, Kind::Register, &pass.by, format!("{did} · {}", pass.holder));
    let plate = pass.plates.iter().map(crate::types::Plate::full).collect::<Vec<_>>().join(" ");
    let link =
        (format!("/console/passes/{}", pass.id), format!("{} {}", l.say("月卡", "Pass"), pass.id));
    Some(Entry { plate: Some(plate), link: Some(link), ..entry })
}

/// A visitor who comes and goes changes it, too, and nobody does when the time is over.
fn of_reservation(l: Lang, at: Timestamp, reservation: &Reservation) -> Option<Entry> {
    let ran_out = reservation.over_at.is_some_and(|over| over >= reservation.until);
    if !is_person(&reservation.by) || reservation.stay.is_some() || ran_out {
        return None;
    }
    let did = match reservation.over_at {
        Some(_) => l.say("取消访客", "Called off a visitor"),
        None => l.say("登记访客", "Expects a visitor"),
    };
    let what = format!("{did} · {}", reservation.host);
    let entry = Entry::new(at, Kind::Register, &reservation.by, what);
    Some(Entry { plate: Some(reservation.plate.full().to_owned()), ..entry })
}

fn of_shift(l: Lang, at: Timestamp, shift: &Shift) -> Option<Entry> {
    let (who, did) = if shift.opened_at == at {
        (
            &shift.operator,
            format!("{} {}", l.say("接班，备用金", "Opened a shift, float"), shift.float),
        )
    } else if shift.over_at == Some(at) {
        let counted = shift.counted.map(|money| money.to_string()).unwrap_or_default();
        let who = shift.closed_by.as_ref().unwrap_or(&shift.operator);
        (who, format!("{} {counted}", l.say("交班，清点", "Closed a shift, counted")))
    } else {
        return None;
    };
    Some(Entry::new(at, Kind::Shift, who, format!("{did} · {}", shift.booth)))
}
