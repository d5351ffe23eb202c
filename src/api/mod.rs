//! The SCIM face: what stands under `/scim` and `/scim/v2`. Here is the route table and the life of a request; what each
//! route does lies in the files beside it.

mod bulk;
mod discovery;
mod error;
mod reading;
mod resources;
mod search;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::TeamId;
use crate::http::{Handler, Method, Request, Response};
use crate::scim::{Kind, Leniency, Mode, ScimError, ScimType};
use crate::service::provider::{self, Sign};
use crate::service::redact;
use crate::service::{Asked, Caller, Cause, Error, Service};

/// Characters of a query that are kept.
const LONGEST_QUERY: usize = 2048;
/// A shorter part of an Authorization header is its scheme, and no token.
const SHORTEST_TOKEN: usize = 8;

/// What the face needs to know beside the service.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { body_timeout: Duration::from_secs(30) }
    }
}

/// The face as one function.
pub fn handler(service: Service, options: Options) -> Handler {
    let face = Arc::new(Face { service, options });
    Arc::new(move |request| {
        let face = face.clone();
        let (store, reads) = (face.service.store().clone(), request.method == Method::Get);
        let answer = Box::pin(async move { face.answer(request).await });
        // The token and what a GET asks for are read in one snapshot.
        if reads { Box::pin(store.in_one_snapshot(answer)) } else { answer }
    })
}

struct Face {
    service: Service,
    options: Options,
}

/// A request on its way: what was read of it so far.
struct Exchange {
    request: Request,
    asked: Asked,
    /// The address before `/Users`, with the prefix that the request used.
    base: String,
    /// What the body tells of the provider that sent it.
    sign: Option<Sign>,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    /// `/Users`, `/Groups`
    List(Kind),
    /// `/Users/{id}`, `/Groups/{id}`
    One(Kind, String),
    /// The server root: both kinds (RFC 7644 §3.4.2.1).
    Root,
    /// `/.search`, `/Users/.search` (RFC 7644 §3.4.3)
    Search(Vec<Kind>),
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    Me,
    Bulk,
    /// Another version of the protocol than 2 (RFC 7644 §3.13).
    OtherVersion(String),
    Unknown,
}

impl Route {
    /// The route of a path.
    fn at(path: &reading::Path) -> Route {
        if path.inside { Route::of(&path.segments()) } else { Route::Unknown }
    }

    /// The route table (RFC 7644 §3.2).
    fn of(segments: &[&str]) -> Route {
        match segments {
            [] => Route::Root,
            ["Users"] => Route::List(Kind::User),
            ["Groups"] => Route::List(Kind::Group),
            [".search"] => Route::Search(vec![Kind::User, Kind::Group]),
            ["Users", ".search"] => Route::Search(vec![Kind::User]),
            ["Groups", ".search"] => Route::Search(vec![Kind::Group]),
            ["Users", id] => Route::One(Kind::User, without_suffix(id)),
            ["Groups", id] => Route::One(Kind::Group, without_suffix(id)),
            ["ServiceProviderConfig"] => Route::ServiceProviderConfig,
            ["ResourceTypes"] => Route::ResourceTypes(None),
            ["ResourceTypes", id] => Route::ResourceTypes(Some((*id).to_owned())),
            ["Schemas"] => Route::Schemas(None),
            ["Schemas", id] => Route::Schemas(Some((*id).to_owned())),
            ["Me"] => Route::Me,
            ["Bulk"] => Route::Bulk,
            [version, ..] if is_version(version) => Route::OtherVersion((*version).to_owned()),
            _ => Route::Unknown,
        }
    }

    /// The methods that the route takes, as `Allow` lists them.
    fn allow(&self) -> &'static str {
        match self {
            Route::List(_) => "GET, HEAD, POST",
            Route::One(..) | Route::Me => "GET, HEAD, PUT, PATCH, DELETE",
            Route::Search(_) | Route::Bulk => "POST",
            _ => "GET, HEAD",
        }
    }

    fn is_discovery(&self) -> bool {
        matches!(self, Route::ServiceProviderConfig | Route::ResourceTypes(_) | Route::Schemas(_))
    }
}

/// An id without the suffix that asks for SCIM's format, which is the format of every answer (RFC 7644 §3.8).
fn without_suffix(id: &str) -> String {
    id.strip_suffix(".scim").unwrap_or(id).to_owned()
}

