//! Do the servers of the list belong together: one secret, one time?

use super::{Examination, Severity, acceptance::Use, duration, node::Node};
use crate::{cause::Cause, protocol::place::TokenPlace};
use std::time::Duration;

/// How far the clocks of two servers may be apart. What servers tell has whole seconds.
const BETWEEN_SERVERS: f64 = 10.0;
/// How far ours may be from theirs.
const FROM_HERE: f64 = 60.0;

impl Examination<'_> {
    pub(super) fn compare(&mut self, nodes: &[Node<'_>]) {
        self.compare_secrets(nodes);
        self.compare_clocks(nodes);
    }

    /// Tries the token of each server at the others.
    fn compare_secrets(&mut self, nodes: &[Node<'_>]) {
        let good = |node: &&Node<'_>| node.place.is_some() && node.token.is_some();
        let (mut tried, mut refused) = (0, false);
        for giver in nodes.iter().filter(good) {
            let asks = |reader: &&Node<'_>| reader.is_reached && !reader.is_open() && !std::ptr::eq(*reader, giver);
            for reader in nodes.iter().filter(asks) {
                let Some(token) = giver.token.as_ref().map(|issued| issued.token.clone()) else { continue };
                let place = reader.place.or(giver.place).unwrap_or(TokenPlace::Authorization);
                match self.use_token(reader, &token, place) {
                    Use::Taken => tried += 1,
                    Use::Refused(seen) => {
                        refused = true;
                        let said = seen.said(&self.secrets());
                        let seen = format!("refuses the token of {}: {said}", giver.name);
                        let cause = if said.contains("expired") { Cause::ClocksDiffer } else { Cause::SecretsDiffer };
                        self.add(Severity::Error, cause, Some(&reader.name), seen);
                    }
                    Use::Other(..) | Use::Unknown => {}
                }
            }
        }
        if tried > 0 && !refused {
            self.add(Severity::Ok, Cause::Healthy, None, "each server takes the tokens of the others");
        }
    }

    fn compare_clocks(&mut self, nodes: &[Node<'_>]) {
        let clocks: Vec<_> = nodes.iter().filter_map(|node| Some((node.ahead()?, &node.name))).collect();
        let by_time = |a: &&(f64, _), b: &&(f64, _)| a.0.total_cmp(&b.0);
        let (Some(first), Some(last)) = (clocks.iter().min_by(by_time), clocks.iter().max_by(by_time)) else { return };
        for node in nodes {
            let (Some(date), Some(token)) = (node.date_ahead, node.token_ahead) else { continue };
            if (token - date).abs() > FROM_HERE {
                let which = if token > date { "ahead of" } else { "behind" };
                let apart = seconds((token - date).abs());
                let seen =
                    format!("by the end of its tokens its clock is {apart} {which} the one that dates its answers");
                self.add(Severity::Warning, Cause::ClocksDiffer, Some(&node.name), seen);
            }
        }
        let apart = last.0 - first.0;
        if apart > BETWEEN_SERVERS {
            let seen = format!("its clock is {} ahead of that of {}", seconds(apart), first.1);
            self.add(Severity::Warning, Cause::ClocksDiffer, Some(last.1), seen);
        }
        let farthest = if first.0.abs() > last.0.abs() { first } else { last };
        if apart <= BETWEEN_SERVERS && farthest.0.abs() > FROM_HERE {
            let which = if farthest.0 > 0.0 { "ahead of" } else { "behind" };
            let seen = format!("its clock is {} {which} that of this machine", seconds(farthest.0.abs()));
            self.add(Severity::Warning, Cause::ClocksDiffer, Some(farthest.1), seen);
        }
    }
}

fn seconds(time: f64) -> String {
    duration(Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX))
}
