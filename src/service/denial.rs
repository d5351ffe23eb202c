//! The record of a request that was refused or failed: its cause, what it wanted and of whom, and the words below. Rows
//! themselves are `record`'s.

use super::cause::{Cause, NOTHING_CHANGED};
use super::missed::{What, Whose};
use super::record::{Asked, Ending};
use super::sentence::Deed;
use super::wanted::Wanted;
use super::{Error, Service, milestones, redact};
use crate::base::TeamId;
use crate::scim::ScimType;
use crate::store::{Activity, ReadTx, StoreError, Subject};

/// How long a note may be.
const LONGEST_NOTE: usize = 300;

impl Service {
    /// Records a request that was refused or failed, with the next commit.
    pub fn record_refusal(
        &self,
        team: Option<TeamId>,
        token: Option<i64>,
        asked: &Asked,
        error: &Error,
        status: u16,
        response: &[u8],
    ) {
        let cause = cause_of(error, asked);
        if token.is_none() {
            let verdict = self.0.strangers.meet(&asked.address, Some(cause), self.clock().now());
            self.record_counts(verdict.ended);
            if !verdict.record {
                return;
            }
        }
        let (wanted, about) = Wanted::of(&asked.method, &asked.path, &asked.query);
        let mut notes = asked.underway.notes();
        notes.extend(error.notes());
        let denial = Denial { wanted, cause, failed: is_failure(error), name: asked.about.clone() };
        let end = Ending {
            status,
            deed: denial.deed(),
            subject: about.map(|(kind, id)| Subject { id, kind, name: String::new() }),
            cause: Some(cause),
            changes: &[],
            events: &[],
            also: &[],
            notes: &notes,
            response: Some(response),
        };
        let change = denial.wanted.is_change(&asked.method);
        let mut row = asked.activity(team, token, change, &end);
        match (team, token) {
            (Some(team), Some(token)) => {
                row.note = redact::text(&note_of(error), &asked.secrets);
                let secrets = asked.secrets.clone();
                let written = self.store().later(move |tx| {
                    if let Some(note) = ended_note(tx, team, token, cause)? {
                        row.note = note;
                    }
                    name_subject(tx, team, &mut row, &denial, &secrets)?;
                    milestones::record(tx, &row)
                });
                if !written {
                    self.gather(Whose { team, token, what: What::Refused(cause, status) }, asked, status);
                }
            }
            _ => {
                // What a stranger wrote is not kept: it could be anything, a mistyped token included.
                (row.query, row.request_body) = (String::new(), None);
                if !self.store().later(move |tx| milestones::record(tx, &row)) {
                    self.0.strangers.fold(&asked.address, Some(cause), 1);
                }
            }
        }
    }
}

/// What a refusal's sentence is made of.
#[derive(Debug)]
struct Denial {
    wanted: Wanted,
    cause: Cause,
    failed: bool,
    name: Option<String>,
}

impl Denial {
    fn deed(&self) -> Deed<'_> {
        let (wanted, name) = (&self.wanted, self.name.as_deref());
        match self.failed {
            true => Deed::Failed { wanted, name },
            false => Deed::Refused { wanted, name, cause: self.cause },
        }
    }
}

fn is_failure(error: &Error) -> bool {
    matches!(error, Error::Internal { .. } | Error::Busy | Error::Outdated | Error::Full)
}

/// Calls whom a refused request was about by the name that is known here.
fn name_subject(
    tx: &ReadTx<'_>,
    team: TeamId,
    row: &mut Activity,
    denial: &Denial,
    secrets: &[String],
) -> Result<(), StoreError> {
    let Some(subject) = &mut row.subject else { return Ok(()) };
    let name = match tx.resource_any(team, &subject.id)? {
        Some(found) => Some(found.display),
        None => tx.tombstone(team, &subject.id)?.map(|gone| gone.display),
    };
    if let Some(name) = name {
        subject.name = super::sentence::shown(&name);
        let sentence =
            Denial { name: Some(name), wanted: denial.wanted.clone(), ..*denial }.deed().sentence();
        row.sentence = redact::text(&sentence.line, secrets);
    }
    Ok(())
}

/// What stands below a refusal: the answer's own words.
fn note_of(error: &Error) -> String {
    match error {
        Error::Unauthenticated { .. } => NOTHING_CHANGED.to_owned(),
        error => clipped(&error.as_scim().detail),
    }
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= LONGEST_NOTE {
        return text.to_owned();
    }
    text.chars().take(LONGEST_NOTE - 1).chain(['…']).collect()
}

/// When a token ended, and by whom: for the administrator, not for the answer.
fn ended_note(tx: &ReadTx<'_>, team: TeamId, token: i64, cause: Cause) -> Result<Option<String>, StoreError> {
    let Some(token) = tx.token(team, token)? else { return Ok(None) };
    let name = &token.name;
    Ok(match (cause, token.revoked, token.expires) {
        (Cause::TokenRevoked, Some(at), _) => {
            let by = token.revoked_by.as_deref().unwrap_or("an administrator");
            Some(format!("The token \"{name}\" was revoked at {} by {by}.", at.render()))
        }
        (Cause::TokenRevoked, None, _) => Some(format!("The team of the token \"{name}\" was removed.")),
        (Cause::TokenExpired, _, Some(at)) => {
            Some(format!("The token \"{name}\" expired at {}.", at.render()))
        }
        _ => None,
    })
}

/// The cause behind an error, in the order of the design's list.
pub fn cause_of(error: &Error, asked: &Asked) -> Cause {
    match error {
        Error::Unauthenticated { cause, .. } => *cause,
        Error::Forbidden { cause, .. } => cause.unwrap_or(Cause::Unsupported),
        Error::NotFound(_) => Cause::WrongPath,
        Error::Refused(_) => Cause::BadValue,
        Error::Stale { .. } => Cause::Stale,
        Error::Busy | Error::Outdated => Cause::Busy,
        Error::Full => Cause::DiskFull,
        Error::Internal { .. } => Cause::Broken,
        Error::Scim(_) if asked.not_json => Cause::NotJson,
        Error::Scim(error) | Error::Stricter(_, error) => match (error.status, error.scim_type) {
            (_, Some(ScimType::InvalidFilter | ScimType::TooMany | ScimType::Sensitive)) => Cause::BadFilter,
            (_, Some(ScimType::InvalidCursor | ScimType::ExpiredCursor | ScimType::InvalidCount)) => {
                Cause::BadFilter
            }
            (_, Some(ScimType::Uniqueness)) => Cause::NameTaken,
            (_, Some(ScimType::InvalidVers)) => Cause::WrongPath,
            _ if error.missing => Cause::RequiredMissing,
            (413 | 414 | 431, _) => Cause::TooLarge,
            (408, _) => Cause::Incomplete,
            (412, _) => Cause::Stale,
            (404, _) => Cause::NotFound,
            (403 | 405 | 406 | 415 | 501, _) => Cause::Unsupported,
            _ => Cause::BadValue,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::ScimError;

    #[test]
    fn what_was_missing_is_told_by_the_error_and_not_by_its_words() {
        let cause = |error| cause_of(&Error::Scim(error), &Asked::default());
        let words = "active is \"required\", which is neither true nor false";
        assert_eq!(cause(ScimError::invalid_value(words)), Cause::BadValue);
        assert_eq!(cause(ScimError::missing("userName stands nowhere")), Cause::RequiredMissing);
    }
}
