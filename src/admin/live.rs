//! Pages that stay right while they are open: one stream of events per page that says "look again", and the fragment that
//! the page then fetches. Without scripts every page is right when it is loaded.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::error::Fault;
use super::page::Page;
use super::{connect, group, groups, health, log, overview, selftest, token, tokens, user, users};
use crate::http::{Body, Response};

/// A stream ends after this time; the browser opens the next.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// A comment keeps proxies from closing a quiet stream.
const BEAT: Duration = Duration::from_secs(20);

/// Without a change the page looks again after so long: times such as "4 min ago" grow old.
const STALE: Duration = Duration::from_secs(60);
/// System health looks again after so long, whatever was changed: it looks through much.
pub const HEALTH: Duration = Duration::from_secs(30);

/// Whether a page has parts that change, and how often they are looked at again at most.
fn pause(page: &str) -> Option<Duration> {
    match page {
        "connect" | "selftest" => Some(Duration::from_millis(300)),
        "tokens" | "token" | "activity" | "health" => Some(Duration::from_millis(1000)),
        // They count much; while requests come without end, every two seconds will do.
        "overview" | "users" | "groups" => Some(Duration::from_millis(2000)),
        _ => None,
    }
}

/// The parts of a page that change: elements with ids, which take the place of those with the same ids.
pub async fn fragment(page: Page<'_, '_>, name: &str) -> Result<Response, Fault> {
    let parts = match name {
        "connect" => connect::live(&page).await?,
        "overview" => overview::live(&page).await?,
        "health" => health::live(&page).await?,
        "tokens" => tokens::live(&page).await?,
        "token" => token::live(&page)?,
        "activity" => log::news(&page)?,
        "selftest" => selftest::live(&page)?,
        "users" => return users::list(page).await,
        "groups" => return groups::list(page).await,
        _ => return Err(Fault::NotFound),
    };
    Ok(Response::html(200, parts))
}

/// The page of one user or group: the browser takes the parts out of it.
pub async fn whole(page: Page<'_, '_>, list: &str, id: &str) -> Result<Response, Fault> {
    match list {
        "users" => user::user(page, id),
        "groups" => group::group(page, id).await,
        _ => Err(Fault::NotFound),
    }
}

/// Tells the page, while it is open, when to look again: after a commit, or when the self-test goes on.
pub fn events(page: Page<'_, '_>) -> Result<Response, Fault> {
    let query = &page.visit.request.query;
    let name = query.get("page").unwrap_or_default().to_owned();
    let pause = pause(&name).ok_or(Fault::NotFound)?;
    let asked = query.get("idp").and_then(super::idp::find).map(|idp| format!("?idp={}", idp.key));
    let asked = match name.as_str() {
        // What is new depends on how the list is narrowed or sorted, or on which token is shown.
        "activity" | "token" | "tokens" => Some(super::page::with(query, &[("page", "")])),
        "users" | "groups" => {
            let id = query.get("id").unwrap_or_default();
            if !id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-') {
                return Err(Fault::NotFound);
            }
            let one = if id.is_empty() { String::new() } else { format!("/{id}") };
            Some(format!("{one}{}", super::page::with(query, &[("page", ""), ("id", "")])))
        }
        _ => asked,
    };
    let url = format!("{}fragment/{name}{}", page.base(), asked.unwrap_or_default());
    let text = format!("event: fragment\ndata: {}\n\n", json!({ "id": name, "url": url, "say": "" }));
    let (sender, body) = Body::stream();
    let desk = page.visit.desk;
    let mut commits = desk.service.store().commits();
    let mut bench = desk.bench.progress();
    tokio::spawn(async move {
        let end = Instant::now() + LONGEST;
        // The first look makes good what was missed between the page and the stream, or while the connection was gone.
        if !sender.send(format!("retry: 2000\n\n{text}")).await {
            return;
        }
        let by_clock = name == "health";
        let (beat, stale) = if by_clock { (HEALTH, HEALTH) } else { (BEAT, STALE) };
        let mut quiet = Duration::ZERO;
        while Instant::now() < end {
            let changed = tokio::select! {
                () = sender.closed() => return,
                changed = commits.changed(), if !by_clock => changed.is_ok(),
                changed = bench.changed(), if name == "selftest" => changed.is_ok(),
                () = sleep(beat) => {
                    quiet += beat;
                    if quiet < stale && !sender.send(": still here\n\n").await {
                        return;
                    }
                    if quiet < stale {
                        continue;
                    }
                    true
                }
            };
            quiet = Duration::ZERO;
            if !changed || !sender.send(text.clone()).await {
                return;
            }
            sleep(pause).await;
        }
    });
    Ok(Response::with_body(200, body).header("content-type", "text/event-stream").uncompressed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_waits_for_requests_looks_again_well_within_a_second() {
        // A read is written with the next look of the writer, a fifth of a second later at most.
        let writer = Duration::from_millis(200);
        for page in ["connect", "selftest"] {
            assert!(pause(page).expect("live") + writer <= Duration::from_millis(600), "{page}");
        }
        assert_eq!(pause("team"), None);
    }
}
