//! Lists to take away: requests, changes by administrators, users, groups and members as CSV or NDJSON, a page at a time, each page of one snapshot.
//! What came from a provider is hostile text in a spreadsheet too. Who took what is in the audit.

use serde_json::{Value, json};

use super::audited::{AuditQuery, Change};
use super::browse::{Browse, Order};
use super::{Actor, Error, Service};
use crate::base::TeamId;
use crate::scim::{Document, Kind};
use crate::store::{ActivityQuery, ActivityRow, Beside, Page, Row, Token};

/// Rows of one page: what is in memory at a time.
const PAGE: u32 = 500;

/// How the rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a heading line.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// The ending of a file's name.
    pub fn ending(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Ndjson => "ndjson",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Ndjson => "application/x-ndjson",
        }
    }
}

/// Which list is taken away.
#[derive(Clone, Debug)]
pub enum Taken {
    Requests { query: ActivityQuery, in_bodies: bool },
    Users(Browse),
    Groups(Browse),
    Members { group: i64, id: String },
    Administrators(AuditQuery),
}

impl Taken {
    fn name(&self) -> &'static str {
        match self {
            Taken::Requests { .. } => "activity",
            Taken::Users(_) => "users",
            Taken::Groups(_) => "groups",
            Taken::Members { .. } => "members",
            Taken::Administrators(_) => "administrators",
        }
    }

    fn columns(&self) -> &'static [&'static str] {
        match self {
            Taken::Requests { .. } => &[
                "time",
                "request",
                "team",
                "token",
                "administrator",
                "address",
                "user_agent",
                "method",
                "path",
                "query",
                "status",
                "duration_ms",
                "connection",
                "count",
                "what",
                "note",
                "cause",
                "subject_kind",
                "subject_id",
                "subject_name",
                "leniencies",
                "dropped",
                "changes",
                "first_event",
                "last_event",
            ],
            Taken::Users(_) => &[
                "id",
                "external_id",
                "user_name",
                "name",
                "given_name",
                "family_name",
                "email",
                "status",
                "groups",
                "created",
                "changed",
            ],
            Taken::Groups(_) => &["id", "external_id", "name", "members", "created", "changed"],
            Taken::Members { .. } => &["id", "kind", "name", "user_name", "status", "since"],
            Taken::Administrators(_) => {
                &["number", "time", "who", "from", "what", "said", "note", "subject", "detail"]
            }
        }
    }
}

/// An export on its way: asked for one page after the other.
pub struct Export {
    service: Service,
    team: TeamId,
    format: Format,
    taken: Taken,
    tokens: Vec<Token>,
    after: Option<i64>,
    begun: bool,
    done: bool,
}

impl Service {
    /// Begins an export and notes in the audit who takes it; `filter` is the list's narrowing in the words of its address.
    pub async fn export(
        &self,
        actor: &Actor,
        team: TeamId,
        taken: Taken,
        format: Format,
        filter: &str,
    ) -> Result<Export, Error> {
        if let Taken::Requests { query, in_bodies: true } = &taken {
            // A fault of the search is said before the first byte.
            self.requests_in_bodies(team, ActivityQuery { limit: 1, ..query.clone() }).await?;
        }
        let (who, what) = (actor.hand(), format!("{}.exported", taken.name()));
        let subject = match &taken {
            Taken::Members { id, .. } => id.clone(),
            _ => String::new(),
        };
        let detail = json!({ "format": format.ending(), "filter": filter });
        let noted = self.store().write(move |tx| tx.append_audit(Some(team), &who, &what, &subject, &detail));
        noted.await.map_err(Error::from)?;
        let tokens = self.tokens(team)?;
        let service = self.clone();
        Ok(Export { service, team, format, taken, tokens, after: None, begun: false, done: false })
    }
}

impl Export {
    /// The next bytes; `None` when all is said. An error cuts the list: half of it must not look whole.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut out = Vec::new();
        if !self.begun {
            self.begun = true;
            if self.format == Format::Csv {
                let heading: Vec<Value> = self.taken.columns().iter().map(|name| json!(name)).collect();
                write(Format::Csv, self.taken.columns(), &heading, &mut out)?;
            }
        }
        while out.is_empty() && !self.done {
            let rows = self.page().await?;
            for row in &rows {
                write(self.format, self.taken.columns(), row, &mut out)?;
            }
        }
        Ok((!out.is_empty()).then_some(out))
    }

    async fn page(&mut self) -> Result<Vec<Vec<Value>>, Error> {
        match &mut self.taken {
            Taken::Requests { query, in_bodies } => {
                query.limit = PAGE;
                let found = match in_bodies {
                    true => self.service.requests_in_bodies(self.team, query.clone()).await?,
                    false => self.service.requests(self.team, query.clone()).await?,
                };
                self.done = found.next.is_none();
                query.before = found.next;
                Ok(found.rows.iter().map(|row| request(row, &self.tokens)).collect())
            }
            Taken::Users(browse) | Taken::Groups(browse) => {
                browse.order = Order::Age;
                if let Page::Index { .. } | Page::Before { .. } = browse.page {
                    browse.page = Page::After { place: None, count: 0 };
                }
                if let Page::After { count, .. } = &mut browse.page {
                    *count = PAGE.into();
                }
                let found = self.service.browse(self.team, browse.clone()).await?;
                self.done = found.next.is_none();
                browse.page = Page::After { place: found.next, count: PAGE.into() };
                let row = |(row, groups): &(Row, Vec<crate::scim::resource::GroupRef>)| match row.kind {
                    Kind::User => user(row, groups.iter().map(|group| group.display.as_str()).collect()),
                    Kind::Group => group(row),
                };
                Ok(found.rows.iter().map(row).collect())
            }
            Taken::Administrators(query) => {
                query.limit = PAGE as usize;
                let found = self.service.administrators_changes(self.team, query.clone()).await?;
                self.done = found.next.is_none();
                query.beside = found.next.map(Beside::Older);
                Ok(found.rows.iter().map(administrators).collect())
            }
            Taken::Members { group, .. } => {
                let found = self.service.group_members(self.team, *group, self.after, PAGE)?;
                self.after = found.next;
                self.done = found.next.is_none();
                let member = |(row, since): &(Row, crate::base::Timestamp)| {
                    let user_name = text(&document(row), &["userName"]);
                    vec![
                        json!(row.id),
                        json!(row.kind.name()),
                        json!(row.display),
                        user_name,
                        status(row),
                        json!(since.render()),
                    ]
                };
                Ok(found.rows.iter().map(member).collect())
            }
        }
    }
}

