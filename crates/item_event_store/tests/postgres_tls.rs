//! TLS to the server: each `sslmode` means what libpq means by it, and a server that is not the one
//! that was asked for is refused with the reason.

mod postgres;

use item_event_store::error::StoreError;
use item_event_store::store::Mode;
use item_event_store::store::postgres::PostgresStore;
use postgres::{Cluster, batch, create, open, recorded, send, verify};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};
use tokio::sync::OnceCell;

/// An authority with its certificate.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names = names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate, and its key.
    fn sign(&self, common_name: &str, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let signed = params(common_name, names).signed_by(&key, &self.issuer);
        (signed.expect("a certificate").pem(), key.serialize_pem())
    }
}

/// A server, and the files of its clients, which lie beside its socket.
struct Bakery {
    cluster: Cluster,
    database: String,
    authority: Authority,
}

/// Who may come in, and how.
const RULES: &str = "local all all trust
hostssl all ies_read all trust clientcert=verify-full
hostssl all ies_app all scram-sha-256";

impl Bakery {
    /// One whose certificate is for `localhost`.
    async fn with_tls() -> &'static Self {
        static BAKERY: OnceCell<Bakery> = OnceCell::const_new();
        BAKERY.get_or_init(Self::start_with_tls).await
    }

    async fn start_with_tls() -> Self {
        let this = Self::without_tls().await;
        let (certificate, key) = this.authority.sign("server", &["localhost"]);
        for (name, text) in [
            ("server.crt", certificate.as_str()),
            ("server.key", &key),
            ("authority.crt", &this.authority.pem),
            ("pg_hba.conf", RULES),
        ] {
            let theirs = this.file(name, text);
            let data = format!("\"$data/{name}\"");
            this.cluster.run(&format!("cp {theirs} {data} && chmod 600 {data}"));
        }
        let admin = this.cluster.connect("postgres", "postgres").await;
        for set in [
            "ALTER SYSTEM SET ssl_ca_file = 'authority.crt'",
            "ALTER SYSTEM SET ssl = on",
            "ALTER ROLE ies_app PASSWORD 'secret'",
        ] {
            admin.batch_execute(set).await.expect("set");
        }
        this.cluster.run("ctl reload");
        this
    }

    async fn without_tls() -> Self {
        let cluster = Cluster::on_loopback();
        let database = cluster.new_database().await;
        let this = Self { cluster, database, authority: Authority::new("the bakery's authority") };
        this.file("roots.crt", &this.authority.pem);
        this
    }

    fn file(&self, name: &str, text: &str) -> String {
        let file = self.cluster.folder.join(name);
        std::fs::write(&file, text).expect("written");
        file.display().to_string()
    }

    fn roots(&self) -> String {
        self.cluster.folder.join("roots.crt").display().to_string()
    }

    fn url(&self, host: &str, query: &str) -> String {
        let (port, database) = (self.cluster.port, &self.database);
        format!("postgres://ies_app:secret@{host}:{port}/{database}?{query}")
    }
}

/// Whether the connections of a store's role are encrypted, as the server sees it.
async fn encrypted(bakery: &Bakery) -> Vec<bool> {
    let admin = bakery.cluster.connect("postgres", "postgres").await;
    let rows = admin.query(
        "SELECT s.ssl FROM pg_stat_ssl AS s JOIN pg_stat_activity AS a USING (pid)
         WHERE a.usename = 'ies_app' AND a.client_addr IS NOT NULL",
        &[],
    );
    rows.await.expect("the connections").iter().map(|row| row.get(0)).collect()
}

