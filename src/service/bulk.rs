//! Bulk (RFC 7644 §3.7): a sequence of ordinary write jobs, each whole or nothing. What an operation refers to by
//! `bulkId` is made before it; where two refer to each other, one is made without the reference and completed after.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::circles;
use super::job::{Outcome, Precondition, Target};
use super::record::Asked;
use super::{Caller, Error, Service, redact};
use crate::scim::message::{BulkOperation, BulkRequest};
use crate::scim::resource::Projection;
use crate::scim::{Kind, ScimError};

/// The most operations of one request (`bulk.maxOperations`).
pub const MAX_OPERATIONS: usize = 1000;
const PREFIX: &str = "bulkId:";

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
        run.complete().await;
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
            .filter(|(_, operation)| operation.method == "POST")
            .filter_map(|(index, operation)| operation.bulk_id.as_deref().map(|id| (id, index)))
            .rev()
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

    /// Carries out an operation, after those that make what it refers to.
    fn operation(&mut self, index: usize) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if self.done.contains_key(&index) || !self.waiting.insert(index) {
                return;
            }
            let operation = &self.request.operations[index];
            if let Some(error) = self.circles.remove(&index) {
                self.waiting.remove(&index);
                self.done.insert(index, Done { index, result: Err(error), location: None });
                return;
            }
            let makers: Vec<usize> =
                references(operation).into_iter().filter_map(|id| self.makers.get(id).copied()).collect();
            for maker in makers {
                if !self.is_over() {
                    self.operation(maker).await;
                }
            }
            if !self.is_over() {
                let done = self.run(index).await;
                self.done.insert(index, done);
            }
            self.waiting.remove(&index);
        })
    }

    async fn run(&mut self, index: usize) -> Done {
        let operation = &self.request.operations[index];
        let mut data = operation.data.clone().unwrap_or(Value::Null);
        let mut open = false;
        let prepared = self.resolve_path(&operation.path).and_then(|path| {
            open = self.resolve(&mut data, operation)?;
            Ok(path)
        });
        let (path, result) = match prepared {
            Ok(path) => {
                let result = self.perform(operation, &path, &data).await;
                (path, result)
            }
            Err(error) => (operation.path.clone(), Err(error)),
        };
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
            _ if operation.method != "POST" => Some(format!("{}{path}", self.base)),
            _ => None,
        };
        Done { index, result, location }
    }

    /// Adds the references that were left out to break a circle; takes the resource away again when that fails.
    async fn complete(&mut self) {
        for index in std::mem::take(&mut self.incomplete) {
            let operation = &self.request.operations[index];
            let Some(Done { result: Ok(Some(outcome)), .. }) = self.done.get(&index) else { continue };
            let path = format!("{}/{}", operation.path.trim_end_matches('/'), outcome.id);
            let mut data = operation.data.clone().unwrap_or(Value::Null);
            let whole =
                BulkOperation { method: "PUT".into(), bulk_id: None, version: None, ..operation.clone() };
            let result = match self.resolve(&mut data, &whole) {
                Ok(false) => self.perform(&whole, &path, &data).await,
                Ok(true) => Err(unknown_reference(operation)),
                Err(error) => Err(error),
            };
            let result = match result {
                Ok(outcome) => Ok(outcome),
                Err(error) => {
                    let delete = BulkOperation { method: "DELETE".into(), ..whole };
                    // The operation failed in any case; a resource that is already gone changes nothing.
                    let _gone = self.perform(&delete, &path, &Value::Null).await;
                    Err(error)
                }
            };
            if let Some(done) = self.done.get_mut(&index) {
                if result.is_err() {
                    done.location = None;
                }
                done.result = result;
            }
        }
    }

    /// The path with a `bulkId:` in it replaced by the id of what was made.
    fn resolve_path(&self, path: &str) -> Result<String, Error> {
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

    async fn perform(
        &self,
        operation: &BulkOperation,
        path: &str,
        data: &Value,
    ) -> Result<Option<Outcome>, Error> {
        let (kind, id) = place(&operation.method, path)?;
        let target = Target {
            kind,
            projection: Projection::all(),
            base: self.base.to_owned(),
            asks_attributes: false,
            precondition: precondition(operation.version.as_deref())?,
        };
        let redacted = redact::body(data);
        let asked = Asked {
            id: self.service.ids().request(),
            method: operation.method.clone(),
            path: format!("{}{path}", self.asked.path.trim_end_matches("/Bulk")),
            query: String::new(),
            body: Some(redacted.kept),
            secrets: redacted.secrets,
            underway: Default::default(),
            ..self.asked.clone()
        };
        let (service, caller) = (self.service, self.caller);
        let result = match (operation.method.as_str(), id) {
            ("POST", None) => service.create(caller, &asked, target, data).await.map(Some),
            ("PUT", Some(id)) => service.replace(caller, &asked, target, id, data).await.map(Some),
            ("PATCH", Some(id)) => service.patch(caller, &asked, target, id, data).await.map(Some),
            ("DELETE", Some(id)) => service.delete(caller, &asked, target, id).await.map(|()| None),
            (method, _) => {
                Err(Error::Scim(ScimError::plain(405, format!("{method} is not offered at {path}"))))
            }
        };
        if let Err(error) = &result {
            let scim = error.as_scim();
            let body = crate::scim::message::error_body(&scim);
            service.record_refusal(Some(caller.team), Some(caller.token), &asked, error, scim.status, &body);
        }
        result
    }
}

