//! Any bytes as the body of a PATCH: refused, or planned and applied. A resource that a PATCH leaves can be read back,
//! is whole, and the same `replace` once more is no new refusal of the document itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimd_fuzz::scim::resource::diff;
use scimd_fuzz::scim::{Notes, json, patch};
use scimd_fuzz::{WAYS, registry, stored};

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = json::parse(bytes) else { return };
    let registry = registry();
    for (kind, mode) in WAYS {
        let plan = match patch::plan(&registry, kind, &body, mode) {
            Ok(plan) => plan,
            Err(error) => {
                assert!((400..500).contains(&error.status), "{error}");
                continue;
            }
        };
        let before = stored(kind);
        match plan.apply(&registry, kind, &before, mode, &mut Notes::default()) {
            Err(error) => assert!((400..500).contains(&error.status), "{error}"),
            Ok(after) => {
                let name = if kind.name() == "User" { "userName" } else { "displayName" };
                assert!(after[name].as_str().is_some_and(|name| !name.is_empty()), "{after:?}");
                for derived in ["id", "meta", "members", "groups", "password"] {
                    assert!(!after.contains_key(derived), "{derived} is never stored: {after:?}");
                }
                assert_eq!(diff(&registry, kind, &before, &after).is_empty(), before == after);
            }
        }
    }
});
