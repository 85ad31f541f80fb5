//! TLS to the server: whom it is believed, and who we are.

use crate::error::StoreError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The protocol's registered name.
const ALPN: &[u8] = b"postgresql";

/// Whose certificates count.
#[derive(Debug)]
pub(super) enum Authorities {
    /// Those in a file.
    File(PathBuf),
    /// The system's.
    System,
}

/// Which servers are believed.
#[derive(Debug)]
pub(super) enum Trust {
    /// Any: nobody can listen, but the other end may be anybody.
    Anybody,
    /// One whose certificate an authority signed.
    Signed(Authorities),
    /// The same, with the name that it was called by.
    Named(Authorities),
}

/// A client's certificates, its own first, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// What is shown to a server that asks who we are.
pub(super) fn identity(certificate: &Path, key: &Path) -> Result<Identity> {
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| StoreError::Config(format!("sslkey {}: {error}", key.display())))?;
    Ok((certificates("sslcert", certificate)?, secret))
}

fn certificates(setting: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |why: String| StoreError::Config(format!("{setting} {}: {why}", file.display()));
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| failed(error.to_string()))?;
    if found.is_empty() { Err(failed("no certificate in it".into())) } else { Ok(found) }
}

impl Authorities {
    fn load(&self) -> Result<Arc<RootCertStore>> {
        let mut roots = RootCertStore::empty();
        match self {
            Self::File(file) => {
                for root in certificates("sslrootcert", file)? {
                    roots.add(root).map_err(|error| {
                        StoreError::Config(format!("sslrootcert {}: {error}", file.display()))
                    })?;
                }
            }
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                let (added, _) = roots.add_parsable_certificates(found.certs);
                if added == 0 {
                    return Err(StoreError::Config(format!(
                        "the system has no certificates of authorities: {:?}",
                        found.errors
                    )));
                }
            }
        }
        Ok(Arc::new(roots))
    }
}

/// Makes TLS sessions.
pub(super) fn connector(trust: Trust, identity: Option<Identity>) -> Result<MakeRustlsConnect> {
    let failed = |error: rustls::Error| StoreError::Config(format!("TLS: {error}"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let verifier = |roots| Arc::new(Verifier { roots, algorithms });
    let builder = match trust {
        Trust::Named(authorities) => builder.with_root_certificates(authorities.load()?),
        Trust::Signed(authorities) => builder
            .dangerous()
            .with_custom_certificate_verifier(verifier(Some(authorities.load()?))),
        Trust::Anybody => builder.dangerous().with_custom_certificate_verifier(verifier(None)),
    };
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(failed)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

/// Asks less of a server than its name: a certificate signed by one of the roots, or any. That the
/// server has the certificate's key is always asked.
#[derive(Debug)]
struct Verifier {
    roots: Option<Arc<RootCertStore>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                roots,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
