//! Which attributes an answer shows: `attributes` and `excludedAttributes` (RFC 7644 §3.9) against the schemas'
//! `returned` (RFC 7643 §7). Where the values come from is `render`'s business.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::scim::path::{self, Named};
use crate::scim::schema::{Attribute, Returned};
use crate::scim::{Document, Kind, Registry, ScimError, registry};

/// The attributes that a client asks to see, or not to see.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection(Choice);

#[derive(Clone, Debug, PartialEq)]
enum Choice {
    All,
    /// `attributes`
    Only(Vec<(Kind, Names)>),
    /// `excludedAttributes`
    Without(Vec<(Kind, Names)>),
}

/// The names of a list, found in the schemas of one kind of resource.
#[derive(Clone, Debug, Default, PartialEq)]
struct Names {
    core: Section,
    extensions: Vec<(Arc<str>, Section)>,
}

/// What is named of one schema.
#[derive(Clone, Debug, Default, PartialEq)]
struct Section {
    /// The schema itself is named, by its URN.
    whole: bool,
    attributes: Vec<(String, Pick)>,
}

/// What is named of one attribute.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pick {
    /// The attribute itself is named.
    whole: bool,
    subs: Vec<String>,
}

impl Projection {
    /// What is shown when nothing is asked for: everything that is returned always or by default.
    pub fn all() -> Projection {
        Projection(Choice::All)
    }

    /// Reads the two lists, of which one may be given (RFC 7644 §3.9 calls them mutually exclusive).
    ///
    /// Names count in any case, with the URN of their schema or without, and the URN alone stands for all that the
    /// schema has. A well-formed name that no schema has is passed over: §3.9 knows no error for it, a search over
    /// several kinds of resource names attributes that only some have, and a client may ask every server for the same
    /// list. A name that is no attribute notation (§3.10) is refused.
    pub fn parse(
        registry: &Registry,
        kinds: &[Kind],
        attributes: Option<&str>,
        excluded: Option<&str>,
    ) -> Result<Projection, ScimError> {
        let given = |list: Option<&str>| list.map(str::to_owned).filter(|list| !list.trim().is_empty());
        Ok(Projection(match (given(attributes), given(excluded)) {
            (None, None) => Choice::All,
            (Some(list), None) => Choice::Only(named(registry, kinds, "attributes", &list)?),
            (None, Some(list)) => Choice::Without(named(registry, kinds, "excludedAttributes", &list)?),
            (Some(_), Some(_)) => {
                let detail = "attributes and excludedAttributes exclude each other; send one of them";
                return Err(ScimError::invalid_value(detail));
            }
        }))
    }

    /// Whether nothing in particular is asked for.
    pub fn is_all(&self) -> bool {
        self.0 == Choice::All
    }

    /// Whether an attribute that is returned by default is shown, in whole or in part. `name` is a name at the top of
    /// the resource, such as `members`, or of an extension: `urn:…:User:manager`.
    pub fn wants(&self, kind: Kind, name: &str) -> bool {
        if matches!(name, "id" | "schemas") {
            return true;
        }
        let (urn, name) = name.rsplit_once(':').map_or((None, name), |(urn, name)| (Some(urn), name));
        match self.names(kind) {
            None => true,
            Some((shown, names)) => {
                let section = names.section(urn.filter(|urn| *urn != kind.urn()));
                match section.map(|section| (section.whole, section.pick(name))) {
                    None | Some((false, None)) => !shown,
                    Some((true, _)) => shown,
                    Some((false, Some(pick))) => shown || !pick.whole,
                }
            }
        }
    }

    /// Whether what is stored of a resource of this kind is shown as it is, and what is derived in whole or not at
    /// all, so that nothing need be taken apart.
    pub(super) fn keeps_stored(&self, kind: Kind) -> bool {
        match self.names(kind) {
            None => true,
            Some((true, _)) => false,
            Some((false, names)) => {
                !names.core.whole
                    && names.extensions.is_empty()
                    && names.core.attributes.iter().all(|(name, pick)| {
                        pick.whole && ["id", "schemas", "members", "groups", "meta"].contains(&name.as_str())
                    })
            }
        }
    }

    /// The resource with what is shown of it, in its order.
    pub(super) fn apply(&self, registry: &Registry, kind: Kind, resource: Document) -> Document {
        let mut shown = Document::new();
        for (name, value) in resource {
            let value = match registry.extension(kind, &name) {
                Some(schema) => {
                    let Value::Object(members) = value else { continue };
                    let members = self.section(kind, Some(&schema.id), &schema.attributes, members);
                    (!members.is_empty()).then_some(Value::Object(members))
                }
                None => match registry.find(kind, &name) {
                    Some(found) => self.attribute(kind, None, &found.attribute, value),
                    // Of a schema that is no longer in force: no name finds it, so it is shown by default.
                    None => self.shows_unnamed().then_some(value),
                },
            };
            if let Some(value) = value {
                shown.insert(name, value);
            }
        }
        shown
    }

    fn section(
        &self,
        kind: Kind,
        urn: Option<&str>,
        attributes: &[Arc<Attribute>],
        members: Document,
    ) -> Document {
        let mut shown = Document::new();
        for (name, value) in members {
            let value = match attributes.iter().find(|attribute| attribute.name == name) {
                Some(attribute) => self.attribute(kind, urn, attribute, value),
                None => self.shows_unnamed().then_some(value),
            };
            if let Some(value) = value {
                shown.insert(name, value);
            }
        }
        shown
    }

    fn shows_unnamed(&self) -> bool {
        !matches!(self.0, Choice::Only(_))
    }

