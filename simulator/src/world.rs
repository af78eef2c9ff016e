//! Virtual time: the events, in their order, and what a client can do to the world around it.

use std::{cmp::Reverse, collections::BinaryHeap};

use fastrand::Rng;
use nacos_auth::simulation::Time;

use crate::{
    cluster::{Cluster, Token},
    scenario::{Change, Scenario},
    tally::Tally,
};

/// The moment a scenario begins: late enough for tokens that were issued before.
pub(crate) const BEGIN: Time = Time::from_secs(100_000);
/// Every client has its program send a request this often.
const BETWEEN_REQUESTS: Time = Time::from_secs(1);
/// A run ends when everybody has been served for so long.
const QUIET: Time = Time::from_secs(120);

/// How a login ended, as the client sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Granted(Token),
    Refused,
    /// The client gave up; the server did not.
    Slow,
    /// The connection broke.
    Lost,
}

/// What a server says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Taken,
    Rejected,
    /// Nobody listens there.
    Down,
    /// A gateway answers that nobody is behind it.
    BadGateway,
}

/// What becomes of a login that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// There will be an answer, or none in time.
    Waiting,
    Down,
    BadGateway,
}

/// One process that uses Nacos, by one rule or another.
pub(crate) trait Client {
    const NAME: &'static str;
    /// `first`: the server it asks first. `since`: when it got the token that it has at the beginning, if it has one.
    fn new(rng: &mut Rng, first: usize, token: Option<(Token, Time)>) -> Self;
    /// The process begins.
    fn begin(&mut self, outside: &mut Outside);
    /// The program sends a request.
    fn request(&mut self, outside: &mut Outside);
    /// The time given to [`Outside::wake_at`] has come.
    fn wake(&mut self, outside: &mut Outside);
    /// The login begun with [`Outside::login`] is over.
    fn answer(&mut self, outside: &mut Outside, answer: Answer);
    /// How many requests have not been answered yet and will never be.
    fn left_waiting(&self, now: Time) -> usize;
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Change(usize),
    Wake,
    /// A login has been worked off, by this node.
    Done(usize),
    GivenUp,
    Lost,
}

/// A login whose answer its client still waits for.
#[derive(Clone, Copy)]
struct Pending {
    number: u64,
    node: usize,
}

/// All but the clients.
pub(crate) struct Outside {
    pub(crate) now: Time,
    pub(crate) tally: Tally,
    pub(crate) cluster: Cluster,
    rng: Rng,
    /// Whoever asks gets any living node, whichever server he means.
    balanced: bool,
    /// And a gateway answers for those that are down.
    gateway: bool,
    delay: (Time, Time),
    /// Time, number of the event, client; the number makes the order definite and tells a login from the one before.
    events: BinaryHeap<Reverse<(Time, u64, usize, Event)>>,
    numbers: u64,
    /// Of each client.
    wakes: Vec<Time>,
    pending: Vec<Option<Pending>>,
    /// The client whose turn it is.
    client: usize,
}

impl Outside {
    fn new(scenario: &Scenario, rng: Rng) -> Self {
        Self {
            now: BEGIN,
            tally: Tally::new(scenario.clients, BEGIN, BEGIN + scenario.calm),
            cluster: scenario.cluster(),
            rng,
            balanced: scenario.balanced,
            gateway: scenario.gateway,
            delay: scenario.delay,
            events: BinaryHeap::new(),
            numbers: 0,
            wakes: vec![Time::ZERO; scenario.clients],
            pending: vec![None; scenario.clients],
            client: 0,
        }
    }

    fn push(&mut self, at: Time, client: usize, event: Event) -> u64 {
        self.numbers += 1;
        self.events.push(Reverse((at, self.numbers, client, event)));
        self.numbers
    }

    /// How many servers a client knows of.
    pub(crate) fn servers(&self) -> usize {
        if self.balanced { 1 } else { self.cluster.len() }
    }

    fn node(&mut self, server: usize) -> usize {
        if !self.balanced {
            return server;
        }
        let living: Vec<usize> = (0..self.cluster.len()).filter(|n| self.cluster.is_up(*n)).collect();
        self.rng.choice(living).unwrap_or(0)
    }

    /// Wakes this client at `at`, and not at the time it said before.
    pub(crate) fn wake_at(&mut self, at: Time) {
        let at = at.max(self.now);
        if self.wakes[self.client] != at {
            self.wakes[self.client] = at;
            self.push(at, self.client, Event::Wake);
        }
    }