impl Face {
    async fn answer(&self, request: Request) -> Response {
        let mut exchange = self.begin(request);
        let media = reading::answer_type(&exchange.request);
        let authorization = reading::authorization(&exchange.request).map(str::to_owned);
        let path = reading::path(&exchange.request);
        let route = path.as_ref().map_or(Route::Unknown, Route::at);
        if authorization.is_none() && route.is_discovery() && self.service.options().open_discovery {
            let answer = discovery::answer(self, &exchange, None, &route);
            return self.close(&exchange, None, answer, media);
        }
        let caller = match self.service.authenticate(authorization.as_deref()) {
            Ok(caller) => caller,
            Err(refusal) => {
                let token = refusal.token;
                if let Some((team, _)) = token
                    && let Err(error) = self.hide_untold(&mut exchange, team)
                {
                    return self.close(&exchange, None, Err(error), media);
                }
                return self.close(&exchange, token, Err(refusal.error), media);
            }
        };
        if let Err(error) = self.hide_untold(&mut exchange, caller.team) {
            return self.close(&exchange, Some((caller.team, caller.token)), Err(error), media);
        }
        self.service.token_used(&caller, &exchange.asked.address, &exchange.asked.user_agent);
        let answer = match path {
            Ok(path) if (path.doubled || path.renamed) && caller.mode == Mode::Strict => {
                Err(not_served(&exchange))
            }
            Ok(path) => {
                if path.doubled {
                    exchange.asked.notes.used(Leniency::DoubleSlash);
                }
                if path.renamed {
                    exchange.asked.notes.used(Leniency::EndpointName);
                }
                self.dispatch(&mut exchange, &caller, &route).await
            }
            Err(error) => Err(error),
        };
        let sign = provider::of_request(&exchange.asked.user_agent, &exchange.asked.query).or(exchange.sign);
        self.service.provider_seen(&caller, sign);
        let answer = self.close(&exchange, Some((caller.team, caller.token)), answer, media);
        // RFC 7644 §3.11: every answer of `/Me` says where its resource is, refusals too.
        match (&route, &caller.user) {
            (Route::Me, Some(user)) if !answer.headers.has("location") => {
                answer.header("location", &format!("{}/{}/{user}", exchange.base, Kind::User.endpoint()))
            }
            _ => answer,
        }
    }

    /// Takes out of the query what the team's own schemas never tell, now that the team is known.
    fn hide_untold(&self, exchange: &mut Exchange, team: TeamId) -> Result<(), Error> {
        if exchange.request.query.is_empty() {
            return Ok(());
        }
        exchange.asked.untold = self.service.schemas_of(team)?.untold;
        if exchange.asked.untold.is_empty() {
            return Ok(());
        }
        let query = shown_query(&exchange.request, &exchange.asked.untold);
        exchange.asked.query = query.kept;
        exchange.asked.secrets.extend(query.secrets);
        Ok(())
    }

    fn begin(&self, request: Request) -> Exchange {
        let mut query = shown_query(&request, &redact::Untold::default());
        // Whatever was sent as a token is none of the log's, also where it stands a second time.
        let sent = reading::authorization(&request).unwrap_or_default().split_whitespace();
        query.secrets.extend(sent.filter(|part| part.len() >= SHORTEST_TOKEN).map(str::to_owned));
        let clean = |text: &str| redact::text(text, &query.secrets);
        let asked = Asked {
            id: request.id.clone(),
            at: self.service.clock().now(),
            address: request.peer.ip().to_canonical().to_string(),
            user_agent: reading::clip(&clean(request.headers.get("user-agent").unwrap_or("")), 256),
            method: request.method.as_str().to_owned(),
            path: reading::clip(&clean(&request.path), 512),
            query: query.kept,
            wire: Some(request.wire),
            began: Some(Instant::now()),
            secrets: query.secrets,
            ..Asked::default()
        };
        let base = reading::base(&request, self.service.options().public_url.as_deref());
        Exchange { request, asked, base, sign: None }
    }

    async fn dispatch(
        &self,
        exchange: &mut Exchange,
        caller: &Caller,
        route: &Route,
    ) -> Result<Response, Error> {
        reading::query(&exchange.request.query, route.is_discovery())?;
        reading::acceptable(exchange, caller.mode)?;
        let method = exchange.request.method.clone();
        let route = &me(route, caller)?;
        match (&method, route) {
            (Method::Get, Route::List(kind)) => search::list(self, exchange, caller, vec![*kind]).await,
            (Method::Get, Route::Root) => {
                search::list(self, exchange, caller, vec![Kind::User, Kind::Group]).await
            }
            (Method::Post, Route::Search(kinds)) => {
                search::posted(self, exchange, caller, kinds.clone()).await
            }
            (Method::Post, Route::List(kind)) => resources::create(self, exchange, caller, *kind).await,
            (Method::Get, Route::One(kind, id)) => resources::get(self, exchange, caller, *kind, id),
            (Method::Put, Route::One(kind, id)) => {
                resources::replace(self, exchange, caller, *kind, id).await
            }
            (Method::Patch, Route::One(kind, id)) => {
                resources::patch(self, exchange, caller, *kind, id).await
            }
            (Method::Delete, Route::One(kind, id)) => {
                resources::delete(self, exchange, caller, *kind, id).await
            }
            (Method::Get, route) if route.is_discovery() => {
                discovery::answer(self, exchange, Some(caller), route)
            }
            (Method::Post, Route::Bulk) => bulk::post(self, exchange, caller).await,
            (_, Route::OtherVersion(version)) => Err(other_version(version)),
            (_, Route::Unknown) => Err(not_served(exchange)),
            (_, route) => Err(method_not_allowed(&method, route)),
        }
    }

