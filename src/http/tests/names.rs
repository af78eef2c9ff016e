//! Names.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::atomic::AtomicUsize,
};

use super::{super::resolve::Resolver, *};

fn look_up(resolver: &Resolver, host: &str, within: Duration) -> Option<Result<Vec<IpAddr>, Error>> {
    let caller = Caller::new(Executor::Caller);
    let limits = Limits::new(within, &[], &caller.closed, &caller.waiters);
    here(limits.until(resolver.addresses(host, limits.executor)))
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[test]
fn an_address_is_no_name() {
    let resolver = Resolver::with(|_| panic!("looked up"));
    assert_eq!(look_up(&resolver, "127.0.0.1", LONG).unwrap().unwrap(), [HERE]);
    assert!(look_up(&resolver, "::1", LONG).unwrap().unwrap()[0].is_ipv6());
}

#[test]
fn an_answer_is_remembered_until_the_server_shows_that_something_changed() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let resolver = Resolver::with(|_| {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Ok(vec![HERE])
    });
    for _ in 0..10 {
        look_up(&resolver, "a", LONG).unwrap().unwrap();
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    resolver.forget("a");
    look_up(&resolver, "a", LONG).unwrap().unwrap();
    assert_eq!(ASKED.load(Ordering::SeqCst), 2);
}

#[test]
fn a_failure_is_not_remembered() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let resolver = Resolver::with(|_| match ASKED.fetch_add(1, Ordering::SeqCst) {
        0 => Err(io::Error::other("not yet")),
        _ => Ok(vec![HERE]),
    });
    let error = look_up(&resolver, "a", LONG).unwrap().unwrap_err();
    assert_eq!((error.phase, error.cause.as_str()), (Phase::Resolve, "a: not yet"));
    assert!(look_up(&resolver, "a", LONG).unwrap().is_ok());
}

#[test]
fn a_hung_lookup_costs_its_own_callers_only() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let resolver = Resolver::with(|host| {
        if host == "hung" && ASKED.fetch_add(1, Ordering::SeqCst) == 0 {
            thread::sleep(LONG);
        }
        Ok(vec![HERE])
    });
    assert!(look_up(&resolver, "hung", Duration::from_millis(1200)).is_none());
    assert!(look_up(&resolver, "other", LONG).unwrap().is_ok());
    assert!(look_up(&resolver, "hung", LONG).unwrap().is_ok(), "the next one does not wait for the first");
}

#[test]
fn callers_who_come_together_share_a_lookup_and_later_ones_begin_four_at_the_most() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let resolver = Resolver::with(|_| {
        ASKED.fetch_add(1, Ordering::SeqCst);
        thread::sleep(LONG);
        Ok(vec![HERE])
    });
    let together = || {
        thread::scope(|scope| {
            let ask = || assert!(look_up(&resolver, "hung", Duration::from_millis(1100)).is_none());
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    };
    together();
    assert_eq!(ASKED.load(Ordering::SeqCst), 1);
    (0..5).for_each(|_| together());
    assert!((2..=4).contains(&ASKED.load(Ordering::SeqCst)), "{ASKED:?}");
}
