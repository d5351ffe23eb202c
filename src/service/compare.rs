//! Compare: a provider's own export of users, groups or memberships against the directory. It says who is missing, extra,
//! different or wrongly active, and changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::scim::registry::ENTERPRISE;
use crate::scim::{Document, Kind};
use crate::store::{Page, Query};

/// Users or members that are read at a time.
const PAGE: u32 = 1000;

/// What a column of the export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    UserName,
    Email,
    Group,
    /// Active, or with `true` its opposite: suspended.
    Active(bool),
    /// An attribute that is compared as text.
    Attribute(&'static str),
    Other,
}

/// The words that providers use in their headings, without blanks and in small letters.
const HEADINGS: [(&[&str], Column); 12] = [
    (&["username", "login", "userprincipalname", "upn", "userlogin"], Column::UserName),
    (
        &["email", "emailaddress", "mail", "primaryemail", "workemail", "memberemail", "useremail", "member"],
        Column::Email,
    ),
    (&["group", "groupname", "groupdisplayname", "usergroup"], Column::Group),
    (
        &["active", "status", "userstatus", "enabled", "accountenabled", "state", "accountstatus"],
        Column::Active(false),
    ),
    (&["suspended", "disabled", "accountlocked", "deactivated"], Column::Active(true)),
    (&["firstname", "givenname"], Column::Attribute("name.givenName")),
    (&["lastname", "familyname", "surname"], Column::Attribute("name.familyName")),
    (&["displayname"], Column::Attribute("displayName")),
    (&["title", "jobtitle"], Column::Attribute("title")),
    (&["externalid"], Column::Attribute("externalId")),
    (&["department"], Column::Attribute("department")),
    (&["employeenumber", "employeeid", "employeeidentifier"], Column::Attribute("employeeNumber")),
];

impl Column {
    fn of(heading: &str) -> Column {
        // Google writes "Email Address [Required]" and "Status [READ ONLY]".
        let bare = heading.split('[').next().unwrap_or("");
        let word: String =
            bare.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        HEADINGS
            .iter()
            .find(|(words, _)| words.contains(&word.as_str()))
            .map_or(Column::Other, |(_, column)| *column)
    }
}

/// A person in the export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Person {
    line: u64,
    name: String,
    active: Option<bool>,
    attributes: Vec<(&'static str, String)>,
}

/// A provider's export, read.
#[derive(Debug, Default)]
pub struct Export {
    /// By folded name.
    people: BTreeMap<String, Person>,
    /// Groups by folded name: the name as written, and the folded names of members.
    groups: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Whether each line is a membership, and says nothing of who else there is.
    memberships: bool,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub missing: Vec<String>,
    pub extra: Vec<String>,
    pub different: Vec<String>,
    pub wrongly_active: Vec<String>,
    /// How many users and groups of the file were looked at.
    pub compared: usize,
}

impl Differences {
    /// Whether the directory is as the file says.
    pub fn is_empty(&self) -> bool {
        [&self.missing, &self.extra, &self.different, &self.wrongly_active].iter().all(|list| list.is_empty())
    }
}

/// A person of the directory.
struct Here {
    n: i64,
    id: String,
    name: String,
    active: bool,
    document: Document,
}

