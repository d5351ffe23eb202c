//! The one place for layout and headers: the shell around every page of a team, the gate around the pages before
//! sign-in, and the header fields of every answer.

use askama::Template;

use super::error::Fault;
use super::notices::{Stay, owed};
use super::parts::{Icon, Link, Notice, initials};
use super::pending::Post;
use super::session::Visit;
use crate::http::upload::Upload;
use crate::http::{Query, Response};
use crate::service::Error;
use crate::service::sessions::SignedIn;
use crate::store::Team;

/// What a browser may do with our pages: load our own style, script and images, send forms to us, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The header fields of every page; a static file has its own.
pub fn dressed(response: Response) -> Response {
    response
        .header("content-security-policy", POLICY)
        .header("cache-control", "no-store")
        .header("referrer-policy", "no-referrer")
        .header("x-content-type-options", "nosniff")
        .header("x-frame-options", "DENY")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin")
}

/// Fills a template.
pub fn render(template: &impl Template) -> Result<String, Fault> {
    template.render().map_err(|error| Fault::Service(Error::internal(error)))
}

/// A page.
pub fn html(status: u16, template: &impl Template) -> Result<Response, Fault> {
    Ok(Response::html(status, render(template)?))
}

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Here {
    Overview,
    Users,
    Groups,
    Compare,
    Connect,
    Activity,
    Tokens,
    Team,
    Admins,
    Health,
    Nowhere,
}

/// A part of the navigation.
#[derive(Debug)]
pub struct Part {
    pub title: &'static str,
    pub items: Vec<Item>,
}

/// An entry of the navigation.
#[derive(Debug)]
pub struct Item {
    pub href: String,
    pub text: &'static str,
    pub icon: Icon,
    pub current: bool,
}

