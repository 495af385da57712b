//! A web server that asks the test what to answer.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Uri, header},
    response::Response,
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

use crate::support::within;

/// A request, and where its answer goes; unanswered if dropped.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
    answer: oneshot::Sender<Response>,
}

impl Asked {
    /// With a length and a status of 200.
    pub(crate) fn answer(self, content_type: &str, body: impl Into<Vec<u8>>) {
        let mut answer = Response::new(Body::from(body.into()));
        if !content_type.is_empty() {
            let value = content_type.parse().unwrap();
            answer.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        self.respond(answer);
    }

    pub(crate) fn respond(self, answer: Response) {
        // Who asked may have gone away.
        let _ = self.answer.send(answer);
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A server on a port of its own.
pub(crate) struct Web {
    /// What a camera's address begins with.
    pub(crate) url: String,
    asked: mpsc::UnboundedReceiver<Asked>,
    /// Polls that nobody had an order for yet.
    polls: Vec<Asked>,
}

impl Web {
    pub(crate) async fn start() -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let app = Router::new().fallback(hand_over).with_state(tell);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/device/cam-1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked, polls: Vec::new() }
    }

    pub(crate) async fn next(&mut self) -> Asked {
        within("a request", self.asked.recv()).await.unwrap()
    }

    /// The next one on a path that ends so; others are answered with nothing.
    pub(crate) async fn next_at(&mut self, path: &str) -> Asked {
        if let Some(place) = self.polls.iter().position(|poll| poll.path.ends_with(path)) {
            return self.polls.remove(place);
        }
        loop {
            let asked = self.next().await;
            if asked.path.ends_with(path) {
                return asked;
            }
            if asked.path.ends_with("/comet") {
                self.polls.push(asked);
            } else {
                asked.answer("", "");
            }
        }
    }
}

async fn hand_over(
    State(tell): State<mpsc::UnboundedSender<Asked>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (answer, answered) = oneshot::channel();
    let content_type = headers.get(header::CONTENT_TYPE);
    let asked = Asked {
        method,
        path: uri.path().trim_start_matches("/device/cam-1").to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        content_type: content_type.map(|value| value.to_str().unwrap().to_owned()),
        body: body.to_vec(),
        answer,
    };
    let _ = tell.send(asked);
    match answered.await {
        Ok(answer) => answer,
        Err(_) => std::future::pending().await,
    }
}
