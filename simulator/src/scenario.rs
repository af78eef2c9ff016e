//! What happens to whom.

use nacos_auth::simulation::Time;

use crate::cluster::Cluster;

const NODES: usize = 3;
const TTL: Time = Time::from_secs(18_000);
/// What the check of a password costs a server.
const LOGIN: Time = Time::from_millis(70);
/// How long a started server knows no users.
const WARM_UP: Time = Time::from_secs(5);
/// What replicas take to hear of a token.
const DELAY: (Time, Time) = (Time::from_millis(60), Time::from_millis(800));
const MINUTE: Time = Time::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// This node has another secret.
    Secret(usize, u32),
    /// Whether the clients' password is the right one.
    Password(bool),
    Down(usize),
    /// This node answers again, and knows its users after so long.
    Up(usize, Time),
}

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) clients: usize,
    pub(crate) nodes: usize,
    pub(crate) cores: usize,
    pub(crate) cost: Time,
    pub(crate) ttl: Time,
    /// The clients know one address, behind which every connection gets another node.
    pub(crate) balanced: bool,
    /// And what answers there says 502 as long as no node is up.
    pub(crate) gateway: bool,
    /// How long after its login a token begins to count: from, to.
    pub(crate) delay: (Time, Time),
    /// The clients run since long, each with a token; else they are started within the first second.
    pub(crate) warm: bool,
    /// In the order of time, counted from the beginning.
    pub(crate) changes: Vec<(Time, Change)>,
    /// When all is well again with the servers.
    pub(crate) calm: Time,
    /// How long after that the clients are given to recover.
    pub(crate) patience: Time,
    /// How much of it the chart shows.
    pub(crate) shown: Time,
}

impl Scenario {
    fn new(name: &'static str, clients: usize) -> Self {
        Self {
            name,
            clients,
            nodes: NODES,
            cores: 4,
            cost: LOGIN,
            ttl: TTL,
            balanced: false,
            gateway: false,
            delay: (Time::ZERO, Time::ZERO),
            warm: true,
            changes: Vec::new(),
            calm: Time::ZERO,
            patience: 60 * MINUTE,
            shown: 10 * MINUTE,
        }
    }

    pub(crate) fn cluster(&self) -> Cluster {
        Cluster::new(self.nodes, self.cores, self.cost, self.ttl)
    }

    fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn everywhere(mut self, at: Time, change: impl Fn(usize) -> Change) -> Self {
        self.changes.extend((0..NODES).map(|node| (at, change(node))));
        self
    }

    pub(crate) fn mass_start(clients: usize) -> Self {
        Self { warm: false, ..Self::new("mass start", clients) }
    }

    pub(crate) fn mass_rejection(clients: usize) -> Self {
        Self::new("mass rejection", clients).everywhere(Time::ZERO, |node| Change::Secret(node, 1))
    }

    fn rolling_secret(name: &'static str, clients: usize, balanced: bool) -> Self {
        let step = 3 * MINUTE;
        let changes = (0..NODES).map(|node| (step * node as u32, Change::Secret(node, 1))).collect();
        Self { changes, balanced, calm: step * (NODES as u32 - 1), shown: 20 * MINUTE, ..Self::new(name, clients) }
    }

    fn outage(name: &'static str, tokens_survive: bool) -> Self {
        let end = 10 * MINUTE;
        let mut scenario = Self { calm: end, shown: 25 * MINUTE, ..Self::new(name, 10_000) };
        if !tokens_survive {
            scenario = scenario.everywhere(Time::ZERO, |node| Change::Secret(node, 1));
        }
        scenario.everywhere(Time::ZERO, Change::Down).everywhere(end, |node| Change::Up(node, WARM_UP))
    }

    /// Clients start while no node is behind their gateway.
    fn bad_gateway(name: &'static str, lasts: Time) -> Self {
        let mut scenario = Self { warm: false, balanced: true, gateway: true, calm: lasts, ..Self::new(name, 1_000) };
        scenario = scenario.everywhere(Time::ZERO, Change::Down);
        scenario.everywhere(lasts, |node| Change::Up(node, WARM_UP))
    }

    /// One of `nodes` behind one address has another secret, and keeps it.
    fn disagreement(name: &'static str, nodes: usize) -> Self {
        let changes = vec![(Time::ZERO, Change::Secret(0, 1))];
        Self { nodes, balanced: true, changes, patience: 10 * MINUTE, ..Self::new(name, 1_000) }
    }

    pub(crate) fn wrong_password(name: &'static str, clients: usize, lasts: Time) -> Self {
        let changes = vec![(Time::ZERO, Change::Password(false)), (lasts, Change::Password(true))];
        let shown = lasts + 60 * MINUTE;
        Self { warm: false, changes, calm: lasts, patience: 80 * MINUTE, shown, ..Self::new(name, clients) }
    }
}

pub(crate) fn all() -> Vec<Scenario> {
    let slow = Scenario { cores: 1, cost: Time::from_millis(100), ..Scenario::mass_rejection(1_000) };
    vec![
        Scenario::mass_start(10_000),
        Scenario::mass_rejection(1_000),
        slow.called("mass rejection, nodes of 10 logins/s"),
        Scenario::mass_rejection(10_000),
        Scenario::rolling_secret("rolling change of the secret", 1_000, false),
        Scenario::rolling_secret("rolling change of the secret", 10_000, false),
        Scenario::rolling_secret("rolling change behind a load balancer", 1_000, true),
        Scenario::rolling_secret("rolling change behind a load balancer", 10_000, true),
        Scenario::disagreement("one node of three with another secret, behind a load balancer", 3),
        Scenario::disagreement("one node of two with another secret, behind a load balancer", 2),
        Scenario { delay: DELAY, ..Scenario::mass_rejection(1_000) }
            .called("mass rejection, tokens count 60-800 ms late"),
        Scenario::bad_gateway("start while a gateway says 502, for 20 s", Time::from_secs(20)),
        Scenario::bad_gateway("start while a gateway says 502, for 60 s", Time::from_secs(60)),
        Scenario::outage("outage of 10 min", true),
        Scenario::outage("outage of 10 min, tokens refused after it", false),
        Scenario::wrong_password("wrong password for 15 min", 1_000, 15 * MINUTE),
        Scenario::wrong_password("wrong password for 15 min", 10_000, 15 * MINUTE),
        Scenario::wrong_password("wrong password for 1 h", 10_000, 60 * MINUTE),
    ]
}
