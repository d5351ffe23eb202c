//! Any bytes as the body of a POST or PUT: refused, or read; what was read is read again to the same document, replaces
//! a stored one or is refused, and is rendered as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimd_fuzz::base::Timestamp;
use scimd_fuzz::scim::message::{BulkRequest, SearchRequest};
use scimd_fuzz::scim::resource::{Derived, Meta, Nobody, Projection, parse, render, replace};
use scimd_fuzz::scim::{Mode, json};
use scimd_fuzz::{WAYS, registry, stored};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = json::parse(bytes) else { return };
    let registry = registry();
    for (kind, mode) in WAYS {
        let parsed = match parse(&registry, kind, &body, mode) {
            Ok(parsed) => parsed,
            Err(error) => {
                assert!((400..500).contains(&error.status), "{error}");
                continue;
            }
        };
        let again = parse(&registry, kind, &Value::Object(parsed.document.clone()), mode);
        assert_eq!(again.map(|again| again.document).as_ref(), Ok(&parsed.document));
        if let Err(error) = replace(&registry, kind, &stored(kind), parsed.document.clone(), mode) {
            assert!((400..500).contains(&error.status), "{error}");
        }
        let meta = Meta { created: Timestamp(0), modified: Timestamp(1), version: 1 };
        let derived = Derived { id: "u1", meta, groups: &[], members: &Nobody, manager: None };
        let text = Value::Object(parsed.document).to_string();
        let mut out = Vec::new();
        render(&mut out, &registry, kind, &text, &derived, &Projection::all(), "https://example.com/scim");
        assert!(serde_json::from_slice::<Value>(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
    }
    let _ = SearchRequest::parse(&body, Mode::Compat);
    let _ = BulkRequest::parse(body, Mode::Compat);
});
