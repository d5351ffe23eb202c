//! What the engine promises: answers after the commit, a failing job that harms no other, snapshots, deadlines, and a
//! clear word about files that are not ours.

use std::os::unix::fs::PermissionsExt;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::store::{Result, check};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn open() -> (TempDir, Store) {
    open_with(Options::default())
}

fn open_with(options: Options) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join("scimd.db"), options).unwrap();
    (directory, store)
}

fn set(tx: &mut WriteTx<'_>, name: &str) -> Result<()> {
    tx.set_setting(name, "1")
}

fn has(store: &Store, name: &str) -> bool {
    store.read_now(|tx| tx.setting(name)).unwrap().is_some()
}

/// Holds the writer until told, so that what is sent meanwhile lands in one batch.
fn hold(store: &Store) -> (mpsc::Sender<()>, impl Future<Output = Result<()>> + use<>) {
    let (go, wait) = mpsc::channel();
    let (at_work, started) = mpsc::channel();
    let held = store.write(move |_| {
        let _ = at_work.send(());
        let _ = wait.recv();
        Ok::<(), StoreError>(())
    });
    started.recv().unwrap();
    (go, held)
}

#[test]
fn a_job_that_fails_or_panics_loses_its_own_writes_and_nothing_else() {
    let (_directory, store) = open();
    let (go, held) = hold(&store);
    let before = store.write(|tx| set(tx, "before"));
    let failing = store.write(|tx| {
        set(tx, "failing")?;
        Err::<(), StoreError>(StoreError::Busy)
    });
    let panicking = store.write(|tx| -> Result<()> {
        set(tx, "panicking")?;
        panic!("on purpose");
    });
    let after = store.write(|tx| set(tx, "after"));
    go.send(()).unwrap();
    runtime().block_on(async {
        held.await.unwrap();
        before.await.unwrap();
        assert!(matches!(failing.await, Err(StoreError::Busy)));
        assert!(matches!(panicking.await, Err(StoreError::Panicked(what)) if what == "on purpose"));
        after.await.unwrap();
    });
    let kept = ["before", "failing", "panicking", "after"].map(|name| has(&store, name));
    assert_eq!(kept, [true, false, false, true]);
}

#[test]
fn the_first_job_of_a_transaction_loses_its_writes_too_and_the_next_is_not_the_first() {
    let (_directory, store) = open();
    let (go, wait) = mpsc::channel::<()>();
    let failing = store.write(move |tx| {
        set(tx, "failing")?;
        wait.recv().ok();
        Err::<(), StoreError>(StoreError::Busy)
    });
    let panicking = store.write(|tx| -> Result<()> {
        set(tx, "panicking")?;
        panic!("on purpose");
    });
    let first = store.write(|tx| set(tx, "first"));
    let second = store.write(|tx| {
        set(tx, "second")?;
        Err::<(), StoreError>(StoreError::Busy)
    });
    go.send(()).unwrap();
    runtime().block_on(async {
        assert!(matches!(failing.await, Err(StoreError::Busy)));
        assert!(matches!(panicking.await, Err(StoreError::Panicked(_))));
        first.await.unwrap();
        assert!(matches!(second.await, Err(StoreError::Busy)));
    });
    let kept = ["failing", "panicking", "first", "second"].map(|name| has(&store, name));
    assert_eq!(kept, [false, false, true, false]);
}

#[test]
fn what_waits_together_is_committed_together() {
    let (_directory, store) = open();
    let commits = store.commits();
    let before = *commits.borrow();
    let (go, held) = hold(&store);
    let jobs: Vec<_> = (0..100).map(|number| store.write(move |tx| set(tx, &format!("s{number}")))).collect();
    go.send(()).unwrap();
    runtime().block_on(async {
        held.await.unwrap();
        for job in jobs {
            job.await.unwrap();
        }
    });
    let made = *commits.borrow() - before;
    assert!((1..=5).contains(&made), "{made} commits for 100 jobs");
}

