//! A process with this library: its real state machine, and around it what `src/session` and `src/client` do, in short.

use fastrand::Rng;
use nacos_auth::simulation::{Demand, Issued, LoginError, Machine, Reason, Rejection, Time, Verdict};

use crate::{
    cluster::Token,
    world::{Answer, Client, Outside, Reply},
};

const ATTEMPT: Time = Time::from_secs(30);
const LOGIN: Time = Time::from_secs(35);
/// How long after that an answer is still taken, if no other login has begun.
const LATE: Time = Time::from_secs(60);
/// How long a request may take, logins included: the library's default.
const REQUEST: Time = Time::from_secs(15);
const SET_ASIDE: Time = Time::from_secs(30);
const LONGEST_SLEEP: Time = Time::from_secs(60);

pub(crate) struct Ours {
    machine: Machine,
    token: Option<Token>,
    generation: u64,
    first: usize,
    down_until: [Time; 3],
    login: Option<Login>,
    waiting: Vec<Call>,
    rng: Rng,
}

/// One login, from server to server until one can be reached.
struct Login {
    number: u64,
    sent: Time,
    left: Vec<usize>,
    asked: usize,
    /// When it counts as too slow; later there is no such time, and it is only listened to.
    slow_at: Time,
}

/// A request under way.
#[derive(Clone, Copy)]
struct Call {
    deadline: Time,
    replays: u8,
    /// While it waits: until when, if there is a token to fall back on.
    patience: Option<Time>,
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
            machine.accepted(1);
        }
        Self {
            machine,
            token: token.map(|(token, _)| token),
            generation: 1,
            first,
            down_until: [Time::ZERO; 3],
            login: None,
            waiting: Vec::new(),
            rng: rng.fork(),
        }
    }

    fn begin(&mut self, outside: &mut Outside) {
        self.tick(outside);
    }

    fn request(&mut self, outside: &mut Outside) {
        self.lease(outside, Call { deadline: outside.now + REQUEST, replays: 0, patience: None });
    }

    fn wake(&mut self, outside: &mut Outside) {
        self.tick(outside);
        let now = outside.now;
        for call in self.waiting.extract_if(.., |c| c.patience.is_some_and(|at| at <= now)).collect::<Vec<_>>() {
            self.lease(outside, call);
        }
    }

    fn answer(&mut self, outside: &mut Outside, answer: Answer) {
        let Some(login) = &mut self.login else { return };
        let down_until = &mut self.down_until[login.asked];
        match answer {
            Answer::Granted(token) => {
                *down_until = Time::ZERO;
                self.end_login(outside, Ok(token));
            }
            Answer::Refused => {
                *down_until = Time::ZERO;
                self.end_login(outside, Err(LoginError::Answered(Reason::Refused, None)));
            }
            // It was given up long ago.
            Answer::Slow => self.login = None,
            Answer::Lost if login.slow_at == Time::MAX => self.login = None,
            Answer::Lost => {
                *down_until = login.sent + SET_ASIDE;
                self.ask(outside);
            }
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

    /// Gets a token for this request, and sends it.
    fn lease(&mut self, outside: &mut Outside, call: Call) {
        match self.machine.demand(outside.now) {
            Demand::Serve { .. } => self.send(outside, call),
            Demand::Fail { .. } => outside.failed(),
            Demand::Wait { patience } => {
                self.waiting.push(Call { patience, ..call });
                self.tick(outside);
            }
        }
    }

    fn send(&mut self, outside: &mut Outside, call: Call) {
        let Some(token) = self.token else { return outside.failed() };
        // Nearly always the first one answers, and no list is needed.
        let quick = self.down_until.iter().all(|at| *at <= outside.now);
        let first = self.first;
        let reply = if quick { outside.send(first, token) } else { Reply::Down };
        let (reply, server) = if reply == Reply::Down { self.send_around(outside, token) } else { (reply, first) };
        match reply {
            Reply::Taken => {
                self.machine.accepted(self.generation);
                outside.served();
            }
            Reply::Rejected => {
                match self.machine.rejected(self.generation, Rejection::Identity, Some(server), outside.now) {
                    Verdict::Replay if call.replays < 2 => {
                        self.first = server;
                        self.lease(outside, Call { replays: call.replays + 1, ..call });
                    }
                    _ => outside.failed(),
                }
            }
            Reply::Down => outside.failed(),
        }
    }

    fn send_around(&mut self, outside: &mut Outside, token: Token) -> (Reply, usize) {
        for server in self.order(outside) {
            match outside.send(server, token) {
                Reply::Down => {
                    self.down_until[server] = outside.now + SET_ASIDE;
                    self.machine.server_unreachable(outside.now);
                }
                reply => {
                    self.down_until[server] = Time::ZERO;
                    return (reply, server);
                }
            }
        }
        (Reply::Down, 0)
    }

    /// What the refresher does when it wakes.
    fn tick(&mut self, outside: &mut Outside) {
        let now = outside.now;
        if let Some(login) = self.login.as_mut().filter(|login| login.slow_at <= now) {
            login.slow_at = Time::MAX;
            self.down_until[login.asked] = login.sent + SET_ASIDE;
            let number = login.number;
            return self.fail(outside, number, LoginError::Slow);
        }
        if let Some(number) = self.machine.start(now) {
            let mut left = self.order(outside);
            left.reverse();
            self.login = Some(Login { number, sent: now, left, asked: 0, slow_at: Time::MAX });
            self.ask(outside);
        }
        let patience = self.waiting.iter().filter_map(|c| c.patience).filter(|at| *at > now).min();
        let slow_at = self.login.as_ref().map(|login| login.slow_at);
        let due = [self.machine.next_due(now), patience, slow_at].into_iter().flatten().min();
        outside.wake_at(due.unwrap_or(Time::MAX).min(now + LONGEST_SLEEP));
    }

    /// Asks the next server of this login.
    fn ask(&mut self, outside: &mut Outside) {
        let Some(login) = &mut self.login else { return };
        let ends = login.sent + LOGIN;
        while let Some(server) = login.left.pop() {
            login.asked = server;
            if outside.login(server, ends.min(outside.now + ATTEMPT) + LATE) {
                login.slow_at = ends.min(outside.now + ATTEMPT);
                return;
            }
            self.down_until[server] = login.sent + SET_ASIDE;
        }
        self.end_login(outside, Err(LoginError::Unreachable));
    }

    fn end_login(&mut self, outside: &mut Outside, result: Result<Token, LoginError>) {
        let (Some(login), now) = (self.login.take(), outside.now) else { return };
        let token = match result {
            Ok(token) => token,
            Err(error) => return self.fail(outside, login.number, error),
        };
        self.generation += 1;
        self.token = Some(token);
        let ttl = Some(token.life(now));
        let issued =
            Issued { generation: self.generation, ttl, same: false, sent: login.sent, server: Some(login.asked) };
        self.machine.issued(login.number, issued, now);
        self.first = login.asked;
        for call in std::mem::take(&mut self.waiting) {
            if call.deadline < now { outside.failed() } else { self.send(outside, call) }
        }
        self.tick(outside);
    }

    fn fail(&mut self, outside: &mut Outside, number: u64, error: LoginError) {
        let now = outside.now;
        if self.machine.failed(number, error, now) {
            let others = outside.servers().max(2) - 1;
            self.first = (self.first + 1 + self.rng.usize(..others)) % outside.servers();
        }
        for call in std::mem::take(&mut self.waiting) {
            if call.deadline < now {
                outside.failed();
            } else if call.patience.is_some() {
                self.send(outside, call);
            } else if self.machine.is_starting() {
                self.waiting.push(call);
            } else {
                outside.failed();
            }
        }
        self.tick(outside);
    }
}
