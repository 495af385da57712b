//! The QR code in a photo, for browsers that read none themselves. Keeps no photo and decides nothing.

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::http::{error::ApiError, router::Shared, signin::Signed};

/// The page makes its photos smaller than this.
pub(in crate::http) const BYTES_MAX: usize = 1024 * 1024;
const SIDE_MAX: usize = 1_024;

#[derive(Clone, Copy, Deserialize)]
pub(in crate::http) struct Size {
    width: usize,
    height: usize,
}

#[derive(Serialize)]
struct Seen {
    /// Empty: there is no code to be read in it.
    code: String,
}

/// The body is one byte for each point, row by row: how bright it is.
pub(in crate::http) async fn read(
    State(web): State<Shared>,
    _signed: Signed,
    Query(size): Query<Size>,
    body: Bytes,
) -> Result<Response, ApiError> {
    super::office(&web)?;
    let Size { width, height } = size;
    let fits = |side| (16..=SIDE_MAX).contains(&side);
    if !fits(width) || !fits(height) || body.len() != width * height {
        return Err(ApiError::Status(StatusCode::UNPROCESSABLE_ENTITY));
    }
    // A picture that breaks the reader is a picture without a code.
    let code = tokio::task::spawn_blocking(move || code_in(&body, width, height)).await;
    Ok(Json(Seen { code: code.ok().flatten().unwrap_or_default() }).into_response())
}

/// The first code that can be read.
fn code_in(light: &[u8], width: usize, height: usize) -> Option<String> {
    let at = |x: usize, y: usize| light.get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut photo = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
    photo.detect_grids().iter().find_map(|grid| Some(grid.decode().ok()?.1))
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, EcLevel, QrCode};

    use super::*;

    /// As a camera sees it: a grey hand around it, and uneven light.
    fn photo(text: &str, scale: usize) -> (Vec<u8>, usize) {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let (modules, colors) = (code.width(), code.to_colors());
        let side = (modules + 16) * scale;
        let point = |at: usize| {
            let (x, y) = (at % side, at / side);
            let (mx, my) = ((x / scale).wrapping_sub(8), (y / scale).wrapping_sub(8));
            let is_code = mx < modules && my < modules;
            let dark = is_code && colors[my * modules + mx] == Color::Dark;
            let quiet = (4 * scale..side - 4 * scale).contains(&x)
                && (4 * scale..side - 4 * scale).contains(&y);
            let light = if dark {
                40
            } else if quiet {
                190
            } else {
                120
            };
            u8::try_from(light + x * 40 / side).unwrap()
        };
        ((0..side * side).map(point).collect(), side)
    }

    #[test]
    fn a_code_in_a_photo_is_read_and_a_photo_without_one_has_none() {
        let text = "PT1".to_owned() + &"8K4+".repeat(34);
        let (light, side) = photo(&text, 8);
        assert_eq!(code_in(&light, side, side), Some(text));
        assert_eq!(code_in(&vec![128; side * side], side, side), None);
        let torn: Vec<u8> =
            light.iter().enumerate().map(|(at, l)| if at % 3 == 0 { 0 } else { *l }).collect();
        let _ = code_in(&torn, side, side);
    }
}
