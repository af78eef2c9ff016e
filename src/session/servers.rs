//! The servers of an origin: which one is asked first, and which ones are set aside.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    http::Endpoint,
    lifecycle::Time,
    protocol::{login::Api, place::TokenPlace, server::Server as Address},
    sys::clock,
};

/// How long a server that failed is only asked when no other is left.
const SET_ASIDE: Duration = Duration::from_secs(30);
/// So many broken connections in a row say that it is the server. The first may only have been idle for too long.
const BROKEN: u32 = 2;

/// The servers in their order, with what is known of each.
pub(crate) struct ServerList {
    servers: Vec<Server>,
    first: AtomicUsize,
}

/// One server.
pub(crate) struct Server {
    pub(crate) address: Address,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Its place in the list.
    pub(crate) index: usize,
    down_until_ms: AtomicU64,
    last_answer_ms: AtomicU64,
    broken: AtomicU32,
    /// It has asked to be left alone by logins until then.
    held_until_ms: AtomicU64,
    /// Place of the login API in the list of all.
    api: AtomicU8,
    /// It has been asked for a login at every path in vain.
    searched: AtomicBool,
    /// A login was answered by what is no Nacos.
    no_nacos: AtomicBool,
    place: AtomicU8,
    /// The generation last tried in the query.
    tried_in_query: AtomicU64,
    /// The latest generation that it has taken in the query.
    taken_in_query: AtomicU64,
}

/// Where a server has taken a token.
const NOT_KNOWN: u8 = 0;
const IN_HEADER: u8 = 1;
const IN_QUERY: u8 = 2;
const ONCE_IN_QUERY: u8 = 3;
const TWICE_IN_QUERY: u8 = 4;

fn ms(time: Time) -> u64 {
    time.as_millis() as u64
}

impl Server {
    /// Others are asked first for a while; whether that is news.
    pub(crate) fn mark_down(&self, now: Time) -> bool {
        let until = ms(now + SET_ASIDE);
        self.down_until_ms.swap(until, Ordering::Relaxed) <= ms(now)
    }

    /// The server answered.
    pub(crate) fn mark_up(&self, now: Time) {
        self.last_answer_ms.store(ms(now), Ordering::Relaxed);
        if self.down_until_ms.load(Ordering::Relaxed) != 0 {
            self.down_until_ms.store(0, Ordering::Relaxed);
        }
        if self.broken.load(Ordering::Relaxed) != 0 {
            self.broken.store(0, Ordering::Relaxed);
        }
    }

    /// A connection broke over a request; whether that has happened often enough in a row to blame the server.
    pub(crate) fn note_broken(&self) -> bool {
        self.broken.fetch_add(1, Ordering::Relaxed) + 1 >= BROKEN
    }

    /// Whether it has answered anybody since `time`. A request without an answer does not prove it hung then.
    pub(crate) fn has_answered_since(&self, time: Time) -> bool {
        self.last_answer_ms.load(Ordering::Relaxed) > ms(time)
    }

    /// Whether there is something that an answer takes back.
    fn is_suspected(&self) -> bool {
        self.down_until_ms.load(Ordering::Relaxed) != 0 || self.broken.load(Ordering::Relaxed) != 0
    }

    fn is_down(&self, now: Time) -> bool {
        self.down_until_ms.load(Ordering::Relaxed) > ms(now)
    }

    /// Where its login may be: the one found last comes first.
    pub(super) fn apis(&self) -> [Api; 3] {
        let mut apis = Api::ALL;
        if let Some(found) = self.api() {
            apis.sort_by_key(|api| *api != found);
        }
        apis
    }

    /// The login API at which a Nacos has spoken.
    fn api(&self) -> Option<Api> {
        Api::ALL.get(usize::from(self.api.load(Ordering::Relaxed))).copied()
    }

    pub(super) fn has_found(&self, api: Api) -> bool {
        self.api() == Some(api)
    }

    pub(super) fn found(&self, api: Api) {
        self.api.store(api as u8, Ordering::Relaxed);
    }

