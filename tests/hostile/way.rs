//! The two ways by which the library meets a server: a login, by the thread of the library, and a request, by the
//! caller's.

use std::{
    io,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use nacos_auth::{Client, Config, Error, Kind, Request};

use crate::server::{Seen, Server, TOKEN, answer, granted};

/// How much later than its deadline a call may end on a busy machine.
const SLACK: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Login,
    Request,
}

pub(crate) const WAYS: [Way; 2] = [Way::Login, Way::Request];

impl Way {
    fn is_way_of(self, seen: &Seen) -> bool {
        seen.is_login() == (self == Self::Login)
    }

    /// A server that answers what comes this way by `script`, and everything else well.
    pub(crate) fn server(
        self,
        script: impl Fn(&Seen, &mut TcpStream) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Server {
        Server::new(move |seen, stream| {
            if self.is_way_of(seen) {
                return script(seen, stream);
            }
            io::Write::write_all(
                stream,
                &if seen.is_login() { login_granted() } else { answer("200 OK", "", b"well") },
            )?;
            Ok(true)
        })
    }

    /// What a complete answer of this kind holds.
    pub(crate) fn body(self) -> Vec<u8> {
        match self {
            Self::Login => granted(),
            Self::Request => b"the whole configuration".to_vec(),
        }
    }

    /// What a call brings that meets `body`.
    pub(crate) fn brings(self) -> Vec<u8> {
        match self {
            Self::Login => TOKEN.into(),
            Self::Request => self.body(),
        }
    }

    /// A client that meets the server this way and no other: requests need no login.
    pub(crate) fn client(self, address: &str) -> Client {
        Client::new(self.config(address)).expect("a client")
    }

    pub(crate) fn config(self, address: &str) -> Config {
        // Another user each time, so that no former refusal counts.
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let user = format!("user-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        match self {
            Self::Login => Config::new(address, &user, "its-password"),
            Self::Request => Config::with_token(address, TOKEN, None),
        }
    }

    /// One call, which must be over by `timeout`. The number tells the server which.
    pub(crate) fn call(self, client: &Client, number: usize, timeout: Duration) -> Outcome {
        let began = Instant::now();
        let result = match self {
            Self::Login => client.token_within(timeout, None).map(|token| token.secret.expose().as_bytes().to_vec()),
            Self::Request => {
                let request = Request::post("/v1/cs/configs").expect("a request");
                let request = request.query("dataId", &number.to_string()).timeout(timeout);
                client.request(request).map(|response| response.body().to_vec())
            }
        };
        let took = began.elapsed();
        assert!(took < timeout + SLACK, "{self:?} {number}: {took:?} where {timeout:?} were allowed: {result:?}");
        if let Err(error) = &result {
            assert!(error.message().len() > 20, "{self:?} {number}: {error:?}");
            assert!(!error.message().contains("dataId="), "the query is told: {error:?}");
        }
        Outcome { way: self, result, took }
    }

    /// The same with a client of its own.
    pub(crate) fn once(self, server: &Server, timeout: Duration) -> Outcome {
        self.call(&self.client(&server.address.to_string()), 0, timeout)
    }
}

pub(crate) fn login_granted() -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", &granted())
}

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) way: Way,
    pub(crate) result: Result<Vec<u8>, Error>,
    pub(crate) took: Duration,
}

impl Outcome {
    pub(crate) fn is_whole(&self) -> bool {
        self.result.as_ref().is_ok_and(|brought| *brought == self.way.brings())
    }

    /// It may be the machine that was too busy.
    pub(crate) fn is_timeout(&self) -> bool {
        self.result.as_ref().is_err_and(|error| error.kind() == Kind::Timeout)
    }

    #[track_caller]
    pub(crate) fn must_be_whole(&self, what: impl std::fmt::Debug) {
        assert!(self.is_whole(), "{what:?}: {self:?}");
    }

    /// An error of one of these kinds.
    #[track_caller]
    pub(crate) fn must_fail(&self, kinds: &[Kind], what: impl std::fmt::Debug) {
        match &self.result {
            Err(error) if kinds.contains(&error.kind()) => {}
            other => panic!("{what:?}: not one of {kinds:?} but {:?}: {other:?}", self.way),
        }
    }

    /// The whole answer, or an error that blames what the server sent; never a part.
    #[track_caller]
    pub(crate) fn must_be_whole_or_fail(&self, kinds: &[Kind], what: impl std::fmt::Debug) {
        if !self.is_whole() {
            self.must_fail(kinds, what);
        }
    }
}

/// What a broken or senseless answer may be called.
pub(crate) const BAD_ANSWER: &[Kind] = &[Kind::Io, Kind::Protocol, Kind::TooLarge];
/// The same where the connection may not even have begun.
pub(crate) const BAD_CONNECTION: &[Kind] = &[Kind::Tls, Kind::Connect, Kind::Io];