#[test]
fn a_full_queue_answers_busy_at_once() {
    let (_directory, store) = open_with(Options { queue: 2, ..Options::default() });
    let (go, held) = hold(&store);
    let waiting = ["a", "b"].map(|name| store.write(move |tx| set(tx, name)));
    let refused = runtime().block_on(store.write(|tx| set(tx, "c")));
    assert!(matches!(refused, Err(StoreError::Busy)));
    go.send(()).unwrap();
    runtime().block_on(async {
        held.await.unwrap();
        for job in waiting {
            job.await.unwrap();
        }
    });
    assert!(has(&store, "b") && !has(&store, "c"));
}

#[test]
fn a_read_after_the_answer_sees_what_the_answer_promised() {
    let (_directory, store) = open();
    for number in 0..50 {
        let name = format!("s{number}");
        let written = name.clone();
        store.write_blocking(move |tx| set(tx, &written)).unwrap();
        assert!(has(&store, &name));
        let name = name.clone();
        let seen = runtime().block_on(store.read(move |tx| tx.setting(&name))).unwrap();
        assert!(seen.is_some());
    }
}

#[test]
fn a_read_sees_one_snapshot_and_may_hold_another_read() {
    let (_directory, store) = open();
    store
        .read_now(|tx| -> Result<()> {
            assert_eq!(tx.setting("new")?, None);
            store.write_blocking(|tx| set(tx, "new"))?;
            assert_eq!(tx.setting("new")?, None, "the snapshot stands");
            assert!(has(&store, "new"), "a read begun now sees it");
            Ok(())
        })
        .unwrap();
    assert!(has(&store, "new"));
}

#[test]
fn the_reads_of_a_future_share_a_snapshot_until_it_waits() {
    let (_directory, store) = open();
    let write = |name: &'static str| {
        let store = store.clone();
        std::thread::spawn(move || store.write_blocking(move |tx| set(tx, name)).unwrap()).join().unwrap();
    };
    let reads = async {
        assert!(!has(&store, "new"));
        write("new");
        assert!(!has(&store, "new"), "the snapshot stands");
        assert!(store.read_now(|tx| tx.number("select nothing", [])).is_err());
        assert!(!has(&store, "new"), "a read that failed does not end it");
        tokio::task::yield_now().await;
        assert!(has(&store, "new"), "another one, begun after the wait");
        write("other");
        assert!(!has(&store, "other"));
    };
    runtime().block_on(store.in_one_snapshot(Box::pin(reads)));
    assert!(has(&store, "other"), "it is left behind with the future");
    write("last");
    assert!(has(&store, "last"));
    let panics = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime().block_on(store.in_one_snapshot(Box::pin(async {
            assert!(has(&store, "last"));
            panic!("on purpose");
        })))
    }));
    write("behind");
    assert!(panics.is_err() && has(&store, "behind"), "nor does a panic leave it open");
}

#[test]
fn the_log_goes_back_into_the_file_while_changes_go_on_and_readers_rest() {
    let (_directory, store) = open();
    store.write_blocking(|tx| tx.run("create table big (x blob)", [])).unwrap();
    let log = || std::fs::metadata(format!("{}-wal", store.file().display())).unwrap().len();
    let write = |times| {
        for _ in 0..times {
            store.write_blocking(|tx| tx.run("insert into big values (zeroblob(5000000))", [])).unwrap();
            assert!(!has(&store, "nothing"));
            std::thread::scope(|scope| assert!(!scope.spawn(|| has(&store, "nothing")).join().unwrap()));
        }
    };
    write(20);
    assert!(log() < 80_000_000, "of 100 MB it holds {}", log());
    let (go, wait) = mpsc::channel::<()>();
    let (begun, begins) = mpsc::channel();
    let long = store.read(move |tx| -> Result<i64> {
        let count = tx.number("select count(*) from big", [])?;
        begun.send(()).unwrap();
        wait.recv().unwrap();
        Ok(tx.number("select count(*) from big", [])? - count)
    });
    begins.recv().unwrap();
    write(20);
    assert!(log() > 90_000_000, "a long read needs what is in it: {}", log());
    go.send(()).unwrap();
    assert_eq!(runtime().block_on(long).unwrap(), 0, "it saw one snapshot");
    write(10);
    assert!(log() < 80_000_000, "it began anew: {}", log());
}

