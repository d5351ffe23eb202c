//! What is shown instead of a page: sign in first, not found, not allowed, something broke. The only place where a
//! fault becomes HTML; a form that was filled in wrongly is no fault and is answered by its own page.

use askama::Template;

use super::page::{self, Gate, Here, Shell};
use super::parts::Link;
use super::session::{Visit, safe_back};
use crate::http::query::encode;
use crate::http::{Method, Response, forms};
use crate::service::Error;

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum Fault {
    /// The service could not do it.
    Service(Error),
    NotFound,
    /// No route takes the address in this way.
    Nowhere,
    /// The address takes other methods: these.
    Method(&'static str),
    /// Nobody is signed in.
    SignIn,
    /// The form did not come from one of our pages, or the page was too old.
    Foreign,
    /// An invitation that ended, was used, or never was.
    Ended,
    /// A read-only administrator wanted to change something.
    ReadOnly,
    /// The second step must be set up before anything else is changed.
    StepOwed,
    /// What was entered is kept no more.
    NotKept,
    /// To another page: the form was sent before, or a proof is needed first.
    Go(String),
    /// The visit's request was replaced by a form that waited: carry that out.
    Again,
    /// The form could not be read.
    Form(forms::FormError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Service(error)
    }
}

impl From<forms::FormError> for Fault {
    fn from(error: forms::FormError) -> Fault {
        Fault::Form(error)
    }
}

/// An error inside the shell.
#[derive(Template)]
#[template(path = "error.html")]
struct Inside {
    shell: Shell,
    heading: &'static str,
    paragraphs: Vec<String>,
    incident: String,
    link: Option<Link>,
}

/// An error for somebody who is not signed in.
#[derive(Template)]
#[template(path = "notice.html")]
struct Outside {
    gate: Gate,
    heading: &'static str,
    paragraphs: Vec<String>,
    incident: String,
    link: Option<Link>,
}

struct Words {
    status: u16,
    heading: &'static str,
    paragraphs: Vec<String>,
    incident: String,
}

impl Words {
    fn new(status: u16, heading: &'static str, paragraph: impl Into<String>) -> Words {
        Words { status, heading, paragraphs: vec![paragraph.into()], incident: String::new() }
    }
}

/// The answer to a fault.
pub async fn response(visit: &mut Visit<'_>, fault: Fault) -> Response {
    let owed = matches!(fault, Fault::StepOwed);
    match fault {
        Fault::SignIn => return sign_in(visit).await,
        Fault::Go(to) => return Response::redirect(&to),
        _ => {}
    }
    let fields = fields(&fault);
    let words = words(fault);
    let status = words.status;
    let page = match inside(visit, words.heading) {
        Some((shell, home)) => page::render(&Inside {
            link: Some(match owed {
                true => Link::new(format!("{home}you/second-step"), "Set up the second step"),
                false => Link::new(home, "Go to the overview"),
            }),
            shell,
            heading: words.heading,
            paragraphs: words.paragraphs,
            incident: words.incident,
        }),
        None => page::render(&Outside {
            gate: Gate::new(visit, words.heading),
            heading: words.heading,
            paragraphs: words.paragraphs,
            incident: words.incident,
            link: Some(Link::new("/admin", "Go to the start")),
        }),
    };
    match page {
        Ok(page) => {
            fields.iter().fold(Response::html(status, page), |page, (name, value)| page.header(name, value))
        }
        Err(_) => Response::text(500, "Something broke on this server; its log has the cause."),
    }
}

/// The header fields that belong to a fault: what the address takes (RFC 9110 §15.5.6), when to try again.
fn fields(fault: &Fault) -> Vec<(&'static str, &'static str)> {
    match fault {
        Fault::Method(allowed) => vec![("allow", allowed)],
        Fault::Service(Error::Busy | Error::Outdated) => vec![("retry-after", "1")],
        _ => Vec::new(),
    }
}

/// The shell of the team in the path, where somebody is signed in and the team exists.
fn inside(visit: &mut Visit<'_>, title: &str) -> Option<(Shell, String)> {
    let who = visit.who()?.clone();
    let slug = visit.request.path.strip_prefix("/admin/t/").and_then(|rest| rest.split('/').next());
    let teams = &who.teams;
    let team = teams.iter().find(|team| Some(team.slug.as_str()) == slug).or(teams.first())?.clone();
    let home = format!("/admin/t/{}/", team.slug);
    Some((page::shell(visit, &who, &team, title, Here::Nowhere), home))
}

/// To the sign-in page, and from there back to where the visitor wanted to go.
async fn sign_in(visit: &mut Visit<'_>) -> Response {
    let here = visit.here();
    let back = match visit.request.method {
        Method::Get => {
            safe_back(&here).filter(|back| *back != "/admin" && *back != "/admin/").map(str::to_owned)
        }
        // What was entered is kept and asked for again; where it cannot be, the page it came from is near.
        _ => match visit.lost_form().await {
            Some(post) => Some(super::resume::address(&visit.desk.pending.keep(post, visit.zone.now()))),
            None => page::section(&visit.request.path).map(|(_, href)| href),
        },
    };
    let query = back.map(|back| format!("?back={}", encode(&back))).unwrap_or_default();
    Response::redirect(&format!("/admin/sign-in{query}"))
}

fn words(fault: Fault) -> Words {
    match fault {
        Fault::Service(error) => service_words(error),
        Fault::NotFound | Fault::Nowhere => Words::new(
            404,
            "Page not found",
            "There is nothing at this address. What it showed may have been deleted, or the address was cut short.",
        ),
        Fault::Method(_) => Words::new(405, "Not possible here", "This address does not take such a request."),
        Fault::Foreign => Words {
            status: 403,
            heading: "Nothing was changed",
            paragraphs: vec![
                "The form did not come from a current page of this server, so it was not carried out.".into(),
                "Go back, load the page again and send the form once more. This happens when you signed in or out \
                 in another tab since."
                    .into(),
            ],
            incident: String::new(),
        },
        Fault::Ended => Words::new(
            410,
            "This invitation has ended",
            "A link works once and for 24 hours. Ask the administrator who sent it for another.",
        ),
        Fault::ReadOnly => Words::new(
            403,
            "You may look, not change",
            "You are a read-only administrator. Nothing was changed; ask an administrator with full access.",
        ),
        Fault::NotKept => Words::new(
            410,
            "What you entered is not kept any more",
            "It waits for 10 minutes, for the administrator who entered it, and is sent once. Nothing was sent now.",
        ),
        Fault::StepOwed => Words::new(
            403,
            "Set up the second step first",
            "Everyone with full access signs in with a code from an authenticator app here. Nothing was changed; set it \
             up, then repeat the change.",
        ),
        Fault::Form(error) => Words::new(
            error.status(),
            "The form could not be read",
            format!("Nothing was changed: {error}. Go back and send it again."),
        ),
        Fault::SignIn | Fault::Go(_) | Fault::Again => {
            Words::new(403, "Sign in first", "This page is for administrators.")
        }
    }
}

fn service_words(error: Error) -> Words {
    match error {
        Error::NotFound(text) => Words::new(404, "Not found", sentence(&text)),
        Error::Refused(text) => Words::new(422, "Nothing was changed", sentence(&text)),
        Error::Forbidden { detail, .. } => Words::new(403, "Not allowed", sentence(&detail)),
        Error::Unauthenticated { detail, .. } => Words::new(403, "Not allowed", sentence(&detail)),
        Error::Scim(error) | Error::Stricter(_, error) => Words::new(
            if error.status < 500 { 422 } else { 500 },
            "Nothing was changed",
            sentence(&error.detail),
        ),
        Error::Stale { .. } => Words::new(
            409,
            "Changed in between",
            "What you saw was changed since. Nothing was overwritten; look again and repeat the change.",
        ),
        Error::Busy | Error::Outdated => Words::new(
            503,
            "The server is busy",
            "It has more to do than it can take in at this moment. Nothing was changed; try again in a moment.",
        ),
        Error::Full => Words::new(
            507,
            "The disk is full",
            "Nothing was changed. Make room on the disk of the server; it goes on by itself then.",
        ),
        Error::Internal { incident } => Words {
            status: 500,
            heading: "Something broke on this server",
            paragraphs: vec![
                "Nothing was changed. Try again; if it happens again, look into the log.".into(),
            ],
            incident,
        },
    }
}

/// A clause of the service as a sentence. An attribute's name at its beginning stays as it is written: `userName`.
pub fn sentence(clause: &str) -> String {
    let clause = clause.trim();
    let word = clause.split_whitespace().next().unwrap_or_default();
    let name = word.chars().skip(1).any(|letter| letter.is_uppercase() || ".:[".contains(letter));
    let mut chars = clause.chars();
    let mut text: String = match chars.next() {
        Some(_) if name => clause.to_owned(),
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => return String::new(),
    };
    if !text.ends_with(['.', '?', '!']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_large_and_an_attribute_as_it_is_written() {
        assert_eq!(sentence("there is no such token"), "There is no such token.");
        assert_eq!(sentence("userName is required"), "userName is required.");
        assert_eq!(sentence("emails.value is wrong!"), "emails.value is wrong!");
        assert_eq!(sentence(" "), "");
    }

    #[test]
    fn a_clause_becomes_a_sentence() {
        assert_eq!(sentence("there is no team \"x\""), "There is no team \"x\".");
        assert_eq!(sentence("which team?"), "Which team?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn every_fault_has_a_status_of_its_own_kind() {
        assert_eq!(words(Fault::NotFound).status, 404);
        assert_eq!(words(Fault::ReadOnly).status, 403);
        assert_eq!(words(Fault::Foreign).status, 403);
        let broken = words(Fault::Service(Error::Internal { incident: "inc_1".into() }));
        assert_eq!((broken.status, broken.incident.as_str()), (500, "inc_1"));
        assert_eq!(words(Fault::Service(Error::Full)).status, 507);
    }
}
