//! The daemon dies at each step of each flow of money, is started again, and the flow ends as if nothing had happened:
//! the same orders, payments, refunds and accounts here, the same books at the bank, and a journal that is whole.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use jiff::SignedDuration;
use serde_json::json;

use super::pay_site::{
    BOUND, PARKED, PaySite, Wanted, bought, cashier, end_result, filled, payer_code, pays,
};

/// Sites side by side: most of their time is waiting.
const AT_ONCE: usize = 6;

struct Flow {
    name: &'static str,
    /// Of its site; new payments go to the first.
    channels: &'static [&'static str],
    plays: fn(&mut PaySite),
    /// Where it is cut: a place of `src/crash_point.rs`, or `held` and a question that the bank has heard and not
    /// answered.
    points: &'static [&'static str],
}

const FLOWS: [Flow; 10] = [
    Flow {
        name: "exit scan",
        channels: &["icbc"],
        plays: exit_scan,
        points: &[
            "before_commit order:due",
            "committed order:due",
            "before_commit payment:pending",
            "committed payment:pending",
            "acted payment:pending",
            "before_ask generate",
            "held generate",
            "answered generate",
            "notified",
            "before_commit payment:paid",
            "committed payment:paid",
            "acted payment:paid",
            "notice_taken",
        ],
    },
    Flow {
        name: "payer's code",
        channels: &["icbc"],
        plays: payers_code,
        points: &[
            "before_commit payment:pending",
            "committed payment:pending",
            "before_ask collect",
            "held collect",
            "answered collect",
            "before_commit payment:paid",
            "committed payment:paid",
        ],
    },
    Flow {
        name: "plate charge",
        channels: &["icbc"],
        plays: plate_charge,
        points: &[
            "before_ask agreement",
            "answered agreement",
            "before_commit payment:pending",
            "committed payment:pending",
            "before_ask charge",
            "held charge",
            "answered charge",
            "before_commit payment:pending 2",
            "committed payment:pending 2",
            "before_commit payment:paid",
            "committed payment:paid",
        ],
    },
    Flow {
        name: "cash beside a link",
        channels: &["icbc"],
        plays: cash_beside_a_link,
        points: &[
            "before_commit cash",
            "committed cash",
            "acted cash",
            "before_ask reverse",
            "held reverse",
            "answered reverse",
            "before_commit payment:reversed",
            "committed payment:reversed",
        ],
    },
    Flow {
        name: "counter sale and refunds",
        channels: &["icbc"],
        plays: sale_and_refunds,
        points: &[
            "before_commit order:due",
            "committed order:due",
            "acted order:due",
            "before_commit refund:pending",
            "committed refund:pending",
            "acted refund:pending",
            "before_ask refund",
            "held refund",
            "answered refund",
            "before_commit refund:done",
            "committed refund:done",
            "before_commit refund:waiting",
            "committed refund:waiting",
            "acted refund:waiting",
            "before_ask refund 2",
            "answered refund 2",
            "before_commit refund:done 2",
        ],
    },
    Flow {
        name: "shown code at the second bank",
        channels: &["swiftpass", "icbc"],
        plays: shown_code,
        points: &[
            "held generate",
            "answered generate",
            "notified",
            "before_commit payment:paid",
            "committed payment:paid",
            "notice_taken",
        ],
    },
    Flow {
        name: "counter sale and refunds at the second bank",
        channels: &["swiftpass", "icbc"],
        plays: sale_and_refunds,
        points: &[
            "before_ask collect",
            "held collect",
            "answered collect",
            "before_ask refund",
            "held refund",
            "answered refund",
            "before_commit refund:done",
            "answered refund 2",
        ],
    },
    Flow {
        name: "tickets",
        channels: &["icbc"],
        plays: tickets,
        points: &[
            "before_commit ticket",
            "committed ticket",
            "acted ticket",
            "before_commit ticket_acted",
            "committed ticket_acted",
            "before_print",
            "printed",
        ],
    },
    Flow {
        name: "invoice",
        channels: &["icbc"],
        plays: invoice,
        points: &[
            "before_commit invoice:asked",
            "committed invoice:asked",
            "acted invoice:asked",
            "before_invoice",
            "invoice_asked",
            "before_commit invoice:issued",
            "committed invoice:issued",
        ],
    },
    Flow {
        name: "settlement day",
        channels: &["swiftpass", "icbc"],
        plays: settlement_day,
        points: &[
            "statement_fetched",
            "statement_matched",
            "statement_recorded",
            "statement_kept",
            "before_commit settled",
            "committed settled",
            "acted settled",
            "before_commit settled 2",
            "committed settled 2",
        ],
    },
];

// ---- the flows, by people who do not give up ----------------------------------------------------------

fn exit_scan(site: &mut PaySite) {
    site.leaves_by_scan(PARKED[0]);
}

