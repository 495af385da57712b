//! People of a table on real wires: phones at the site's pages, an operator at the console's forms, merchants at theirs.
//! Knows no loop and no camera.

use paifang::{
    core::tariff::Benefit,
    types::{LaneId, Plate},
};

use super::{
    super::{
        counter::{Act, CounterStep, order_in, owed_by},
        desk::DeskStep,
    },
    WireSite,
};
use crate::wire::{Phone, PhoneError};

const BOOTH: &str = "booth";
const MERCHANTS: &str = "/console/merchants";

impl WireSite {
    pub(super) fn desk_step(&mut self, step: &DeskStep) -> Result<(), String> {
        match step {
            DeskStep::NoPlate(lane, name) => self.presses(name, lane, "/no-plate"),
            DeskStep::PhoneShown(lane, name) => self.presses(name, lane, "/phone"),
            _ => {
                let (now, rules, step) =
                    (self.daemon()?.app.now(), self.rules.clone(), step.clone());
                let input = self.seen(move |state| step.input(state, &rules, now))??;
                self.tell(input)
            }
        }
    }

    /// At the counter's own pages, where it has them.
    pub(super) fn counter_step(&mut self, step: &CounterStep) -> Result<(), String> {
        match &step.act {
            Act::OpenShift(minor) => self.drawer("open", *minor),
            Act::HandOver(minor) => self.drawer("close", *minor),
            Act::TakeOver(minor) => self.drawer("take-over", *minor),
            Act::Cash(lane, minor) => {
                let lane = lane.clone();
                let order = self.seen(move |state| order_in(state, &lane))??;
                self.fills(&format!("/console/orders/{order}/cash"), &[("amount", &yuan(*minor))])
            }
            Act::CashForArrears(plate, minor) => {
                let plate = plate.clone();
                let order = self.seen(move |state| owed_by(state, &plate).map(|a| a.order))??;
                self.fills(&format!("/console/orders/{order}/cash"), &[("amount", &yuan(*minor))])
            }
            Act::SetFee(lane, minor, reason) => {
                let form = [("amount", &*yuan(*minor)), ("reason", reason)];
                self.fills(&format!("/console/lanes/{lane}/fee"), &form)
            }
            Act::Budget(minor) => self.opens_shop(&step.who, &("time_front", "120".into()), *minor),
            Act::Offers(benefit, minor) => self.opens_shop(&step.who, &form_of(benefit)?, *minor),
            Act::Validate(plate) | Act::Gives(plate) => self.gives(&step.who, plate),
            _ => {
                let (now, rules, step) =
                    (self.daemon()?.app.now(), self.rules.clone(), step.clone());
                let input = self.seen(move |state| step.input(state, &rules, now))??;
                self.tell(input)
            }
        }
    }

    // ---- the console -----------------------------------------------------------------------------

    fn drawer(&mut self, what: &str, minor: i64) -> Result<(), String> {
        let form = [("booth", BOOTH), ("amount", &*yuan(minor))];
        self.fills(&format!("/console/shift/{what}"), &form)
    }

    pub(super) fn fills(&mut self, path: &str, form: &[(&str, &str)]) -> Result<(), String> {
        self.refused = self.runtime.block_on(self.attendant.fill(path, form)).is_none();
        Ok(())
    }

    // ---- merchants -------------------------------------------------------------------------------

    /// An operator puts it on the register with one offer and an account, and its staff signs in.
    fn opens_shop(
        &mut self,
        name: &str,
        (kind, value): &(&str, String),
        budget: i64,
    ) -> Result<(), String> {
        self.fills(MERCHANTS, &[("name", name), ("budget", &yuan(budget))])?;
        let called = name.to_owned();
        let id = self.seen(move |state| {
            state.merchants.values().find(|merchant| merchant.name == called).map(|m| m.id)
        })?;
        let merchant = format!("{MERCHANTS}/{}", id.ok_or("the merchant is not on the register")?);
        let offer = [("name", "own"), ("kind", kind), ("value", value), ("at_most", "10.00")];
        self.fills(&format!("{merchant}/offer"), &offer)?;
        let (path, named) = (format!("{merchant}/account"), [("name", name)]);
        let page = self.runtime.block_on(self.attendant.fill(&path, &named));
        let page = page.ok_or("no account is given out")?;
        // The password comes first, then a program's token.
        let secret = page.split("<code>").nth(1).and_then(|rest| rest.split("</code>").next());
        let secret = secret.ok_or("no password is shown")?.to_owned();
        let phone = self.phone(name)?;
        let signs_in = async {
            let page = phone.open(&format!("{}/merchant/signin", self.url)).await?;
            phone.fill(&page, "/merchant/signin", &[("name", name), ("password", &secret)]).await
        };
        self.runtime.block_on(signs_in).map(drop).map_err(|why| why.to_string())
    }

