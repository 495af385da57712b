//! What an operator is asked about one vehicle: pictures side by side, and whose stay it is. Lists no tasks.

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    console::Frame,
    error::ApiError,
    router::{Shared, Web},
    signin::Signed,
};
use crate::{
    core::{
        Input,
        stay::Stay,
        task::{About, Task},
    },
    types::{StayId, TaskId},
};

/// Part of a task's page.
#[derive(Template)]
#[template(path = "misread.html", config = "src/http/askama.toml")]
struct Sides<'a> {
    f: &'a Frame,
    task: &'a Task,
    /// As the camera wrote it; empty: nothing, or the task is about something else.
    raw: String,
    /// Of the vehicle at the exit.
    picture: Option<String>,
    /// What may be its stay, with how well it fits in percent; of other tasks, the stays they are about.
    stays: Vec<(Stay, Option<u8>)>,
}

impl Sides<'_> {
    fn is_misread(&self) -> bool {
        matches!(self.task.about, About::Misread { .. })
    }

    fn is_open(&self) -> bool {
        self.task.over_at.is_none()
    }

    /// Its letters, and whether each is another one than the camera read there.
    fn letters(&self, stay: &Stay) -> Vec<(char, bool)> {
        let raw: Vec<char> = self.raw.chars().filter(|c| !" ·.-".contains(*c)).collect();
        let plate = stay.plate.full().chars().enumerate();
        plate.map(|(at, c)| (c, !raw.is_empty() && raw.get(at) != Some(&c))).collect()
    }

    fn stayed(&self, stay: &Stay) -> String {
        self.f.since(&stay.entered_at)
    }
}

async fn stay_of(web: &Web, id: StayId) -> Result<Option<Stay>, ApiError> {
    let open = web.desk.read(move |state| state.stays.get(&id).cloned()).await?;
    match open {
        Some(stay) => Ok(Some(stay)),
        None => Ok(web.records.stay(id).await?.map(|file| file.stay)),
    }
}

/// The vehicles a task is about, side by side, with the operator's choice where there is one.
pub(super) async fn body(web: &Web, f: &Frame, task: &Task) -> Result<String, ApiError> {
    let (raw, picture, about) = match &task.about {
        About::Misread { raw, candidates, picture } => {
            let about = candidates.iter().map(|one| (one.stay, Some(one.score))).collect();
            (raw.clone(), picture.clone(), about)
        }
        About::PlateTwice { former } => {
            let both = [Some(*former), task.stay].into_iter().flatten();
            let mut both: Vec<_> = both.map(|stay| (stay, None)).collect();
            both.dedup();
            (String::new(), None, both)
        }
        _ => (String::new(), None, task.stay.map(|stay| (stay, None)).into_iter().collect()),
    };
    let mut stays = Vec::with_capacity(about.len());
    for (stay, score) in about {
        stays.extend(stay_of(web, stay).await?.map(|stay| (stay, score)));
    }
    Ok(Sides { f, task, raw, picture, stays }.render()?)
}

#[derive(Deserialize)]
pub(super) struct Picked {
    /// 0: none of them.
    stay: i64,
}

/// The operator says whose stay it is.
pub(super) async fn pick(
    State(web): State<Shared>,
    signed: Signed,
    Path(id): Path<i64>,
    Form(picked): Form<Picked>,
) -> Result<Response, ApiError> {
    let (task, who) = (TaskId(id), signed.name);
    let stay = (picked.stay != 0).then_some(StayId(picked.stay));
    tracing::info!(%task, ?stay, operator = who, "an operator settles a misread");
    web.desk.tell(Input::MisreadSettled { task, stay, who }).await??;
    Ok(Redirect::to("/console/tasks").into_response())
}
