//! `paifang tariff` as a manager meets it.

use std::process::Output;

use jiff::{SignedDuration, Timestamp};
use paifang::{
    core::{
        Change,
        rules::Zones,
        stay::{Stay, StayState},
    },
    store::{Options, Store},
    types::{LaneId, Plate, StayId},
};

use super::support::{Folder, Site, paifang};

const SHEET: &str = "name = \"lot\"\nabout = \"East gate\"\n[[free]]\ntime = \"15m\"\n\
    [[band]]\nname = \"all\"\nrate = [{ amount = \"6\", every = \"1h\" }, { amount = \"2.50\", every = \"30m\" }]\n\
    [[variant]]\nwhen = { class = [\"large\"] }\npercent = 200\n";

const LANE: &str = "[[device]]\nid = \"cam\"\nprofile = \"camera/vzenith-mqtt\"\nsn = \"1\"\n\
    [[lane]]\nid = \"in\"\ndirection = \"entry\"\ncamera = \"cam\"\nbarrier = \"cam\"\n";

fn site() -> Site {
    let rest = format!("[tariffs]\nmain = \"lot\"\n{LANE}");
    let site = Site::new(&rest, "[mqtt]\ncam = \"a\"\n");
    std::fs::create_dir_all(site.folder.path().join("tariffs")).unwrap();
    site.folder.write("tariffs/lot.toml", SHEET, 0o644);
    site
}

fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn tariff(site: &Site, command: &str, rest: &[&str]) -> Output {
    let mut call = paifang();
    call.args(["tariff", command, "--config"]).arg(site.config()).args(rest).output().unwrap()
}

#[test]
fn a_case_is_quoted_line_by_line() {
    let site = site();
    let stay = ["--from", "2026-11-23T08:00", "--to", "2026-11-23T09:40"];
    let text = told(&tariff(&site, "quote", &stay));
    assert!(text.starts_with("lot: ¥11.00\n") && text.contains("08:00"), "{text}");
    let large =
        [&stay[..], &["--class", "large", "--benefit", "percent:50", "--benefit", "amount:1"]];
    assert!(told(&tariff(&site, "quote", &large.concat())).starts_with("lot: ¥10.00\n"));
    let paid = [&stay[..], &["--paid", "2026-11-23T08:30=6"]].concat();
    assert!(told(&tariff(&site, "quote", &paid)).contains("due ¥5.00"));
    let hourly = [&stay[..], &["--tariff", "hourly", "--lang", "zh"]].concat();
    assert!(told(&tariff(&site, "quote", &hourly)).starts_with("hourly: ¥10.00\n"));
    for bad in [&["--benefit", "gift"][..], &["--tariff", "none"], &["--class", "tank"]] {
        let answer = tariff(&site, "quote", &[&stay[..], bad].concat());
        let text = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(!answer.status.success() && text.contains(bad[1]), "{text}");
    }
}

#[test]
fn a_tariff_is_explained_tabled_and_drawn() {
    let site = site();
    let text = told(&tariff(&site, "explain", &["lot"]));
    assert!(text.contains("East gate") && text.contains("首"), "both languages: {text}");
    assert!(text.contains("Up to 15 min free") && text.contains("[large vehicles]"), "{text}");
    let csv =
        ["--from", "2026-11-23T08:00", "--also-from", "2026-11-28T20:00", "--minutes", "15,90"];
    let text = told(&tariff(&site, "table", &[&csv[..], &["--format", "csv"]].concat()));
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows[0], "minutes,Mon 2026-11-23 08:00,Sat 2026-11-28 20:00");
    assert_eq!(rows[1..], ["15,0.00,0.00", "90,8.50,8.50"]);
    let file = site.folder.path().join("fees.svg");
    let to = file.to_str().unwrap();
    let draw = ["--from", "2026-11-23T08:00", "--beside", "hourly", "--hours", "12", "--to", to];
    told(&tariff(&site, "chart", &draw));
    let svg = std::fs::read_to_string(file).unwrap();
    assert!(svg.starts_with("<svg xmlns=") && svg.contains(">hourly</text>"), "{svg}");
}

#[test]
fn mistakes_of_files_name_line_and_key() {
    let folder = Folder::new();
    let good = folder.write("good.toml", SHEET, 0o644);
    let bad = folder.write("bad.toml", &SHEET.replace("30m", "30"), 0o644);
    let output = paifang().args(["tariff", "check"]).args([&good, &bad]).output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(!output.status.success() && out.contains("good.toml: lot, no mistakes"), "{out}");
    assert!(err.contains("bad.toml:7:") && err.contains("length of time"), "{err}");
    let text = told(&tariff(&site(), "check", &[]));
    assert!(text.contains("lot: 1 version(s), the main one") && text.contains("hourly"), "{text}");
}

/// So many stays that left, of each length from 0 to 599 minutes in turn.
fn stays(site: &Site, count: i64) {
    told(&site.run(&["migrate"]));
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
    let lane = LaneId::parse("in").unwrap();
    let left = |nth: i64| {
        let plate = Plate::parse(&format!("京A{nth:05}")).unwrap();
        let entered_at = start + SignedDuration::from_hours(nth % 10 * 24);
        let left_at = entered_at + SignedDuration::from_mins(nth % 600);
        let stay = Stay::new(StayId(nth), plate, lane.clone(), Zones::only(), entered_at);
        let (state, left_at) = (StayState::Left, Some(left_at));
        Change::Stay(Stay { state, left_at, paid_minor: 500, ..stay })
    };
    let changes: Vec<Change> = (1..=count).map(left).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut store = Store::open(&site.database(), Options::default()).await.unwrap();
        store.writer.commit(start, &changes).await.unwrap();
    });
}

#[test]
fn a_past_period_is_priced_by_two_tariffs() {
    let site = site();
    stays(&site, 1_200);
    let period = ["hourly", "lot", "--from", "2026-11-01", "--to", "2026-11-10"];
    let text = told(&tariff(&site, "compare", &period));
    let all = text.lines().find(|line| line.starts_with("all ")).unwrap();
    let words: Vec<&str> = all.split_whitespace().collect();
    // Each length of 0 to 599 minutes twice. By `hourly`: started hours at 5, at most 40 from the eighth on.
    // By `lot`: free up to 15, then 6, then 2.50 for each started half hour.
    let hourly: i64 = (0..600).map(|m: i64| ((m + 59) / 60 * 500).min(4_000)).sum();
    let lot = |m: i64| if m <= 15 { 0 } else { 600 + (m - 60 + 29).max(0) / 30 * 250 };
    let lot: i64 = (0..600).map(lot).sum();
    let money = |minor: i64| format!("¥{}.{:02}", minor / 100, minor % 100);
    assert_eq!(words[1..5], ["1200", "¥6000.00", &money(2 * hourly), &money(2 * lot)]);
    assert_eq!(text.lines().filter(|line| line.starts_with("2026-11-")).count(), 10, "{text}");
    assert!(text.contains("Save most by b") && text.contains("Pay most more by b"), "{text}");
    assert!(!text.contains("京A"), "no plate is told: {text}");
    let one_day = ["hourly", "lot", "--from", "2026-11-03", "--to", "2026-11-03"];
    let text = told(&tariff(&site, "compare", &one_day));
    let all = text.lines().find(|line| line.starts_with("all ")).unwrap();
    assert_eq!(all.split_whitespace().nth(1), Some("120"), "{text}");
}
