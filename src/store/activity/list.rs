//! Finding requests: by what they were, whom they were about, when they came, and by words.

use rusqlite::types::Value as Sql;
use rusqlite::{params, params_from_iter};

use super::{ActivityQuery, ActivityRow, Which, read, select, words};
use crate::base::{TeamId, Timestamp};
use crate::store::counts::NO_TEAM;
use crate::store::{ReadTx, Result};

impl ReadTx<'_> {
    /// Requests of a team, or with `None` those that belong to no team, newest first: in the order of their times, or where
    /// words are looked for in the order in which they were written.
    pub fn activity(&self, team: Option<TeamId>, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let Some(order) = order(query) else { return Ok(Vec::new()) };
        let (condition, mut values) = condition(team, query);
        let sql = format!("{} where {condition} order by {order} limit ?", table(query));
        values.push(query.limit.into());
        self.all(&sql, params_from_iter(values), read)
    }

    /// Requests of a team and of no team that were written after the row of that number, oldest first.
    pub fn activity_after(&self, team: TeamId, n: i64, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        if order(query).is_none() {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        for team in teams(team, query) {
            let (condition, mut values) = condition(team, query);
            let sql = format!("{} where {condition} and n > ? order by n limit ?", table(query));
            values.extend([n.into(), query.limit.into()]);
            rows.extend(self.all(&sql, params_from_iter(values), read)?);
        }
        rows.sort_by_key(|row| row.n);
        rows.truncate(query.limit as usize);
        Ok(rows)
    }

    /// Requests of a team and of no team in one list, newest first.
    pub fn activity_of_all(&self, team: TeamId, query: &ActivityQuery) -> Result<Vec<ActivityRow>> {
        let mut rows = Vec::new();
        for team in teams(team, query) {
            rows.extend(self.activity(team, query)?);
        }
        if let (true, Some(text)) = (rows.is_empty(), &query.text) {
            rows.extend(self.activity_gathering(team, query, text.trim())?);
        }
        match query.text {
            Some(_) => rows.sort_by_key(|row| std::cmp::Reverse(row.n)),
            None => rows.sort_by_key(|row| std::cmp::Reverse((row.activity.at, row.n))),
        }
        rows.truncate(query.limit as usize);
        Ok(rows)
    }

    /// How many requests of a team and of no team there are, up to the query's limit.
    pub fn count_activity(&self, team: TeamId, query: &ActivityQuery) -> Result<u64> {
        if order(query).is_none() {
            return Ok(0);
        }
        let from = match query.text {
            Some(_) => "activity join activity_text on activity_text.rowid = n",
            None => "activity",
        };
        let mut count = 0;
        for team in teams(team, query) {
            let (condition, mut values) = condition(team, query);
            values.push(query.limit.into());
            let sql = format!("select count(*) from (select 1 from {from} where {condition} limit ?)");
            count += self.number(&sql, params_from_iter(values))? as u64;
        }
        Ok(count.min(query.limit.into()))
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
        for team in [Some(team), None] {
            if let Some(row) = self.activity_by_request(team, request)? {
                return Ok(Some(row));
            }
        }
        self.activity_gathering(team, &ActivityQuery::default(), request)
    }

    /// The number of the row that was written last, of whatever team.
    pub fn newest_activity(&self) -> Result<i64> {
        self.number("select max(n) from activity", [])
    }

    /// When the oldest request came that is kept of a team or of none.
    pub fn first_activity(&self, team: TeamId) -> Result<Option<Timestamp>> {
        let sql = "select min(at) from (select min(at) as at from activity where team = ?
                   union all select min(at) from activity where team = ?)";
        Ok(self.one(sql, params![team, NO_TEAM], |row| row.get(0))?.flatten())
    }

    /// How many bytes the rows and bodies of a team take.
    pub fn activity_bytes(&self, team: Option<TeamId>) -> Result<u64> {
        let sql = "select activity_bytes from total where team = ?";
        Ok(self.number(sql, [team.unwrap_or(NO_TEAM)])? as u64)
    }
}

/// Whose rows a list shows: what belongs to no team has no token.
fn teams(team: TeamId, query: &ActivityQuery) -> Vec<Option<TeamId>> {
    match query.token.is_none() {
        true => vec![Some(team), None],
        false => vec![Some(team)],
    }
}

/// What is read: the rows, or those that the words lead to.
fn table(query: &ActivityQuery) -> &'static str {
    match query.text {
        Some(_) => select!("join activity_text on activity_text.rowid = n"),
        None => select!(""),
    }
}

/// In which order; `None` for a text without a single word in it, which nothing can match.
fn order(query: &ActivityQuery) -> Option<&'static str> {
    match &query.text {
        None => Some("at desc, n desc"),
        Some(text) if words::is_empty(text) => None,
        // The order in which the words lead to rows: a page ends with its last row and not with the last row of all.
        Some(_) => Some("activity_text.rowid desc"),
    }
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
        and(" and status between ? and ?", vec![i64::from(lowest).into(), i64::from(highest).into()]);
    }
    if let Some(from) = query.from {
        and(" and at >= ?", vec![from.0.into()]);
    }
    if let Some(to) = query.to {
        and(" and at < ?", vec![to.0.into()]);
    }
    match (query.before, &query.text) {
        (Some((_, n)), Some(_)) => and(" and activity_text.rowid < ?", vec![n.into()]),
        (Some((at, n)), None) => and(" and (at, n) < (?, ?)", vec![at.0.into(), n.into()]),
        (None, _) => {}
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
        assert_eq!(numbers(&store.read_now(|tx| tx.activity_after(acme, 5, &after)).unwrap()), [6, 7]);
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
