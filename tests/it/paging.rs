//! Paging by index (RFC 7644 §3.4.2.4) and by cursor (RFC 9865), also while others write.

use std::sync::atomic::{AtomicBool, Ordering};

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::filters::encoded;
use crate::server::{Caller, Data, Server, USER};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn users(caller: &Caller, count: usize) -> Vec<String> {
    (0..count).map(|n| caller.user(&format!("user{n:03}"))).collect()
}

fn page(caller: &Caller, query: &str) -> Value {
    caller.get(&format!("/Users?{query}")).is(200).json()
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().expect("a list shows its resources");
    resources.iter().map(|each| each["id"].as_str().expect("an id").to_owned()).collect()
}

/// All pages of a walk forward, and the last answer.
fn walk(caller: &Caller, query: &str) -> (Vec<Vec<String>>, Value) {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = page(caller, &format!("cursor={}&{query}", encoded(&cursor)));
        pages.push(ids(&list));
        match list["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return (pages, list),
        }
    }
}

#[test]
fn index_corners() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let all = users(&caller, 5);
    for (query, start, found) in [
        ("startIndex=0&count=2", 1, &all[..2]),
        ("startIndex=-9&count=2", 1, &all[..2]),
        ("startIndex=4", 4, &all[3..]),
        ("startIndex=4&count=999999", 4, &all[3..]),
        ("startIndex=99", 99, &all[..0]),
        ("count=0", 1, &all[..0]),
        ("count=-1", 1, &all[..0]),
        ("count=99999999999999999999", 1, &all[..]),
    ] {
        let list = page(&caller, query);
        assert_eq!(ids(&list), found, "{query}");
        let numbers = (&list["totalResults"], &list["startIndex"], &list["itemsPerPage"]);
        assert_eq!(numbers, (&json!(5), &json!(start), &json!(found.len())), "{query}");
    }
    for query in ["startIndex=x", "count=x", "count=1.5"] {
        caller.get(&format!("/Users?{query}")).error(400, "invalidValue");
    }
}

#[test]
fn a_page_is_capped_by_max_results() {
    let server = Server::plain();
    let caller = server.caller();
    let config = caller.get("/ServiceProviderConfig").is(200).json();
    assert_eq!(config["filter"]["maxResults"], config["pagination"]["maxPageSize"]);
    let most = config["pagination"]["maxPageSize"].as_u64().expect("a number");
    users(&caller, most as usize + 1);
    let list = page(&caller, &format!("attributes=id&count={}", most + 1));
    assert_eq!((list["itemsPerPage"].as_u64(), list["totalResults"].as_u64()), (Some(most), Some(most + 1)));
    let usual = page(&caller, "attributes=id")["itemsPerPage"].as_u64();
    assert_eq!(usual, config["pagination"]["defaultPageSize"].as_u64());
}

#[test]
fn a_walk_there_and_back() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let all = users(&caller, 7);
    for (query, order) in [
        ("count=3", all.clone()),
        ("count=3&sortBy=userName", all.clone()),
        ("count=3&sortBy=userName&sortOrder=descending", all.iter().rev().cloned().collect()),
        ("count=3&sortBy=title", all.clone()),
    ] {
        let (pages, mut last) = walk(&caller, query);
        assert_eq!(pages.concat(), order, "{query}");
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1], "{query}");
        let mut back = Vec::new();
        while let Some(cursor) = last["previousCursor"].as_str() {
            last = page(&caller, &format!("cursor={}&{query}", encoded(cursor)));
            back.push(ids(&last));
        }
        back.reverse();
        assert_eq!(back, pages[..2], "{query}");
    }
}

