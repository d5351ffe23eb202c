//! Bodies of requests and answers: compressed, in a table of their own, and looked through within a chosen time.

use std::io::Read;
use std::ops::ControlFlow;

use flate2::read::DeflateDecoder;
use lz4_flex::block;
use rusqlite::{params, params_from_iter};

use super::list::condition;
use super::{ActivityBody, ActivityQuery, ActivityRow, Spot, read, select};
use crate::base::id::request_time;
use crate::base::{TeamId, Timestamp};
use crate::scim::fold::fold;
use crate::store::counts::NO_TEAM;
use crate::store::{ReadTx, Result, StoreError};

/// How many bytes of bodies, decompressed, one search looks through.
const LOOKED_THROUGH: usize = 32 << 20;
/// How far a clock is put back without anybody's having noticed that it was wrong.
const CLOCK_STEP_MS: i64 = 1_000;

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
            request: request.map(unpacked).transpose()?,
            answer: answer.map(unpacked).transpose()?,
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

impl ReadTx<'_> {
    /// The row of a team that tells of many requests and of that one among them, as far as the query shows it.
    pub(super) fn activity_gathering(
        &self,
        team: TeamId,
        query: &ActivityQuery,
        request: &str,
    ) -> Result<Option<ActivityRow>> {
        let Some(came) = request_time(request) else { return Ok(None) };
        let query = ActivityQuery { text: None, ..query.clone() };
        let (condition, mut values) = condition(Some(team), &query);
        // They are written soon after the last of their requests came, or a little before where the clock was put back.
        values.push(Timestamp(came.0.saturating_sub(CLOCK_STEP_MS)).0.into());
        let sql = format!(
            concat!(select!(""), "where {} and method = '' and change = 0 and at >= ? order by at, n"),
            condition
        );
        let (mut found, mut looked) = (None, 0);
        self.each(&sql, params_from_iter(values), |row| {
            let row = read(row)?;
            let lines = self.activity_body(Some(team), row.n)?.request.unwrap_or_default();
            looked += lines.len();
            if gathered_line(&lines, request).is_some() {
                found = Some(row);
            }
            self.in_time()?;
            Ok(if found.is_some() || looked >= LOOKED_THROUGH {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(found)
    }
}

/// The line of a request in the body of a row that tells of many: when it came, its id, what was asked, the status.
pub fn gathered_line<'l>(lines: &'l [u8], request: &str) -> Option<&'l str> {
    let lines = std::str::from_utf8(lines).ok()?.lines();
    lines.into_iter().find(|line| line.split(' ').nth(1) == Some(request))
}

/// What a packed body begins with, before its length. No deflated one does, as earlier builds kept them: a first block of
/// this type is none (RFC 1951 §3.2.3).
const LZ4: u8 = 0xFF;
/// No body is longer; more is what a damaged file says.
const LONGEST: usize = 16 << 20;

/// A body as it is kept.
pub(super) fn packed(plain: &[u8]) -> Vec<u8> {
    let [a, b, c, d] = (plain.len() as u32).to_le_bytes();
    let mut body = vec![LZ4, a, b, c, d];
    body.resize(body.len() + block::get_maximum_output_size(plain.len()), 0);
    let length = block::compress_into(plain, &mut body[5..]).expect("there is room for what does not shrink");
    body.truncate(5 + length);
    body
}

fn unpacked(body: Vec<u8>) -> Result<Vec<u8>> {
    let plain = match body.split_first_chunk() {
        Some((&[LZ4, a, b, c, d], packed)) => {
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            let plain = block::decompress(packed, length.min(LONGEST)).map_err(|error| error.to_string());
            plain.and_then(|plain| if plain.len() == length { Ok(plain) } else { Err("cut short".into()) })
        }
        _ => {
            let mut plain = Vec::new();
            let read = DeflateDecoder::new(&body[..]).read_to_end(&mut plain);
            read.map(|_| plain).map_err(|error| error.to_string())
        }
    };
    plain.map_err(|error| StoreError::Corrupt(format!("a body of an activity row: {error}")))
}

#[cfg(test)]
mod tests {
    use flate2::Compression;

    use super::*;

    #[test]
    fn bodies_of_every_size_come_back() {
        for length in [0, 1, 100, 5_000, 70_000, 400_000] {
            // Text that hardly shrinks, then text that shrinks to nothing.
            let mixed: Vec<u8> =
                (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
            assert_eq!(unpacked(packed(&mixed)).unwrap(), mixed, "{length}");
            let even = vec![b'a'; length];
            let kept = packed(&even);
            assert!(kept.len() < 30 + length / 50, "{length} became {}", kept.len());
            assert_eq!(unpacked(kept).unwrap(), even, "{length}");
        }
    }

    #[test]
    fn bodies_of_earlier_builds_are_read_and_damaged_ones_told() {
        let mut deflated = Vec::new();
        let body = b"{\"userName\":\"mei@example.com\"}";
        flate2::read::DeflateEncoder::new(&body[..], Compression::fast()).read_to_end(&mut deflated).unwrap();
        assert_eq!(unpacked(deflated).unwrap(), body);
        for damaged in [&[LZ4, 255, 255, 255, 255, 1][..], &[LZ4, 9, 0, 0, 0, 0xF0], &[LZ4], &[7, 1]] {
            assert!(matches!(unpacked(damaged.to_vec()), Err(StoreError::Corrupt(_))), "{damaged:?}");
        }
    }
}
