//! A browser for the tests: cookies, no redirects followed, the origin a page of the site would send.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, header, redirect::Policy};

use super::site::PASSWORD;

pub(super) struct Phone {
    client: Client,
    pub(super) base: String,
    cookie: Option<String>,
}

impl Phone {
    pub(super) fn new(address: SocketAddr) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { client, base: format!("http://{address}"), cookie: None }
    }

    /// Signed in as `li`.
    pub(super) async fn operator(address: SocketAddr) -> Self {
        let mut phone = Self::new(address);
        let answer = phone.sign_in("li", PASSWORD).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/console"));
        phone
    }

    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header(header::ACCEPT_LANGUAGE, "en");
        match &self.cookie {
            Some(cookie) => request.header(header::COOKIE, cookie),
            None => request,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    pub(super) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let origin = self.base.clone();
        let request = self.ask(Method::POST, path).header(header::ORIGIN, origin).form(form);
        request.send().await.unwrap()
    }

    pub(super) async fn sign_in(&mut self, name: &str, password: &str) -> Response {
        let answer = self.post("/signin", &[("name", name), ("password", password)]).await;
        self.keep_cookie(&answer);
        answer
    }

    pub(super) fn keep_cookie(&mut self, answer: &Response) {
        if let Some(set) = answer.headers().get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookie = Some(pair.to_owned());
        }
    }

    /// Reads an event stream until a part of it fits, or the time is up.
    pub(super) async fn hears(&self, path: &str, fits: impl Fn(&str) -> bool) -> String {
        let mut stream = self.get(path).await;
        assert_eq!(stream.status().as_u16(), 200, "{path}");
        let mut heard = String::new();
        let listen = async {
            while let Some(chunk) = stream.chunk().await.unwrap() {
                heard.push_str(&String::from_utf8_lossy(&chunk));
                if fits(&heard) {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(10), listen).await;
        assert!(fits(&heard), "{path} said only: {heard}");
        heard
    }
}

pub(super) fn location(answer: &Response) -> &str {
    answer.headers().get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
}
