//! The workloads w1 to w12g, as the goals name them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::calls::{self, name};
use super::client::{Limit, Turn, play};
use super::desk::{CONNECTIONS, Desk, Work};
use super::report::Goal::{Cpu, Ratio};
use super::server::make;

/// What showing one membership may cost a reading or writing of its user, in microseconds.
const MEMBERSHIP: f64 = 3.0;
/// The largest group.
pub const LARGEST: usize = 100_000;

/// All workloads on a fresh server, at that many users.
pub async fn all(desk: &mut Desk, users: usize) {
    create(desk, users).await;
    single(desk).await;
    pages(desk, users, 0.0, "").await;
    filters(desk).await;
    if desk.scheme == "https" {
        connections(desk).await;
    }
    groups(desk).await;
    days(desk).await;
    writers(desk).await;
}

async fn create(desk: &mut Desk, users: usize) {
    let each = users / desk.effort.rounds.max(1);
    let counter = counter();
    let make = make(move |_| {
        let k = counter();
        calls::create(&name(k), k)
    });
    let limit = desk.counted(CONNECTIONS, each);
    let goals = vec![Cpu(250.0)];
    desk.measure(Work { key: "w1", what: "create".into(), limit, make, ceiling: false, goals }).await;
    desk.learn(each * desk.effort.rounds).await;
    desk.fill(users).await;
}

/// One user at a time: look-ups, reads and changes.
pub async fn single(desk: &mut Desk) {
    let (n, limit) = (desk.users(), desk.timed(CONNECTIONS));
    let hit = make(move |turn: Turn| calls::look_up(&name(turn.k * 7919 % n), true));
    let goals = vec![Ratio(0.40), Cpu(25.0)];
    desk.measure(Work { key: "w2", what: "look-up, hit".into(), limit, make: hit, ceiling: true, goals })
        .await;
    let miss = make(move |turn: Turn| calls::look_up(&name(n + turn.k), false));
    let goals = vec![Ratio(0.45), Cpu(20.0)];
    desk.measure(Work { key: "w2m", what: "look-up, miss".into(), limit, make: miss, ceiling: true, goals })
        .await;
    get(desk, limit, "get", vec![Ratio(0.50), Cpu(20.0)]).await;
    changes(desk, 0.0).await;
}

async fn get(desk: &mut Desk, limit: Limit, what: &str, goals: Vec<super::report::Goal>) {
    let (n, ids) = (desk.users(), desk.ids.clone());
    let make = make(move |turn: Turn| {
        let k = turn.k * 7919 % n;
        calls::read(&ids[k], &name(k))
    });
    desk.measure(Work { key: "w3", what: what.into(), limit, make, ceiling: true, goals }).await;
}

/// PUT and PATCH, each of which changes something.
pub async fn changes(desk: &mut Desk, more: f64) {
    let (n, limit) = (desk.users(), desk.timed(CONNECTIONS));
    let (ids, counter) = (desk.ids.clone(), counter());
    let fresh = desk.fresh();
    let put = make(move |_| {
        let k = counter() % n;
        calls::put(&ids[k], &name(k), k, &format!("Engineer {}", fresh()))
    });
    let goals = vec![Cpu(200.0 + more)];
    desk.measure(Work { key: "w4", what: "put".into(), limit, make: put, ceiling: false, goals }).await;
    let (ids, counter) = (desk.ids.clone(), self::counter());
    let patch = make(move |_| {
        let k = counter();
        calls::patch_active(&ids[k % n], (k / n) % 2 == 1)
    });
    let goals = vec![Cpu(200.0 + more)];
    desk.measure(Work { key: "w5", what: "patch active".into(), limit, make: patch, ceiling: false, goals })
        .await;
}

/// The first and the last page of so many users.
pub async fn pages(desk: &mut Desk, n: usize, more: f64, note: &str) {
    let limit = desk.timed(CONNECTIONS);
    for (key, what, start) in [("w8a", "list, first page", 1), ("w8b", "list, last page", n.max(100) - 99)] {
        let make = make(move |_| calls::list(start, 100, n));
        let goals = vec![Cpu(250.0 + more)];
        let what = format!("{what}{note}");
        desk.measure(Work { key, what, limit, make, ceiling: false, goals }).await;
    }
}