impl Export {
    /// Reads an export: CSV with a heading line, separated by commas, semicolons or tabs.
    pub fn read(bytes: &[u8]) -> Result<Export, Error> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(bytes)).flexible(true).from_reader(bytes);
        let headings = reader.headers().map_err(|error| refused(&error))?.clone();
        let columns: Vec<Column> = headings.iter().map(Column::of).collect();
        let (by_name, by_email) = (columns.contains(&Column::UserName), columns.contains(&Column::Email));
        let by_group = columns.contains(&Column::Group);
        if !by_name && !by_email && !by_group {
            let found = headings.iter().collect::<Vec<_>>().join(", ");
            return Err(Error::Refused(format!(
                "the first line names no column that tells users or groups apart: it has {found}; one of them must be \
                 userName, email or group"
            )));
        }
        let mut export = Export { memberships: by_group && (by_name || by_email), ..Export::default() };
        for record in reader.records() {
            let record = record.map_err(|error| refused(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            export.add(&columns, &record, line, by_name)?;
        }
        Ok(export)
    }

    fn add(
        &mut self,
        columns: &[Column],
        record: &csv::StringRecord,
        line: u64,
        by_name: bool,
    ) -> Result<(), Error> {
        let key = if by_name { Column::UserName } else { Column::Email };
        let (mut person, mut group) = (Person { line, ..Person::default() }, None);
        for (column, cell) in columns.iter().zip(record) {
            let cell = cell.trim();
            match column {
                _ if cell.is_empty() => {}
                column if *column == key && person.name.is_empty() => person.name = cell.to_owned(),
                Column::Group => group = Some(cell.to_owned()),
                Column::Active(opposite) => person.active = Some(state(cell, *opposite, line)?),
                Column::Attribute(path) => person.attributes.push((path, cell.to_owned())),
                Column::UserName | Column::Email | Column::Other => {}
            }
        }
        if let Some(group) = group {
            let members = &mut self.groups.entry(fold(&group)).or_insert_with(|| (group, BTreeSet::new())).1;
            if !person.name.is_empty() {
                members.insert(fold(&person.name));
            }
        } else if person.name.is_empty() && record.iter().any(|cell| !cell.trim().is_empty()) {
            return Err(Error::Refused(format!("line {line} has no user name; complete it or take it out")));
        }
        if person.name.is_empty() {
            return Ok(());
        }
        match self.people.get(&fold(&person.name)) {
            Some(first) if !self.memberships => Err(Error::Refused(format!(
                "\"{}\" stands in line {} and again in line {line}; take one out",
                person.name, first.line
            ))),
            Some(_) => Ok(()),
            None => {
                self.people.insert(fold(&person.name), person);
                Ok(())
            }
        }
    }
}

fn refused(error: &csv::Error) -> Error {
    Error::Refused(format!("the file cannot be read as CSV in UTF-8: {error}"))
}

/// The sign that stands most often in the heading line.
fn separator(bytes: &[u8]) -> u8 {
    let heading = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let count = |sign: u8| heading.iter().filter(|byte| **byte == sign).count();
    [b';', b'\t']
        .into_iter()
        .filter(|sign| count(*sign) > count(b','))
        .max_by_key(|sign| count(*sign))
        .unwrap_or(b',')
}

/// Whether somebody is active, in the words of the providers.
fn state(cell: &str, opposite: bool, line: u64) -> Result<bool, Error> {
    const YES: [&str; 9] =
        ["true", "yes", "1", "active", "activated", "enabled", "provisioned", "password_expired", "recovery"];
    const NO: [&str; 12] = [
        "false",
        "no",
        "0",
        "inactive",
        "suspended",
        "disabled",
        "deactivated",
        "deprovisioned",
        "staged",
        "locked_out",
        "archived",
        "deleted",
    ];
    let word = cell.to_ascii_lowercase().replace(' ', "_");
    // In a column named "suspended" the word itself says yes.
    let said = match (YES.contains(&word.as_str()), NO.contains(&word.as_str())) {
        (true, _) => !opposite,
        (_, true) if opposite && ["suspended", "disabled", "deactivated"].contains(&word.as_str()) => false,
        (_, true) => opposite,
        _ => {
            return Err(Error::Refused(format!(
                "line {line}: \"{cell}\" is no known state; write active or suspended, true or false"
            )));
        }
    };
    Ok(said)
}

