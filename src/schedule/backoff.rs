//! How long to leave alone what failed: the one formula, for channels, hosts, exits and subscribers.

use chrono::TimeDelta;

use super::bucket::{seconds, whole_milliseconds};

/// Bounds of a wait that doubles with each failure in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: TimeDelta,
    /// The longest wait at all.
    pub longest: TimeDelta,
}

impl Backoff {
    /// The wait after `failures` in a row, at least one. `random` from 0 to 1 places it in the upper half of what it may
    /// be, so that what failed together does not come back together.
    pub fn wait(self, failures: u32, random: f64) -> TimeDelta {
        let doublings = failures.saturating_sub(1).min(30) as i32;
        let most = (seconds(self.first) * 2f64.powi(doublings)).min(seconds(self.longest));
        whole_milliseconds(most * (0.5 + random.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::minutes(10) };

    #[test]
    fn a_wait_doubles_up_to_its_bound() {
        let waits: Vec<_> = (1..=7).map(|failures| BACKOFF.wait(failures, 1.0).num_seconds()).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(BACKOFF.wait(u32::MAX, 1.0), TimeDelta::minutes(10));
    }

    #[test]
    fn jitter_takes_away_up_to_half() {
        assert_eq!(BACKOFF.wait(2, 0.0), TimeDelta::seconds(30));
        assert_eq!(BACKOFF.wait(2, 0.5), TimeDelta::seconds(45));
    }
}
