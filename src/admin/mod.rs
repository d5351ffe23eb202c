//! The admin page: which path and method leads to which page. Each page family has its own file; `page` holds the
//! layout and the headers, `session` the cookie and the proof that a form is ours, `error` what is shown instead.

mod activity;
mod administrator;
mod admins;
mod asked;
mod attention;
mod audited;
mod chart;
mod choices;
mod code;
mod compare;
mod confirm;
mod connect;
mod curl;
mod deleting;
mod disk;
mod download;
mod error;
mod fields;
mod folding;
mod gate;
mod group;
mod groups;
mod health;
mod histogram;
mod history;
mod idp;
mod invite;
mod kept;
mod leaving;
mod live;
mod log;
mod nothing;
mod notices;
mod overview;
mod page;
mod paging;
mod parts;
mod past;
mod pending;
mod reached;
mod refusals;
mod request;
mod resume;
mod rhythm;
mod rotation;
mod said;
mod schemas;
mod search;
mod selftest;
mod session;
mod setup;
mod spark;
mod strayed;
mod support;
mod team;
mod token;
mod tokens;
mod trace;
mod user;
mod users;
mod when;
mod who;
mod you;

use std::sync::Arc;

use crate::base::Timestamp;
use crate::http::assets::Assets;
use crate::http::{Handler, Method, Request, Response};
use crate::service::Service;
use crate::service::sessions::Sessions;

use error::Fault;
use page::Page;
use session::Visit;

