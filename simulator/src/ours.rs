//! A process with this library: its real state machine, and around it what `src/session` and `src/client` do, in short.

use fastrand::Rng;
use nacos_auth::simulation::{Attempts, Demand, Issued, LoginError, Machine, Reason, Rejection, Time, Verdict};

use crate::{
    cluster::Token,
    world::{Answer, Client, Outside, Reply, Sent},
};

const ATTEMPT: Time = Time::from_secs(30);
const LOGIN: Time = Time::from_secs(35);
/// How long after that an answer is still taken, if no other login has begun.
const LATE: Time = Time::from_secs(60);
/// How long a request may take, logins included: the library's default.
const REQUEST: Time = Time::from_secs(15);
const SET_ASIDE: Time = Time::from_secs(30);
const LONGEST_SLEEP: Time = Time::from_secs(60);
/// How many logins one request waits for.
const MOST_REPLAYS: u8 = 2;

pub(crate) struct Ours {
    machine: Machine,
    /// Those that the machine may still want, by generation.
    tokens: Vec<(u64, Token)>,
    generation: u64,
    first: usize,
    down_until: [Time; 3],
    login: Option<Login>,
    waiting: Vec<Call>,
}

/// One login, from server to server until one can be reached.
struct Login {
    number: u64,
    sent: Time,
    left: Vec<usize>,
    asked: usize,
    /// When it counts as too slow.
    slow_at: Time,
    /// It did, and is only listened to.
    is_late: bool,
}

/// A request under way.
#[derive(Clone)]
struct Call {
    deadline: Time,
    replays: u8,
    attempts: Attempts,
    /// For a login.
    has_waited: bool,
    /// While it waits: when to ask again at the latest.
    until: Option<Time>,
    waits_for: WaitsFor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    /// The end of a login.
    Login,
    /// A token to begin to count.
    Token(u64),
}

impl Client for Ours {
    const NAME: &'static str = "nacos-auth";

    fn new(rng: &mut Rng, first: usize, token: Option<(Token, Time)>) -> Self {
        let mut machine = Machine::new(rng.u64(..));
        if let Some((token, sent)) = token {
            machine.demand(sent);
            let number = machine.start(sent).expect("a login is due at the beginning");
            let issued = Issued { generation: 1, ttl: Some(token.life(sent)), same: false, sent, server: None };
            machine.issued(number, issued, sent);
            machine.accepted(&Attempts::default(), 1, sent);
        }
        Self {
            machine,
            tokens: token.map(|(token, _)| (1, token)).into_iter().collect(),
            generation: 1,
            first,
            down_until: [Time::ZERO; 3],
            login: None,
            waiting: Vec::new(),
        }
    }

    fn begin(&mut self, outside: &mut Outside) {
        self.tick(outside);
    }

    fn request(&mut self, outside: &mut Outside) {
        let call = Call {
            deadline: outside.now + REQUEST,
            replays: 0,
            attempts: Attempts::default(),
            has_waited: false,
            until: None,
            waits_for: WaitsFor::Login,
        };
        self.lease(outside, call);
    }

    fn wake(&mut self, outside: &mut Outside) {
        self.tick(outside);
        let now = outside.now;
        for call in self.waiting.extract_if(.., |c| c.until.is_some_and(|at| at <= now)).collect::<Vec<_>>() {
            match call.waits_for {
                _ if call.deadline < now => outside.failed(),
                WaitsFor::Login => self.lease(outside, call),
                WaitsFor::Token(generation) => self.send(outside, call, generation),
            }
        }
        self.tick(outside);
    }

    fn answer(&mut self, outside: &mut Outside, answer: Answer) {
        let Some(login) = &mut self.login else { return };
        let down_until = &mut self.down_until[login.asked];
        match answer {
            Answer::Granted(token) => {
                *down_until = Time::ZERO;
                self.succeed(outside, token);
            }
            Answer::Refused => {
                *down_until = Time::ZERO;
                self.end_login(outside, LoginError::Answered(Reason::Refused, None));
            }
            Answer::Lost if !login.is_late => {
                *down_until = login.sent + SET_ASIDE;
                self.ask(outside);
            }
            // It was given up long ago.
            Answer::Slow | Answer::Lost => self.login = None,
        }
    }

