//! Floods: more requests than can be written one by one. What is recorded, what is only counted, and what it costs. Tests
//! alone live here.

use std::time::{Duration, Instant};

use super::cause::Cause;
use super::record::{Asked, Ending};
use super::sentence::Deed;
use super::{Caller, Error, Options, Service};
use crate::base::{Clock, Ids, TeamId, Timestamp};
use crate::scim::{Mode, Notes};
use crate::store::{self, ActivityQuery, ActivityRow, Store};

struct Desk {
    _directory: tempfile::TempDir,
    clock: Clock,
    service: Service,
    team: TeamId,
}

async fn desk() -> Desk {
    let directory = tempfile::tempdir().expect("a directory");
    let clock = Clock::manual(Timestamp(1_795_462_931_120));
    let options = store::Options { clock: clock.clone(), ..Default::default() };
    let store = Store::open(&directory.path().join("scimd.db"), options).expect("a store");
    let service = Service::new(
        store,
        Options { clock: clock.clone(), ids: Ids::random(clock.clone()), ..Options::default() },
    );
    service.ensure_team().await.expect("a team");
    let team = service.team_named(None).expect("one").id;
    Desk { _directory: directory, clock, service, team }
}

impl Desk {
    fn asked(&self, address: &str) -> Asked {
        Asked {
            id: self.service.ids().request(),
            at: self.clock.now(),
            address: address.into(),
            method: "GET".into(),
            path: "/scim/Users".into(),
            ..Asked::default()
        }
    }

    /// Keeps the writer from writing until the answer is dropped.
    fn hold(&self) -> std::sync::mpsc::Sender<()> {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (began, begun) = std::sync::mpsc::channel();
        let store = self.service.store().clone();
        std::thread::spawn(move || {
            store.write_blocking(move |_| -> Result<(), Error> {
                let _ = began.send(());
                let _ = wait.recv();
                Ok(())
            })
        });
        begun.recv().expect("the writer is held");
        go
    }

    async fn written(&self, team: Option<TeamId>) -> Vec<ActivityRow> {
        // A commit takes along what waits; what was counted is written with the one after.
        for _ in 0..2 {
            self.service.write_counts();
            self.service.store().write(|tx| tx.set_setting("x", "y")).await.expect("written");
        }
        let query = ActivityQuery { limit: 20_000, ..Default::default() };
        self.service.store().read_now(|tx| tx.activity(team, &query)).expect("rows")
    }
}

fn caller(team: TeamId) -> Caller {
    Caller {
        team,
        token: 7,
        token_name: "JumpCloud".into(),
        source: "JumpCloud".into(),
        mode: Mode::Compat,
        read_only: false,
        user: None,
    }
}

fn look_up(desk: &Desk, caller: &Caller, asked: &Asked) {
    let notes = Notes::default();
    let end = Ending {
        status: 200,
        deed: Deed::Listed { what: "users", wanted: Some("mei@example.com"), found: 0 },
        subject: None,
        cause: None,
        changes: &[],
        events: &[],
        also: &[],
        notes: &notes,
        response: None,
    };
    desk.service.record_read(caller, asked, &end);
}

#[tokio::test]
async fn look_ups_that_outrun_the_writer_are_counted_and_wait_for_nothing() {
    const FLOOD: u64 = 10_000;
    let desk = desk().await;
    let caller = caller(desk.team);
    let commits = desk.service.store().commits();
    let before = *commits.borrow();
    let held = desk.hold();
    let began = Instant::now();
    for _ in 0..FLOOD {
        look_up(&desk, &caller, &desk.asked("203.0.113.24"));
    }
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "the writer stands still, and no answer waited for it"
    );
    drop(held);
    let rows = desk.written(Some(desk.team)).await;
    assert_eq!(
        rows.iter().map(|row| row.activity.folded).sum::<u64>(),
        FLOOD,
        "nothing is lost without a word"
    );
    for row in rows.iter().filter(|row| row.activity.folded > 1) {
        let body =
            desk.service.store().read_now(|tx| tx.activity_body(Some(desk.team), row.n)).expect("a body");
        let lines = String::from_utf8(body.request.expect("a list")).expect("text");
        assert_eq!(lines.lines().count() as u64, row.activity.folded, "each of them has its line");
        assert!(
            lines.lines().all(|line| line.contains(" GET /scim/Users") && line.ends_with(" 200")),
            "{lines}"
        );
    }
    let folded = rows.iter().find(|row| row.activity.folded > 1).expect("some were gathered");
    let count = super::sentence::number(folded.activity.folded);
    assert_eq!(folded.activity.sentence, format!("and {count} more look-ups"));
    assert_eq!(folded.activity.token, Some(7));
    assert!(rows.len() < 1_000, "so many rows and no more: {}", rows.len());
    let taken = *commits.borrow() - before;
    assert!(taken <= 6, "a commit for thousands and not for each: {taken}");
}

