//! What a display's two lines tell a driver. Knows no frame.

use paifang::{
    core::Message,
    types::{Currency, Money, Plate},
};

/// `None`: nothing a driver could make sense of.
pub(super) fn message(screen: &[String]) -> Option<Message> {
    let [first, second, ..] = screen else { return None };
    let plate = || Plate::parse(first).ok();
    match (first.as_str(), second.as_str()) {
        ("道闸检修", _) => Some(Message::Faulty),
        ("车道关闭", _) => Some(Message::LaneClosed),
        ("请通行", _) => Some(Message::HeldOpen),
        ("请稍候", "对向有车") => Some(Message::Wait),
        (_, "请扫码或按铃") => Some(Message::Help),
        (_, "一车一杆") => Some(Message::Ready),
        (_, "欢迎光临") => plate().map(|plate| Message::Welcome { plate }),
        (_, "一路平安") => plate().map(|plate| Message::GoodBye { plate }),
        (_, price) => {
            let (length, amount) = price.split_once(' ')?;
            let amount = Money::new(minor(amount)?, Currency::Cny);
            Some(Message::Pay { plate: plate()?, amount, minutes: minutes(length)? })
        }
    }
}

/// Fen of a text such as 12.5元.
fn minor(text: &str) -> Option<i64> {
    let (whole, part) =
        text.strip_suffix('元')?.split_once('.').unwrap_or((text.strip_suffix('元')?, ""));
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 100 + part)
}

/// Minutes of a text such as 2时5分.
fn minutes(text: &str) -> Option<i64> {
    let text = text.strip_suffix('分')?;
    let (hours, minutes) = text.split_once('时').unwrap_or(("0", text));
    Some(hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_understand_what_displays_say() {
        let shown = |first: &str, second: &str| message(&[first.to_owned(), second.to_owned()]);
        let plate = Plate::parse("京A12345").unwrap();
        let pay = |minor, minutes| {
            let amount = Money::new(minor, Currency::Cny);
            Some(Message::Pay { plate: plate.clone(), amount, minutes })
        };
        assert_eq!(shown("京A12345", "1分 5元"), pay(500, 1));
        assert_eq!(shown("京A12345", "2时5分 12.5元"), pay(1_250, 125));
        assert_eq!(shown("京A12345", "3分 0.05元"), pay(5, 3));
        assert_eq!(shown("京A12345", "欢迎光临"), Some(Message::Welcome { plate }));
        assert_eq!(shown("湖滨停车场", "一车一杆"), Some(Message::Ready));
        assert_eq!(shown("请稍候", "请扫码或按铃"), Some(Message::Help));
        assert_eq!(shown("道闸检修", "请稍候"), Some(Message::Faulty));
        assert_eq!(shown("京A12345", "?"), None);
        assert_eq!(message(&[]), None);
    }
}
