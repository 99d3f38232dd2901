//! The hub that the configuration asks for, wired to the site.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::Failure;
use crate::{
    clock::Clock,
    config::{self, Config},
    hub::{Hub, Outside, Rules},
    serve::{Feeds, Site},
    store::Store,
};

pub enum Push {
    Off,
    Own(Arc<Hub>),
    Outside(Box<Outside>),
}

impl Push {
    pub async fn open(config: &Config, store: &Arc<dyn Store>, clock: Clock) -> Result<Self, Failure> {
        let (hub, address) = (config.hub.clone(), config.hub_url().unwrap_or_default());
        let store = Arc::clone(store);
        let opened = spawn_blocking(move || match hub {
            config::Hub::Off => Ok(Self::Off),
            config::Hub::Own(own) => {
                let rules = Rules {
                    per_topic: own.subscriptions_per_topic,
                    per_host: own.subscriptions_per_host,
                    allow_private_callbacks: own.allow_private_callbacks,
                    ..Rules::default()
                };
                Hub::open(address, store, rules, clock).map(|hub| Self::Own(Arc::new(hub)))
            }
            config::Hub::Outside(url) => {
                Outside::open(url, store, Rules::default(), clock).map(|hub| Self::Outside(Box::new(hub)))
            }
        });
        opened.await.map_err(|error| error.to_string())?
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
        let feeds = Arc::new(Feeds(site));
        match self {
            Self::Off => shutdown.await,
            Self::Own(hub) => hub.run(feeds, shutdown).await,
            Self::Outside(hub) => hub.run(feeds, shutdown).await,
        }
    }
}
