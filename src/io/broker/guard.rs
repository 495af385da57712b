//! Every question the broker asks, answered: who may sign in, publish, subscribe, leave a will,
//! and which message is too old. The broker takes silence for consent, so nothing is left open.

use std::{
    collections::HashMap,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use rmqtt::{
    codec::{types::Publish as CodecPublish, v5::SubscribeAckReason},
    context::ServerContext,
    fitter::{DefaultFitter, Fitter, FitterManager},
    hook::{Handler, HookResult, Parameter, ReturnType, Type},
    session::Session,
    types::{
        AuthResult, ConnectInfo, Disconnect, FitterType, FromType, Id, ListenerConfig, Publish,
        PublishAclResult, Reason, Subscribe, SubscribeReturn, TopicName,
    },
    utils::timestamp_millis,
};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    account::{Account, Role, STALE_AFTER_MS},
    filter::{covers, matches},
    lease::Leases,
    quarantine::Quarantine,
};
use crate::io::bucket::{Bucket, Rate};

/// Where a will outside its account's rules goes: nobody can subscribe to it.
const NOWHERE: &str = "$paifang/refused";
/// The same complaint about the same account is logged once in this time.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(10);
/// Messages that may wait for the daemon: seconds of a full site's traffic.
const DAEMON_QUEUE_MAX: usize = 20_000;
/// Messages that may wait for one device: commands, of which few make sense at once.
const DEVICE_QUEUE_MAX: usize = 64;
/// How long the daemon's session outlives its connection.
const DAEMON_SESSION: Duration = Duration::from_hours(1);

struct Entry {
    account: Account,
    password: [u8; 32],
}

/// When it was last logged, and how often it was left out since.
type Complaint = (Instant, u64);

/// The accounts and what is remembered of the connections; shared by all answers.
#[derive(Default)]
pub(super) struct Guard {
    accounts: RwLock<HashMap<String, Arc<Entry>>>,
    leases: Leases,
    pub(super) quarantine: Quarantine,
    /// What each device may send; the daemon itself may send any number.
    rate: Option<Rate>,
    buckets: Mutex<HashMap<String, Bucket>>,
    complaints: Mutex<HashMap<(String, &'static str), Complaint>>,
}

impl Guard {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self { rate, ..Self::default() }
    }

