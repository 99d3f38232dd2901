//! feedbridge turns public Telegram channels into feeds. A post flows one way:
//!
//! ```text
//!  t.me/s/NAME ─► fetch ─► page::parse ─► diff ─► store ─┬─► edition ─► shelf ─► serve ─► reader
//!    upstream     async       pure        pure   journal │     press     bytes     hyper
//!                                                + sled   └─► hub ─► subscribers
//! ```
//!
//! | layer | modules | rule |
//! |---|---|---|
//! | 4 | `cli`, `daemon` | reads arguments, builds, wires, waits for a signal |
//! | 3 | `poll`, `demand`, `serve`, `hub` | the only async loops |
//! | 2 | `fetch`, `store`, `edition`, `shelf`, `feeds`, `readers`, `media`, `status`, `metrics`, `config`, `clock` | shells: one outside system each |
//! | 1 | `page`, `diff`, `feed`, `schedule`, `opml` | pure: no I/O, no clock, no async, no logging |
//! | 0 | `model` | plain values |
//!
//! A module uses its own and lower layers only; `tests/house/layers.rs` reads the sources and holds this.
//!
//! Where to look: what a post may be, `model::post`; how upstream's markup is read, `page`; what counts as an edit,
//! `diff`; what readers see, `feed`; when a channel is asked, `schedule`; what follows from an answer, `poll`;
//! what survives, `store`; what is followed and served, `feeds`; by whom it is read, `readers`; the files of posts, `media`;
//! what is followed because somebody
//! asked for it, `demand`; what a feed's document is, and who makes it, `edition`;
//! what is kept of documents once made, `shelf`; how channels and the daemon stand, and all words for that, `status`; who
//! gets them, `serve`; who is told of them, `hub`. `CONTRIBUTING.md` walks one post through all of it.
//! Only `fetch` and `hub` know reqwest: the one asks upstream, the other tells subscribers.

pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod demand;
pub mod diff;
pub mod edition;
pub mod feed;
pub mod feeds;
pub mod fetch;
pub mod hub;
pub mod media;
pub mod metrics;
pub mod model;
pub mod opml;
pub mod page;
pub mod poll;
pub mod readers;
pub mod schedule;
pub mod serve;
pub mod shelf;
pub mod status;
pub mod store;
