//! The two kinds of transaction, and the few words in which the rest of the store speaks SQL to them. Everything the
//! product can ask is a method on one of them, in the file of its tables.

use std::ops::{ControlFlow, Deref};
use std::time::Instant;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Params, Row};

use crate::base::{Ids, TeamId, Timestamp};
use crate::scim::Kind;
use crate::store::StoreError;
use crate::store::milestones::Noted;
use crate::store::tokens::LastOpened;

/// One snapshot of the file.
pub struct ReadTx<'c> {
    sqlite: &'c Connection,
    now: Timestamp,
    ids: &'c Ids,
    deadline: Option<Instant>,
    opened: Option<&'c LastOpened>,
}

impl<'c> ReadTx<'c> {
    pub(in crate::store) fn new(
        sqlite: &'c Connection,
        now: Timestamp,
        ids: &'c Ids,
        deadline: Option<Instant>,
    ) -> ReadTx<'c> {
        ReadTx { sqlite, now, ids, deadline, opened: None }
    }

    /// With what was found in the same snapshot before.
    pub(super) fn remembering(self, opened: Option<&'c LastOpened>) -> ReadTx<'c> {
        ReadTx { opened, ..self }
    }

    /// The token that was looked for last in this snapshot, where that is remembered.
    pub(in crate::store) fn opened(&self) -> Option<&'c LastOpened> {
        self.opened
    }

    /// The instant at which the job began; the same throughout.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Where public ids come from.
    pub fn ids(&self) -> &Ids {
        self.ids
    }

    /// Ends a long computation between statements once the deadline has passed.
    pub(in crate::store) fn in_time(&self) -> Result<(), StoreError> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(StoreError::TooExpensive),
            _ => Ok(()),
        }
    }

    /// A statement that reads. Told of before it runs, without its values: what a page asks of the file is counted and
    /// explained by who listens.
    fn prepared(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        tracing::trace!(target: "scimd::statement", sql);
        Ok(self.sqlite.prepare_cached(sql)?)
    }

    /// The first row of a query, if there is one.
    pub(in crate::store) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => Ok(Some(map(row)?)),
            None => Ok(None),
        }
    }

    /// All rows of a query.
    pub(in crate::store) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let rows = statement.query_map(params, map)?;
        Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
    }

    /// The first row of a query for each of many parameters, in their order. What runs a thousand times is looked for once.
    pub(in crate::store) fn one_each<P: Params, T>(
        &self,
        sql: &str,
        params: impl IntoIterator<Item = P>,
        mut map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let mut statement = self.sqlite.prepare_cached(sql)?;
        let params = params.into_iter();
        let mut found = Vec::with_capacity(params.size_hint().0);
        for params in params {
            let mut rows = statement.query(params)?;
            found.push(rows.next()?.map(&mut map).transpose()?);
        }
        Ok(found)
    }

    /// Calls `each` with every row of a query, until it says stop.
    pub(in crate::store) fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            if each(row)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The number in the first column of the only row.
    pub(in crate::store) fn number(&self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        Ok(self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }
}

/// A write that waits for the end of the transaction.
pub type AtEnd = Box<dyn FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send>;

/// A snapshot that may be changed; the changes become visible together or not at all.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    left: Left,
    noted: &'c Noted,
}

/// What a job leaves for later, if its writes stand.
#[derive(Default)]
pub struct Left {
    /// For the end of the transaction.
    pub at_end: Vec<AtEnd>,
    /// Rows of requests that are answered after the commit, and when they began.
    pub answered: Vec<(i64, Instant)>,
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(sqlite: &'c Connection, now: Timestamp, ids: &'c Ids, noted: &'c Noted) -> WriteTx<'c> {
        WriteTx { read: ReadTx::new(sqlite, now, ids, None), left: Left::default(), noted }
    }

    /// Which milestones need not be noted again.
    pub(in crate::store) fn noted(&self) -> &'c Noted {
        self.noted
    }

    /// Leaves a write for the end of the transaction, behind all jobs of the batch: one that would cost each job a flush
    /// of its own. It is dropped when the job's own writes are undone, and nothing may depend on its having run.
    pub(in crate::store) fn at_end(
        &mut self,
        write: impl FnMut(&mut WriteTx<'_>) -> Result<(), StoreError> + Send + 'static,
    ) {
        self.left.at_end.push(Box::new(write));
    }

    /// Tells that a request is answered when this transaction is on disk; how long that took is kept with the next.
    pub(in crate::store) fn answered_after_commit(&mut self, row: i64, began: Instant) {
        self.left.answered.push((row, began));
    }

    /// What was left for later.
    pub(super) fn into_left(self) -> Left {
        self.left
    }

    /// Runs a statement; answers how many rows it changed.
    pub(in crate::store) fn run(&mut self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        Ok(self.read.sqlite.prepare_cached(sql)?.execute(params)? as u64)
    }

    /// Runs a statement for each of many parameters; answers how many rows each of them changed. One with `returning` costs
    /// three times as much: it is a savepoint of its own.
    pub(in crate::store) fn run_each<P: Params>(
        &mut self,
        sql: &str,
        params: impl IntoIterator<Item = P>,
    ) -> Result<Vec<u64>, StoreError> {
        let mut statement = self.read.sqlite.prepare_cached(sql)?;
        params.into_iter().map(|params| Ok(statement.execute(params)? as u64)).collect()
    }

    /// Runs an `insert`; answers the number of the new row.
    pub(in crate::store) fn insert(&mut self, sql: &str, params: impl Params) -> Result<i64, StoreError> {
        Ok(self.read.sqlite.prepare_cached(sql)?.insert(params)?)
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Timestamp> {
        value.as_i64().map(Timestamp)
    }
}

impl ToSql for TeamId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.into())
    }
}

impl FromSql for TeamId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<TeamId> {
        value.as_i64().map(TeamId)
    }
}

impl ToSql for Kind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Kind::User => 1i64,
            Kind::Group => 2,
        }
        .into())
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Kind> {
        match value.as_i64()? {
            1 => Ok(Kind::User),
            2 => Ok(Kind::Group),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}