    /// Puts `accounts` in place of the former ones; the names of those that changed or went.
    pub(super) fn replace(&self, accounts: Vec<Account>) -> Vec<String> {
        let fresh: HashMap<String, Arc<Entry>> = accounts
            .into_iter()
            .map(|account| {
                let password = digest(account.password.as_bytes());
                (account.username.clone(), Arc::new(Entry { account, password }))
            })
            .collect();
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *accounts, fresh);
        let same = |name: &str, entry: &Entry| {
            accounts.get(name).is_some_and(|new| new.account == entry.account)
        };
        former.iter().filter(|(name, entry)| !same(name, entry)).map(|(n, _)| n.clone()).collect()
    }

    /// Hooks this guard and its queue limits into the broker. Nothing is let through before.
    pub(super) async fn install(self: Arc<Guard>, context: &ServerContext) {
        let register = context.extends.hook_mgr().register();
        for question in [
            Type::ClientAuthenticate,
            Type::ClientConnected,
            Type::SessionTerminated,
            Type::ClientSubscribeCheckAcl,
            Type::MessagePublish,
            Type::MessagePublishCheckAcl,
            Type::MessageExpiryCheck,
            Type::MessageDropped,
        ] {
            register.add(question, Box::new(Answers(self.clone()))).await;
        }
        register.start().await;
        *context.extends.fitter_mgr_mut().await = Box::new(Limits(self));
    }

    fn entry(&self, username: &str) -> Option<Arc<Entry>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(username).cloned()
    }

    fn role(&self, username: &str) -> Role {
        self.entry(username).map_or(Role::Device, |entry| entry.account.role)
    }

    fn answer(&self, question: &Parameter<'_>) -> Option<HookResult> {
        match question {
            Parameter::ClientAuthenticate(info) => Some(HookResult::AuthResult(self.sign_in(info))),
            Parameter::ClientConnected(session) => {
                self.leases.hold(&session.id);
                None
            }
            Parameter::SessionTerminated(session, _) => {
                self.leases.release(&session.id);
                None
            }
            Parameter::ClientSubscribeCheckAcl(session, wish) => {
                Some(HookResult::SubscribeAclResult(self.subscribe(session, wish)))
            }
            Parameter::MessagePublishCheckAcl(session, publish) => {
                Some(HookResult::PublishAclResult(self.publish(session, publish)))
            }
            Parameter::MessagePublish(Some(session), from, publish)
                if matches!(from.typ(), FromType::LastWill) =>
            {
                self.will(session, publish)
            }
            Parameter::MessageExpiryCheck(session, _, publish) => {
                self.is_stale(session, publish).then_some(HookResult::MessageExpiry)
            }
            Parameter::MessageDropped(to, from, publish, reason) => {
                self.lost(to.as_ref(), &from.id, publish, reason);
                None
            }
            _ => None,
        }
    }

    fn sign_in(&self, info: &ConnectInfo) -> AuthResult {
        let (client_id, from) = (info.client_id(), info.ipaddress());
        let name = info.username().map_or("", |name| &**name);
        let entry = self.entry(name);
        let given = digest(info.password().map_or(&[][..], |password| &password[..]));
        // An unknown name costs the same work as a wrong password.
        let expected = entry.as_ref().map_or([0; 32], |entry| entry.password);
        let stranger = entry.is_none() && !name.is_empty() && self.quarantine.lets_in(name);
        if stranger {
            tracing::info!(
                username = name,
                ?from,
                "mqtt stranger let in, as far as the quarantine"
            );
        } else if !same_digest(&given, &expected) || entry.is_none() {
            // Names that are nobody's are counted together: they are the caller's to choose.
            let who = if entry.is_some() { name } else { "" };
            self.complain(who, "sign-in", |more| {
                tracing::warn!(
                    username = name,
                    client_id = &**client_id,
                    ?from,
                    more,
                    "mqtt sign-in refused: unknown user name or wrong password; \
                     compare the device's settings with its account"
                );
            });
            return AuthResult::BadUsernameOrPassword;
        }
        if let Err(holder) = self.leases.take(client_id, name, Instant::now()) {
            self.complain(name, "client id", |more| {
                tracing::warn!(
                    username = name,
                    client_id = &**client_id,
                    ?from,
                    holder,
                    more,
                    "mqtt sign-in refused: the client id is in use by another account; \
                     give each device its own client id"
                );
            });
            return AuthResult::NotAuthorized;
        }
        AuthResult::Allow(false, None)
    }

    fn subscribe(&self, session: &Session, wish: &Subscribe) -> SubscribeReturn {
        let name = session.id.username_ref();
        let granted = self.entry(name).is_some_and(|entry| {
            entry.account.subscribe.iter().any(|rule| covers(rule, &wish.topic_filter))
        });
        if granted {
            return SubscribeReturn::new_success(wish.opts.qos(), None);
        }
        self.complain(name, "subscribe", |more| {
            tracing::warn!(
                username = name,
                client_id = &*session.id.client_id,
                filter = &*wish.topic_filter,
                more,
                "mqtt subscription refused: outside the account's rules"
            );
        });
        SubscribeReturn::new_failure(SubscribeAckReason::NotAuthorized)
    }

    /// A refused message is thrown away and the connection kept: a camera that also speaks on a
    /// topic of its maker's must not be cut off from its plate reads.
    fn publish(&self, session: &Session, publish: &Publish) -> PublishAclResult {
        let name = session.id.username_ref();
        if self.quarantine.takes(name, &publish.topic, &publish.payload) || self.floods(name) {
            PublishAclResult::rejected(false, None)
        } else if self.may_publish(&session.id, &publish.topic) {
            self.mention_retain(&session.id, publish);
            PublishAclResult::allow()
        } else {
            self.refused_topic(&session.id, &publish.topic, "message");
            PublishAclResult::rejected(false, None)
        }
    }

    /// More than the daemon's queue can hold of one device would cost the others their place in it.
    fn floods(&self, name: &str) -> bool {
        let Some(rate) = self.rate.filter(|_| self.role(name) == Role::Device) else {
            return false;
        };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(name) && self.entry(name).is_some() {
            buckets.insert(name.to_owned(), Bucket::default());
        }
        let now = Instant::now().into_std();
        let floods = buckets.get_mut(name).is_some_and(|bucket| !bucket.take(rate, now));
        drop(buckets);
        if floods {
            self.complain(name, "flood", |more| {
                tracing::warn!(username = name, more, "mqtt messages dropped: far too many");
            });
        }
        floods
    }

    /// The broker asks about wills only here, where it takes another message but no refusal.
    fn will(&self, session: &Session, publish: &Publish) -> Option<HookResult> {
        if self.may_publish(&session.id, &publish.topic) {
            return None;
        }
        self.refused_topic(&session.id, &publish.topic, "will");
        let mut publish = publish.clone();
        publish.topic = TopicName::from_static(NOWHERE);
        Some(HookResult::Publish(publish))
    }

    fn may_publish(&self, who: &Id, topic: &str) -> bool {
        self.entry(who.username_ref())
            .is_some_and(|entry| entry.account.publish.iter().any(|rule| matches(rule, topic)))
    }

    fn refused_topic(&self, who: &Id, topic: &str, what: &'static str) {
        let name = who.username_ref();
        self.complain(name, what, |more| {
            tracing::warn!(
                username = name,
                client_id = &*who.client_id,
                topic,
                more,
                "mqtt {what} refused: the topic is outside the account's rules"
            );
        });
    }

    /// The broker is built without a store for retained messages: the flag has no effect.
    fn mention_retain(&self, who: &Id, publish: &Publish) {
        if publish.retain {
            let name = who.username_ref();
            self.complain(name, "retain", |more| {
                tracing::info!(
                    username = name,
                    topic = &*publish.topic,
                    more,
                    "mqtt message asks to be kept: passed on, not kept"
                );
            });
        }
    }

    fn is_stale(&self, session: &Session, publish: &Publish) -> bool {
        let age_ms = publish.create_time.map_or(0, |at| timestamp_millis() - at);
        age_ms > STALE_AFTER_MS && self.role(session.id.username_ref()) == Role::Device
    }

    fn lost(&self, to: Option<&Id>, from: &Id, publish: &Publish, reason: &Reason) {
        // Refusals were told where they were decided.
        if matches!(reason, Reason::PublishResult(_)) {
            return;
        }
        let (to, from) = (to.map_or("", Id::username_ref), from.username_ref());
        self.complain(to, "lost", |more| {
            tracing::warn!(
                to, from, topic = &*publish.topic, %reason, more,
                "mqtt message not delivered: the receiver is away, too slow, or it grew too old"
            );
        });
    }

    /// Logs through `log`, once in a while for each account and kind, with the number left out.
    fn complain(&self, who: &str, kind: &'static str, log: impl FnOnce(u64)) {
        let now = Instant::now();
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        let more = match complaints.get_mut(&(who.to_owned(), kind)) {
            Some((at, more)) if now - *at < COMPLAINT_PAUSE => {
                *more += 1;
                return;
            }
            Some((at, more)) => {
                *at = now;
                std::mem::take(more)
            }
            None => {
                complaints.insert((who.to_owned(), kind), (now, 0));
                0
            }
        };
        drop(complaints);
        log(more);
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Compares in a time that does not depend on where the difference is.
fn same_digest(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// The guard in the shape the broker calls.
struct Answers(Arc<Guard>);

impl Handler for Answers {
    fn hook<'life0, 'life1, 'async_trait>(
        &'life0 self,
        question: &'life1 Parameter<'_>,
        former: Option<HookResult>,
    ) -> Pin<Box<dyn Future<Output = ReturnType> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(ready((true, self.0.answer(question).or(former))))
    }
}

