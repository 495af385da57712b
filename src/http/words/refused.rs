//! Why a turnstile lets nobody in, and what the visitor does next, for pages. Knows no display.

use super::Lang;
use crate::core::ticket::NotAdmitted;

/// Both in one sentence each.
pub(in crate::http) fn not_admitted(l: Lang, why: NotAdmitted) -> String {
    let text = match why {
        NotAdmitted::Unknown => {
            l.say("没有这张票，请到售票处", "No ticket has this code: go to the ticket window")
        }
        NotAdmitted::UsedUp => l.say("票已用完，请另购", "The ticket is used up: buy another"),
        NotAdmitted::TooEarly => {
            l.say("未到入场时间，请按票面时间来", "Not valid yet: come at the time on the ticket")
        }
        NotAdmitted::TooLate => {
            l.say("票已过期，请到售票处", "The ticket is over: ask at the ticket window")
        }
        NotAdmitted::Revoked => l.say(
            "票已作废或已退，请到售票处",
            "The ticket was revoked or given back: ask at the ticket window",
        ),
        NotAdmitted::LaneLocked => {
            l.say("通道已锁定，请走其他通道", "The lane is locked: use another")
        }
        NotAdmitted::Busy => l.say("通道使用中，请稍候", "The lane is busy: wait a moment"),
        NotAdmitted::Faulty => {
            l.say("闸机没有响应，请走其他通道", "The turnstile is not heard: use another lane")
        }
        NotAdmitted::Unreadable => l.say(
            "票码不完整或有损坏，请调亮屏幕放平重扫",
            "The code is damaged or cut off: hold it flat and bright, and scan again",
        ),
        NotAdmitted::Forged => l.say(
            "这不是本系统签发的票，请到售票处",
            "Nobody here signed this: go to the ticket window",
        ),
        NotAdmitted::OtherSite => l.say(
            "这是别的景区的票，请核对地点",
            "The ticket is for another site: look at the place on it",
        ),
        NotAdmitted::KeyRetired => l.say(
            "票码已换代，请刷新票页或到售票处换票",
            "The code is of an old key: reload its page, or have it printed anew",
        ),
        NotAdmitted::PictureOld(minutes) => return picture_old(l, minutes),
        NotAdmitted::ClockAhead(minutes) => return clock_ahead(l, minutes),
        NotAdmitted::PageNeeded => {
            l.say("截图无效，请打开票页", "Pictures are not valid: open the ticket's page")
        }
        NotAdmitted::Printed => {
            l.say("已取纸质票，请使用纸质票", "It was printed: only the paper is valid")
        }
        NotAdmitted::Reissued => {
            l.say("票码已换新，请使用最新的票", "A newer code was made: show the latest")
        }
        NotAdmitted::OtherGate => l.say(
            "此票不在本门使用，请看票面入口",
            "Not valid at this gate: see the gates on the ticket",
        ),
        NotAdmitted::Inside => l.say(
            "此票的游客已在园内，请到售票处",
            "Its holder is inside already: ask at the ticket window",
        ),
        NotAdmitted::NoReturn => {
            l.say("此票出园后不可再入，请另购", "It does not allow coming back: buy another")
        }
        NotAdmitted::Unchecked => l.say(
            "暂时无法验票，请再扫一次或到售票处",
            "It cannot be checked now: scan again, or ask at the ticket window",
        ),
        NotAdmitted::Apart => l.say(
            "此票在另一处售出，暂时联系不上，请到售票处",
            "It was sold at the other side, which is not heard now: ask at the ticket window",
        ),
        NotAdmitted::CardLost => l.say(
            "此卡已挂失，请到售票处",
            "This card was reported lost: ask at the ticket window",
        ),
        NotAdmitted::CloudRefused => l.say(
            "售出此票的平台未确认，请到售票处",
            "The platform that sold it says no: ask at the ticket window",
        ),
        NotAdmitted::CloudSilent => l.say(
            "售出此票的平台没有应答，请稍后再扫或到售票处",
            "The platform that sold it does not answer: scan again later, or ask at the ticket window",
        ),
        NotAdmitted::Full => l.say(
            "园内人数已满，有人出园后放行",
            "As many are inside as may be: wait until somebody leaves",
        ),
    };
    text.to_owned()
}

fn picture_old(l: Lang, minutes: u32) -> String {
    match l {
        Lang::Zh => {
            format!("票码是 {minutes} 分钟前的：截图无效，请打开票页；若已打开，请校准手机时间")
        }
        Lang::En => format!(
            "The code is {minutes} min old: open the ticket's page instead of a picture, or set the phone's clock"
        ),
    }
}

fn clock_ahead(l: Lang, minutes: u32) -> String {
    match l {
        Lang::Zh => format!("手机时间快了约 {minutes} 分钟，请设为自动校准后刷新票页"),
        Lang::En => format!(
            "The phone's clock is about {minutes} min ahead: set it automatically, then reload the page"
        ),
    }
}
