//! What TLS needs: whom to trust, and who we are. rustls throughout; no OpenSSL.
//!
//! The files are read when a client is made, and again when a connection is made, at most every few seconds: a renewed
//! certificate is used, a withdrawn authority is trusted no longer. What counts is their content, so it does not matter how
//! they were replaced.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{Error as PemError, PemObject},
    },
    server::ParsedCertificate,
};

use zeroize::Zeroizing;

use super::{
    Endpoint,
    error::{Error, ErrorKind, Phase},
};
use crate::sys::lock::Mutex;
use crate::{
    error::{Error as CrateError, Result as CrateResult},
    secret::Wiped,
    sys::thread,
    wait::{Executor, Promise},
};

/// How long files that were looked at are not looked at again.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// How long a connection waits for the files. One that waits longer uses what they held last.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How long a reader may take until another may be sent past it: the file may have been replaced meanwhile.
const BETWEEN_READERS: Duration = Duration::from_secs(10);
/// How many may hang at the same time, each in another file or where the system does not even tell which file is there.
pub(super) const MOST_READERS: usize = 4;
/// The largest file read.
const LARGEST_FILE: u64 = 8 << 20;

/// Where systems keep the authorities they trust, by path: the usual crates ask the environment first.
const SYSTEM_ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Where PEM comes from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum PemSource {
    File(PathBuf),
    /// The text itself. A key may be in it.
    Memory(Wiped),
}

impl std::fmt::Debug for PemSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Memory(_) => f.write_str("***"),
        }
    }
}

/// What the user wants of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsSettings {
    pub(crate) ca: Option<PemSource>,
    pub(crate) cert: Option<PemSource>,
    pub(crate) key: Option<PemSource>,
    /// The name that certificates have to be for, instead of the server's host.
    pub(crate) server_name: Option<String>,
}

/// What the files hold.
#[derive(Default, PartialEq)]
pub(crate) struct Pem {
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl TlsSettings {
    fn has_files(&self) -> bool {
        [&self.ca, &self.cert, &self.key].into_iter().any(|source| matches!(source, Some(PemSource::File(_))))
    }

    pub(super) fn check(&self) -> CrateResult<()> {
        let Some(name) = &self.server_name else { return Ok(()) };
        if matches!(ServerName::try_from(name.as_str()), Ok(ServerName::DnsName(_))) {
            return Ok(());
        }
        let name = name.escape_debug();
        Err(CrateError::config(format!("tls_server_name: \"{name}\" is no DNS name; write one of the certificate's")))
    }

    /// Reads and checks the files. May block as long as they do.
    pub(crate) fn read(&self) -> CrateResult<Pem> {
        self.read_beside(&Open::default())
    }

    /// The same, but of no file that is being read already.
    fn read_beside(&self, open: &Open) -> CrateResult<Pem> {
        let certificates = |field, source| certificates(field, source, open);
        let roots = self.ca.as_ref().map(|source| authorities(source, open)).transpose()?;
        let identity = match (&self.cert, &self.key) {
            (None, None) => None,
            (Some(cert), Some(key)) => {
                let chain = certificates("client_cert", cert)?;
                let pem = content("client_key", key, open)?;
                let key = PrivateKeyDer::from_pem_slice(without_mark(&pem))
                    .map_err(|e| not_pem("client_key", key, &e, "unencrypted private key"))?;
                Some((chain, key))
            }
            _ => {
                return Err(CrateError::config(
                    "client_cert_file and client_key_file (or client_cert_pem and client_key_pem) go together; give both \
                     or neither",
                ));
            }
        };
        let pem = Pem { roots, identity };
        if pem.identity.is_some() {
            pem.with_verifier(pem.verifier(Arc::new(RootCertStore::empty())))?;
        }
        Ok(pem)
    }
}

/// The certificates in force, and a number that rises with each change of them.
pub(super) struct Trust {
    pub(super) version: u64,
    pem: Arc<Pem>,
    /// Made when first used: the system's authorities are read for it.
    config: Mutex<Option<Arc<ClientConfig>>>,
    system: Arc<SystemRoots>,
}

/// The system's authorities as they were last to be seen: a process that has shut itself in (chroot) sees their file no more.
type SystemRoots = ArcSwapOption<RootCertStore>;

/// TLS for one cluster.
pub(super) struct Tls {
    settings: TlsSettings,
    current: Arc<ArcSwap<Trust>>,
    reading: Mutex<Reading>,
    open: Arc<Open>,
}

struct Reading {
    began: Instant,
    /// Counts the readers.
    number: u64,
    /// Those that have not come back; the last one in any case.
    readers: Vec<Promise<()>>,
}

/// The files that are being read: of one that hangs, a second reader would only hang too.
#[derive(Default)]
struct Open {
    files: Mutex<Vec<Identity>>,
    /// The number of the last reader that brought something. What an older one brings later is out of date.
    newest: AtomicU64,
}

/// What tells a file from another in its place.
#[derive(Clone, Copy, PartialEq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

impl Tls {
    pub(super) fn new(settings: TlsSettings, pem: Arc<Pem>) -> Self {
        Self::with(settings, 1, pem, Arc::default())
    }

