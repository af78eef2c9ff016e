//! One request on its way: with the token to a server, and once more if the token was the trouble.

use std::time::{Duration, Instant};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{self, ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, HOST, RETRY_AFTER},
    request::Parts,
    uri::PathAndQuery,
};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use nacos_auth::{Advice, Kind, Report, Token, TokenPlace};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Proxy,
    answer::Refusal,
    body::{AnyBody, Beginning, Content, Prefixed, begin, whole},
    decode,
    figures::Count,
    library::Whole,
    strip::{self, Found},
    upstream::{Outgoing, Server},
};

/// A body up to this length is kept, and can be sent again.
pub(super) const KEPT_BODY: usize = 1 << 20;
/// What is read of a refusal before it is handed on, and for how long: an error may be a stream without end.
const KEPT_REFUSAL: usize = 64 << 10;
const PATIENCE_FOR_REFUSAL: Duration = Duration::from_secs(1);
/// For the first piece of any other error, which shows whether a Nacos has taken the token.
const PATIENCE_FOR_WORDS: Duration = Duration::from_millis(200);
/// How long a body may take to come that is short enough to be kept; one that is slower is passed on as it comes.
const PATIENCE_FOR_BODY: Duration = Duration::from_secs(2);
/// How often a request is repeated with another token. The second time is for one that was on its way already.
const MOST_REPLAYS: u32 = 2;
/// How often it is sent in all, with the pauses for a token that is too new for a server.
const MOST_ATTEMPTS: u32 = 12;
const LONGEST_POLL: Duration = Duration::from_secs(600);
const LONG_POLL: HeaderName = HeaderName::from_static("long-pulling-timeout");
/// Headers that belong to one connection.
const OF_CONNECTION: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

impl Proxy {
    /// Passes a request on, and its answer back.
    pub(super) async fn forward(&self, mut parts: Parts, body: Incoming) -> Result<Response<AnyBody>, Refusal> {
        let content = Content::read(body, KEPT_BODY, PATIENCE_FOR_BODY).await;
        let mut content = content.map_err(|e| Refusal::bad("body", format!("the body broke off: {e}")))?;
        let query = self.take_tokens(&mut parts, &mut content).await?;
        clean(&mut parts.headers);
        let long_poll = long_poll(&parts.headers);
        let patience = self.request_timeout + long_poll;
        let mut trip = Trip {
            proxy: self,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query,
            headers: parts.headers,
            content,
            patience,
            is_long_poll: !long_poll.is_zero(),
            refused_before: 0,
            replays: 0,
        };
        trip.run().await
    }

    /// Takes whatever token the client brings off its request; the query that is left.
    async fn take_tokens(&self, parts: &mut Parts, content: &mut Content) -> Result<String, Refusal> {
        let mut found = Found::default();
        strip::headers(&mut parts.headers, self.token_in, &mut found);
        let query = strip::parameters(parts.uri.query().unwrap_or_default(), &mut found).into_owned();
        if let Content::Whole(bytes) = content
            && let Some(rest) = strip::form(&parts.headers, bytes, &mut found)
        {
            *content = Content::Whole(rest);
        }
        if found.other_authorization {
            let message = "the header Authorization is where the token goes; leave it out, or start the proxy with another \
                           --token-in";
            return Err(Refusal::bad("authorization", message));
        }
        if !found.tokens.is_empty() {
            // Whose they are is known with the first token of one's own.
            self.tokens.get().await?;
        }
        if found.tokens.iter().any(|token| !self.tokens.is_ours(token)) {
            let message = "the request carries a token that is not from this proxy, and of another user; send it to the \
                           server itself, or leave the token out";
            return Err(Refusal::forbidden("foreign-token", message));
        }
        Ok(query)
    }
}

/// A request that may have to be sent several times.
struct Trip<'a> {
    proxy: &'a Proxy,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    content: Content,
    patience: Duration,
    is_long_poll: bool,
    /// How often it has been refused the same token.
    refused_before: u32,
    replays: u32,
}

