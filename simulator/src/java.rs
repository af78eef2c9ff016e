//! A process with the official Java client's rule: every 5 s look whether a login is needed, and if so ask one server
//! after the other until one gives a token. It is needed without a token, at 90 % of its life, and after a rejection.

use fastrand::Rng;
use nacos_auth::simulation::Time;

use crate::{
    cluster::Token,
    world::{Answer, Client, Outside, Reply, Sent},
};

const BETWEEN_LOOKS: Time = Time::from_secs(5);

/// `ATTEMPT`: how many seconds a login may take. It is 3 in the client for configurations; 30 is what nacos-auth has.
pub(crate) struct Java<const ATTEMPT: u64> {
    token: Option<Token>,
    renew_at: Time,
    first: usize,
    /// Which server is asked in this round, counted from `first`.
    asked: usize,
    first_look: Time,
}

impl<const ATTEMPT: u64> Client for Java<ATTEMPT> {
    const NAME: &'static str = if ATTEMPT == 3 { "Java, 3 s" } else { "Java, 30 s" };

    fn new(rng: &mut Rng, first: usize, token: Option<(Token, Time)>) -> Self {
        // A process that begins looks at once; the others have their looks at any time.
        let first_look = if token.is_some() { BETWEEN_LOOKS.mul_f64(rng.f64()) } else { Time::ZERO };
        let renew_at = token.map_or(Time::ZERO, |(token, since)| since + token.life(since).mul_f64(0.9));
        Self { token: token.map(|(token, _)| token), renew_at, first, asked: 0, first_look }
    }

    fn begin(&mut self, outside: &mut Outside) {
        match self.first_look {
            Time::ZERO => self.wake(outside),
            later => outside.wake_at(outside.now + later),
        }
    }

    fn request(&mut self, outside: &mut Outside) {
        let Some(token) = self.token else { return outside.failed() };
        let servers = outside.servers();
        for server in (0..servers).map(|i| (self.first + i) % servers) {
            match outside.send(server, token) {
                Reply::Down | Reply::BadGateway => continue,
                Reply::Taken => return outside.served(),
                Reply::Rejected => {
                    self.renew_at = Time::ZERO;
                    return outside.failed();
                }
            }
        }
        outside.failed();
    }

    fn wake(&mut self, outside: &mut Outside) {
        if outside.now < self.renew_at {
            return outside.wake_at(outside.now + BETWEEN_LOOKS);
        }
        self.asked = 0;
        self.ask(outside);
    }

    fn answer(&mut self, outside: &mut Outside, answer: Answer) {
        match answer {
            Answer::Granted(token) => {
                self.renew_at = outside.now + token.life(outside.now).mul_f64(0.9);
                self.token = Some(token);
                outside.wake_at(outside.now + BETWEEN_LOOKS);
            }
            Answer::Refused | Answer::Slow | Answer::Lost => {
                self.asked += 1;
                self.ask(outside);
            }
        }
    }

    fn left_waiting(&self, _: Time) -> usize {
        0
    }
}

impl<const ATTEMPT: u64> Java<ATTEMPT> {
    fn ask(&mut self, outside: &mut Outside) {
        let servers = outside.servers();
        while self.asked < servers {
            let server = (self.first + self.asked) % servers;
            if outside.login(server, outside.now + Time::from_secs(ATTEMPT)) == Sent::Waiting {
                return;
            }
            self.asked += 1;
        }
        outside.wake_at(outside.now + BETWEEN_LOOKS);
    }
}