/// A page of the navigation: which, its path, its words and its glyph.
type Place = (Here, &'static str, &'static str, &'static str);

/// The navigation: what exists, and nothing else.
const NAVIGATION: [(&str, &[Place]); 4] = [
    ("", &[(Here::Overview, "", "Overview", "overview")]),
    (
        "Directory",
        &[
            (Here::Users, "users", "Users", "users"),
            (Here::Groups, "groups", "Groups", "groups"),
            (Here::Compare, "compare", "Compare", "compare"),
        ],
    ),
    (
        "Provisioning",
        &[
            (Here::Connect, "connect", "Connect", "connect"),
            (Here::Activity, "activity", "Activity", "activity"),
            (Here::Tokens, "tokens", "Tokens", "tokens"),
        ],
    ),
    (
        "This server",
        &[
            (Here::Team, "team", "Team settings", "team"),
            (Here::Admins, "admins", "Admins and sign-in", "admins"),
            (Here::Health, "health-status", "System health", "health"),
        ],
    ),
];

/// Everything around a page of a team.
#[derive(Debug)]
pub struct Shell {
    pub title: String,
    pub theme: &'static str,
    pub css: String,
    pub js: String,
    pub icon: String,
    /// `/admin/t/acme/`
    pub base: String,
    /// Where live updates come from; empty where there are none.
    pub events: String,
    pub team: String,
    pub place: String,
    pub teams: Vec<Link>,
    pub nav: Vec<Part>,
    pub down: Icon,
    pub bars: Icon,
    pub glass: Icon,
    pub version: &'static str,
    pub host: String,
    /// Whether the checks of this server pass, in a few words.
    pub checks: String,
    pub find: String,
    pub zone: String,
    pub local: bool,
    pub who: String,
    pub email: String,
    pub initials: String,
    pub read_only: bool,
    pub csrf: String,
    pub here: String,
    /// Single-key shortcuts are switched off.
    pub keys_off: bool,
    /// The second step must be set up before anything is changed.
    pub owed: Option<Notice>,
    pub stay: Stay,
}

/// Everything around a page before sign-in.
#[derive(Debug)]
pub struct Gate {
    pub title: String,
    pub theme: &'static str,
    pub css: String,
    pub js: String,
    pub icon: String,
    pub version: &'static str,
    pub host: String,
    pub csrf: String,
}

impl Gate {
    /// The gate around a page.
    pub fn new(visit: &mut Visit<'_>, title: &str) -> Gate {
        let assets = &visit.desk.assets;
        Gate {
            title: format!("{title} – scimd"),
            theme: visit.theme,
            css: assets.url("style.css").to_owned(),
            js: assets.url("app.js").to_owned(),
            icon: assets.url("icon.svg").to_owned(),
            version: env!("CARGO_PKG_VERSION"),
            host: host(visit),
            csrf: visit.csrf(),
        }
    }
}

/// The name of this server as people know it: from the public URL, else as the browser called it.
fn host(visit: &Visit<'_>) -> String {
    match &visit.desk.service.options().public_url {
        Some(url) => url.split("://").last().unwrap_or(url).trim_end_matches('/').to_owned(),
        None => visit.request.headers.get("host").unwrap_or("localhost").chars().take(255).collect(),
    }
}

/// The address that goes into a provider's Base URL field.
pub fn base_url(visit: &Visit<'_>) -> String {
    let options = &visit.desk.options;
    let url = visit.desk.service.options().public_url.as_deref().unwrap_or(&options.local_url);
    format!("{}/scim", url.trim_end_matches('/'))
}

/// A request for a page of a team by a signed-in administrator.
pub struct Page<'v, 'd> {
    pub visit: &'v mut Visit<'d>,
    pub who: SignedIn,
    pub team: Team,
}

impl<'v, 'd> Page<'v, 'd> {
    /// Checks the session and finds the team of the path.
    pub fn open(visit: &'v mut Visit<'d>, slug: &str) -> Result<Page<'v, 'd>, Fault> {
        let who = visit.signed_in()?.clone();
        let team = who.teams.iter().find(|team| team.slug == slug).cloned().ok_or(Fault::NotFound)?;
        Ok(Page { visit, who, team })
    }

    /// `/admin/t/acme/`
    pub fn base(&self) -> String {
        format!("/admin/t/{}/", self.team.slug)
    }

    /// Whether the administrator may change things.
    pub fn may_change(&self) -> bool {
        !self.who.admin.read_only
    }

    /// Reads the form of a change; a read-only administrator is refused, and one who owes the second step.
    pub async fn form(&mut self) -> Result<Query, Fault> {
        let form = self.visit.form().await?;
        self.allowed()?;
        Ok(form)
    }

    /// The same for a form that may carry a file; nobody who may not change things gets it read.
    pub async fn upload(&mut self, limit: usize) -> Result<Upload, Fault> {
        self.allowed()?;
        self.visit.upload(limit).await
    }

    fn allowed(&self) -> Result<(), Fault> {
        if !self.may_change() {
            return Err(Fault::ReadOnly);
        }
        if self.who.standing.owed {
            return Err(Fault::StepOwed);
        }
        Ok(())
    }

    /// Reads the form of a sensitive change (token, secret, administrator, removing a team). When the last proof is
    /// old, the form waits until the administrator has proved again who they are.
    pub async fn sensitive_form(&mut self) -> Result<Query, Fault> {
        let form = self.form().await?;
        self.proven(&form)?;
        Ok(form)
    }

    /// Lets a form pass when a password or code was given lately; otherwise it waits and the proof is asked for.
    pub fn proven(&self, form: &Query) -> Result<(), Fault> {
        let now = self.visit.zone.now();
        if self.who.proved_lately(now) {
            return Ok(());
        }
        let query = match Post::of(self.who.admin.n, &self.visit.request.path, form) {
            Some(post) => format!("form={}", self.visit.desk.pending.keep(post, now)),
            None => {
                section(&self.visit.request.path).map(|(_, href)| format!("back={href}")).unwrap_or_default()
            }
        };
        Err(Fault::Go(format!("{}prove?{query}", self.base())))
    }

    /// Lets a page pass when a password or code was given lately; otherwise the proof is asked for and the page follows.
    pub fn proven_page(&self) -> Result<(), Fault> {
        if self.who.proved_lately(self.visit.zone.now()) {
            return Ok(());
        }
        let back = crate::http::query::encode(&self.visit.request.path);
        Err(Fault::Go(format!("{}prove?back={back}", self.base())))
    }

    /// The shell of a page of this team.
    pub fn shell(&mut self, title: &str, here: Here) -> Shell {
        shell(self.visit, &self.who, &self.team, title, here)
    }

    /// Where a list, or the page of one that stands in it, hears that it has to look again; as the address asks.
    pub fn events(&self, list: &str, id: &str) -> String {
        format!("{}events{}", self.base(), with(&self.visit.request.query, &[("page", list), ("id", id)]))
    }
}

/// The shell around a page.
pub fn shell(visit: &mut Visit<'_>, who: &SignedIn, team: &Team, title: &str, here: Here) -> Shell {
    let (base, teams) = (format!("/admin/t/{}/", team.slug), &who.teams);
    let place = teams.iter().position(|one| one.id == team.id).unwrap_or(0) + 1;
    let mut others: Vec<Link> = teams
        .iter()
        .filter(|one| one.id != team.id)
        .take(20)
        .map(|one| Link::new(format!("/admin/t/{}/", one.slug), one.name.as_str()))
        .collect();
    others.push(Link::new(format!("{base}team"), "All teams"));
    let provider = super::idp::chosen(team.provider.as_deref());
    let assets = &visit.desk.assets;
    let name = if who.admin.name.is_empty() { &who.admin.email } else { &who.admin.name };
    Shell {
        title: format!("{title} – {} – scimd", team.name),
        theme: visit.theme,
        css: assets.url("style.css").to_owned(),
        js: assets.url("app.js").to_owned(),
        icon: assets.url("icon.svg").to_owned(),
        events: String::new(),
        team: team.name.clone(),
        place: format!("Team {place} of {}", teams.len()),
        teams: others,
        nav: navigation(&base, here, provider.connect),
        down: Icon { name: "down" },
        bars: Icon { name: "bars" },
        glass: Icon { name: "glass" },
        version: env!("CARGO_PKG_VERSION"),
        host: host(visit),
        checks: super::health::in_a_word(visit.desk, &visit.zone),
        find: String::new(),
        zone: visit.zone.name.clone(),
        local: visit.zone.is_local(),
        who: name.clone(),
        email: who.admin.email.clone(),
        initials: initials(name),
        read_only: who.admin.read_only,
        keys_off: visit.keys_off,
        owed: owed(visit, who, &base),
        stay: Stay::new(visit, who),
        here: visit.here(),
        csrf: visit.csrf(),
        base,
    }
}

fn navigation(base: &str, here: Here, connect: &'static str) -> Vec<Part> {
    NAVIGATION
        .iter()
        .map(|(title, items)| Part {
            title,
            items: items
                .iter()
                .map(|&(place, path, text, icon)| Item {
                    href: format!("{base}{path}"),
                    text: if place == Here::Connect { connect } else { text },
                    icon: Icon { name: icon },
                    current: place == here,
                })
                .collect(),
        })
        .collect()
}

/// The part of the navigation that a path lies in: its words and the address of its list.
pub fn section(path: &str) -> Option<(&'static str, String)> {
    let mut parts = path.strip_prefix("/admin/t/")?.split('/');
    let (slug, part) = (parts.next()?, parts.next().unwrap_or_default());
    let plain = !slug.is_empty() && slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let places = NAVIGATION.iter().flat_map(|(_, places)| places.iter());
    let (_, path, text, _) = places.filter(|_| plain).find(|(_, path, _, _)| *path == part)?;
    Some((text, format!("/admin/t/{slug}/{path}")))
}

/// A query string with some pairs replaced; empty values are left out.
pub fn with(query: &Query, changes: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .pairs()
        .iter()
        .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
        .cloned()
        .collect();
    pairs.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let text: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            format!("{}={}", crate::http::query::encode(name), crate::http::query::encode(value))
        })
        .collect();
    if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_keeps_what_is_not_replaced() {
        let query = Query::parse("q=a%26b&status=active&after=9");
        assert_eq!(
            with(&query, &[("after", ""), ("sort", "-changed")]),
            "?q=a%26b&status=active&sort=-changed"
        );
        assert_eq!(with(&Query::parse(""), &[("after", "")]), "");
    }

    #[test]
    fn the_policy_has_no_room_for_inline_code() {
        let response = dressed(Response::html(200, ""));
        let policy = response.headers.get("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"));
        assert_eq!(response.headers.get("cache-control"), Some("no-store"));
    }

    #[test]
    fn a_path_lies_in_one_part_of_the_navigation() {
        let words = |path: &str| section(path).map(|(words, href)| format!("{words} {href}"));
        assert_eq!(words("/admin/t/acme/users/7").as_deref(), Some("Users /admin/t/acme/users"));
        assert_eq!(words("/admin/t/acme/").as_deref(), Some("Overview /admin/t/acme/"));
        for nowhere in ["/admin/sign-in", "/admin/t/acme/nothing", "/admin/t/%2e%2e/users", "/admin/t//users"]
        {
            assert_eq!(words(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn exactly_one_entry_is_current() {
        let current = |here| {
            navigation("/admin/t/a/", here, "Connect Okta")
                .iter()
                .flat_map(|part| &part.items)
                .filter(|i| i.current)
                .count()
        };
        assert_eq!(current(Here::Tokens), 1);
        assert_eq!(current(Here::Nowhere), 0);
    }
}