/// At the booth, a code once nobody knows of another that could still be paid.
fn payers_code(site: &mut PaySite) {
    let (plate, mut shown) = (PARKED[1], 0);
    site.until("the vehicle to leave", |site| {
        if site.has_left(plate) {
            return Some(());
        }
        site.reads_at_exit(plate);
        let order = site.due_of(plate).filter(|_| !site.is_undecided())?;
        shown += 1;
        site.about_to("collect");
        site.fills(0, &format!("/console/orders/{order}/code"), &[("code", &payer_code(shown))]);
        None
    });
}

/// Whoever is not charged by the plate pays by the scan.
fn plate_charge(site: &mut PaySite) {
    site.about_to("charge");
    site.leaves_by_scan(BOUND[0]);
}

fn cash_beside_a_link(site: &mut PaySite) {
    let (plate, phone, page) = (PARKED[2], site.phone(), site.lane_page());
    let mut linked = false;
    site.until("the vehicle to leave", |site| {
        if site.has_left(plate) {
            return Some(());
        }
        site.reads_at_exit(plate);
        let order = site.due_of(plate)?;
        if linked {
            site.about_to("reverse");
            site.fills(0, &format!("/console/orders/{order}/cash"), &[("amount", "10.00")]);
        } else {
            linked = cashier(&phone, &page).is_some();
        }
        None
    });
}

/// Sold and paid by a code; the order's number.
fn sold(site: &mut PaySite, key: &str, amount_minor: i64) -> i64 {
    let mut shown = 100;
    let wanted = json!({"key": key, "subject": "房费", "amount_minor": amount_minor});
    let order = site.until("the sale", |site| {
        let (status, order) = site.api("/api/v1/orders", Some(&wanted))?;
        assert!(!(300..500).contains(&status), "{status} {order}");
        order["id"].as_i64()
    });
    site.until("the payment", |site| {
        let (_, now) = site.api(&format!("/api/v1/orders/{order}"), None)?;
        if now["state"] == "paid" {
            return Some(());
        }
        if now["state"] == "due" && !site.is_undecided() {
            shown += 1;
            site.about_to("collect");
            let code = json!({"code": payer_code(shown)});
            site.api(&format!("/api/v1/orders/{order}/code"), Some(&code));
        }
        None
    });
    order
}

/// Its payer pays at the bank's page, once.
fn shown_code(site: &mut PaySite) {
    let wanted = json!({"key": "S4", "subject": "房费", "amount_minor": 1_700});
    let (phone, mut paid) = (site.phone(), false);
    site.until("the payment", |site| {
        let (_, order) = site.api("/api/v1/orders", Some(&wanted))?;
        if order["state"] == "paid" {
            return Some(());
        }
        site.about_to("generate");
        if let Some(link) = cashier(&phone, order["pay_url"].as_str()?).filter(|_| !paid) {
            paid = pays(&phone, &link);
        }
        None
    });
}

/// Asked for with the same number until it is done; above the sum a second person agrees.
fn given_back(site: &mut PaySite, order: i64, key: &str, amount_minor: i64) {
    let wanted = json!({"key": key, "amount_minor": amount_minor, "reason": "退房"});
    site.until("the refund", |site| {
        site.about_to("refund");
        let (_, now) = site.api(&format!("/api/v1/orders/{order}/refunds"), Some(&wanted))?;
        let mine = now["refunds"].as_array()?.iter().find(|one| one["key"] == key)?;
        if mine["state"] == "waiting" {
            let waiting = site.ask("select id from refund where state = 'waiting'")?;
            site.fills(1, &format!("/console/refunds/{waiting}/agree"), &[]);
        }
        (mine["state"] == "done").then_some(())
    });
}

fn sale_and_refunds(site: &mut PaySite) {
    let order = sold(site, "S1", 5_000);
    given_back(site, order, "R1", 300);
    given_back(site, order, "R2", 4_700);
}

/// A visitor buys on the page and pays at the bank; at the window the ticket is printed.
fn tickets(site: &mut PaySite) {
    let phone = site.phone();
    let page = bought(site, &phone);
    let mut paid = false;
    site.until("the ticket", |site| {
        if site.is("select count(*) from ticket", "1") {
            return Some(());
        }
        if let Some(link) = cashier(&phone, &page).filter(|_| !paid) {
            paid = pays(&phone, &link);
        }
        None
    });
    let mut tried = false;
    site.until("the slip", |site| {
        // One slip lies there: whoever printed it need not know.
        if site.printer.cuts() > 0 {
            return Some(());
        }
        let order = site.ask("select max(id) from orders")?;
        let path = format!("/console/window/o/{order}/print");
        let ticket = site.ask("select id from ticket")?;
        let edition = site.ask("select coalesce(body ->> 'edition', 0) from ticket")?;
        // What the paper took, and no slip came: printed again, with a reason.
        let again = [("printer", "printer"), ("ticket", &*ticket), ("reason", "没有出票")];
        let form = if tried && edition != "0" { &again[..] } else { &again[..1] };
        tried = true;
        site.fills(0, &path, form);
        None
    });
}