#[test]
fn what_stands_in_a_page_by_cursor() {
    let server = Server::plain();
    let caller = server.caller();
    users(&caller, 3);
    let first = page(&caller, "cursor=&count=2");
    assert!(first.get("previousCursor").is_none() && first.get("startIndex").is_none(), "{first}");
    assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(3), &json!(2)));
    let next = first["nextCursor"].as_str().expect("there is another page");
    assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
    let last = page(&caller, &format!("cursor={next}&count=2"));
    assert!(last.get("nextCursor").is_none() && last["previousCursor"].is_string(), "{last}");
    assert_eq!(ids(&page(&caller, &format!("cursor={next}"))), ids(&last), "the count may be left out");
    let nothing = page(&caller, "cursor=&count=0");
    assert_eq!((&nothing["totalResults"], ids(&nothing).len()), (&json!(3), 0));
    assert_eq!(ids(&page(&caller, "cursor=&count=-4")).len(), 0, "a negative count is 0 (RFC 9865 §2)");
    let body = json!({"schemas": [SEARCH], "cursor": next, "count": 2});
    assert_eq!(ids(&caller.post("/Users/.search", &body).is(200).json()), ids(&last));
    let plain = page(&caller, "count=2");
    assert!(plain.get("nextCursor").is_none() && plain["startIndex"] == 1, "index is the default: {plain}");
}

#[test]
fn wrong_cursors_and_counts() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    users(&caller, 3);
    let first = page(&caller, "cursor=&count=1");
    let next = first["nextCursor"].as_str().expect("there is another page");
    let refused = |query: &str, scim_type: &str| caller.get(&format!("/Users?{query}")).error(400, scim_type);
    refused("cursor=junk", "invalidCursor");
    refused(&format!("cursor={}", &next[1..]), "invalidCursor");
    refused(&format!("cursor={next}&filter=title%20pr"), "invalidCursor");
    refused(&format!("cursor={next}&sortBy=userName"), "invalidCursor");
    caller.get(&format!("/Groups?cursor={next}")).error(400, "invalidCursor");
    refused(&format!("cursor={next}&count=2"), "invalidCount");
    refused("cursor=&count=1000000", "invalidCount");
    refused("cursor=&count=many", "invalidCount");
    refused("cursor=&startIndex=1", "invalidValue");
    let both = json!({"schemas": [SEARCH], "cursor": next, "startIndex": 2});
    caller.post("/Users/.search", &both).error(400, "invalidValue");
    server.data().run(&["team", "create", "Other"]).well();
    let other = server.caller_with(&["--team", "Other"]);
    other.get(&format!("/Users?cursor={next}&count=1")).error(400, "invalidCursor");
}

#[test]
fn a_cursor_shows_nothing_and_tells_no_team_from_a_forgery() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    users(&caller, 3);
    let query = "count=1&sortBy=userName&filter=userName%20sw%20%22user%22";
    let first = page(&caller, &format!("cursor=&{query}"));
    let next = first["nextCursor"].as_str().expect("there is another page");
    let bytes = URL_SAFE_NO_PAD.decode(next).expect("base64");
    assert!(!bytes.windows(4).any(|window| window == b"user"), "the place is not to be read");
    let again = page(&caller, &format!("cursor=&{query}"));
    assert_ne!(again["nextCursor"], first["nextCursor"], "not even that two cursors say the same");
    server.data().run(&["team", "create", "Other"]).well();
    let other = server.caller_with(&["--team", "Other", "--strict"]);
    let refused = |caller: &Caller, cursor: &str| {
        caller.get(&format!("/Users?cursor={cursor}&{query}")).error(400, "invalidCursor")
    };
    assert_eq!(refused(&other, next), refused(&other, "junk"));
    assert_eq!(refused(&caller, &format!("{next}A")), refused(&caller, "junk"));
}