    /// Sends a login, to wait for its answer until `give_up`.
    pub(crate) fn login(&mut self, server: usize, give_up: Time) -> Sent {
        let node = self.node(server);
        let Some(done) = self.cluster.queue(node, self.now) else {
            return if self.gateway { Sent::BadGateway } else { Sent::Down };
        };
        self.tally.login(self.client, self.now);
        let event = if done <= give_up { Event::Done(node) } else { Event::GivenUp };
        let number = self.push(done.min(give_up), self.client, event);
        // Whoever waited for another answer does so no longer.
        let before = self.pending[self.client].replace(Pending { number, node });
        self.tally.abandoned += u64::from(before.is_some());
        Sent::Waiting
    }

    pub(crate) fn send(&mut self, server: usize, token: Token) -> Reply {
        let node = self.node(server);
        match self.cluster.is_up(node) {
            false if self.gateway => Reply::BadGateway,
            false => Reply::Down,
            true if self.cluster.takes(node, token, self.now) => Reply::Taken,
            true => Reply::Rejected,
        }
    }

    /// A request of this client was answered as its program hoped.
    pub(crate) fn served(&mut self) {
        self.tally.served(self.client, self.now);
    }

    /// A request of this client ended in an error.
    pub(crate) fn failed(&mut self) {
        self.tally.failed(self.client, self.now);
    }

    /// Lets everything happen that comes before `until`.
    fn pass<C: Client>(&mut self, clients: &mut [C], scenario: &Scenario, until: Time) {
        while let Some(Reverse((at, number, client, event))) = self.events.peek().copied().filter(|e| e.0.0 <= until) {
            self.events.pop();
            self.now = at;
            self.client = client;
            let answer = match event {
                Event::Change(index) => {
                    self.change(scenario.changes[index].1);
                    continue;
                }
                Event::Wake => {
                    if self.wakes[client] == at {
                        self.wakes[client] = Time::ZERO;
                        clients[client].wake(self);
                    }
                    continue;
                }
                Event::Done(node) => {
                    let (shortest, longest) = self.delay;
                    let delay = shortest + (longest - shortest).mul_f64(self.rng.f64());
                    self.cluster.answer(node, at, delay).map_or(Answer::Refused, Answer::Granted)
                }
                Event::GivenUp => Answer::Slow,
                Event::Lost => Answer::Lost,
            };
            if self.pending[client].is_some_and(|p| p.number == number) {
                self.pending[client] = None;
                self.tally.abandoned += u64::from(answer == Answer::Slow);
                clients[client].answer(self, answer);
            }
        }
        self.now = until;
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Secret(node, secret) => self.cluster.set_secret(node, secret),
            Change::Password(is_right) => self.cluster.password_is_right = is_right,
            Change::Up(node, warm_up) => self.cluster.start(node, self.now + warm_up),
            Change::Down(node) => {
                self.cluster.kill(node);
                for client in 0..self.pending.len() {
                    if self.pending[client].is_some_and(|p| p.node == node) {
                        let number = self.push(self.now, client, Event::Lost);
                        self.pending[client] = Some(Pending { number, node });
                    }
                }
            }
        }
    }
}

/// Runs a scenario with clients that follow the rule `C`; returns the counts.
pub(crate) fn run<C: Client>(scenario: &Scenario, seed: u64) -> Tally {
    let mut rng = Rng::with_seed(seed);
    let mut outside = Outside::new(scenario, rng.fork());
    let mut clients: Vec<C> = (0..scenario.clients)
        .map(|_| {
            let first = rng.usize(..outside.servers());
            // Up to two thirds of its life: no renewal is due at the beginning.
            let issued = BEGIN - scenario.ttl.mul_f64(0.66 * rng.f64());
            // Of its own, so that every rule meets the same clients.
            C::new(&mut rng.fork(), first, scenario.warm.then(|| (outside.cluster.early_token(issued), issued)))
        })
        .collect();
    for (index, (at, _)) in scenario.changes.iter().enumerate() {
        outside.push(BEGIN + *at, 0, Event::Change(index));
    }
    for second in 0.. {
        let now = BEGIN + BETWEEN_REQUESTS * second;
        if now > BEGIN + scenario.calm + scenario.patience || outside.tally.is_quiet_for(QUIET, now) {
            break;
        }
        // Requests come evenly spread over the second: their times need no place in the queue.
        for client in 0..clients.len() {
            let at = now + BETWEEN_REQUESTS * client as u32 / clients.len() as u32;
            outside.pass(&mut clients, scenario, at);
            outside.client = client;
            if second == 0 {
                clients[client].begin(&mut outside);
            }
            clients[client].request(&mut outside);
        }
    }
    for (index, client) in clients.iter().enumerate() {
        for _ in 0..client.left_waiting(outside.now) {
            outside.tally.failed(index, outside.now);
        }
    }
    outside.tally
}