impl Service {
    /// Compares an export with a team's directory. Nothing is changed.
    pub async fn compare(&self, team: TeamId, export: &Export) -> Result<Differences, Error> {
        let here = self.everybody(team, Kind::User).await?;
        let mut by_key: HashMap<String, usize> = HashMap::new();
        for (index, person) in here.iter().enumerate() {
            for email in emails(&person.document) {
                by_key.entry(fold(email)).or_insert(index);
            }
        }
        // A userName wins over somebody else's address.
        for (index, person) in here.iter().enumerate() {
            by_key.insert(fold(&person.name), index);
        }
        let mut found = Differences::default();
        let mut seen = BTreeSet::new();
        for (key, person) in &export.people {
            found.compared += 1;
            match by_key.get(key) {
                Some(index) => {
                    seen.insert(*index);
                    person.against(&here[*index], &mut found);
                }
                None if person.active == Some(false) => {}
                None => found.missing.push(format!("user {} (line {})", person.name, person.line)),
            }
        }
        if !export.memberships && !export.people.is_empty() {
            let extra =
                here.iter().enumerate().filter(|(index, person)| person.active && !seen.contains(index));
            found.extra.extend(extra.map(|(_, person)| format!("user {} ({})", person.name, person.id)));
        }
        self.compare_groups(team, export, &here, &by_key, &mut found).await?;
        Ok(found)
    }

    async fn compare_groups(
        &self,
        team: TeamId,
        export: &Export,
        here: &[Here],
        by_key: &HashMap<String, usize>,
        found: &mut Differences,
    ) -> Result<(), Error> {
        if export.groups.is_empty() {
            return Ok(());
        }
        let groups = self.everybody(team, Kind::Group).await?;
        let by_n: HashMap<i64, &Here> = here.iter().map(|person| (person.n, person)).collect();
        for (key, (name, wanted)) in &export.groups {
            found.compared += 1;
            let Some(group) = groups.iter().find(|group| fold(&group.name) == *key) else {
                found.missing.push(format!("group {name}"));
                continue;
            };
            if !export.memberships {
                continue;
            }
            let members = self.members_of(team, group.n)?;
            let wanted: BTreeMap<i64, &str> = wanted
                .iter()
                .filter_map(|member| {
                    by_key.get(member).map(|index| (here[*index].n, here[*index].name.as_str()))
                })
                .collect();
            let absent = wanted.iter().filter(|(n, _)| !members.contains(n));
            found.missing.extend(absent.map(|(_, member)| format!("{member} in the group {name}")));
            let unasked = members.iter().filter(|n| !wanted.contains_key(n)).filter_map(|n| by_n.get(n));
            found.extra.extend(unasked.map(|person| format!("{} in the group {name}", person.name)));
        }
        if !export.memberships {
            let extra = groups.iter().filter(|group| !export.groups.contains_key(&fold(&group.name)));
            found.extra.extend(extra.map(|group| format!("group {} ({})", group.name, group.id)));
        }
        Ok(())
    }

    /// Every user or group of a team, read a page at a time.
    async fn everybody(&self, team: TeamId, kind: Kind) -> Result<Vec<Here>, Error> {
        let (mut all, mut place) = (Vec::new(), None);
        loop {
            let registry = self.registry(Some(team))?;
            let from = place.take();
            let page = self
                .store()
                .read(move |tx| -> Result<_, Error> {
                    let query = Query {
                        registry: &registry,
                        base: "",
                        kinds: &[(kind, None)],
                        sort: None,
                        page: Page::After { place: from.clone(), count: u64::from(PAGE) },
                    };
                    Ok(tx.search(team, &query)?)
                })
                .await?;
            for row in page.rows {
                let document: Document = serde_json::from_str(&row.doc).map_err(Error::internal)?;
                let attribute = if kind == Kind::User { "userName" } else { "displayName" };
                let name = document.get(attribute).and_then(Value::as_str).unwrap_or("").to_owned();
                all.push(Here { n: row.n, id: row.id, name, active: row.active, document });
            }
            match page.next {
                Some(next) => place = Some(next),
                None => return Ok(all),
            }
        }
    }

