//! Lists and searches (RFC 7644 §3.4.2, §3.4.3): one kind or both, filtered, sorted, one page of them.

use super::cursor::{Binding, Sealer, Way};
use super::view::View;
use super::{Caller, DEFAULT_COUNT, Error, MAX_RESULTS, Service};
use crate::base::TeamId;
use crate::scim::message::Cursors;
use crate::scim::registry::AttrPath;
use crate::scim::resource::Projection;
use crate::scim::schema::Returned;
use crate::scim::{Kind, Mode, Notes, Registry, ScimError, ScimType, filter};
use crate::store::{Found, Page, Query, ReadTx, Sort};

/// A search as a face asks for it.
#[derive(Clone, Debug)]
pub struct Search {
    /// The kinds to search; both for a search at the root.
    pub kinds: Vec<Kind>,
    pub filter: Option<String>,
    pub sort_by: Option<String>,
    pub descending: bool,
    /// 1-based; smaller counts as 1 (RFC 7644 §3.4.2.4).
    pub start_index: Option<i64>,
    /// Negative counts as 0.
    pub count: Option<i64>,
    /// Asks for paging by cursor (RFC 9865); empty for the first page.
    pub cursor: Option<String>,
    pub projection: Projection,
    /// The address before `/Users`.
    pub base: String,
}

/// One page of a list.
#[derive(Debug)]
pub struct Listing {
    pub total: u64,
    /// Where the page begins; `None` when it was paged by cursor.
    pub start_index: Option<u64>,
    pub cursors: Option<Cursors>,
    /// The resources, rendered.
    pub resources: Vec<Vec<u8>>,
    pub notes: Notes,
}

/// The attributes by which both kinds are found through an index, so that the search is short.
const SHORT: [&str; 6] = ["id", "userName", "externalId", "emails.value", "displayName", "members.value"];

impl Service {
    fn cursor_sealer(&self) -> Sealer {
        let options = self.options();
        Sealer { key: options.key.clone(), life: options.cursor_life }
    }

    /// Finds resources of the caller's team.
    pub async fn search(&self, caller: &Caller, search: Search) -> Result<Listing, Error> {
        self.settled(caller.team, || self.try_search(caller, &search)).await
    }

    async fn try_search(&self, caller: &Caller, search: &Search) -> Result<Listing, Error> {
        let view = self.view(caller, search.projection.clone(), search.base.clone())?;
        let (team, mode) = (caller.team, caller.mode);
        let prepared = Prepared::new(self, view.registry(), search, team, mode)?;
        if prepared.is_short() {
            return self.store().read_now(|tx| prepared.run(tx, team, &view));
        }
        self.store().read(move |tx| prepared.run(tx, team, &view)).await
    }

    /// A search within a snapshot that is there.
    pub(super) fn search_in(
        &self,
        tx: &ReadTx<'_>,
        team: TeamId,
        mode: Mode,
        view: &View,
        search: &Search,
    ) -> Result<Listing, Error> {
        Prepared::new(self, view.registry(), search, team, mode)?.run(tx, team, view)
    }
}

/// A search whose texts were read.
struct Prepared {
    kinds: Vec<(Kind, Option<filter::Filter>)>,
    sort: Option<Vec<(Kind, AttrPath)>>,
    descending: bool,
    page: Page,
    /// What seals the next cursors, when paging by cursor.
    cursor: Option<(Sealer, Binding)>,
    notes: Notes,
}

impl Prepared {
    fn new(
        service: &Service,
        registry: &Registry,
        search: &Search,
        team: TeamId,
        mode: Mode,
    ) -> Result<Prepared, Error> {
        let mut notes = Notes::default();
        let kinds = match &search.filter {
            None => search.kinds.iter().map(|kind| (*kind, None)).collect(),
            Some(text) => filter::parse_for_kinds(text, registry, &search.kinds, mode, &mut notes)?
                .into_iter()
                .map(|(kind, filter)| (kind, Some(filter)))
                .collect(),
        };
        let cursor = search.cursor.as_ref().map(|_| (service.cursor_sealer(), search.binding(team)));
        Ok(Prepared {
            kinds,
            sort: search
                .sort_by
                .as_deref()
                .map(|path| sort_paths(registry, &search.kinds, path))
                .transpose()?,
            descending: search.descending,
            page: match (&search.cursor, &cursor) {
                (Some(text), Some((sealer, binding))) => {
                    sealer.page(*binding, text, cursor_count(search.count)?, service.clock().now())?
                }
                _ => Page::Index {
                    start: search.start_index.unwrap_or(1).max(1) as u64,
                    count: (search.count.unwrap_or(DEFAULT_COUNT as i64).max(0) as u64).min(MAX_RESULTS),
                },
            },
            cursor,
            notes,
        })
    }