impl Trip<'_> {
    async fn run(&mut self) -> Result<Response<AnyBody>, Refusal> {
        let proxy = self.proxy;
        let end = Instant::now() + proxy.request_timeout;
        if !self.is_long_poll
            && proxy.library.has_its_turn()
            && let Some(whole) = self.whole()
        {
            return proxy.through_library(whole).await;
        }
        let mut refusals = 0;
        let mut token = match proxy.tokens.get().await {
            Ok(token) => token,
            Err(error) if error.kind() == Kind::Forbidden => {
                return match self.whole() {
                    Some(whole) => proxy.over_to_library(whole).await,
                    None => Err(error.into()),
                };
            }
            Err(error) => {
                let is_open = error.http_status().is_some() && proxy.tokens.are_not_wanted().await;
                if !is_open {
                    return Err(error.into());
                }
                let (answer, _) = self.send(None).await?;
                return Ok(answer.map(|body| body.map_err(Into::into).boxed()));
            }
        };
        for _ in 0..MOST_ATTEMPTS {
            let (mut answer, server) = self.send(Some(&token)).await?;
            if answer.status().as_u16() < 400 {
                self.report(&token, server, &answer, &[]);
                return Ok(answer.map(|body| body.map_err(Into::into).boxed()));
            }
            let (most, patience) = match answer.status() {
                // 500 is the status of the instant of expiry.
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::INTERNAL_SERVER_ERROR => {
                    (KEPT_REFUSAL, PATIENCE_FOR_REFUSAL)
                }
                _ => (0, PATIENCE_FOR_WORDS),
            };
            let beginning = begin(answer.body_mut(), most, patience).await;
            let Ok(beginning) = beginning else {
                return Err(Refusal::new(StatusCode::BAD_GATEWAY, "connection-broken", "the answer broke off"));
            };
            let text = decode::beginning(answer.headers().get(CONTENT_ENCODING), &beginning.bytes);
            let advice = self.report(&token, server, &answer, &text);
            let Some((wait, is_sure)) = self.next(advice, end) else { return Ok(rejoined(answer, beginning)) };
            refusals += u32::from(is_sure && wait.is_zero());
            let disagree = is_sure && proxy.library.nodes_disagree(token.generation);
            if (refusals > 1 || disagree)
                && let Some(whole) = self.whole()
            {
                return proxy.over_to_library(whole).await;
            }
            tokio::time::sleep(wait).await;
            let other = match proxy.tokens.get().await {
                Ok(other) => other,
                Err(error) if is_sure => return Err(error.into()),
                Err(_) => return Ok(rejoined(answer, beginning)),
            };
            if other.generation == token.generation && !is_sure {
                return Ok(rejoined(answer, beginning));
            }
            self.refused_before = if other.generation == token.generation { self.refused_before + 1 } else { 0 };
            token = other;
            proxy.figures.count(Count::Replays);
        }
        Err(Refusal::forbidden("new-tokens-refused", "the servers refuse one token after the other"))
    }

    /// For the library, if it can be sent again.
    fn whole(&self) -> Option<Whole<'_>> {
        let Content::Whole(body) = &self.content else { return None };
        let Self { method, path, query, headers, patience, .. } = self;
        Some(Whole { method, path, query, headers, body: body.clone(), patience: *patience })
    }

    /// When to send it again, and whether its token surely was the trouble.
    fn next(&mut self, advice: Option<(Advice, Duration)>, end: Instant) -> Option<(Duration, bool)> {
        let (advice, wait) = advice?;
        let is_allowed = match advice {
            Advice::Return => false,
            Advice::Replay => true,
            Advice::ReplayIfIdempotent => self.method.is_idempotent(),
        };
        let is_kept = matches!(self.content, Content::Whole(_));
        if !is_allowed || !is_kept || Instant::now() + wait >= end {
            return None;
        }
        // With a pause it is for the same token.
        self.replays += u32::from(wait.is_zero());
        (self.replays <= MOST_REPLAYS).then_some((wait, advice == Advice::Replay))
    }

    /// Tells the library what became of the token.
    fn report(
        &self,
        token: &Token,
        server: &Server,
        answer: &Response<Incoming>,
        body: &[u8],
    ) -> Option<(Advice, Duration)> {
        let report = Report {
            generation: token.generation,
            status: answer.status().as_u16(),
            body,
            server: Some(server.name()),
            retry_after: answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()),
            refused_before: self.refused_before,
        };
        let advised = self.proxy.client.report(&report).ok()?;
        Some((advised.advice, advised.wait))
    }

    async fn send(&self, token: Option<&Token>) -> Result<(Response<Incoming>, &Server), Refusal> {
        let mut headers = self.headers.clone();
        let mut query = self.query.clone();
        if let Some(token) = token {
            attach(token, self.proxy.token_in, &mut headers, &mut query)?;
        }
        let target = if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) };
        let target: PathAndQuery = target.parse().map_err(|_| Refusal::bad("path", "not a path"))?;
        let (method, content, patience, is_long_poll) = (&self.method, &self.content, self.patience, self.is_long_poll);
        let outgoing = Outgoing { method, target, headers, content, patience, is_long_poll };
        let (mut answer, server) = self.proxy.upstream.send(&outgoing).await?;
        drop_of_connection(answer.headers_mut());
        Ok((answer, server))
    }
}