/// The bulkIds that an operation names in its path and data, each once.
fn references(operation: &BulkOperation) -> Vec<&str> {
    let mut found: Vec<&str> = operation.path.split_once(PREFIX).map(|(_, id)| id).into_iter().collect();
    if let Some(data) = &operation.data {
        collect(data, &mut found);
    }
    let mut seen = HashSet::new();
    found.retain(|id| seen.insert(*id));
    found
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix(PREFIX)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

/// Writes the ids of what was made; takes out list elements and members that refer to what is not made yet.
fn replace(value: &mut Value, made: &HashMap<&str, String>, open: &mut bool) {
    let is_open = |value: &Value| match value {
        Value::String(text) => text.strip_prefix(PREFIX).is_some_and(|id| !made.contains_key(id)),
        Value::Object(map) => map
            .get("value")
            .and_then(Value::as_str)
            .and_then(|text| text.strip_prefix(PREFIX))
            .is_some_and(|id| !made.contains_key(id)),
        _ => false,
    };
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix(PREFIX).and_then(|id| made.get(id)) {
                *text = id.clone();
            }
        }
        Value::Array(list) => {
            let before = list.len();
            list.retain(|value| !is_open(value));
            *open |= list.len() < before;
            list.iter_mut().for_each(|value| replace(value, made, open));
        }
        Value::Object(map) => {
            let before = map.len();
            map.retain(|_, value| !is_open(value));
            *open |= map.len() < before;
            map.values_mut().for_each(|value| replace(value, made, open));
        }
        _ => {}
    }
}

/// The kind and id that a path names, as far as the method needs them.
fn place<'p>(method: &str, path: &'p str) -> Result<(Kind, Option<&'p str>), Error> {
    let mut parts = path.trim_start_matches('/').trim_end_matches('/').split('/');
    let kind = match parts.next() {
        Some("Users") => Kind::User,
        Some("Groups") => Kind::Group,
        _ => {
            let detail = format!("path \"{path}\" is neither /Users nor /Groups, with or without an id");
            return Err(Error::Scim(ScimError::invalid_path(detail)));
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

/// The version that an operation asks for (RFC 7644 §3.7 `version`).
fn precondition(version: Option<&str>) -> Result<Precondition, Error> {
    let Some(version) = version else { return Ok(Precondition::None) };
    let number = version.strip_prefix("W/").unwrap_or(version).trim_matches('"').parse();
    match number {
        Ok(number) => Ok(Precondition::Versions(vec![number])),
        // A version that is none of ours can only be stale.
        Err(_) => Ok(Precondition::Versions(Vec::new())),
    }
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
