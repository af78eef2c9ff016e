//! TLS towards the servers, by the same rules as the library: the files are read again when a connection is made, every two
//! seconds at the most, and a certificate that is itself in ca_file is trusted.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use zeroize::Zeroizing;

use super::body::BoxError;
use crate::settings::Settings;

const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Where systems keep the authorities they trust.
const SYSTEM_ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

#[derive(Clone)]
struct Files {
    ca: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

pub(super) struct Tls {
    files: Files,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    config: Option<Arc<ClientConfig>>,
    content: Content,
    looked: Option<Instant>,
}

/// What the files held.
#[derive(Default, PartialEq)]
struct Content {
    ca: Option<Vec<u8>>,
    cert: Option<Vec<u8>>,
    key: Option<Zeroizing<Vec<u8>>>,
}

impl Tls {
    pub(super) fn new(settings: &Settings) -> Self {
        let Settings { ca_file, client_cert_file, client_key_file, .. } = settings;
        let files = Files { ca: ca_file.clone(), cert: client_cert_file.clone(), key: client_key_file.clone() };
        Self { files, current: Mutex::default() }
    }

    /// The configuration in force. Reads files.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, BoxError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = &current.config
            && current.looked.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS)
        {
            return Ok(config.clone());
        }
        current.looked = Some(Instant::now());
        let made = self.files.read().and_then(|content| match &current.config {
            Some(config) if current.content == content => Ok((config.clone(), content)),
            _ => Ok((Arc::new(content.config()?), content)),
        });
        match (made, &current.config) {
            (Ok((config, content)), _) => {
                current.config = Some(config.clone());
                current.content = content;
                Ok(config)
            }
            // What cannot be read just now, or is being written, changes nothing.
            (Err(_), Some(config)) => Ok(config.clone()),
            (Err(error), None) => Err(error),
        }
    }
}

impl Files {
    fn read(&self) -> Result<Content, BoxError> {
        let read = |path: &Option<PathBuf>| path.as_ref().map(fs::read).transpose();
        Ok(Content { ca: read(&self.ca)?, cert: read(&self.cert)?, key: read(&self.key)?.map(Zeroizing::new) })
    }
}

impl Content {
    fn config(&self) -> Result<ClientConfig, BoxError> {
        let mut roots = RootCertStore::empty();
        let pinned = self.ca.as_deref().map(certificates).transpose()?;
        match &pinned {
            Some(own) => _ = roots.add_parsable_certificates(own.iter().cloned()),
            None => {
                let pem = SYSTEM_ROOTS.iter().find_map(|path| fs::read(path).ok()).unwrap_or_default();
                roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
            }
        }
        let provider = Arc::new(ring::default_provider());
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build()?;
        let verifier = Arc::new(Verifier { usual, pinned: pinned.unwrap_or_default() });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        Ok(match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                builder.with_client_auth_cert(certificates(cert)?, PrivateKeyDer::from_pem_slice(key)?)?
            }
            _ => builder.with_no_client_auth(),
        })
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BoxError> {
    Ok(CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?)
}

#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    pinned: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        match self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // Its dates have been looked at before this, its name has not.
            Err(TlsError::InvalidCertificate(CertificateError::Other(OtherError(other))))
                if matches!(other.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
                    && self.pinned.iter().any(|own| own == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.usual.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.usual.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