/// Filters other than by name.
pub async fn filters(desk: &mut Desk) {
    let (n, limit) = (desk.users(), desk.timed(CONNECTIONS));
    let email =
        make(move |turn: Turn| calls::filter(&format!("emails.value eq \"{}\"", name(turn.k * 7 % n)), 1));
    let external =
        make(move |turn: Turn| calls::filter(&format!("externalId eq \"x-{}\"", name(turn.k * 7 % n)), 1));
    for (key, what, make) in [("w10e", "emails.value eq", email), ("w10x", "externalId eq", external)] {
        let goals = vec![Ratio(0.25), Cpu(40.0)];
        desk.measure(Work { key, what: what.into(), limit, make, ceiling: true, goals }).await;
    }
    let family = make(move |turn: Turn| {
        let prefix = 100 + turn.k % 900;
        let found = calls::beginning_with(prefix, n);
        calls::filter(&format!("name.familyName sw \"B{prefix}\""), found)
    });
    let what = "name.familyName sw".to_owned();
    desk.measure(Work { key: "w10s", what, limit, make: family, ceiling: false, goals: vec![Cpu(200.0)] })
        .await;
    let later = make(move |_| calls::filter("meta.lastModified gt \"2999-01-01T00:00:00Z\"", 0));
    let what = "meta.lastModified gt".to_owned();
    desk.measure(Work { key: "w10m", what, limit, make: later, ceiling: false, goals: vec![Cpu(40.0)] })
        .await;
}

/// A new connection for every request, with a whole handshake.
async fn connections(desk: &mut Desk) {
    let limit = Limit { reconnect: true, ..desk.timed(CONNECTIONS) };
    get(desk, limit, "get, a new TLS connection each", vec![Ratio(0.80), Cpu(260.0)]).await;
}

async fn groups(desk: &mut Desk) {
    make_groups(desk).await;
    let mut known = Vec::new();
    for members in [1_000, 10_000] {
        if members > desk.users() {
            continue;
        }
        let group = desk.group(&format!("First {members}"), &desk.ids[..members]).await;
        in_and_out(desk, &group, members).await;
        whole(desk, &group, members).await;
        known.push(group);
    }
    let Some(group) = known.pop() else { return };
    bare(desk, &group).await;
    let third: Vec<String> = desk.ids.to_vec();
    desk.group("Everybody", &third).await;
    // The first thousand are in three groups now, the others in two.
    let (limit, goals) = (desk.timed(CONNECTIONS), vec![Ratio(0.50), Cpu(20.0 + 2.1 * MEMBERSHIP)]);
    get(desk, limit, "get, in two or three groups", goals).await;
    pages(desk, desk.users(), 300.0 * MEMBERSHIP, ", in two or three groups").await;
}

/// A group without its members.
pub async fn bare(desk: &mut Desk, group: &str) {
    let (id, limit) = (group.to_owned(), desk.timed(CONNECTIONS));
    let bare = make(move |_| calls::group_bare(&id));
    let goals = vec![Ratio(0.45), Cpu(20.0)];
    let what = "group without its members".into();
    desk.measure(Work { key: "w9x", what, limit, make: bare, ceiling: true, goals }).await;
}

/// Groups made with their members in one request, of as many as there are users for.
pub async fn make_groups(desk: &mut Desk) {
    for (members, most) in [(1_000, 2_000.0), (10_000, 20_000.0)] {
        if members <= desk.users() {
            make_group(desk, members, most).await;
        }
    }
}

