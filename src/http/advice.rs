//! What to do about a failure that people meet who have just set something up.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError, InvalidMessage};

use super::{
    Endpoint, Response,
    error::{Error, ErrorKind, Phase},
};
use crate::cause::Cause;

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
const EXPIRED: &str = "renew the server's certificate, or set the clock of this machine right";
const NOT_YET_VALID: &str = "set the clock of this machine right, or wait";
const OTHER_NAMES: &str = "use a name of the certificate as server_addr, or set tls_server_name to one";
const NO_SAN: &str =
    "the certificate has no subjectAltName, and its common name counts for nothing; issue it again with one";

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

/// A cause in words, with what to do about it, and as a word.
pub(super) struct Advice {
    pub(super) words: String,
    pub(super) cause: Option<Cause>,
    /// The server has ended the handshake, whatever else had been sent by then.
    pub(super) in_handshake: bool,
}

/// Of an error of a library below, or of one of its causes.
pub(super) fn on(phase: Phase, error: &(dyn StdError + 'static)) -> Option<Advice> {
    let because = |cause, what: &str, in_handshake| {
        Some(Advice { words: format!("{error}; {what}"), cause: Some(cause), in_handshake })
    };
    if let Some(tls) = error.downcast_ref::<TlsError>() {
        return match tls {
            TlsError::InvalidMessage(InvalidMessage::InvalidContentType) if phase <= Phase::Handshake => {
                Some(Advice { words: SPEAKS_HTTP.into(), cause: Some(Cause::TlsToHttpPort), in_handshake: true })
            }
            TlsError::InvalidCertificate(certificate) => match certificate {
                // The second is that of an authority of the same name.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    because(Cause::UntrustedCertificate, UNKNOWN_AUTHORITY, true)
                }
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    because(Cause::ExpiredCertificate, EXPIRED, true)
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    because(Cause::FutureCertificate, NOT_YET_VALID, true)
                }
                CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                    because(Cause::MissingSan, NO_SAN, true)
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    because(Cause::CertificateName, OTHER_NAMES, true)
                }
                _ if super::tls::is_authority_as_server(tls) => {
                    because(Cause::UntrustedCertificate, UNKNOWN_AUTHORITY, true)
                }
                _ => None,
            },
            TlsError::AlertReceived(alert) => match alert {
                AlertDescription::CertificateRequired => because(Cause::ClientCertificate, WANTS_CERTIFICATE, true),
                AlertDescription::HandshakeFailure => {
                    Some(Advice { words: format!("{error}; {MAY_WANT_CERTIFICATE}"), cause: None, in_handshake: true })
                }
                AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied => because(Cause::ClientCertificate, REFUSES_CERTIFICATE, true),
                _ => None,
            },
            _ => None,
        };
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let ends = io.kind() == io::ErrorKind::UnexpectedEof && io.to_string() == "tls handshake eof";
        return if ends { because(Cause::TlsToHttpPort, MAY_SPEAK_HTTP, true) } else { None };
    }
    let http = error.downcast_ref::<hyper::Error>()?;
    if http.is_parse() && http.to_string().starts_with("invalid HTTP version") {
        because(Cause::HttpToTlsPort, MAY_SPEAK_TLS, false)
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
    let (cause, advice) = match () {
        () if !endpoint.https && ONLY_TLS.iter().any(|words| text.contains(words)) => {
            (Cause::HttpToTlsPort, SPEAKS_TLS)
        }
        () if endpoint.https && text.contains(NO_CERTIFICATE) => (Cause::ClientCertificate, WANTS_CERTIFICATE),
        () => return None,
    };
    Some(Error::new(Phase::Handshake, ErrorKind::Tls, advice).because(cause))
}
