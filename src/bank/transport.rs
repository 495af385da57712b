//! Carries one form or text to the bank and brings one text back. Knows nothing of signatures or payments.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url, header, redirect};
use thiserror::Error;
use tokio::{fs::OpenOptions, io::AsyncWriteExt};

/// A reply longer than this is not a payment reply.
const REPLY_BYTES_MAX: usize = 256 * 1024;
/// Shorter than the idle limit of the usual gateways, so that a kept connection is rarely dead.
const IDLE: Duration = Duration::from_secs(20);
const JSON: &str = "application/json";

/// How to reach the bank.
#[derive(Clone, Debug)]
pub struct TransportSettings {
    pub base_url: String,
    pub connect_timeout: Duration,
    pub read_timeout: Duration,
    pub allow_plain_http: bool,
    /// PEM file of the only authorities to trust; without it the system's.
    pub ca_file: Option<PathBuf>,
}

/// The settings cannot be used. `field` is the setting's name.
#[derive(Debug, Error)]
#[error("{field}: {what}")]
pub struct TransportError {
    pub field: &'static str,
    pub what: String,
}

/// The wire failed; what the bank did is not known.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum WireError {
    #[error("the bank did not answer in time")]
    TimedOut,
    #[error("the bank cannot be reached: {0}")]
    Unreachable(String),
    #[error("the bank answered HTTP {0}")]
    Status(u16),
    #[error("the bank's answer broke off: {0}")]
    BrokeOff(String),
    #[error("the bank's answer is longer than {0} bytes")]
    TooLong(u64),
    #[error("the bank's answer is not UTF-8")]
    NotText,
    #[error("the bank's answer cannot be kept: {0}")]
    Disk(String),
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// Those whose values are text; names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// An HTTP client for one bank: no redirects, no proxy, no retry, bounded time and size.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client,
}

impl Transport {
    pub fn open(settings: &TransportSettings) -> Result<Self, TransportError> {
        let https = check_base_url(&settings.base_url, settings.allow_plain_http)?;
        // Someone else may have set the process's provider before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(https)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.connect_timeout + settings.read_timeout)
            .pool_idle_timeout(IDLE);
        if let Some(file) = &settings.ca_file {
            builder = builder.tls_certs_only(authorities(file)?);
        } else if !https {
            // A box without the system's authorities can still talk to a loopback bank.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|e| TransportError {
            field: "base_url",
            what: format!("no TLS towards the bank: {}", chain(&e)),
        })?;
        Ok(Self { client })
    }

    /// Posts the form and returns the body of an HTTP 200; every other status is an error.
    pub async fn post_form(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        form: String,
    ) -> Result<String, WireError> {
        let mut request = self.form(url, form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.text_of(request).await
    }

    /// Posts an XML text; else as [`Self::post_form`].
    pub async fn post_xml(&self, url: &str, xml: String) -> Result<String, WireError> {
        self.text_of(self.xml(url, xml)).await
    }

    /// Posts an XML text and writes the body of an HTTP 200 into the file, piece by piece: it may be larger than
    /// memory. The whole answer may take `within`, and at most `bytes_max`. Returns how long it was.
    pub async fn post_xml_into(
        &self,
        url: &str,
        xml: String,
        within: Duration,
        bytes_max: u64,
        into: &Path,
    ) -> Result<u64, WireError> {
        into_file(self.xml(url, xml).timeout(within), bytes_max, into).await
    }

    /// Posts a form; else as [`Self::post_xml_into`].
    pub async fn post_form_into(
        &self,
        url: &str,
        form: String,
        within: Duration,
        bytes_max: u64,
        into: &Path,
    ) -> Result<u64, WireError> {
        into_file(self.form(url, form).timeout(within), bytes_max, into).await
    }

    /// Fetches an address; else as [`Self::post_xml_into`].
    pub async fn get_into(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        within: Duration,
        bytes_max: u64,
        into: &Path,
    ) -> Result<u64, WireError> {
        let mut request = self.client.get(url).timeout(within);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        into_file(request, bytes_max, into).await
    }

    /// One call of an interface that tells by the status, too, and signs in the headers. `json`: its body, if it has one.
    pub async fn call(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, &str)],
        json: Option<String>,
    ) -> Result<Reply, WireError> {
        let mut request = self.client.request(method, url).header(header::ACCEPT, JSON);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(json) = json {
            request = request.header(header::CONTENT_TYPE, JSON).body(json);
        }
        let reply = sent(request).await?;
        let status = reply.status().as_u16();
        let told = reply.headers().iter();
        let told = told.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let headers = told.collect();
        Ok(Reply { status, headers, body: text(reply).await? })
    }

    fn form(&self, url: &str, form: String) -> RequestBuilder {
        let kind = "application/x-www-form-urlencoded; charset=UTF-8";
        self.client.post(url).header(header::CONTENT_TYPE, kind).body(form)
    }

    fn xml(&self, url: &str, xml: String) -> RequestBuilder {
        let kind = "text/xml;charset=utf-8";
        self.client.post(url).header(header::CONTENT_TYPE, kind).body(xml)
    }

    async fn text_of(&self, request: RequestBuilder) -> Result<String, WireError> {
        text(answered(request).await?).await
    }
}

