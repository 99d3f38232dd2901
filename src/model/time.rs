//! Moments as pages tell them: made to fit a calendar without leap seconds, and judged whether they can be true.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use serde::{Deserialize, Deserializer};

use super::Time;

/// A page may be ahead of this machine's clock by this much.
const AHEAD: TimeDelta = TimeDelta::days(1);

/// `time`, a leap second being the first moment after it: `23:59:60` is a time that many programs cannot read.
pub fn without_leap_second(time: Time) -> Time {
    let is_leap = time.timestamp_subsec_nanos() >= 1_000_000_000;
    let after = DateTime::from_timestamp(time.timestamp() + 1, 0).filter(|_| is_leap);
    after.unwrap_or(time)
}

/// Whether a post can be of `time`, seen at `now`: not before Telegram was, and not later than tomorrow.
pub fn can_be(time: Time, now: Time) -> bool {
    let telegram = Utc.with_ymd_and_hms(2013, 8, 14, 0, 0, 0).earliest().unwrap_or_default();
    // A machine without a clock of its own begins in 1970, and judges nothing.
    let is_too_late = now >= telegram && time > now + AHEAD;
    time >= telegram && !is_too_late
}

pub(super) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
    Time::deserialize(from).map(without_leap_second)
}

pub(super) fn read_some<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    Ok(Option::<Time>::deserialize(from)?.map(without_leap_second))
}
