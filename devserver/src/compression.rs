//! Answers in gzip, as a gateway or Tomcat sends them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;

use crate::http::{Answer, Request};

/// Which answers are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gzip {
    /// None.
    #[default]
    Off,
    /// Those to a request whose `Accept-Encoding` names gzip.
    Accepted,
    /// All that have a body, whatever the request accepts.
    Always,
}

impl std::str::FromStr for Gzip {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "off" => Ok(Self::Off),
            "accepted" => Ok(Self::Accepted),
            "always" => Ok(Self::Always),
            _ => Err(format!("unknown gzip mode {name:?}: use off, accepted or always")),
        }
    }
}

impl Gzip {
    /// The answer as this mode sends it.
    pub(crate) fn apply(self, answer: Answer, request: &Request) -> Answer {
        let wanted = match self {
            Self::Off => false,
            Self::Accepted => request.header("Accept-Encoding").is_some_and(accepts_gzip),
            Self::Always => true,
        };
        if !wanted || answer.body.is_empty() {
            return answer;
        }
        let body = compressed(&answer.body);
        Answer { body, ..answer }.with_header("Content-Encoding", "gzip").with_header("Vary", "Accept-Encoding")
    }
}

/// `gzip`, and not with a weight of nothing.
fn accepts_gzip(accept_encoding: &str) -> bool {
    accept_encoding.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).and_then(|()| encoder.finish()).expect("memory takes everything")
}