async fn text(mut reply: Response) -> Result<String, WireError> {
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|e| broke_off(&e))? {
        if body.len() + chunk.len() > REPLY_BYTES_MAX {
            return Err(WireError::TooLong(REPLY_BYTES_MAX as u64));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| WireError::NotText)
}

async fn into_file(request: RequestBuilder, bytes_max: u64, into: &Path) -> Result<u64, WireError> {
    let disk = |e: std::io::Error| WireError::Disk(format!("{}: {e}", into.display()));
    let mut reply = answered(request).await?;
    // What was bought and by whom is nobody else's.
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.write(true).create(true).truncate(true).open(into).await;
    let mut file = file.map_err(disk)?;
    let mut bytes = 0;
    while let Some(chunk) = reply.chunk().await.map_err(|e| broke_off(&e))? {
        bytes += chunk.len() as u64;
        if bytes > bytes_max {
            return Err(WireError::TooLong(bytes_max));
        }
        file.write_all(&chunk).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)?;
    file.sync_all().await.map_err(disk)?;
    Ok(bytes)
}

/// The head of an HTTP 200.
async fn answered(request: RequestBuilder) -> Result<Response, WireError> {
    let reply = sent(request).await?;
    match reply.status().as_u16() {
        200 => Ok(reply),
        other => Err(WireError::Status(other)),
    }
}

async fn sent(request: RequestBuilder) -> Result<Response, WireError> {
    request.send().await.map_err(|e| {
        if e.is_timeout() { WireError::TimedOut } else { WireError::Unreachable(chain(&e)) }
    })
}

fn broke_off(error: &reqwest::Error) -> WireError {
    if error.is_timeout() { WireError::TimedOut } else { WireError::BrokeOff(chain(error)) }
}

/// Whether the address is https; plain http only to this machine or when the settings say so.
fn check_base_url(base_url: &str, allow_plain_http: bool) -> Result<bool, TransportError> {
    let wrong = |what: String| TransportError { field: "base_url", what };
    let url = Url::parse(base_url).map_err(|e| wrong(format!("\"{base_url}\": {e}")))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(wrong(format!("\"{base_url}\" must be scheme, host and port only")));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(true),
        "http" if loopback || allow_plain_http => Ok(false),
        "http" => Err(wrong(format!(
            "\"{base_url}\" is plain http to another machine; use https, or set allow_plain_http"
        ))),
        other => Err(wrong(format!("\"{other}\" is neither https nor http"))),
    }
}

