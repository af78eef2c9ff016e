//! The servers: what a login costs them, in which order they work, and which tokens they take.

use nacos_auth::simulation::Time;

/// What a server hands out, as long as it matters: when it ends, and which secret signed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    secret: u32,
    /// Before this no server knows it.
    counts_from: Time,
    expiry: Time,
}

impl Token {
    pub(crate) fn life(&self, now: Time) -> Time {
        self.expiry.saturating_sub(now)
    }
}

struct Node {
    /// When each core has done what it has been given so far.
    cores: Vec<Time>,
    secret: u32,
    up: bool,
    /// Knows no users, so refuses every login, until then.
    users_from: Time,
}

pub(crate) struct Cluster {
    nodes: Vec<Node>,
    cost: Time,
    ttl: Time,
    pub(crate) password_is_right: bool,
}

impl Cluster {
    /// `cost`: how long one login keeps one core busy.
    pub(crate) fn new(nodes: usize, cores: usize, cost: Time, ttl: Time) -> Self {
        let node = || Node { cores: vec![Time::ZERO; cores], secret: 0, up: true, users_from: Time::ZERO };
        Self { nodes: (0..nodes).map(|_| node()).collect(), cost, ttl, password_is_right: true }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn is_up(&self, node: usize) -> bool {
        self.nodes[node].up
    }

    /// Logins per second that the whole cluster can answer.
    pub(crate) fn capacity(&self) -> f64 {
        self.nodes.iter().map(|n| n.cores.len()).sum::<usize>() as f64 / self.cost.as_secs_f64()
    }

    /// A login comes in; returns when it will have been worked off: first come, first served, and nobody tells the
    /// server that a client has given up meanwhile. `None`: nobody listens.
    pub(crate) fn queue(&mut self, node: usize, now: Time) -> Option<Time> {
        let node = &mut self.nodes[node];
        let free = node.cores.iter_mut().min()?;
        *free = now.max(*free) + self.cost;
        node.up.then_some(*free)
    }

    /// The answer to a login that has been worked off; `None` is a refusal. A token counts after `delay`.
    pub(crate) fn answer(&self, node: usize, now: Time, delay: Time) -> Option<Token> {
        let Node { secret, users_from, .. } = self.nodes[node];
        let token = Token { secret, counts_from: now + delay, expiry: now + self.ttl };
        (self.password_is_right && now >= users_from).then_some(token)
    }

    /// A token issued at `at` by a server with its first secret.
    pub(crate) fn early_token(&self, at: Time) -> Token {
        Token { secret: 0, counts_from: at, expiry: at + self.ttl }
    }

    pub(crate) fn takes(&self, node: usize, token: Token, now: Time) -> bool {
        self.nodes[node].secret == token.secret && (token.counts_from..token.expiry).contains(&now)
    }

    /// From now on the node takes tokens of `secret` only.
    pub(crate) fn set_secret(&mut self, node: usize, secret: u32) {
        self.nodes[node].secret = secret;
    }

    /// The node dies, with all it had to do.
    pub(crate) fn kill(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.up = false;
        node.cores.fill(Time::ZERO);
    }

    /// The node answers again. Tokens work at once; users are loaded only at `users_from`.
    pub(crate) fn start(&mut self, node: usize, users_from: Time) {
        let node = &mut self.nodes[node];
        node.up = true;
        node.users_from = users_from;
        node.cores.fill(Time::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Time = Time::from_millis(70);

    #[test]
    fn logins_queue_for_the_cores() {
        let mut cluster = Cluster::new(1, 4, COST, Time::from_secs(60));
        let now = Time::from_secs(10);
        let done: Vec<u128> = (0..9).map(|_| (cluster.queue(0, now).unwrap() - now).as_millis()).collect();
        assert_eq!(done, [70, 70, 70, 70, 140, 140, 140, 140, 210]);
        assert_eq!(cluster.queue(0, now + COST * 2), Some(now + COST * 3));
        assert!((cluster.capacity() - 57.1).abs() < 0.1);
    }

    #[test]
    fn a_dead_node_forgets_its_queue_and_a_starting_one_knows_no_users() {
        let mut cluster = Cluster::new(1, 1, COST, Time::from_secs(60));
        for _ in 0..100 {
            cluster.queue(0, Time::ZERO);
        }
        cluster.kill(0);
        let now = Time::from_secs(1);
        assert_eq!(cluster.queue(0, now), None);
        cluster.start(0, now + COST * 2);
        assert_eq!(cluster.queue(0, now), Some(now + COST));
        assert_eq!(cluster.answer(0, now + COST, Time::ZERO), None);
        let token = cluster.answer(0, now + COST * 2, COST).unwrap();
        assert!(!cluster.takes(0, token, now + COST * 2), "too new");
        assert!(cluster.takes(0, token, now + Time::from_secs(60)));
        cluster.set_secret(0, 1);
        assert!(!cluster.takes(0, token, now + Time::from_secs(60)));
    }
}
