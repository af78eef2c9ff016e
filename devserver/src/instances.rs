//! The instances of services of one server.

use std::collections::{BTreeSet, HashMap};

/// Namespace and `group@@service`.
pub(crate) type Service = (String, String);
/// IP and port.
pub(crate) type Instance = (String, u16);

/// All instances.
#[derive(Debug, Default)]
pub(crate) struct Instances(HashMap<Service, BTreeSet<Instance>>);

impl Instances {
    pub(crate) fn insert(&mut self, service: Service, instance: Instance) {
        self.0.entry(service).or_default().insert(instance);
    }

    pub(crate) fn remove(&mut self, service: &Service, instance: &Instance) {
        self.0.get_mut(service).map(|known| known.remove(instance));
    }

    pub(crate) fn has(&self, service: &Service, instance: &Instance) -> bool {
        self.0.get(service).is_some_and(|known| known.contains(instance))
    }

    pub(crate) fn of(&self, service: &Service) -> impl Iterator<Item = &Instance> {
        self.0.get(service).into_iter().flatten()
    }
}
