//! The servers of an origin: which one is asked first, and which ones are set aside.

use std::{
    sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    lifecycle::Time,
    protocol::{login::Api, server::Server},
};

/// How long a server that could not be reached is only asked when no other is left.
const SET_ASIDE: Duration = Duration::from_secs(30);

/// The servers in their order, with what is known of each.
pub(super) struct Roster {
    entries: Vec<Entry>,
    first: AtomicUsize,
}

/// One server.
pub(super) struct Entry {
    pub(super) server: Server,
    /// Its place in the list.
    pub(super) index: usize,
    down_until_ms: AtomicU64,
    api: AtomicU8,
}

impl Entry {
    /// The server could not be reached; whether that is news.
    pub(super) fn went_down(&self, now: Time) -> bool {
        self.down_until_ms.swap((now + SET_ASIDE).as_millis() as u64, Ordering::Relaxed) == 0
    }

    /// The server answered.
    pub(super) fn is_up(&self) {
        if self.down_until_ms.load(Ordering::Relaxed) != 0 {
            self.down_until_ms.store(0, Ordering::Relaxed);
        }
    }

    /// The login API that worked last.
    pub(super) fn api(&self) -> Api {
        if self.api.load(Ordering::Relaxed) == 0 { Api::V3 } else { Api::V1 }
    }

    pub(super) fn remember(&self, api: Api) {
        self.api.store(u8::from(api == Api::V1), Ordering::Relaxed);
    }
}

impl Roster {
    /// `start` says who is asked first: another one in each process, lest all ask the same.
    pub(super) fn new(servers: &[Server], start: usize) -> Self {
        let entry = |(index, server): (usize, &Server)| Entry {
            server: server.clone(),
            index,
            down_until_ms: AtomicU64::new(0),
            api: AtomicU8::new(0),
        };
        Self {
            entries: servers.iter().enumerate().map(entry).collect(),
            first: AtomicUsize::new(start % servers.len()),
        }
    }

    /// All servers in the order to try them: the living before those set aside.
    pub(super) fn order(&self, now: Time) -> Vec<&Entry> {
        let first = self.first.load(Ordering::Relaxed);
        let mut order: Vec<&Entry> = self.entries.iter().cycle().skip(first).take(self.entries.len()).collect();
        let now = now.as_millis() as u64;
        order.sort_by_key(|e| e.down_until_ms.load(Ordering::Relaxed) > now);
        order
    }

    /// Next time another server is asked first: for a second opinion.
    pub(super) fn turn(&self) {
        let next = (self.first.load(Ordering::Relaxed) + 1) % self.entries.len();
        self.first.store(next, Ordering::Relaxed);
    }

    /// All names, for messages.
    pub(super) fn names(&self) -> String {
        self.entries.iter().map(|e| e.server.name()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::server;

    fn names(roster: &Roster, now: u64) -> String {
        roster.order(Duration::from_secs(now)).iter().map(|e| e.server.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_dead_are_asked_last_for_30_seconds() {
        let roster = Roster::new(&server::parse("a,b,c", None).unwrap(), 4);
        assert_eq!(names(&roster, 0), "b:8848 c:8848 a:8848");
        roster.order(Duration::ZERO)[0].went_down(Duration::from_secs(10));
        assert_eq!(names(&roster, 39), "c:8848 a:8848 b:8848");
        assert_eq!(names(&roster, 40), "b:8848 c:8848 a:8848");
        roster.turn();
        assert_eq!(names(&roster, 40), "c:8848 a:8848 b:8848");
    }
}
