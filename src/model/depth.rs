//! How far back a channel's posts are wanted.

use chrono::TimeDelta;

use super::Time;

/// Which posts from before a channel was first polled are to be stored too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum History {
    /// Those that the first page shows.
    #[default]
    None,
    All,
    /// All since a time.
    Since(Time),
    /// Those that are not older than this.
    Age(TimeDelta),
    /// At least so many.
    Posts(u64),
}

impl History {
    /// Reads `all`, `none`, and an age in days, weeks, months of 30 days and years of 365: `90d`, `8w`, `6m`, `1y`.
    pub fn from_words(words: &str) -> Option<Self> {
        match words {
            "all" => return Some(Self::All),
            "none" => return Some(Self::None),
            _ => {}
        }
        let unit = words.chars().next_back()?;
        let count: i64 = words[..words.len() - unit.len_utf8()].parse().ok().filter(|count| *count > 0)?;
        let days = match unit {
            'd' => 1,
            'w' => 7,
            'm' => 30,
            'y' => 365,
            _ => return None,
        };
        TimeDelta::try_days(count.checked_mul(days)?).map(Self::Age)
    }

    /// The time that is to be reached, if it is a time.
    pub fn since(self, now: Time) -> Option<Time> {
        match self {
            Self::Since(time) => Some(time),
            Self::Age(age) => Some(now.checked_sub_signed(age).unwrap_or(Time::MIN_UTC)),
            Self::None | Self::All | Self::Posts(_) => None,
        }
    }
}