    /// What is shown of an attribute's value; `None` for nothing.
    fn attribute(&self, kind: Kind, urn: Option<&str>, attribute: &Attribute, value: Value) -> Option<Value> {
        let Some((only, names)) = self.names(kind) else { return without(attribute, value, false, None) };
        let section = names.section(urn);
        let within = section.is_some_and(|section| section.whole);
        let pick = section.and_then(|section| section.pick(&attribute.name));
        match only {
            true => only_named(attribute, value, within, pick),
            false => without(attribute, value, within, pick),
        }
    }

    /// The names for this kind, and whether only they are shown; `None` where no names were given.
    fn names(&self, kind: Kind) -> Option<(bool, &Names)> {
        let (only, lists) = match &self.0 {
            Choice::All => return None,
            Choice::Only(lists) => (true, lists),
            Choice::Without(lists) => (false, lists),
        };
        lists.iter().find(|(of, _)| *of == kind).map(|(_, names)| (only, names))
    }
}

/// Finds the names of a list in the schemas of each kind.
fn named(
    registry: &Registry,
    kinds: &[Kind],
    parameter: &str,
    list: &str,
) -> Result<Vec<(Kind, Names)>, ScimError> {
    let mut found: Vec<(Kind, Names)> = kinds.iter().map(|kind| (*kind, Names::default())).collect();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        for (kind, names) in &mut found {
            let what = path::resolve(registry, *kind, name).map_err(|fault| {
                ScimError::invalid_value(format!("{parameter} is a list of attribute names: {fault}"))
            })?;
            names.add(what);
        }
    }
    Ok(found)
}

impl Names {
    fn add(&mut self, what: Named) {
        let path = match what {
            Named::Unknown => return,
            Named::Core => {
                self.core.whole = true;
                return;
            }
            Named::Extension(urn) => {
                self.of(Some(urn)).whole = true;
                return;
            }
            Named::Attribute(path) | Named::OldDot(path) => path,
        };
        let registry::AttrPath { extension, attribute, sub } = path;
        let section = self.of(extension);
        let at = section.attributes.iter().position(|(known, _)| *known == attribute.name);
        let at = at.unwrap_or_else(|| {
            section.attributes.push((attribute.name.clone(), Pick::default()));
            section.attributes.len() - 1
        });
        let pick = &mut section.attributes[at].1;
        match sub {
            None => pick.whole = true,
            Some(sub) if !pick.subs.contains(&sub.name) => pick.subs.push(sub.name.clone()),
            Some(_) => {}
        }
    }

    /// The section of that extension, or of the core; made when there is none.
    fn of(&mut self, extension: Option<Arc<str>>) -> &mut Section {
        let Some(urn) = extension else { return &mut self.core };
        let at = self.extensions.iter().position(|(known, _)| *known == urn);
        let at = at.unwrap_or_else(|| {
            self.extensions.push((urn, Section::default()));
            self.extensions.len() - 1
        });
        &mut self.extensions[at].1
    }

    fn section(&self, urn: Option<&str>) -> Option<&Section> {
        match urn {
            None => Some(&self.core),
            Some(urn) => {
                self.extensions.iter().find(|(known, _)| **known == *urn).map(|(_, section)| section)
            }
        }
    }
}

impl Section {
    fn pick(&self, name: &str) -> Option<&Pick> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, pick)| pick)
    }
}

/// What `attributes` shows of a value. `within` says that the attribute's schema is named; what is returned on request
/// must be named itself.
fn only_named(attribute: &Attribute, value: Value, within: bool, pick: Option<&Pick>) -> Option<Value> {
    let by_itself = pick.is_some_and(|pick| pick.whole)
        || match attribute.returned {
            Returned::Always => pick.is_none(),
            Returned::Default => within,
            Returned::Request | Returned::Never => false,
        };
    if attribute.returned == Returned::Never || !(by_itself || pick.is_some()) {
        return None;
    }
    let part = |sub: &Attribute| pick.is_some_and(|pick| pick.subs.contains(&sub.name));
    parts(attribute, value, by_itself, |sub| match sub.returned {
        Returned::Always => true,
        Returned::Default => by_itself || part(sub),
        Returned::Request => part(sub),
        Returned::Never => false,
    })
}

/// What is shown of a value by default, and what `excludedAttributes` leaves of it. Naming what is always returned "SHALL
/// have no effect" (RFC 7644 §3.4.2.5).
fn without(attribute: &Attribute, value: Value, within: bool, pick: Option<&Pick>) -> Option<Value> {
    match attribute.returned {
        Returned::Never | Returned::Request => return None,
        Returned::Default if within || pick.is_some_and(|pick| pick.whole) => return None,
        Returned::Default | Returned::Always => {}
    }
    parts(attribute, value, true, |sub| match sub.returned {
        Returned::Always => true,
        Returned::Default => !pick.is_some_and(|pick| pick.subs.contains(&sub.name)),
        Returned::Request | Returned::Never => false,
    })
}

/// A value with the sub-attributes that are shown, and those that the schema does not know where `unknown` says so;
/// `None` when nothing is left.
fn parts(
    attribute: &Attribute,
    value: Value,
    unknown: bool,
    shows: impl Fn(&Attribute) -> bool,
) -> Option<Value> {
    if !attribute.is_complex() {
        return Some(value);
    }
    let left = |value: Value| match value {
        Value::Object(mut members) => {
            members.retain(|name, _| attribute.sub(name).map_or(unknown, |sub| shows(sub)));
            (!members.is_empty()).then_some(Value::Object(members))
        }
        other => Some(other),
    };
    match value {
        // An empty list is a group without members, and said.
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<Value> = items.into_iter().filter_map(left).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        other => left(other),
    }
}
