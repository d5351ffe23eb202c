//! A directory as large as the pages must bear, written straight into the file: the rows that scimd itself would have
//! written, many at a time. Nothing serves the file meanwhile.

use std::path::Path;
use std::time::Instant;

use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, named_params};

/// How much there is.
#[derive(Clone, Copy)]
pub struct Size {
    /// All of them are in one group.
    pub users: i64,
    /// Rows of the log.
    pub requests: i64,
}

/// Groups beside the one that everybody is in; each user is in one of them.
pub const GROUPS: i64 = 500;
/// The log reaches so far back.
const DAYS: i64 = 390;
/// The latest requests have their bodies still.
const BODIES: i64 = 200_000;

/// The id of the user or group of that number.
pub fn id(n: i64) -> String {
    let part = |factor: i64, bits: u32| n * factor % (1 << bits);
    let (a, b, c, d) = (part(2_654_435_761, 32), part(40_503, 16), part(7_919, 12), part(104_729, 12));
    format!("{a:08x}-{b:04x}-7{c:03x}-8{d:03x}-{:012x}", part(9_919_485_309_475, 48))
}

/// The id of the request of that number.
pub fn request(n: i64) -> String {
    format!("req_{n:012x}")
}

/// Fills the file of a data directory that has one token and nothing else.
pub fn fill(file: &Path, size: Size) {
    let began = Instant::now();
    let sqlite = Connection::open(file).expect("the file");
    sqlite.execute_batch("pragma synchronous=off; pragma cache_size=-400000; begin").expect("a transaction");
    let deterministic = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let named = sqlite.create_scalar_function("id_of", 1, deterministic, |call| Ok(id(call.get(0)?)));
    named.expect("a function");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let now = now.as_millis() as i64;
    let step = DAYS * 86_400_000 / size.requests.max(1);
    let run = |what: &str, sql: &str| {
        let mut statement = sqlite.prepare(sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        let all = named_params! { ":users": size.users, ":requests": size.requests, ":groups": GROUPS, ":now": now,
        ":step": step, ":bodies": BODIES };
        // Each statement names only some of them.
        for (name, value) in all {
            if let Some(index) = statement.parameter_index(name).expect("a name") {
                statement.raw_bind_parameter(index, value).expect("a value");
            }
        }
        let rows = statement.raw_execute().unwrap_or_else(|error| panic!("{what}: {error}"));
        println!("{rows:>9} rows of {what} ({:.0} s)", began.elapsed().as_secs_f64());
    };
    run("numbers", "create temp table k (k integer primary key)");
    run(
        "numbers",
        "with recursive seq (k) as (select 1 union all select k + 1 from seq where k < :requests)
         insert into k select k from seq",
    );
    run(
        "people",
        "create temp table person as
         select k, id_of(k) as id, given, family,
                lower(given) || '.' || lower(family) || '@example.com' as mail, k % 3 <> 0 as named,
                :now - :step * (:requests - k * 10) as at
         from (select k, json_extract('[\"Ada\",\"Bo\",\"Chen\",\"Dana\",\"Emil\",\"Fatima\",\"Goro\",\"Hana\",\"Ines\",\"Jonas\",
                \"Kofi\",\"Lea\",\"Mei\",\"Noor\",\"Oskar\",\"Priya\"]', '$[' || (k * 7 % 16) || ']') as given,
                printf('%c%s%d', 65 + k * 31 % 26, 'aman', k * 7919 % 999983) as family
               from k where k <= :users)",
    );
    run(
        "users",
        "insert into resource (n, team, kind, id, version, created, modified, active, source, token, display, named, called, doc)
         select k, 1, 1, id, 2, at, at + k % 1000 * 3600000, k % 10 <> 0, 'bench', 1, given || ' ' || family, named,
                lower(given || ' ' || family) || char(10) || mail,
                json_patch(json_object('schemas', json_array('urn:ietf:params:scim:schemas:core:2.0:User'),
                    'userName', mail, 'externalId', 'x-' || k, 'active', json(iif(k % 10 <> 0, 'true', 'false')),
                    'name', json_object('givenName', given, 'familyName', family),
                    'emails', json_array(json_object('value', mail, 'type', 'work', 'primary', json('true'))),
                    'title', 'Engineer'),
                    iif(named, json_object('displayName', given || ' ' || family), '{}'))
         from person",
    );
    run(
        "groups",
        "insert into resource (n, team, kind, id, version, created, modified, members, source, token, display, named, called, doc)
         select :users + k, 1, 2, id_of(:users + k), 2, :now - 86400000, :now - k * 60000,
                iif(k = 1, :users, :users / :groups), 'bench', 1, iif(k = 1, 'All Staff', 'Group ' || k), 1,
                iif(k = 1, 'all staff', 'group ' || k),
                json_object('schemas', json_array('urn:ietf:params:scim:schemas:core:2.0:Group'),
                    'displayName', iif(k = 1, 'All Staff', 'Group ' || k))
         from k where k <= :groups + 1",
    );
    run(
        "values",
        "insert into attribute (team, kind, path, value, resource)
         select 1, 1, path, value, k from (
             select 1 as path, mail as value, k from person
             union all select 2, lower(given || ' ' || family), k from person where named
             union all select 3, 'x-' || k, k from person union all select 4, mail, k from person
             union all select 5, lower(family), k from person union all select 6, lower(given), k from person)
         order by path, value, k",
    );
    run(
        "values of groups",
        "insert into attribute (team, kind, path, value, resource)
         select 1, 2, 2, lower(display), n from resource where kind = 2 order by 4",
    );
    run(
        "runs",
        "insert into run (team, kind, run, resources)
         select 1, kind, n / 1024, count(*) from resource group by kind, n / 1024",
    );
    run(
        "memberships",
        "insert into member (holder, member, id, kind, display, named, since, event)
         select holder, k, id, 1, given || ' ' || family, named, at + 1000, :users + k
         from (select :users + 1 as holder, person.* from person
               union all select :users + 2 + k % :groups, person.* from person) order by holder, k",
    );
    run(
        "days of members",
        "insert into member_day (team, holder, day, members, joined, gone)
         select 1, n, (:now / 86400000 - days.k) * 86400000, members, 3, 2
         from resource join k as days on days.k <= 90 where kind = 2",
    );
    run(
        "events",
        "insert into event (n, team, number, id, at, name, kind, resource, body, request, token)
         select k, 1, k, printf('evt_%012x', k), :now - :step * (:requests - k * 10),
             case when k <= :users then 'user.created' when k <= 2 * :users then 'membership.added'
                  else 'user.updated' end,
             iif(k between :users + 1 and 2 * :users, 2, 1),
             id_of(case when k <= :users then k when k <= 2 * :users then :users + 1
                    else iif(k % 50 = 0, 7, 1 + k * 7919 % :users) end),
             case when k <= :users then '{}' when k <= 2 * :users
                  then json_object('members', json_array(id_of(k - :users)))
                  else '{\"changes\":[{\"path\":\"title\",\"old\":\"Engineer\",\"new\":\"Lead\"}]}' end,
             printf('req_%012x', k * 10), 1
         from k where k <= :requests / 10",
    );
    run(
        "requests",
        "insert into activity (n, at, team, token, request, address, user_agent, method, path, query, status, duration_us,
             change, folded, subject, subject_kind, subject_name, sentence, note, cause, diff, first_event, last_event, bytes)
         select k, :now - :step * (:requests - k), iif(k % 100 = 1, 0, 1), iif(k % 100 = 1, null, 1), printf('req_%012x', k),
             '203.0.113.' || (k % 250), 'JumpCloud/1.0', case when k % 10 = 0 then 'PATCH' else 'GET' end,
             '/scim/Users' || iif(k % 10 = 0, '/' || id, ''), iif(k % 10 = 0, '', 'filter=userName%20eq%20%22' || mail || '%22'),
             case when k % 100 = 1 then 401 when k % 50 = 1 then 404 else 200 end, 900 + k % 5000,
             k % 10 = 0, 1, iif(k % 10 = 0, id, null), iif(k % 10 = 0, 1, null), iif(k % 10 = 0, given || ' ' || family, null),
             case when k % 10 = 0 then given || ' ' || family || ' was changed' when k % 100 = 1 then 'Refused: unknown token'
                  when k % 50 = 1 then 'Refused: no such user' else 'Looked up ' || mail end,
             iif(k % 10 = 0, '', '1 found'), case when k % 100 = 1 then 'token-unknown' when k % 50 = 1 then 'not-found' end,
             iif(k % 10 = 0, '[{\"path\":\"title\",\"old\":\"Engineer\",\"new\":\"Lead\"}]', null),
             iif(k % 10 = 0, k / 10, null), iif(k % 10 = 0, k / 10, null), 400
         from (select k.k, person.id, given, family, mail from k join person on person.k = 1 + k.k * 7919 % :users)",
    );
    run(
        "words",
        "insert into activity_text (rowid, words)
         select n, team || 't' || replace(replace(replace(replace(replace(lower(sentence || ' ' || request || ' ' ||
                substr(path, 7)), '@', ' '), '.', ' '), '/', ' '), '_', ' '), ' ', ' ' || team || 't') from activity",
    );
    let body =
        packed(br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@example.com"}"#);
    sqlite.execute("create temp table body (body blob)", []).expect("a table");
    sqlite.execute("insert into body values (?)", [body]).expect("a body");
    run(
        "bodies",
        "insert into activity_body (activity, team, request, answer)
         select n, team, iif(change, body, null), body from activity join body where n > :requests - :bodies",
    );
    run(
        "hours",
        "insert into hour (team, hour, reads, changes, errors)
         select team, at / 3600000 * 3600000, sum(not change and status < 400), sum(change and status < 400),
             sum(status >= 400) from activity group by 1, 2",
    );
    run(
        "totals",
        "update total set users = :users, active = :users - :users / 10, groups = :groups + 1,
             events = :requests / 10 where team = 1",
    );
    sqlite.execute_batch("commit; pragma optimize; pragma wal_checkpoint(truncate)").expect("all is written");
}

/// A body as scimd packs it.
fn packed(plain: &[u8]) -> Vec<u8> {
    let mut body = vec![0xFF];
    body.extend((plain.len() as u32).to_le_bytes());
    body.extend(lz4_flex::block::compress(plain));
    body
}
