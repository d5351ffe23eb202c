//! Compare: a provider's own export of users, groups or memberships against the directory. It says who is missing, extra,
//! different or wrongly active, and changes nothing.

mod export;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use serde_json::Value;

use super::{Error, Service};
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::scim::registry::ENTERPRISE;
use crate::scim::{Document, Kind};
use crate::store::{Page, Query};

pub use export::Export;
use export::Person;
use words::Standing;

/// Users or members that are read at a time.
const PAGE: u32 = 1000;

/// One thing that is not as the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What the name is of.
    pub kind: Kind,
    pub name: String,
    /// The id of what is here.
    pub id: Option<String>,
    /// The line of the file.
    pub line: Option<u64>,
    /// The group of a membership.
    pub group: Option<Named>,
    /// What differs, where something does.
    pub detail: String,
}

/// A group of the directory by its name in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub id: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            return write!(f, "{} in the group {}", self.name, group.name);
        }
        let kind = if self.kind == Kind::User { "user" } else { "group" };
        write!(f, "{kind} {}", self.name)?;
        match (&self.id, self.line) {
            (Some(id), _) => write!(f, " ({id})")?,
            (None, Some(line)) => write!(f, " (line {line})")?,
            (None, None) => {}
        }
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Differences {
    pub missing: Vec<Difference>,
    pub extra: Vec<Difference>,
    pub different: Vec<Difference>,
    pub wrongly_active: Vec<Difference>,
    /// How many users and groups of the file were looked at.
    pub compared: usize,
}

impl Differences {
    /// The four lists, each with its words.
    pub fn lists(&self) -> [(&'static str, &[Difference]); 4] {
        [
            ("missing here", &self.missing),
            ("here and not in the file", &self.extra),
            ("different", &self.different),
            ("wrongly active", &self.wrongly_active),
        ]
    }

    /// Whether the directory is as the file says.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
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

impl Here {
    fn differs(&self, kind: Kind, detail: String) -> Difference {
        let (name, id) = (self.name.clone(), Some(self.id.clone()));
        Difference { kind, name, id, line: None, group: None, detail }
    }
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
            let by_email = || by_key.get(&fold(person.email.as_deref()?));
            match by_key.get(key).or_else(by_email) {
                Some(index) => {
                    seen.insert(*index);
                    person.against(&here[*index], &mut found);
                }
                None if person.standing >= Some(Standing::Before) => {}
                None => found.missing.push(Difference {
                    kind: Kind::User,
                    name: person.name.clone(),
                    id: None,
                    line: Some(person.line),
                    group: None,
                    detail: String::new(),
                }),
            }
        }
        if !export.memberships && !export.people.is_empty() {
            let extra =
                here.iter().enumerate().filter(|(index, person)| person.active && !seen.contains(index));
            found.extra.extend(extra.map(|(_, person)| person.differs(Kind::User, String::new())));
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
        // Of two groups of a name the first made counts.
        let mut by_name: HashMap<String, &Here> = HashMap::new();
        for group in &groups {
            by_name.entry(fold(&group.name)).or_insert(group);
        }
        let by_n: HashMap<i64, &Here> = here.iter().map(|person| (person.n, person)).collect();
        for (key, (name, wanted)) in &export.groups {
            found.compared += 1;
            let Some(group) = by_name.get(key) else {
                found.missing.push(Difference {
                    kind: Kind::Group,
                    name: name.clone(),
                    id: None,
                    line: None,
                    group: None,
                    detail: String::new(),
                });
                continue;
            };
            if !export.memberships {
                continue;
            }
            let members = self.members_of(team, group.n)?;
            let wanted: BTreeSet<i64> =
                wanted.iter().filter_map(|member| by_key.get(member)).map(|index| here[*index].n).collect();
            let named = Named { name: name.clone(), id: group.id.clone() };
            let of = |n: &i64| {
                let person = by_n.get(n)?;
                Some(Difference { group: Some(named.clone()), ..person.differs(Kind::User, String::new()) })
            };
            found.missing.extend(wanted.difference(&members).filter_map(of));
            found.extra.extend(members.difference(&wanted).filter_map(of));
        }
        if !export.memberships {
            let extra = groups.iter().filter(|group| !export.groups.contains_key(&fold(&group.name)));
            found.extra.extend(extra.map(|group| group.differs(Kind::Group, String::new())));
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
        let differs = |detail: String| here.differs(Kind::User, detail);
        match (self.standing, here.active) {
            (Some(Standing::Inactive), true) => {
                found.wrongly_active.push(differs("active here, inactive in the file".into()));
            }
            (Some(Standing::Active), false) => {
                found.different.push(differs("inactive here, active in the file".into()));
            }
            _ => {}
        }
        for (path, wanted) in &self.attributes {
            let there = attribute(&here.document, path);
            if there.as_deref() != Some(wanted) {
                let there = there.map_or("unset".to_owned(), |value| format!("\"{value}\""));
                found.different.push(differs(format!("{path} is {there} here, \"{wanted}\" in the file")));
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