fn authorities(file: &PathBuf) -> Result<Vec<Certificate>, TransportError> {
    let wrong = |what: String| TransportError { field: "ca_file", what };
    let pem = std::fs::read(file).map_err(|e| wrong(format!("{}: {e}", file.display())))?;
    let certificates = Certificate::from_pem_bundle(&pem)
        .map_err(|e| wrong(format!("{}: {}", file.display(), chain(&e))))?;
    if certificates.is_empty() {
        return Err(wrong(format!("{} holds no PEM certificate", file.display())));
    }
    Ok(certificates)
}

/// The error with its causes, less the address (it may be long and is known).
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        process::{Child, Command, Stdio},
    };

    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["http://127.0.0.1:8081", "http://localhost/x", "http://[::1]:9"] {
            assert!(!check_base_url(good, false).unwrap(), "{good}");
        }
        assert!(check_base_url("https://gw.open.icbc.com.cn", false).unwrap());
        assert!(!check_base_url("http://bank.example", true).unwrap());
        for bad in [
            "http://bank.example",
            "http://127.0.0.1.example",
            "ftp://127.0.0.1",
            "gw",
            "https://a/?b",
        ] {
            assert_eq!(check_base_url(bad, false).unwrap_err().field, "base_url", "{bad}");
        }
    }

    /// A folder with a self-made certificate for this machine; removed at the end.
    struct Certified(PathBuf);

    impl Certified {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("paifang-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let made = Command::new("openssl")
                .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
                .args(["-subj", "/CN=bank", "-keyout", "key.pem", "-out", "cert.pem"])
                .args(["-addext", "subjectAltName=IP:127.0.0.1"])
                .args(["-addext", "basicConstraints=critical,CA:FALSE"])
                .current_dir(&folder)
                .output();
            assert!(made.unwrap().status.success());
            Self(folder)
        }

        fn settings(&self, base_url: &str) -> TransportSettings {
            TransportSettings {
                base_url: base_url.to_owned(),
                connect_timeout: Duration::from_secs(2),
                read_timeout: Duration::from_secs(3),
                allow_plain_http: false,
                ca_file: Some(self.0.join("cert.pem")),
            }
        }
    }

    impl Drop for Certified {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// An OpenSSL server that gives its one caller a fixed answer, and its address.
    fn tls_server(certified: &Certified) -> (Child, String) {
        let mut server = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1"])
            .args(["-cert", "cert.pem", "-key", "key.pem"])
            .current_dir(&certified.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = server.stdin.take().unwrap();
        let lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("ACCEPT ")?.to_owned()));
        std::thread::spawn(move || {
            // An answer that comes before its question is thrown away by a careful client.
            if lines.any(|line| line.starts_with("POST")) && lines.any(|line| line.is_empty()) {
                let _ = stdin.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                let _ = stdin.flush();
                for _ in lines {} // stdin stays open until the server ends
            }
        });
        (server, format!("https://{}", address.unwrap()))
    }

    #[tokio::test]
    async fn tls_reaches_the_bank_and_no_one_else() {
        let (bank, other) = (Certified::new("tls-bank"), Certified::new("tls-other"));
        for (trusted, reached) in [(&bank, true), (&other, false)] {
            let (mut server, url) = tls_server(&bank);
            let transport = Transport::open(&trusted.settings(&url)).unwrap();
            let reply = transport.post_form(&url, &[("APIGW-VERSION", "1")], "a=b".into()).await;
            let _ = server.kill();
            let _ = server.wait();
            match reply {
                Ok(reply) => assert!(reached && reply == "ok", "{reply}"),
                Err(WireError::Unreachable(why)) => {
                    assert!(!reached && why.contains("certificate"), "{why}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_file_of_authorities_must_hold_some() {
        let settings = TransportSettings {
            base_url: "https://bank.example".to_owned(),
            connect_timeout: Duration::from_secs(8),
            read_timeout: Duration::from_secs(30),
            allow_plain_http: false,
            ca_file: Some("/nonexistent/ca.pem".into()),
        };
        assert_eq!(Transport::open(&settings).unwrap_err().field, "ca_file");
    }
}
