//! How often a client may ask, in bounded memory. Pure: the time comes in.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// Clients remembered, about: the table is two halves of which the older is forgotten when the newer is full.
const CLIENTS: usize = 64 << 10;

/// The generic cell rate algorithm: of each client, the time at which all it has asked would be due at an even pace.
/// A client whose time has passed is as good as unknown.
#[derive(Debug)]
pub struct Rates<C> {
    /// What a client may have asked at once after a quiet time is what it may ask in so long.
    window: Duration,
    /// Between two requests at an even pace.
    pace: Duration,
    newer: HashMap<C, Instant>,
    older: HashMap<C, Instant>,
}

impl<C: Eq + Hash + Copy> Rates<C> {
    /// So many requests in each `window`.
    pub fn new(requests: u32, window: Duration) -> Self {
        Self { window, pace: window / requests.max(1), newer: HashMap::new(), older: HashMap::new() }
    }

    /// Counts a request, or says how long to wait before the next.
    pub fn admit(&mut self, client: C, now: Instant) -> Result<(), Duration> {
        let known = self.newer.get(&client).or_else(|| self.older.get(&client)).copied();
        let due = known.map_or(now, |due| due.max(now)) + self.pace;
        let ahead = due - now;
        if ahead > self.window {
            return Err(ahead - self.window);
        }
        if self.newer.len() >= CLIENTS / 2 && !self.newer.contains_key(&client) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(client, due);
        Ok(())
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_one_for_each_pace() {
        let (mut rates, start) = (Rates::new(60, WINDOW), Instant::now());
        assert!((0..60).all(|_| rates.admit('a', start).is_ok()));
        assert_eq!(rates.admit('a', start), Err(Duration::from_secs(1)));
        assert_eq!(rates.admit('b', start), Ok(()), "another client");
        let later = start + Duration::from_secs(1);
        assert_eq!((rates.admit('a', later), rates.admit('a', later)), (Ok(()), Err(Duration::from_secs(1))));
    }

    #[test]
    fn who_is_refused_is_not_held_up_longer_for_asking_again() {
        let (mut rates, start) = (Rates::new(1, WINDOW), Instant::now());
        assert_eq!(rates.admit('a', start), Ok(()));
        for _ in 0..1000 {
            assert_eq!(rates.admit('a', start), Err(WINDOW));
        }
        assert_eq!(rates.admit('a', start + WINDOW), Ok(()));
    }

    #[test]
    fn a_million_clients_take_the_room_of_the_last_ones() {
        let (mut rates, start) = (Rates::new(1, WINDOW), Instant::now());
        for client in 0..1_000_000 {
            assert_eq!(rates.admit(client, start), Ok(()));
        }
        assert!(rates.len() <= CLIENTS);
        assert_eq!(rates.admit(999_999, start), Err(WINDOW), "the last one is remembered");
    }
}
