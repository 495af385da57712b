//! What the people of such a site do: drivers and buyers on their phones, operators at the console, a counter's program.
//! And what became of the money in the end, to be compared.

use paifang_sim::{bank::swiftpass::SwiftpassGateway, wire::Phone};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::{PaySite, RUNTIME};

impl PaySite {
    pub(crate) fn phone(&self) -> Phone {
        Phone::new(&format!("http://{}", self.site.http)).unwrap()
    }

    pub(crate) fn lane_page(&self) -> String {
        format!("http://{}/l/exit-1", self.site.http)
    }

    /// From the exit scan to the open road, however often the daemon dies. Pays once.
    pub(crate) fn leaves_by_scan(&mut self, plate: &str) {
        let (phone, page) = (self.phone(), self.lane_page());
        let mut paid = false;
        self.until("the vehicle to leave", |site| {
            if site.has_left(plate) {
                return Some(());
            }
            if !paid && site.due_of(plate).is_some() {
                site.about_to("generate");
                if let Some(link) = cashier(&phone, &page) {
                    paid = pays(&phone, &link);
                }
            }
            site.reads_at_exit(plate);
            None
        });
    }

    /// A page of the console.
    pub(crate) fn page(&self, operator: usize, path: &str) -> Option<String> {
        RUNTIME.block_on(self.operators[operator].page(path))
    }

    /// An operator sends a form.
    pub(crate) fn fills(
        &self,
        operator: usize,
        path: &str,
        form: &[(&str, &str)],
    ) -> Option<String> {
        RUNTIME.block_on(self.operators[operator].fill(path, form))
    }

    /// The counter's program speaks; status and answer.
    pub(crate) fn api(&self, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let url = format!("http://{}{path}", self.site.http);
        RUNTIME.block_on(async {
            let request = match body {
                Some(body) => self
                    .client
                    .post(url)
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.to_string()),
                None => self.client.get(url),
            };
            let said = request.bearer_auth(&self.token).send().await.ok()?;
            let status = said.status().as_u16();
            let text = said.text().await.ok()?;
            Some((status, serde_json::from_str(&text).unwrap_or_default()))
        })
    }

    /// A file of the console, as bytes.
    pub(crate) fn download(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}{path}", self.site.http);
        RUNTIME.block_on(async {
            let cookie = self.operators[0].cookie().await.unwrap();
            let said = self.client.get(url).header("cookie", cookie).send().await.unwrap();
            assert!(said.status().is_success(), "{path}: {}", said.status());
            said.bytes().await.unwrap().to_vec()
        })
    }
}

/// A payer's code that nobody has shown yet.
pub(crate) fn payer_code(number: u32) -> String {
    format!("13457924681{number:07}")
}

/// What became of the money, without what differs from run to run: numbers, times, attempts that came to nothing.
pub(crate) fn end_result(site: &PaySite) -> Vec<String> {
    let questions = [
        "select 'order', coalesce(counter, 'stay'), amount_minor, state from orders \
            where state <> 'void' order by 2, 3, 4",
        "select 'payment', channel, amount_minor, state from payment \
            where state not in ('failed', 'reversed') order by 2, 3, 4",
        "select 'refund', amount_minor, state from refund order by 2, 3",
        "select 'account', account, sum(amount_minor) from posting_line group by 2 \
            having sum(amount_minor) <> 0 order by 2",
        "select 'stay', plate, body ->> 'state' from stay order by 2",
        "select 'ticket', persons, used, held, is_alive from ticket",
        "select 'invoice', body ->> '$.state.is', body ->> '$.amount.minor' from register \
            where kind = 'invoice' order by 2, 3",
        "select 'statement', channel, rows, bad, matched, paid_minor, refunded_minor, fee_minor \
            from statement_file order by 2",
        "select 'difference', channel, kind, side, state, ours_minor, theirs_minor from difference \
            order by 2, 3, 4, 6",
    ];
    let mut told: Vec<String> = questions
        .iter()
        .flat_map(|question| {
            let rows = site.ask(question).expect("the tables can be read");
            rows.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let stage = site.stage();
    let books = stage.gateway.books().into_iter();
    let others = stage.swiftpass.iter().flat_map(SwiftpassGateway::books);
    let paid = books.chain(others).filter(|book| book.paid_fen > 0);
    let mut bank: Vec<String> =
        paid.map(|book| format!("bank|{}|{}", book.paid_fen, book.refunded_fen)).collect();
    bank.sort();
    told.extend(bank);
    told
}

/// Orders one ticket on the site's page; the order's page.
pub(crate) fn bought(site: &mut PaySite, phone: &Phone) -> String {
    let today = site.today();
    let url = format!("http://{}/visit?day={today}", site.site.http);
    // A page that is sent twice is one order.
    let day = site.until("the page of tickets", |_| RUNTIME.block_on(phone.open(&url)).ok());
    site.until("the order of tickets", |_| {
        let order = RUNTIME.block_on(phone.fill(&day, "/visit/order", &[("n-day", "1")])).ok()?;
        order.url.path().starts_with("/visit/o/").then(|| order.url.to_string())
    })
}

/// Fills the one form of a page with text; whether it was taken.
pub(crate) fn filled(phone: &Phone, url: &str, typed: &[(&str, &str)]) -> bool {
    RUNTIME.block_on(async {
        let Ok(page) = phone.open(url).await else { return false };
        let path = page.url.path().to_owned();
        phone.fill(&page, &path, typed).await.is_ok()
    })
}

/// The bank's page behind a page of the site, once there is one.
pub(crate) fn cashier(phone: &Phone, url: &str) -> Option<String> {
    RUNTIME.block_on(async {
        let page = phone.open(url).await.ok()?;
        let there = |page: &paifang_sim::wire::Page| {
            let link = phone.link_elsewhere(page).map(|link| link.to_string());
            if phone.is_elsewhere(&page.url) { Some(page.url.to_string()) } else { link }
        };
        if let Some(link) = there(&page) {
            return Some(link);
        }
        if page.asks_plate() || !page.can_pay() {
            return None;
        }
        there(&phone.press_pay(&page).await.ok()?)
    })
}

/// Pays at the bank's page; whether the bank says so.
pub(crate) fn pays(phone: &Phone, cashier: &str) -> bool {
    RUNTIME.block_on(async {
        let Ok(page) = phone.open(cashier).await else { return false };
        let said = phone.pay_at_cashier(&page).await;
        said.is_ok_and(|said| said.text().contains("支付成功"))
    })
}
