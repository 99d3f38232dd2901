//! Telling a hub elsewhere which topics have changed (WebSub leaves the way to hub and publisher; this one,
//! `hub.mode=publish` with `hub.url`, is what public hubs understand).

use std::{collections::BTreeMap, sync::Arc};

use reqwest::{Client, header::CONTENT_TYPE};
use tokio::{pin, select, time::sleep};
use tracing::{info, warn};
use url::{Url, form_urlencoded};

use super::{
    Progress, Rules, Topics,
    callback::{client, reason},
};
use crate::{clock::Clock, store::Handle};

/// The hint that holds what the hub was told.
const TOLD: &str = "hub/told-outside";

pub struct Outside {
    hub: Url,
    store: Handle,
    clock: Clock,
    rules: Rules,
    client: Client,
    /// By topic.
    told: BTreeMap<String, Progress>,
}

impl Outside {
    pub fn new(hub: Url, store: Handle, rules: Rules, clock: Clock) -> Result<Self, String> {
        let client = client().build();
        let client = client.map_err(|error| format!("cannot set up the HTTP client for the hub: {error}"))?;
        Ok(Self { hub, store, clock, rules, client, told: BTreeMap::new() })
    }

    /// Tells of changes until `shutdown` resolves. Goes on where the last run stopped, as far as the store knows.
    pub async fn run<T: Topics>(mut self, topics: Arc<T>, shutdown: impl Future<Output = ()>) {
        let kept = self.store.run(|store| store.hint(TOLD)).await;
        let kept = kept.ok().and_then(Result::ok).flatten();
        self.told = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
        pin!(shutdown);
        loop {
            let round = async {
                self.look(topics.as_ref()).await;
                sleep(self.rules.tick).await;
            };
            select! {
                () = &mut shutdown => break,
                () = round => {}
            }
        }
    }

    async fn look<T: Topics>(&mut self, topics: &T) {
        for topic in topics.addresses() {
            let told = self.told.get(&topic).copied().unwrap_or_default();
            let now = self.clock.wall();
            let Some(heads) = topics.heads(&topic).await.filter(|heads| told.heads() != Some(*heads)) else { continue };
            if !told.may_try(now) {
                continue;
            }
            let mut progress = told;
            match topics.document(&topic).await.map(|document| document.seen()) {
                None => progress.postpone(now),
                Some(seen) if !told.is_behind(&seen) => progress.told(seen),
                Some(seen) => match self.ping(&topic).await {
                    Ok(()) => {
                        info!(topic, hub = %self.hub, heads, "hub told of a change");
                        progress.told(seen);
                    }
                    Err(error) => {
                        warn!(topic, hub = %self.hub, error, "hub could not be told of a change; it is tried again");
                        progress.failed(now, self.rules.first_retry, fastrand::f64());
                    }
                },
            }
            self.told.insert(topic, progress);
            self.keep().await;
        }
    }

    async fn ping(&self, topic: &str) -> Result<(), String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.mode", "publish")
            .append_pair("hub.url", topic)
            .finish();
        let request = self.client.post(self.hub.clone()).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let status = request.body(form).send().await.map_err(reason)?.status();
        if status.is_success() { Ok(()) } else { Err(format!("answered with status {}", status.as_u16())) }
    }

    async fn keep(&self) {
        let told = serde_json::to_value(&self.told).unwrap_or_default();
        // If it is lost, the hub is told once more.
        let _ = self.store.run(move |store| store.set_hint(TOLD, &told)).await;
    }
}
