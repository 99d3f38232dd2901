//! Who is subscribed to what until when, and what is to be done next. Pure: the time is passed in, and what has to be
//! written is handed out.

use std::collections::{BTreeMap, HashMap, VecDeque};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Mode, Progress, Refusal, Request, Rules, Seen};
use crate::{model::Time, status::HubStatus};

/// Prefix of the store's states that hold leases.
pub const LEASES: &str = "hub/lease/";
/// Requests that wait for their verification or are being verified.
const MOST_PENDING: usize = 256;
/// Each request may cost a write, so a minute takes only so many.
const REQUESTS_PER_MINUTE: u32 = 300;
/// Callbacks that are being asked at the same time, most of which may never answer.
const VERIFICATIONS: usize = 128;
/// Callbacks that are being told at the same time. Apart from those that are asked, so that these delay no delivery.
const DELIVERIES: usize = 32;
/// Of callbacks at one host, so that a slow one keeps nobody else waiting.
const AT_ONE_HOST: usize = 4;
const MOST_SPARE: TimeDelta = TimeDelta::days(1);

/// A subscription that its owner has confirmed; kept in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub topic: String,
    pub callback: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    pub expires: Time,
    /// The topic's [`Seen::heads`] when it was made: unless more is known, what came after is to be delivered.
    pub after: u64,
    host: String,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    Verify(Request),
    Deliver(Lease),
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Taken(Seen),
    Failed,
    /// The topic could not be made, so nothing was sent.
    Unmade,
    /// 410: the callback wants no more.
    Gone,
}

#[derive(Debug)]
struct Listener {
    lease: Lease,
    progress: Progress,
    /// When the lease that is kept runs out, which is a while later than this one.
    kept_until: Time,
}

#[derive(Debug, Default)]
struct Topic {
    current: Option<Seen>,
    /// By callback.
    listeners: BTreeMap<String, Listener>,
    /// Whether there is progress to be kept.
    moved: bool,
}

#[derive(Debug)]
pub struct Subscriptions {
    rules: Rules,
    topics: BTreeMap<String, Topic>,
    /// How many leases each callback host has.
    hosts: HashMap<String, usize>,
    waiting: VecDeque<Request>,
    verifying: Vec<Request>,
    /// Callbacks that are being asked or told something, by topic and callback, with their hosts.
    busy: BTreeMap<(String, String), String>,
    /// The minute that requests are counted in, and their number.
    minute: (i64, u32),
    writes: Vec<(String, Option<Value>)>,
    counts: HubStatus,
    random: fastrand::Rng,
}

