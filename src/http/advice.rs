//! What to do about a failure that people meet who have just set something up.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use super::{
    Endpoint, Response,
    error::{Error, ErrorKind, Phase},
};

const SPEAKS_HTTP: &str = "no TLS is spoken there, but plain http by its looks; write http://… instead of https://…";
const SPEAKS_TLS: &str = "the server speaks TLS there; write https://… instead of http://…";
const MAY_SPEAK_HTTP: &str = "if the server speaks plain http, write http://… instead of https://…";
const MAY_SPEAK_TLS: &str = "if the server speaks TLS there, write https://… instead of http://…";
const UNKNOWN_AUTHORITY: &str =
    "none of the trusted authorities has signed it; give the certificate of the one that has as ca_file";
const WANTS_CERTIFICATE: &str = "the server wants a client certificate; give client_cert_file and client_key_file";
const MAY_WANT_CERTIFICATE: &str =
    "if the server wants a client certificate, give client_cert_file and client_key_file";
const REFUSES_CERTIFICATE: &str =
    "the server refuses the client certificate, or wants one; look at client_cert_file and client_key_file";

/// How many bytes of an answer are read for its words.
const READ: usize = 4096;
/// What servers say in a 400 to http where they speak https, each in its own way: nginx, Tomcat, Go, Apache.
const ONLY_TLS: &[&str] = &[
    "plain HTTP request was sent to HTTPS port",
    "requires TLS",
    "HTTP request to an HTTPS server",
    "plain HTTP to an SSL-enabled server port",
];
/// What nginx says in a 400, where others fail in the handshake.
const NO_CERTIFICATE: &str = "No required SSL certificate was sent";

/// A cause in words, and what to do about it.
pub(super) struct Advice {
    pub(super) cause: String,
    /// The server has ended the handshake, whatever else had been sent by then.
    pub(super) in_handshake: bool,
}

/// Of an error of a library below, or of one of its causes.
pub(super) fn on(phase: Phase, error: &(dyn StdError + 'static)) -> Option<Advice> {
    let because = |what: &str, in_handshake| Some(Advice { cause: format!("{error}; {what}"), in_handshake });
    if let Some(tls) = error.downcast_ref::<TlsError>() {
        return match tls {
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) if phase <= Phase::Handshake => {
                Some(Advice { cause: SPEAKS_HTTP.into(), in_handshake: true })
            }
            // The second is that of an authority of the same name.
            TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                because(UNKNOWN_AUTHORITY, true)
            }
            other if super::tls::is_authority_as_server(other) => because(UNKNOWN_AUTHORITY, true),
            TlsError::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired => because(WANTS_CERTIFICATE, true),
                AlertDescription::HandshakeFailure => because(MAY_WANT_CERTIFICATE, true),
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied => because(REFUSES_CERTIFICATE, true),
                _ => None,
            },
            _ => None,
        };
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let ends = io.kind() == io::ErrorKind::UnexpectedEof && io.to_string() == "tls handshake eof";
        return if ends { because(MAY_SPEAK_HTTP, true) } else { None };
    }
    let http = error.downcast_ref::<hyper::Error>()?;
    if http.is_parse() && http.to_string().starts_with("invalid HTTP version") {
        because(MAY_SPEAK_TLS, false)
    } else {
        None
    }
}

/// An answer by which a web server only says that it was spoken to in the wrong way.
pub(super) fn on_answer(response: &Response, endpoint: &Endpoint) -> Option<Error> {
    if response.status != 400 {
        return None;
    }
    let text = String::from_utf8_lossy(&response.body[..response.body.len().min(READ)]);
    let advice = match () {
        () if !endpoint.https && ONLY_TLS.iter().any(|words| text.contains(words)) => SPEAKS_TLS,
        () if endpoint.https && text.contains(NO_CERTIFICATE) => WANTS_CERTIFICATE,
        () => return None,
    };
    Some(Error::new(Phase::Handshake, ErrorKind::Tls, advice))
}
