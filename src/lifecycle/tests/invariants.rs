//! What holds in every order of events, however unlikely. A failing order is printed and kept beside this file.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::protocol::login::Reason;

#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Demand,
    Start,
    Succeed {
        ttl: Option<u64>,
        same: bool,
        server: Option<usize>,
    },
    Fail(LoginError),
    /// The answer to a login that was given up comes: a token, or an error.
    Late(Result<(), LoginError>),
    Rejected(Rejection, bool, Option<usize>),
    Accepted,
    ServerUnreachable,
    AuthSwitchedOn,
    Fork,
    OtherCredentials,
}

fn server() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(0..3usize)
}

fn event() -> impl Strategy<Value = Event> {
    let reasons = prop_oneof![
        Just(Reason::Overloaded),
        Just(Reason::Gateway),
        Just(Reason::Fault),
        Just(Reason::Refused),
        Just(Reason::NotNacos)
    ];
    let error = prop_oneof![
        Just(LoginError::Unreachable),
        Just(LoginError::Slow),
        Just(LoginError::Overdue),
        (reasons, prop::option::of(0..5000u64))
            .prop_map(|(reason, after)| LoginError::Answered(reason, after.map(Duration::from_secs))),
        prop::option::of(0..5000u64).prop_map(|after| LoginError::Guarded(403, after.map(Duration::from_secs))),
    ];
    let late = prop_oneof![Just(Ok(())), error.clone().prop_map(Err)];
    let rejection = prop_oneof![
        Just(Rejection::Identity),
        Just(Rejection::Unknown),
        Just(Rejection::Permission),
        Just(Rejection::Misconfigured)
    ];
    let ttl = prop_oneof![Just(None), (1..20u64).prop_map(Some), (20..100_000u64).prop_map(Some), Just(Some(u64::MAX))];
    prop_oneof![
        1 => prop_oneof![0..50u64, 0..5_000u64, 0..5_000_000u64].prop_map(Event::Pass),
        3 => Just(Event::Demand),
        4 => Just(Event::Start),
        3 => (ttl, any::<bool>(), server()).prop_map(|(ttl, same, server)| Event::Succeed { ttl, same, server }),
        2 => error.prop_map(Event::Fail),
        1 => late.prop_map(Event::Late),
        2 => (rejection, any::<bool>(), server()).prop_map(|(why, late, server)| Event::Rejected(why, late, server)),
        1 => Just(Event::Accepted),
        1 => Just(Event::ServerUnreachable),
        1 => Just(Event::AuthSwitchedOn),
        1 => Just(Event::Fork),
        1 => Just(Event::OtherCredentials),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn hold_in_every_order(seed in any::<u64>(), events in vec(event(), 1..200)) {
        let mut m = Machine::new(seed);
        let mut now = Duration::from_secs(1000);
        let (mut login, mut generation) = (None, 0);
        let mut slow = None;
        let mut last_start: Option<Time> = None;
        for event in events {
            let before = m.token_state(now);
            match event {
                Event::Pass(ms) => now += Duration::from_millis(ms),
                Event::Demand => {
                    let usable = !matches!(before, TokenState::None | TokenState::Rejected);
                    match m.demand(now) {
                        Demand::Serve { .. } => prop_assert!(usable),
                        Demand::Wait { patience } => prop_assert_eq!(usable, patience.is_some()),
                        Demand::Fail { retry_at } => prop_assert!(!usable && retry_at > now),
                    }
                }
                Event::Start => {
                    if let Some(number) = m.start(now) {
                        prop_assert!(login.is_none(), "two logins at once");
                        prop_assert!(last_start.is_none_or(|at| now - at >= BETWEEN_ATTEMPTS), "logins too close together");
                        (login, last_start, slow) = (Some(number), Some(now), None);
                    }
                    prop_assert!(m.next_due(now).is_none_or(|due| due > now), "the refresher would spin");
                }
                Event::Succeed { ttl, same, server } => {
                    if let Some(number) = login.take() {
                        generation += 1;
                        let ttl = ttl.map(Duration::from_secs);
                        let issued = Issued { generation, ttl, same, sent: now, server };
                        prop_assert!(m.issued(number, issued, now));
                        prop_assert!(!m.issued(number, issued, now), "a login landed twice");
                    }
                }
                Event::Fail(error) => {
                    if let Some(number) = login.take() {
                        prop_assert!(m.failed(number, error, now));
                        prop_assert_eq!(m.token_state(now), before, "a failure touched the token");
                        slow = (error == LoginError::Overdue).then_some(number);
                    }
                }
                Event::Late(Ok(())) => {
                    if let Some(number) = slow.take() {
                        generation += 1;
                        let issued = Issued { generation, ttl: None, same: false, sent: now, server: None };
                        prop_assert!(m.issued(number, issued, now));
                        prop_assert!(!m.issued(number, issued, now), "a login landed twice");
                    }
                }
                Event::Late(Err(error)) => {
                    if let Some(number) = slow.take() {
                        let answered = matches!(error, LoginError::Answered(..) | LoginError::Guarded(..));
                        prop_assert_eq!(m.failed(number, error, now), answered);
                        prop_assert!(!m.failed(number, error, now), "a login failed twice");
                        prop_assert_eq!(m.token_state(now), before, "a failure touched the token");
                    }
                }
                Event::Rejected(why, late, server) => {
                    let of = if late { generation.saturating_sub(1) } else { generation };
                    let verdict = m.rejected(&mut Attempts::default(), of, why, server, now);
                    if matches!(why, Rejection::Permission | Rejection::Misconfigured) {
                        prop_assert_eq!((verdict, m.token_state(now)), (Verdict::Return, before));
                    }
                    if late {
                        prop_assert_eq!(m.token_state(now), before, "a late answer touched the token");
                    }
                }
                Event::Accepted => m.accepted(&Attempts::default(), generation, now),
                Event::ServerUnreachable => m.server_unreachable(now),
                Event::AuthSwitchedOn => {
                    m.auth_switched_on(now);
                }
                Event::OtherCredentials => {
                    let mut other = Machine::new(seed);
                    let usable = !matches!(before, TokenState::None | TokenState::Rejected);
                    prop_assert_eq!(other.inherit(&m), usable);
                    (m, login, slow, last_start) = (other, None, None, None);
                    if usable {
                        prop_assert_eq!(m.token_state(now), before, "new credentials cost a good token");
                    }
                }
                Event::Fork => {
                    m = m.forked(generation);
                    (login, slow) = (None, None);
                }
            }
            if let Some(cached) = m.cacheable(now) {
                prop_assert_eq!(cached, generation);
                prop_assert!(matches!(m.token_state(now), TokenState::Fresh | TokenState::Advisory));
            }
        }
    }

    #[test]
    fn a_wrong_password_never_costs_more_than_three_logins_in_a_quarter_of_an_hour(
        seed in any::<u64>(),
        steps in vec((1..60_000u64, prop::bool::weighted(0.1), 0..4u8), 1..400),
        fault in any::<bool>(),
    ) {
        let mut m = Machine::new(seed);
        let mut now = Duration::from_secs(1000);
        let mut starts: Vec<Time> = Vec::new();
        let reason = if fault { Reason::Fault } else { Reason::Refused };
        let refused = LoginError::Answered(reason, None);
        let mut slow = None;
        for (step, closes, how) in steps {
            now += Duration::from_millis(step);
            if closes {
                m.auth_switched_on(now);
            }
            m.demand(now);
            if let Some(number) = m.start(now) {
                slow = None;
                if how == 3 {
                    // A gateway's answer, in which no server had a part.
                    m.failed(number, LoginError::Answered(Reason::Gateway, None), now);
                    continue;
                }
                starts.push(now);
                m.failed(number, [refused, LoginError::Slow, LoginError::Overdue][usize::from(how)], now);
                slow = (how == 2).then_some(number);
            } else if let Some(number) = slow.take() {
                prop_assert!(m.failed(number, refused, now));
            }
        }
        for four in starts.windows(4) {
            prop_assert!(four[3] - four[0] > Duration::from_secs(900), "{:?}", four);
        }
    }
}
