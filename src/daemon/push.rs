//! The hub that the configuration asks for, wired to the site.

use std::sync::Arc;

use super::Failure;
use crate::{
    clock::Clock,
    config::{self, Config},
    hub::{Hub, Outside, Rules},
    serve::{FeedTopics, Site},
    store::Handle,
};

pub enum Push {
    Off,
    Own(Arc<Hub>),
    Outside(Box<Outside>),
}

impl Push {
    /// A hub of the daemon's own goes on where `before` is, if there was one.
    pub async fn open(config: &Config, store: Handle, clock: Clock, before: Option<&Hub>) -> Result<Self, Failure> {
        match &config.hub {
            config::Hub::Off => Ok(Self::Off),
            config::Hub::Own(own) => {
                let rules = Rules {
                    per_topic: own.subscriptions_per_topic,
                    per_host: own.subscriptions_per_host,
                    allow_private_callbacks: own.allow_private_callbacks,
                    ..Rules::default()
                };
                let address = config.hub_url().unwrap_or_default();
                let hub = match before {
                    Some(before) => before.successor(address, rules)?,
                    None => Hub::open(address, store, rules, clock).await?,
                };
                Ok(Self::Own(Arc::new(hub)))
            }
            config::Hub::Outside(url) => {
                Ok(Self::Outside(Box::new(Outside::new(url.clone(), store, Rules::default(), clock)?)))
            }
        }
    }

    /// The hub that answers requests.
    pub fn own(&self) -> Option<Arc<Hub>> {
        match self {
            Self::Own(hub) => Some(Arc::clone(hub)),
            _ => None,
        }
    }

    /// Pushes until `shutdown` resolves.
    pub async fn run(self, site: Arc<Site>, shutdown: impl Future<Output = ()>) {
        let feeds = Arc::new(FeedTopics(site));
        match self {
            Self::Off => shutdown.await,
            Self::Own(hub) => hub.run(feeds, shutdown).await,
            Self::Outside(hub) => hub.run(feeds, shutdown).await,
        }
    }
}
