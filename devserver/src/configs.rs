//! The configurations of one server.

use std::collections::HashMap;

use tokio::sync::watch;

use crate::clock::Millis;

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
pub(crate) struct Configs {
    by_key: HashMap<Key, Config>,
    changed: watch::Sender<()>,
}

impl Configs {
    /// Publish into the default namespace.
    pub(crate) fn publish(&mut self, data_id: &str, group: &str, content: &str, now: Millis) {
        let key = Key { namespace: "public".to_owned(), group: group.to_owned(), data_id: data_id.to_owned() };
        self.put(key, content, "text", now);
    }

    pub(crate) fn put(&mut self, key: Key, content: &str, kind: &str, now: Millis) {
        let created = self.by_key.get(&key).map_or(now, |config| config.created);
        self.by_key.insert(key, Config { content: content.to_owned(), kind: kind.to_owned(), created, modified: now });
        self.changed.send_replace(());
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Config> {
        self.by_key.get(key)
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.by_key.remove(key);
        self.changed.send_replace(());
    }

    /// Of the content; empty if there is none.
    pub(crate) fn md5(&self, key: &Key) -> String {
        self.get(key).map(|config| format!("{:x}", md5::compute(&config.content))).unwrap_or_default()
    }

    /// Tells of every change from now on.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
