//! The configurations that the programs read, put on the server through the library and taken away again.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nacos_auth::{Cancel, Client, Config, Request, Response};

use crate::programs::Access;

const PATH: &str = "/v1/cs/configs";
pub(crate) const GROUP: &str = "DEFAULT_GROUP";
/// By this a configuration is known as one of this program's own.
const CONTENT: &str = "written by nacos-demo";
/// What a Nacos says of a configuration that is not there.
const ABSENT: &str = "config data not exist";
/// How long a server may take until it hands out what was published.
const VISIBLE: Duration = Duration::from_secs(10);

/// What there is to read now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provided {
    /// A configuration of this program's.
    Published,
    /// What there was: the user may only read.
    NotPermitted,
    /// A configuration that this program has not written.
    SomebodyElses,
}

/// Writes configurations, and deletes what it wrote.
pub(crate) struct Publisher {
    client: Client,
    server: String,
    written: Vec<String>,
}

impl Publisher {
    /// Nothing is sent yet.
    pub(crate) fn new(access: &Access<'_>) -> Result<Self> {
        let config = Config::new(access.server, access.username, access.password);
        Ok(Self { client: Client::new(config)?, server: access.server.into(), written: Vec::new() })
    }

    /// Publishes `data_id` where that may be done, and waits until the server hands it out. Whoever triggers `cancel` ends
    /// that early.
    pub(crate) fn provide(&mut self, data_id: &str, cancel: &Cancel) -> Result<Provided> {
        let there = self.get(data_id, cancel)?;
        match there.status() {
            404 if String::from_utf8_lossy(there.body()).contains(ABSENT) => {}
            200 if there.body() == CONTENT => {}
            200 => return Ok(Provided::SomebodyElses),
            _ => bail!(self.refusal(&there, "read", data_id)),
        }
        let form = [("dataId", data_id), ("group", GROUP), ("content", CONTENT)];
        // Not to be cancelled: the server would carry it out all the same, perhaps after it has been told to delete it.
        let request = Request::post(PATH)?.form(form)?;
        // Even if no answer comes, it may be there.
        self.written.push(data_id.into());
        let refused = self.client.stats().rejections_permission;
        let answer = self.client.request(request).with_context(|| format!("cannot publish {data_id}"))?;
        if answer.status() == 403 && self.client.stats().rejections_permission > refused {
            self.written.pop();
            return Ok(Provided::NotPermitted);
        }
        ensure!(answer.status() == 200, self.refusal(&answer, "publish", data_id));

        let limit = Instant::now() + VISIBLE;
        while self.get(data_id, cancel)?.status() != 200 {
            if Instant::now() > limit {
                bail!("{} took {data_id}, but still does not hand it out", self.server);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(Provided::Published)
    }

    /// Deletes what was published, and tells what that was.
    pub(crate) fn clean_up(self) -> Result<Vec<String>> {
        for data_id in &self.written {
            let request = Request::new("DELETE", PATH)?.query("dataId", data_id).query("group", GROUP);
            let answer = self.client.request(request);
            let answer = answer.with_context(|| format!("cannot delete {data_id} in {GROUP}; delete it yourself"))?;
            ensure!(answer.status() == 200, "{}; delete it yourself", self.refusal(&answer, "delete", data_id));
        }
        Ok(self.written)
    }

    fn get(&self, data_id: &str, cancel: &Cancel) -> Result<Response> {
        let request = Request::get(PATH)?.query("dataId", data_id).query("group", GROUP).cancel(cancel);
        self.client.request(request).with_context(|| format!("cannot read {data_id}"))
    }

    fn refusal(&self, answer: &Response, what: &str, data_id: &str) -> String {
        let said = String::from_utf8_lossy(answer.body());
        let said: String = said.trim().chars().take(200).collect();
        format!("cannot {what} {data_id} at {}: HTTP {}: {said}", self.server, answer.status())
    }
}
