//! Any text as an attribute path and as a list of attributes: what is found is found again under its canonical spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimd_fuzz::scim::path::{self, Named};
use scimd_fuzz::scim::resource::Projection;
use scimd_fuzz::{WAYS, registry};

fuzz_target!(|text: &str| {
    let registry = registry();
    for (kind, _) in WAYS {
        if let Ok(Named::Attribute(found) | Named::OldDot(found)) = path::resolve(&registry, kind, text) {
            let canonical = found.canonical();
            assert_eq!(registry.find(kind, &canonical), Some(found), "{text:?} is {canonical:?}");
        }
        let _ = Projection::parse(&registry, &[kind], Some(text), None);
        let _ = Projection::parse(&registry, &[kind], None, Some(text));
    }
});
