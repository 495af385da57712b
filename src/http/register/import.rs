//! Many passes at once, from a file of comma-separated values. Each line is taken or told by itself.

use axum::{Form, extract::State, response::Response};
use serde::Deserialize;

use super::{
    notation,
    passes::{self, PassForm},
    told,
};
use crate::{
    core::manage::Manage,
    http::{error::ApiError, router::Shared, signin::Signed, words::Lang},
};

/// Lines under way at once: they share commits.
const AT_ONCE: usize = 64;

/// A line that was not taken, and why.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    pub(super) why: String,
}

#[derive(Deserialize)]
pub(super) struct Pasted {
    lines: String,
}

/// `holder,plates,spaces,kind,amount,zones,from,until,hours,class`; a first line with these names is passed over.
fn form(line: &str) -> Option<PassForm> {
    let fields: [String; 10] = {
        let mut fields = notation::fields(line);
        if !(8..=10).contains(&fields.len()) {
            return None;
        }
        fields.resize(10, String::new());
        fields.try_into().ok()?
    };
    let [holder, plates, spaces, kind, amount, zones, from, until, hours, class] = fields;
    let tier = String::new();
    Some(PassForm { holder, plates, spaces, kind, amount, zones, from, until, hours, class, tier })
}

pub(super) async fn import(
    State(web): State<Shared>,
    l: Lang,
    signed: Signed,
    Form(pasted): Form<Pasted>,
) -> Result<Response, ApiError> {
    use futures::stream::{self, StreamExt, TryStreamExt};
    let rules = web.desk.rules();
    let lines = pasted.lines.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    let lines = lines.filter(|(number, line)| {
        !(line.is_empty() || (*number == 1 && line.starts_with("holder")))
    });
    let taken = lines.map(|(number, line)| {
        let draft = form(line)
            .ok_or_else(|| l.say("须有 8 到 10 列", "A line has 8 to 10 fields").to_owned());
        let draft = draft.and_then(|form| form.draft(l, &rules.zone, rules.currency));
        let (web, signed) = (&web, &signed);
        async move {
            let told = match draft {
                Ok(draft) => told(web, l, signed, Manage::AddPass(draft)).await?,
                Err(why) => Err(why),
            };
            Ok::<_, ApiError>(told.err().map(|why| Line { number, why }))
        }
    });
    let all: Vec<Option<Line>> =
        stream::iter(taken.collect::<Vec<_>>()).buffered(AT_ONCE).try_collect().await?;
    let count = all.iter().filter(|line| line.is_none()).count();
    let wrong: Vec<Line> = all.into_iter().flatten().collect();
    tracing::info!(
        taken = count,
        refused = wrong.len(),
        operator = signed.name,
        "passes were imported"
    );
    passes::render(&web, l, signed, String::new(), None, Some((count, wrong))).await
}