/// Queue lengths and session times by role.
struct Limits(Arc<Guard>);

impl FitterManager for Limits {
    fn create(&self, info: Arc<ConnectInfo>, id: Id, listener: ListenerConfig) -> FitterType {
        let role = self.0.role(id.username_ref());
        Arc::new(RoleLimits { role, usual: DefaultFitter::new(info, id, listener) })
    }
}

struct RoleLimits {
    role: Role,
    usual: DefaultFitter,
}

impl Fitter for RoleLimits {
    fn keep_alive(&self, keep_alive: &mut u16) -> rmqtt::Result<u16> {
        self.usual.keep_alive(keep_alive)
    }

    fn max_mqueue_len(&self) -> usize {
        match self.role {
            Role::Daemon => DAEMON_QUEUE_MAX,
            Role::Device => DEVICE_QUEUE_MAX,
        }
    }

    fn mqueue_rate_limit(&self) -> (std::num::NonZeroU32, Duration) {
        self.usual.mqueue_rate_limit()
    }

    fn max_inflight(&self) -> std::num::NonZeroU16 {
        self.usual.max_inflight()
    }

    fn session_expiry_interval(&self, _: Option<&Disconnect>) -> Duration {
        match self.role {
            Role::Daemon => DAEMON_SESSION,
            Role::Device => Duration::ZERO,
        }
    }

    fn message_expiry_interval(&self, publish: &CodecPublish) -> Duration {
        self.usual.message_expiry_interval(publish)
    }

    fn max_client_topic_aliases(&self) -> u16 {
        self.usual.max_client_topic_aliases()
    }

    fn max_server_topic_aliases(&self) -> u16 {
        self.usual.max_server_topic_aliases()
    }
}
