//! Any text as a filter: it is refused with `invalidFilter` or `sensitive`, or it is read; printed and read again it is the same, and
//! it says yes or no to a resource.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimd_fuzz::scim::filter::{eval, parse, parse_for_kinds};
use scimd_fuzz::scim::{Kind, Notes};
use scimd_fuzz::{WAYS, registry, stored};

fuzz_target!(|text: &str| {
    let registry = registry();
    for (kind, mode) in WAYS {
        match parse(text, &registry, kind, mode, &mut Notes::default()) {
            Err(error) => assert!([400, 403].contains(&error.status), "{error}"),
            Ok(filter) => {
                let printed = filter.to_string();
                let again = parse(&printed, &registry, kind, mode, &mut Notes::default());
                assert_eq!(again.as_ref(), Ok(&filter), "{text:?} was printed as {printed:?}");
                eval(&filter, &stored(kind));
            }
        }
        let both = [Kind::User, Kind::Group];
        let _ = parse_for_kinds(text, &registry, &both, mode, &mut Notes::default());
    }
});
