//! Groups that a Bulk request would put within each other in a circle (RFC 7644 §3.7.1): found before anything is done, so
//! that every operation of the circle is refused whole. Circles of other references are the business of `bulk`.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::Error;
use super::references::PREFIX;
use crate::scim::message::BulkOperation;
use crate::store::StoreError;

/// For each operation that makes a group of a circle, the error that names the circle.
pub fn of_groups(operations: &[BulkOperation], makers: &HashMap<&str, usize>) -> HashMap<usize, Error> {
    let edges: Vec<Vec<usize>> = operations.iter().map(|operation| inner(operation, makers)).collect();
    let mut found = HashMap::new();
    for part in Components::of(&edges) {
        let first = part[0];
        let Some(circle) = circle(first, &part, &edges) else { continue };
        let names = circle.iter().map(|index| name(&operations[*index])).collect::<Vec<_>>();
        for index in part {
            found.insert(index, Error::from(StoreError::Loop { names: names.clone() }));
        }
    }
    found
}

/// The operations that make the groups which this operation puts into the group it makes.
fn inner(operation: &BulkOperation, makers: &HashMap<&str, usize>) -> Vec<usize> {
    if operation.method != "POST" || operation.path.trim_matches('/') != "Groups" {
        return Vec::new();
    }
    let members = operation.data.as_ref().and_then(|data| member(data, "members")).and_then(Value::as_array);
    let ids = members.into_iter().flatten().filter_map(|each| member(each, "value").unwrap_or(each).as_str());
    let mut found: Vec<usize> = ids.filter_map(|id| makers.get(id.strip_prefix(PREFIX)?).copied()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let (_, found) = value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(found)
}

fn name(operation: &BulkOperation) -> String {
    let named = operation.data.as_ref().and_then(|data| member(data, "displayName")).and_then(Value::as_str);
    named.or(operation.bulk_id.as_deref()).unwrap_or("").to_owned()
}

/// The shortest way from an operation back to itself within its component, both ends included.
fn circle(first: usize, part: &[usize], edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut from: HashMap<usize, usize> = HashMap::new();
    let mut waiting = VecDeque::from([first]);
    while let Some(at) = waiting.pop_front() {
        for &next in edges[at].iter().filter(|next| part.binary_search(next).is_ok()) {
            if next == first {
                let mut way = vec![first, at];
                while way.last() != Some(&first) {
                    way.push(from[way.last().expect("it has a beginning")]);
                }
                way.reverse();
                return Some(way);
            }
            if let Entry::Vacant(unseen) = from.entry(next) {
                unseen.insert(at);
                waiting.push_back(next);
            }
        }
    }
    None
}

/// Tarjan's strongly connected components: operations that reach each other.
struct Components<'a> {
    edges: &'a [Vec<usize>],
    order: Vec<Option<usize>>,
    low: Vec<usize>,
    stack: Vec<usize>,
    on_stack: Vec<bool>,
    seen: usize,
    parts: Vec<Vec<usize>>,
}

impl Components<'_> {
    fn of(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let count = edges.len();
        let mut components = Components {
            edges,
            order: vec![None; count],
            low: vec![0; count],
            stack: Vec::new(),
            on_stack: vec![false; count],
            seen: 0,
            parts: Vec::new(),
        };
        for at in 0..count {
            if components.order[at].is_none() {
                components.visit(at);
            }
        }
        components.parts
    }

    fn visit(&mut self, at: usize) {
        self.order[at] = Some(self.seen);
        self.low[at] = self.seen;
        self.seen += 1;
        self.stack.push(at);
        self.on_stack[at] = true;
        let edges = self.edges;
        for &next in &edges[at] {
            match self.order[next] {
                None => {
                    self.visit(next);
                    self.low[at] = self.low[at].min(self.low[next]);
                }
                Some(order) if self.on_stack[next] => self.low[at] = self.low[at].min(order),
                Some(_) => {}
            }
        }
        if Some(self.low[at]) == self.order[at] {
            let mut part = Vec::new();
            while let Some(top) = self.stack.pop() {
                self.on_stack[top] = false;
                part.push(top);
                if top == at {
                    break;
                }
            }
            part.sort_unstable();
            self.parts.push(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn group(id: &str, members: &[&str]) -> BulkOperation {
        let members: Vec<Value> =
            members.iter().map(|id| json!({ "value": format!("bulkId:{id}") })).collect();
        BulkOperation {
            method: "POST".into(),
            bulk_id: Some(id.into()),
            path: "/Groups".into(),
            data: Some(json!({ "displayName": id.to_uppercase(), "members": members })),
            ..BulkOperation::default()
        }
    }

    fn refused(operations: &[BulkOperation]) -> Vec<(usize, String)> {
        let ids = operations.iter().enumerate();
        let makers = ids.filter_map(|(index, each)| Some((each.bulk_id.as_deref()?, index))).collect();
        let mut found: Vec<_> =
            of_groups(operations, &makers).into_iter().map(|(at, error)| (at, error.to_string())).collect();
        found.sort();
        found
    }

    #[test]
    fn every_group_of_a_circle_is_refused_and_no_other() {
        let operations = [
            group("x", &["a"]),
            group("a", &["b"]),
            group("b", &["c", "y"]),
            group("c", &["a"]),
            group("y", &[]),
        ];
        let found = refused(&operations);
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 3]);
        let way = "\"A\" contains \"B\" contains \"C\" contains \"A\"";
        assert!(found.iter().all(|(_, words)| words.contains(way)), "{found:?}");
    }

    #[test]
    fn a_group_within_itself_is_a_circle_and_a_chain_is_none() {
        assert_eq!(refused(&[group("a", &["a"])]).len(), 1);
        assert!(refused(&[group("a", &["b"]), group("b", &[])]).is_empty());
        let user = BulkOperation { path: "/Users".into(), ..group("a", &["a"]) };
        assert!(refused(&[user]).is_empty());
    }
}
