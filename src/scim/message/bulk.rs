//! Bulk messages (RFC 7644 §3.7): the request as operations to do, the response as what came of them. Doing them, and
//! finding what a `bulkId` stands for, is not done here.

use std::collections::HashMap;

use serde_json::Value;

use super::{check_schemas, integer, member, open, take, text};
use crate::scim::filter::shorten;
use crate::scim::json::write;
use crate::scim::{Mode, Notes, ScimError};

/// URN of a list of operations (RFC 7644 §3.7).
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// URN of the answer to it (RFC 7644 §3.7).
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// A list of operations in one request (RFC 7644 §3.7).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkRequest {
    /// After how many errors the rest is not tried.
    pub fail_on_errors: Option<u64>,
    pub operations: Vec<BulkOperation>,
    /// Leniencies used.
    pub notes: Notes,
}

/// One operation of a BulkRequest: what could be read of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkOperation {
    /// `POST`, `PUT`, `PATCH` or `DELETE`, unless there is a fault.
    pub method: String,
    /// The client's name for what a POST creates; unique within the request.
    pub bulk_id: Option<String>,
    /// The version that the resource must have.
    pub version: Option<String>,
    /// As sent: `/Users`, `/Groups/{id}` or `/Users/bulkId:{name}`.
    pub path: String,
    /// The body; always there for POST, PUT and PATCH, unless there is a fault.
    pub data: Option<Value>,
    /// Why the operation cannot be tried; the others go on (§3.7).
    pub fault: Option<ScimError>,
}

impl BulkRequest {
    /// Reads the message and the form of each operation. What is no BulkRequest is refused whole; a faulty operation
    /// keeps its fault for its own answer.
    pub fn parse(body: Value, mode: Mode) -> Result<BulkRequest, ScimError> {
        let Value::Object(mut body) = body else {
            let detail = "A bulk body must be a JSON object with \"schemas\" and \"Operations\"";
            return Err(ScimError::invalid_syntax(detail));
        };
        let mut notes = Notes::default();
        check_schemas(&body, BULK_REQUEST, mode, &mut notes)?;
        let fail_on_errors = match integer(&body, "failOnErrors", mode, &mut notes)? {
            None => None,
            Some(most) => Some(u64::try_from(most).ok().filter(|most| *most > 0).ok_or_else(|| {
                ScimError::invalid_value(format!(
                    "failOnErrors must be 1 or more, not {most}; leave it out to try all"
                ))
            })?),
        };
        let listed = match take(&mut body, "Operations") {
            Some(Value::Array(listed)) => listed,
            Some(_) => return Err(ScimError::invalid_syntax("\"Operations\" must be a list of operations")),
            None => {
                return Err(ScimError::invalid_syntax("\"Operations\", the list of operations, is missing"));
            }
        };
        let mut operations: Vec<BulkOperation> = listed
            .into_iter()
            .enumerate()
            .map(|(n, operation)| BulkOperation::read(operation, &format!("Operations[{n}]")))
            .collect();
        refuse_repeated_names(&mut operations);
        Ok(BulkRequest { fail_on_errors, operations, notes })
    }
}

/// A bulkId is unique within a request (§3.7): of POSTs that share one, nobody can say which is meant.
fn refuse_repeated_names(operations: &mut [BulkOperation]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    let posts = |operation: &BulkOperation| operation.bulk_id.clone().filter(|_| operation.method == "POST");
    operations.iter().filter_map(posts).for_each(|name| *uses.entry(name).or_default() += 1);
    for (n, operation) in operations.iter_mut().enumerate().filter(|(_, each)| each.fault.is_none()) {
        let repeated = posts(operation).filter(|name| uses.get(name).is_some_and(|uses| *uses > 1));
        operation.fault = repeated.map(|name| {
            let name = shorten(&name);
            let detail = format!("Operations[{n}].bulkId \"{name}\" is used twice; each POST needs its own");
            ScimError::invalid_value(detail)
        });
    }
}

