//! `/media/…`: from an address of our own to the file that it stands for.

use hyper::{
    StatusCode,
    header::{HeaderValue, RETRY_AFTER},
};

use super::{
    Site,
    answer::{Answer, problem, sent_elsewhere},
};
use crate::media::{Address, Found};

pub async fn answer(site: &Site, address: &Address) -> Answer {
    let Some(present) = site.present() else { return nothing() };
    match present.find(address).await {
        Ok(Found::At(url)) => sent_elsewhere(&url),
        Ok(Found::Nothing) => nothing(),
        Ok(Found::Gone) => problem(StatusCode::GONE, "Telegram does not show the post any more, nor the file."),
        Ok(Found::Later(wait)) => {
            let mut answer = problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "Telegram's address of the file is dead, and the post could not be asked for a new one yet.",
            );
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
            answer
        }
        Err(error) => {
            tracing::warn!(%error, "a file's post cannot be read");
            problem(StatusCode::SERVICE_UNAVAILABLE, "The post cannot be read at the moment.")
        }
    }
}

fn nothing() -> Answer {
    problem(StatusCode::NOT_FOUND, "No stored post has such a file.")
}
