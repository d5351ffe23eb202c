//! Bodies of requests and answers: compressed, in a table of their own, and looked through within a chosen time.

use std::io::Read;
use std::ops::ControlFlow;

use flate2::read::DeflateDecoder;
use rusqlite::{params, params_from_iter};

use super::list::condition;
use super::{ActivityBody, ActivityQuery, ActivityRow, Spot, read, select};
use crate::base::TeamId;
use crate::scim::fold::fold;
use crate::store::counts::NO_TEAM;
use crate::store::{ReadTx, Result, StoreError};

/// How many bytes of bodies, decompressed, one search looks through.
const LOOKED_THROUGH: usize = 32 << 20;

/// What a search in bodies found, and where it stopped.
#[derive(Debug, Default)]
pub struct InBodies {
    pub rows: Vec<ActivityRow>,
    /// The last row that was looked at, when there may be more behind it.
    pub next: Option<Spot>,
}

impl ReadTx<'_> {
    /// The bodies of a request, where they are still kept.
    pub fn activity_body(&self, team: Option<TeamId>, n: i64) -> Result<ActivityBody> {
        let sql = "select request, answer from activity_body where activity = ? and team = ?";
        let found = self.one(sql, params![n, team.unwrap_or(NO_TEAM)], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })?;
        let (request, answer) = found.unwrap_or_default();
        Ok(ActivityBody {
            request: request.map(inflate).transpose()?,
            answer: answer.map(inflate).transpose()?,
        })
    }

    /// Requests of a team whose body or answer holds the text, in any case, newest first. It decompresses what it looks
    /// at, so it looks at so much and no more, and says where it stopped.
    pub fn activity_in_bodies(&self, team: TeamId, query: &ActivityQuery, text: &str) -> Result<InBodies> {
        let (condition, values) = condition(Some(team), &ActivityQuery { text: None, ..query.clone() });
        let sql = format!(concat!(select!(""), "where {} order by at desc, n desc"), condition);
        let wanted = fold(text);
        let (mut found, mut looked) = (InBodies::default(), 0);
        self.each(&sql, params_from_iter(values), |row| {
            let row = read(row)?;
            let body = self.activity_body(Some(team), row.n)?;
            let spot = (row.activity.at, row.n);
            for part in [body.request, body.answer].into_iter().flatten() {
                looked += part.len();
                if fold(&String::from_utf8_lossy(&part)).contains(&wanted) {
                    found.rows.push(row);
                    break;
                }
            }
            self.in_time()?;
            if found.rows.len() >= query.limit as usize || looked >= LOOKED_THROUGH {
                found.next = Some(spot);
                return Ok(ControlFlow::Break(()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }
}

fn inflate(body: Vec<u8>) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    let read = DeflateDecoder::new(&body[..]).read_to_end(&mut plain);
    read.map_err(|error| StoreError::Corrupt(format!("a body of an activity row: {error}")))?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::super::deflate::deflate;
    use super::*;

    #[test]
    fn bodies_of_every_size_come_back() {
        for length in [0, 1, 100, 5_000, 70_000, 400_000] {
            // Text that hardly shrinks, then text that shrinks to nothing: both directions of a wrong guess at the room.
            let mixed: Vec<u8> =
                (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            assert_eq!(inflate(deflate(&mixed)).unwrap(), mixed, "{length}");
            let even = vec![b'a'; length];
            assert_eq!(inflate(deflate(&even)).unwrap(), even, "{length}");
        }
    }
}
