//! The ticket's page in a real browser: what it draws is read by others, changes with the site's clock, and goes on
//! without network.

use std::{path::Path, process::Command, time::Duration};

use super::{DAY, ELEVEN, links, ordered, pay, shop::keys};
use crate::{
    core::presented::{Presented, Shown},
    http::tests::{phone::Phone, site::Site},
};

/// A shot of a page, read by zbarimg. `None`: one of the two is not installed.
async fn read(profile: &Path, url: &str) -> Option<String> {
    let (profile, url) = (profile.to_owned(), url.to_owned());
    tokio::task::spawn_blocking(move || read_now(&profile, &url)).await.unwrap()
}

fn read_now(profile: &Path, url: &str) -> Option<String> {
    let shot = profile.join("shot.png");
    let _ = std::fs::remove_file(&shot);
    // A browser that hangs is ended after a minute.
    Command::new("timeout")
        .args(["60", "chromium", "--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--hide-scrollbars", "--window-size=400,900"])
        // Long enough for the page to ask for the time, draw, and be kept for later.
        .arg("--virtual-time-budget=3000")
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--screenshot={}", shot.display()))
        .arg(url)
        .output()
        .ok()
        .filter(|done| done.status.code() != Some(127))?;
    let seen = Command::new("zbarimg").args(["--raw", "-q"]).arg(&shot).output().ok()?;
    Some(String::from_utf8_lossy(&seen.stdout).trim_end_matches('\n').to_owned())
}

#[tokio::test]
async fn what_a_browser_draws_opens_a_gate_for_a_minute_also_without_network() {
    let site = Site::scenic();
    let (address, stop) = site.serve().await;
    let phone = Phone::new(address);
    let wish = [("day", DAY), ("key", "k1"), ("slot-day", ELEVEN), ("n-adult", "1")];
    let (here, order) = ordered(&phone, &wish).await;
    pay(&site, order);
    let ticket = links(&phone.text(&here).await, "/t/").remove(0);
    let url = format!("http://{address}{ticket}");
    let profile = std::env::temp_dir().join(format!("paifang-browser-{}", std::process::id()));
    std::fs::create_dir_all(&profile).unwrap();
    let now = site.world().now;
    let Some(first) = read(&profile, &url).await else {
        eprintln!("left out: chromium or zbarimg is not installed");
        return;
    };
    assert_eq!(first.len(), 149, "{first}");
    // The browser's clock goes on while it works, the site's stands still.
    let good = |text: &str, since: i64| {
        let at = |s: i64| {
            now + Duration::from_secs(since.unsigned_abs()) + Duration::from_secs(s.unsigned_abs())
        };
        (0..120)
            .step_by(15)
            .any(|s| matches!(keys().read(text, at(s)), Presented::Signed(_, Shown::Changing, _)))
    };
    assert!(good(&first, 0), "{first}");
    let late = now + Duration::from_mins(10);
    assert!(matches!(keys().read(&first, late), Presented::Bad(_)), "a picture dies");
    // The site's clock goes on by five minutes; so does the code, though the phone's does not.
    site.world().now = now + Duration::from_mins(5);
    let second = read(&profile, &url).await.unwrap();
    assert_ne!(first, second);
    assert!(good(&second, 300) && !good(&second, 0), "{second}");
    // No network: the page is kept, and so is how far the phone's clock is off.
    stop.send(true).unwrap();
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("the site stops");
    let mut offline = read(&profile, &url).await.unwrap();
    if offline.is_empty() {
        offline = read(&profile, &url).await.unwrap();
    }
    assert!(good(&offline, 300), "{offline}");
    let _ = std::fs::remove_dir_all(&profile);
}