    fn left_waiting(&self, now: Time) -> usize {
        self.waiting.iter().filter(|c| c.deadline < now).count()
    }
}

impl Ours {
    /// The servers in the order to try them: the living before those set aside.
    fn order(&self, outside: &Outside) -> Vec<usize> {
        let servers = outside.servers();
        let mut order: Vec<usize> = (0..servers).map(|i| (self.first + i) % servers).collect();
        order.sort_by_key(|server| self.down_until[*server] > outside.now);
        order
    }

    fn rotate(&mut self, outside: &Outside) {
        self.first = (self.first + 1) % outside.servers();
    }

    /// Gets a token for this request, and sends it.
    fn lease(&mut self, outside: &mut Outside, call: Call) {
        let now = outside.now;
        if self.machine.probe(now) {
            self.rotate(outside);
            return self.send_in_use(outside, call);
        }
        match self.machine.demand(now) {
            Demand::Serve { .. } => self.send_in_use(outside, call),
            Demand::Fail { .. } if call.has_waited && self.machine.may_still_succeed() => {
                self.wait(outside, call, None)
            }
            Demand::Fail { .. } => outside.failed(),
            Demand::Wait { patience } => {
                self.wait(outside, call, patience);
                self.tick(outside);
            }
        }
    }

    fn wait(&mut self, outside: &Outside, call: Call, patience: Option<Time>) {
        let until = [patience, self.machine.next_probe(outside.now)].into_iter().flatten().min();
        self.waiting.push(Call { until, has_waited: true, waits_for: WaitsFor::Login, ..call });
    }

    fn send_in_use(&mut self, outside: &mut Outside, call: Call) {
        match self.machine.generation() {
            Some(generation) => self.send(outside, call, generation),
            None => outside.failed(),
        }
    }

    /// Sends with the token of `generation`, and again as long as the machine knows what may help.
    fn send(&mut self, outside: &mut Outside, mut call: Call, mut generation: u64) {
        let now = outside.now;
        loop {
            let Some((_, token)) = self.tokens.iter().find(|(known, _)| *known == generation).copied() else {
                return outside.failed();
            };
            call.attempts.begin(now);
            let (reply, server) = self.send_around(outside, &call.attempts, generation, token);
            match reply {
                Reply::Taken => {
                    self.machine.accepted(&call.attempts, generation, now);
                    return outside.served();
                }
                Reply::Down => return outside.failed(),
                Reply::BadGateway => {
                    self.machine.server_unreachable(now);
                    return outside.failed();
                }
                Reply::Rejected => {}
            }
            let why = Rejection::Identity;
            match self.machine.rejected(&mut call.attempts, generation, why, Some(server), now) {
                Verdict::Retry { generation: next, after } if after.is_zero() => generation = next,
                Verdict::Retry { generation, after } => {
                    call.until = Some(now + after);
                    call.waits_for = WaitsFor::Token(generation);
                    self.waiting.push(call);
                    return self.sleep(outside);
                }
                Verdict::Replay if call.replays < MOST_REPLAYS => {
                    call.replays += 1;
                    return self.lease(outside, call);
                }
                _ => return outside.failed(),
            }
        }
    }

    /// Sends to the first server that can be reached; one that has refused this token in this request comes last.
    fn send_around(
        &mut self,
        outside: &mut Outside,
        attempts: &Attempts,
        generation: u64,
        token: Token,
    ) -> (Reply, usize) {
        // Nearly always the first one answers, and no list is needed.
        if attempts.is_empty() && self.down_until.iter().all(|at| *at <= outside.now) {
            let reply = outside.send(self.first, token);
            if reply != Reply::Down {
                return (reply, self.first);
            }
        }
        let mut order = self.order(outside);
        order.sort_by_key(|server| attempts.was_refused(generation, *server));
        for server in order {
            match outside.send(server, token) {
                Reply::Down => {
                    self.down_until[server] = outside.now + SET_ASIDE;
                    self.machine.server_unreachable(outside.now);
                }
                reply => {
                    self.down_until[server] = Time::ZERO;
                    self.prefer(outside, server);
                    return (reply, server);
                }
            }
        }
        (Reply::Down, 0)
    }

