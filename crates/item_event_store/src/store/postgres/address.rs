//! Where a database is and how to get there: what the driver understands of a URL, and TLS, which
//! means in each `sslmode` what libpq means by it.

use super::error::with_cause;
use super::tls::{self, Authorities, Trust};
use crate::error::StoreError;
use crate::store::Result;
use percent_encoding::percent_decode_str;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to be made.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a server may be silent where it owes an answer, unless the URL has a
/// `tcp_user_timeout`.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

/// The address of a database.
#[derive(Clone)]
pub(super) struct Address {
    pub config: Config,
    pub tls: MakeRustlsConnect,
}

/// What a URL says of TLS.
#[derive(Default)]
struct Said {
    mode: Option<String>,
    roots: Option<String>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Address {
    /// Reads a URL, and the files that it names.
    pub fn parse(url: &str) -> Result<Self> {
        let (url, said) = split(url)?;
        let mut config = Config::from_str(&url).map_err(|error| {
            StoreError::Config(format!("not an address of a database: {}", with_cause(&error)))
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(StoreError::Config(
                "the address names no host: postgres://USER@HOST/DATABASE, or ?host=/FOLDER for a \
                 unix socket"
                    .into(),
            ));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        // A server that is gone without a word is noticed, not waited for.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_TIMEOUT).keepalives_idle(SILENCE_TIMEOUT);
        }
        if config.get_application_name().is_none() {
            config.application_name("ies");
        }
        let (mode, trust) = said.mode()?;
        let on_sockets = config.get_hostaddrs().is_empty()
            && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        if on_sockets || mode == SslMode::Disable {
            config.ssl_mode(SslMode::Disable);
            return Ok(Self { config, tls: tls::connector(Trust::Anybody, None)? });
        }
        config.ssl_mode(mode);
        let identity = match (&said.certificate, &said.key) {
            (Some(certificate), Some(key)) => Some(tls::identity(certificate, key)?),
            (None, None) => None,
            _ => return Err(StoreError::Config("sslcert and sslkey come together".into())),
        };
        Ok(Self { config, tls: tls::connector(trust, identity)? })
    }
}

impl Said {
    /// The driver's mode, and whom it trusts.
    fn mode(&self) -> Result<(SslMode, Trust)> {
        let refused = |why: &str| Err(StoreError::Config(why.into()));
        let authorities = match self.roots.as_deref() {
            None => None,
            Some("system") if !matches!(self.mode.as_deref(), None | Some("verify-full")) => {
                return refused(
                    "sslrootcert=system needs sslmode=verify-full: whoever owns a domain has a \
                     certificate of a public authority",
                );
            }
            Some("system") => return Ok((SslMode::Require, Trust::Named(Authorities::System))),
            Some(file) => Some(Authorities::File(file.into())),
        };
        let chain = |authorities: Option<Authorities>| match authorities {
            None => Trust::Anybody,
            Some(authorities) => Trust::Signed(authorities),
        };
        Ok(match self.mode.as_deref() {
            Some("disable") => (SslMode::Disable, Trust::Anybody),
            None | Some("prefer") => (SslMode::Prefer, chain(authorities)),
            Some("require") => (SslMode::Require, chain(authorities)),
            Some("verify-ca") => match authorities {
                None => return refused("sslmode=verify-ca needs sslrootcert=FILE"),
                Some(authorities) => (SslMode::Require, Trust::Signed(authorities)),
            },
            Some("verify-full") => {
                (SslMode::Require, Trust::Named(authorities.unwrap_or(Authorities::System)))
            }
            Some("allow") => {
                return refused(
                    "sslmode=allow is not spoken, as it begins without TLS: say prefer, or require",
                );
            }
            Some(_) => {
                return refused("sslmode is disable, prefer, require, verify-ca or verify-full");
            }
        })
    }
}

/// Takes out of a URL what the driver does not know.
fn split(url: &str) -> Result<(String, Said)> {
    let mut said = Said::default();
    let Some((place, query)) = url.split_once('?') else { return Ok((url.to_owned(), said)) };
    let mut left = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = || {
            let decoded = percent_decode_str(value).decode_utf8();
            decoded.map_err(|_| StoreError::Config(format!("the address's {name} is no UTF-8")))
        };
        match name {
            "sslmode" => said.mode = Some(decoded()?.into_owned()),
            "sslrootcert" => said.roots = Some(decoded()?.into_owned()),
            "sslcert" => said.certificate = Some(decoded()?.as_ref().into()),
            "sslkey" => said.key = Some(decoded()?.as_ref().into()),
            _ => left.push(pair),
        }
    }
    Ok((format!("{place}?{}", left.join("&")), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(query: &str) -> std::result::Result<(SslMode, &'static str), String> {
        let (_, said) = split(&format!("postgres://h/d?{query}")).expect("text");
        let (mode, trust) = said.mode().map_err(|error| error.to_string())?;
        let trust = match trust {
            Trust::Anybody => "anybody",
            Trust::Signed(Authorities::File(_)) => "signed",
            Trust::Signed(Authorities::System) => unreachable!("a public authority signs anybody"),
            Trust::Named(Authorities::File(_)) => "named",
            Trust::Named(Authorities::System) => "named by the system's",
        };
        Ok((mode, trust))
    }

    #[test]
    fn each_mode_means_what_libpq_means_by_it() {
        use SslMode::{Disable, Prefer, Require};
        for (query, expected) in [
            ("", (Prefer, "anybody")),
            ("sslmode=disable&sslrootcert=a", (Disable, "anybody")),
            ("sslmode=prefer", (Prefer, "anybody")),
            ("sslmode=require", (Require, "anybody")),
            ("sslmode=require&sslrootcert=a", (Require, "signed")),
            ("sslmode=verify-ca&sslrootcert=a", (Require, "signed")),
            ("sslmode=verify-full&sslrootcert=a", (Require, "named")),
            ("sslmode=verify-full", (Require, "named by the system's")),
            ("sslrootcert=system", (Require, "named by the system's")),
        ] {
            assert_eq!(mode(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn a_mode_that_is_not_spoken_is_refused() {
        for (query, why) in [
            ("sslmode=allow", "allow is not spoken"),
            ("sslmode=verify-ca", "needs sslrootcert=FILE"),
            ("sslmode=require&sslrootcert=system", "needs sslmode=verify-full"),
            ("sslmode=on", "sslmode is disable, prefer"),
        ] {
            let said = mode(query).expect_err(query);
            assert!(said.contains(why), "{query}: {said}");
        }
    }

    #[test]
    fn what_the_driver_knows_is_left_to_it() {
        let (url, said) = split("postgres://h/d?a=%2F&sslrootcert=%2Fa%20b&host=/x").expect("text");
        assert_eq!(url, "postgres://h/d?a=%2F&host=/x");
        assert_eq!(said.roots.as_deref(), Some("/a b"));
    }

    #[test]
    fn an_address_that_leads_nowhere_is_refused() {
        for (url, why) in [
            ("postgres:///d", "names no host"),
            ("postgres://h/d?sslcrl=a", "sslcrl"),
            ("postgres://h:x/d", "port"),
            ("postgres://h/d?sslcert=a", "come together"),
            ("postgres://h/d?sslmode=verify-ca&sslrootcert=/no/file", "/no/file"),
        ] {
            match Address::parse(url).err() {
                Some(StoreError::Config(said)) => assert!(said.contains(why), "{url}: {said}"),
                other => panic!("{url}: {other:?}"),
            }
        }
    }
}
