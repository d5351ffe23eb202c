//! Comparing a provider's own export with the directory: the form that takes a file or a pasted text, and what differs.
//! Nothing is changed, and nothing of what was sent is kept: the list to download stands in the page itself.

use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{Fault, sentence};
use super::page::{Here, Page, Shell, html};
use super::parts::{Errors, Field, FieldFault, Icon, Notice, clipped};
use crate::http::forms::FormError;
use crate::http::{BodyError, Response};
use crate::scim::Kind;
use crate::service::Error;
use crate::service::compare::{Difference, Differences, Export};
use crate::service::export::guarded;
use crate::service::sentence::number;

/// The largest form that is read.
const LIMIT: usize = 32 * 1024 * 1024;
/// Lines of each list that the page shows; all of them are in the list to download.
const SHOWN: usize = 200;
/// A result with more lines is downloaded by its own button, so that no page grows without end.
const CARRIED: usize = 5000;

/// One difference on the page.
struct Line {
    href: String,
    name: String,
    group: String,
    group_href: String,
    detail: String,
    place: String,
}

/// One of the four lists.
struct Listed {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    count: String,
    lines: Vec<Line>,
    more: String,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    shell: Shell,
    errors: Errors,
    file: Field,
    text: Field,
    group: Field,
    notice: Option<Notice>,
    lists: Vec<Listed>,
    download: String,
    too_many: bool,
    provider: &'static str,
    glyph: Icon,
    limit: String,
}

/// The form.
pub fn form(page: Page<'_, '_>) -> Result<Response, Fault> {
    show(page, 200, Sent::default(), Vec::new(), None)
}

/// Compares what was sent, and shows or sends what differs.
pub async fn compare(page: Page<'_, '_>) -> Result<Response, Fault> {
    // One at a time: a file and everybody who is here lie in memory meanwhile.
    let desk = page.visit.desk;
    let _turn = desk.comparing.lock().await;
    let sent = match page.visit.upload(LIMIT).await {
        Ok(sent) => sent,
        Err(Fault::Form(FormError::Body(BodyError::TooLarge(_)))) => {
            let words = format!(
                "The file is larger than {} MB. Take out columns that are not needed, or use the command scimd compare",
                LIMIT / 1024 / 1024
            );
            return show(page, 413, Sent::default(), vec![FieldFault::new("file", words)], None);
        }
        Err(fault) => return Err(fault),
    };
    let text = sent.text("text").unwrap_or_default().to_owned();
    let group = sent.text("group").unwrap_or_default().trim().to_owned();
    let typed = Sent { text: &text, group: &group };
    let file = sent.file("file").map(|(_, content)| content.clone());
    let bytes = match (file, text.trim().is_empty()) {
        (Some(_), false) => {
            let words = "Choose a file or paste a text, not both";
            return show(page, 422, typed, vec![FieldFault::new("text", words)], None);
        }
        (Some(file), true) => file,
        (None, false) => text.clone().into_bytes().into(),
        (None, true) => {
            let words = "Choose a file, or paste its content below";
            return show(page, 422, typed, vec![FieldFault::new("file", words)], None);
        }
    };
    let field = if text.trim().is_empty() { "file" } else { "text" };
    let of = Some(group.clone()).filter(|group| !group.is_empty());
    let export = tokio::task::spawn_blocking(move || Export::read(&bytes, of.as_deref()));
    let export = export.await.map_err(Error::internal)?;
    let found = match export {
        Ok(export) => desk.service.compare(page.team.id, &export).await?,
        Err(Error::Refused(words)) => {
            let words = sentence(&words).trim_end_matches('.').to_owned();
            return show(page, 422, typed, vec![FieldFault::new(field, words)], None);
        }
        Err(error) => return Err(error.into()),
    };
    if sent.text("as") == Some("csv") {
        let name = format!("attachment; filename=\"compared-{}.csv\"", page.team.slug);
        let response = Response::bytes(200, "text/csv; charset=utf-8", csv(&found));
        return Ok(response.header("content-disposition", &name));
    }
    show(page, 200, typed, Vec::new(), Some(&found))
}

/// What was typed, to stand in the form again.
#[derive(Clone, Copy, Default)]
struct Sent<'a> {
    text: &'a str,
    group: &'a str,
}

fn show(
    mut page: Page<'_, '_>,
    status: u16,
    sent: Sent<'_>,
    faults: Vec<FieldFault>,
    found: Option<&Differences>,
) -> Result<Response, Fault> {
    let title = if faults.is_empty() { "Compare" } else { "Error: Compare" };
    let base = page.base();
    let provider = super::idp::of(&page);
    let lines = found.map_or(0, |found| found.lists().iter().map(|(_, list)| list.len()).sum());
    let template = ComparePage {
        file: Field::new("file", "", true, &faults),
        text: Field::new("text", sent.text, true, &faults),
        group: Field::new("group", sent.group, true, &faults),
        notice: found.map(said),
        lists: found.map(|found| lists(&base, found)).unwrap_or_default(),
        download: found.filter(|_| (1..=CARRIED).contains(&lines)).map(carried).unwrap_or_default(),
        too_many: lines > CARRIED,
        provider: provider.name,
        glyph: Icon { name: "download" },
        limit: format!("{} MB", LIMIT / 1024 / 1024),
        shell: page.shell(title, Here::Compare),
        errors: Errors { faults },
    };
    html(status, &template)
}