async fn refused(url: &str) -> String {
    match PostgresStore::open(url, Mode::Write).await {
        Err(StoreError::Config(why)) => why,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mode_connects_and_encrypts() {
    let bakery = Bakery::with_tls().await;
    let roots = bakery.roots();
    recorded(send(&open(&bakery.url("localhost", "")).await, create("Croissant", 1)).await);
    for (host, query) in [
        ("localhost", String::new()),
        ("127.0.0.1", "sslmode=prefer".into()),
        ("127.0.0.1", "sslmode=require".into()),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={roots}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={roots}")),
        ("localhost", "sslmode=require&channel_binding=require".into()),
    ] {
        let ledger = open(&bakery.url(host, &query)).await;
        recorded(send(&ledger, batch()).await);
        let seen = encrypted(bakery).await;
        assert!(!seen.is_empty() && seen.iter().all(|ssl| *ssl), "{query}: {seen:?}");
        verify(&ledger).await;
        ledger.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_another_one_is_refused() {
    let bakery = Bakery::with_tls().await;
    let roots = bakery.roots();
    let other = bakery.file("other.crt", &Authority::new("another authority").pem);
    let full = |roots: &str| format!("sslmode=verify-full&sslrootcert={roots}");
    for (host, query, why) in [
        ("127.0.0.1", full(&roots), "not valid for name \"127.0.0.1\""),
        ("localhost", full(&other), "UnknownIssuer"),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}"), "UnknownIssuer"),
        // As in libpq: whoever names authorities wants them asked.
        ("localhost", format!("sslmode=require&sslrootcert={other}"), "UnknownIssuer"),
        ("localhost", "sslmode=verify-full".into(), "UnknownIssuer"),
        ("localhost", "sslrootcert=system".into(), "UnknownIssuer"),
    ] {
        let said = refused(&bakery.url(host, &query)).await;
        assert!(said.contains(why), "{query}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_tls_is_used_only_if_that_was_allowed() {
    let bakery = Bakery::without_tls().await;
    bakery.cluster.run("echo 'host all all all trust' >>\"$data/pg_hba.conf\" && ctl reload");
    let roots = bakery.roots();
    for query in [
        "sslmode=require",
        &format!("sslmode=verify-full&sslrootcert={roots}"),
        "sslrootcert=system",
    ] {
        let said = refused(&bakery.url("localhost", query)).await;
        assert!(said.contains("server does not support TLS"), "{query}: {said}");
    }
    let ledger = open(&bakery.url("localhost", "sslmode=prefer")).await;
    recorded(send(&ledger, create("Croissant", 1)).await);
    assert!(encrypted(&bakery).await.iter().all(|ssl| !ssl));
    ledger.close().await;
    recorded(send(&open(&bakery.url("localhost", "sslmode=disable")).await, batch()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_tls_refuses_whoever_does_without() {
    let bakery = Bakery::with_tls().await;
    let said = refused(&bakery.url("localhost", "sslmode=disable")).await;
    assert!(said.contains("no encryption"), "{said}");
    let said = refused(&bakery.url("localhost", "").replace("secret", "wrong")).await;
    assert!(said.contains("password authentication failed"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_shows_its_own_certificate() {
    let bakery = Bakery::with_tls().await;
    let roots = bakery.roots();
    let (certificate, key) = bakery.authority.sign("ies_read", &[]);
    let (certificate, key) = (bakery.file("me.crt", &certificate), bakery.file("me.key", &key));
    let url = |query: &str| bakery.url("localhost", query).replace("ies_app:secret", "ies_read");
    let shown = format!("sslmode=verify-full&sslrootcert={roots}&sslcert={certificate}");
    let store = PostgresStore::open(&url(&format!("{shown}&sslkey={key}")), Mode::Read).await;
    store.expect("the server knows who this is");
    let said = refused(&url("sslmode=require")).await;
    assert!(said.contains("valid client certificate"), "{said}");
    let (stranger, its_key) = Authority::new("another authority").sign("ies_read", &[]);
    let (stranger, its_key) = (bakery.file("it.crt", &stranger), bakery.file("it.key", &its_key));
    refused(&url(&format!("sslmode=require&sslcert={stranger}&sslkey={its_key}"))).await;
    for (query, why) in [
        (shown, "come together"),
        (format!("sslmode=require&sslcert={certificate}&sslkey={certificate}"), "sslkey"),
        (format!("sslmode=require&sslcert={key}&sslkey={key}"), "no certificate in it"),
    ] {
        let said = refused(&url(&query)).await;
        assert!(said.contains(why), "{query}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unix_socket_needs_no_tls_whatever_is_said() {
    let bakery = Bakery::with_tls().await;
    let socket = bakery.cluster.url("ies_app", &bakery.cluster.new_database().await);
    for mode in ["require", "verify-full", "disable"] {
        let ledger = open(&format!("{socket}&sslmode={mode}")).await;
        recorded(send(&ledger, create(mode, 1)).await);
    }
}