    fn gives(&mut self, name: &str, plate: &Plate) -> Result<(), String> {
        let phone = self.phone(name)?;
        let gives = async {
            let page = phone.open(&format!("{}/merchant", self.url)).await?;
            phone.fill(&page, "/merchant/give", &[("plate", plate.full())]).await
        };
        match self.runtime.block_on(gives) {
            Ok(page) if page.text().contains("已赠送") => Ok(()),
            Ok(page) => Err(format!("the page says {}", page.text())),
            Err(PhoneError::Status { .. }) => {
                self.refused = true;
                Ok(())
            }
            Err(why) => Err(why.to_string()),
        }
    }

    // ---- phones ----------------------------------------------------------------------------------

    /// The same name is the same phone, with its cookies.
    fn phone(&mut self, name: &str) -> Result<Phone, String> {
        if let Some(phone) = self.phones.get(name) {
            return Ok(phone.clone());
        }
        let phone = Phone::new(&self.url).map_err(|why| why.to_string())?;
        self.phones.insert(name.to_owned(), phone.clone());
        Ok(phone)
    }

    fn presses(&mut self, name: &str, lane: &LaneId, end: &str) -> Result<(), String> {
        let phone = self.phone(name)?;
        self.refused = self.runtime.block_on(phone.press(lane.as_str(), &[end])).is_err();
        Ok(())
    }

    /// The driver names the plate on the site's page, and pays what it shows for this stay.
    pub(super) fn prepay(&mut self, plate: &Plate) -> Result<(), String> {
        self.a_second_passes()?;
        self.pays_elsewhere(plate, |mut orders| orders.next())
    }

    /// ...or for the last of those before it.
    pub(super) fn pay_arrears(&mut self, plate: &Plate) -> Result<(), String> {
        self.pays_elsewhere(plate, Iterator::last)
    }

    fn pays_elsewhere(
        &mut self,
        plate: &Plate,
        which: fn(std::vec::IntoIter<String>) -> Option<String>,
    ) -> Result<(), String> {
        let phone = self.phone(plate.full())?;
        let pays = async {
            let page = phone.open(&format!("{}/pay", self.url)).await?;
            let found = phone.fill(&page, "/pay", &[("plate", plate.full())]).await?;
            let links = found.links().into_iter().map(String::from);
            let orders: Vec<String> = links.filter(|link| link.contains("/p/")).collect();
            let bill = match which(orders.into_iter()) {
                Some(link) if !found.can_pay() => phone.open(&link).await?,
                _ => found,
            };
            let cashier = phone.press_pay(&bill).await?;
            phone.pay_at_cashier(&cashier).await
        };
        match self.runtime.block_on(pays) {
            Ok(page) if page.text().contains("支付成功") => Ok(()),
            Ok(page) => Err(format!("the page says {}", page.text())),
            Err(PhoneError::Status { .. } | PhoneError::NoForm { .. }) => {
                self.refused = true;
                Ok(())
            }
            Err(why) => Err(why.to_string()),
        }
    }
}

/// As the console's form for offers has it.
fn form_of(benefit: &Benefit) -> Result<(&'static str, String), String> {
    Ok(match benefit {
        Benefit::TimeFront { minutes } => ("time_front", minutes.to_string()),
        Benefit::TimeBack { minutes } => ("time_back", minutes.to_string()),
        Benefit::Amount { minor } => ("amount", yuan(*minor)),
        Benefit::Percent { off } => ("percent", off.to_string()),
        Benefit::AllFree => ("all_free", String::new()),
        Benefit::OtherTariff { .. } => return Err("that is not played on real wires".into()),
    })
}

fn yuan(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
