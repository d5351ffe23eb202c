//! Finding requests: by what they were, whom they were about, when they came, and by words.

use std::ops::ControlFlow;

use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::{ActivityQuery, ActivityRow, COLUMNS, Spot, Which, read, select, words};
use crate::base::{TeamId, Timestamp};
use crate::store::counts::{Hour, NO_TEAM};
use crate::store::{ReadTx, Result};

impl ReadTx<'_> {
    /// Requests of a team, or with `None` those that belong to no team, newest first: in the order of their times, or where
    /// words are looked for in the order in which they were written.
    pub fn activity(&self, team: Option<TeamId>, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        self.page(&[team], query)
    }

    /// Requests of a team and of no team that were written after the row of that number, oldest first.
    pub fn activity_since(&self, team: TeamId, n: i64, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let Some(mut all) = Parts::of(&teams(team, query), query) else { return Ok(Vec::new()) };
        all.and(" and n > ?", n);
        self.all(&all.sql("n", query.limit), params_from_iter(all.values), read)
    }

    /// Requests of a team and of no team in one list, newest first.
    pub fn activity_of_all(&self, team: TeamId, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let mut rows = self.page(&teams(team, query), query)?;
        if let (true, Some(text), None) = (rows.is_empty(), &query.text, query.after) {
            rows.extend(self.activity_gathering(team, query, text.trim())?);
            rows.truncate(query.limit as usize);
        }
        Ok(rows)
    }

    /// Several lists of requests of a team, and those of them of no team too that say so, in one statement. They are whole
    /// lists, newest first, without words to look for.
    pub fn activity_lists(
        &self,
        team: TeamId,
        lists: &[(bool, ActivityQuery)],
    ) -> Result<Vec<Vec<ActivityRow>>> {
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for (place, (all, query)) in lists.iter().enumerate() {
            let teams = if *all { teams(team, query) } else { vec![Some(team)] };
            let Some(parts) = Parts::of(&teams, query) else { continue };
            texts.push(format!(
                "select *, {place} as list from ({})",
                parts.sql("at desc, n desc", query.limit)
            ));
            values.extend(parts.values);
        }
        let sql = format!("{} order by list, at desc, n desc", texts.join(" union all "));
        let mut found = vec![Vec::new(); lists.len()];
        self.each(&sql, params_from_iter(values), |row| {
            found[row.get::<_, usize>(COLUMNS)?].push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    fn page(&self, teams: &[Option<TeamId>], query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let Some(all) = Parts::of(teams, query) else { return Ok(Vec::new()) };
        // In the order in which words lead to rows, a page ends with its last row and not with the last row of all.
        let order = match (&query.text, query.after) {
            (None, None) => "at desc, n desc",
            (None, Some(_)) => "at, n",
            (Some(_), None) => "n desc",
            (Some(_), Some(_)) => "n",
        };
        let mut rows = self.all(&all.sql(order, query.limit), params_from_iter(all.values), read)?;
        if query.after.is_some() {
            rows.reverse();
        }
        Ok(rows)
    }

    /// One request of a team by its public id.
    pub fn activity_by_request(&self, team: Option<TeamId>, request: &str) -> Result<Option<ActivityRow>> {
        self.one(
            select!("where request = ? and team = ? order by n desc limit 1"),
            params![request, team.unwrap_or(NO_TEAM)],
            read,
        )
    }

    /// One request of a team or of no team by its public id, or the row in which it is a line among many.
    pub fn activity_of_request(&self, team: TeamId, request: &str) -> Result<Option<ActivityRow>> {
        // The team's own goes first.
        let sql = select!("where request = ? and team in (?, ?) order by team desc, n desc limit 1");
        match self.one(sql, params![request, team, NO_TEAM], read)? {
            Some(row) => Ok(Some(row)),
            None => self.activity_gathering(team, &ActivityQuery::default(), request),
        }
    }

    /// The requests of a team and of no team beside one in the order of their times: the one before it and the one after it.
    pub fn activity_beside(
        &self,
        team: TeamId,
        (at, n): Spot,
    ) -> Result<(Option<ActivityRow>, Option<ActivityRow>)> {
        let one = ActivityQuery { limit: 1, ..ActivityQuery::default() };
        let before = self.activity_of_all(team, &ActivityQuery { before: Some((at, n)), ..one.clone() })?;
        let after = self.activity_of_all(team, &ActivityQuery { after: Some((at, n)), ..one })?;
        Ok((before.into_iter().next(), after.into_iter().next()))
    }

    /// How many requests of a team and of no team came in each hour, as far back as requests are kept, oldest first; and the
    /// number of the request that was written last, of whatever team.
    pub fn activity_hours(&self, team: TeamId) -> Result<Hours> {
        let sql = "select null, (select max(n) from activity), (select count(*) from audit where team = ?1)
                       + (select count(*) from audit where team is null), 0 union all
                   select hour, reads, changes, errors from hour where team in (?1, ?2) and hour >= coalesce(
                       (select min(at) from (select min(at) as at from activity where team = ?1
                        union all select min(at) from activity where team = ?2)), 1e18) - 3600000";
        let Hours { mut newest, mut audited, mut hours } = Hours::default();
        self.each(sql, params![team, NO_TEAM], |row| {
            match row.get::<_, Option<Timestamp>>(0)? {
                None => (newest, audited) = (row.get::<_, Option<i64>>(1)?.unwrap_or(0), row.get(2)?),
                Some(hour) => {
                    let (reads, changes) = (row.get(1)?, row.get(2)?);
                    hours.push(Hour { hour, reads, changes, errors: row.get(3)?, ..Hour::default() });
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        // Two lists in order, which a stable sort joins in one pass.
        hours.sort_by_key(|hour| hour.hour);
        hours.dedup_by(|next, hour| {
            let same = next.hour == hour.hour;
            if same {
                hour.reads += next.reads;
                hour.changes += next.changes;
                hour.errors += next.errors;
            }
            same
        });
        Ok(Hours { newest, audited, hours })
    }

    /// The number of the row that was written last, of whatever team.
    pub fn newest_activity(&self) -> Result<i64> {
        self.number("select max(n) from activity", [])
    }

    /// How many bytes the rows and bodies of a team take.
    pub fn activity_bytes(&self, team: Option<TeamId>) -> Result<u64> {
        let sql = "select activity_bytes from total where team = ?";
        Ok(self.number(sql, [team.unwrap_or(NO_TEAM)])? as u64)
    }
}

/// What is counted of a team's activity.
#[derive(Clone, Debug, Default)]
pub struct Hours {
    /// The number of the row that was written last, of whatever team.
    pub newest: i64,
    /// Changes by administrators, of the team and of who may sign in.
    pub audited: u64,
    /// Requests of the team and of no team by their hours, oldest first.
    pub hours: Vec<Hour>,
}

/// Whose rows a list shows: what belongs to no team has no token.
fn teams(team: TeamId, query: &ActivityQuery) -> Vec<Option<TeamId>> {
    match query.token.is_none() {
        true => vec![Some(team), None],
        false => vec![Some(team)],
    }
}

/// The lists of several teams in one statement.
struct Parts {
    table: &'static str,
    conditions: Vec<String>,
    values: Vec<Sql>,
}

impl Parts {
    /// `None` for a text without a single word in it, which nothing can match.
    fn of(teams: &[Option<TeamId>], query: &ActivityQuery) -> Option<Parts> {
        if query.text.as_deref().is_some_and(words::is_empty) {
            return None;
        }
        let table = match query.text {
            Some(_) => select!("join activity_text on activity_text.rowid = n"),
            None => select!(""),
        };
        let mut parts = Parts { table, conditions: Vec::new(), values: Vec::new() };
        for team in teams {
            let (condition, values) = condition(*team, query);
            parts.conditions.push(condition);
            parts.values.extend(values);
        }
        Some(parts)
    }

    /// Adds a condition to every part.
    fn and(&mut self, condition: &str, value: i64) {
        let each = self.values.len() / self.conditions.len();
        for (part, text) in self.conditions.iter_mut().enumerate() {
            text.push_str(condition);
            self.values.insert((part + 1) * each + part, value.into());
        }
    }

    /// The statement: each part is a walk of its own that ends at the limit, and so does the whole.
    fn sql(&self, order: &str, limit: u32) -> String {
        // The rows that words lead to come in the order of their numbers, which their index knows by another name.
        let inner = match order.strip_prefix('n').filter(|_| self.table.contains("activity_text")) {
            Some(way) => format!("activity_text.rowid{way}"),
            None => order.to_owned(),
        };
        let part =
            |condition: &String| format!("{} where {condition} order by {inner} limit {limit}", self.table);
        match self.conditions.as_slice() {
            [one] => part(one),
            all => {
                let all: Vec<String> =
                    all.iter().map(|one| format!("select * from ({})", part(one))).collect();
                format!("{} order by {order} limit {limit}", all.join(" union all "))
            }
        }
    }
}

/// A statement that counts requests of a team and of no team, up to the query's limit, and its values.
pub(in crate::store) fn count(team: TeamId, query: &ActivityQuery) -> (String, Vec<Sql>) {
    let Some(all) = Parts::of(&teams(team, query), query) else { return ("0".to_owned(), Vec::new()) };
    let from = match query.text {
        Some(_) => "activity join activity_text on activity_text.rowid = n",
        None => "activity",
    };
    let each = all.conditions.iter().map(|condition| format!("select 1 from {from} where {condition}"));
    let each = each.collect::<Vec<_>>().join(" union all ");
    (format!("select count(*) from ({each} limit {})", query.limit), all.values)
}

/// The condition of a list, and its values.
pub(super) fn condition(team: Option<TeamId>, query: &ActivityQuery) -> (String, Vec<Sql>) {
    let team = team.unwrap_or(NO_TEAM);
    let mut sql = "team = ?".to_owned();
    let mut values = vec![Sql::from(team.0)];
    let mut and = |condition: &str, given: Vec<Sql>| {
        sql.push_str(condition);
        values.extend(given);
    };
    if let Some(text) = &query.text {
        and(" and activity_text match ?", vec![words::expression(team, text).into()]);
    }
    match query.which {
        Which::All => {}
        Which::Changes => and(" and change = 1", vec![]),
        Which::Reads => and(" and change = 0", vec![]),
        Which::Errors => and(" and status >= 400", vec![]),
    }
    if let Some(token) = query.token {
        and(" and token = ?", vec![token.into()]);
    }
    if let Some((lowest, highest)) = query.status {
        // Said in the words of the index that serves: of one status, of what failed, of what was refused.
        match (lowest, highest) {
            (200, 200) => and(" and status = 200", vec![]),
            (one, same) if one == same => {
                and(" and status = ? and status <> 200", vec![i64::from(one).into()]);
            }
            _ => {
                and(" and status between ? and ?", vec![i64::from(lowest).into(), i64::from(highest).into()])
            }
        }
        match lowest {
            500.. if lowest < highest => and(" and status >= 500", vec![]),
            400.. if lowest < highest => and(" and status >= 400", vec![]),
            _ => {}
        }
    }
    if let Some(from) = query.from {
        and(" and at >= ?", vec![from.0.into()]);
    }
    if let Some(to) = query.to {
        and(" and at < ?", vec![to.0.into()]);
    }
    for (spot, sign) in [(query.before, "<"), (query.after, ">")] {
        match (spot, &query.text) {
            (Some((_, n)), Some(_)) => and(&format!(" and activity_text.rowid {sign} ?"), vec![n.into()]),
            (Some((at, n)), None) => and(&format!(" and (at, n) {sign} (?, ?)"), vec![at.0.into(), n.into()]),
            (None, _) => {}
        }
    }
    (sql, values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Timestamp;
    use crate::scim::Kind;
    use crate::store::testing::{store, team};
    use crate::store::{Activity, Store, Subject};

    fn keep(store: &Store, team: Option<TeamId>, number: i64, sentence: &str) {
        let row = Activity {
            request: format!("req_{number}"),
            at: Timestamp(number),
            team,
            method: "PATCH".into(),
            path: "/scim/v2/Users/01890a5d-ac96-774b-bcce-b302099a8057".into(),
            status: if number % 2 == 0 { 200 } else { 409 },
            folded: 1,
            sentence: sentence.into(),
            subject: Some(Subject {
                id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
                kind: Kind::User,
                name: "Zoë Müller".into(),
            }),
            also: vec!["01890a5d-0000-7000-8000-00000000000a".into(), "Engineering".into()],
            ..Activity::default()
        };
        store.write_blocking(move |tx| tx.insert_activity(&row)).unwrap();
    }

    fn found(store: &Store, team: Option<TeamId>, text: &str) -> Vec<String> {
        let query = ActivityQuery { text: Some(text.into()), limit: 100, ..ActivityQuery::default() };
        let rows = store.read_now(|tx| tx.activity(team, &query)).unwrap();
        rows.into_iter().map(|row| row.activity.request).collect()
    }

    #[test]
    fn words_find_sentences_names_and_ids() {
        let (store, _clock) = store();
        let acme = Some(team(&store, "Acme"));
        keep(&store, acme, 1, "Looked up mei.chen@example.com");
        keep(&store, acme, 2, "田中太郎 was added");
        keep(&store, acme, 3, "R2-D2 🎉 was changed");
        for (text, expected) in [
            ("MEI.CHEN@example.com", vec!["req_1"]),
            ("chen mei", vec!["req_1"]),
            ("mei.chen@exam", vec!["req_1"]),
            ("太郎", vec!["req_2"]),
            ("🎉", vec!["req_3"]),
            ("r2-d2", vec!["req_3"]),
            ("req_2", vec!["req_2"]),
            ("zoe MULLER was", vec!["req_3", "req_2"]),
            ("01890a5d-ac96", vec!["req_3", "req_2", "req_1"]),
            ("01890a5d-0000-7000-8000-00000000000a", vec!["req_3", "req_2", "req_1"]),
            ("engin", vec!["req_3", "req_2", "req_1"]),
            ("hen@example", vec![]),
            ("mei nobody", vec![]),
            ("%", vec![]),
        ] {
            assert_eq!(found(&store, acme, text), expected, "{text}");
        }
    }

    #[test]
    fn an_id_is_found_as_earlier_builds_indexed_it() {
        const ID: &str = "0199ab12-34cd-7abc-8123-0123456789ab";
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        keep(&store, Some(acme), 1, "Ada joined Dev");
        let mark = format!("{}t", acme.0);
        let apart: Vec<String> = ID.split('-').map(|part| format!("{mark}{part}")).collect();
        let words = format!("{mark}ada {}", apart.join(" "));
        let job = move |tx: &mut crate::store::WriteTx| {
            tx.run("delete from activity_text", [])?;
            tx.run("insert into activity_text (rowid, words) select n, ? from activity", [&words])
        };
        store.write_blocking(job).unwrap();
        for text in [ID.to_owned(), format!("ada {ID}"), ID[..12].to_owned(), ID[..9].to_uppercase()] {
            assert_eq!(found(&store, Some(acme), &text), ["req_1"], "{text}");
        }
        assert!(found(&store, Some(acme), &ID.replace("34cd", "34ce")).is_empty());
    }

    #[test]
    fn no_search_leads_to_another_teams_rows() {
        let (store, _clock) = store();
        let teams: Vec<TeamId> = (1..=12).map(|n| team(&store, &format!("Team {n}"))).collect();
        for (n, team) in (1..).zip(&teams) {
            keep(&store, Some(*team), n, "Priya Raman left Engineering");
        }
        keep(&store, None, 100, "Refused: Priya Raman");
        for (n, team) in (1..).zip(&teams) {
            assert_eq!(found(&store, Some(*team), "priya"), [format!("req_{n}")]);
            // The words as they stand in the index, with a team before them, are no words of anybody's.
            assert_eq!(found(&store, Some(*team), &format!("{}tpriya", teams[0].0)), [""; 0]);
        }
        assert_eq!(found(&store, None, "priya"), ["req_100"]);
        let query = ActivityQuery { text: Some("priya".into()), limit: 9, ..ActivityQuery::default() };
        let all = store.read_now(|tx| tx.activity_of_all(teams[0], &query)).unwrap();
        assert_eq!(all.iter().map(|row| row.n).collect::<Vec<_>>(), [13, 1]);
    }

    #[test]
    fn a_search_is_paged_and_narrowed_and_follows_what_is_forgotten() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        (1..=9).for_each(|n| keep(&store, Some(acme), n, "Priya Raman was changed"));
        let page = |before, status| {
            let query = ActivityQuery {
                text: Some("priya".into()),
                status,
                before,
                limit: 3,
                ..ActivityQuery::default()
            };
            store.read_now(|tx| tx.activity_of_all(acme, &query)).unwrap()
        };
        let numbers = |rows: &[ActivityRow]| rows.iter().map(|row| row.n).collect::<Vec<_>>();
        let first = page(None, None);
        assert_eq!(numbers(&first), [9, 8, 7]);
        let next = page(Some((first[2].activity.at, first[2].n)), None);
        assert_eq!(numbers(&next), [6, 5, 4]);
        assert_eq!(numbers(&page(None, Some((400, 499)))), [9, 7, 5]);
        let after = ActivityQuery { text: Some("priya".into()), limit: 2, ..ActivityQuery::default() };
        assert_eq!(numbers(&store.read_now(|tx| tx.activity_since(acme, 5, &after)).unwrap()), [6, 7]);
        store.write_blocking(move |tx| tx.prune_activity(Some(acme), Timestamp(8), 100)).unwrap();
        assert_eq!(numbers(&page(None, None)), [9, 8]);
        let texts = store.read_now(|tx| tx.number("select count(*) from activity_text_docsize", [])).unwrap();
        assert_eq!(texts, 2, "the words go with the row");
    }

    #[test]
    fn a_row_that_is_undone_leaves_no_words() {
        let (store, _clock) = store();
        let acme = Some(team(&store, "Acme"));
        keep(&store, acme, 1, "Priya Raman was added");
        let undone: std::result::Result<i64, crate::store::StoreError> = store.write_blocking(move |tx| {
            tx.insert_activity(&Activity {
                team: acme,
                sentence: "Priya Raman was undone".into(),
                ..Activity::default()
            })?;
            Err(crate::store::StoreError::Closed)
        });
        undone.expect_err("it was undone");
        keep(&store, acme, 2, "Mei Chen was added");
        assert_eq!(found(&store, acme, "undone"), [""; 0]);
        assert_eq!(found(&store, acme, "added"), ["req_2", "req_1"]);
    }

    #[test]
    fn bodies_are_looked_through_within_the_time_that_is_named() {
        let (store, _clock) = store();
        let acme = team(&store, "Acme");
        for (at, request, answer) in [
            (10, Some("{\"title\":\"Größe\"}"), None),
            (20, None, Some("{\"detail\":\"GRÖSSE 7\"}")),
            (30, Some("{}"), Some("{}")),
            (40, Some("grösse"), None),
        ] {
            let row = Activity {
                at: Timestamp(at),
                team: Some(acme),
                request_body: request.map(Into::into),
                answer_body: answer.map(Into::into),
                ..Activity::default()
            };
            store.write_blocking(move |tx| tx.insert_activity(&row)).unwrap();
        }
        let look = |from, to, limit| {
            let query = ActivityQuery {
                from: Some(Timestamp(from)),
                to: Some(Timestamp(to)),
                limit,
                ..ActivityQuery::default()
            };
            let found = store.read_now(|tx| tx.activity_in_bodies(acme, &query, "größe")).unwrap();
            (found.rows.iter().map(|row| row.activity.at.0).collect::<Vec<_>>(), found.next)
        };
        assert_eq!(look(0, 40, 10), (vec![20, 10], None));
        assert_eq!(look(0, 100, 2), (vec![40, 20], Some((Timestamp(20), 2))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_is_a_fault(text in any::<String>()) {
            let (store, _clock) = store();
            let acme = Some(team(&store, "Acme"));
            keep(&store, acme, 1, &text);
            prop_assert_eq!(found(&store, acme, &text).is_empty(), words::is_empty(&text), "{}", text);
        }

        #[test]
        fn expressions_of_the_index_are_words_here(
            text in "(NEAR|AND|OR|NOT|words|activity_text|rank|[\"'*^():+{}-]| ){0,12}"
        ) {
            let (store, _clock) = store();
            let acme = Some(team(&store, "Acme"));
            keep(&store, acme, 1, "Priya Raman was added");
            found(&store, acme, &text);
        }
    }
}