    pub(super) fn was_searched(&self) {
        self.searched.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_been_searched(&self) -> bool {
        self.searched.load(Ordering::Relaxed)
    }

    /// Whether it has shown that it is a Nacos.
    pub(crate) fn is_known(&self) -> bool {
        self.api().is_some()
    }

    /// It has answered a login as no Nacos does.
    pub(super) fn answered_as_none(&self) {
        self.no_nacos.store(true, Ordering::Relaxed);
    }

    /// Whether all that is known of it is that it is no Nacos: no token is for it, nor what goes with one.
    pub(crate) fn is_stranger(&self) -> bool {
        self.no_nacos.load(Ordering::Relaxed) && !self.is_known()
    }

    /// It wants to be left alone by logins until `until`.
    pub(super) fn hold(&self, until: Time) {
        self.held_until_ms.store(ms(until), Ordering::Relaxed);
    }

    fn is_held(&self, now: Time) -> bool {
        self.held_until_ms.load(Ordering::Relaxed) > ms(now)
    }

    /// Where it reads the token: what [`TokenPlace::Auto`] goes by.
    pub(crate) fn place(&self) -> TokenPlace {
        if self.place.load(Ordering::Relaxed) == IN_QUERY { TokenPlace::Query } else { TokenPlace::Authorization }
    }

    /// It has taken a token in the header.
    pub(crate) fn took_in_header(&self) {
        if self.place.load(Ordering::Relaxed) != IN_HEADER {
            self.place.store(IN_HEADER, Ordering::Relaxed);
        }
    }

    /// It has taken the token of `generation` in the query, where its place is.
    pub(crate) fn takes_in_query(&self, generation: u64) {
        if self.taken_in_query.load(Ordering::Relaxed) < generation {
            self.taken_in_query.fetch_max(generation, Ordering::Relaxed);
        }
    }

    /// It has taken the token of `generation` in the query that it had refused in the header. Once may be another node behind
    /// the same address; the third time that is where it reads tokens. Whether this is the third.
    pub(crate) fn took_in_query(&self, generation: u64) -> bool {
        self.takes_in_query(generation);
        let next = |place| match place {
            NOT_KNOWN => Some(ONCE_IN_QUERY),
            ONCE_IN_QUERY => Some(TWICE_IN_QUERY),
            TWICE_IN_QUERY => Some(IN_QUERY),
            _ => None,
        };
        self.place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) == Ok(TWICE_IN_QUERY)
    }

    /// It has refused the token of `generation` in the query as well: what was known of the place may be so no more, unless it
    /// has taken a later one there meanwhile.
    pub(crate) fn refused_in_query(&self, generation: u64) {
        if self.taken_in_query.load(Ordering::Relaxed) <= generation {
            self.place.store(NOT_KNOWN, Ordering::Relaxed);
        }
    }

    /// Whether the token of `generation`, which it refused in the header, is worth another try in the query. As long as it
    /// has taken none that is for one that it has just given (`is_new`), once.
    pub(crate) fn may_read_query(&self, generation: u64, is_new: impl FnOnce() -> bool) -> bool {
        match self.place.load(Ordering::Relaxed) {
            IN_HEADER => false,
            NOT_KNOWN => is_new() && self.tried_in_query.swap(generation, Ordering::Relaxed) != generation,
            _ => true,
        }
    }
}

impl ServerList {
    /// `start` says who is asked first: another one in each process, lest all ask the same.
    pub(super) fn new(addresses: &[Address], start: usize) -> Self {
        let server = |(index, address): (usize, &Address)| Server {
            address: address.clone(),
            endpoint: Arc::new(Endpoint::new(address.is_https(), address.host(), address.port())),
            index,
            down_until_ms: AtomicU64::new(0),
            last_answer_ms: AtomicU64::new(0),
            broken: AtomicU32::new(0),
            held_until_ms: AtomicU64::new(0),
            api: AtomicU8::new(u8::MAX),
            searched: AtomicBool::new(false),
            no_nacos: AtomicBool::new(false),
            place: AtomicU8::new(NOT_KNOWN),
            tried_in_query: AtomicU64::new(0),
            taken_in_query: AtomicU64::new(0),
        };
        Self {
            servers: addresses.iter().enumerate().map(server).collect(),
            first: AtomicUsize::new(start % addresses.len()),
        }
    }

    /// All servers in the order to try them: those that work before those set aside.
    pub(crate) fn candidates(&self, now: Time) -> Vec<&Server> {
        let first = self.first.load(Ordering::Relaxed);
        let mut order: Vec<&Server> = self.servers.iter().cycle().skip(first).take(self.servers.len()).collect();
        order.sort_by_key(|server| server.is_down(now));
        order
    }

    /// Those that may be asked for a login, in the order to try them. What one of them has asked for holds the others up
    /// as little as its failures do.
    pub(super) fn for_login(&self, now: Time) -> Vec<&Server> {
        let (held, free): (Vec<_>, Vec<_>) = self.candidates(now).into_iter().partition(|server| server.is_held(now));
        if free.is_empty() { held } else { free }
    }

    /// Until when each of them wants to be left alone by logins.
    pub(super) fn holds(&self) -> Vec<Time> {
        let until = |server: &Server| Duration::from_millis(server.held_until_ms.load(Ordering::Relaxed));
        self.servers.iter().map(until).collect()
    }

    /// What others have been asked for, who are gone.
    pub(super) fn hold(&self, holds: &[Time]) {
        self.servers.iter().zip(holds).for_each(|(server, until)| server.hold(*until));
    }

    /// The places of those that are set aside.
    pub(super) fn down(&self, now: Time) -> Vec<usize> {
        self.servers.iter().filter(|server| server.is_down(now)).map(|server| server.index).collect()
    }

