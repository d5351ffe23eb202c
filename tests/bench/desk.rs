//! One server under measurement with bare hyper beside it: how a workload is played in rounds, and what its medians are.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::calls;
use super::client::{Limit, Make, Measured, Turn, ask, play};
use super::report::{Goal, Row};
use super::server::{Running, make, token};

/// How much is played.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long a round of a workload takes, and of bare hyper.
    pub time: Duration,
    pub ceiling: Duration,
}

/// How long the records of reads take at most to reach the disk: until then a round is not over.
const SETTLED: Duration = Duration::from_millis(450);
/// Connections of a workload.
pub const CONNECTIONS: usize = 16;

/// A server, its users, and bare hyper beside it.
pub struct Desk {
    pub server: Running,
    hello: Running,
    pub scheme: &'static str,
    pub effort: Effort,
    /// The ids of the users, by their numbers.
    pub ids: Arc<Vec<String>>,
    pub rows: Vec<Row>,
    /// Numbers for what is new.
    fresh: Arc<AtomicUsize>,
}

/// A workload.
pub struct Work {
    pub key: &'static str,
    pub what: String,
    pub limit: Limit,
    pub make: Make,
    /// Whether bare hyper is asked beside it.
    pub ceiling: bool,
    pub goals: Vec<Goal>,
}

impl Desk {
    /// Starts both on a fresh data directory.
    pub fn start(data: &Path, tls: bool, effort: Effort) -> Desk {
        std::fs::create_dir_all(data).expect("a directory");
        Desk::on(data, tls, &token(data), effort)
    }

    /// Starts both on a data directory that is there, without encryption.
    pub fn again(data: &Path, token: &str, effort: Effort) -> Desk {
        Desk::on(data, false, token, effort)
    }

    fn on(data: &Path, tls: bool, token: &str, effort: Effort) -> Desk {
        Desk {
            server: Running::scimd(data, tls, token),
            hello: Running::hello(tls),
            scheme: if tls { "https" } else { "http" },
            effort,
            ids: Arc::default(),
            rows: Vec::new(),
            fresh: Arc::default(),
        }
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        self.ids.len()
    }

    /// Limits by the round's time.
    pub fn timed(&self, connections: usize) -> Limit {
        Limit { connections, requests: usize::MAX, time: self.effort.time, reconnect: false }
    }

    /// Limits by a number of requests.
    pub fn counted(&self, connections: usize, requests: usize) -> Limit {
        Limit { connections, requests, time: Duration::from_secs(600), reconnect: false }
    }

    /// A number that no other request has.
    pub fn fresh(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let fresh = self.fresh.clone();
        move || fresh.fetch_add(1, Ordering::Relaxed)
    }

    /// Plays a workload, alternating with bare hyper, and keeps its medians.
    pub async fn measure(&mut self, work: Work) -> Option<&Row> {
        self.measure_and(work, async |_: &Desk| ()).await
    }

    /// The same, with something done after each round that is not measured.
    pub async fn measure_and(&mut self, work: Work, after: impl AsyncFn(&Desk)) -> Option<&Row> {
        let mut rounds = Vec::new();
        for _ in 0..self.effort.rounds {
            let before = self.server.cpu();
            let done = play(&self.server.target, work.limit, work.make.clone()).await;
            tokio::time::sleep(SETTLED).await;
            let cpu = self.server.cpu().saturating_sub(before);
            let hello = if work.ceiling { Some(self.hello(&work, &done).await) } else { None };
            rounds.push((done, cpu, hello));
            after(self).await;
        }
        let row = Row::of(self, &work, rounds);
        println!("{}", row.line());
        self.rows.push(row);
        self.rows.last()
    }

    /// Bare hyper with bodies of the same size, on as many connections, asked and looked at just as the server was.
    async fn hello(&self, work: &Work, done: &Measured) -> f64 {
        let size = done.bytes / done.requests.max(1);
        let play_on = work.make.clone();
        let same = make(move |turn| {
            let mut call = play_on(turn);
            call.path = format!("/{size}{}", call.path);
            call.expect.whatever = true;
            call
        });
        let limit = Limit { requests: usize::MAX, time: self.effort.ceiling, ..work.limit };
        let ceiling = play(&self.hello.target, limit, same).await;
        assert_eq!(ceiling.errors, 0, "{:?}", ceiling.faults);
        ceiling.rate()
    }

    /// Creates users up to a number, which nobody measures, and learns their ids.
    pub async fn fill(&mut self, users: usize) {
        let from = self.users();
        if from >= users {
            return;
        }
        let calls = make(move |turn: Turn| calls::create(&calls::name(from + turn.k), from + turn.k));
        let done = play(&self.server.target, self.counted(64, users - from), calls).await;
        assert_eq!(done.errors, 0, "{:?}", done.faults);
        println!("{} users, {:.0} created a second", users, done.rate());
        self.learn(users).await;
    }

    /// Reads the ids of the users from pages of the list: requests came in any order.
    pub async fn learn(&mut self, users: usize) {
        let mut ids = vec![String::new(); users];
        let (mut start, mut missing) = (1, users);
        while missing > 0 {
            let path = format!("/scim/Users?attributes=userName&count=1000&startIndex={start}");
            let page = ask(&self.server.target, calls::get(path, Vec::new())).await;
            let page: Value = serde_json::from_slice(&page).expect("a list");
            let found = page["Resources"].as_array().expect("every user is listed");
            start += found.len();
            for one in found {
                let name = one["userName"].as_str().expect("a name");
                let number = name.strip_prefix('u').and_then(|rest| rest.strip_suffix("@example.com"));
                if let Some(number) = number.and_then(|digits| digits.parse::<usize>().ok())
                    && ids[number].is_empty()
                {
                    ids[number] = one["id"].as_str().expect("an id").to_owned();
                    missing -= 1;
                }
            }
        }
        self.ids = Arc::new(ids);
    }

    /// Creates a group; its id.
    pub async fn group(&self, name: &str, members: &[String]) -> String {
        let made = ask(&self.server.target, calls::group(name, members)).await;
        let text = String::from_utf8(made).expect("JSON");
        let (_, rest) = text.split_once("\"id\":\"").expect("an id");
        rest.split('"').next().expect("an id").to_owned()
    }

    /// The ids of a group's members, sorted.
    pub async fn members(&self, group: &str) -> Vec<String> {
        let group = ask(&self.server.target, calls::get(format!("/scim/Groups/{group}"), Vec::new())).await;
        let group: Value = serde_json::from_slice(&group).expect("a group");
        let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut ids: Vec<String> =
            members.iter().map(|member| member["value"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    }
}
