//! What TLS needs: whom to trust, and who we are. rustls throughout; no OpenSSL.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::error::{Error, Kind, Result};

/// The files the user named, read and understood.
#[derive(Default)]
pub(crate) struct Material {
    roots: Option<Vec<CertificateDer<'static>>>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

impl Material {
    /// Reads the files. They are read once: a renewed certificate needs a new client.
    pub(crate) fn read(ca: Option<&Path>, cert: Option<&Path>, key: Option<&Path>) -> Result<Self> {
        let roots = ca.map(|path| certificates("ca_file", path)).transpose()?;
        let identity = match (cert, key) {
            (None, None) => None,
            (Some(cert), Some(key)) => {
                let chain = certificates("client_cert_file", cert)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|e| unreadable("client_key_file", key, &e))?;
                Some((chain, key))
            }
            _ => return Err(Error::config("client_cert_file and client_key_file go together; give both or neither")),
        };
        let material = Self { roots, identity };
        if material.identity.is_some() {
            material.with_roots(RootCertStore::empty())?;
        }
        Ok(material)
    }

    /// The configuration for servers spoken to over https (`used`), or an empty one that trusts nobody.
    pub(crate) fn config(&self, used: bool) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        match &self.roots {
            _ if !used => {}
            Some(own) => {
                roots.add_parsable_certificates(own.iter().cloned());
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    let message = "this system has no root certificates; install ca-certificates or give ca_file";
                    return Err(Error::new(Kind::Tls, message));
                }
            }
        }
        self.with_roots(roots)
    }

    fn with_roots(&self, roots: RootCertStore) -> Result<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::new(Kind::Internal, format!("TLS: {e}")))?
            .with_root_certificates(roots);
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|e| Error::config(format!("client_key_file does not go with client_cert_file: {e}"))),
        }
    }
}

fn certificates(field: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|e| unreadable(field, path, &e))?;
    if found.is_empty() {
        return Err(Error::config(format!("{field}: no certificate in {}; it must be PEM", path.display())));
    }
    Ok(found)
}

fn unreadable(field: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::config(format!("{field}: cannot read {}: {why}", path.display()))
}
