//! What this server offers, true to what it does: `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas`
//! (RFC 7644 §4, RFC 7643 §5 to §7).

use serde_json::{Value, json};

use super::bulk::MAX_OPERATIONS;
use super::{DEFAULT_COUNT, Error, MAX_RESULTS, Service};
use crate::base::TeamId;
use crate::scim::Mode;

const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

impl Service {
    /// `/ServiceProviderConfig`.
    pub fn service_provider_config(&self, base: &str) -> Value {
        json!({
            "schemas": [CONFIG],
            "patch": { "supported": true },
            "bulk": {
                "supported": true,
                "maxOperations": MAX_OPERATIONS,
                "maxPayloadSize": self.options().body_limit,
            },
            "filter": { "supported": true, "maxResults": MAX_RESULTS },
            "changePassword": { "supported": false },
            "sort": { "supported": true },
            "etag": { "supported": true },
            "pagination": {
                "cursor": true,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": DEFAULT_COUNT,
                "maxPageSize": MAX_RESULTS,
                "cursorTimeout": self.options().cursor_life.as_secs(),
            },
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A provisioning token made by scimd, sent as Authorization: Bearer",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            }],
            "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
        })
    }

    /// `/ResourceTypes`, every one of them.
    pub fn resource_types(&self, team: Option<TeamId>, base: &str) -> Result<Vec<Value>, Error> {
        Ok(located(self.registry(team)?.resource_type_documents(), base, "ResourceType"))
    }

    /// `/Schemas`, every one of them, as they hold for a token of that mode.
    pub fn schemas(&self, team: Option<TeamId>, mode: Mode, base: &str) -> Result<Vec<Value>, Error> {
        let may_repeat = match team {
            _ if mode == Mode::Strict => true,
            Some(team) => self.team_settings(team)?.same_group_names,
            None => false,
        };
        Ok(located(self.registry(team)?.schema_documents(may_repeat), base, "Schema"))
    }
}

/// Gives each document the address at which it stands.
fn located(documents: Vec<Value>, base: &str, kind: &str) -> Vec<Value> {
    documents
        .into_iter()
        .map(|mut document| {
            let id = document.get("id").and_then(Value::as_str).unwrap_or("").to_owned();
            if let Some(map) = document.as_object_mut() {
                let location = format!("{base}/{kind}s/{id}");
                map.insert("meta".into(), json!({ "resourceType": kind, "location": location }));
            }
            document
        })
        .collect()
}