    /// The name that the certificate of `endpoint` has to be for, if it is not its host.
    pub(super) fn server_name(&self, endpoint: &Endpoint) -> Option<&str> {
        self.settings.server_name.as_deref().filter(|_| endpoint.https)
    }

    fn with(settings: TlsSettings, version: u64, pem: Arc<Pem>, system: Arc<SystemRoots>) -> Self {
        let current = Trust { version, pem, config: Mutex::new(None), system };
        let reading = Mutex::new(Reading { began: Instant::now(), number: 0, readers: Vec::new() });
        Self { settings, current: Arc::new(ArcSwap::from_pointee(current)), reading, open: Arc::default() }
    }

    /// The same in the child of a fork, without the locks of the parent.
    pub(super) fn forked(&self) -> Self {
        let current = self.current.load();
        let system = Arc::new(ArcSwapOption::new(current.system.load_full()));
        Self::with(self.settings.clone(), current.version, current.pem.clone(), system)
    }

    /// Another client has read the files.
    pub(super) fn renew(&self, pem: Arc<Pem>) {
        renew(&self.current, pem);
    }

    pub(super) fn current(&self) -> Arc<Trust> {
        self.current.load_full()
    }

    /// Has the files looked at if it is time to; what to wait for, if somebody does.
    pub(super) fn look(&self, executor: Executor) -> Option<Promise<()>> {
        self.look_at(Instant::now(), executor)
    }

    pub(super) fn look_at(&self, now: Instant, executor: Executor) -> Option<Promise<()>> {
        if !self.settings.has_files() {
            return None;
        }
        let (promise, settings, current, open) =
            (Promise::new(), self.settings.clone(), self.current.clone(), self.open.clone());
        let number = {
            let mut reading = self.reading.lock();
            reading.readers.retain(|reader| reader.value().is_none());
            let since = now.saturating_duration_since(reading.began);
            match reading.readers.last() {
                // One that takes longer is not worth waiting for by each connection anew.
                Some(last) if since < BETWEEN_LOOKS => return Some(last.clone()),
                Some(_) if since < BETWEEN_READERS || reading.readers.len() >= MOST_READERS => return None,
                None if since < BETWEEN_LOOKS => return None,
                _ => {}
            }
            reading.began = now;
            reading.number += 1;
            reading.readers.push(promise.clone());
            reading.number
        };
        let ended = promise.clone();
        let read = move || {
            // What cannot be read just now, or is being written, changes nothing.
            if let Ok(pem) = settings.read_beside(&open)
                && open.newest.fetch_max(number, Ordering::Relaxed) < number
            {
                renew(&current, Arc::new(pem));
            }
            ended.fulfil(());
        };
        thread::run_apart("nacos-files", executor == Executor::Caller, read);
        Some(promise)
    }
}

fn renew(current: &ArcSwap<Trust>, pem: Arc<Pem>) {
    let old = current.load();
    if *old.pem != *pem {
        let system = old.system.clone();
        current.store(Arc::new(Trust { version: old.version + 1, pem, config: Mutex::new(None), system }));
    }
}

impl Trust {
    /// The configuration for servers spoken to over https.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = &*self.config.lock() {
            return Ok(config.clone());
        }
        let wrong = |message: String| Error::new(Phase::Handshake, ErrorKind::Tls, message);
        let roots = match &self.pem.roots {
            Some(own) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(own.iter().cloned());
                Arc::new(roots)
            }
            None => self.system_roots().ok_or_else(|| {
                wrong("this system has no root certificates; install ca-certificates or give ca_file".into())
            })?,
        };
        let made = self.pem.with_verifier(self.pem.verifier(roots)).map_err(|e| wrong(e.to_string()))?;
        // Read and made under no lock; of two that did so at the same time, the first one stays.
        Ok(self.config.lock().get_or_insert(Arc::new(made)).clone())
    }

    fn system_roots(&self) -> Option<Arc<RootCertStore>> {
        let mut found = RootCertStore::empty();
        found.add_parsable_certificates(system_roots());
        if !found.is_empty() {
            self.system.store(Some(Arc::new(found)));
        }
        self.system.load_full()
    }
}

impl Pem {
    fn verifier(&self, roots: Arc<RootCertStore>) -> Option<Arc<dyn ServerCertVerifier>> {
        let provider = Arc::new(ring::default_provider());
        if roots.is_empty() {
            return None;
        }
        let usual = WebPkiServerVerifier::builder_with_provider(roots, provider).build().ok()?;
        let pinned = self.roots.clone().unwrap_or_default();
        Some(Arc::new(Verifier { usual, pinned }))
    }

