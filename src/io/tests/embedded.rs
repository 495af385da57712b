//! The embedded broker: who gets in, who may say what, and what is never delivered late.

use super::*;
use crate::io::broker::{self, Broker, BrokerError, STALE_AFTER_MS};

fn start() -> Broker {
    start_at(0)
}

fn start_at(port: u16) -> Broker {
    let listen = ([127, 0, 0, 1], port).into();
    Broker::start(broker::Settings { listen, accounts: accounts(), ..Default::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_password_gets_in() {
    let broker = start();
    let knock = |args: &[&str]| {
        let port = broker.addr().port().to_string();
        let output = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &port, "-t", &up("cam1"), "-m", "x"])
            .args(args)
            .output()
            .unwrap();
        (output.status.success(), text(&output))
    };
    assert!(knock(&["-u", "cam1", "-P", "cam1-secret"]).0);
    assert!(knock(&["-V", "mqttv5", "-u", "cam1", "-P", "cam1-secret"]).0);
    for args in [
        &["-u", "cam1", "-P", "cam2-secret"][..],
        &["-u", "cam1"],
        &["-u", "nobody", "-P", "cam1-secret"],
        &[],
        &["-V", "mqttv5"],
    ] {
        let (success, words) = knock(args);
        assert!(
            !success && (words.contains("Refused") || words.contains("Bad User")),
            "{args:?}: {words}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_speaks_on_its_own_topics_only() {
    let broker = start();
    let mut daemon = Daemon::start(broker.addr()).await;
    let mut barrier = Listener::start(broker.addr(), "cam2", &down("cam2"), &[]).await;
    for topic in [up("cam2"), down("cam2"), down("cam1"), "other".into()] {
        publish(broker.addr(), "cam1", &topic, "foreign");
    }
    publish(broker.addr(), "cam1", &up("cam1"), "own");
    assert_eq!(daemon.payload().await, "own");
    daemon.link.publish(&down("cam2"), b"open".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} open", down("cam2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_hears_its_own_topics_only() {
    let broker = start();
    let mut daemon = Daemon::start(broker.addr()).await;
    for filter in ["#", "device/#", "device/+/message/down/#", &down("cam2"), "$SYS/#"] {
        // It ends by itself when nothing is granted; the time limit would be a granted one's end.
        let output = client("mosquitto_sub", broker.addr(), "cam1")
            .args(["-t", filter, "-W", "5"])
            .output()
            .unwrap();
        assert!(text(&output).contains("All subscription requests were denied"), "{filter}");
    }
    let mut listener =
        Listener::start(broker.addr(), "cam1", "device/cam1/message/down/+", &[]).await;
    daemon.link.publish(&down("cam2"), b"not yours".to_vec()).unwrap();
    daemon.link.publish(&down("cam1"), b"yours".to_vec()).unwrap();
    assert_eq!(listener.next().await, format!("{} yours", down("cam1")));
    publish(broker.addr(), "cam1", &up("cam1"), "still there");
    assert_eq!(daemon.payload().await, "still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_will_obeys_the_rules() {
    let broker = start();
    let mut daemon = Daemon::start(broker.addr()).await;
    for (topic, payload) in [(up("cam2"), "foreign will"), (up("cam1"), "own will")] {
        let will = ["--will-topic", &topic, "--will-payload", payload, "--will-qos", "1"];
        Listener::start(broker.addr(), "cam1", &down("cam1"), &will).await.kill();
    }
    assert_eq!(daemon.payload().await, "own will");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_for_later() {
    let broker = start();
    let retained = client("mosquitto_pub", broker.addr(), "cam1")
        .args(["-r", "-t", &up("cam1"), "-m", "kept"])
        .output();
    assert!(retained.unwrap().status.success());
    let mut daemon = Daemon::start(broker.addr()).await;

    // A barrier with a lasting session loses power; the command sent meanwhile must not reach it.
    let lasting = ["-c", "-i", "barrier"];
    Listener::start(broker.addr(), "cam1", &down("cam1"), &lasting).await.kill();
    daemon.link.publish(&down("cam1"), b"stale".to_vec()).unwrap();
    publish(broker.addr(), "cam1", &up("cam1"), "fence");
    let fence = daemon.next().await;
    assert_eq!((&fence.payload[..], fence.retain), (&b"fence"[..], false), "the retained one");
    fence.ack.done();
    let mut barrier = Listener::start(broker.addr(), "cam1", &down("cam1"), &lasting).await;
    daemon.link.publish(&down("cam1"), b"fresh".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} fresh", down("cam1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_grew_old_on_a_hanging_connection_is_thrown_away() {
    let broker = start();
    let daemon = Daemon::start(broker.addr()).await;
    let lasting = ["-c", "-i", "barrier"];
    let hanging = Listener::start(broker.addr(), "cam1", &down("cam1"), &lasting).await;
    signal(&hanging.child, "-STOP");
    daemon.link.publish(&down("cam1"), b"stale".to_vec()).unwrap();
    sleep(Duration::from_millis(STALE_AFTER_MS as u64 + 100)).await;
    // The device comes back on a new connection before the broker has missed the old one: the
    // library then hands the unacknowledged messages over to the new one.
    let mut barrier = Listener::start(broker.addr(), "cam1", &down("cam1"), &lasting).await;
    daemon.link.publish(&down("cam1"), b"fresh".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} fresh", down("cam1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn large_pictures_pass_and_too_large_ones_hurt_nobody_else() {
    const MIB: usize = 1024 * 1024;
    let broker = start();
    let mut daemon = Daemon::start(broker.addr()).await;
    let mut other = Listener::start(broker.addr(), "cam2", &down("cam2"), &[]).await;
    assert!(publish_file(broker.addr(), "cam1", &up("cam1"), 4 * MIB).status.success());
    assert_eq!(daemon.payload().await.len(), 4 * MIB);
    assert!(!publish_file(broker.addr(), "cam1", &up("cam1"), 5 * MIB).status.success());
    publish(broker.addr(), "cam1", &up("cam1"), "next");
    assert_eq!(daemon.payload().await, "next");
    daemon.link.publish(&down("cam2"), b"open".to_vec()).unwrap();
    assert_eq!(other.next().await, format!("{} open", down("cam2")));
    let error = daemon.link.publish(&down("cam2"), vec![0; 5 * MIB]).unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_pushed_off_by_another_account() {
    let broker = start();
    let daemon = Daemon::start(broker.addr()).await;
    let mut camera =
        Listener::start(broker.addr(), "cam1", &down("cam1"), &["-i", "same-id"]).await;
    for client_id in ["same-id", "paifang-test"] {
        let intruder = client("mosquitto_pub", broker.addr(), "cam2")
            .args(["-i", client_id, "-t", &up("cam2"), "-m", "x"])
            .output()
            .unwrap();
        assert!(!intruder.status.success(), "{client_id}: {}", text(&intruder));
    }
    daemon.link.publish(&down("cam1"), b"open".to_vec()).unwrap();
    assert_eq!(camera.next().await, format!("{} open", down("cam1")));
    // The same account may take its own client id over, and another once it is free.
    let mut again = Listener::start(broker.addr(), "cam1", &down("cam1"), &["-i", "same-id"]).await;
    daemon.link.publish(&down("cam1"), b"again".to_vec()).unwrap();
    assert_eq!(again.next().await, format!("{} again", down("cam1")));
    drop(camera);
    again.kill();
    until("the client id to be free", || {
        client("mosquitto_pub", broker.addr(), "cam2")
            .args(["-i", "same-id", "-t", &up("cam2"), "-m", "x"])
            .output()
            .is_ok_and(|output| output.status.success())
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_change_while_it_runs() {
    let broker = start();
    let mut daemon = Daemon::start(broker.addr()).await;
    let camera = Listener::start(broker.addr(), "cam1", &down("cam1"), &[]).await;
    let mut changed: Vec<Account> =
        accounts().into_iter().filter(|a| a.username != "cam1").collect();
    let rules = (vec![up("cam3")], vec![down("cam3")]);
    changed.push(Account::device("cam3", "cam3-secret", rules.0, rules.1));
    broker.set_accounts(changed.clone()).unwrap();

    assert!(!publish(broker.addr(), "cam1", &up("cam1"), "gone").status.success());
    camera.says("Refused").await;
    publish(broker.addr(), "cam3", &up("cam3"), "new");
    assert_eq!(daemon.payload().await, "new");
    assert_eq!(*daemon.link.status().borrow(), LinkStatus::Up, "the daemon was left alone");

    changed.push(changed[0].clone());
    assert!(broker.set_accounts(changed).is_err(), "a name used twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_names_subscriptions_the_broker_refuses() {
    let mut accounts = accounts();
    accounts[0].subscribe = vec!["device/#".into()];
    let listen = ([127, 0, 0, 1], 0).into();
    let broker =
        Broker::start(broker::Settings { listen, accounts, ..Default::default() }).unwrap();
    let daemon = Daemon::start(broker.addr()).await;
    daemon.link.subscribe(vec!["elsewhere/#".into(), "device/x".into()]).unwrap();
    let refused =
        until("the refusal", || Some(daemon.link.refused_filters()).filter(|f| !f.is_empty()));
    assert_eq!(refused.await, ["elsewhere/#"]);
    assert!(daemon.link.subscribe(vec!["a/#/b".into()]).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let listen = taken.local_addr().unwrap();
    let error = Broker::start(broker::Settings { listen, ..Default::default() }).unwrap_err();
    assert!(matches!(error, BrokerError::PortInUse { .. }));
    assert!(error.to_string().contains(&format!("port {} ", listen.port())), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_comes_back_after_a_restart_and_sends_nothing_old() {
    let broker = start();
    let addr = broker.addr();
    let mut daemon = Daemon::start(addr).await;
    daemon.link.subscribe(vec!["added/later".into()]).unwrap();
    broker.stop();
    daemon.is_down().await;
    let error = daemon.link.publish(&down("cam1"), b"stale".to_vec()).unwrap_err();
    assert!(matches!(error, PublishError::Offline { .. }), "{error}");

    let broker = start_at(addr.port());
    let mut barrier = Listener::start(addr, "cam1", &down("cam1"), &[]).await;
    daemon.is_up().await;
    daemon.link.publish(&down("cam1"), b"fresh".to_vec()).unwrap();
    assert_eq!(barrier.next().await, format!("{} fresh", down("cam1")));
    publish(addr, "cam1", &up("cam1"), "after");
    assert_eq!(daemon.payload().await, "after");
    daemon.link.publish("added/later", b"to myself".to_vec()).unwrap();
    assert_eq!(daemon.payload().await, "to myself");
    drop(broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_and_starts_on_the_same_port() {
    let mut broker = start();
    let addr = broker.addr();
    for _ in 0..5 {
        let camera = Listener::start(addr, "cam1", &down("cam1"), &[]).await;
        broker.stop();
        assert!(TcpStream::connect(addr).is_err(), "the port is free");
        broker = start_at(addr.port());
        drop(camera);
    }
    assert!(publish(addr, "cam1", &up("cam1"), "x").status.success());
}
