//! Attributes of a team's own: its schema extensions with their attributes and how many use each, adding one by pasting or
//! choosing its document, and removing one that nobody uses. What a document must be is the service's business.

use askama::Template;
use serde_json::Value;

use super::confirm::Confirm;
use super::error::{Fault, sentence};
use super::page::{Here, Page, Shell, html};
use super::parts::{Empty, Errors, Field, FieldFault, Link, Notice, clipped, counted};
use crate::http::{Response, query};
use crate::scim::{Kind, json};
use crate::service::Error;
use crate::service::schemas::{Added, SchemaUsers};
use crate::store::TeamSchema;

/// The longest form that is read, and how much of a document comes back with it; a document has a limit of its own.
const LIMIT: usize = 1024 * 1024;
const SHOWN: usize = 300 * 1024;

/// What was done just before, as the address says, and its words.
const DONE: [(&str, &str); 4] = [
    ("added", "The schema was added"),
    ("changed", "The schema was changed"),
    ("unchanged", "The team has this schema already, just so. Nothing was changed"),
    ("removed", "The schema was removed"),
];

struct SchemaPanel {
    id: usize,
    urn: String,
    name: String,
    description: String,
    of: &'static str,
    used: String,
    remove: String,
    change: String,
    attributes: Vec<AttributeLine>,
}

struct AttributeLine {
    name: String,
    sub: bool,
    kind: String,
    says: String,
    description: String,
}

#[derive(Template)]
#[template(path = "schemas.html")]
struct SchemasPage {
    shell: Shell,
    notices: Vec<Notice>,
    may_change: bool,
    empty: Option<Empty>,
    schemas: Vec<SchemaPanel>,
}

#[derive(Template)]
#[template(path = "schema_add.html")]
struct AddPage {
    shell: Shell,
    errors: Errors,
    document: Field,
    for_group: bool,
}

/// The list.
pub async fn list(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let found = page.visit.desk.service.team_schemas(page.team.id).await?;
    let (base, may_change) = (page.base(), page.may_change());
    let asked = &page.visit.request.query;
    let done = DONE.iter().filter(|(name, _)| asked.get(name).is_some()).take(1);
    let notices = done.map(|(_, title)| Notice {
        kind: "ok",
        title: (*title).into(),
        alert: true,
        ..Notice::default()
    });
    let notices = notices.collect();
    let empty = found.is_empty().then(|| Empty {
        title: "No attributes of your own yet".into(),
        text: "Users and groups have the attributes of the standard. A schema adds more, such as a badge number; \
               identity providers then find it at /Schemas."
            .into(),
        links: may_change
            .then(|| Link::new(format!("{base}schemas/add"), "Add a schema"))
            .into_iter()
            .collect(),
        ..Empty::default()
    });
    let schemas = found.into_iter().enumerate();
    let schemas = schemas.map(|(id, (schema, used))| panel(id, &base, &schema, used)).collect();
    let template = SchemasPage {
        notices,
        may_change,
        empty,
        schemas,
        shell: page.shell("Attributes of your own", Here::Team),
    };
    html(200, &template)
}

fn panel(id: usize, base: &str, schema: &TeamSchema, used: u64) -> SchemaPanel {
    let urn = query::encode(&schema.urn);
    let text = |name: &str| schema.document[name].as_str().unwrap_or_default().to_owned();
    let (of, one) = match schema.kind {
        Kind::User => ("Users", "user"),
        Kind::Group => ("Groups", "group"),
    };
    let mut attributes = Vec::new();
    lines(&mut attributes, &schema.document["attributes"], "");
    SchemaPanel {
        id,
        name: Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| schema.urn.clone()),
        description: text("description"),
        of,
        used: if used == 0 { "Used by nobody".to_owned() } else { format!("Used by {}", counted(used, one)) },
        remove: format!("{base}schemas/remove?urn={urn}"),
        change: format!("{base}schemas/add?urn={urn}"),
        urn: schema.urn.clone(),
        attributes,
    }
}

/// A line for each attribute, and one for each of its parts.
fn lines(into: &mut Vec<AttributeLine>, attributes: &Value, within: &str) {
    for attribute in attributes.as_array().into_iter().flatten() {
        let text = |name: &str| attribute[name].as_str().unwrap_or_default();
        let name = format!("{within}{}", text("name"));
        let is = |name: &str| attribute[name] == true;
        let mut says = Vec::new();
        let marks = [
            (is("required"), "required"),
            (is("multiValued"), "several values"),
            (text("uniqueness") != "none" && !text("uniqueness").is_empty(), "unique"),
            (is("caseExact"), "case matters"),
            (text("mutability") == "readOnly", "read only"),
            (text("mutability") == "immutable", "set once"),
            (text("mutability") == "writeOnly" || text("returned") == "never", "not kept"),
            (text("returned") == "request", "shown on request"),
        ];
        says.extend(marks.iter().filter(|(holds, _)| *holds).map(|(_, word)| *word));
        into.push(AttributeLine {
            sub: !within.is_empty(),
            kind: text("type").to_owned(),
            says: says.join(", "),
            description: text("description").to_owned(),
            name: name.clone(),
        });
        lines(into, &attribute["subAttributes"], &format!("{name}."));
    }
}