    /// Without a verifier it trusts nobody.
    fn with_verifier(&self, verifier: Option<Arc<dyn ServerCertVerifier>>) -> CrateResult<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| CrateError::new(crate::Kind::Internal, format!("TLS: {e}")))?;
        let builder = match verifier {
            Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(|e| {
                CrateError::config(format!(
                    "client_key_file (or client_key_pem) does not go with the client's certificate: {e}"
                ))
            }),
        }
    }
}

/// How many certificates between a server's and its authority's are looked at. Each may have signed each other, if they have
/// one name, and all ways to go are gone, in one piece that no deadline interrupts.
const MOST_INTERMEDIATES: usize = 8;

/// The usual verification, and one thing more: a certificate that is itself in `ca_file` is trusted, for the names it has and
/// as long as it is valid, also if it calls itself an authority, as those do that `openssl req -x509` makes.
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
    ) -> Result<ServerCertVerified, rustls::Error> {
        let intermediates = &intermediates[..intermediates.len().min(MOST_INTERMEDIATES)];
        let result = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match result {
            // Its dates have been looked at before this, its name has not.
            Err(e) if is_authority_as_server(&e) && self.pinned.iter().any(|own| own == end_entity) => {
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
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.usual.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

pub(super) fn is_authority_as_server(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

fn system_roots() -> Vec<CertificateDer<'static>> {
    let found = SYSTEM_ROOTS.iter().find_map(|path| fs::read(path).ok());
    found.map_or_else(Vec::new, |pem| CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect())
}

fn content(field: &str, source: &PemSource, open: &Open) -> CrateResult<Zeroizing<Vec<u8>>> {
    let path = match source {
        PemSource::File(path) => path,
        PemSource::Memory(text) => return Ok(Zeroizing::new(text.as_ref().to_vec())),
    };
    open.read(path).map_err(|e| unreadable(field, source, &e))
}

impl Open {
    fn read(&self, path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
        use std::{io::Read, os::unix::fs::MetadataExt};
        let found = fs::metadata(path)?;
        let identity =
            Identity { device: found.dev(), inode: found.ino(), changed: (found.ctime(), found.ctime_nsec()) };
        {
            let mut files = self.files.lock();
            if files.contains(&identity) {
                return Err(io::Error::other("it is being read"));
            }
            files.push(identity);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        let read = fs::File::open(path).and_then(|file| {
            // Room for all of it, so that no unwiped copy is left behind by growing.
            let length = file.metadata().map_or(0, |metadata| metadata.len().min(LARGEST_FILE));
            bytes.reserve_exact(length as usize + 1);
            file.take(LARGEST_FILE).read_to_end(&mut bytes)
        });
        self.files.lock().retain(|file| *file != identity);
        read.map(|_| bytes)
    }
}

fn certificates(field: &str, source: &PemSource, open: &Open) -> CrateResult<Vec<CertificateDer<'static>>> {
    let pem = content(field, source, open)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(without_mark(&pem)).collect();
    let found = found.and_then(|found| if found.is_empty() { Err(PemError::NoItemsFound) } else { Ok(found) });
    found.map_err(|e| not_pem(field, source, &e, "certificate"))
}

/// The certificates of which one at least can be trusted: without any, every server would be blamed.
fn authorities(source: &PemSource, open: &Open) -> CrateResult<Vec<CertificateDer<'static>>> {
    let found = certificates("ca", source, open)?;
    let (usable, _) = RootCertStore::empty().add_parsable_certificates(found.iter().cloned());
    match usable {
        0 => Err(unreadable("ca", source, &"no certificate in it can be decoded; perhaps it was damaged")),
        _ => Ok(found),
    }
}

/// Without the byte order mark that some editors put before a text.
fn without_mark(pem: &[u8]) -> &[u8] {
    pem.strip_prefix("\u{feff}".as_bytes()).unwrap_or(pem)
}

/// In words of our own: those of the error hold lines of the file, as numbers.
fn not_pem(field: &str, source: &PemSource, error: &PemError, wanted: &str) -> CrateError {
    let why = match error {
        PemError::NoItemsFound => {
            return CrateError::config(match source {
                PemSource::File(path) => format!("{field}_file: no {wanted} in {}; it must be PEM", path.display()),
                PemSource::Memory(_) => format!("{field}_pem: no {wanted} in it; it must be PEM"),
            });
        }
        PemError::IllegalSectionStart { .. } => {
            "a line that begins with -----BEGIN does not end in -----; perhaps the line ends were lost"
        }
        PemError::MissingSectionEnd { .. } => "the line with -----END is missing; perhaps it was cut short",
        PemError::Base64Decode(_) => "what stands between BEGIN and END is not Base64",
        _ => "it is not PEM",
    };
    unreadable(field, source, &why)
}

/// `field`: as in the options, without what tells file and memory apart.
fn unreadable(field: &str, source: &PemSource, why: &dyn std::fmt::Display) -> CrateError {
    CrateError::config(match source {
        PemSource::File(path) => format!("{field}_file: cannot read {}: {why}", path.display()),
        PemSource::Memory(_) => format!("{field}_pem: cannot read it: {why}"),
    })
}
