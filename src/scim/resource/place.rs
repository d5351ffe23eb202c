//! Where in a body a value stands, in the words of an error: `emails[0].primary`. Nothing is written unless an error
//! is; which values are wrong is the readers' business.

use std::fmt;

/// A place in a body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    /// The body itself.
    Top,
    /// Wherever a caller says that it is.
    Start(&'a str),
    /// The object of an extension.
    Extension(&'a str),
    /// A member of an object.
    Member(&'a Place<'a>, &'a str),
    /// An element of a list.
    Item(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    /// One member further in.
    pub(super) fn member(&'a self, name: &'a str) -> Place<'a> {
        Place::Member(self, name)
    }

    /// One element further in.
    pub(super) fn item(&'a self, number: usize) -> Place<'a> {
        Place::Item(self, number)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Top => f.write_str("the body"),
            Place::Start(text) | Place::Extension(text) => f.write_str(text),
            Place::Member(Place::Top, name) => f.write_str(name),
            Place::Member(Place::Extension(urn), name) => write!(f, "{urn}:{name}"),
            Place::Member(outer, name) => write!(f, "{outer}.{name}"),
            Place::Item(outer, number) => write!(f, "{outer}[{number}]"),
        }
    }
}
