//! TLS: each mistake under its name.

use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;

use super::{gateway::Gateway, *};

fn certificate(change: impl FnOnce(&mut rcgen::CertificateParams)) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    change(&mut params);
    let signing_key = rcgen::KeyPair::generate().unwrap();
    let cert = params.self_signed(&signing_key).unwrap();
    rcgen::CertifiedKey { cert, signing_key }
}

fn before(server: &Server, made: &rcgen::CertifiedKey<rcgen::KeyPair>, asks_clients: bool) -> Gateway {
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let config = match asks_clients {
        true => config.with_client_cert_verifier(clients.build().unwrap()),
        false => config.with_no_client_auth(),
    };
    let config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    Gateway::tls(server.address(), Arc::new(config))
}

fn https(gateway: &Gateway) -> Config {
    Config::new(&format!("https://localhost:{}", gateway.address.port()), "nacos", "nacos")
}

#[test]
fn each_mistake_has_its_name() {
    let server = server(Generation::V2);
    let good = certificate(|_| {});
    let gateway = before(&server, &good, false);
    assert_names(&examine(https(&gateway).ca_pem(&good.cert.pem())), &[]);
    assert_names(&examine(https(&gateway)), &["untrusted-certificate"]);
    let address = format!("https://127.0.0.1:{}", gateway.address.port());
    assert_names(&examine(Config::new(&address, "nacos", "nacos").ca_pem(&good.cert.pem())), &["certificate-name"]);
    // https to http and the reverse.
    let plain = format!("https://{}", server.address());
    assert_names(&examine(Config::new(&plain, "nacos", "nacos")), &["tls-to-http-port"]);
    assert_names(&examine(gateway::config_at(gateway.address)), &["http-to-tls-port"]);
    let expired = certificate(|params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    assert_names(
        &examine(https(&before(&server, &expired, false)).ca_pem(&expired.cert.pem())),
        &["expired-certificate"],
    );
    let nameless = certificate(|params| params.subject_alt_names.clear());
    assert_names(&examine(https(&before(&server, &nameless, false)).ca_pem(&nameless.cert.pem())), &["missing-san"]);
    let mutual = before(&server, &good, true);
    assert_names(&examine(https(&mutual).ca_pem(&good.cert.pem())), &["client-certificate"]);
}
