//! What narrows a list of requests on the command line: kind, status, token, time.

use clap::{Args, ValueEnum};

use super::Desk;
use crate::base::Timestamp;
use crate::serve::Failure;
use crate::store::{ActivityQuery, Team, Which};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Narrow {
    /// Only requests that changed something, only reads, or only what was refused or failed
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// Only this status, such as 409, or a family such as 4xx
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<(u16, u16)>,
    /// Only requests with this token
    #[arg(long, value_name = "NAME")]
    token: Option<String>,
    /// Not before this: a time in UTC such as 2026-11-23 or 2026-11-23T16:00, or a span before now such as 30m, 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Before this, written like --from
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Moment>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Changes,
    Reads,
    Errors,
}

/// An instant, or a span before now in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    At(Timestamp),
    Ago(i64),
}

impl Moment {
    fn instant(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(at) => at,
            Moment::Ago(ms) => Timestamp(now.0.saturating_sub(ms)),
        }
    }
}

impl Narrow {
    /// What was asked for, of a team.
    pub(super) fn query(&self, desk: &Desk, team: &Team, limit: u32) -> Result<ActivityQuery, Failure> {
        let now = desk.service.clock().now();
        let token = match &self.token {
            None => None,
            Some(name) => {
                let tokens = desk.service.tokens(team.id)?;
                let found = tokens.iter().filter(|token| token.name == *name).max_by_key(|token| token.n);
                let missing =
                    || Failure::plain(format!("the team \"{}\" has no token \"{name}\"", team.name));
                Some(found.ok_or_else(missing)?.n)
            }
        };
        Ok(ActivityQuery {
            which: match self.kind {
                None => Which::All,
                Some(Kind::Changes) => Which::Changes,
                Some(Kind::Reads) => Which::Reads,
                Some(Kind::Errors) => Which::Errors,
            },
            status: self.status,
            token,
            from: self.from.map(|moment| moment.instant(now)),
            to: self.to.map(|moment| moment.instant(now)),
            limit,
            ..ActivityQuery::default()
        })
    }
}

fn status(text: &str) -> Result<(u16, u16), String> {
    crate::service::requests::statuses(text)
        .ok_or_else(|| "give a status such as 409, or a family such as 4xx".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    let wrong = || {
        "give a time such as 2026-11-23T16:00 (UTC), or a span before now such as 30m, 12h or 7d".to_owned()
    };
    if let Some((number, unit)) = text.len().checked_sub(1).and_then(|at| text.split_at_checked(at))
        && let Ok(number) = number.parse::<u32>()
    {
        let unit: i64 = match unit {
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        return Ok(Moment::Ago(i64::from(number) * unit));
    }
    if let Some(at) = Timestamp::parse(text) {
        return Ok(Moment::At(at));
    }
    let civil: jiff::civil::DateTime = text.parse().map_err(|_| wrong())?;
    let zoned =
        jiff::tz::TimeZone::UTC.to_ambiguous_zoned_datetime(civil).compatible().map_err(|_| wrong())?;
    Ok(Moment::At(Timestamp(zoned.timestamp().as_millisecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_or_spans_before_now() {
        let at = |text| Timestamp::parse(text).map(Moment::At);
        assert_eq!(moment("2026-11-23").ok(), at("2026-11-23T00:00:00Z"));
        assert_eq!(moment("2026-11-23T16:00").ok(), at("2026-11-23T16:00:00Z"));
        assert_eq!(moment("2026-11-23T16:00:00+01:00").ok(), at("2026-11-23T15:00:00Z"));
        assert_eq!(moment("12h"), Ok(Moment::Ago(43_200_000)));
        for wrong in ["", "h", "soon", "12w", "ü", "2026-13-01", "99999999999d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
        assert_eq!((status("4xx"), status("409")), (Ok((400, 499)), Ok((409, 409))));
        assert!(status("44").is_err() && status("9xx").is_err());
    }
}
