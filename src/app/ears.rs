//! Listens for a while to devices that the site file does not name: at a broker of the site's own by a second
//! connection, at the embedded one by letting strangers in as far as a quarantine. Answers nobody.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle};
use tracing::{info, warn};

use super::field::{Cameras, Strangers};
use crate::io::mqtt::{Link, Settings};

/// Messages of strangers that wait to be looked at.
const MESSAGES_MAX: usize = 64;

/// What is listened to besides our own devices' topics, and requests to `/device/...`, which are always heard.
#[derive(Debug)]
pub(super) enum Ears {
    /// Another connection to a broker of the site's own, for as long as the window is open.
    Broker { settings: Box<Settings>, cameras: Cameras },
    /// The embedded broker lets strangers in, hands over what they say and passes nothing on.
    #[cfg(feature = "embedded-broker")]
    Quarantine(crate::io::broker::Quarantine),
}

#[derive(Debug)]
pub(super) struct Listening {
    ears: Ears,
    strangers: Strangers,
    window: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Listening {
    pub(super) fn new(ears: Ears, strangers: Strangers) -> Self {
        Self { ears, strangers, window: Arc::default() }
    }

    /// Opens the ears; a window that is open already ends. Says what that means here.
    pub(super) fn open(&self, window: Duration) -> Vec<String> {
        let (task, note) = match &self.ears {
            Ears::Broker { settings, cameras } => {
                let task =
                    listen((**settings).clone(), cameras.clone(), self.strangers.clone(), window);
                (tokio::spawn(task), "at the broker: to every topic the daemon's account may read")
            }
            #[cfg(feature = "embedded-broker")]
            Ears::Quarantine(quarantine) => {
                let task = quarantined(quarantine.clone(), self.strangers.clone(), window);
                let note = "at the embedded broker: whoever signs in with a name it does not know is let in and \
                            heard, and what it says goes nowhere else";
                (tokio::spawn(task), note)
            }
        };
        let mut open = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = open.replace(task) {
            old.abort();
        }
        vec![note.into(), "over HTTP: to every POST /device/<any name>".into()]
    }
}

async fn listen(settings: Settings, cameras: Cameras, strangers: Strangers, window: Duration) {
    let (sink, mut messages) = mpsc::channel(MESSAGES_MAX);
    let link = match Link::start(&settings, vec!["#".into()], sink) {
        Ok(link) => link,
        Err(why) => return warn!(%why, "the broker cannot be listened to"),
    };
    let end = tokio::time::sleep(window);
    tokio::pin!(end);
    loop {
        let message = tokio::select! {
            () = &mut end => break,
            message = messages.recv() => message,
        };
        let Some(message) = message else { break };
        if !message.retain && cameras.heard_by(&message.topic, &message.payload).is_empty() {
            strangers.heard_mqtt("", &message.topic, &message.payload);
        }
        message.ack.done();
    }
    link.stop().await;
    info!("no longer listening to strangers at the broker");
}

#[cfg(feature = "embedded-broker")]
async fn quarantined(
    quarantine: crate::io::broker::Quarantine,
    strangers: Strangers,
    window: Duration,
) {
    let (sink, mut messages) = mpsc::channel(MESSAGES_MAX);
    let _open = quarantine.open(sink);
    let hear = async {
        while let Some(said) = messages.recv().await {
            strangers.heard_mqtt(&said.username, &said.topic, &said.payload);
        }
    };
    let _ = tokio::time::timeout(window, hear).await;
    info!("the broker no longer lets strangers in");
}