/// They are gone again before the next round.
async fn make_group(desk: &mut Desk, members: usize, most: f64) {
    let (ids, fresh) = (desk.ids.clone(), desk.fresh());
    let make = make(move |_| calls::group(&format!("New {}", fresh()), &ids[..members]));
    let limit = Limit { requests: 40_000 / members, ..desk.timed(4) };
    let what = format!("create a group of {members}");
    let work = Work { key: "w6", what, limit, make, ceiling: false, goals: vec![Cpu(most)] };
    let delete = async |desk: &Desk| {
        let list =
            calls::get("/scim/Groups?attributes=id&filter=displayName+sw+%22New+%22".into(), Vec::new());
        let found = super::client::ask(&desk.server.target, list).await;
        let found: serde_json::Value = serde_json::from_slice(&found).expect("a list");
        for group in found["Resources"].as_array().into_iter().flatten() {
            let path = format!("/scim/Groups/{}", group["id"].as_str().expect("an id"));
            super::client::ask(&desk.server.target, calls::delete(path)).await;
        }
    };
    desk.measure_and(work, delete).await;
}

/// Four connections, each of which takes its own person out of the group and puts them back.
pub async fn in_and_out(desk: &mut Desk, group: &str, members: usize) {
    let turns: Arc<Vec<AtomicUsize>> = Arc::new((0..4).map(|_| AtomicUsize::new(0)).collect());
    let (ids, own, group_id) = (desk.ids.clone(), turns.clone(), group.to_owned());
    let make = make(move |turn: Turn| {
        let id = &ids[turn.connection];
        match own[turn.connection].fetch_add(1, Ordering::Relaxed) % 2 {
            0 => calls::leave(&group_id, id),
            _ => calls::join(&group_id, std::slice::from_ref(id)),
        }
    });
    let shown = if members <= 1_000 { 0.2 * members as f64 } else { 0.0 };
    let goals = vec![Cpu(150.0 + shown)];
    let (limit, what) = (desk.timed(4), format!("one in and out of {members}"));
    desk.measure(Work { key: "w7", what, limit, make, ceiling: false, goals }).await;
    let mut wanted: Vec<String> = desk.ids[..members].to_vec();
    for connection in (0..4).rev() {
        if turns[connection].load(Ordering::Relaxed) % 2 == 1 {
            wanted.remove(connection);
        }
    }
    wanted.sort();
    assert!(desk.members(group).await == wanted, "w7: the group of {members} has the wrong members");
    let join = calls::join(group, &desk.ids[..4]);
    super::client::ask(&desk.server.target, join).await;
}

/// A group with all its members.
pub async fn whole(desk: &mut Desk, group: &str, members: usize) {
    let id = group.to_owned();
    let make = make(move |_| calls::group_whole(&id, members));
    let goals = if members == 100_000 { vec![Cpu(15_000.0)] } else { Vec::new() };
    let (limit, what) = (desk.timed(4), format!("group of {members}"));
    desk.measure(Work { key: "w9", what, limit, make, ceiling: false, goals }).await;
}

/// The mixed day, the initial sync, and all of it into one group; the groups that this leaves.
pub async fn days(desk: &mut Desk) -> [String; 2] {
    let team = desk.group("Team", &[]).await;
    let (n, ids, fresh) = (desk.users(), desk.ids.clone(), desk.fresh());
    let own_team = team.clone();
    let make_day = make(move |turn: Turn| day(turn, n, &ids, &own_team, &fresh));
    let limit = desk.timed(CONNECTIONS);
    let goals = vec![Cpu(200.0)];
    desk.measure(Work { key: "w11", what: "mixed day".into(), limit, make: make_day, ceiling: false, goals })
        .await;

    // A connection looks somebody up, and creates them since there is nobody.
    let own: Arc<Vec<AtomicUsize>> = Arc::new((0..CONNECTIONS).map(|_| AtomicUsize::new(0)).collect());
    let sync = make(move |turn: Turn| {
        let step = own[turn.connection].fetch_add(1, Ordering::Relaxed);
        let k = turn.connection + CONNECTIONS * (step / 2);
        let name = format!("sync{n}-{k}@example.com");
        if step.is_multiple_of(2) { calls::look_up(&name, false) } else { calls::newcomer(&name, k) }
    });
    let goals = vec![Cpu(150.0)];
    desk.measure(Work { key: "w12", what: "initial sync".into(), limit, make: sync, ceiling: false, goals })
        .await;

    let all = desk.group("Sync", &[]).await;
    let (ids, counter) = (desk.ids.clone(), counter());
    let (group, n) = (all.clone(), n.min(LARGEST));
    let into = make(move |_| {
        let batch = counter();
        calls::join(&group, &ids[batch * 100 % n..][..100.min(n)])
    });
    let limit = desk.counted(1, n.div_ceil(100) / desk.effort.rounds);
    let what = "all into one group, 100 at a time".into();
    desk.measure(Work { key: "w12g", what, limit, make: into, ceiling: false, goals: Vec::new() }).await;
    let mut wanted = desk.ids[..limit.requests * desk.effort.rounds * 100].to_vec();
    wanted.sort();
    assert!(desk.members(&all).await == wanted, "w12g: the group has the wrong members");
    [team, all]
}

