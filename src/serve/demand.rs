//! Names that are not followed yet: has them followed, or says why not, to programs and to people.

use std::{sync::Arc, time::Duration};

use hyper::{
    StatusCode,
    header::{HeaderValue, RETRY_AFTER},
    http::request::Parts,
};

use super::{
    Site,
    answer::{Answer, found_elsewhere, problem},
    pages::{Notice, notice},
    route::Wanted,
    visitor::{Stranger, stranger},
};
use crate::{
    demand::{Found, Refused},
    model::ChannelName,
};

/// Returns once the channel is followed; else the answer that says why it is not.
pub async fn follow(site: &Arc<Site>, parts: &Parts, name: &ChannelName, wanted: Wanted) -> Result<(), Answer> {
    let Some(demand) = site.demand().filter(|_| !is_own(name)) else { return Err(unknown()) };
    if wanted == Wanted::Name {
        return Err(found_elsewhere(&format!("./{name}/")));
    }
    if let Some(stranger) = stranger(parts, &site.config.server) {
        return Err(refuse_stranger(site, name, wanted, stranger));
    }
    match demand.follow(&site.scene(), name, || site.admit_new(parts)).await {
        Ok(Found::Followed) => Ok(()),
        Ok(Found::Refused(refused)) => Err(refuse(site, name, wanted, refused)),
        Ok(Found::Later(wait)) => {
            site.metrics.refused("wait_seconds");
            Err(later(site, name, wanted, wait))
        }
        Err(wait) => {
            site.metrics.refused("new_per_hour");
            Err(too_many(site, name, wanted, wait))
        }
    }
}

/// First parts of addresses that lead to what is the server's own.
fn is_own(name: &ChannelName) -> bool {
    crate::config::is_reserved(name.as_str())
}

fn unknown() -> Answer {
    problem(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

/// In the form that fits what was wanted. `again` leads to the same address for who may go on.
fn say(site: &Site, wanted: Wanted, status: StatusCode, title: String, words: &str, again: Option<&str>) -> Answer {
    match wanted {
        Wanted::Page => notice(site, status, Notice { root: "../", title, words, again }),
        Wanted::Name | Wanted::Document(_) => problem(status, &format!("{title}: {words}")),
    }
}

fn refuse(site: &Site, name: &ChannelName, wanted: Wanted, refused: Refused) -> Answer {
    let Refused { state, until } = refused;
    let words = format!(
        "{}. Telegram was asked; it is asked again after {}.",
        state.words(),
        until.format("%H:%M UTC on %-d %B %Y")
    );
    say(site, wanted, StatusCode::NOT_FOUND, format!("t.me/{name}"), &words, None)
}

fn refuse_stranger(site: &Site, name: &ChannelName, wanted: Wanted, stranger: Stranger) -> Answer {
    let words = match stranger {
        Stranger::Site => "is not followed here yet, and no other site may have it followed. If you want it, go on.",
        Stranger::Host => "is not followed here yet; ask for it at the address of this server, server.public_url.",
    };
    let again = (stranger == Stranger::Site).then_some("./");
    say(site, wanted, StatusCode::FORBIDDEN, format!("t.me/{name}"), words, again)
}

fn later(site: &Site, name: &ChannelName, wanted: Wanted, wait: Duration) -> Answer {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let words = format!("could not be looked at yet; it stays wanted, and is looked at in about {seconds} seconds.");
    let mut answer = say(site, wanted, StatusCode::SERVICE_UNAVAILABLE, format!("t.me/{name}"), &words, Some("./"));
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    if wanted == Wanted::Page {
        answer.headers_mut().insert("refresh", HeaderValue::from(seconds.max(5)));
    }
    answer
}

fn too_many(site: &Site, name: &ChannelName, wanted: Wanted, wait: Duration) -> Answer {
    let words = format!(
        "is not followed here yet, and {} new channels an hour are followed for one address.",
        site.config.on_demand.new_per_hour
    );
    let mut answer = say(site, wanted, StatusCode::TOO_MANY_REQUESTS, format!("t.me/{name}"), &words, None);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    answer
}
