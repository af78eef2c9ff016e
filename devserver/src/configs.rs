//! The configurations of one server.

use std::collections::HashMap;

use crate::tokens::Millis;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) group: String,
    pub(crate) data_id: String,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) content: String,
    pub(crate) kind: String,
    pub(crate) created: Millis,
    pub(crate) modified: Millis,
}

/// All configurations.
#[derive(Debug, Default)]
pub(crate) struct Configs(HashMap<Key, Config>);

impl Configs {
    /// Publish into the default namespace.
    pub(crate) fn publish(&mut self, data_id: &str, group: &str, content: &str, now: Millis) {
        let key = Key { namespace: "public".to_owned(), group: group.to_owned(), data_id: data_id.to_owned() };
        self.put(key, content, "text", now);
    }

    pub(crate) fn put(&mut self, key: Key, content: &str, kind: &str, now: Millis) {
        let created = self.0.get(&key).map_or(now, |config| config.created);
        self.0.insert(key, Config { content: content.to_owned(), kind: kind.to_owned(), created, modified: now });
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Config> {
        self.0.get(key)
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.0.remove(key);
    }
}