/// The form to add one; with the URN of one that is there, its document stands in it.
pub async fn add_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let urn = page.visit.request.query.get("urn").unwrap_or_default().to_owned();
    if urn.is_empty() {
        return show_add(page, 200, "", false, Vec::new());
    }
    let known = page.visit.desk.service.schema_users(page.team.id, &urn).await?.schema;
    let text = serde_json::to_string_pretty(&known.document)
        .map_err(|error| Fault::Service(Error::internal(error)))?;
    show_add(page, 200, &text, known.kind == Kind::Group, Vec::new())
}

fn show_add(
    mut page: Page<'_, '_>,
    status: u16,
    document: &str,
    for_group: bool,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Add a schema" } else { "Error: Add a schema" };
    let template = AddPage {
        document: Field::new("document", clipped(document, SHOWN), true, &faults),
        for_group,
        shell: page.shell(title, Here::Team),
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Adds the schema of a pasted or chosen document, or changes the one of its URN.
pub async fn add(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let form = page.upload(LIMIT).await?;
    let pasted = form.text("document").unwrap_or_default();
    let chosen = form.file("file").map(|(_, content)| content.as_ref());
    // Browsers end the lines of a pasted text as the protocol does; its places are counted as they look.
    let bytes = chosen.map_or_else(|| pasted.replace("\r\n", "\n").into_bytes(), <[u8]>::to_vec);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let for_group = form.text("for") == Some("Group");
    let kind = if for_group { Kind::Group } else { Kind::User };
    let words = match json::parse(&bytes) {
        _ if text.trim().is_empty() => "Paste a document, or choose a file".to_owned(),
        Err(error) => error.detail,
        Ok(document) => {
            let service = &page.visit.desk.service;
            match service.add_schema(&page.who.actor(), page.team.id, kind, document).await {
                Ok((_, added)) => {
                    let done = match added {
                        Added::New => "added",
                        Added::Changed => "changed",
                        Added::Unchanged => "unchanged",
                    };
                    return Ok(Response::redirect(&format!("{}schemas?{done}=1", page.base())));
                }
                Err(Error::Refused(words)) => words,
                Err(error) => return Err(error.into()),
            }
        }
    };
    show_add(page, 422, &text, for_group, vec![FieldFault::new("document", words)])
}

/// Asks before a schema is removed; says who uses it where it cannot be.
pub async fn remove_page(page: Page<'_, '_>) -> Result<Response, Fault> {
    let urn = page.visit.request.query.get("urn").unwrap_or_default().to_owned();
    let used = page.visit.desk.service.schema_users(page.team.id, &urn).await?;
    show_remove(page, 200, &used, Vec::new())
}

fn show_remove(
    mut page: Page<'_, '_>,
    status: u16,
    used: &SchemaUsers,
    faults: Vec<FieldFault>,
) -> Result<Response, Fault> {
    if !page.may_change() {
        return Err(Fault::ReadOnly);
    }
    let base = page.base();
    let urn = &used.schema.urn;
    let name = used.schema.document["name"].as_str().unwrap_or(urn).to_owned();
    let free = used.count == 0;
    let paragraphs = match free {
        true => vec![
            format!("Nobody has values under {urn}."),
            "Its attributes are refused or dropped from then on, and providers no longer find it at /Schemas.".into(),
        ],
        false => vec![
            format!("{} cannot be removed: {}.", urn, used.sentence()),
            "Take the values away at the identity provider first, or with a PATCH that removes the schema’s URN."
                .into(),
        ],
    };
    let title = if faults.is_empty() { "Remove a schema" } else { "Error: Remove a schema" };
    let template = Confirm {
        shell: page.shell(title, Here::Team),
        crumbs: vec![
            Link::new(format!("{base}team"), "Team settings"),
            Link::new(format!("{base}schemas"), "Attributes of your own"),
        ],
        last: "Remove",
        heading: match free {
            true => format!("Remove the schema “{name}”?"),
            false => format!("“{name}” is in use"),
        },
        paragraphs,
        typed: None,
        action: format!("{base}schemas/remove?urn={}", query::encode(urn)),
        safe: format!("{base}schemas"),
        safe_text: if free { "Keep it" } else { "Back to the list" },
        danger_text: if free { "Remove the schema" } else { "" },
        errors: Errors { faults },
    };
    html(status, &template)
}

/// Removes the schema, unless somebody has begun to use it meanwhile.
pub async fn remove(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    page.form().await?;
    let urn = page.visit.request.query.get("urn").unwrap_or_default().to_owned();
    let desk = page.visit.desk;
    match desk.service.remove_schema(&page.who.actor(), page.team.id, &urn).await {
        Ok(_) => Ok(Response::redirect(&format!("{}schemas?removed=1", page.base()))),
        Err(Error::Refused(words)) => {
            let used = desk.service.schema_users(page.team.id, &urn).await?;
            show_remove(page, 422, &used, vec![FieldFault::new("", sentence(&words))])
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_attribute_and_each_part_has_its_line() {
        let document = json!([
            { "name": "number", "type": "string", "uniqueness": "server", "required": true },
            { "name": "doors", "type": "complex", "multiValued": true, "uniqueness": "none", "subAttributes": [
                { "name": "value", "type": "string", "mutability": "immutable", "returned": "request" } ] },
        ]);
        let mut found = Vec::new();
        lines(&mut found, &document, "");
        let told: Vec<_> = found
            .iter()
            .map(|line| (line.name.as_str(), line.kind.as_str(), line.says.as_str(), line.sub))
            .collect();
        assert_eq!(
            told,
            [
                ("number", "string", "required, unique", false),
                ("doors", "complex", "several values", false),
                ("doors.value", "string", "set once, shown on request", true),
            ]
        );
    }
}
