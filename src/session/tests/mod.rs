//! What is not to be seen from outside a session.

use std::sync::Arc;

use super::{
    cache::Snapshot,
    state::{Shared, State},
};
use crate::{
    error::{Error, Kind},
    lifecycle::{Issued, Machine, Time},
};

fn state() -> State {
    State {
        machine: Machine::new(1),
        snapshots: Vec::new(),
        handles: Vec::new(),
        last_error: None,
        failing_since: None,
        supplied: None,
        looked: Time::ZERO,
        openness: None,
        denial: None,
    }
}

#[test]
fn a_child_inherits_the_last_login_where_a_thread_of_the_parent_has_the_lock() {
    let (shared, now) = (Shared::new(state()), Time::from_secs(100));
    {
        let _held = shared.lock();
        assert!(shared.inherited().is_none(), "there was no login");
    }
    {
        let mut state = shared.lock();
        state.machine.demand(now);
        let number = state.machine.start(now).unwrap();
        let issued = Issued { generation: 7, ttl: None, same: false, sent: now, server: None };
        assert!(state.machine.issued(number, issued, now));
        state.snapshots.push(Arc::new(Snapshot { generation: 7, token: "t".into(), expiry: now }));
        state.login_ended = true;
    }
    let mut held = shared.lock();
    held.last_error = Some(Error::new(Kind::Internal, "half done"));
    let child = shared.inherited().unwrap();
    assert_eq!((child.machine.generation(), child.snapshots.len()), (Some(7), 1));
    assert!(child.last_error.is_none());
    drop(held);
    assert!(shared.inherited().unwrap().last_error.is_some(), "what is whole is what counts");
}
