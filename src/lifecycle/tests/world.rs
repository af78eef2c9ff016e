//! A machine in virtual time, for tests.

use super::*;
use crate::protocol::login::Reason;

/// A wrong password, or so it seems.
pub(super) const REFUSED: LoginError = LoginError::Answered(Reason::Refused, None);

pub(super) fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A machine with a clock, as its owner would drive it.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Time,
    pub(super) generation: u64,
    pub(super) logins: u32,
}

impl World {
    pub(super) fn new() -> Self {
        Self { machine: Machine::new(42), now: s(1000.0), generation: 0, logins: 0 }
    }

    pub(super) fn demand(&mut self) -> Demand {
        self.machine.demand(self.now)
    }

    pub(super) fn start(&mut self) -> u64 {
        let login = self.machine.start(self.now).expect("a login is due");
        self.logins += 1;
        login
    }

    pub(super) fn succeed(&mut self, login: u64, ttl: f64) -> bool {
        self.generation += 1;
        let issued =
            Issued { generation: self.generation, ttl: Some(s(ttl)), same: false, sent: self.now, server: None };
        self.machine.issued(login, issued, self.now)
    }

    /// A login that somebody wants fails.
    pub(super) fn fail(&mut self, error: LoginError) {
        self.demand();
        let login = self.start();
        assert!(self.machine.failed(login, error, self.now));
    }

    /// A request whose token is refused by `server`, as is every other that it is tried with; what comes of it.
    pub(super) fn refused(&mut self, mut generation: u64, server: Option<usize>) -> Verdict {
        let mut attempts = Attempts::default();
        loop {
            attempts.begin(self.now);
            match self.machine.rejected(&mut attempts, generation, Rejection::Identity, server, self.now) {
                Verdict::Retry { generation: next, after } => (generation, self.now) = (next, self.now + after),
                verdict => return verdict,
            }
        }
    }

    pub(super) fn log_in(&mut self, ttl: f64) {
        self.demand();
        let login = self.start();
        assert!(self.succeed(login, ttl));
        self.machine.accepted(&Attempts::default(), self.generation, self.now);
    }

    /// Runs until `end` with a demand each `step`, every login ending at once as `outcome` says; returns how many
    /// demands were not served.
    pub(super) fn run(
        &mut self,
        end: Time,
        step: Duration,
        outcome: impl Fn(Time) -> Result<f64, LoginError>,
    ) -> usize {
        let mut unserved = 0;
        while self.now < end {
            if let Demand::Wait { .. } = self.demand() {
                self.try_login(&outcome);
            }
            self.try_login(&outcome);
            unserved += usize::from(!matches!(self.demand(), Demand::Serve { .. }));
            self.now += step;
        }
        unserved
    }

    pub(super) fn try_login(&mut self, outcome: &impl Fn(Time) -> Result<f64, LoginError>) {
        if let Some(login) = self.machine.start(self.now) {
            self.logins += 1;
            match outcome(self.now) {
                Ok(ttl) => assert!(self.succeed(login, ttl)),
                Err(error) => assert!(self.machine.failed(login, error, self.now)),
            }
        }
    }
}
