//! The link against Debian's mosquitto, and the rules as mosquitto reads them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_enforces_the_same_rules() {
    let broker = Mosquitto::start(free_port()).await;
    let mut daemon = Daemon::start(broker.addr).await;
    assert!(!publish(broker.addr, "", &up("cam1"), "anonymous").status.success());
    publish(broker.addr, "cam1", &up("cam2"), "foreign");
    publish(broker.addr, "cam1", &down("cam1"), "downwards");
    publish(broker.addr, "cam1", &up("cam1"), "own");
    assert_eq!(daemon.payload().await, "own");
    let mut everything = Listener::start(broker.addr, "cam1", "#", &[]).await;
    daemon.link.publish(&down("cam2"), b"not yours".to_vec()).unwrap();
    daemon.link.publish(&down("cam1"), b"yours".to_vec()).unwrap();
    assert_eq!(everything.next().await, format!("{} yours", down("cam1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told() {
    let broker = Mosquitto::start(free_port()).await;
    let settings = Settings { password: "wrong".into(), ..settings(broker.addr) };
    let link = Link::start(&settings, vec![], mpsc::channel(1).0).unwrap();
    let mut status = link.status();
    let told = status.wait_for(
        |status| matches!(status, LinkStatus::Down { why } if why.contains("user name and password")),
    );
    timeout(LIMIT, told).await.expect("the refusal").unwrap();
    let error = link.publish(&down("cam1"), b"open".to_vec()).unwrap_err();
    assert!(error.to_string().contains("user name and password"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_comes_back_and_sends_nothing_old() {
    let port = free_port();
    let broker = Mosquitto::start(port).await;
    let addr = broker.addr;
    let mut daemon = Daemon::start(addr).await;
    // One command dies with the broker, unread; one is refused for want of a broker.
    signal(&broker.child, "-STOP");
    daemon.link.publish(&down("cam1"), b"stale".to_vec()).unwrap();
    drop(broker);
    daemon.is_down().await;
    let error = daemon.link.publish(&down("cam1"), b"stale".to_vec()).unwrap_err();
    assert!(matches!(error, PublishError::Offline { .. }), "{error}");

    let _broker = Mosquitto::start(port).await;
    let mut barrier = Listener::start(addr, "cam1", &down("cam1"), &[]).await;
    daemon.is_up().await;
    publish(addr, "cam1", &up("cam1"), "after");
    assert_eq!(daemon.payload().await, "after");
    daemon.link.publish(&down("cam1"), b"fresh".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} fresh", down("cam1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_acknowledged_comes_again() {
    let broker = Mosquitto::start(free_port()).await;
    let mut daemon = Daemon::start(broker.addr).await;
    publish(broker.addr, "cam1", &up("cam1"), "safe");
    publish(broker.addr, "cam1", &up("cam1"), "unsafe");
    assert_eq!(daemon.payload().await, "safe");
    let first = daemon.next().await;
    assert_eq!((&first.payload[..], first.dup), (&b"unsafe"[..], false));
    daemon.link.stop().await;
    // An acknowledgement given after the connection is gone must not reach the next one.
    first.ack.done();

    let mut daemon = Daemon::start(broker.addr).await;
    let again = daemon.next().await;
    assert_eq!((&again.payload[..], again.dup), (&b"unsafe"[..], true));
    again.ack.done();
    publish(broker.addr, "cam1", &up("cam1"), "next");
    assert_eq!(daemon.payload().await, "next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_message_is_marked() {
    let broker = Mosquitto::start(free_port()).await;
    let kept = client("mosquitto_pub", broker.addr, "cam1")
        .args(["-r", "-t", &up("cam1"), "-m", "kept"])
        .output();
    assert!(kept.unwrap().status.success());
    let mut daemon = Daemon::start(broker.addr).await;
    let message = daemon.next().await;
    assert_eq!((&message.payload[..], message.retain), (&b"kept"[..], true));
    message.ack.done();

    daemon.link.publish(&down("cam1"), b"gone".to_vec()).unwrap();
    until("the answer", || daemon.link.round_trip_us()).await;
    let mut barrier = Listener::start(broker.addr, "cam1", &down("cam1"), &[]).await;
    daemon.link.publish(&down("cam1"), b"now".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} now", down("cam1")), "commands are not kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_limit_does_not_block_the_ones_behind_it() {
    let broker = Mosquitto::start(free_port()).await;
    let settings = Settings { packet_bytes_max: 100_000, ..settings(broker.addr) };
    let mut daemon = Daemon::with(&settings, 10).await;
    assert!(publish_file(broker.addr, "cam1", &up("cam1"), 300_000).status.success());
    publish(broker.addr, "cam1", &up("cam1"), "behind");
    assert_eq!(daemon.payload().await, "behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_owner_loses_nothing_and_keeps_the_link() {
    const MESSAGES: usize = 60;
    let broker = Mosquitto::start(free_port()).await;
    let settings = Settings { keep_alive_s: 1, ..settings(broker.addr) };
    let mut daemon = Daemon::with(&settings, 1).await;
    let mut sender = client("mosquitto_pub", broker.addr, "cam1")
        .args(["-l", "-t", &up("cam1")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = sender.stdin.take().unwrap();
    (0..MESSAGES).for_each(|number| writeln!(stdin, "{number}").unwrap());
    drop(stdin);
    assert!(sender.wait().unwrap().success());
    // The broker gives a silent client one and a half keep-alives.
    let down = timeout(Duration::from_millis(2_500), daemon.is_down()).await;
    assert!(down.is_err(), "the link went down: {down:?}");
    for number in 0..MESSAGES {
        assert_eq!(daemon.payload().await, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_gets_no_commands_to_sit_on() {
    let broker = Mosquitto::start(free_port()).await;
    let daemon = Daemon::start(broker.addr).await;
    signal(&broker.child, "-STOP");
    let refused = until("a refusal", || daemon.link.publish(&down("cam1"), b"open".to_vec()).err());
    let refused = refused.await;
    signal(&broker.child, "-CONT");
    assert!(matches!(refused, PublishError::Silent { .. }), "{refused}");
    until("the broker's answer", || daemon.link.publish(&down("cam1"), vec![]).ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_holds_small_packets_back_is_found_out() {
    for (more, holds_back) in [("set_tcp_nodelay true", false), ("set_tcp_nodelay false", true)] {
        let broker = Mosquitto::with(free_port(), more).await;
        let daemon = Daemon::start(broker.addr).await;
        // On a busy machine the kernel acknowledges at other times than usual, so one probe may err.
        let mut probes = Vec::new();
        while probes.len() < 40 && !probes.iter().any(|us| (*us > 20_000) == holds_back) {
            probes.push(daemon.link.probe_us("paifang/probe").await.unwrap());
        }
        assert!(probes.iter().any(|us| (*us > 20_000) == holds_back), "{more}: {probes:?} us");
    }
}
