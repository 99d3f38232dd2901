//! feedbridge turns public Telegram channels into feeds. A post flows one way:
//!
//! ```text
//!  t.me/s/NAME ─► fetch ─► page::parse ─► diff ─► store ─┬─► shelf ─► serve ─► reader
//!    upstream     async       pure        pure   journal │   bytes     hyper
//!                                                + sled   └─► hub ─► subscribers
//! ```
//!
//! | layer | modules | rule |
//! |---|---|---|
//! | 4 | `main`, `cli` | reads arguments, builds, wires, waits for a signal |
//! | 3 | `poll`, `serve` | the only async loops |
//! | 2 | `fetch`, `store`, `shelf`, `board`, `metrics`, `config` | shells: one outside system each |
//! | 1 | `page`, `diff`, `feed`, `schedule` | pure: no I/O, no clock, no async, no logging |
//! | 0 | `model` | plain values |
//!
//! A module uses its own and lower layers only; `tests/layers.rs` reads the `use` lines and holds this.

pub mod board;
pub mod cli;
pub mod clock;
pub mod config;
pub mod diff;
pub mod feed;
pub mod fetch;
pub mod hub;
pub mod metrics;
pub mod model;
pub mod page;
pub mod poll;
pub mod schedule;
pub mod serve;
pub mod shelf;
pub mod store;
