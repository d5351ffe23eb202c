//! Going on with a form that waited: proving once more who one is before a sensitive change, and sending what was
//! entered when the session had ended. Keeping the forms is `pending`'s.

use askama::Template;

use super::error::Fault;
use super::gate::{sender, waiting};
use super::page::{Gate, Here, Page, Shell, html, section};
use super::parts::{Errors, Fact, Facts, Field, FieldFault, clipped};
use super::session::{Visit, safe_back};
use crate::http::query::encode;
use crate::http::{Query, Response};
use crate::service::sessions::Proof;

/// The longest part of a value that is shown before it is sent again.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "prove.html")]
struct ProvePage {
    shell: Shell,
    errors: Errors,
    second: bool,
    waits: bool,
    form: String,
    back: String,
    code: Field,
    safe: String,
}

#[derive(Template)]
#[template(path = "send.html")]
struct SendPage {
    gate: Gate,
    name: String,
    place: String,
    entered: Facts,
}

/// Asks for a code, or the password where there is no second step.
pub fn prove_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    let asked = page.visit.request.query.clone();
    show(page, 200, &asked, Vec::new())
}

fn show(
    mut page: Page<'_, '_>,
    status: u16,
    asked: &Query,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Confirm that it is you" } else { "Error: Confirm that it is you" };
    let (form, back) = (asked.get("form").unwrap_or_default(), asked.get("back").and_then(safe_back));
    let now = page.visit.zone.now();
    let waiting = page.visit.desk.pending.find(form, page.who.admin.n, now);
    let safe = waiting.as_ref().and_then(|post| section(&post.path)).map_or(page.base(), |(_, href)| href);
    let template = ProvePage {
        second: page.who.standing.on,
        waits: waiting.is_some(),
        form: clipped(form, 100),
        back: back.unwrap_or_default().to_owned(),
        code: Field::new("code", "", true, &faults),
        safe,
        shell: page.shell(title, Here::Nowhere),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Checks the proof, then goes on with the form or the page that waited for it.
pub async fn prove(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    let typed = form.get("code").unwrap_or_default();
    let (address, _) = sender(page.visit);
    match page.visit.desk.sessions.prove(&page.who, typed, address).await? {
        Proof::Right => {}
        proof => {
            let (status, fault) = refused(page.who.standing.on, proof);
            return show(page, status, &form, vec![fault]);
        }
    }
    let now = page.visit.zone.now();
    page.visit.proved(now);
    let name = form.get("form").unwrap_or_default();
    if let Some(post) = page.visit.desk.pending.take(name, page.who.admin.n, now) {
        page.visit.resume(&post);
        return Err(Fault::Again);
    }
    let back = form.get("back").and_then(safe_back).map_or(page.base(), str::to_owned);
    Ok(Response::redirect(&back))
}

/// The words beside the field of a proof that was not taken.
pub fn refused(second: bool, proof: Proof) -> (u16, FieldFault) {
    match (proof, second) {
        (Proof::Wait(wait), _) => (429, FieldFault::new("code", waiting(wait))),
        (_, true) => (422, FieldFault::new("code", WRONG_CODE)),
        (_, false) => (422, FieldFault::new("code", "This is not your password")),
    }
}

/// What is said of a code that was not taken.
pub const WRONG_CODE: &str = "This code is not right, or it was used already. Wait for the next one";

/// Shows what was entered when the session had ended, or sends it.
pub async fn send(visit: &mut Visit<'_>, get: bool, name: &str) -> Result<Response, Fault> {
    let (owner, now) = (visit.signed_in()?.admin.n, visit.zone.now());
    if get {
        let post = visit.desk.pending.find(name, owner, now).ok_or(Fault::NotKept)?;
        let place = section(&post.path).map_or("this server", |(words, _)| words);
        let entered = post.fields.iter().filter(|(name, value)| shown(name, value));
        let template = SendPage {
            name: name.to_owned(),
            place: place.to_owned(),
            entered: Facts {
                facts: entered
                    .map(|(name, value)| Fact::new(label(name), clipped(value, SHOWN)))
                    .chain([Fact::mono("Address", &post.path)])
                    .collect(),
            },
            gate: Gate::new(visit, "Send what you entered?"),
        };
        return html(200, &template);
    }
    let form = visit.form().await?;
    let post = visit.desk.pending.take(name, owner, now).ok_or(Fault::NotKept)?;
    if form.get("send").is_none() {
        let back = section(&post.path).map_or("/admin".to_owned(), |(_, href)| href);
        return Ok(Response::redirect(&back));
    }
    visit.resume(&post);
    Err(Fault::Again)
}

/// Whether a field is something that a person entered.
fn shown(name: &str, value: &str) -> bool {
    !value.is_empty() && !matches!(name, "once" | "back")
}

/// A field's name as a label: `display-name` is `Display name`.
fn label(name: &str) -> String {
    let words = clipped(name, 60).replace(['-', '_', '.'], " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The address of the page that shows a form which waits.
pub fn address(name: &str) -> String {
    format!("/admin/send/{}", encode(name))
}
