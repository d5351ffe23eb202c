//! The named deviations that scimd accepts from identity providers, and the record of which were used.
//! A *strict* token switches all of them off; a *compat* token, the default, on. docs/interop.md has a line for each.

/// Whether the leniencies apply: a property of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Exactly RFC 7643 and RFC 7644.
    Strict,
    /// The RFCs and the named leniencies.
    Compat,
}

/// A deviation from the RFCs that an identity provider is known to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leniency {
    /// `"True"`, `"false"`, `1` or `"0"` where the schema says boolean.
    TextBoolean,
    /// PATCH `remove` with a list of values removes exactly those.
    RemoveWithValue,
    /// Keys of a PATCH value without path that are themselves paths: `"name.givenName"`.
    DottedKey,
    /// PATCH `replace` on a value path that matches nothing creates the value.
    ReplaceCreates,
    /// PATCH `remove` with a filter that no value satisfies changes nothing.
    RemoveMissing,
    /// A message without the URN of its schema, such as PatchOp's.
    MessageSchema,
    /// `manager` as text, as `{"value": ""}`, by the old dot form of its URN.
    ManagerForm,
    /// An unknown schema URI was dropped.
    UnknownSchema,
    /// An unknown attribute was dropped.
    UnknownAttribute,
    /// An extension object whose URN was missing from `schemas`.
    ExtensionNotListed,
    /// `""` unassigned an optional attribute.
    EmptyText,
    /// More than one value was marked primary; one was kept.
    TwoPrimaries,
    /// One object or value where a list belongs.
    SingleForList,
    /// A filter that goes on after a value path: `emails[type eq "work"].value eq "x"`.
    FilterAfterValuePath,
    /// A member id that was here once and is deleted was skipped.
    DeletedMember,
    /// Extra slashes in the path.
    DoubleSlash,
    /// A media type other than JSON's and SCIM's.
    MediaType,
    /// A second group of the same displayName was refused.
    UniqueGroupName,
    /// A second user of the same source and externalId was refused.
    UniqueExternalId,
    /// A created user took up the id that the same person had before being deleted.
    ReturningPerson,
    /// A PATCH without path named readOnly attributes, which were left alone.
    ReadOnlyInPatch,
    /// Text where the schema says integer or decimal, or the other way round.
    TextNumber,
    /// A list of one object, or an object with a `value`, where a single value belongs.
    ListForSingle,
    /// A URN of SCIM 2.0's drafts in place of the one it became.
    DraftUrn,
    /// The name of an endpoint in other letters, or as SCIM 1.1 has it.
    EndpointName,
    /// A reference that is no URI.
    LooseUri,
    /// A member whose `type` says another kind than its id has; the id decides.
    MemberType,
    /// PATCH `add` on a value path without a value: the filter says what is added.
    ValueInPath,
    /// A PATCH value that repeats the name in its path: `{"active": false}` for `active`.
    RepeatedName,
    /// A PATCH path with blanks around its brackets, or with other quotes.
    LoosePath,
    /// `"active": null` in a POST or PUT says nothing, as if it were not there.
    NullActive,
    /// An e-mail address with capital letters in its domain was kept as it was sent.
    MailCase,
}

impl Leniency {
    /// The name under which it is counted, shown and documented.
    pub fn name(self) -> &'static str {
        match self {
            Leniency::TextBoolean => "text-boolean",
            Leniency::RemoveWithValue => "remove-with-value",
            Leniency::DottedKey => "dotted-key",
            Leniency::ReplaceCreates => "replace-creates",
            Leniency::RemoveMissing => "remove-missing",
            Leniency::MessageSchema => "message-schema",
            Leniency::ManagerForm => "manager-form",
            Leniency::UnknownSchema => "unknown-schema",
            Leniency::UnknownAttribute => "unknown-attribute",
            Leniency::ExtensionNotListed => "extension-not-listed",
            Leniency::EmptyText => "empty-text",
            Leniency::TwoPrimaries => "two-primaries",
            Leniency::SingleForList => "single-for-list",
            Leniency::FilterAfterValuePath => "filter-after-value-path",
            Leniency::DeletedMember => "deleted-member",
            Leniency::DoubleSlash => "double-slash",
            Leniency::MediaType => "media-type",
            Leniency::UniqueGroupName => "unique-group-name",
            Leniency::UniqueExternalId => "unique-external-id",
            Leniency::ReturningPerson => "returning-person",
            Leniency::ReadOnlyInPatch => "read-only-in-patch",
            Leniency::TextNumber => "text-number",
            Leniency::ListForSingle => "list-for-single",
            Leniency::DraftUrn => "draft-urn",
            Leniency::EndpointName => "endpoint-name",
            Leniency::LooseUri => "loose-uri",
            Leniency::MemberType => "member-type",
            Leniency::ValueInPath => "value-in-path",
            Leniency::RepeatedName => "repeated-name",
            Leniency::LoosePath => "loose-path",
            Leniency::NullActive => "null-active",
            Leniency::MailCase => "mail-case",
        }
    }
}

/// What reading a request took note of: leniencies used and names dropped, for the activity row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Each leniency once, in the order of first use.
    pub leniencies: Vec<Leniency>,
    /// Attribute names, paths and schema URIs that were dropped, as sent.
    pub dropped: Vec<String>,
}

impl Notes {
    /// Notes that a leniency was used.
    pub fn used(&mut self, leniency: Leniency) {
        if !self.leniencies.contains(&leniency) {
            self.leniencies.push(leniency);
        }
    }

    /// Notes that a name was dropped, and by which leniency.
    pub fn dropped(&mut self, leniency: Leniency, name: impl Into<String>) {
        self.used(leniency);
        self.dropped.push(name.into());
    }

    /// Adds what another reading took note of.
    pub fn extend(&mut self, other: Notes) {
        for leniency in other.leniencies {
            self.used(leniency);
        }
        self.dropped.extend(other.dropped);
    }
}
