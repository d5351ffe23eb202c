//! `scimd check`: whether the file is whole, and whether what is kept twice agrees.

use std::path::Path;

use super::{ReadTx, Result, StoreError, engine};
use crate::base::{Clock, Ids, TeamId, Timestamp};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was looked at, each in a few words with its count.
    pub looked_at: Vec<String>,
    /// What is wrong; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a table or a team.
    pub place: String,
    /// What.
    pub what: String,
}

/// Findings of one kind that a report names at most.
const NAMED: usize = 20;

/// Pairs of a number that is kept and the statement that counts it anew; each row is team, kept, counted.
const COUNTS: [(&str, &str); 6] = [
    (
        "users",
        "select team, users, (select count(*) from resource r where r.team = t.team and kind = 1)
         from total t where team > 0",
    ),
    (
        "groups",
        "select team, groups, (select count(*) from resource r where r.team = t.team and kind = 2)
         from total t where team > 0",
    ),
    (
        "active users",
        "select team, active, (select count(*) from resource r where r.team = t.team and kind = 1
         and coalesce(active, 1) = 1) from total t where team > 0",
    ),
    (
        "resources of a run",
        "select team, resources, (select count(*) from resource r where r.team = u.team and r.kind = u.kind
         and r.n between u.run * 1024 and u.run * 1024 + 1023) from run u
         union all
         select team, coalesce((select sum(resources) from run u where u.team = t.team), 0), users + groups
         from total t where team > 0",
    ),
    (
        "events",
        "select team, events - forgotten, (select count(*) from event e where e.team = t.team)
         from total t where team > 0",
    ),
    (
        "members of a group",
        "select team, members, (select count(*) from member where holder = r.n) from resource r where kind = 2",
    ),
];

/// Statements that find nothing in a sound file; each row is a team and what is wrong.
const RULES: [(&str, &str); 7] = [
    (
        "event",
        "select team, 'event ' || number || ' is outside of ' || (forgotten + 1) || ' to ' || events
         from event join total using (team) where number > events or number <= forgotten",
    ),
    (
        "member",
        "select g.team, 'the membership of ' || m.id || ' in ' || g.id || ' names another kind or name than the member has'
         from member m join resource g on g.n = m.holder join resource r on r.n = m.member
         where m.id <> r.id or m.kind <> r.kind or m.display <> r.display or m.named <> r.named",
    ),
    (
        "member",
        "select g.team, 'the membership of ' || r.id || ' in ' || g.id || ' crosses teams or is held by a user'
         from member m join resource g on g.n = m.holder join resource r on r.n = m.member
         where g.team <> r.team or g.kind <> 2",
    ),
    (
        "above",
        "with recursive up (inner_group, outer_group) as (
             select member, holder from member where kind = 2
             union
             select up.inner_group, m.holder from up join member m on m.member = up.outer_group
         )
         select r.team, 'what is above the group ' || r.id || ' does not follow from its memberships'
         from (
             select inner_group from (select * from up except select * from above)
             union select inner_group from (select * from above except select * from up)
         ) join resource r on r.n = inner_group",
    ),
    (
        "activity",
        "select coalesce(a.team, 0), 'request ' || coalesce(a.n, t.id) || ' and the words it is found by do not stand together'
         from activity a full join activity_text_docsize t on t.id = a.n where a.n is null or t.id is null",
    ),
    (
        "attribute",
        "select a.team, 'an indexed value of ' || r.id || ' stands under another team or kind'
         from attribute a join resource r on r.n = a.resource where a.team <> r.team or a.kind <> r.kind",
    ),
    ("resource", "select team, 'the document of ' || id || ' is no JSON' from resource where not json_valid(doc)"),
];

/// Reads the whole file and compares what must agree; changes nothing.
pub fn check(file: &Path) -> Result<Report> {
    let mut report = Report::default();
    let connection = match engine::inspect(file) {
        Err(StoreError::Corrupt(what)) => {
            report.found("file", format!("it is damaged, or no database: {what}"));
            return Ok(report);
        }
        other => other?,
    };
    let ids = Ids::random(Clock::system());
    let tx = ReadTx::new(&connection, Timestamp::default(), &ids, None);
    match looked(&tx, &mut report) {
        // A damaged page stops the statement that meets it; what was found before it stands.
        Err(StoreError::Corrupt(what)) => report.found("file", format!("it is damaged: {what}")),
        other => other?,
    }
    Ok(report)
}