impl BulkOperation {
    fn read(operation: Value, place: &str) -> BulkOperation {
        let Value::Object(mut members) = operation else {
            let detail = format!("{place} must be an object with \"method\" and \"path\"");
            return BulkOperation {
                fault: Some(ScimError::invalid_syntax(detail)),
                ..BulkOperation::default()
            };
        };
        let mut fault = None;
        let mut read = |name: &str| {
            let found = text(&members, name, &format!("{place}."));
            found.unwrap_or_else(|error| {
                fault.get_or_insert(error);
                None
            })
        };
        let sent = read("method").unwrap_or_default();
        let mut operation = BulkOperation {
            method: sent.to_ascii_uppercase(),
            path: read("path").unwrap_or_default(),
            bulk_id: read("bulkId").filter(|name| !name.is_empty()),
            version: read("version").filter(|version| !version.is_empty()),
            data: None,
            fault,
        };
        operation.data = take(&mut members, "data").filter(|data| !data.is_null());
        operation.fault = operation.fault.take().or_else(|| operation.missing(&sent, place));
        operation
    }

    /// What an operation must say and does not (§3.7).
    fn missing(&self, method: &str, place: &str) -> Option<ScimError> {
        let missing = |name: &str, needed: &str| format!("{place}.{name} is missing{needed}");
        let detail = match self.method.as_str() {
            "" => missing("method", ""),
            "POST" | "PUT" | "PATCH" | "DELETE" if self.path.is_empty() => missing("path", ""),
            "POST" if self.bulk_id.is_none() => missing("bulkId", "; a POST needs one"),
            method @ ("POST" | "PUT" | "PATCH") if self.data.is_none() => {
                missing("data", &format!("; {method} needs a body"))
            }
            "POST" | "PUT" | "PATCH" | "DELETE" => return None,
            _ => {
                let method = shorten(method);
                format!("{place}.method must be POST, PUT, PATCH or DELETE, not \"{method}\"")
            }
        };
        Some(ScimError::invalid_syntax(detail))
    }
}

/// What came of the operations of a BulkRequest, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkResponse {
    pub operations: Vec<BulkOutcome>,
}

/// What came of one operation (RFC 7644 §3.7.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BulkOutcome {
    /// As the request said it; empty when it did not.
    pub method: String,
    pub bulk_id: Option<String>,
    /// The version that the resource has now, as an entity tag.
    pub version: Option<String>,
    /// The resource's address; there for all but a POST that failed.
    pub location: Option<String>,
    pub status: u16,
    /// The body as JSON; always there for an error.
    pub response: Option<Vec<u8>>,
}

impl BulkResponse {
    /// The message as JSON.
    pub fn render(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 256 * self.operations.len());
        open(&mut out, BULK_RESPONSE);
        out.extend_from_slice(b",\"Operations\":[");
        for (n, outcome) in self.operations.iter().enumerate() {
            if n > 0 {
                out.push(b',');
            }
            outcome.render(&mut out);
        }
        out.extend_from_slice(b"]}");
        out
    }
}

impl BulkOutcome {
    fn render(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"status\":");
        write(out, &self.status.to_string());
        if !self.method.is_empty() {
            member(out, "method", &self.method);
        }
        for (name, value) in
            [("bulkId", &self.bulk_id), ("version", &self.version), ("location", &self.location)]
        {
            if let Some(value) = value {
                member(out, name, value);
            }
        }
        if let Some(response) = &self.response {
            out.extend_from_slice(b",\"response\":");
            out.extend_from_slice(response);
        }
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::message::error_body;
    use crate::scim::{Leniency, ScimType, json};

    fn bulk(operations: Value) -> Result<BulkRequest, ScimError> {
        BulkRequest::parse(json!({"schemas": [BULK_REQUEST], "Operations": operations}), Mode::Strict)
    }

    #[test]
    fn operations_are_read_in_their_order() {
        let body = json!({"schemas": [BULK_REQUEST], "FailOnErrors": 1, "operations": [
            {"method": "post", "path": "/Users", "bulkId": "qwerty", "data": {"userName": "mei@example.com"}},
            {"METHOD": "Patch", "path": "/Users/bulkId:qwerty", "version": "W/\"3\"", "data": {}},
            {"method": "DELETE", "path": "/Groups/1", "bulkId": "qwerty", "data": null},
        ]});
        let request = BulkRequest::parse(body, Mode::Strict).expect("taken");
        assert_eq!(request.fail_on_errors, Some(1));
        assert_eq!(request.notes, Notes::default());
        let methods: Vec<&str> =
            request.operations.iter().map(|operation| operation.method.as_str()).collect();
        assert_eq!(methods, ["POST", "PATCH", "DELETE"]);
        assert_eq!(request.operations[0].data, Some(json!({"userName": "mei@example.com"})));
        assert_eq!(request.operations[1].version.as_deref(), Some("W/\"3\""));
        assert_eq!((request.operations[2].path.as_str(), &request.operations[2].data), ("/Groups/1", &None));
        assert_eq!(bulk(json!([])).expect("taken"), BulkRequest::default());
    }