fn said(found: &Differences) -> Notice {
    let compared = match found.compared {
        1 => "1 user or group".to_owned(),
        n => format!("{} users and groups", number(n as u64)),
    };
    match found.is_empty() {
        true => Notice {
            kind: "ok",
            title: "The directory is as the file says".into(),
            text: format!("Looked at {compared} of the file. Nothing is missing, extra or different.").into(),
            alert: true,
            ..Notice::default()
        },
        false => Notice {
            kind: if found.wrongly_active.is_empty() { "warn" } else { "bad" },
            title: "The directory is not as the file says".into(),
            text: format!(
                "Looked at {compared} of the file. Nothing was changed here: mend it where the people are \
                kept, so that it is sent again."
            )
            .into(),
            alert: true,
            ..Notice::default()
        },
    }
}

fn lists(base: &str, found: &Differences) -> Vec<Listed> {
    let list = |id, title, hint, all: &[Difference]| Listed {
        id,
        title,
        hint,
        count: number(all.len() as u64),
        lines: all.iter().take(SHOWN).map(|one| line(base, one)).collect(),
        more: match all.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!("and {} more, all in the list to download", number(more as u64)),
        },
    };
    let all = [
        list(
            "active",
            "Wrongly active",
            "Inactive with the provider, active here: they may still get in.",
            &found.wrongly_active,
        ),
        list("missing", "Missing here", "In the file and not in this directory.", &found.missing),
        list(
            "extra",
            "Here and not in the file",
            "The provider no longer sends them, or never did.",
            &found.extra,
        ),
        list("different", "Different", "Here, with other values.", &found.different),
    ];
    all.into_iter().filter(|list| !list.lines.is_empty()).collect()
}

fn line(base: &str, one: &Difference) -> Line {
    let page = if one.kind == Kind::User { "users" } else { "groups" };
    let group = one.group.as_ref();
    Line {
        href: one.id.as_ref().map(|id| format!("{base}{page}/{id}")).unwrap_or_default(),
        name: clipped(&one.name, 120),
        group: group.map(|group| clipped(&group.name, 120)).unwrap_or_default(),
        group_href: group.map(|group| format!("{base}groups/{}", group.id)).unwrap_or_default(),
        detail: clipped(&one.detail, 400),
        place: match (one.line, one.kind) {
            (Some(line), _) => format!("Line {line}"),
            (None, Kind::User) => "User".to_owned(),
            (None, Kind::Group) => "Group".to_owned(),
        },
    }
}

/// The result as a file within the page.
fn carried(found: &Differences) -> String {
    format!("data:text/csv;charset=utf-8;base64,{}", STANDARD.encode(csv(found)))
}

fn csv(found: &Differences) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: [&str; 7]| writer.write_record(cells).expect("memory takes every record");
    write(["finding", "kind", "name", "id", "group", "line", "detail"]);
    for (finding, list) in found.lists() {
        for one in list {
            let line = one.line.map(|line| line.to_string()).unwrap_or_default();
            write([
                finding,
                if one.kind == Kind::User { "user" } else { "group" },
                &guarded(&one.name),
                one.id.as_deref().unwrap_or_default(),
                &guarded(one.group.as_ref().map_or("", |group| &group.name)),
                &line,
                &guarded(&one.detail),
            ]);
        }
    }
    writer.into_inner().expect("memory takes every record")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::compare::Named;

    fn found() -> Differences {
        let one = |name: &str, detail: &str| Difference {
            kind: Kind::User,
            name: name.into(),
            id: Some("u1".into()),
            line: None,
            group: None,
            detail: detail.into(),
        };
        let group = Some(Named { name: "=cmd()".into(), id: "g1".into() });
        Differences {
            missing: vec![Difference { id: None, line: Some(7), ..one("@sum", "") }],
            extra: vec![Difference { group, ..one("ada, \"the first\"", "") }],
            wrongly_active: vec![one("bea", "active here, inactive in the file")],
            compared: 3,
            ..Differences::default()
        }
    }

    #[test]
    fn the_list_to_download_is_quoted_and_holds_no_formula() {
        let text = String::from_utf8(csv(&found())).expect("UTF-8");
        assert_eq!(
            text,
            "finding,kind,name,id,group,line,detail\n\
             missing here,user,'@sum,,,7,\n\
             here and not in the file,user,\"ada, \"\"the first\"\"\",u1,'=cmd(),,\n\
             wrongly active,user,bea,u1,,,\"active here, inactive in the file\"\n"
        );
        let carried = carried(&found());
        let (_, encoded) = carried.split_once("base64,").expect("a data address");
        assert_eq!(STANDARD.decode(encoded).expect("base64"), text.into_bytes());
    }

    #[test]
    fn who_may_still_get_in_stands_first_and_people_are_linked() {
        let lists = lists("/admin/t/a/", &found());
        assert_eq!(lists.iter().map(|list| list.id).collect::<Vec<_>>(), ["active", "missing", "extra"]);
        assert_eq!(
            (lists[0].lines[0].href.as_str(), lists[1].lines[0].href.as_str()),
            ("/admin/t/a/users/u1", "")
        );
        assert_eq!(lists[2].lines[0].group_href, "/admin/t/a/groups/g1");
        let many =
            Differences { missing: vec![found().missing[0].clone(); SHOWN + 3], ..Differences::default() };
        let lists = super::lists("/", &many);
        assert_eq!((lists[0].lines.len(), lists[0].count.as_str()), (SHOWN, "203"));
        assert!(lists[0].more.starts_with("and 3 more"), "{}", lists[0].more);
    }
}