fn attach(token: &Token, place: TokenPlace, headers: &mut HeaderMap, query: &mut String) -> Result<(), Refusal> {
    let text = token.secret.expose();
    let value = |text: &str| {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| Refusal::new(StatusCode::BAD_GATEWAY, "internal", "a token that no header can carry"))?;
        value.set_sensitive(true);
        Ok::<_, Refusal>(value)
    };
    match place {
        TokenPlace::Auto | TokenPlace::Authorization => {
            headers.insert(AUTHORIZATION, value(&format!("Bearer {text}"))?);
        }
        TokenPlace::Header => {
            headers.insert(strip::ACCESS_TOKEN_HEADER, value(text)?);
        }
        TokenPlace::Query => {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(strip::ACCESS_TOKEN);
            query.push('=');
            query.extend(utf8_percent_encode(text, NON_ALPHANUMERIC));
        }
    }
    Ok(())
}

/// Makes a client's headers those of a request of ours.
fn clean(headers: &mut HeaderMap) {
    drop_of_connection(headers);
    for name in [HOST, header::CONTENT_LENGTH, header::EXPECT] {
        headers.remove(name);
    }
    // Only what can be decoded, should it be a refusal.
    if let Some(accepted) = headers.remove(ACCEPT_ENCODING)
        && accepted.to_str().is_ok_and(|text| text.split(',').any(|coding| coding.trim() == "gzip"))
    {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    // A server asked for plain text only leaves out why it refuses.
    let says = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("json") || text.contains("*/*"));
    if headers.contains_key(ACCEPT) && !headers.get_all(ACCEPT).iter().any(says) {
        headers.append(ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
    }
}

pub(super) fn drop_of_connection(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != AUTHORIZATION)
        .collect();
    for name in named.iter().chain(&OF_CONNECTION) {
        headers.remove(name);
    }
}

fn long_poll(headers: &HeaderMap) -> Duration {
    let text = headers.get(LONG_POLL).and_then(|value| value.to_str().ok());
    let wait = text.and_then(|text| text.trim().parse().ok()).map_or(Duration::ZERO, Duration::from_millis);
    wait.min(LONGEST_POLL)
}

fn rejoined(answer: Response<Incoming>, beginning: Beginning) -> Response<AnyBody> {
    answer.map(|rest| match beginning.is_whole {
        true => whole(beginning.bytes),
        false => Prefixed::new(beginning.bytes, rest).boxed(),
    })
}