#[test]
fn a_cursor_expires_after_the_time_that_is_told() {
    let server = Server::with(Data::new(), &["--tls", "off", "--cursor-timeout", "2s"]);
    let caller = server.caller_with(&["--strict"]);
    users(&caller, 3);
    assert_eq!(caller.get("/ServiceProviderConfig").is(200).json()["pagination"]["cursorTimeout"], 2);
    let first = page(&caller, "cursor=&count=1");
    let next = first["nextCursor"].as_str().expect("there is another page");
    let second = page(&caller, &format!("cursor={next}&count=1"));
    std::thread::sleep(Duration::from_millis(2100));
    for cursor in [&first["nextCursor"], &second["nextCursor"], &second["previousCursor"]] {
        let cursor = cursor.as_str().expect("a cursor");
        let detail = caller.get(&format!("/Users?cursor={cursor}&count=1")).error(400, "expiredCursor");
        assert!(detail.contains("2 seconds"), "{detail}");
    }
    assert_eq!(ids(&page(&caller, "cursor=&count=1")).len(), 1, "a new walk may begin");
}

#[test]
fn long_sort_values_make_no_long_cursors() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let titles: Vec<String> = (0..4).map(|n| format!("{n}{}", "\u{fc}".repeat(20_000))).collect();
    for (n, title) in titles.iter().enumerate().rev() {
        let body = json!({"schemas": [USER], "userName": format!("user{n}"), "title": title});
        caller.post("/Users", &body).is(201);
    }
    let (pages, _) = walk(&caller, "count=1&sortBy=title&attributes=title");
    assert_eq!(pages.len(), 4);
    let sorted = page(&caller, "sortBy=title");
    assert_eq!(pages.concat(), ids(&sorted));
    assert_eq!(sorted["Resources"][0]["title"], json!(titles[0]));
}

#[test]
fn a_search_that_takes_too_long_is_too_many() {
    let server = Server::with(Data::new(), &["--tls", "off", "--search-timeout", "1ms"]);
    for caller in [server.caller_with(&["--strict"]), server.caller()] {
        let make = |n: usize| {
            let data = json!({"schemas": [USER], "userName": format!("{n}.{}", &caller.token[8..16]),
                              "title": "x".repeat(2000)});
            json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data})
        };
        let made: Vec<Value> = (0..400).map(make).collect();
        let bulk =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": made});
        caller.post("/Bulk", &bulk).is(200);
        let filter = (0..40).map(|n| format!("title co \"y{n}\"")).collect::<Vec<_>>().join(" or ");
        let query = format!("filter={}", encoded(&filter));
        for path in ["/Users", "/"] {
            let detail = caller.get(&format!("{path}?{query}")).error(400, "tooMany");
            assert!(detail.contains("filter"), "it says what to change: {detail}");
        }
        let body = json!({"schemas": [SEARCH], "filter": filter});
        caller.post("/.search", &body).error(400, "tooMany");
        let one = caller.get(&format!("/Users?filter={}", encoded("userName eq \"nobody\""))).is(200);
        assert_eq!(one.json()["totalResults"], 0, "the server goes on");
    }
}

#[test]
fn a_walk_while_others_write_meets_everyone_who_stays_once() {
    let server = Server::plain();
    let caller = server.caller_with(&["--strict"]);
    let all = users(&caller, 60);
    for query in [
        "count=7",
        "count=7&sortBy=userName",
        "count=7&sortBy=userName&sortOrder=descending",
        "count=7&sortBy=title",
    ] {
        let over = AtomicBool::new(false);
        let pages = std::thread::scope(|scope| {
            let (caller, over) = (&caller, &over);
            scope.spawn(move || {
                let mut made = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    made.push(caller.user(&format!("x{}", made.len())));
                    if made.len() % 3 == 0 {
                        caller.delete(&format!("/Users/{}", made[made.len() - 2])).is(204);
                    }
                }
                for (n, id) in made.iter().enumerate().filter(|(n, _)| n % 3 != 1 || *n + 2 > made.len()) {
                    let gone = caller.delete(&format!("/Users/{id}")).status.as_u16();
                    assert!([204, 404].contains(&gone), "{n}");
                }
            });
            let (pages, _) = walk(caller, query);
            over.store(true, Ordering::Relaxed);
            pages.concat()
        });
        for id in &all {
            assert_eq!(pages.iter().filter(|found| *found == id).count(), 1, "{query} {id}");
        }
    }
}
