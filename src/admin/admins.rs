//! Administrators, one's own open sessions, and the rules of signing in.

use askama::Template;
use askama::filters::HtmlSafe;

use super::error::Fault;
use super::page::{Here, Page, Shell, html};
use super::parts::{Chip, Fact, Facts, Icon, Mark, Notice, When, clipped};
use crate::http::Response;
use crate::service::Error;
use crate::service::sessions::{IDLE, LONGEST};
use crate::store::{Admin, Session};

/// What was done just before, as the address says, and its words.
const DONE: [(&str, &str); 5] = [
    ("rule", "The rule was changed"),
    ("ended", "The session was ended"),
    ("removed", "The administrator was removed"),
    ("withdrawn", "The invitation was withdrawn"),
    ("saved", "Saved"),
];

struct AdminLine {
    n: i64,
    name: String,
    email: String,
    access: &'static str,
    second: Chip,
    /// The last sign-in, and from where.
    seen: Option<When>,
    from: String,
}

struct InviteLine {
    mark: Mark,
    email: String,
    sub: String,
    at: String,
}

/// Open sessions, each with a button that ends it.
#[derive(Template)]
#[template(path = "parts/sessions.html")]
pub struct Sessions {
    /// Where the form that ends one is sent.
    action: String,
    csrf: String,
    sessions: Vec<SessionLine>,
}

impl HtmlSafe for Sessions {}

struct SessionLine {
    kind: &'static str,
    mark: Mark,
    title: String,
    current: bool,
    id: String,
    sub: String,
}

impl Sessions {
    /// Those of one administrator; that of this browser is marked and not ended here.
    pub fn of(page: &Page<'_, '_>, sessions: Vec<Session>, action: String, csrf: String) -> Sessions {
        let (zone, mine) = (&page.visit.zone, page.who.session.hash);
        let line = |session: Session| {
            let current = session.hash == mine;
            SessionLine {
                kind: if current { "ok" } else { "todo" },
                mark: Mark { kind: if current { "ok" } else { "idle" } },
                title: browser(&session.user_agent),
                current,
                id: hex(&session.hash[..8]),
                sub: format!(
                    "{}, signed in {}, ends at {} {} if idle",
                    session.address,
                    zone.relative(session.created),
                    zone.minute(session.seen.plus(IDLE).min(session.created.plus(LONGEST))),
                    zone.name
                ),
            }
        };
        Sessions { action, csrf, sessions: sessions.into_iter().map(line).collect() }
    }
}

#[derive(Template)]
#[template(path = "admins.html")]
struct AdminsPage {
    shell: Shell,
    notices: Vec<Notice>,
    may_change: bool,
    plus: Icon,
    invites: Vec<InviteLine>,
    rows: Vec<AdminLine>,
    sessions: Sessions,
    required: bool,
    /// Whether this administrator may ask it of others: only who has it.
    has_second: bool,
    rules: Facts,
}

/// The page.
pub fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let zone = page.visit.zone.clone();
    let desk = page.visit.desk;
    let mut rows = Vec::new();
    let (second, required) = (desk.service.second_steps()?, desk.service.second_step_required()?);
    for admin in desk.service.admins()? {
        rows.push(AdminLine {
            n: admin.n,
            name: if admin.name.is_empty() { admin.email.clone() } else { admin.name },
            email: admin.email,
            access: if admin.read_only { "Read only" } else { "Full" },
            second: match second.contains(&admin.n) {
                true => Chip::new("ok", "Authenticator app"),
                false => Chip::new(if required && !admin.read_only { "warn" } else { "idle" }, "None yet"),
            },
            seen: admin.signed_in.as_ref().map(|(at, _)| zone.ago(*at)),
            from: admin.signed_in.map(|(_, from)| from).unwrap_or_default(),
        });
    }
    let invites = desk.service.invites()?.into_iter().map(|invite| InviteLine {
        mark: Mark { kind: "idle" },
        sub: format!(
            "{}, invited by {}",
            if invite.read_only { "Read only" } else { "Full access" },
            clipped(&invite.by, 80)
        ),
        at: format!("The link ends {}", zone.relative(invite.expires())),
        email: invite.email,
    });
    let asked = &page.visit.request.query;
    let notices = DONE.iter().filter(|(name, _)| asked.get(name).is_some()).take(1);
    let notices = notices.map(|(_, title)| Notice {
        kind: "ok",
        title: (*title).into(),
        alert: true,
        ..Notice::default()
    });
    let notices = notices.collect();
    let own = desk.sessions.of(page.who.admin.n)?;
    let shell = page.shell("Admins and sign-in", Here::Admins);
    let end = format!("{}admins/end-session", page.base());
    let template = AdminsPage {
        notices,
        may_change: page.may_change(),
        plus: Icon { name: "plus" },
        invites: invites.collect(),
        rows,
        sessions: Sessions::of(&page, own, end, shell.csrf.clone()),
        required,
        has_second: page.who.standing.on,
        rules: Facts {
            facts: vec![
                Fact::new(
                    "Two-step sign-in",
                    if required {
                        "Required for everyone with full access"
                    } else {
                        "Up to each administrator"
                    },
                ),
                Fact::new("Session ends", "After 4 h without use, 12 h at most"),
                Fact::new("Wrong passwords", "Slowed after 5, never locked for good"),
                Fact::new("Passwords", "At least 12 characters"),
                Fact::new("Sensitive changes", "Ask for the password or a code again after 10 minutes"),
                Fact {
                    code: "scimd admin reset-password, reset-second-step".into(),
                    ..Fact::new("Locked out?", "On the server:")
                },
            ],
        },
        shell,
    };
    html(200, &template)
}

/// Asks everyone with full access for the second step, or no longer.
pub async fn require(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.sensitive_form().await?;
    let required = form.get("required") == Some("full");
    if required && !page.who.standing.on {
        let words = "set your own second step up first; then ask it of others";
        return Err(Fault::Service(Error::Refused(words.into())));
    }
    page.visit.desk.service.require_second_step(&page.who.actor(), required).await?;
    Ok(Response::redirect(&format!("{}admins?rule=1", page.base())))
}

/// Ends one of one's own sessions. The form names it by the beginning of its hash, which opens nothing. A read-only
/// administrator may do this: it is about themselves.
pub async fn end_session(page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.visit.form().await?;
    let id = form.get("session").unwrap_or_default();
    let own = page.who.admin.clone();
    end_one(&page, &own, id).await?;
    Ok(Response::redirect(&format!("{}admins?ended=1", page.base())))
}

/// Ends the session of an administrator that a form names by the beginning of its hash.
pub async fn end_one(page: &Page<'_, '_>, admin: &Admin, id: &str) -> Result<(), Fault> {
    let sessions = page.visit.desk.sessions.of(admin.n)?;
    if let Some(session) = sessions.iter().find(|session| hex(&session.hash[..8]) == id) {
        page.visit.desk.sessions.end(&page.who.actor(), admin, session.hash).await?;
    }
    Ok(())
}

/// Browser and system in a few words, from what the browser says of itself.
fn browser(agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let program = find(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(program), None) => program.to_owned(),
        _ if agent.is_empty() => "Unknown browser".to_owned(),
        _ => clipped(agent, 60),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_in_a_few_words() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(browser(firefox), "Firefox on Linux");
        assert_eq!(browser(""), "Unknown browser");
        assert_eq!(browser("<script>"), "<script>");
    }
}
