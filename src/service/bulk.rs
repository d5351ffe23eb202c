//! Bulk (RFC 7644 §3.7): a sequence of ordinary write jobs, each whole or nothing. What an operation refers to by
//! `bulkId` is made before it; where two refer to each other, one is made without the reference and completed after.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::circles;
use super::job::{Outcome, Precondition, Target};
use super::record::Asked;
use super::references::{PREFIX, references, replace};
use super::{Caller, Error, Service, redact};
use crate::scim::message::{BulkOperation, BulkRequest};
use crate::scim::resource::Projection;
use crate::scim::{Kind, ScimError};

/// What is served and has no resources that an operation could change.
const ELSEWHERE: [&str; 5] = ["Bulk", ".search", "ServiceProviderConfig", "ResourceTypes", "Schemas"];

/// The most operations of one request (`bulk.maxOperations`).
pub const MAX_OPERATIONS: usize = 1000;

/// What became of one operation.
#[derive(Debug)]
pub struct Done {
    /// Which operation of the request.
    pub index: usize,
    /// The resource; its body is not told. `Ok(None)` when it was deleted.
    pub result: Result<Option<Outcome>, Error>,
    /// The address the operation went to, where it named one that is known.
    pub location: Option<String>,
}

impl Service {
    /// Carries out the operations of a Bulk request; those left over after too many errors have no answer.
    pub async fn bulk(&self, caller: &Caller, asked: &Asked, base: &str, request: &BulkRequest) -> Vec<Done> {
        let mut run = Run::new(self, caller, asked, base, request);
        for index in 0..request.operations.len() {
            if run.is_over() {
                break;
            }
            run.operation(index).await;
        }
        let mut done: Vec<Done> = run.done.into_values().collect();
        done.sort_by_key(|done| done.index);
        done
    }
}

/// One Bulk request on its way.
struct Run<'a> {
    service: &'a Service,
    caller: &'a Caller,
    asked: &'a Asked,
    base: &'a str,
    request: &'a BulkRequest,
    /// Which operation makes the resource of a bulkId.
    makers: HashMap<&'a str, usize>,
    /// The ids of the resources that were made.
    made: HashMap<&'a str, String>,
    /// Operations that would make groups within themselves, and why each is refused.
    circles: HashMap<usize, Error>,
    /// Operations that wait for what they refer to.
    waiting: HashSet<usize>,
    /// Resources made without a reference that is completed at the end.
    incomplete: Vec<usize>,
    done: HashMap<usize, Done>,
}

