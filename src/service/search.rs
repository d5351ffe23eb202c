//! Lists and searches (RFC 7644 §3.4.2, §3.4.3): one kind or both, filtered, sorted, one page of them.

use super::view::View;
use super::{Caller, DEFAULT_COUNT, Error, MAX_RESULTS, Service};
use crate::base::TeamId;
use crate::scim::resource::Projection;
use crate::scim::{Kind, Mode, Notes, Registry, ScimError, filter};
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
    pub projection: Projection,
    /// The address before `/Users`.
    pub base: String,
}

/// One page of a list.
#[derive(Debug)]
pub struct Listing {
    pub total: u64,
    pub start_index: u64,
    /// The resources, rendered.
    pub resources: Vec<Vec<u8>>,
    pub notes: Notes,
}

/// The attributes by which both kinds are found through an index, so that the search is short.
const SHORT: [&str; 6] = ["id", "userName", "externalId", "emails.value", "displayName", "members.value"];

impl Service {
    /// Finds resources of the caller's team.
    pub async fn search(&self, caller: &Caller, search: Search) -> Result<Listing, Error> {
        let view = self.view(caller, search.projection.clone(), search.base.clone());
        let (team, mode) = (caller.team, caller.mode);
        let prepared = Prepared::new(&view.registry, &search, mode)?;
        if prepared.is_short() {
            return self.store().read_now(|tx| prepared.run(tx, team, &view));
        }
        self.store().read(move |tx| prepared.run(tx, team, &view)).await
    }
}

/// A search whose texts were read.
struct Prepared {
    kinds: Vec<(Kind, Option<filter::Filter>)>,
    sort: Option<Vec<(Kind, crate::scim::registry::AttrPath)>>,
    descending: bool,
    start: u64,
    count: u64,
    notes: Notes,
}

impl Prepared {
    fn new(registry: &Registry, search: &Search, mode: Mode) -> Result<Prepared, Error> {
        let mut notes = Notes::default();
        let kinds = match &search.filter {
            None => search.kinds.iter().map(|kind| (*kind, None)).collect(),
            Some(text) => filter::parse_for_kinds(text, registry, &search.kinds, mode, &mut notes)?
                .into_iter()
                .map(|(kind, filter)| (kind, Some(filter)))
                .collect(),
        };
        Ok(Prepared {
            kinds,
            sort: search.sort_by.as_deref().map(|path| sort_paths(registry, &search.kinds, path)).transpose()?,
            descending: search.descending,
            start: search.start_index.unwrap_or(1).max(1) as u64,
            count: (search.count.unwrap_or(DEFAULT_COUNT as i64).max(0) as u64).min(MAX_RESULTS),
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
        let query = Query {
            registry: &view.registry,
            base: &view.base,
            kinds: &self.kinds,
            sort: self.sort.as_deref().map(|paths| Sort { paths, descending: self.descending }),
            page: Page::Index { start: self.start, count: self.count },
        };
        let Found { total, rows, .. } = tx.search(team, &query)?;
        let resources = rows.iter().map(|row| view.body(tx, team, row)).collect::<Result<_, _>>()?;
        Ok(Listing { total, start_index: self.start, resources, notes: self.notes.clone() })
    }
}

fn sort_paths(
    registry: &Registry,
    kinds: &[Kind],
    path: &str,
) -> Result<Vec<(Kind, crate::scim::registry::AttrPath)>, Error> {
    let paths: Vec<_> =
        kinds.iter().filter_map(|kind| registry.find(*kind, path).map(|found| (*kind, found))).collect();
    if paths.is_empty() {
        let shown: String = path.chars().take(80).collect();
        return Err(Error::Scim(ScimError::invalid_value(format!(
            "sortBy: there is no attribute \"{shown}\"; name one of the schema's, such as userName"
        ))));
    }
    Ok(paths)
}
