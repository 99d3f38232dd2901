//! `/NAME/2024-03-08`: the posts of one day (UTC), with the way to the days before and after that have some.

use std::sync::Arc;

use askama::Template;
use chrono::{Days, NaiveDate, NaiveTime};
use hyper::http::request::Parts;

use super::{
    archive::{Article, article, is_wanted, shown},
    frame::{Frame, distinct, documents},
    reply::{Failure, Made, html, reply},
    row::{about, page_of},
};
use crate::{
    edition::answer_one,
    feed::{Refusal, pairs},
    feeds::FeedId,
    model::{ChannelId, PostId, Stored, Time},
    serve::{Site, answer::Answer},
    store::{Error, Store},
};

/// Posts on one page of a day; a day of more goes on under `?after=ID`.
const POSTS: usize = 200;

#[derive(Template)]
#[template(path = "day.html")]
struct Page {
    frame: Frame,
    channel: String,
    shown: String,
    articles: Vec<Article>,
    /// Where the day goes on, relative.
    more: Option<String>,
}

pub async fn day(site: &Arc<Site>, parts: &Parts, feed: FeedId, date: NaiveDate) -> Answer {
    let after = after(parts.uri.query().unwrap_or_default());
    reply(site, parts, move |site| page(site, &feed, date, after?)).await
}

fn after(query: &str) -> Result<Option<PostId>, Refusal> {
    let mut after = None;
    for (_, id) in pairs(query, &["after"])? {
        let allowed = "must be the number of a post".to_owned();
        after = Some(id.parse().map_err(|_| Refusal { asked: format!("after={id}"), allowed })?);
    }
    Ok(after.map(PostId))
}

fn page(site: &Site, feed: &FeedId, date: NaiveDate, after: Option<PostId>) -> Result<Made, Failure> {
    let ids = site.press.channel_ids(feed)?;
    let (1, [id]) = (feed.channels.len(), ids.as_slice()) else { return Err(Failure::Missing) };
    let Some(channel) = site.store.channel_by_id(*id)? else { return Err(Failure::Missing) };
    let settings = shown(&feed.settings);
    let found = posts_of(site.store.as_ref(), *id, date, after)?;
    if found.posts.is_empty() {
        return Err(Failure::Missing);
    }
    let wanted = found.posts.into_iter().filter(|stored| is_wanted(feed, &channel, stored));
    let articles: Result<Vec<_>, Error> = wanted
        .map(|mut stored| {
            answer_one(site.store.as_ref(), &channel, &mut stored)?;
            let item = site.press.item(&channel, &stored, &settings);
            Ok(article(site, &channel, &stored, &item, true))
        })
        .collect();
    let articles = articles?;
    let header = about(site, feed);
    let shown = date.format("%-d %B %Y").to_string();
    let indexed = site.config.server.robots;
    let url = format!("{}{date}", page_of(site, feed));
    let frame = Frame {
        links: documents("./", &distinct(&header.title, feed)),
        newer: found.next.map(|date| format!("./{date}")),
        older: found.previous.map(|date| format!("./{date}")),
        ..Frame::new("../", format!("{shown} · {}", header.title), url, indexed)
    };
    let more = found.more.map(|id| format!("./{date}?after={id}"));
    html(&Page { frame, channel: header.title, shown, articles, more }, indexed)
}

/// What a day holds, oldest first, and the days beside it that hold something.
struct Day {
    posts: Vec<Stored>,
    /// The last of these, if others follow.
    more: Option<PostId>,
    previous: Option<NaiveDate>,
    next: Option<NaiveDate>,
}

fn posts_of(store: &dyn Store, channel: ChannelId, date: NaiveDate, after: Option<PostId>) -> Result<Day, Error> {
    let first = first_since(store, channel, midnight(date))?;
    let begin = after.filter(|after| *after >= first).unwrap_or(PostId(first.0.saturating_sub(1)));
    let mut posts = store.following(channel, begin, POSTS + 1)?;
    posts.retain(|stored| stored.published.date_naive() == date);
    let beyond = posts.len() > POSTS;
    posts.truncate(POSTS);
    let more = posts.last().filter(|_| beyond).map(|stored| stored.post.id);
    let tomorrow = date.checked_add_days(Days::new(1)).unwrap_or(date);
    let next = first_since(store, channel, midnight(tomorrow))?;
    let next = store.following(channel, PostId(next.0.saturating_sub(1)), 1)?.pop();
    let previous = store.latest(channel, Some(first), 1)?.pop();
    let day = |stored: Option<Stored>| stored.map(|stored| stored.published.date_naive()).filter(|day| *day != date);
    Ok(Day { posts, more, previous: day(previous), next: day(next) })
}

fn midnight(date: NaiveDate) -> Time {
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The first post published at `time` or later; behind the newest one if there is none. Halves the ids, since they
/// ascend with time: some twenty reads, however long the history.
fn first_since(store: &dyn Store, channel: ChannelId, time: Time) -> Result<PostId, Error> {
    let (mut low, mut high) = (0, store.head(channel).newest.map_or(0, |newest| newest.0.saturating_add(1)));
    while low < high {
        let middle = low + (high - low) / 2;
        match store.latest(channel, Some(PostId(middle + 1)), 1)?.pop() {
            Some(stored) if stored.published >= time => high = stored.post.id.0,
            _ => low = middle + 1,
        }
    }
    Ok(PostId(high))
}
