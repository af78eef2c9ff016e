//! What is counted while a simulation runs.

use nacos_auth::simulation::Time;

pub(crate) const QUARTER: Time = Time::from_secs(900);

pub(crate) struct Tally {
    begin: Time,
    /// When the trouble is over, so that recovering can begin.
    calm: Time,
    /// Logins that reached a server, by second.
    pub(crate) logins: Vec<u32>,
    /// Those of clients that had tried in vain since they were last served, by second.
    pub(crate) repeats: Vec<u32>,
    /// Logins that nobody waited for any more when the answer came.
    pub(crate) abandoned: u64,
    pub(crate) failed: u64,
    last_failure: Time,
    clients: Vec<Client>,
    unrecovered: usize,
}

#[derive(Clone, Default)]
struct Client {
    logins: u32,
    in_first_quarter: u32,
    /// It has logged in and not been served since.
    tried: bool,
    /// The first request that was served after the trouble, with none failing later.
    recovered: Option<Time>,
}

impl Tally {
    pub(crate) fn new(clients: usize, begin: Time, calm: Time) -> Self {
        Self {
            begin,
            calm,
            logins: Vec::new(),
            repeats: Vec::new(),
            abandoned: 0,
            failed: 0,
            last_failure: begin,
            clients: vec![Client::default(); clients],
            unrecovered: clients,
        }
    }

    pub(crate) fn login(&mut self, client: usize, now: Time) {
        let at = now - self.begin;
        let second = at.as_secs() as usize;
        if self.logins.len() <= second {
            self.logins.resize(second + 1, 0);
            self.repeats.resize(second + 1, 0);
        }
        let client = &mut self.clients[client];
        self.logins[second] += 1;
        self.repeats[second] += u32::from(std::mem::replace(&mut client.tried, true));
        client.logins += 1;
        client.in_first_quarter += u32::from(at < QUARTER);
    }

    pub(crate) fn served(&mut self, client: usize, now: Time) {
        self.clients[client].tried = false;
        let recovered = &mut self.clients[client].recovered;
        if recovered.is_none() && now >= self.calm {
            *recovered = Some(now);
            self.unrecovered -= 1;
        }
    }

    pub(crate) fn failed(&mut self, client: usize, now: Time) {
        self.failed += 1;
        self.last_failure = now;
        self.unrecovered += usize::from(self.clients[client].recovered.take().is_some());
    }

    /// Everybody is served, and has been for `time`.
    pub(crate) fn is_quiet_for(&self, time: Time, now: Time) -> bool {
        self.unrecovered == 0 && now >= self.last_failure.max(self.calm) + time
    }

    pub(crate) fn unrecovered(&self) -> usize {
        self.unrecovered
    }

    pub(crate) fn logins_in_all(&self) -> u64 {
        self.logins.iter().map(|n| u64::from(*n)).sum()
    }

    pub(crate) fn most_in_first_quarter(&self) -> u32 {
        self.clients.iter().map(|c| c.in_first_quarter).max().unwrap_or(0)
    }

    /// How long after the trouble this share of the clients was served again; `None`: it never was.
    pub(crate) fn recovery(&self, share: f64) -> Option<Time> {
        let never = Time::MAX;
        let mut times: Vec<Time> =
            self.clients.iter().map(|c| c.recovered.map_or(never, |at| at - self.calm)).collect();
        times.sort_unstable();
        let rank = (share * times.len() as f64).ceil() as usize;
        times.get(rank.saturating_sub(1)).copied().filter(|t| *t != never)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_again_has_not_recovered() {
        let s = Time::from_secs;
        let mut tally = Tally::new(2, s(0), s(10));
        tally.served(0, s(5));
        assert_eq!(tally.unrecovered(), 2, "the trouble is not over");
        tally.served(0, s(11));
        tally.served(1, s(12));
        tally.failed(1, s(13));
        assert_eq!((tally.recovery(0.5), tally.recovery(0.99)), (Some(s(1)), None));
        tally.served(1, s(20));
        assert_eq!(tally.recovery(0.99), Some(s(10)));
    }
}
