//! The support file: what somebody who helps needs to know of this server, without secrets and without anybody's data. The
//! page shows all of it before it is taken away.

use askama::Template;
use serde_json::{Map, Value, json};

use super::error::Fault;
use super::health::checks;
use super::page::{Here, Page, Shell, html};
use super::parts::Fact;
use crate::base::TeamId;
use crate::http::Response;
use crate::service::Error;
use crate::store::TeamState;

#[derive(Template)]
#[template(path = "support.html")]
struct SupportPage {
    shell: Shell,
    parts: Vec<Fact>,
    text: String,
}

/// The page: what is in the file, and the file as it is now.
pub async fn show(mut page: Page<'_, '_>) -> Result<Response, Fault> {
    let text = text(&page).await?;
    let parts = [
        ("scimd", "Version, kind of system, how long it has been running"),
        ("settings", "What scimd was started with; of files and keys only whether they are set"),
        ("checks", "Each check of System health and what it says"),
        ("counts", "Teams by number, with how many users, groups, tokens and requests"),
        ("sizes", "The database, its parts, the disk, and how full it was on each day"),
        ("load", "Requests of the last hour, answer times, memory"),
    ];
    let template = SupportPage {
        parts: parts.into_iter().map(|(name, what)| Fact::new(name, what)).collect(),
        text,
        shell: page.shell("Support file", Here::Health),
    };
    html(200, &template)
}

/// The file.
pub async fn file(page: Page<'_, '_>) -> Result<Response, Fault> {
    let text = text(&page).await?;
    let day = page.visit.zone.date(page.visit.zone.now());
    Ok(Response::json(200, "application/json", text.into_bytes())
        .header("content-disposition", &format!("attachment; filename=\"scimd-support-{day}.json\"")))
}

async fn text(page: &Page<'_, '_>) -> Result<String, Fault> {
    let desk = page.visit.desk;
    let zone = &page.visit.zone;
    let found = desk.service.health(page.team.id).await?;
    let checks = checks(desk, zone, &found).into_iter().map(|check| {
        let state = match check.kind {
            "ok" => "ok",
            "todo" => "not seen",
            _ => "attention",
        };
        json!({ "check": check.title, "state": state, "says": check.at })
    });
    let states = desk.service.store().read_now(|tx| -> Result<_, Error> { Ok(tx.team_states()?) })?;
    let count = |(team, state): (TeamId, TeamState)| {
        let totals = state.totals;
        json!({
            "team": team.0, "users": totals.users, "active": totals.active, "groups": totals.groups,
            "tokens": state.tokens, "working tokens": state.working, "providers": state.providers,
            "requests take": state.request_bytes, "schemas": state.schemas,
        })
    };
    let counts: Vec<Value> = states.into_iter().map(count).collect();
    let settings: Map<String, Value> =
        desk.options.settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let days = found.disk.days.iter().map(|day| json!([zone.date(day.day), day.file, day.used]));
    let uses = found.disk.uses.map(|(_, uses)| {
        json!({ "requests": uses.requests, "events": uses.events, "directory": uses.directory, "other": uses.other,
                "free": uses.free })
    });
    let file = json!({
        "scimd": {
            "version": env!("CARGO_PKG_VERSION"),
            "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            "made": zone.now().render(),
            "started": desk.started.render(),
        },
        "settings": settings,
        "checks": checks.collect::<Vec<_>>(),
        "counts": { "administrators": desk.service.admins()?.len(), "teams": counts },
        "sizes": {
            "database": found.room.file, "disk": found.room.disk, "disk free": found.room.free, "parts": uses,
            "days (day, database, disk used)": days.collect::<Vec<_>>(),
        },
        "load": {
            "requests of the last hour": found.load.requests, "median us": found.load.median, "p99 us": found.load.p99,
            "memory": found.memory,
        },
    });
    // Alternate form: on lines of their own, with blanks in front.
    Ok(format!("{file:#}\n"))
}
