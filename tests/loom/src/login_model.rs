//! Callers without a token, one refresher: whoever asks is served by one login, and nobody sleeps through its end.
//!
//! The state machine is the library's; the waiting around it follows `src/session/lease.rs`, `session.rs` and
//! `process.rs` in short: look under one lock, wake the refresher, wait for the count of ended logins to change.

use std::{sync::Arc, time::Duration};

use loom::{
    sync::{Condvar, Mutex},
    thread,
};
use nacos_auth::simulation::{Demand, Issued, LoginError, Machine, Reason, Time};

const NOW: Time = Duration::from_secs(1000);

struct Desk {
    state: Mutex<State>,
    /// Counts logins that have ended.
    turn: Mutex<u64>,
    ended: Condvar,
    /// A wake-up for the refresher, kept until it looks.
    nudged: Mutex<bool>,
    nudge: Condvar,
}

struct State {
    machine: Machine,
    token: Option<u64>,
    error: Option<&'static str>,
    logins: u32,
}

enum Ask {
    Answered(Result<u64, &'static str>),
    Wait(u64),
}

impl Desk {
    fn new() -> Arc<Self> {
        let state = State { machine: Machine::new(7), token: None, error: None, logins: 0 };
        Arc::new(Self {
            state: Mutex::new(state),
            turn: Mutex::new(0),
            ended: Condvar::new(),
            nudged: Mutex::new(false),
            nudge: Condvar::new(),
        })
    }

    fn lease(&self) -> Result<u64, &'static str> {
        loop {
            let seen = match self.ask() {
                Ask::Answered(answer) => return answer,
                Ask::Wait(seen) => seen,
            };
            *self.nudged.lock().unwrap() = true;
            self.nudge.notify_one();
            let mut turn = self.turn.lock().unwrap();
            while *turn == seen {
                turn = self.ended.wait(turn).unwrap();
            }
        }
    }

    fn ask(&self) -> Ask {
        let mut state = self.state.lock().unwrap();
        match state.machine.demand(NOW) {
            Demand::Serve { .. } => Ask::Answered(Ok(state.token.expect("a token to serve"))),
            Demand::Fail { .. } => Ask::Answered(Err(state.error.expect("an error to tell"))),
            Demand::Wait { .. } => Ask::Wait(*self.turn.lock().unwrap()),
        }
    }

    /// One round of the refresher: sleeps until it is nudged, and flies what is due.
    fn round(&self, brings: Result<u64, &'static str>) {
        let mut nudged = self.nudged.lock().unwrap();
        while !*nudged {
            nudged = self.nudge.wait(nudged).unwrap();
        }
        *nudged = false;
        drop(nudged);
        let Some(number) = self.state.lock().unwrap().machine.start(NOW) else { return };
        let mut state = self.state.lock().unwrap();
        state.logins += 1;
        match brings {
            Ok(generation) => {
                let ttl = Some(Duration::from_secs(18_000));
                assert!(state.machine.issued(
                    number,
                    Issued { generation, ttl, same: false, sent: NOW, server: None },
                    NOW
                ));
                state.token = Some(generation);
            }
            Err(error) => {
                let refused = LoginError::Answered(Reason::Refused, None);
                assert!(state.machine.failed(number, refused, NOW));
                state.error = Some(error);
            }
        }
        drop(state);
        *self.turn.lock().unwrap() += 1;
        self.ended.notify_all();
    }
}

fn two_callers(brings: Result<u64, &'static str>) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        let desk = Desk::new();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let desk = desk.clone();
                thread::spawn(move || desk.lease())
            })
            .collect();
        desk.round(brings);
        for caller in callers {
            assert_eq!(caller.join().unwrap(), brings);
        }
        assert_eq!(desk.state.lock().unwrap().logins, 1);
    });
}

#[test]
fn two_callers_are_served_by_one_login() {
    two_callers(Ok(1));
}

#[test]
fn two_callers_share_one_error() {
    two_callers(Err("refused"));
}