    #[test]
    fn a_faulty_operation_says_what_and_leaves_the_others_alone() {
        let good = json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}});
        for (operation, words) in [
            (json!("POST"), "Operations[1] must be an object"),
            (json!({"path": "/Users"}), "Operations[1].method is missing"),
            (json!({"method": 1}), "Operations[1].method must be a text, not a number"),
            (json!({"method": "GET", "path": "/Users"}), "POST, PUT, PATCH or DELETE, not \"GET\""),
            (json!({"method": "DELETE"}), "Operations[1].path is missing"),
            (json!({"method": "DELETE", "path": ""}), "Operations[1].path is missing"),
            (
                json!({"method": "DELETE", "path": ["/Users/1"]}),
                "Operations[1].path must be a text, not a list",
            ),
            (json!({"method": "POST", "path": "/Users", "data": {}}), "Operations[1].bulkId is missing"),
            (json!({"method": "POST", "path": "/Users", "bulkId": 7, "data": {}}), "bulkId must be a text"),
            (json!({"method": "PUT", "path": "/Users/1"}), "Operations[1].data is missing; PUT needs a body"),
            (json!({"method": "DELETE", "path": "/Users/1", "version": 3}), "version must be a text"),
        ] {
            let request = bulk(json!([good, operation])).expect("the request is taken");
            assert_eq!(request.operations[0].fault, None);
            let fault = request.operations[1].fault.as_ref().expect("a fault");
            assert_eq!((fault.status, fault.scim_type), (400, Some(ScimType::InvalidSyntax)));
            assert!(fault.detail.contains(words), "{fault}");
        }
        let twice =
            bulk(json!([good, good.clone(), {"method": "DELETE", "path": "/Users/1", "bulkId": "a"}]));
        let faults: Vec<_> = twice.expect("taken").operations.into_iter().map(|each| each.fault).collect();
        assert!(faults[..2].iter().flatten().all(|fault| fault.detail.contains("\"a\" is used twice")));
        assert_eq!(faults.iter().flatten().count(), 2, "{faults:?}");
    }

    #[test]
    fn a_faulty_envelope_says_what() {
        for (body, words) in [
            (json!([]), "must be a JSON object"),
            (json!({"schemas": [BULK_REQUEST]}), "\"Operations\", the list of operations, is missing"),
            (json!({"schemas": [BULK_REQUEST], "Operations": {}}), "must be a list of operations"),
            (
                json!({"schemas": [BULK_REQUEST], "failOnErrors": 0, "Operations": []}),
                "must be 1 or more, not 0",
            ),
            (
                json!({"schemas": [BULK_REQUEST], "failOnErrors": true, "Operations": []}),
                "must be a whole number",
            ),
            (json!({"Operations": []}), BULK_REQUEST),
        ] {
            let error = BulkRequest::parse(body, Mode::Strict).expect_err("refused");
            assert!(error.detail.contains(words), "{error}");
            assert!(matches!(error.scim_type, Some(ScimType::InvalidSyntax | ScimType::InvalidValue)));
        }
        let bare = BulkRequest::parse(json!({"Operations": []}), Mode::Compat).expect("taken");
        assert_eq!(bare.notes.leniencies, [Leniency::MessageSchema]);
    }

    #[test]
    fn outcomes_are_written_with_what_there_is() {
        let created = BulkOutcome {
            method: "POST".into(),
            bulk_id: Some("qwerty".into()),
            version: Some("W/\"1\"".into()),
            location: Some("https://scim.example.com/scim/Users/1".into()),
            status: 201,
            response: None,
        };
        let error = ScimError::uniqueness("taken");
        let failed = BulkOutcome {
            method: "PUT".into(),
            status: 409,
            response: Some(error_body(&error)),
            ..BulkOutcome::default()
        };
        let body = BulkResponse { operations: vec![created, failed] }.render();
        let detail = json::parse(&error_body(&error)).expect("JSON");
        let wanted = json!({"schemas": [BULK_RESPONSE], "Operations": [
            {"method": "POST", "bulkId": "qwerty", "version": "W/\"1\"",
             "location": "https://scim.example.com/scim/Users/1", "status": "201"},
            {"method": "PUT", "status": "409", "response": detail},
        ]});
        assert_eq!(json::parse(&body).expect("JSON"), wanted);
        assert_eq!(json::parse(&BulkResponse::default().render()).expect("JSON")["Operations"], json!([]));
    }
}