    fn prefer(&mut self, outside: &Outside, server: usize) {
        if self.down_until[self.first] > outside.now {
            self.first = server;
        }
    }

    /// What the refresher does when it wakes.
    fn tick(&mut self, outside: &mut Outside) {
        let now = outside.now;
        if let Some(login) = self.login.as_mut().filter(|login| !login.is_late && login.slow_at <= now) {
            login.is_late = true;
            self.down_until[login.asked] = login.sent + SET_ASIDE;
            let number = login.number;
            self.rotate(outside);
            self.fail(outside, number, LoginError::Overdue);
        }
        if let Some(number) = self.machine.start(now) {
            let mut left = self.order(outside);
            left.reverse();
            self.login = Some(Login { number, sent: now, left, asked: 0, slow_at: Time::MAX, is_late: false });
            self.ask(outside);
        }
        self.sleep(outside);
    }

    fn sleep(&self, outside: &mut Outside) {
        let now = outside.now;
        let until = self.waiting.iter().filter_map(|c| c.until).filter(|at| *at > now).min();
        let slow_at = self.login.as_ref().filter(|login| !login.is_late).map(|login| login.slow_at);
        let due = [self.machine.next_due(now), until, slow_at].into_iter().flatten().min();
        outside.wake_at(due.unwrap_or(Time::MAX).min(now + LONGEST_SLEEP));
    }

    /// Asks the next server of this login.
    fn ask(&mut self, outside: &mut Outside) {
        let Some(login) = &mut self.login else { return };
        let (ends, mut error) = (login.sent + LOGIN, LoginError::Unreachable);
        while let Some(server) = login.left.pop() {
            login.asked = server;
            let slow_at = ends.min(outside.now + ATTEMPT);
            match outside.login(server, slow_at + LATE) {
                Sent::Waiting => {
                    login.slow_at = slow_at;
                    return;
                }
                Sent::Down => self.down_until[server] = login.sent + SET_ASIDE,
                Sent::BadGateway => error = LoginError::Answered(Reason::Gateway, None),
            }
        }
        self.end_login(outside, error);
    }

    fn succeed(&mut self, outside: &mut Outside, token: Token) {
        let (Some(login), now) = (self.login.take(), outside.now) else { return };
        self.generation += 1;
        let (generation, ttl) = (self.generation, Some(token.life(now)));
        let issued = Issued { generation, ttl, same: false, sent: login.sent, server: Some(login.asked) };
        self.machine.issued(login.number, issued, now);
        self.tokens.push((generation, token));
        self.tokens.retain(|(generation, _)| self.machine.knows(*generation));
        // It surely takes what it has given.
        self.first = login.asked;
        for call in self.waiting.extract_if(.., |c| c.waits_for == WaitsFor::Login).collect::<Vec<_>>() {
            if call.deadline < now { outside.failed() } else { self.send_in_use(outside, call) }
        }
        self.tick(outside);
    }

    fn end_login(&mut self, outside: &mut Outside, error: LoginError) {
        let Some(login) = self.login.take() else { return };
        if !login.is_late {
            self.rotate(outside);
        }
        self.fail(outside, login.number, error);
        self.tick(outside);
    }

    fn fail(&mut self, outside: &mut Outside, number: u64, error: LoginError) {
        let now = outside.now;
        self.machine.failed(number, error, now);
        for call in self.waiting.extract_if(.., |c| c.waits_for == WaitsFor::Login).collect::<Vec<_>>() {
            match self.machine.demand(now) {
                _ if call.deadline < now => outside.failed(),
                Demand::Serve { .. } => self.send_in_use(outside, call),
                Demand::Wait { patience: Some(_) } => self.send_in_use(outside, call),
                Demand::Wait { patience: None } | Demand::Fail { .. } if self.machine.may_still_succeed() => {
                    self.waiting.push(call);
                }
                Demand::Wait { .. } | Demand::Fail { .. } => outside.failed(),
            }
        }
    }
}
