//! Who may give orders to a camera: digest authentication as its web server does it, with nonces that
//! die and an account that is locked after wrong answers. Knows no path.

use std::{collections::HashMap, fmt::Write as _};

use md5::Md5;
use sha2::{Digest, Sha256};

/// Which hash the challenge names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashKind {
    #[default]
    Md5,
    Sha256,
}

impl HashKind {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hex(self, text: &str) -> String {
        let bytes = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        };
        bytes.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

/// The only account, and the nonces given out.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) realm: String,
    pub(super) hash: HashKind,
    /// Wrong answers until the account is locked.
    pub(super) tries_max: u32,
    /// Good answers a nonce is worth; then it is stale.
    pub(super) nonce_uses: u32,
    wrong: u32,
    given: u32,
    /// The highest count seen of each nonce.
    nonces: HashMap<String, u32>,
}

/// What the guard says to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Welcome,
    /// Answer this: the header's value. `wrong`: an answer was given and is no good.
    Challenge {
        header: String,
        wrong: bool,
    },
    Locked,
}

impl Guard {
    pub(super) fn new(user: &str, password: &str, hash: HashKind) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            realm: "IP Camera(C1234)".to_owned(),
            hash,
            tries_max: 5,
            nonce_uses: 100,
            wrong: 0,
            given: 0,
            nonces: HashMap::new(),
        }
    }

    pub(super) fn is_locked(&self) -> bool {
        self.wrong >= self.tries_max
    }

    /// `answer` is the value of the header Authorization.
    pub(super) fn judge(&mut self, method: &str, uri: &str, answer: Option<&str>) -> Verdict {
        if self.is_locked() {
            return Verdict::Locked;
        }
        let Some(answer) = answer else { return self.challenge(false, false) };
        let fields = fields(answer);
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let count = u32::from_str_radix(field("nc"), 16).unwrap_or(0);
        let Some(last) = self.nonces.get(field("nonce")).copied() else {
            return self.challenge(true, false);
        };
        if count > self.nonce_uses {
            return self.challenge(true, false);
        }
        let of = |text: String| self.hash.hex(&text);
        let who = of(format!("{}:{}:{}", self.user, self.realm, self.password));
        let what = of(format!("{method}:{uri}"));
        let nonce = field("nonce");
        let (nc, cnonce, qop) = (field("nc"), field("cnonce"), field("qop"));
        let expected = of(format!("{who}:{nonce}:{nc}:{cnonce}:{qop}:{what}"));
        let fits = field("username") == self.user
            && field("realm") == self.realm
            && field("uri") == uri
            && qop == "auth"
            && !cnonce.is_empty()
            && nc.len() == 8
            && count > last
            && field("response").eq_ignore_ascii_case(&expected);
        if fits {
            self.wrong = 0;
            self.nonces.insert(field("nonce").to_owned(), count);
            return Verdict::Welcome;
        }
        self.wrong += 1;
        if self.is_locked() { Verdict::Locked } else { self.challenge(false, true) }
    }

    fn challenge(&mut self, stale: bool, wrong: bool) -> Verdict {
        self.given += 1;
        let nonce = self.hash.hex(&format!("nonce {} {}", self.given, self.realm));
        self.nonces.insert(nonce.clone(), 0);
        let header = format!(
            "Digest qop=\"auth\", realm=\"{}\", nonce=\"{nonce}\", stale=\"{stale}\", algorithm={}",
            self.realm,
            self.hash.name()
        );
        Verdict::Challenge { header, wrong }
    }
}

/// `Digest a="b, c", d=e` as names and values.
fn fields(header: &str) -> HashMap<String, String> {
    let mut fields = HashMap::new();
    let mut rest = header.trim().strip_prefix("Digest").unwrap_or_default().trim_start();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        fields.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        rest = left.trim_start_matches([',', ' ']);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616, section 3.9.1.
    #[test]
    fn the_example_of_the_standard_is_welcome() {
        let rows = [
            (HashKind::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (HashKind::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ];
        for (hash, response) in rows {
            let mut guard = Guard::new("Mufasa", "Circle of Life", hash);
            guard.realm = "http-auth@example.org".into();
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            guard.nonces.insert(nonce.into(), 0);
            let answer = format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
                 algorithm={}, nonce=\"{nonce}\", nc=00000001, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, \
                 response=\"{response}\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
                hash.name()
            );
            let mut judge = |answer: &str| guard.judge("GET", "/dir/index.html", Some(answer));
            assert_eq!(judge(&answer), Verdict::Welcome);
            assert!(
                matches!(judge(&answer), Verdict::Challenge { wrong: true, .. }),
                "a count twice"
            );
        }
    }

    #[test]
    fn wrong_answers_lock_the_account_and_old_nonces_are_stale() {
        let mut guard = Guard::new("admin", "x", HashKind::Md5);
        guard.tries_max = 2;
        let Verdict::Challenge { header, wrong: false } = guard.judge("GET", "/", None) else {
            panic!()
        };
        let nonce = fields(&header)["nonce"].clone();
        let old = guard.judge("GET", "/", Some("Digest nonce=\"of another time\", nc=00000001"));
        let Verdict::Challenge { header, wrong: false } = old else { panic!("{old:?}") };
        assert_eq!(fields(&header)["stale"], "true");
        let answer =
            format!("Digest username=\"admin\", nonce=\"{nonce}\", nc=00000001, response=\"0\"");
        assert!(matches!(
            guard.judge("GET", "/", Some(&answer)),
            Verdict::Challenge { wrong: true, .. }
        ));
        assert_eq!(guard.judge("GET", "/", Some(&answer)), Verdict::Locked);
        assert_eq!(guard.judge("GET", "/", None), Verdict::Locked);
    }
}