/// How the admin page is reached.
#[derive(Clone)]
pub struct Options {
    /// The page is served over TLS: cookies are `Secure` and have the `__Host-` prefix.
    pub secure: bool,
    /// The address for providers when no public URL is set, such as `https://localhost:8443`.
    pub local_url: String,
    /// How this process reaches itself, such as `https://127.0.0.1:8443`.
    pub own_url: String,
    /// The certificate is one that scimd made itself, which no provider trusts.
    pub self_signed: bool,
    /// When the certificate in use ends; `None` without TLS.
    pub certificate_ends: Option<CertificateEnds>,
    /// What scimd was started with, without secrets, for the support file.
    pub settings: Vec<(&'static str, String)>,
}

/// Asks for the end of the certificate that is in use at this moment.
pub type CertificateEnds = Arc<dyn Fn() -> Option<Timestamp> + Send + Sync>;

/// Where the embedded files are.
const STATIC: &str = "/admin/static/";

/// What went wrong before or beside a page, in plain words.
pub fn plain(status: u16, words: &str) -> Response {
    page::dressed(Response::text(status, words.to_owned()))
}

/// Everything that the pages share.
struct Desk {
    service: Service,
    sessions: Sessions,
    kept: kept::Kept,
    pending: pending::Pending,
    assets: Assets,
    options: Options,
    started: Timestamp,
    bench: Arc<selftest::Bench>,
    comparing: tokio::sync::Mutex<()>,
    /// The first entry of the audit that did not fit, when somebody looked.
    audit_wrong: std::sync::OnceLock<i64>,
}

/// The handler of everything below `/admin`.
pub fn handler(service: Service, options: Options) -> Handler {
    let desk = Arc::new(Desk {
        sessions: Sessions::new(service.clone()),
        started: service.clock().now(),
        service,
        kept: kept::Kept::default(),
        pending: pending::Pending::default(),
        assets: Assets::new(
            STATIC,
            &[
                ("style.css", include_bytes!("../../static/style.css")),
                ("app.js", include_bytes!("../../static/app.js")),
                ("icon.svg", include_bytes!("../../static/icon.svg")),
            ],
        ),
        options,
        bench: Arc::default(),
        comparing: tokio::sync::Mutex::default(),
        audit_wrong: std::sync::OnceLock::new(),
    });
    Arc::new(move |request| {
        let desk = desk.clone();
        Box::pin(async move { answer(&desk, request).await })
    })
}

async fn answer(desk: &Desk, request: Request) -> Response {
    if let Some(response) = desk.assets.answer(&request) {
        return response;
    }
    // A style sheet of another version is not there; leading to a page would be taken for one.
    if request.path.starts_with(STATIC) {
        return plain(404, "There is no such file.\n");
    }
    let mut visit = Visit::new(desk, request);
    let mut result = route(&mut visit).await;
    if matches!(result, Err(Fault::Again)) {
        result = route(&mut visit).await;
    }
    let response = match result {
        Ok(response) => response,
        Err(fault) => error::response(&mut visit, fault).await,
    };
    page::dressed(visit.leave(response))
}

async fn route(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    let segments = visit.request.segments().map_err(|_| Fault::NotFound)?;
    let path: Vec<&str> = segments.iter().map(String::as_str).skip(1).collect();
    let path = match path.as_slice() {
        [rest @ .., ""] => rest,
        all => all,
    };
    let get = match visit.request.method {
        Method::Get => true,
        Method::Post => false,
        _ => return Err(Fault::Method(strayed::allowed(path))),
    };
    match (get, path) {
        (false, ["theme"]) => return gate::theme(visit).await,
        (false, ["zone"]) => return gate::zone(visit).await,
        (true, ["zone"]) => return gate::zone_page(visit),
        (false, ["keys"]) => return gate::keys(visit).await,
        (_, ["setup", step]) => return setup::step(visit, get, step).await,
        _ => {}
    }
    // Who is signed in is an administrator.
    if visit.who().is_none() && visit.desk.service.needs_setup()? {
        return Ok(Response::redirect("/admin/setup/code"));
    }
    match (get, path) {
        (true, ["setup"]) => Ok(Response::redirect("/admin/setup/code")),
        (true, ["sign-in"]) => gate::sign_in_page(visit),
        (false, ["sign-in"]) => gate::sign_in(visit).await,
        (true, ["sign-in", "code"]) => gate::code_page(visit),
        (false, ["sign-in", "code"]) => gate::code(visit).await,
        (false, ["stay"]) => gate::stay(visit).await,
        (_, ["send", name]) => resume::send(visit, get, name).await,
        (false, ["sign-out"]) => gate::sign_out(visit).await,
        (_, ["join", text]) => invite::join(visit, get, text).await,
        (true, []) => home(visit),
        (_, ["t", slug, rest @ ..]) => {
            let whole = visit.request.path.clone();
            let page = Page::open(visit, slug)?;
            match team_route(page, get, rest).await {
                Err(Fault::Nowhere) => Err(strayed::fault(get, &whole, path)),
                result => result,
            }
        }
        _ => Err(strayed::fault(get, &visit.request.path, path)),
    }
}

/// `/admin`: the first team's overview.
fn home(visit: &mut Visit<'_>) -> Result<Response, Fault> {
    match visit.signed_in()?.teams.first() {
        Some(team) => Ok(Response::redirect(&format!("/admin/t/{}/", team.slug))),
        None => Err(Fault::NotFound),
    }
}

async fn team_route(page: Page<'_, '_>, get: bool, path: &[&str]) -> Result<Response, Fault> {
    match (get, path) {
        (true, []) => overview::overview(page).await,
        (true, ["users"]) => users::list(page).await,
        (true, ["groups", id, file]) => match download::named(file) {
            Some(("members", format)) => download::members(page, id, format).await,
            _ => Err(Fault::NotFound),
        },
        (true, [file]) if download::named(file).is_some() => match download::named(file) {
            Some((list, format)) => download::list(page, list, format).await,
            None => Err(Fault::NotFound),
        },
        (true, ["users", id]) => user::user(page, id),
        (true, ["users", id, "delete"]) => deleting::ask(page, id),
        (false, ["users", id, "delete"]) => deleting::delete(page, id).await,
        (true, ["groups"]) => groups::list(page).await,
        (true, ["groups", id]) => group::group(page, id).await,
        (true, ["compare"]) => compare::form(page),
        (false, ["compare"]) => compare::compare(page).await,
        (true, ["connect"]) => connect::connect(page).await,
        (false, ["connect"]) => connect::choose(page).await,
        (true, ["selftest"]) => selftest::show(page),
        (false, ["selftest"]) => selftest::run(page).await,
        (true, ["selftest.txt"]) => selftest::text(page),
        (true, ["fragment", name]) => live::fragment(page, name).await,
        (true, ["fragment", name, id]) => live::whole(page, name, id).await,
        (true, ["events"]) => live::events(page),
        (true, ["activity"]) => log::list(page).await,
        (true, ["activity", "administrators"]) => audited::list(page).await,
        (true, ["activity", file]) if download::named(file).is_some() => match download::named(file) {
            Some((list @ log::ADMINISTRATORS, format)) => download::list(page, list, format).await,
            _ => Err(Fault::NotFound),
        },
        (true, ["activity", id]) => request::request(page, id),
        (true, ["search"]) => search::search(page).await,
        (true, ["tokens"]) => tokens::list(page).await,
        (true, ["tokens", "new"]) => token::new(page),
        (false, ["tokens"]) => token::create(page).await,
        (true, ["tokens", n, "created"]) => token::created(page, n),
        (false, ["tokens", n, "copied"]) => token::copied(page, n).await,
        (true, ["tokens", n, "rotate"]) => rotation::rotate_page(page, n),
        (false, ["tokens", n, "rotate"]) => rotation::rotate(page, n).await,
        (true, ["tokens", n, "revoke"]) => token::revoke_page(page, n),
        (false, ["tokens", n, "revoke"]) => token::revoke(page, n).await,
        (true, ["team"]) => team::settings(page),
        (false, ["team"]) => team::save(page).await,
        (false, ["team", "add"]) => team::add(page).await,
        (true, ["team", "remove"]) => team::remove_page(page),
        (false, ["team", "remove"]) => team::remove(page).await,
        (false, ["team", "restore"]) => team::restore(page).await,
        (true, ["schemas"]) => schemas::list(page).await,
        (true, ["schemas", "add"]) => schemas::add_page(page).await,
        (false, ["schemas", "add"]) => schemas::add(page).await,
        (true, ["schemas", "remove"]) => schemas::remove_page(page).await,
        (false, ["schemas", "remove"]) => schemas::remove(page).await,
        (true, ["admins"]) => admins::list(page),
        (false, ["admins", "end-session"]) => admins::end_session(page).await,
        (true, ["admins", "invite"]) => invite::form(page),
        (false, ["admins", "invite"]) => invite::invite(page).await,
        (true, ["admins", "invited"]) => invite::invited(page),
        (false, ["admins", "withdraw"]) => invite::withdraw(page).await,
        (false, ["admins", "second-step"]) => admins::require(page).await,
        (true, ["you"]) => you::you(page),
        (true, ["you", "password"]) => you::password_page(page),
        (false, ["you", "password"]) => you::password(page).await,
        (true, ["you", "second-step"]) => you::set_up_page(page),
        (false, ["you", "second-step"]) => you::set_up(page).await,
        (true, ["you", "second-step", "off"]) => you::off_page(page),
        (false, ["you", "second-step", "off"]) => you::off(page).await,
        (true, ["you", "codes"]) => you::codes_page(page),
        (false, ["you", "codes"]) => you::codes(page).await,
        (true, ["prove"]) => resume::prove_page(page),
        (false, ["prove"]) => resume::prove(page).await,
        (true, ["admins", n]) if n.bytes().all(|b| b.is_ascii_digit()) => administrator::show(page, n),
        (false, ["admins", n, "access"]) => administrator::access(page, n).await,
        (false, ["admins", n, "end-session"]) => administrator::end_session(page, n).await,
        (false, ["admins", n, "end-sessions"]) => administrator::end_sessions(page, n).await,
        (true, ["admins", n, "remove"]) => administrator::remove_page(page, n),
        (false, ["admins", n, "remove"]) => administrator::remove(page, n).await,
        (true, ["health-status"]) => health::health(page).await,
        (true, ["health-status", "support"]) => support::show(page).await,
        (true, ["health-status", "support.json"]) => support::file(page).await,
        (true, ["keys"]) => gate::shortcuts(page),
        _ => Err(Fault::Nowhere),
    }
}
