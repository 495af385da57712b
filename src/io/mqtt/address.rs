//! Where the broker is, out of `mqtt.url`. Opens no connection.

const PORT: u16 = 1883;

/// Host (IPv6 in brackets) and port of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why `mqtt.url` cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    #[error("mqtt.url {0:?} asks for TLS, which is not supported yet: use mqtt:// inside the site")]
    Tls(String),
    #[error("mqtt.url {0:?} is not of the form mqtt://host or mqtt://host:port")]
    Form(String),
    #[error("mqtt.url holds a user name or password: set them beside it, where they stay secret")]
    Credentials,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Address, AddressError> {
        let form = || AddressError::Form(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
        match scheme {
            "mqtt" | "tcp" => {}
            "mqtts" | "ssl" | "tls" => return Err(AddressError::Tls(url.to_owned())),
            _ => return Err(form()),
        }
        if rest.contains('@') {
            return Err(AddressError::Credentials);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            // The last colon of an IPv6 address without a port is not a port's.
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port != 0).ok_or_else(form)?)
            }
            _ => (rest, PORT),
        };
        let bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#[]".contains(c);
        if host.is_empty() || (!bracketed && (host.contains(odd) || host.contains(':'))) {
            return Err(form());
        }
        Ok(Address { host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let rows = [
            ("mqtt://localhost", "localhost", 1883),
            ("mqtt://10.0.0.7:2883", "10.0.0.7", 2883),
            ("tcp://broker.site/", "broker.site", 1883),
            ("mqtt://[::1]", "[::1]", 1883),
            ("mqtt://[fe80::1]:1884", "[fe80::1]", 1884),
        ];
        for (url, host, port) in rows {
            assert_eq!(Address::parse(url), Ok(Address { host: host.into(), port }), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for url in [
            "",
            "localhost",
            "mqtt://",
            "mqtt://a:b",
            "mqtt://a:0",
            "mqtt://a/b",
            "http://a",
            "mqtt://::1",
        ] {
            assert_eq!(Address::parse(url), Err(AddressError::Form(url.into())), "{url}");
        }
        assert!(matches!(Address::parse("mqtts://a"), Err(AddressError::Tls(_))));
        let secret = Address::parse("mqtt://u:hidden@a").unwrap_err();
        assert!(!secret.to_string().contains("hidden"));
    }
}
