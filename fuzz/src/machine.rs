//! The state machine in every order of events.

use std::time::Duration;

use nacos_auth::{
    RefreshState, TokenState,
    fuzzing::{self, Attempts, Demand, Issued, LoginError, Machine, Reason, Rejection, Time, Verdict},
};

use crate::{is_traced, planted};

/// Between two logins.
const A_SECOND: Duration = Duration::from_secs(1);
/// In this there are three logins at the most with credentials that no server has ever taken.
const QUARTER: Duration = Duration::from_secs(15 * 60);
/// The longest `Retry-After` that is obeyed, and a fifth for the spreading of many clients.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600 * 6 / 5);
/// A request is sent so often at the most while servers disagree; and once more for each wait for a fresh token.
const MOST_SENT: usize = 12 + 3;

/// The first byte is the seed, then come events: a byte for which, and its arguments.
pub fn run(data: &[u8]) {
    let Some((seed, events)) = data.split_first() else { return };
    let mut world = World::new(u64::from(*seed));
    let mut input = Input(events);
    while let Some(event) = input.byte() {
        // No clock gives two events the same time.
        world.now += Duration::from_nanos(1);
        world.happens(event, &mut input);
        if is_traced() {
            let World { machine, now, generation, login, sent_with, .. } = &world;
            let view = fuzzing::view(machine, *now);
            eprintln!(
                "{now:?}: event {}: generation {generation}, login {login:?}, sent with {sent_with}: {view:?}",
                event % 16
            );
        }
        world.check();
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u64 {
        u64::from(self.byte().unwrap_or(0))
    }

    fn server(&mut self) -> Option<usize> {
        [None, Some(0), Some(1), Some(2)][self.number() as usize % 4]
    }

    /// From a millisecond to some months.
    fn time(&mut self) -> Duration {
        let number = self.number();
        Duration::from_millis((number & 31) << (number >> 5 << 2))
    }

    fn error(&mut self) -> LoginError {
        let kind = self.number();
        let reasons =
            [Reason::MissingApi, Reason::Overloaded, Reason::Gateway, Reason::Fault, Reason::Refused, Reason::NotNacos];
        match kind % 12 {
            0 => LoginError::Unreachable,
            1 => LoginError::Slow,
            2 => LoginError::Overdue,
            3 if (kind / 12).is_multiple_of(2) => LoginError::NoCredentials,
            3 => LoginError::Guarded(403, None),
            4..=9 => LoginError::Answered(reasons[kind as usize % 12 - 4], None),
            10 => LoginError::Answered(reasons[kind as usize / 12 % 6], Some(Duration::MAX)),
            _ => LoginError::Answered(reasons[kind as usize / 12 % 6], Some(self.time())),
        }
    }

    fn life(&mut self) -> Option<Duration> {
        match self.number() {
            0 => None,
            255 => Some(Duration::MAX),
            number => Some(Duration::from_millis(1 << (number % 32))),
        }
    }
}

/// A machine, and what is known of it from outside.
struct World {
    machine: Machine,
    now: Time,
    generation: u64,
    /// The login under way.
    login: Option<u64>,
    /// A login that was given up, and whose answer may come.
    late: Option<u64>,
    last_start: Option<Time>,
    /// The last login has brought a token.
    succeeded: bool,
    /// No login with these credentials has ever brought a token.
    never_good: bool,
    /// When logins began that cost a server a look at the password, since the credentials were given.
    looks: Vec<Time>,
    /// The request under way, and the token that it was sent with.
    request: Attempts,
    sent_with: u64,
    sent: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            machine: Machine::new(seed),
            now: Time::from_secs(1000),
            generation: 0,
            login: None,
            late: None,
            last_start: None,
            succeeded: false,
            never_good: true,
            looks: Vec::new(),
            request: Attempts::default(),
            sent_with: 0,
            sent: 0,
        }
    }

    fn token(&self) -> TokenState {
        fuzzing::view(&self.machine, self.now).token
    }

    fn is_usable(&self) -> bool {
        usable(self.token())
    }

    fn is_usable_in(&self, machine: &Machine) -> bool {
        usable(fuzzing::view(machine, self.now).token)
    }

    fn happens(&mut self, event: u8, input: &mut Input<'_>) {
        match event % 16 {
            0 => self.now += input.time(),
            1 => self.demand(),
            2 => self.start(),
            3 => {
                let issued = self.issue(input);
                let login = self.login.take();
                self.succeed(login, issued);
            }
            4 => {
                let (login, error) = (self.login.take(), input.error());
                self.fail(login, error, false);
            }
            5 => {
                let issued = self.issue(input);
                let late = self.late.take();
                self.succeed(late, issued);
            }
            6 => {
                let (late, error) = (self.late.take(), input.error());
                self.fail(late, error, true);
            }
            7 => self.send(input),
            8 => self.refuse(input),
            9 => self.accept(),
            10 => self.machine.server_unreachable(self.now),
            11 => _ = fuzzing::auth_switched_on(&mut self.machine, self.now),
            12 => self.fork(input.number()),
            13 => self.other_credentials(input.number()),
            14 => self.come_back(input.number()),
            _ => self.as_its_owner_does(input),
        }
    }

    /// A program that wants a token all the time, until the next login has begun.
    fn as_its_owner_does(&mut self, input: &mut Input<'_>) {
        self.demand();
        if let Some(due) = self.machine.next_due(self.now) {
            self.now = self.now.max(due);
        }
        self.start();
        let error = input.error();
        let login = self.login.take();
        self.fail(login, error, false);
    }

    fn demand(&mut self) {
        let usable = self.is_usable();
        let demand = self.machine.demand(self.now);
        let due = self.machine.next_due(self.now);
        match demand {
            Demand::Serve { expired } => {
                assert!(usable);
                assert_eq!(expired, self.token() == TokenState::Expired);
            }
            Demand::Wait { patience: Some(until) } => {
                assert!(usable && until > self.now && until <= self.now + Duration::from_secs(2));
            }
            Demand::Wait { patience: None } => {
                assert!(!usable);
                assert!(due.is_some() || self.login.is_some(), "a caller waits for what never comes");
            }
            Demand::Fail { retry_at } => {
                assert!(!usable && retry_at > self.now);
                assert!(due.is_some_and(|due| due <= retry_at + A_SECOND), "a promise that is not kept");
            }
        }
    }

    fn start(&mut self) {
        if let Some(number) = self.machine.start(self.now) {
            assert!(self.login.is_none(), "two logins at once");
            let apart = self.last_start.is_none_or(|at| self.now - at >= A_SECOND);
            assert!(apart, "logins too close together");
            (self.login, self.late, self.last_start) = (Some(number), None, Some(self.now));
            self.succeeded = false;
        }
        assert!(self.machine.next_due(self.now).is_none_or(|due| due > self.now), "the refresher would spin");
        assert_eq!(self.machine.start(self.now), None, "two logins at once");
    }

    fn issue(&mut self, input: &mut Input<'_>) -> Issued {
        let (how, ttl, server) = (input.number(), input.life(), input.server());
        let sent = self.last_start.unwrap_or(self.now);
        Issued { generation: self.generation + 1, ttl, same: how % 4 == 0, sent, server }
    }

    fn succeed(&mut self, login: Option<u64>, issued: Issued) {
        let Some(number) = login else { return };
        self.generation += 1;
        assert!(self.machine.issued(number, issued, self.now), "a token is thrown away");
        assert!(!self.machine.issued(number, issued, self.now), "a login landed twice");
        assert!(self.is_usable() && self.machine.generation() == Some(self.generation));
        assert_eq!(fuzzing::view(&self.machine, self.now).refresh, RefreshState::Idle);
        (self.never_good, self.succeeded, self.late) = (false, true, None);
        self.looks.clear();
    }

    fn fail(&mut self, login: Option<u64>, error: LoginError, is_late: bool) {
        let Some(number) = login else { return };
        let before = self.token();
        let counts = self.machine.failed(number, error, self.now);
        assert_eq!(counts, !is_late || matches!(error, LoginError::Answered(..) | LoginError::Guarded(..)));
        assert_eq!(self.token(), before, "a failure touched the token");
        if !counts {
            return;
        }
        self.late = (error == LoginError::Overdue).then_some(number);
        let view = fuzzing::view(&self.machine, self.now);
        let until = view.retry_at.expect("a pause after a failure");
        let until =
            planted(until, Time::MAX, || self.generation == 3 && view.refresh == RefreshState::CredentialsRejected);
        assert!(until > self.now && until <= self.now + LONGEST_PAUSE, "{:?}", until - self.now);
        let looked = match error {
            LoginError::Slow | LoginError::Overdue => true,
            LoginError::Answered(reason, _) => matches!(reason, Reason::Refused | Reason::Fault),
            // Who logs in counts what it may have cost.
            LoginError::Guarded(..) | LoginError::Unreachable | LoginError::NoCredentials => false,
        };
        if self.never_good && looked && !is_late {
            self.looks.extend(self.last_start);
        }
        if let [.., first, _, _, last] = self.looks[..] {
            assert!(last - first > QUARTER, "four logins in {:?}", last - first);
        }
    }

    fn send(&mut self, input: &mut Input<'_>) {
        self.request = if input.number().is_multiple_of(4) { Attempts::reported() } else { Attempts::default() };
        self.request.begin(self.now);
        let used = self.machine.generation().unwrap_or(0);
        let probes = self.machine.probe(self.now);
        assert!(!probes || self.token() == TokenState::Rejected);
        // Perhaps with a copy that is out of date.
        self.sent_with = if input.number().is_multiple_of(4) { used.saturating_sub(1) } else { used };
        self.sent = 1;
    }

    fn refuse(&mut self, input: &mut Input<'_>) {
        let reasons = [Rejection::Identity, Rejection::Unknown, Rejection::Permission, Rejection::Misconfigured];
        let (why, server) = (reasons[input.number() as usize % 4], input.server());
        if self.sent_with == 0 {
            return;
        }
        let (before, knew) = (self.token(), self.machine.knows(self.sent_with));
        let verdict = self.machine.rejected(&mut self.request, self.sent_with, why, server, self.now);
        match why {
            Rejection::Permission | Rejection::Misconfigured => {
                assert_eq!((verdict, self.token()), (Verdict::Return, before), "no login cures it");
            }
            Rejection::Unknown => assert_eq!(self.token(), before, "given up without a reason"),
            Rejection::Identity if !knew && self.request.count() == 1 => {
                assert_eq!(self.token(), before, "a late answer touched the token");
            }
            Rejection::Identity => {}
        }
        match verdict {
            Verdict::Retry { generation, after } => {
                assert!(self.machine.knows(generation), "a token that nobody has");
                assert!(after <= A_SECOND);
                self.sent += 1;
                assert!(self.sent <= MOST_SENT, "sent for ever");
                self.now += after;
                self.sent_with = generation;
                self.request.begin(self.now);
            }
            Verdict::Replay | Verdict::ReplayIfIdempotent => {
                // With the token of the moment, if there is one, as the next request.
                self.sent_with = if self.is_usable() { self.machine.generation().unwrap_or(0) } else { 0 };
                self.request.begin(self.now);
            }
            Verdict::Return => self.sent_with = 0,
        }
    }

    fn accept(&mut self) {
        if self.sent_with == 0 {
            return;
        }
        let (used, usable) = (self.machine.generation(), self.is_usable());
        self.machine.accepted(&self.request, self.sent_with, self.now);
        assert!(self.is_usable() >= usable, "a good answer cost a token");
        let now_used = self.machine.generation();
        assert!(now_used == used || now_used == Some(self.sent_with), "another token than the one taken");
        self.sent_with = 0;
    }

    fn fork(&mut self, seed: u64) {
        let before = self.token();
        self.machine = fuzzing::forked(&self.machine, seed);
        (self.login, self.late) = (None, None);
        let now_is = self.token();
        assert_eq!(usable(before), usable(now_is), "a fork cost a token");
    }

    fn other_credentials(&mut self, seed: u64) {
        let usable = self.is_usable();
        let mut other = Machine::new(seed);
        assert_eq!(fuzzing::take_over(&mut other, &self.machine), usable);
        self.machine = other;
        assert_eq!(self.is_usable(), usable, "new credentials cost a good token");
        self.begin_anew();
        self.last_start = None;
    }

    fn come_back(&mut self, seed: u64) {
        let before = self.machine.clone();
        self.machine = fuzzing::come_back(&before, seed, self.now);
        assert_eq!(self.token(), TokenState::None);
        // Perhaps by way of other credentials, which had the token meanwhile.
        if seed.is_multiple_of(2) && self.is_usable_in(&before) {
            assert!(fuzzing::take_over(&mut self.machine, &before));
        }
        self.begin_anew();
        if self.succeeded {
            self.last_start = None;
        }
    }

    fn begin_anew(&mut self) {
        (self.login, self.late, self.never_good, self.sent_with) = (None, None, true, 0);
        self.looks.clear();
    }

    /// What holds at any time.
    fn check(&self) {
        let view = fuzzing::view(&self.machine, self.now);
        if let Some(cached) = view.cacheable {
            assert!(self.machine.knows(cached) && self.machine.generation() == Some(cached));
            assert!(matches!(view.token, TokenState::Fresh | TokenState::Advisory), "{view:?}");
            assert!(self.machine.next_due(self.now).is_some() || self.login.is_some(), "nobody would withdraw it");
        }
        assert_eq!(view.refresh == RefreshState::InFlight, self.login.is_some(), "{view:?}");
        assert!(view.retry_at.is_none_or(|at| at <= self.now + LONGEST_PAUSE), "{view:?}");
    }
}

fn usable(state: TokenState) -> bool {
    !matches!(state, TokenState::None | TokenState::Rejected)
}