fn looked(tx: &ReadTx<'_>, report: &mut Report) -> Result<()> {
    integrity(tx, report)?;
    // Of a team that is being erased, what is left need not agree.
    let erased = tx.all("select n from team where erased is not null", [], |row| row.get::<_, TeamId>(0))?;
    counts(tx, &erased, report)?;
    for (place, sql) in RULES {
        let wrong = tx.all(sql, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let wrong = wrong.into_iter().filter(|(team, _)| !erased.contains(&TeamId(*team)));
        for (team, what) in wrong.take(NAMED) {
            report.found(format!("{place}, team {team}"), what);
        }
    }
    if let Some(n) = tx.verify_audit()? {
        report.found(
            "audit",
            format!("row {n} is missing, or it or the row before was changed after it was written"),
        );
    }
    for table in ["team", "resource", "member", "event", "activity", "audit"] {
        let count = tx.number(&format!("select count(*) from {table}"), [])?;
        report.looked_at.push(format!("{table}: {count} rows"));
    }
    Ok(())
}

fn integrity(tx: &ReadTx<'_>, report: &mut Report) -> Result<()> {
    let lines =
        tx.all("select integrity_check from pragma_integrity_check", [], |row| row.get::<_, String>(0))?;
    for line in lines.into_iter().filter(|line| line != "ok") {
        report.found("file", line);
    }
    let sql = "select \"table\", rowid, parent from pragma_foreign_key_check";
    let dangling = tx.all(sql, [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, String>(2)?))
    })?;
    for (table, row, parent) in dangling.into_iter().take(NAMED) {
        let row = row.map_or_else(|| "a row".to_owned(), |row| format!("row {row}"));
        report.found(table, format!("{row} points at a {parent} that is not there"));
    }
    report.looked_at.push("every page and index of the file".into());
    Ok(())
}

fn counts(tx: &ReadTx<'_>, erased: &[TeamId], report: &mut Report) -> Result<()> {
    for (what, sql) in COUNTS {
        let rows = tx.all(sql, [], |row| {
            Ok((row.get::<_, TeamId>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        let wrong =
            rows.into_iter().filter(|(team, kept, counted)| kept != counted && !erased.contains(team));
        for (team, kept, counted) in wrong.take(NAMED) {
            report.found(
                format!("team {}", team.0),
                format!("{what}: {kept} are noted and {counted} are there"),
            );
        }
    }
    Ok(())
}

impl Report {
    fn found(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.findings.push(Finding { place: place.into(), what: what.into() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::Kind;
    use crate::store::testing::{group, store, team, user};
    use crate::store::{By, Store, WriteTx};

    fn lived_in() -> Store {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        let (dev, all) = (group(&store, acme, "Dev"), group(&store, acme, "All"));
        let (ada, bob) = (user(&store, acme, "ada"), user(&store, acme, "bob"));
        let job = move |tx: &mut WriteTx| -> Result<()> {
            tx.add_numbers(acme, &dev, &[ada.n, bob.n])?;
            tx.add_numbers(acme, &all, &[dev.n])?;
            tx.delete_resource(acme, &bob, crate::store::By::default())?;
            for _ in 0..3 {
                tx.append_event(acme, By::default(), "user.updated", Kind::User, &ada.id, &json!({}))?;
            }
            tx.append_audit(Some(acme), &crate::store::Hand::here("ada"), "team.created", "Acme", &json!({}))
                .map(drop)
        };
        store.write_blocking(job).unwrap();
        store
    }

    fn findings_after(sql: &'static str) -> Vec<String> {
        let store = lived_in();
        store.write_blocking(move |tx| tx.run(sql, [])).unwrap();
        let report = check(store.file()).unwrap();
        report.findings.into_iter().map(|finding| format!("{}: {}", finding.place, finding.what)).collect()
    }

    #[test]
    fn a_sound_file_has_no_findings() {
        let store = lived_in();
        let report = check(store.file()).unwrap();
        assert_eq!(report.findings, []);
        assert!(report.looked_at.contains(&"event: 3 rows".to_owned()), "{:?}", report.looked_at);
    }

    #[test]
    fn what_does_not_agree_is_named() {
        for (sql, expected) in [
            ("update total set users = users + 1 where team = 1", "users: 2 are noted and 1 are there"),
            ("update total set active = 0 where team = 1", "active users: 0 are noted and 1 are there"),
            (
                "update run set resources = 9 where kind = 2",
                "resources of a run: 9 are noted and 2 are there",
            ),
            ("delete from event where number = 2", "events: 3 are noted and 2 are there"),
            ("update event set number = 7 where number = 3", "event 7 is outside of 1 to 3"),
            (
                "update resource set members = 5 where display = 'Dev'",
                "members of a group: 5 are noted and 1 are there",
            ),
            ("update member set display = 'eve' where kind = 1", "names another kind or name"),
            ("delete from above", "what is above the group"),
            ("update audit set who = 'eve'", "row 1 is missing"),
            ("update resource set doc = '{' where kind = 1", "is no JSON"),
        ] {
            let findings = findings_after(sql);
            assert!(findings.iter().any(|finding| finding.contains(expected)), "{sql}: {findings:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_is_a_finding_and_no_panic() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("scimd.db");
        std::fs::write(&file, "this is no database, and it is long enough to have a header".repeat(40))
            .unwrap();
        assert_eq!(check(&file).unwrap().findings.len(), 1);
        assert!(matches!(check(&directory.path().join("none.db")), Err(StoreError::File { .. })));
    }

    #[test]
    fn a_damaged_page_is_a_finding() {
        let store = lived_in();
        let copy = store.file().with_extension("copy");
        store.backup_to(&copy).unwrap();
        let mut bytes = std::fs::read(&copy).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        std::fs::write(&copy, bytes).unwrap();
        assert_ne!(check(&copy).unwrap().findings, []);
    }
}
