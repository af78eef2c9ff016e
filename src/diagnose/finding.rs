//! What an examination found, as structure, as text for people and as JSON.

use std::{fmt::Write as _, sync::Arc};

use serde_json::json;

use crate::cause::Cause;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; nothing has to be done.
    Information,
    /// It works, and may not for long, or not well.
    Warning,
    /// It does not work.
    Error,
}

impl Severity {
    /// Its name, as `warning`: the same in every language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One step of an examination. Holds no password, token or query, so that it can be shown to anybody.
#[derive(Clone, Debug)]
pub struct Finding {
    severity: Severity,
    cause: Cause,
    server: Option<Arc<str>>,
    seen: String,
}

impl Finding {
    pub(super) fn new(severity: Severity, cause: Cause, server: Option<&Arc<str>>, seen: impl Into<String>) -> Self {
        Self { severity, cause, server: server.cloned(), seen: seen.into() }
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Why, as a word: [`Cause::Healthy`] of what is as it should be.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The server that it is about, as `host:port`; `None` if it is about none, or about all of them.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// What was seen: the server's own words, times, versions.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// What it means, in a sentence.
    pub fn means(&self) -> &'static str {
        self.cause.meaning()
    }

    /// What to do about it, in a sentence.
    pub fn cure(&self) -> &'static str {
        self.cause.cure()
    }
}

/// Lines are broken here.
const WIDTH: usize = 100;

/// All findings, in the order in which they were made.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
}

impl Diagnosis {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self { findings }
    }

    /// One for each step, in their order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// That of the worst finding.
    pub fn severity(&self) -> Severity {
        self.findings.iter().map(Finding::severity).max().unwrap_or(Severity::Ok)
    }

    /// For people: a paragraph for each finding, with what it means and what to do where there is something to do.
    pub fn to_text(&self) -> String {
        self.findings.iter().map(Finding::to_text).collect()
    }

    /// `{"severity":"error","findings":[{"severity","cause","server","seen","means","cure"}]}`, `server` being null for all.
    pub fn to_json(&self) -> String {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "severity": finding.severity.name(),
                    "cause": finding.cause.name(),
                    "server": finding.server(),
                    "seen": finding.seen,
                    "means": finding.means(),
                    "cure": finding.cure(),
                })
            })
            .collect();
        json!({ "severity": self.severity().name(), "findings": findings }).to_string()
    }
}

impl Finding {
    /// Its paragraph of [`Diagnosis::to_text`], line end included.
    pub fn to_text(&self) -> String {
        let server = self.server().map(|server| format!("{server}: ")).unwrap_or_default();
        let mut text = paragraph(&format!("{:<12}", self.severity.name()), &format!("{server}{}", self.seen));
        if self.cause != Cause::Healthy {
            text += &paragraph("  cause     ", self.cause.name());
            text += &paragraph("  means     ", self.means());
            text += &paragraph("  do        ", self.cure());
        }
        text
    }
}

/// `text` behind `label`, its lines as long as WIDTH allows and indented alike.
fn paragraph(label: &str, text: &str) -> String {
    let (mut lines, mut line) = (String::new(), label.to_owned());
    let mut is_first = true;
    for word in text.split_whitespace() {
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(lines, "{line}").expect("memory");
            line = " ".repeat(label.chars().count());
            is_first = true;
        }
        line.extend((!is_first).then_some(' '));
        line.push_str(word);
        is_first = false;
    }
    writeln!(lines, "{line}").expect("memory");
    lines
}