/// 70 % look-up then PUT or PATCH, 10 % create, 15 % PATCH of a group, 5 % list.
fn day(
    turn: Turn,
    n: usize,
    ids: &[String],
    team: &str,
    fresh: &(impl Fn() -> usize + Send + Sync),
) -> super::client::Call {
    // In a cycle of 34 requests, 14 pairs, two creates, three changes of a group and one list.
    let (cycle, step) = (turn.nth / 34, turn.nth % 34);
    let k = (turn.connection + CONNECTIONS * (cycle * 14 + step / 2)) % n;
    match step {
        0..28 if step.is_multiple_of(2) => calls::look_up(&name(k), true),
        0..28 if step % 4 == 1 => calls::put(&ids[k], &name(k), k, &format!("Engineer {}", fresh())),
        0..28 => calls::patch(
            format!("/scim/Users/{}", ids[k]),
            serde_json::json!({ "op": "replace", "path": "nickName", "value": format!("Lex {}", fresh()) }),
            &[200],
            vec!["\"nickName\":\"Lex ".into()],
        ),
        28 | 29 => {
            let k = fresh();
            calls::newcomer(&format!("day{k}@example.com"), k)
        }
        30..33 => {
            let own = &ids[turn.connection % n];
            let joins = (cycle * 3 + step - 30).is_multiple_of(2);
            if joins { calls::join(team, std::slice::from_ref(own)) } else { calls::leave(team, own) }
        }
        _ => {
            let mut list = calls::list(1, 100, n);
            // Others create meanwhile: the total is at least what it was.
            list.expect.has.remove(0);
            list
        }
    }
}

/// Sixteen writers put 40 people each into one group and take every third out again; just the others are left.
async fn writers(desk: &mut Desk) {
    let group = desk.group("Sixteen writers", &[]).await;
    let each = (desk.users() / CONNECTIONS).min(40);
    let (ids, id) = (desk.ids.clone(), group.clone());
    let make = make(move |turn: Turn| {
        let person = |nth: usize| &ids[turn.connection * each + nth];
        match turn.nth {
            nth if nth < each => calls::join(&id, std::slice::from_ref(person(nth))),
            nth => calls::leave(&id, person((nth - each) * 3 % each)),
        }
    });
    let turns = each + each.div_ceil(3);
    // As many turns for each connection: a connection that has had its own does nothing more.
    let mut tasks = Vec::new();
    for connection in 0..CONNECTIONS {
        let (target, make) = (desk.server.target.clone(), make.clone());
        let limit = desk.counted(1, turns);
        tasks.push(tokio::spawn(async move {
            let own = Arc::new(move |turn: Turn| make(Turn { connection, ..turn }));
            play(&target, limit, own).await
        }));
    }
    for task in tasks {
        let done = task.await.expect("a writer does not panic");
        assert_eq!(done.errors, 0, "{:?}", done.faults);
    }
    let mut wanted: Vec<String> = (0..CONNECTIONS * each)
        .filter(|number| !(number % each).is_multiple_of(3))
        .map(|number| desk.ids[number].clone())
        .collect();
    wanted.sort();
    assert!(desk.members(&group).await == wanted, "sixteen writers left the wrong members");
    println!("{} sixteen writers on one group left exactly the right {} members", desk.scheme, wanted.len());
}

/// Counts from 0, over all rounds.
pub fn counter() -> impl Fn() -> usize + Send + Sync + 'static {
    let counter = AtomicUsize::new(0);
    move || counter.fetch_add(1, Ordering::Relaxed)
}