impl Subscriptions {
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            topics: BTreeMap::new(),
            hosts: HashMap::new(),
            waiting: VecDeque::new(),
            verifying: Vec::new(),
            busy: BTreeMap::new(),
            minute: (0, 0),
            writes: Vec::new(),
            counts: HubStatus::default(),
            random: fastrand::Rng::new(),
        }
    }

    /// What is taken on from now on; who is subscribed stays so.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Takes up a lease that was kept.
    pub fn restore(&mut self, lease: Lease) {
        let (progress, kept_until) = (Progress::after(lease.after), lease.expires);
        self.put(Listener { lease, progress, kept_until });
    }

    /// Takes up how far a topic's listeners were told, as [`Subscriptions::take_progress`] gave it.
    pub fn restore_progress(&mut self, topic: &str, kept: Value) {
        let Ok(mut kept) = serde_json::from_value::<HashMap<String, Progress>>(kept) else { return };
        let Some(topic) = self.topics.get_mut(topic) else { return };
        for (callback, listener) in &mut topic.listeners {
            if let Some(progress) = kept.remove(callback) {
                listener.progress = progress;
            }
        }
    }

    /// Puts a request in line to be verified.
    pub fn receive(&mut self, request: Request, now: Time) -> Result<(), Refusal> {
        let minute = now.timestamp() / 60;
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        self.minute.1 = self.minute.1.saturating_add(1);
        self.waiting.retain(|other| other.topic != request.topic || other.callback != request.callback);
        if self.minute.1 > REQUESTS_PER_MINUTE || self.pending() >= MOST_PENDING {
            return Err(Refusal::Busy);
        }
        let known = self.lease(&request.topic, request.callback.as_str()).is_some();
        if request.mode == Mode::Subscribe && !known {
            self.check_room(&request)?;
        }
        self.waiting.push_back(request);
        Ok(())
    }

    /// Takes a request out of the line, if it still stands there.
    pub fn withdraw(&mut self, request: &Request) {
        self.waiting.retain(|other| other != request);
    }

    fn pending(&self) -> usize {
        self.waiting.len() + self.verifying.len()
    }

    fn check_room(&self, request: &Request) -> Result<(), Refusal> {
        let coming = || self.waiting.iter().chain(&self.verifying).filter(|other| other.mode == Mode::Subscribe);
        let of_topic = self.topics.get(&request.topic).map_or(0, |topic| topic.listeners.len());
        if of_topic + coming().filter(|other| other.topic == request.topic).count() >= self.rules.per_topic {
            return Err(Refusal::TopicFull);
        }
        let of_host = self.hosts.get(request.host()).copied().unwrap_or(0);
        if of_host + coming().filter(|other| other.host() == request.host()).count() >= self.rules.per_host {
            return Err(Refusal::HostFull);
        }
        Ok(())
    }

    /// How many leases there are.
    pub fn len(&self) -> usize {
        self.hosts.values().sum()
    }

    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    pub fn status(&self) -> HubStatus {
        HubStatus { verified: self.len(), pending: self.pending(), ..self.counts }
    }

    pub fn lease(&self, topic: &str, callback: &str) -> Option<&Lease> {
        Some(&self.topics.get(topic)?.listeners.get(callback)?.lease)
    }

    /// The topics that anybody is subscribed to.
    pub fn watched(&self) -> Vec<String> {
        self.topics.keys().cloned().collect()
    }

    /// Whether the topic is at another version than it last was here.
    pub fn is_news(&self, topic: &str, heads: u64) -> bool {
        self.topics.get(topic).is_some_and(|topic| topic.current.is_none_or(|current| current.heads != heads))
    }

    /// The topic is now at this version.
    pub fn moved(&mut self, topic: &str, current: Seen) {
        if let Some(topic) = self.topics.get_mut(topic) {
            topic.current = Some(current);
        }
    }

    /// What to do next, if anything. It counts as being done until [`Subscriptions::verified`] or
    /// [`Subscriptions::delivered`] is called.
    pub fn next(&mut self, now: Time) -> Option<Task> {
        self.next_verification().map(Task::Verify).or_else(|| self.next_delivery(now).map(Task::Deliver))
    }

    fn next_verification(&mut self) -> Option<Request> {
        if self.verifying.len() >= VERIFICATIONS {
            return None;
        }
        let free = |request: &Request| !self.is_busy(&request.topic, request.callback.as_str(), request.host());
        let request = self.waiting.iter().position(free).and_then(|position| self.waiting.remove(position))?;
        let key = (request.topic.clone(), request.callback.to_string());
        self.busy.insert(key, request.host().to_owned());
        self.verifying.push(request.clone());
        Some(request)
    }

    fn next_delivery(&mut self, now: Time) -> Option<Lease> {
        if self.busy.len() - self.verifying.len() >= DELIVERIES {
            return None;
        }
        let due = self.topics.values().filter_map(|topic| Some((topic.current?, &topic.listeners)));
        let lease = due
            .flat_map(|(current, listeners)| listeners.values().map(move |listener| (current, listener)))
            .filter(|(current, Listener { lease, progress, .. })| {
                progress.is_behind(current) && progress.may_try(now) && lease.expires > now
            })
            .map(|(_, listener)| &listener.lease)
            .find(|lease| !self.is_busy(&lease.topic, &lease.callback, &lease.host))?
            .clone();
        self.busy.insert((lease.topic.clone(), lease.callback.clone()), lease.host.clone());
        Some(lease)
    }

    fn is_busy(&self, topic: &str, callback: &str, host: &str) -> bool {
        self.busy.contains_key(&(topic.to_owned(), callback.to_owned()))
            || self.busy.values().filter(|other| *other == host).count() >= AT_ONE_HOST
    }

    /// The callback has answered whether the request is meant. `heads` is where the topic stands.
    pub fn verified(&mut self, request: &Request, meant: bool, heads: u64, now: Time) {
        let callback = request.callback.as_str();
        self.busy.remove(&(request.topic.clone(), callback.to_owned()));
        self.verifying.retain(|other| other != request);
        if !meant {
            return;
        }
        if request.mode == Mode::Unsubscribe {
            self.remove(&request.topic, callback);
            return;
        }
        let earlier = self.topics.get(&request.topic).and_then(|topic| topic.listeners.get(callback));
        let progress = earlier.map_or_else(|| Progress::after(heads), |listener| listener.progress);
        let lease = Lease {
            topic: request.topic.clone(),
            callback: callback.to_owned(),
            secret: request.secret.clone(),
            expires: now + request.lease,
            after: progress.heads().unwrap_or(heads),
            host: request.host().to_owned(),
        };
        let still_kept = earlier.filter(|earlier| earlier.keeps(&lease)).map(|earlier| earlier.kept_until);
        let kept_until = still_kept.unwrap_or_else(|| lease.expires + spare(request.lease));
        if still_kept.is_none()
            && let Ok(value) = serde_json::to_value(Lease { expires: kept_until, ..lease.clone() })
        {
            self.writes.push((key(&lease.topic, &lease.callback), Some(value)));
        }
        self.put(Listener { lease, progress, kept_until });
    }

    /// Whether the subscription is given up.
    pub fn delivered(&mut self, lease: &Lease, outcome: Outcome, now: Time) -> bool {
        self.busy.remove(&(lease.topic.clone(), lease.callback.clone()));
        let Some(topic) = self.topics.get_mut(&lease.topic) else { return false };
        let Some(Listener { progress, .. }) = topic.listeners.get_mut(&lease.callback) else { return false };
        topic.moved = true;
        let dead = match outcome {
            Outcome::Taken(seen) => {
                self.counts.delivered += 1;
                progress.told(seen);
                false
            }
            Outcome::Failed => {
                self.counts.failed += 1;
                progress.failed(now, self.rules.first_retry, self.random.f64())
            }
            Outcome::Unmade => {
                progress.postpone(now);
                false
            }
            Outcome::Gone => true,
        };
        if dead {
            self.counts.gone += 1;
            self.remove(&lease.topic, &lease.callback);
        }
        dead
    }

    /// Lets go of the leases that have run out, and says how many these were.
    pub fn expire(&mut self, now: Time) -> usize {
        let listeners = self.topics.values().flat_map(|topic| topic.listeners.values());
        let over: Vec<Lease> =
            listeners.filter(|listener| listener.lease.expires <= now).map(|listener| listener.lease.clone()).collect();
        for lease in &over {
            self.remove(&lease.topic, &lease.callback);
        }
        over.len()
    }

    /// What to write durably since the last call.
    pub fn take_writes(&mut self) -> Vec<(String, Option<Value>)> {
        std::mem::take(&mut self.writes)
    }

    /// Writes that failed and have to be made before any later ones.
    pub fn return_writes(&mut self, mut writes: Vec<(String, Option<Value>)>) {
        writes.append(&mut self.writes);
        self.writes = writes;
    }

    /// How far the listeners of each topic that moved since the last call were told. It may be lost: then they are
    /// told once more.
    pub fn take_progress(&mut self) -> Vec<(String, Value)> {
        let mut kept = Vec::new();
        for (name, topic) in &mut self.topics {
            if std::mem::take(&mut topic.moved) {
                let progress: BTreeMap<&String, Progress> =
                    topic.listeners.iter().map(|(callback, listener)| (callback, listener.progress)).collect();
                kept.push((name.clone(), serde_json::to_value(progress).unwrap_or_default()));
            }
        }
        kept
    }

    fn put(&mut self, listener: Listener) {
        let Lease { topic, callback, host, .. } = listener.lease.clone();
        let topic = self.topics.entry(topic).or_default();
        if topic.listeners.insert(callback, listener).is_none() {
            topic.moved = true;
            *self.hosts.entry(host).or_default() += 1;
        }
    }

    fn remove(&mut self, topic: &str, callback: &str) {
        let Some(listeners) = self.topics.get_mut(topic).map(|topic| &mut topic.listeners) else { return };
        let Some(Listener { lease, .. }) = listeners.remove(callback) else { return };
        if listeners.is_empty() {
            self.topics.remove(topic);
        }
        if let Some(count) = self.hosts.get_mut(&lease.host) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(&lease.host);
            }
        }
        self.writes.push((key(topic, callback), None));
    }
}

impl Listener {
    /// Whether what is kept of the lease is as good as `renewed`.
    fn keeps(&self, renewed: &Lease) -> bool {
        renewed.expires <= self.kept_until && renewed.secret == self.lease.secret && renewed.host == self.lease.host
    }
}

/// By how much longer a lease is kept than it was granted, so that a subscriber who renews it over and over costs no
/// write each time. After a restart it lasts by so much longer.
fn spare(lease: TimeDelta) -> TimeDelta {
    (lease / 10).min(MOST_SPARE)
}

/// The state that holds the lease of `callback` on `topic`.
fn key(topic: &str, callback: &str) -> String {
    let digest = Sha256::digest(format!("{topic}\n{callback}"));
    let digits: Vec<String> = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{LEASES}{}", digits.concat())
}
