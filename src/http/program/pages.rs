//! Lists some at a time: the latest first, on from the last number seen. Knows no list.

use axum::{
    Json,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::http::{error::ApiError, ports::Page};

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 200;

/// Which part of a list.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Paging {
    /// The last number seen: what is older follows.
    #[param(minimum = 1)]
    after: Option<i64>,
    /// At most so many; 100 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl Paging {
    pub(in crate::http) fn new(after: Option<i64>, limit: Option<u32>) -> Self {
        Self { after, limit }
    }

    pub(in crate::http) fn page(self) -> Result<Page, ApiError> {
        let limit = self.limit.unwrap_or(LIMIT);
        let below = self.after.unwrap_or(i64::MAX);
        if (1..=LIMIT_MAX).contains(&limit) && below >= 1 {
            return Ok(Page { below, limit });
        }
        Err(ApiError::Unfit(
            "limit 为 1 到 200，after 为上一页最后一个编号。",
            "limit is 1 to 200, and after is the last number of the page before.",
        ))
    }
}

/// The part of a list, with the way to the next where there may be one.
pub(in crate::http) fn part<T: Serialize>(
    uri: &Uri,
    page: Page,
    items: Vec<T>,
    number: impl Fn(&T) -> i64,
) -> Response {
    let full = items.len() >= page.limit as usize;
    let last = items.last().filter(|_| full).map(number);
    let mut response = Json(items).into_response();
    let link = last.map(|last| next(uri, last, page.limit));
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn next(uri: &Uri, last: i64, limit: u32) -> String {
    let own = |pair: &&str| !pair.starts_with("after=") && !pair.starts_with("limit=");
    let rest = uri.query().unwrap_or_default().split('&').filter(own);
    let rest: String =
        rest.filter(|pair| !pair.is_empty()).map(|pair| format!("&{pair}")).collect();
    format!("<{}?after={last}&limit={limit}{rest}>; rel=\"next\"", uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_keeps_what_was_asked() {
        let uri: Uri = "/api/v1/stays?after=9&state=all&limit=2".parse().unwrap();
        assert_eq!(next(&uri, 7, 2), "</api/v1/stays?after=7&limit=2&state=all>; rel=\"next\"");
        let page = Paging::new(None, Some(2)).page().unwrap();
        let of = |items| part(&uri, page, items, |n: &i64| *n).headers().contains_key("link");
        assert!(of(vec![8, 7]) && !of(vec![7]) && !of(Vec::new()));
        assert!(Paging::new(Some(0), None).page().is_err());
        assert!(Paging::new(None, Some(201)).page().is_err());
    }
}
