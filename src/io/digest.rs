//! HTTP digest authentication, our side of it (RFC 7616): MD5 and SHA-256, `qop=auth` or none as in RFC 2069. Opens
//! no connection.

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// Who we are to a device.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({}, hidden)", self.user)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Algorithm {
    Md5,
    Sha256,
}

impl Algorithm {
    fn named(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("MD5") => Some(Self::Md5),
            _ if text.eq_ignore_ascii_case("SHA-256") => Some(Self::Sha256),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hex(self, text: &str) -> String {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// What a server asks to be answered with; good for many requests until it asks anew.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// It was said, even if not first.
    names_algorithm: bool,
    qop_auth: bool,
    stale: bool,
    count: u32,
}

impl Challenge {
    /// The strongest of the challenges in `WWW-Authenticate` headers that we can answer.
    pub fn of<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let all = headers.into_iter().flat_map(split).filter_map(|parts| Self::parse(&parts));
        all.max_by_key(|challenge| challenge.algorithm)
    }

    fn parse(parts: &[(String, String)]) -> Option<Self> {
        let find = |name: &str| {
            parts.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone())
        };
        let named = find("algorithm");
        let algorithm = named.as_deref().map_or(Some(Algorithm::Md5), Algorithm::named)?;
        let qop = find("qop");
        let qop_auth = qop
            .as_deref()
            .is_some_and(|qop| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")));
        if qop.is_some() && !qop_auth {
            return None;
        }
        Some(Self {
            realm: find("realm")?,
            nonce: find("nonce")?,
            opaque: find("opaque"),
            algorithm,
            names_algorithm: named.is_some(),
            qop_auth,
            stale: find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            count: 0,
        })
    }

    /// The answer before was right, only too old: no word against the password.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// The `Authorization` header for one request. `uri` as in the request line, `cnonce` fresh and of plain letters.
    pub fn answer(&mut self, login: &Login, method: &str, uri: &str, cnonce: &str) -> String {
        self.count += 1;
        let (hash, realm, nonce) = (self.algorithm, &self.realm, &self.nonce);
        let secret = hash.hex(&format!("{}:{realm}:{}", login.user, login.password));
        let request = hash.hex(&format!("{method}:{uri}"));
        let count = format!("{:08x}", self.count);
        let response = if self.qop_auth {
            hash.hex(&format!("{secret}:{nonce}:{count}:{cnonce}:auth:{request}"))
        } else {
            hash.hex(&format!("{secret}:{nonce}:{request}"))
        };
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut header = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\"",
            quoted(&login.user),
            quoted(realm),
            quoted(nonce),
        );
        if self.names_algorithm {
            header += &format!(", algorithm={}", hash.name());
        }
        if let Some(opaque) = &self.opaque {
            header += &format!(", opaque=\"{}\"", quoted(opaque));
        }
        if self.qop_auth {
            header += &format!(", qop=auth, nc={count}, cnonce=\"{cnonce}\"");
        }
        header
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({}, {})", self.realm, self.algorithm.name())
    }
}

/// The digest challenges of one header, each as its parameters.
fn split(header: &str) -> Vec<Vec<(String, String)>> {
    let mut found: Vec<Vec<(String, String)>> = Vec::new();
    let mut ours = false;
    let mut rest = header.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let end = rest.find(['=', ' ', ',']).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if behind.trim_start().starts_with('=') {
            let (value, behind) = value(behind.trim_start().trim_start_matches('=').trim_start());
            if let (true, Some(parts)) = (ours, found.last_mut()) {
                parts.push((word.to_owned(), value));
            }
            rest = behind;
        } else {
            // A word without a value names a scheme.
            ours = word.eq_ignore_ascii_case("Digest");
            if ours {
                found.push(Vec::new());
            }
            rest = behind;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
    }
    found
}

/// A value, quoted or not, and what is behind it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            plain => value.push(plain),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn mufasa() -> Login {
        Login { user: "Mufasa".into(), password: "Circle of Life".into() }
    }

    fn header(algorithm: &str) -> String {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"{NONCE}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    }

    /// The examples of RFC 7616, section 3.9.1.
    #[test]
    fn answers_as_the_standard_does() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let mut challenge = Challenge::of([header(algorithm).as_str()]).unwrap();
            let answer = challenge.answer(&mufasa(), "GET", "/dir/index.html", CNONCE);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("nc=00000001") && answer.contains("opaque=\"FQhe"), "{answer}");
            let again = challenge.answer(&mufasa(), "GET", "/dir/index.html", CNONCE);
            assert!(again.contains("nc=00000002") && !again.contains(response), "{again}");
        }
    }

    /// The example of RFC 2069 as corrected by its erratum.
    #[test]
    fn answers_old_devices_without_qop() {
        let old =
            "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let login = Login { user: "Mufasa".into(), password: "CircleOfLife".into() };
        let answer =
            Challenge::of([old]).unwrap().answer(&login, "GET", "/dir/index.html", "unused");
        assert!(answer.contains("response=\"1949323746fe6a43ef61f9606e7febea\""), "{answer}");
        assert!(!answer.contains("cnonce") && !answer.contains("algorithm"), "{answer}");
    }

    #[test]
    fn takes_the_strongest_it_can_answer() {
        let (md5, sha) = (header("MD5"), header("SHA-256"));
        let one = format!("Basic realm=\"x\", {md5}, {sha}");
        for headers in [vec![md5.as_str(), sha.as_str()], vec![one.as_str()]] {
            assert_eq!(Challenge::of(headers).unwrap().algorithm, Algorithm::Sha256);
        }
        assert_eq!(Challenge::of(["Basic realm=\"x\""]), None);
        assert_eq!(Challenge::of([header("SHA-512-256").as_str()]), None);
        let integrity = header("MD5").replace("auth, auth-int", "auth-int");
        assert_eq!(Challenge::of([integrity.as_str()]), None);
        let stale = Challenge::of(["Digest realm=\"a\\\"b\", nonce=n, stale=TRUE"]).unwrap();
        assert!(stale.is_stale() && stale.realm == "a\"b" && stale.nonce == "n");
    }

    #[test]
    fn a_password_is_never_printed() {
        assert!(!format!("{:?}", mufasa()).contains("Circle"));
    }

    proptest! {
        #[test]
        fn any_header_is_survived(header in "\\PC{0,200}", tail in "[=\" ,\\\\a]{0,40}") {
            let _ = Challenge::of([header.as_str(), tail.as_str()]);
            let _ = Challenge::of([format!("Digest {tail}").as_str()]);
        }
    }
}