    /// Turns an error into its answer, and records it.
    fn close(
        &self,
        exchange: &Exchange,
        token: Option<(TeamId, i64)>,
        answer: Result<Response, Error>,
        media: &'static str,
    ) -> Response {
        let error = match answer {
            Ok(response) if response.headers.has("content-type") => {
                return response.header("content-type", media);
            }
            Ok(response) => return response,
            Err(error) => error,
        };
        let (status, body) = error::render(&error);
        // No answer repeats a secret, whichever rule the request broke.
        let body = redact::answer(&body, &exchange.asked.secrets);
        let (team, token) = token.map_or((None, None), |(team, token)| (Some(team), Some(token)));
        self.service.record_refusal(team, token, &exchange.asked, &error, status, &body);
        let mut response = Response::json(status, media, body);
        if status == 405 {
            let path = reading::path(&exchange.request);
            let route = path.as_ref().map_or(Route::Unknown, Route::at);
            response = response.header("allow", route.allow());
        }
        error::headers(response, &error)
    }
}

/// The query as it may be kept.
fn shown_query(request: &Request, untold: &redact::Untold) -> redact::Redacted<String> {
    let query = &request.query;
    let shown = redact::query(query.pairs(), query.raw(), query.fault().is_some(), untold);
    redact::Redacted { kept: reading::clip(&shown.kept, LONGEST_QUERY), ..shown }
}

/// `/Me` is the user that the token is bound to (RFC 7644 §3.11).
fn me(route: &Route, caller: &Caller) -> Result<Route, Error> {
    match route {
        Route::Me => Ok(Route::One(Kind::User, caller.me()?.to_owned())),
        other => Ok(other.clone()),
    }
}

/// Whether a segment has the form of a protocol version: "v" and a number.
fn is_version(segment: &str) -> bool {
    let number = segment.strip_prefix(['v', 'V']).unwrap_or("");
    number.starts_with(|first: char| first.is_ascii_digit())
        && number.chars().all(|each| each.is_ascii_digit() || each == '.')
}

fn other_version(version: &str) -> Error {
    let shown = reading::clip(version, 20);
    let detail = format!("scimd speaks SCIM 2.0 and not {shown}; the Base URL ends in /scim or /scim/v2");
    Error::Scim(ScimError::bad(ScimType::InvalidVers, detail))
}

fn method_not_allowed(method: &Method, route: &Route) -> Error {
    let detail = format!("{method} is not offered here; this address takes {}", route.allow());
    Error::Scim(ScimError::plain(405, detail))
}

/// 404 for a path that is none of ours, with a hint at what went wrong with the Base URL.
fn not_served(exchange: &Exchange) -> Error {
    let path = &exchange.asked.path;
    let hint = if path.matches("/scim").count() > 1 {
        "the Base URL stands in it twice"
    } else if path.contains("//") {
        "it has a doubled slash; give the Base URL without one at its end"
    } else {
        "users are at /Users, groups at /Groups behind the Base URL"
    };
    Error::NotFound(format!("scimd serves nothing at {path}: {hint}. {}", Cause::WrongPath.words().cure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_table() {
        assert_eq!(Route::of(&["Users"]), Route::List(Kind::User));
        assert_eq!(Route::of(&["Groups", "17"]), Route::One(Kind::Group, "17".into()));
        assert_eq!(Route::of(&["Users", ".search"]), Route::Search(vec![Kind::User]));
        assert_eq!(Route::of(&["scim", "Users"]), Route::Unknown);
        assert_eq!(Route::of(&["Users", "1", "2"]), Route::Unknown);
        assert_eq!(Route::of(&["v3", "Users"]), Route::OtherVersion("v3".into()));
        assert_eq!(Route::of(&["virtual", "Users"]), Route::Unknown);
        assert_eq!(Route::of(&[]), Route::Root);
    }
}
