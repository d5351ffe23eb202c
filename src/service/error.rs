//! All that can go wrong, in scimd's own words. A face turns it into SCIM JSON or a page; what only the log may
//! know stays in the log, under the incident's number.

use crate::scim::{Leniency, Notes, ScimError};
use crate::service::cause::Cause;
use crate::store::StoreError;

/// Why a use case did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule of RFC 7643 or RFC 7644.
    #[error("{0}")]
    Scim(ScimError),
    /// Something that the RFCs allow and a compat token is refused, by the name of the deviation.
    #[error("{1}")]
    Stricter(Leniency, ScimError),
    /// The caller could not be told, and why.
    #[error("{detail}")]
    Unauthenticated { cause: Cause, detail: String },
    /// The caller is known and may not do this.
    #[error("{detail}")]
    Forbidden { cause: Option<Cause>, detail: String },
    /// There is nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// An argument cannot be taken, and what to change.
    #[error("{0}")]
    Refused(String),
    /// The resource is no longer at the version that was named.
    #[error("the version is {current} now")]
    Stale { current: u64 },
    /// The team's schemas changed while the request was on its way; it is begun anew.
    #[error("the schemas were changed meanwhile; try again")]
    Outdated,
    /// The server has more to do than it can take in.
    #[error("the server is busy; try again in a moment")]
    Busy,
    /// The disk is full.
    #[error("the disk is full; nothing was changed")]
    Full,
    /// Something broke; the log has the cause under this number.
    #[error("something broke on the server; the log has the cause under {incident}")]
    Internal { incident: String },
}

impl Error {
    /// An incident: the cause goes to the log, its number to the client.
    pub fn internal(cause: impl std::fmt::Display) -> Error {
        let ids = crate::base::Ids::random(crate::base::Clock::system());
        let incident = ids.request().replacen("req_", "inc_", 1);
        tracing::error!(%incident, %cause, "incident");
        Error::Internal { incident }
    }

    /// The deviation from the RFCs that the error is, for the activity.
    pub fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        if let Error::Stricter(leniency, _) = self {
            notes.used(*leniency);
        }
        notes
    }

    /// The error as RFC 7644 §3.12 words it, for an answer and for an operation of a Bulk request.
    pub fn as_scim(&self) -> ScimError {
        match self {
            Error::Scim(error) | Error::Stricter(_, error) => error.clone(),
            Error::Unauthenticated { detail, .. } => ScimError::plain(401, detail.clone()),
            Error::Forbidden { detail, .. } => ScimError::plain(403, detail.clone()),
            Error::NotFound(detail) => ScimError::plain(404, detail.clone()),
            Error::Refused(detail) => ScimError::invalid_value(detail.clone()),
            Error::Stale { current } => ScimError::plain(
                412,
                format!(
                    "the resource is at version W/\"{current}\" now; read it again and repeat the change"
                ),
            ),
            Error::Busy | Error::Outdated => ScimError::plain(503, self.to_string()),
            Error::Full => ScimError::plain(507, self.to_string()),
            Error::Internal { .. } => ScimError::plain(500, self.to_string()),
        }
    }
}

impl From<ScimError> for Error {
    fn from(error: ScimError) -> Error {
        Error::Scim(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Error {
        match error {
            StoreError::Taken { attribute, value, by } => Error::Scim(ScimError::uniqueness(format!(
                "{attribute} \"{value}\" is already used by {by}; choose another or update that one"
            ))),
            StoreError::Loop { names } => {
                let detail = format!(
                    "a group would contain itself: {}; take one of these memberships out",
                    way(&names)
                );
                Error::Scim(ScimError::plain(409, detail))
            }
            StoreError::TooDeep { names } => {
                let detail =
                    format!("groups would nest deeper than 16: {}; put the members in directly", way(&names));
                Error::Scim(ScimError::plain(409, detail))
            }
            StoreError::Busy => Error::Busy,
            StoreError::Full => Error::Full,
            StoreError::TooExpensive => Error::Scim(ScimError::too_many(
                "the filter takes too long over this directory; narrow it, or compare userName, externalId, \
                 emails or displayName",
            )),
            other => Error::internal(other),
        }
    }
}

/// A chain of group names.
fn way(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" contains ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::ScimType;

    #[test]
    fn each_fault_of_the_store_has_its_place_in_the_tables() {
        let names = || vec!["A".to_owned(), "B".to_owned(), "A".to_owned()];
        let taken =
            || StoreError::Taken { attribute: "userName".into(), value: "mei".into(), by: "17".into() };
        for (fault, status, scim_type) in [
            (StoreError::TooExpensive, 400, Some(ScimType::TooMany)),
            (taken(), 409, Some(ScimType::Uniqueness)),
            (StoreError::Loop { names: names() }, 409, None),
            (StoreError::TooDeep { names: names() }, 409, None),
            (StoreError::Busy, 503, None),
            (StoreError::Full, 507, None),
        ] {
            let error = Error::from(fault).as_scim();
            assert_eq!((error.status, error.scim_type), (status, scim_type), "{error}");
        }
        let stricter = Error::Stricter(Leniency::UniqueGroupName, ScimError::uniqueness("x"));
        assert_eq!(
            (stricter.as_scim().status, stricter.notes().leniencies),
            (409, vec![Leniency::UniqueGroupName])
        );
    }
}