    /// Whether there is another one to go to.
    pub(crate) fn has_choice(&self) -> bool {
        self.servers.len() > 1
    }

    /// None of them is known to be in trouble.
    pub(super) fn mark_all_up(&self) {
        for server in &self.servers {
            server.down_until_ms.store(0, Ordering::Relaxed);
            server.hold(Time::ZERO);
        }
    }

    /// The server that `text` stands for, by its place in the list.
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        self.servers.iter().position(|server| server.address.is(text))
    }

    /// `server` has answered a request.
    pub(crate) fn answered(&self, server: &Server) {
        if !self.has_choice() && !server.is_suspected() {
            return; // nothing to be learnt of the only one
        }
        let now = clock::now();
        server.mark_up(now);
        self.prefer(server, now);
    }

    /// `server` has done what the first one could not: it is the first from now on, so that nobody has to find out again
    /// whether that one is still down.
    pub(crate) fn prefer(&self, server: &Server, now: Time) {
        let first = self.first.load(Ordering::Relaxed);
        if first != server.index && self.servers[first].is_down(now) {
            self.first.store(server.index, Ordering::Relaxed);
        }
    }

    /// The server at `index` is the first from now on: it has given a token, which it surely takes.
    pub(super) fn put_first(&self, index: usize) {
        self.first.store(index, Ordering::Relaxed);
    }

    /// Next time another server is asked first: for a second opinion.
    pub(super) fn rotate(&self) {
        let next = (self.first.load(Ordering::Relaxed) + 1) % self.servers.len();
        self.first.store(next, Ordering::Relaxed);
    }

    /// The name of a server by its place in the list.
    pub(crate) fn name(&self, index: Option<usize>) -> &str {
        index.and_then(|index| self.servers.get(index)).map_or("a server", |server| server.address.name())
    }

    /// All names, for messages.
    pub(crate) fn names(&self) -> String {
        self.servers.iter().map(|server| server.address.name()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::server;

    fn names(list: &ServerList, now: u64) -> String {
        let candidates = list.candidates(Duration::from_secs(now));
        candidates.iter().map(|s| s.address.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn those_that_are_down_are_asked_last_for_30_seconds() {
        let list = ServerList::new(&server::parse("a,b,c", None).unwrap(), 4);
        assert_eq!(names(&list, 0), "b:8848 c:8848 a:8848");
        let at = Duration::from_secs(10);
        assert!(list.candidates(Duration::ZERO)[0].mark_down(at));
        assert!(!list.candidates(at)[2].mark_down(at), "no news");
        assert_eq!(names(&list, 39), "c:8848 a:8848 b:8848");
        assert_eq!(names(&list, 40), "b:8848 c:8848 a:8848");
        list.rotate();
        assert_eq!(names(&list, 40), "c:8848 a:8848 b:8848");
    }

    #[test]
    fn the_one_that_stood_in_stays_the_first() {
        let list = ServerList::new(&server::parse("a,b", None).unwrap(), 0);
        let (a, b) = (&list.servers[0], &list.servers[1]);
        list.prefer(b, Duration::ZERO);
        assert_eq!(names(&list, 0), "a:8848 b:8848", "nothing is wrong with the first one");
        a.mark_down(Duration::ZERO);
        list.prefer(b, Duration::ZERO);
        assert_eq!(names(&list, 100), "b:8848 a:8848");
    }

    #[test]
    fn one_broken_connection_may_have_been_idle_for_too_long() {
        let list = ServerList::new(&server::parse("a", None).unwrap(), 0);
        let server = &list.servers[0];
        assert!(!server.note_broken());
        server.mark_up(Duration::from_secs(1));
        assert!(!server.note_broken() && server.note_broken());
        assert!(server.has_answered_since(Duration::ZERO) && !server.has_answered_since(Duration::from_secs(1)));
    }

    #[test]
    fn a_late_refusal_of_an_old_token_says_nothing_of_where_the_new_one_is_read() {
        let list = ServerList::new(&server::parse("a", None).unwrap(), 0);
        let server = &list.servers[0];
        assert!(!server.took_in_query(1) && !server.took_in_query(1) && server.took_in_query(1));
        // Revoked: several calls have it on its way.
        server.refused_in_query(1);
        assert_eq!(server.place(), TokenPlace::Authorization);
        assert!(server.may_read_query(2, || true) && !server.may_read_query(2, || true), "one call tries");
        server.took_in_query(2);
        server.refused_in_query(1);
        assert!(server.may_read_query(2, || false), "others need not try, nor log in");
        server.took_in_query(2);
        server.took_in_query(2);
        server.takes_in_query(3);
        server.refused_in_query(2);
        assert_eq!(server.place(), TokenPlace::Query);
        server.refused_in_query(3);
        assert_eq!(server.place(), TokenPlace::Authorization, "a server of another version");
    }
}