impl<'a> Run<'a> {
    fn new(
        service: &'a Service,
        caller: &'a Caller,
        asked: &'a Asked,
        base: &'a str,
        request: &'a BulkRequest,
    ) -> Run<'a> {
        let makers: HashMap<&str, usize> = request
            .operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.method == "POST" && operation.fault.is_none())
            .filter_map(|(index, operation)| operation.bulk_id.as_deref().map(|id| (id, index)))
            .collect();
        Run {
            service,
            caller,
            asked,
            base,
            request,
            circles: circles::of_groups(&request.operations, &makers),
            makers,
            made: HashMap::new(),
            waiting: HashSet::new(),
            incomplete: Vec::new(),
            done: HashMap::new(),
        }
    }

    /// Whether as many operations failed as the client accepts (RFC 7644 §3.7 `failOnErrors`).
    fn is_over(&self) -> bool {
        let errors = self.done.values().filter(|done| done.result.is_err()).count() as u64;
        self.request.fail_on_errors.is_some_and(|most| most > 0 && errors >= most)
    }

    /// Carries out an operation, after those that make what it refers to, and completes what they left open. A stack and
    /// no recursion: a thousand operations may each refer to the next.
    async fn operation(&mut self, first: usize) {
        if self.done.contains_key(&first) {
            return;
        }
        let mut stack = vec![Waiting::new(self, first)];
        self.waiting.insert(first);
        while let Some(top) = stack.last_mut() {
            if self.is_over() {
                break;
            }
            let index = top.index;
            let maker =
                top.makers.find(|maker| !self.done.contains_key(maker) && !self.waiting.contains(maker));
            if let Some(maker) = maker {
                self.waiting.insert(maker);
                stack.push(Waiting::new(self, maker));
                continue;
            }
            let done = self.run(index).await;
            self.done.insert(index, done);
            self.waiting.remove(&index);
            stack.pop();
        }
        self.waiting.clear();
        self.complete().await;
    }

    async fn run(&mut self, index: usize) -> Done {
        let operation = &self.request.operations[index];
        let mut data = operation.data.clone().unwrap_or(Value::Null);
        let mut open = false;
        let refused = operation.fault.clone().map(Error::Scim).or_else(|| self.circles.remove(&index));
        let prepared = refused.map_or(Ok(()), Err).and_then(|()| {
            let path = self.resolve_path(&operation.path)?;
            open = self.resolve(&mut data, operation)?;
            Ok(path)
        });
        let path = prepared.as_ref().unwrap_or(&operation.path).clone();
        let result = self.perform(operation, prepared, &data).await;
        if let (Ok(Some(outcome)), Some(id), "POST") =
            (&result, operation.bulk_id.as_deref(), operation.method.as_str())
        {
            self.made.insert(id, outcome.id.clone());
            if open {
                self.incomplete.push(index);
            }
        }
        let location = match &result {
            Ok(Some(outcome)) => Some(outcome.location.clone()),
            _ if operation.method != "POST" && !path.is_empty() => {
                Some(format!("{}/{}", self.base, path.trim_start_matches('/')))
            }
            _ => None,
        };
        Done { index, result, location }
    }

    /// Adds the references that were left out to break a circle; takes the resource away again when that fails. Done
    /// before the next operation, which may change what was made.
    async fn complete(&mut self) {
        for index in std::mem::take(&mut self.incomplete) {
            let operation = &self.request.operations[index];
            let Some(Done { result: Ok(Some(outcome)), .. }) = self.done.get(&index) else { continue };
            let path = format!("{}/{}", operation.path.trim_end_matches('/'), outcome.id);
            let mut data = operation.data.clone().unwrap_or(Value::Null);
            let whole =
                BulkOperation { method: "PUT".into(), bulk_id: None, version: None, ..operation.clone() };
            let prepared = match self.resolve(&mut data, &whole) {
                Ok(false) => Ok(path.clone()),
                Ok(true) => Err(unknown_reference(operation)),
                Err(error) => Err(error),
            };
            let mut result = self.perform(&whole, prepared, &data).await;
            if let Err(error) = result {
                let delete = BulkOperation { method: "DELETE".into(), ..whole };
                // The operation failed in any case; a resource that is already gone changes nothing.
                let _gone = self.perform(&delete, Ok(path), &Value::Null).await;
                result = Err(error);
            }
            if let Some(done) = self.done.get_mut(&index) {
                if result.is_err() {
                    done.location = None;
                }
                done.result = result;
            }
        }
    }

    /// The path with a `bulkId:` in it replaced by the id of what was made, and `/Me` by the user that it stands for.
    fn resolve_path(&self, path: &str) -> Result<String, Error> {
        if path.trim_matches('/') == "Me" {
            return Ok(format!("/{}/{}", Kind::User.endpoint(), self.caller.me()?));
        }
        let Some((endpoint, id)) = path.split_once(PREFIX) else { return Ok(path.to_owned()) };
        match self.made.get(id) {
            Some(made) => Ok(format!("{endpoint}{made}")),
            None => Err(no_such_reference(id)),
        }
    }

    /// Replaces references by ids; says whether one was left out because what it refers to is still being made.
    fn resolve(&self, data: &mut Value, operation: &BulkOperation) -> Result<bool, Error> {
        for id in references(operation) {
            let is_open = self.makers.get(id).is_some_and(|maker| self.waiting.contains(maker));
            if !(self.made.contains_key(id) || is_open && operation.method == "POST") {
                return Err(no_such_reference(id));
            }
        }
        let mut open = false;
        replace(data, &self.made, &mut open);
        Ok(open)
    }

    /// Does what was prepared and records what is refused, or tells at once why nothing can be done.
    async fn perform(
        &self,
        operation: &BulkOperation,
        path: Result<String, Error>,
        data: &Value,
    ) -> Result<Option<Outcome>, Error> {
        let redacted = redact::body(data, &self.asked.untold);
        let mut secrets = redacted.secrets;
        secrets.extend(self.asked.secrets.iter().cloned());
        let shown = path.as_ref().unwrap_or(&operation.path).trim_start_matches('/');
        let hidden = redact::expression(shown, &self.asked.untold, &mut secrets);
        let shown = redact::text(hidden.as_deref().unwrap_or(shown), &secrets);
        let asked = Asked {
            id: self.service.ids().request(),
            method: operation.method.clone(),
            path: format!("{}/{shown}", self.asked.path.trim_end_matches("/Bulk")),
            query: String::new(),
            body: Some(redacted.kept),
            about: super::wanted::name_in(data),
            secrets,
            underway: Default::default(),
            ..self.asked.clone()
        };
        let result = match &path {
            Ok(path) => self.change(operation, path, data, &asked).await,
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = &result {
            let (team, token) = (Some(self.caller.team), Some(self.caller.token));
            let scim = error.as_scim();
            let body = crate::scim::message::error_body(&scim);
            self.service.record_refusal(team, token, &asked, error, scim.status, &body);
        }
        result
    }

    async fn change(
        &self,
        operation: &BulkOperation,
        path: &str,
        data: &Value,
        asked: &Asked,
    ) -> Result<Option<Outcome>, Error> {
        let (kind, id) = place(&operation.method, path)?;
        let target = Target {
            kind,
            projection: Projection::all(),
            base: self.base.to_owned(),
            asks_attributes: false,
            precondition: precondition(operation.version.as_deref()),
        };
        let (service, caller) = (self.service, self.caller);
        match (operation.method.as_str(), id) {
            ("POST", None) => service.create(caller, asked, target, data).await.map(Some),
            ("PUT", Some(id)) => service.replace(caller, asked, target, id, data).await.map(Some),
            ("PATCH", Some(id)) => service.patch(caller, asked, target, id, data).await.map(Some),
            ("DELETE", Some(id)) => service.delete(caller, asked, target, id).await.map(|()| None),
            (method, _) => {
                Err(Error::Scim(ScimError::plain(405, format!("{method} is not offered at {path}"))))
            }
        }
    }
}