#[tokio::test]
async fn a_gathered_request_is_found_by_its_id_and_no_other_teams_is() {
    let desk = desk().await;
    let caller = caller(desk.team);
    let mut ids = Vec::new();
    for n in 0..2_000 {
        // 1,000 a second, written after each of them.
        if n == 1_000 {
            desk.written(Some(desk.team)).await;
        }
        desk.clock.advance(Duration::from_millis(n % 2 * 2));
        let asked = desk.asked("203.0.113.24");
        ids.push(asked.id.clone());
        look_up(&desk, &caller, &asked);
    }
    let rows = desk.written(Some(desk.team)).await;
    let alone = rows.iter().filter(|row| !row.activity.method.is_empty()).count();
    assert!((700..=912).contains(&alone), "a burst, and 200 a second for two seconds: {alone}");
    assert!(rows.len() - alone >= 2, "rows that tell of many");
    let mut last = None;
    for id in &ids {
        let (row, body) = desk.service.request(desk.team, id).expect("read").expect("it is found");
        let lines = body.request.as_deref().unwrap_or_default();
        let line = store::gathered_line(lines, id);
        assert_eq!(line.is_none(), row.activity.request == *id, "{id}");
        assert!(line.is_none_or(|line| line.ends_with(" GET /scim/Users 200")), "{line:?}");
        last = line.map(|_| id).or(last);
    }
    let last = last.expect("one is a line");
    let query =
        |which| ActivityQuery { text: Some(format!(" {last} ")), limit: 5, which, ..Default::default() };
    let all = desk.service.requests(desk.team, query(store::Which::All)).await.expect("a list").rows;
    assert_eq!(all.iter().map(|row| row.activity.folded > 1).collect::<Vec<_>>(), [true]);
    let found = desk.service.find(desk.team, last).await.expect("finds").request.expect("a request");
    assert_eq!(found.n, all[0].n);
    assert!(
        desk.service.requests(desk.team, query(store::Which::Errors)).await.expect("a list").rows.is_empty()
    );
    assert!(desk.service.request(TeamId(desk.team.0 + 1), last).expect("read").is_none());
    assert!(desk.service.request(desk.team, &desk.service.ids().request()).expect("read").is_none());
}

#[tokio::test]
async fn strangers_are_counted_by_address_and_cause_and_cost_no_commit_each() {
    let desk = desk().await;
    let commits = desk.service.store().commits();
    let before = *commits.borrow();
    let refusal = |cause| Error::Unauthenticated { cause, detail: "no".into() };
    for n in 0..3_000 {
        let cause = if n % 3 == 0 { Cause::NoAuthorization } else { Cause::TokenUnknown };
        desk.service.record_refusal(None, None, &desk.asked("198.51.100.7"), &refusal(cause), 401, b"{}");
    }
    for n in 0..1_000 {
        let asked = desk.asked(&format!("192.0.2.{}", n % 250));
        desk.service.record_refusal(None, None, &asked, &refusal(Cause::TokenUnknown), 401, b"{}");
    }
    let rows = desk.written(None).await;
    let of_one = rows.iter().filter(|row| row.activity.address == "198.51.100.7").count();
    assert_eq!((of_one, rows.len()), (20, 200), "twenty a minute of one address, two hundred of all");
    desk.clock.advance(Duration::from_secs(60));
    let rows = desk.written(None).await;
    assert_eq!(rows.iter().map(|row| row.activity.folded).sum::<u64>(), 4_000, "all the others are counts");
    let counted = |cause: Cause| {
        let of_one = rows.iter().filter(|row| {
            row.activity.folded > 1
                && row.activity.address == "198.51.100.7"
                && row.activity.cause.as_deref() == Some(cause.key())
        });
        of_one.map(|row| row.activity.folded).sum::<u64>()
    };
    assert_eq!(counted(Cause::NoAuthorization) + counted(Cause::TokenUnknown), 2_980);
    assert!(counted(Cause::NoAuthorization) > 900 && counted(Cause::TokenUnknown) > 1_900, "by cause");
    let taken = *commits.borrow() - before;
    assert!(taken <= 8, "a commit for hundreds and not for each: {taken}");
}