fn administrators(change: &Change) -> Vec<Value> {
    let row = &change.row;
    vec![
        json!(row.n),
        json!(row.at.render()),
        json!(change.who),
        json!(change.from),
        json!(row.what),
        json!(change.line),
        json!(change.note),
        json!(row.subject),
        row.detail.clone(),
    ]
}

fn request(row: &ActivityRow, tokens: &[Token]) -> Vec<Value> {
    let activity = &row.activity;
    let token = activity.token.and_then(|n| tokens.iter().find(|token| token.n == n));
    let subject = activity.subject.as_ref();
    vec![
        json!(activity.at.render()),
        json!(activity.request),
        json!(if activity.team.is_some() { "this" } else { "none" }),
        json!(token.map(|token| &token.name)),
        json!(activity.who),
        json!(activity.address),
        json!(activity.user_agent),
        json!(activity.method),
        json!(activity.path),
        json!(activity.query),
        json!(activity.status),
        json!(activity.duration_us as f64 / 1000.0),
        json!(activity.wire.map(|wire| wire.to_string())),
        json!(activity.folded),
        json!(activity.sentence),
        json!(activity.note),
        json!(activity.cause),
        json!(subject.map(|subject| subject.kind.name())),
        json!(subject.map(|subject| &subject.id)),
        json!(subject.map(|subject| &subject.name)),
        json!(activity.leniencies),
        json!(activity.dropped),
        json!(activity.diff),
        json!(activity.events.map(|(first, _)| first)),
        json!(activity.events.map(|(_, last)| last)),
    ]
}

fn user(row: &Row, groups: Vec<&str>) -> Vec<Value> {
    let document = document(row);
    let emails = document.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
    let email = primary.or(emails.first()).and_then(|email| email.get("value")).cloned();
    vec![
        json!(row.id),
        text(&document, &["externalId"]),
        text(&document, &["userName"]),
        json!(row.display),
        text(&document, &["name", "givenName"]),
        text(&document, &["name", "familyName"]),
        email.unwrap_or_default(),
        status(row),
        json!(groups),
        json!(row.created.render()),
        json!(row.modified.render()),
    ]
}

fn group(row: &Row) -> Vec<Value> {
    vec![
        json!(row.id),
        text(&document(row), &["externalId"]),
        json!(row.display),
        json!(row.members),
        json!(row.created.render()),
        json!(row.modified.render()),
    ]
}

fn status(row: &Row) -> Value {
    match row.kind {
        Kind::Group => Value::Null,
        Kind::User => json!(if row.active { "active" } else { "inactive" }),
    }
}

fn document(row: &Row) -> Document {
    serde_json::from_str(&row.doc).unwrap_or_default()
}

/// A text within a document; null where there is none.
fn text(document: &Document, path: &[&str]) -> Value {
    let first = path.first().and_then(|name| document.get(*name));
    let found = path.iter().skip(1).fold(first, |value, name| value.and_then(|value| value.get(*name)));
    found.filter(|value| value.is_string()).cloned().unwrap_or_default()
}

/// Writes one row.
fn write(format: Format, columns: &[&str], row: &[Value], out: &mut Vec<u8>) -> Result<(), Error> {
    match format {
        Format::Ndjson => {
            let object: Document =
                columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect();
            serde_json::to_writer(&mut *out, &object).map_err(Error::internal)?;
            out.push(b'\n');
        }
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
            writer.write_record(row.iter().map(cell)).map_err(Error::internal)?;
            writer.flush().map_err(Error::internal)?;
        }
    }
    Ok(())
}

/// A value as the text of a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => guarded(text),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            guarded(&texts.join("; "))
        }
        other => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula: what would begin one gets an apostrophe before it.
pub fn guarded(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(guarded(formula), format!("'{formula}"));
        }
        assert_eq!(cell(&json!(["=a", "b"])), "'=a; b");
        assert_eq!((cell(&json!(-5)).as_str(), cell(&Value::Null).as_str()), ("-5", ""));
        assert_eq!(guarded("Mei = Chen"), "Mei = Chen");
    }

    #[test]
    fn rows_are_quoted_as_the_rfc_says_and_objects_are_one_line() {
        let row = [json!("a,\"b\"\r\nc"), json!("ü"), Value::Null];
        let columns = &["one", "two", "three"];
        let mut out = Vec::new();
        write(Format::Csv, columns, &row, &mut out).expect("written");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), "\"a,\"\"b\"\"\r\nc\",ü,\r\n");
        let mut out = Vec::new();
        write(Format::Ndjson, columns, &row, &mut out).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "{\"one\":\"a,\\\"b\\\"\\r\\nc\",\"two\":\"ü\",\"three\":null}\n");
    }
}