    fn members_of(&self, team: TeamId, group: i64) -> Result<BTreeSet<i64>, Error> {
        let (mut all, mut after) = (BTreeSet::new(), None);
        loop {
            let page = self
                .store()
                .read_now(|tx| -> Result<_, Error> { Ok(tx.members(team, group, after, PAGE)?) })?;
            after = page.last().map(|(n, _)| *n);
            let full = page.len() == PAGE as usize;
            all.extend(page.into_iter().map(|(n, _)| n));
            if !full {
                return Ok(all);
            }
        }
    }
}

impl Person {
    fn against(&self, here: &Here, found: &mut Differences) {
        match (self.active, here.active) {
            (Some(false), true) => {
                found
                    .wrongly_active
                    .push(format!("user {} ({}): active here, inactive in the file", here.name, here.id));
            }
            (Some(true), false) => {
                found
                    .different
                    .push(format!("user {} ({}): inactive here, active in the file", here.name, here.id));
            }
            _ => {}
        }
        for (path, wanted) in &self.attributes {
            let there = attribute(&here.document, path);
            if there.as_deref() != Some(wanted) {
                let there = there.map_or("unset".to_owned(), |value| format!("\"{value}\""));
                found.different.push(format!(
                    "user {} ({}): {path} is {there} here, \"{wanted}\" in the file",
                    here.name, here.id
                ));
            }
        }
    }
}

fn attribute(document: &Document, path: &str) -> Option<String> {
    let value = match path.split_once('.') {
        Some((name, sub)) => document.get(name)?.get(sub),
        None => match path {
            "department" | "employeeNumber" => document.get(ENTERPRISE)?.get(path),
            _ => document.get(path),
        },
    };
    value?.as_str().map(str::to_owned)
}

fn emails(document: &Document) -> impl Iterator<Item = &str> {
    let list = document.get("emails").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|email| email.get("value")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Export::read(text.as_bytes()).expect_err("refused").to_string()
    }

    #[test]
    fn headings_of_the_providers_are_known() {
        for (heading, column) in [
            ("username", Column::UserName),
            ("User principal name", Column::UserName),
            ("Email Address [Required]", Column::Email),
            ("Status [READ ONLY]", Column::Active(false)),
            ("suspended", Column::Active(true)),
            ("First Name", Column::Attribute("name.givenName")),
            ("Group Name", Column::Group),
            ("Shoe size", Column::Other),
        ] {
            assert_eq!(Column::of(heading), column, "{heading}");
        }
    }

    #[test]
    fn states_are_read_in_every_providers_words() {
        for (cell, opposite, active) in [
            ("ACTIVE", false, true),
            ("Activated", false, true),
            ("SUSPENDED", false, false),
            ("Locked out", false, false),
            ("PASSWORD_EXPIRED", false, true),
            ("true", true, false),
            ("FALSE", true, true),
            ("Suspended", true, false),
            ("active", true, false),
        ] {
            assert_eq!(state(cell, opposite, 1).ok(), Some(active), "{cell} {opposite}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_compared_is_refused_with_its_line() {
        assert!(refusal("a,b\n1,2\n").contains("it has a, b"));
        assert_eq!(
            refusal("email,status\na@example.com,odd\n"),
            "line 2: \"odd\" is no known state; write active or suspended, true or false"
        );
        assert_eq!(refusal("email,title\n,CTO\n"), "line 2 has no user name; complete it or take it out");
        assert_eq!(
            refusal("email\na@example.com\nA@example.com\n"),
            "\"A@example.com\" stands in line 2 and again in line 3; take one out"
        );
        assert!(Export::read(b"email\n\xff\n").is_err());
    }

    #[test]
    fn semicolons_tabs_and_a_byte_order_mark_are_taken() {
        for text in ["\u{feff}email;title\na@example.com;CTO\n", "email\ttitle\na@example.com\tCTO\n"] {
            let export = Export::read(text.as_bytes()).expect("read");
            assert_eq!(export.people["a@example.com"].attributes, [("title", "CTO".to_owned())]);
        }
    }
}