#[test]
fn a_read_past_its_deadline_is_too_expensive_and_the_pool_goes_on() {
    let options = Options { deadline: Duration::from_millis(50), readers: 1, ..Options::default() };
    let (_directory, store) = open_with(options);
    let endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
    let started = Instant::now();
    let answer = runtime().block_on(store.read(move |tx| tx.number(endless, [])));
    assert!(matches!(answer, Err(StoreError::TooExpensive)), "{answer:?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    let panicked: Result<()> = runtime().block_on(store.read(|_| panic!("on purpose")));
    assert!(matches!(panicked, Err(StoreError::Panicked(_))));
    assert_eq!(runtime().block_on(store.read(|tx| tx.number("select 7", []))).unwrap(), 7);
}

#[test]
fn readers_cannot_write() {
    let (_directory, store) = open();
    let written = store.read_now(|tx| tx.number("insert into setting values ('x', 'y', 1) returning 1", []));
    assert!(matches!(written, Err(StoreError::Sqlite(_))), "{written:?}");
}

#[test]
fn small_writes_are_there_soon_or_with_the_next_commit() {
    let (_directory, store) = open();
    assert!(store.later(|tx| set(tx, "soon")));
    let deadline = Instant::now() + Duration::from_secs(5);
    while !has(&store, "soon") {
        assert!(Instant::now() < deadline, "never written");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(store.later(|tx| set(tx, "joined")));
    store.write_blocking(|tx| set(tx, "other")).unwrap();
    assert!(has(&store, "joined"));
    assert!(store.later(|tx| set(tx, "last")));
    store.close();
    assert!(!store.later(|tx| set(tx, "refused")));
    let again = Store::open(store.file(), Options::default()).unwrap();
    assert!(has(&again, "last"));
}

/// A store with a list of names in the order in which they were written.
fn listing() -> (TempDir, Store) {
    let (directory, store) = open();
    store.write_blocking(|tx| tx.run("create table list (n integer primary key, name text)", [])).unwrap();
    (directory, store)
}

fn list(tx: &mut WriteTx<'_>, name: &str) -> Result<()> {
    tx.run("insert into list (name) values (?)", [name]).map(drop)
}

fn listed(store: &Store) -> Vec<String> {
    store.read_now(|tx| tx.all("select name from list order by n", [], |row| row.get(0))).unwrap()
}

#[test]
fn small_writes_come_before_the_jobs_that_came_after_them() {
    let (_directory, store) = listing();
    let (go, held) = hold(&store);
    assert!(store.later(|tx| list(tx, "looked up")));
    assert!(store.later(|tx| list(tx, "refused")));
    let first = store.write(|tx| list(tx, "first"));
    let (run, wait) = mpsc::channel();
    let (at_work, started) = mpsc::channel();
    let second = store.write(move |tx| {
        let _ = at_work.send(());
        let _ = wait.recv();
        list(tx, "second")
    });
    let third = store.write(|tx| list(tx, "third"));
    go.send(()).unwrap();
    started.recv().unwrap();
    // While the transaction runs, and before a job that waits.
    assert!(store.later(|tx| list(tx, "read")));
    let fourth = store.write(|tx| list(tx, "fourth"));
    run.send(()).unwrap();
    runtime().block_on(async {
        held.await.ok();
        for answer in [first.await, second.await, third.await, fourth.await] {
            answer.unwrap();
        }
    });
    let expected = ["looked up", "refused", "first", "second", "read", "third", "fourth"];
    assert_eq!(listed(&store), expected);
}

#[test]
fn small_writes_before_a_job_stay_when_it_fails_and_one_that_fails_costs_it_nothing() {
    let (_directory, store) = listing();
    let failing = |name: &'static str| {
        store.write_blocking(move |tx| -> Result<()> {
            list(tx, name)?;
            if name == "panics" {
                panic!("on purpose");
            }
            Err(StoreError::Corrupt("of its own fault".into()))
        })
    };
    assert!(store.later(|tx| list(tx, "one")));
    assert!(matches!(failing("fails"), Err(StoreError::Corrupt(_))));
    assert!(store.later(|tx| list(tx, "two")));
    assert!(matches!(failing("panics"), Err(StoreError::Panicked(_))));
    assert!(store.later(|tx| list(tx, "three")));
    assert!(store.later(|tx| {
        list(tx, "wrong")?;
        Err(StoreError::Corrupt("of its own fault".into()))
    }));
    assert!(store.later(|_| panic!("on purpose")));
    assert!(store.later(|tx| list(tx, "four")));
    store.write_blocking(|tx| list(tx, "five")).unwrap();
    assert_eq!(
        (listed(&store), store.waiting_later()),
        (["one", "two", "three", "four", "five"].map(String::from).into(), 0)
    );
}

#[test]
fn closing_finishes_what_waits_and_leaves_one_file() {
    let (directory, store) = open();
    let (go, held) = hold(&store);
    let waiting = store.write(|tx| set(tx, "waiting"));
    let closer = std::thread::spawn({
        let store = store.clone();
        move || store.close()
    });
    go.send(()).unwrap();
    runtime().block_on(async {
        held.await.unwrap();
        waiting.await.unwrap();
    });
    closer.join().unwrap();
    let late = store.write_blocking(|tx| set(tx, "late"));
    assert!(matches!(late, Err(StoreError::Closed)));
    let log = directory.path().join("scimd.db-wal");
    assert!(log.metadata().map_or(true, |log| log.len() == 0), "the log went back into the file");
}

#[test]
fn another_process_may_write_beside_and_is_noticed() {
    let (_directory, store) = open();
    let mut commits = store.commits();
    // Longer than one look, so that the writer has seen the file as it is.
    std::thread::sleep(Duration::from_millis(300));
    commits.mark_unchanged();
    let other = Store::open(store.file(), Options::default()).unwrap();
    other.write_blocking(|tx| set(tx, "theirs")).unwrap();
    assert!(has(&store, "theirs"));
    let noticed = async { tokio::time::timeout(Duration::from_secs(5), commits.changed()).await };
    runtime().block_on(noticed).expect("noticed in time").unwrap();
    let (one, two) = (store.clone(), other.clone());
    let writers = [(one, "a"), (two, "b")].map(|(store, name)| {
        std::thread::spawn(move || {
            for number in 0..100 {
                store.write_blocking(move |tx| set(tx, &format!("{name}{number}"))).unwrap();
            }
        })
    });
    for writer in writers {
        writer.join().unwrap();
    }
    let count = store.read_now(|tx| tx.number("select count(*) from setting", [])).unwrap();
    assert_eq!(count, 201);
}

#[test]
fn a_disk_without_room_fails_the_batch_and_heals_by_itself() {
    let (_directory, store) = open();
    store.write_blocking(|tx| tx.run("create table big (x blob)", [])).unwrap();
    // SQLite's own limit on the file stands for a full disk: it is the same error.
    let limit = "pragma max_page_count = 1";
    store.write_blocking(move |tx| tx.number(limit, [])).unwrap();
    let (go, held) = hold(&store);
    let small = store.write(|tx| set(tx, "small"));
    let big = store.write(|tx| tx.run("insert into big values (zeroblob(3000000))", []));
    let after = store.write(|tx| set(tx, "after"));
    go.send(()).unwrap();
    let answers = runtime().block_on(async {
        held.await.ok();
        (small.await, big.await, after.await)
    });
    assert!(matches!(answers.1, Err(StoreError::Full)), "{answers:?}");
    for (answer, name) in [(answers.0, "small"), (answers.2, "after")] {
        assert_eq!(answer.is_ok(), has(&store, name), "{name} is there exactly when it was promised");
    }
    store.write_blocking(|tx| tx.number("pragma max_page_count = 1000000", [])).unwrap();
    store.write_blocking(|tx| tx.run("insert into big values (zeroblob(3000000))", [])).unwrap();
    assert!(store.writable());
}

#[test]
fn small_writes_that_find_no_room_are_written_when_there_is_some() {
    let (_directory, store) = open();
    store.write_blocking(|tx| tx.run("create table big (x blob)", [])).unwrap();
    let limit = |pages: u32| {
        let sql = format!("pragma max_page_count = {pages}");
        store.write_blocking(move |tx| tx.number(&sql, [])).unwrap();
    };
    limit(1);
    for _ in 0..3 {
        assert!(store.later(|tx| tx.run("insert into big values (zeroblob(3000000))", []).map(drop)));
    }
    assert!(store.later(|tx| set(tx, "beside")));
    assert!(store.later(|_| Err(StoreError::Corrupt("of its own fault".into()))));
    for number in 0..5 {
        // Changes go on as far as there is room for them, and cost the others nothing.
        store.write_blocking(move |tx| set(tx, &format!("change {number}"))).ok();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(store.waiting_later() >= 3, "{}", store.waiting_later());
    limit(1_000_000);
    let began = Instant::now();
    let rows = || store.read_now(|tx| tx.number("select count(*) from big", [])).unwrap();
    while rows() < 3 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!((rows(), has(&store, "beside"), store.waiting_later()), (3, true, 0));
}

#[test]
fn a_damaged_file_is_noticed_where_it_is_met() {
    let (directory, store) = open();
    store.write_blocking(|tx| tx.insert_team("Acme")).unwrap();
    let copy = directory.path().join("copy.db");
    store.backup_to(&copy).unwrap();
    let root: i64 =
        store.read_now(|tx| tx.number("select rootpage from sqlite_schema where name = 'team'", [])).unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    let page = (root as usize - 1) * 4096;
    bytes[page..page + 4096].fill(0xa5);
    std::fs::write(&copy, bytes).unwrap();
    let damaged = Store::open(&copy, Options::default()).unwrap();
    assert_eq!(damaged.broken(), None);
    assert!(matches!(damaged.read_now(|tx| tx.teams()), Err(StoreError::Corrupt(_))));
    assert!(damaged.broken().is_some());
}

#[test]
fn a_fresh_file_is_private_and_set_as_it_should_be() {
    let (_directory, store) = open();
    store.write_blocking(|tx| set(tx, "a")).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", store.file().display());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let pragma = |name: &str| store.read_now(|tx| tx.number(&format!("pragma {name}"), [])).unwrap();
    assert_eq!(pragma("auto_vacuum"), 2, "incremental");
    assert_eq!(pragma("application_id"), i64::from(migrate::APPLICATION));
    assert_eq!(pragma("user_version"), i64::from(migrate::KNOWN));
    assert_eq!((pragma("foreign_keys"), pragma("trusted_schema"), pragma("mmap_size")), (1, 0, 0));
    let written = store.write_blocking(|tx| tx.number("pragma synchronous", [])).unwrap();
    assert_eq!(written, 2, "full");
    let quoted = store.read_now(|tx| tx.number("select \"no such column\"", []));
    assert!(quoted.is_err(), "double quotes make no strings");
}

#[test]
fn files_that_are_not_ours_are_refused_in_plain_words() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    std::fs::write(file("text"), "no database at all, but quite long enough to look at".repeat(50)).unwrap();
    Connection::open(file("other")).unwrap().execute_batch("create table theirs (x)").unwrap();
    let ours = Store::open(&file("newer"), Options::default()).unwrap();
    ours.close();
    let newer = Connection::open(file("newer")).unwrap();
    newer.pragma_update(None, "user_version", migrate::KNOWN + 5).unwrap();
    drop(newer);
    let refusal = |name: &str| match Store::open(&file(name), Options::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{name} was opened"),
    };
    assert!(refusal("text").contains("damaged or not a database"), "{}", refusal("text"));
    assert!(refusal("other").contains("some other program"), "{}", refusal("other"));
    assert!(refusal("newer").contains("written by a newer scimd"), "{}", refusal("newer"));
    assert!(refusal("missing/scimd.db").contains("cannot open"), "{}", refusal("missing/scimd.db"));
    assert!(std::fs::read(file("other")).unwrap().len() < 20_000, "it was left alone");
}

#[test]
fn an_upgrade_copies_the_file_aside_first() {
    let (directory, store) = open();
    store.write_blocking(|tx| set(tx, "kept")).unwrap();
    let copy = directory.path().join("aside.db");
    std::fs::write(&copy, "half a copy that an interrupted upgrade left").unwrap();
    let connection = Connection::open(store.file()).unwrap();
    backup::aside(&connection, store.file(), &copy).unwrap();
    let old = Store::open(&copy, Options::default()).unwrap();
    assert!(has(&old, "kept"));
    assert_eq!(check(&copy).unwrap().findings, []);
    assert!(matches!(store.backup_to(&copy), Err(StoreError::File { .. })), "a backup replaces nothing");
}
