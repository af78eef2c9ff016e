//! The listener of v1: which of these configurations are no longer as I know them?

use std::time::Duration;

use form_urlencoded::byte_serialize;

use super::Reply;
use crate::configs::{Configs, Key};
use crate::http::{Answer, Request};
use crate::world::World;

const WORD: char = '\x02';
const LINE: char = '\x01';

/// A request that waits for a change.
#[derive(Debug)]
pub(crate) struct Poll {
    watched: Vec<Watched>,
    pub(crate) patience: Duration,
    content_type: &'static str,
}

/// A configuration as the caller knows it.
#[derive(Debug)]
struct Watched {
    key: Key,
    /// Of its content; empty if the caller knows of none.
    md5: String,
    /// As it was named, for the answer.
    name: String,
}

pub(super) fn reply(world: &World, request: &Request) -> Reply {
    let dialect = world.dialect;
    let text = request.parameter("Listening-Configs").filter(|text| !text.trim().is_empty());
    let Some(watched) = text.and_then(parse) else {
        return (dialect.nothing_to_listen_to)(dialect, request).into();
    };
    let is_told = dialect.listens_without_a_time || request.header("Long-Pulling-Timeout").is_some();
    let poll = Poll { watched, patience: patience(request), content_type: dialect.listener_type };
    match poll.changed(&world.configs) {
        _ if !is_told => poll.unchanged().into(),
        Some(answer) => answer.into(),
        None if poll.patience.is_zero() => poll.unchanged().into(),
        None => Reply::Poll(poll),
    }
}

impl Poll {
    /// The answer, if there is a change.
    pub(crate) fn changed(&self, configs: &Configs) -> Option<Answer> {
        let changed = self.watched.iter().filter(|watched| configs.md5(&watched.key) != watched.md5);
        let names: String = changed.map(|watched| format!("{}{LINE}", watched.name)).collect();
        let encoded: String = byte_serialize(names.as_bytes()).collect();
        (!names.is_empty()).then(|| self.answer(encoded + "\n"))
    }

    /// The answer when nothing has changed for as long as the caller waits.
    pub(crate) fn unchanged(&self) -> Answer {
        self.answer(String::new())
    }

    fn answer(&self, body: String) -> Answer {
        Answer::new(200, self.content_type, body).with_header("Cache-Control", "no-cache,no-store")
    }
}

/// As long as the caller asks for. Nacos answers half a second earlier, but never before 10 s.
fn patience(request: &Request) -> Duration {
    let milliseconds = request.header("Long-Pulling-Timeout").and_then(|value| value.parse().ok());
    match request.header("Long-Pulling-Timeout-No-Hangup") {
        Some(value) if value.eq_ignore_ascii_case("true") => Duration::ZERO,
        _ => Duration::from_millis(milliseconds.unwrap_or(0)),
    }
}

/// Lines of `dataId`, `group`, `md5` and, except in the oldest form, `tenant`. None if a line is none; what follows the
/// last line does not count.
fn parse(text: &str) -> Option<Vec<Watched>> {
    text.split_inclusive(LINE).filter_map(|line| line.strip_suffix(LINE)).map(watched).collect()
}

fn watched(line: &str) -> Option<Watched> {
    let words: Vec<&str> = line.split(WORD).collect();
    let (data_id, group, md5, tenant) = match words[..] {
        [data_id, group, md5] => (data_id, group, md5, ""),
        [data_id, group, md5, tenant] => (data_id, group, md5, tenant),
        _ => return None,
    };
    let named = if tenant.is_empty() { vec![data_id, group] } else { vec![data_id, group, tenant] };
    let namespace = if tenant.is_empty() { "public" } else { tenant };
    Some(Watched {
        key: Key { namespace: namespace.to_owned(), group: group.to_owned(), data_id: data_id.to_owned() },
        md5: md5.to_owned(),
        name: named.join(&WORD.to_string()),
    })
}