/// An operation on the stack, and the makers that it has not asked for yet.
struct Waiting {
    index: usize,
    makers: std::vec::IntoIter<usize>,
}

impl Waiting {
    fn new(run: &Run<'_>, index: usize) -> Waiting {
        let operation = &run.request.operations[index];
        // What is refused in any case makes nothing else happen first.
        let refused = operation.fault.is_some() || run.circles.contains_key(&index);
        let references = if refused { Vec::new() } else { references(operation) };
        let makers: Vec<usize> =
            references.into_iter().filter_map(|id| run.makers.get(id).copied()).collect();
        Waiting { index, makers: makers.into_iter() }
    }
}

/// The kind and id that a path names, as far as the method needs them.
fn place<'p>(method: &str, path: &'p str) -> Result<(Kind, Option<&'p str>), Error> {
    let mut parts = path.trim_start_matches('/').trim_end_matches('/').split('/');
    let kind = match parts.next() {
        Some("Users") => Kind::User,
        Some("Groups") => Kind::Group,
        other => {
            let detail = format!("path \"{path}\" is neither /Users nor /Groups, with or without an id");
            // §3.7.3: the status is that of a single request, and nothing is served elsewhere.
            return Err(match other.is_some_and(|other| ELSEWHERE.contains(&other)) {
                true => Error::Scim(ScimError::invalid_path(detail)),
                false => Error::NotFound(detail),
            });
        }
    };
    let (id, more) = (parts.next(), parts.next());
    if more.is_some() || (method == "POST") != id.is_none() {
        let wanted = if method == "POST" { "/Users or /Groups" } else { "one resource, such as /Users/{id}" };
        return Err(Error::Scim(ScimError::invalid_path(format!(
            "{method} goes to {wanted}, not to \"{path}\""
        ))));
    }
    Ok((kind, id))
}

/// The version that an operation asks for (RFC 7644 §3.7 `version`). One that is none of ours can only be stale.
fn precondition(version: Option<&str>) -> Precondition {
    let Some(version) = version else { return Precondition::None };
    let number = version.strip_prefix("W/").unwrap_or(version).trim_matches('"').parse();
    Precondition::Versions(number.into_iter().collect())
}

fn no_such_reference(id: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    Error::Scim(ScimError::invalid_value(format!(
        "bulkId:{shown} was not made: no operation of this request makes it, or that operation failed"
    )))
}

fn unknown_reference(operation: &BulkOperation) -> Error {
    let shown = operation.bulk_id.as_deref().unwrap_or("");
    Error::Scim(ScimError::plain(409, format!("what bulkId:{shown} refers to could not be made")))
}
