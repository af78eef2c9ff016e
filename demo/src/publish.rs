//! The configurations that the programs read, put on the server through the library and taken away again.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nacos_auth::{Cancel, Client, Config, Request, Response};

use crate::programs::Access;

const PATH: &str = "/v1/cs/configs";
const GROUP: &str = "DEFAULT_GROUP";
/// By this a configuration is known as one of this program's own.
const CONTENT: &str = "written by nacos-demo";
/// How long a server may take until it hands out what was published.
const VISIBLE: Duration = Duration::from_secs(10);

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

    /// Publishes `data_id` and waits until the server hands it out. Whoever triggers `cancel` ends that early.
    pub(crate) fn publish(&mut self, data_id: &str, cancel: &Cancel) -> Result<()> {
        let there = self.get(data_id, cancel)?;
        ensure!(
            there.status() != 200 || there.body() == CONTENT,
            "{} already has a configuration {data_id} in {GROUP} that this program did not write; delete it first",
            self.server
        );
        let form = [("dataId", data_id), ("group", GROUP), ("content", CONTENT)];
        let request = Request::post(PATH)?.form(form)?.cancel(cancel);
        // Even if no answer comes, it may be there.
        self.written.push(data_id.into());
        let answer = self.client.request(request).with_context(|| format!("cannot publish {data_id}"))?;
        self.expect_ok(&answer, "publish", data_id)?;

        let limit = Instant::now() + VISIBLE;
        while self.get(data_id, cancel)?.status() != 200 {
            if Instant::now() > limit {
                bail!("{} took {data_id}, but still does not hand it out", self.server);
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Deletes what was published.
    pub(crate) fn clean_up(self) -> Result<()> {
        for data_id in &self.written {
            let request = Request::new("DELETE", PATH)?.query("dataId", data_id).query("group", GROUP);
            let answer = self.client.request(request);
            let answer = answer.with_context(|| format!("cannot delete {data_id} in {GROUP}; delete it yourself"))?;
            self.expect_ok(&answer, "delete", data_id)?;
        }
        Ok(())
    }

    fn get(&self, data_id: &str, cancel: &Cancel) -> Result<Response> {
        let request = Request::get(PATH)?.query("dataId", data_id).query("group", GROUP).cancel(cancel);
        self.client.request(request).with_context(|| format!("cannot read {data_id}"))
    }

    fn expect_ok(&self, answer: &Response, what: &str, data_id: &str) -> Result<()> {
        let said = String::from_utf8_lossy(answer.body());
        let said: String = said.trim().chars().take(200).collect();
        ensure!(answer.status() == 200, "cannot {what} {data_id} at {}: HTTP {}: {said}", self.server, answer.status());
        Ok(())
    }
}
