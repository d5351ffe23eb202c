//! Instructions for each request of the hot paths, counted by callgrind: the same on a busy machine as on a quiet one.
//! Compared with `counters.txt`, so that a regression shows; `tests/bench/counters` builds and starts it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::calls::{self, name};
use super::client::{Call, Limit, Make, Turn, ask, play};
use super::server::{Running, binary, make, serve, token};
use super::workloads::counter;

const USERS: usize = 2_000;
/// Requests that are counted, after some that warm up; of those with a thousand members in them a tenth.
const REQUESTS: usize = 300;
const WARM: usize = 20;
const FEWER: usize = 10;
const HEAVY: [&str; 2] = ["w6", "w12g"];
/// How much more than recorded is a regression, in percent.
const TOLERANCE: f64 = 10.0;

/// Counts all, or those that the command line names; `--record` makes what was found the baseline of these.
pub async fn run() {
    let wanted: Vec<String> = std::env::args().filter(|argument| argument.starts_with('w')).collect();
    let directory = tempfile::tempdir().expect("a directory");
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/counters");
    std::fs::create_dir_all(&out).expect("a directory for profiles");
    let counted = Counted::start(directory.path(), &out);
    let mut found = BTreeMap::new();
    for (key, make) in paths(&counted.server).await {
        if wanted.is_empty() || wanted.iter().any(|name| name == key) {
            let instructions = counted.count(key, make).await;
            println!("{key:<6}{instructions:>12} instructions a request");
            found.insert(key.to_owned(), instructions);
        }
    }
    // Before the end of this process, which would not wait for it.
    drop(counted);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/counters.txt");
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    if std::env::args().any(|argument| argument == "--record") {
        return std::fs::write(file, recorded(&known, found)).expect("the baseline is written");
    }
    std::process::exit(i32::from(worse(&known, &found)));
}

/// The baseline with what was found, which takes the place of what was known of the same paths.
fn recorded(known: &str, found: BTreeMap<String, u64>) -> String {
    let known = known.lines().filter_map(|line| line.split_once(' '));
    let mut all: BTreeMap<String, String> =
        known.map(|(key, count)| (key.to_owned(), count.trim().to_owned())).collect();
    all.extend(found.into_iter().map(|(key, count)| (key, count.to_string())));
    all.iter().map(|(key, count)| format!("{key} {count}\n")).collect()
}

/// Prints each difference to the baseline; whether any path has become worse.
fn worse(known: &str, found: &BTreeMap<String, u64>) -> bool {
    let mut worse = false;
    for (key, count) in known.lines().filter_map(|line| line.split_once(' ')) {
        let (Some(now), Ok(before)) = (found.get(key), count.trim().parse::<f64>()) else { continue };
        let percent = (*now as f64 / before - 1.0) * 100.0;
        worse |= percent > TOLERANCE;
        let word = if percent > TOLERANCE { "  WORSE" } else { "" };
        println!("{key:<6}{percent:>+8.1} % against the {before:.0} on record{word}");
    }
    worse
}

/// A server under callgrind.
struct Counted {
    server: Running,
    out: PathBuf,
}

impl Counted {
    fn start(data: &Path, out: &Path) -> Counted {
        let token = token(data);
        let plain = serve(data, false);
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--instr-atstart=no", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", out.join("dump").display()));
        command.arg(binary()).args(plain.get_args());
        Counted { server: Running::start(command, false, &token), out: out.to_owned() }
    }

    fn control(&self, what: &str) {
        let pid = self.server.pid().to_string();
        let done = Command::new("callgrind_control").args([what, &pid]).output().expect("callgrind_control");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Instructions a request, what it leaves to the writer included. The profile is kept under the path's name.
    async fn count(&self, key: &str, make: Make) -> u64 {
        let fewer = if HEAVY.contains(&key) { FEWER } else { 1 };
        self.control("--instr=on");
        play(&self.server.target, limit(WARM / fewer), make.clone()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.control("--zero");
        let done = play(&self.server.target, limit(REQUESTS / fewer), make).await;
        assert_eq!(done.errors, 0, "{:?}", done.faults);
        // The records of reads are written by then.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.control("--dump");
        self.control("--instr=off");
        let profile = self.newest();
        let text = std::fs::read_to_string(&profile).expect("a profile");
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("totals");
        let total: u64 = total.trim().parse().expect("a number");
        std::fs::rename(profile, self.out.join(format!("{key}.callgrind"))).expect("a profile");
        total / (REQUESTS / fewer) as u64
    }

    fn newest(&self) -> PathBuf {
        let files = std::fs::read_dir(&self.out).expect("profiles").flatten().map(|file| file.path());
        let dumps = files.filter(|path| path.file_stem().is_some_and(|stem| stem == "dump"));
        dumps.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok()).expect("a profile")
    }
}