    /// Whether an index answers it at once: `attribute eq value` alone, without an order.
    fn is_short(&self) -> bool {
        self.sort.is_none()
            && self.kinds.iter().all(|(_, filter)| {
                matches!(filter, Some(filter::Filter::Compare { path, op: filter::Op::Eq, .. })
                    if SHORT.contains(&path.canonical().as_str()))
            })
    }

    fn run(&self, tx: &ReadTx<'_>, team: TeamId, view: &View) -> Result<Listing, Error> {
        view.schemas.check(tx)?;
        let query = Query {
            registry: view.registry(),
            base: &view.base,
            kinds: &self.kinds,
            sort: self.sort.as_deref().map(|paths| Sort { paths, descending: self.descending }),
            page: self.page.clone(),
        };
        let Found { total, rows, next, previous } = tx.search(team, &query)?;
        let resources = view.page(tx, team, &rows)?;
        let (start_index, count) = match self.page {
            Page::Index { start, count } => (Some(start), count),
            Page::After { count, .. } | Page::Before { count, .. } => (None, count),
        };
        let cursors = self.cursor.as_ref().map(|(sealer, binding)| Cursors {
            next: next.map(|place| sealer.seal(*binding, Way::Forward, &place, count, tx.now())),
            previous: previous.map(|place| sealer.seal(*binding, Way::Back, &place, count, tx.now())),
        });
        Ok(Listing { total, start_index, cursors, resources, notes: self.notes.clone() })
    }
}

impl Search {
    /// What every page of the same walk has in common.
    fn binding(&self, team: TeamId) -> Binding {
        let kinds: String = self.kinds.iter().map(|kind| kind.name()).collect();
        let order = if self.descending { "descending" } else { "ascending" };
        let (filter, sort) = (self.filter.as_deref().unwrap_or(""), self.sort_by.as_deref().unwrap_or(""));
        Binding::new(team, &[&kinds, filter, sort, order])
    }
}

/// The page size of a walk by cursor: a negative one counts as 0, one above the largest page is `invalidCount`
/// (RFC 9865 §2, §2.1).
fn cursor_count(count: Option<i64>) -> Result<Option<u64>, ScimError> {
    match count.map(|count| count.max(0) as u64) {
        Some(count) if count > MAX_RESULTS => {
            let detail = format!("count is at most {MAX_RESULTS} when paging by cursor, not {count}");
            Err(ScimError::bad(ScimType::InvalidCount, detail))
        }
        count => Ok(count),
    }
}

/// The attribute to sort by, for each kind that has it (RFC 7644 §3.4.2.3).
fn sort_paths(registry: &Registry, kinds: &[Kind], path: &str) -> Result<Vec<(Kind, AttrPath)>, Error> {
    let paths: Vec<_> = kinds
        .iter()
        .filter_map(|kind| registry.find(*kind, path).map(|found| (*kind, with_value(found))))
        .collect();
    if paths.is_empty() {
        let shown: String = path.chars().take(80).collect();
        return Err(Error::Scim(ScimError::invalid_value(format!(
            "sortBy: there is no attribute \"{shown}\"; name one of the schema's, such as userName"
        ))));
    }
    if let Some((_, path)) = paths.iter().find(|(_, path)| !is_sortable(path)) {
        let detail = match path.attribute.returned {
            Returned::Never => {
                format!("sortBy: {} is never shown, so nothing is sorted by it", path.canonical())
            }
            _ => format!(
                "sortBy: {0} has several parts; name one, such as {0}.{1}",
                path.canonical(),
                first_part(path)
            ),
        };
        return Err(Error::Scim(ScimError::invalid_value(detail)));
    }
    Ok(paths)
}

/// A complex attribute that is named without a part stands for its `value`, where it has one.
fn with_value(path: AttrPath) -> AttrPath {
    match path.attribute.sub("value") {
        Some(value) if path.sub.is_none() => AttrPath { sub: Some(value.clone()), ..path },
        _ => path,
    }
}

/// Whether an attribute has one value to sort by.
fn is_sortable(path: &AttrPath) -> bool {
    !path.leaf().is_complex() && path.attribute.returned != Returned::Never
}

fn first_part(path: &AttrPath) -> &str {
    path.attribute.sub_attributes.first().map_or("value", |sub| sub.name.as_str())
}