fn invoice(site: &mut PaySite) {
    let order = sold(site, "S2", 1_200);
    let (_, now) = site.api(&format!("/api/v1/orders/{order}"), None).unwrap();
    let page = now["pay_url"].as_str().unwrap().replace("/p/", "/i/");
    let phone = site.phone();
    let typed = [("name", "张三"), ("tax_number", ""), ("to", "zhang@example.com")];
    let issued =
        "select count(*) from register where kind = 'invoice' and body ->> '$.state.is' = 'issued'";
    site.until("the invoice", |site| {
        if site.is(issued, "1") {
            return Some(());
        }
        filled(&phone, &page, &typed);
        None
    });
}

/// Money of a day; the next morning the statement comes, the day is settled and the transfer seen.
fn settlement_day(site: &mut PaySite) {
    let order = sold(site, "S3", 8_800);
    given_back(site, order, "R3", 800);
    site.until_decided();
    let day = site.today();
    site.goes_ahead(SignedDuration::from_hours(24));
    site.start();
    let kept = site.site.folder.path().join(format!("data/statements/swiftpass/{day}.txt"));
    site.until("the statement", |site| {
        (kept.exists() && site.is("select count(*) from statement_file", "2")).then_some(())
    });
    site.until("the settled day", |site| {
        let (told, done) = site.told(&["settle", &day.to_string()]);
        (done && told.contains("0 open")).then_some(())
    });
    let arrived = format!("/console/settlement/{day}/swiftpass/arrived");
    site.until("the transfer", |site| {
        site.fills(0, &arrived, &[("amount", "79.70")])?;
        site.is("select count(*) from posting where debit = 'bank_account'", "1").then_some(())
    });
}

// ---- all of them ----------------------------------------------------------------------------------------

/// Plays a flow to its end; the end result.
fn play(flow: &Flow, point: Option<&str>) -> Vec<String> {
    let of_morning = |point: &&str| point.starts_with("statement_") || point.contains("settled");
    let named = |late: bool| point.filter(|point| of_morning(point) == late).map(str::to_owned);
    let (dies_at, dies_then_at) = (named(false), named(true));
    let channels = flow.channels.to_vec();
    let mut site = PaySite::new(&Wanted { channels, dies_at, dies_then_at, ..Wanted::default() });
    (flow.plays)(&mut site);
    site.until_decided();
    if let Some(point) = point {
        site.until(&format!("the death at {point}"), |site| site.died.then_some(()));
        site.until_decided();
    }
    site.stop();
    let (told, well) = site.told(&["check", "--journal"]);
    assert!(well && told.contains("chain whole") && !told.contains("differs"), "{told}");
    let (told, well) = site.told(&["ledger", "check"]);
    assert!(well, "{told}");
    end_result(&site)
}

#[test]
fn killed_at_each_step_of_each_flow_the_end_is_the_same() {
    let begun = Instant::now();
    // The one setting: `PAIFANG_FLOW=refund` plays the flows that are named so, alone.
    let only = std::env::var("PAIFANG_FLOW").unwrap_or_default();
    let flows = || FLOWS.iter().filter(|flow| flow.name.contains(&only));
    let mut cases: Vec<(&Flow, Option<&str>)> = flows().map(|flow| (flow, None)).collect();
    cases
        .extend(flows().flat_map(|flow| flow.points.iter().map(move |point| (flow, Some(*point)))));
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((flow, point)) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    // Without an end to compare with, none is worth waiting for.
                    let baseline = (flow.name, None);
                    if ends.lock().unwrap().get(&baseline).is_some_and(std::thread::Result::is_err)
                    {
                        continue;
                    }
                    let took = Instant::now();
                    let end = std::panic::catch_unwind(|| play(flow, *point));
                    println!("{} {point:?}: {:.1} s", flow.name, took.elapsed().as_secs_f64());
                    ends.lock().unwrap().insert((flow.name, *point), end);
                }
            });
        }
    });
    let ends = ends.into_inner().unwrap();
    let mut wrong = Vec::new();
    for ((flow, point), end) in &ends {
        let Ok(end) = end else {
            wrong.push(format!("{flow}, {point:?}: see above"));
            continue;
        };
        let Some(Ok(expected)) = ends.get(&(*flow, None)) else { continue };
        if end != expected {
            wrong.push(format!("{flow}, {point:?}:\n{end:#?}\ninstead of\n{expected:#?}"));
        }
    }
    println!("{} ends in {:.1} s", ends.len(), begun.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
