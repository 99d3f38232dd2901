//! Who may hold a connection: so many in all, so many of one client. When all seats are taken, the one whose peer has
//! been silent longest is given up for the newcomer: who holds connections without asking keeps no reader out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use super::client::Client;

/// The turn of a seat that is not waiting; turns are counted from 1.
const BUSY: u64 = 0;

#[derive(Debug)]
pub struct Seats {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    total: usize,
    per_client: usize,
    taken: usize,
    by_client: HashMap<Client, usize>,
    /// The seats whose peers are to say something, the longest waiting first.
    waiting: BTreeMap<u64, Waiting>,
    turns: u64,
}

#[derive(Debug)]
struct Waiting {
    client: Option<Client>,
    leave: Arc<Notify>,
}

/// Why there is no seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The client has all that one may have.
    Client,
    /// All seats are taken, and all are being answered.
    Full,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "per_address",
            Self::Full => "connections",
        }
    }
}

/// Taken until it is dropped or given up.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    client: Option<Client>,
    leave: Arc<Notify>,
    /// Its key in [`Table::waiting`], or [`BUSY`]; changed only while the table is locked.
    turn: AtomicU64,
}

impl Seats {
    pub fn new(total: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self { table: Mutex::new(Table { total, per_client, ..Table::default() }) })
    }

    /// From now on there are so many. Who has a seat keeps it.
    pub fn resize(&self, total: usize, per_client: usize) {
        let mut table = self.lock();
        (table.total, table.per_client) = (total, per_client);
    }

    /// `client` is None for who is not limited by itself.
    pub fn take(self: &Arc<Self>, client: Option<Client>) -> Result<Seat, Refusal> {
        let mut table = self.lock();
        if client.is_some_and(|client| table.by_client.get(&client).is_some_and(|held| *held >= table.per_client)) {
            return Err(Refusal::Client);
        }
        if table.taken >= table.total {
            let (_, longest) = table.waiting.pop_first().ok_or(Refusal::Full)?;
            table.free(longest.client);
            longest.leave.notify_one();
        }
        table.taken += 1;
        if let Some(client) = client {
            *table.by_client.entry(client).or_default() += 1;
        }
        let seat = Seat { seats: self.clone(), client, leave: Arc::default(), turn: AtomicU64::new(BUSY) };
        table.wait(&seat);
        Ok(seat)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn wait(&mut self, seat: &Seat) {
        self.turns += 1;
        seat.turn.store(self.turns, Ordering::Relaxed);
        self.waiting.insert(self.turns, Waiting { client: seat.client, leave: seat.leave.clone() });
    }

    fn free(&mut self, client: Option<Client>) {
        self.taken -= 1;
        let Some(client) = client else { return };
        if let Some(held) = self.by_client.get_mut(&client) {
            *held -= 1;
            if *held == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

impl Seat {
    /// The peer has asked: the seat is safe until [`Seat::answered`].
    pub fn asked(&self) {
        let mut table = self.seats.lock();
        if table.waiting.remove(&self.turn.load(Ordering::Relaxed)).is_some() {
            self.turn.store(BUSY, Ordering::Relaxed);
        }
    }

    /// It is the peer's turn again.
    pub fn answered(&self) {
        let mut table = self.seats.lock();
        if self.turn.load(Ordering::Relaxed) == BUSY {
            table.wait(self);
        }
    }

    /// Resolves when the seat was given up.
    pub async fn given_up(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut table = self.seats.lock();
        let turn = self.turn.load(Ordering::Relaxed);
        // A seat with a turn that is no longer waiting was given up, and is free already.
        if turn == BUSY || table.waiting.remove(&turn).is_some() {
            table.free(self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Option<Client> {
        Client::connected([192, 0, 2, last].into(), &[])
    }

    fn has_to_leave(seat: &Seat) -> bool {
        let mut left = std::pin::pin!(seat.given_up());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        left.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn one_client_has_no_more_than_its_share_until_it_lets_go() {
        let seats = Seats::new(10, 2);
        let (first, _second) = (seats.take(client(1)).unwrap(), seats.take(client(1)).unwrap());
        assert_eq!(seats.take(client(1)).unwrap_err(), Refusal::Client);
        assert!(seats.take(client(2)).is_ok());
        drop(first);
        assert!(seats.take(client(1)).is_ok());
    }

    #[test]
    fn when_all_is_taken_the_longest_silent_gives_way_and_who_is_answered_stays() {
        let seats = Seats::new(3, 3);
        let [busy, silent, late] = [1, 2, 3].map(|last| seats.take(client(last)).unwrap());
        busy.asked();
        late.asked();
        late.answered();
        let _new = seats.take(client(4)).unwrap();
        assert_eq!([&busy, &silent, &late].map(has_to_leave), [false, true, false]);
        drop(silent);
        let _newer = seats.take(client(5)).unwrap();
        assert!(has_to_leave(&late));
    }

    #[test]
    fn when_all_are_being_answered_newcomers_are_refused() {
        let seats = Seats::new(2, 2);
        let taken = [1, 2].map(|last| seats.take(client(last)).unwrap());
        taken.iter().for_each(Seat::asked);
        assert_eq!(seats.take(client(3)).unwrap_err(), Refusal::Full);
        taken[0].answered();
        assert!(seats.take(client(3)).is_ok());
    }

    #[test]
    fn seats_that_are_added_can_be_taken_and_those_taken_away_are_kept_until_they_are_free() {
        let seats = Seats::new(1, 1);
        let taken = seats.take(client(1)).unwrap();
        taken.asked();
        assert_eq!(seats.take(client(2)).unwrap_err(), Refusal::Full);
        seats.resize(2, 1);
        let other = seats.take(client(2)).unwrap();
        other.asked();
        seats.resize(1, 1);
        drop(other);
        assert_eq!(seats.take(client(2)).unwrap_err(), Refusal::Full);
        assert!(!has_to_leave(&taken));
        drop(taken);
        assert!(seats.take(client(2)).is_ok());
    }

    #[test]
    fn nothing_is_left_of_seats_that_are_free() {
        let seats = Seats::new(2, 1);
        for last in 0..100 {
            let seat = seats.take(client(last)).unwrap();
            seat.asked();
            let _other = seats.take(client(200));
            let _third = seats.take(client(201));
            seat.answered();
        }
        let table = seats.lock();
        assert_eq!((table.taken, table.by_client.len(), table.waiting.len()), (0, 0, 0));
    }
}