fn limit(requests: usize) -> Limit {
    Limit { connections: 1, requests, time: Duration::from_secs(300), reconnect: false }
}

/// The hot paths, on a directory filled for them.
async fn paths(server: &Running) -> Vec<(&'static str, Make)> {
    let fill = make(|turn: Turn| calls::create(&name(turn.k), turn.k));
    let done = play(&server.target, Limit { connections: 16, ..limit(USERS) }, fill).await;
    assert_eq!(done.errors, 0, "{:?}", done.faults);
    let ids = ids(server).await;
    let large = made(server, &calls::group("All", &ids)).await;
    let small = made(server, &calls::group("Few", &ids[..1_000])).await;
    let each = move |turn: Turn| turn.k * 7 % USERS;
    let (of_get, of_put, of_patch, of_large, of_small, of_new, of_filling) =
        (ids.clone(), ids.clone(), ids.clone(), ids.clone(), ids.clone(), ids.clone(), ids.clone());
    let entered = counter();
    let in_and_out = |turn: Turn, group: &str, id: &String| match turn.k % 2 {
        0 => calls::leave(group, id),
        _ => calls::join(group, std::slice::from_ref(id)),
    };
    let (bare, few) = (large.clone(), small.clone());
    // Those of the directory who are not in it yet enter each of them by hundreds, ten times.
    let mut filling = Vec::new();
    for number in 0..(WARM + REQUESTS) / FEWER / 10 + 1 {
        filling.push(made(server, &calls::group(&format!("Filling {number}"), &ids[..1_000])).await);
    }
    vec![
        ("w2", make(move |turn| calls::look_up(&name(each(turn)), true))),
        ("w2m", make(|turn| calls::look_up(&name(USERS + turn.k), false))),
        ("w3", make(move |turn| calls::read(&of_get[each(turn)], &name(each(turn))))),
        ("w10x", make(move |turn| calls::filter(&format!("externalId eq \"x-{}\"", name(each(turn))), 1))),
        ("w8", make(|_| calls::list(USERS - 99, 100, USERS))),
        ("w9x", make(move |_| calls::group_bare(&bare))),
        ("w9", make(move |_| calls::group_whole(&few, 1_000))),
        ("w7", make(move |turn| in_and_out(turn, &large, &of_large[0]))),
        ("w7s", make(move |turn| in_and_out(turn, &small, &of_small[0]))),
        (
            "w5",
            make(move |_| {
                // Each turn another person, on and on: every one of them is a change.
                let turn = stamp();
                calls::patch_active(&of_patch[turn % USERS], (turn / USERS) % 2 == 1)
            }),
        ),
        (
            "w4",
            make(move |turn| {
                let k = each(turn);
                calls::put(&of_put[k], &name(k), k, &format!("Engineer {}", turn.k * 31))
            }),
        ),
        ("w6", make(move |_| calls::group(&format!("New {}", stamp()), &of_new[..1_000]))),
        (
            "w12g",
            make(move |_| {
                let turn = entered();
                calls::join(&filling[turn / 10], &of_filling[1_000 + turn % 10 * 100..][..100])
            }),
        ),
        ("w1", make(|turn| calls::create(&format!("new{}-{}@example.com", turn.k, stamp()), turn.k))),
    ]
}

/// A number that no earlier call had.
fn stamp() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn made(server: &Running, call: &Call) -> String {
    let body: serde_json::Value =
        serde_json::from_slice(&ask(&server.target, call.clone()).await).expect("a group");
    body["id"].as_str().expect("an id").to_owned()
}

async fn ids(server: &Running) -> Vec<String> {
    let mut ids = vec![String::new(); USERS];
    for start in (1..USERS).step_by(1_000) {
        let path = format!("/scim/Users?attributes=userName&count=1000&startIndex={start}");
        let page = ask(&server.target, calls::get(path, Vec::new())).await;
        let page: serde_json::Value = serde_json::from_slice(&page).expect("a list");
        for one in page["Resources"].as_array().expect("resources") {
            let text = one["userName"].as_str().expect("a name");
            let number = text.trim_start_matches('u').split('@').next().expect("a number");
            ids[number.parse::<usize>().expect("a number")] = one["id"].as_str().expect("an id").to_owned();
        }
    }
    ids
}
