//! Why a request was refused, each cause with the words an administrator reads: what happened, why, and what to do.
//! The order of the list is the order in which the causes are checked (admin page design §5).

/// A cause of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    NoAuthorization,
    NotBearer,
    TokenShape,
    TokenChanged,
    TokenRevoked,
    TokenExpired,
    ReadOnlyToken,
    TokenUnknown,
    WrongPath,
    PlainHttp,
    NotJson,
    RequiredMissing,
    NameTaken,
    NotFound,
    Stale,
    BadFilter,
    BadValue,
    TooLarge,
    Incomplete,
    Garbled,
    Unsupported,
    Busy,
    DiskFull,
    Broken,
}

/// What stands below a refusal that has nothing more to say.
pub const NOTHING_CHANGED: &str = "Nothing was changed";

/// The words of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// The short name, as in "Errors in the last 24 hours".
    pub name: &'static str,
    /// Why it happened.
    pub why: &'static str,
    /// What to do about it.
    pub cure: &'static str,
}

impl Cause {
    /// Every cause, in the order of checking.
    pub const ALL: [Cause; 24] = [
        Cause::NoAuthorization,
        Cause::NotBearer,
        Cause::TokenShape,
        Cause::TokenChanged,
        Cause::TokenRevoked,
        Cause::TokenExpired,
        Cause::ReadOnlyToken,
        Cause::TokenUnknown,
        Cause::WrongPath,
        Cause::PlainHttp,
        Cause::NotJson,
        Cause::RequiredMissing,
        Cause::NameTaken,
        Cause::NotFound,
        Cause::Stale,
        Cause::BadFilter,
        Cause::BadValue,
        Cause::TooLarge,
        Cause::Incomplete,
        Cause::Garbled,
        Cause::Unsupported,
        Cause::Busy,
        Cause::DiskFull,
        Cause::Broken,
    ];

    /// The key under which it is stored.
    pub fn key(self) -> &'static str {
        match self {
            Cause::NoAuthorization => "no-authorization",
            Cause::NotBearer => "not-bearer",
            Cause::TokenShape => "token-shape",
            Cause::TokenChanged => "token-changed",
            Cause::TokenRevoked => "token-revoked",
            Cause::TokenExpired => "token-expired",
            Cause::ReadOnlyToken => "read-only-token",
            Cause::TokenUnknown => "token-unknown",
            Cause::WrongPath => "wrong-path",
            Cause::PlainHttp => "plain-http",
            Cause::NotJson => "not-json",
            Cause::RequiredMissing => "required-missing",
            Cause::NameTaken => "name-taken",
            Cause::NotFound => "not-found",
            Cause::Stale => "stale",
            Cause::BadFilter => "bad-filter",
            Cause::BadValue => "bad-value",
            Cause::TooLarge => "too-large",
            Cause::Incomplete => "incomplete",
            Cause::Garbled => "garbled",
            Cause::Unsupported => "unsupported",
            Cause::Busy => "busy",
            Cause::DiskFull => "disk-full",
            Cause::Broken => "broken",
        }
    }

    /// The cause stored under a key.
    pub fn from_key(key: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.key() == key)
    }

    /// Whether the token, and not what was asked with it, is at fault.
    pub fn is_token(self) -> bool {
        matches!(
            self,
            Cause::NoAuthorization
                | Cause::NotBearer
                | Cause::TokenShape
                | Cause::TokenChanged
                | Cause::TokenRevoked
                | Cause::TokenExpired
                | Cause::TokenUnknown
        )
    }

    /// Why it happened, with what is known of this one: when a token was revoked and by whom, who has the name.
    pub fn why_of(self, note: &str) -> String {
        let why = self.words().why;
        if self.says_nothing(note) {
            return why.to_owned();
        }
        match self.is_token() {
            true => format!("{why} {note}"),
            false => format!("{why} The answer said: {note}"),
        }
    }

    /// Whether a note adds nothing to the cause.
    pub fn says_nothing(self, note: &str) -> bool {
        note.is_empty() || note == NOTHING_CHANGED || note == self.words().name
    }

    /// What an administrator reads.
    pub fn words(self) -> Words {
        let (name, why, cure) = match self {
            Cause::NoAuthorization => (
                "No token sent",
                "The request has no Authorization header, so scimd cannot tell which team it is for.",
                "Paste the token into the Token Key field of the identity provider and save.",
            ),
            Cause::NotBearer => (
                "Not a bearer token",
                "The Authorization header does not begin with \"Bearer\"; scimd takes no user name and password here.",
                "Choose bearer token (OAuth bearer, HTTP header) as the way to sign in and paste the token there.",
            ),
            Cause::TokenShape => (
                "Token pasted with something around it",
                "There is a blank, a line break, a quote, a bracket or a second \"Bearer\" in or around the token.",
                "Copy the token again with the copy button and paste it alone.",
            ),
            Cause::TokenChanged => (
                "Token cut short or changed",
                "The token was cut short or changed while pasting: its last characters do not fit the rest.",
                "Copy the whole token again. If it is no longer shown anywhere, make a new one.",
            ),
            Cause::TokenRevoked => (
                "Revoked token",
                "The token was revoked and is no longer accepted.",
                "Make a new token and paste it into the identity provider.",
            ),
            Cause::TokenExpired => (
                "Expired token",
                "The token has passed its expiry date.",
                "Make a new token and paste it into the identity provider.",
            ),
            Cause::ReadOnlyToken => (
                "Read-only token",
                "The token may only read, and the request wanted to change something.",
                "Make a token without \"read only\" for the identity provider.",
            ),
            Cause::TokenUnknown => (
                "Wrong token",
                "The token was never issued here. It may belong to another server.",
                "Check that the Base URL is this server's, then paste a token made here.",
            ),
            Cause::WrongPath => (
                "Wrong address",
                "The path is not one that scimd serves: the Base URL is doubled, cut short or from another product.",
                "Copy the Base URL from the Connect page; it ends in /scim, without a slash behind it.",
            ),
            Cause::PlainHttp => (
                "Plain http",
                "The request came without TLS to an address that speaks TLS only.",
                "Begin the Base URL with https://.",
            ),
            Cause::NotJson => (
                "Body is not JSON",
                "The body of the request could not be read as JSON.",
                "Look at the place named in the answer; a template at the identity provider is the usual reason.",
            ),
            Cause::RequiredMissing => (
                "Required attribute missing",
                "A value that every such record needs was missing or empty.",
                "Fill it in at the identity provider, or correct the attribute mapping; it will be sent again.",
            ),
            Cause::NameTaken => (
                "Name taken",
                "Another record has this name already, and names are unique.",
                "Update the other record or delete it, or give this one another name at the identity provider.",
            ),
            Cause::NotFound => (
                "No such record",
                "The record is not here: it was deleted, or never made by this team.",
                "Let the identity provider send it anew; it usually does by itself after a look-up.",
            ),
            Cause::Stale => (
                "Changed in between",
                "The record was changed since the sender read it, so nothing was overwritten.",
                "Nothing to do: the sender reads it again and repeats the change.",
            ),
            Cause::BadFilter => (
                "Search not understood",
                "The filter or the paging of the search does not follow the rules, or asks for more than fits.",
                "Look at the place named in the answer and correct the filter at the sender.",
            ),
            Cause::BadValue => (
                "Value not accepted",
                "A value does not fit its attribute.",
                "Look at the attribute named in the answer and correct it at the identity provider.",
            ),
            Cause::TooLarge => (
                "Too large",
                "The request is larger than the server takes.",
                "Let the identity provider send smaller batches.",
            ),
            Cause::Incomplete => (
                "Body did not arrive",
                "The body of the request did not arrive whole, or not in time.",
                "Look at the network and at any proxy between the identity provider and this server; it sends again by itself.",
            ),
            Cause::Garbled => (
                "Not as HTTP asks",
                "The head of the request is not as HTTP asks, so it was not looked at further.",
                "Look at the proxy or program that sent it; the answer says what is wrong.",
            ),
            Cause::Unsupported => (
                "Not offered here",
                "The request asked for something that scimd does not offer at this address.",
                "Compare the method, the path and the content type with the documentation.",
            ),
            Cause::Busy => (
                "Too much at once",
                "More came at once than this server could take in, so it asked the sender to wait.",
                "Nothing to do: the sender tries again. If it goes on, look at the load on System health.",
            ),
            Cause::DiskFull => (
                "Disk full",
                "The disk of this server is full, so nothing could be written.",
                "Make room on the disk; this server goes on by itself as soon as there is some.",
            ),
            Cause::Broken => (
                "Server fault",
                "Something broke on this server; the identity provider did nothing wrong.",
                "Look into the server's log under the incident number of the answer.",
            ),
        };
        Words { name, why, cure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_cause_and_all_words_are_whole_sentences() {
        for cause in Cause::ALL {
            assert_eq!(Cause::from_key(cause.key()), Some(cause));
            let words = cause.words();
            assert!(words.why.ends_with('.') && words.cure.ends_with('.'), "{}", words.name);
        }
    }

    /// The exact words of each cause: a change of them is a change of what administrators have learnt to read.
    #[test]
    fn the_words_of_each_cause() {
        let table = [
            (
                Cause::NoAuthorization,
                "No token sent",
                "The request has no Authorization header, so scimd cannot tell which team it is for.",
                "Paste the token into the Token Key field of the identity provider and save.",
            ),
            (
                Cause::NotBearer,
                "Not a bearer token",
                "The Authorization header does not begin with \"Bearer\"; scimd takes no user name and password here.",
                "Choose bearer token (OAuth bearer, HTTP header) as the way to sign in and paste the token there.",
            ),
            (
                Cause::TokenShape,
                "Token pasted with something around it",
                "There is a blank, a line break, a quote, a bracket or a second \"Bearer\" in or around the token.",
                "Copy the token again with the copy button and paste it alone.",
            ),
            (
                Cause::TokenChanged,
                "Token cut short or changed",
                "The token was cut short or changed while pasting: its last characters do not fit the rest.",
                "Copy the whole token again. If it is no longer shown anywhere, make a new one.",
            ),
            (
                Cause::TokenRevoked,
                "Revoked token",
                "The token was revoked and is no longer accepted.",
                "Make a new token and paste it into the identity provider.",
            ),
            (
                Cause::TokenExpired,
                "Expired token",
                "The token has passed its expiry date.",
                "Make a new token and paste it into the identity provider.",
            ),
            (
                Cause::ReadOnlyToken,
                "Read-only token",
                "The token may only read, and the request wanted to change something.",
                "Make a token without \"read only\" for the identity provider.",
            ),
            (
                Cause::TokenUnknown,
                "Wrong token",
                "The token was never issued here. It may belong to another server.",
                "Check that the Base URL is this server's, then paste a token made here.",
            ),
            (
                Cause::WrongPath,
                "Wrong address",
                "The path is not one that scimd serves: the Base URL is doubled, cut short or from another product.",
                "Copy the Base URL from the Connect page; it ends in /scim, without a slash behind it.",
            ),
            (
                Cause::PlainHttp,
                "Plain http",
                "The request came without TLS to an address that speaks TLS only.",
                "Begin the Base URL with https://.",
            ),
            (
                Cause::NotJson,
                "Body is not JSON",
                "The body of the request could not be read as JSON.",
                "Look at the place named in the answer; a template at the identity provider is the usual reason.",
            ),
            (
                Cause::RequiredMissing,
                "Required attribute missing",
                "A value that every such record needs was missing or empty.",
                "Fill it in at the identity provider, or correct the attribute mapping; it will be sent again.",
            ),
            (
                Cause::NameTaken,
                "Name taken",
                "Another record has this name already, and names are unique.",
                "Update the other record or delete it, or give this one another name at the identity provider.",
            ),
            (
                Cause::NotFound,
                "No such record",
                "The record is not here: it was deleted, or never made by this team.",
                "Let the identity provider send it anew; it usually does by itself after a look-up.",
            ),
            (
                Cause::Stale,
                "Changed in between",
                "The record was changed since the sender read it, so nothing was overwritten.",
                "Nothing to do: the sender reads it again and repeats the change.",
            ),
            (
                Cause::BadFilter,
                "Search not understood",
                "The filter or the paging of the search does not follow the rules, or asks for more than fits.",
                "Look at the place named in the answer and correct the filter at the sender.",
            ),
            (
                Cause::BadValue,
                "Value not accepted",
                "A value does not fit its attribute.",
                "Look at the attribute named in the answer and correct it at the identity provider.",
            ),
            (
                Cause::TooLarge,
                "Too large",
                "The request is larger than the server takes.",
                "Let the identity provider send smaller batches.",
            ),
            (
                Cause::Incomplete,
                "Body did not arrive",
                "The body of the request did not arrive whole, or not in time.",
                "Look at the network and at any proxy between the identity provider and this server; it sends again by itself.",
            ),
            (
                Cause::Garbled,
                "Not as HTTP asks",
                "The head of the request is not as HTTP asks, so it was not looked at further.",
                "Look at the proxy or program that sent it; the answer says what is wrong.",
            ),
            (
                Cause::Unsupported,
                "Not offered here",
                "The request asked for something that scimd does not offer at this address.",
                "Compare the method, the path and the content type with the documentation.",
            ),
            (
                Cause::Busy,
                "Too much at once",
                "More came at once than this server could take in, so it asked the sender to wait.",
                "Nothing to do: the sender tries again. If it goes on, look at the load on System health.",
            ),
            (
                Cause::DiskFull,
                "Disk full",
                "The disk of this server is full, so nothing could be written.",
                "Make room on the disk; this server goes on by itself as soon as there is some.",
            ),
            (
                Cause::Broken,
                "Server fault",
                "Something broke on this server; the identity provider did nothing wrong.",
                "Look into the server's log under the incident number of the answer.",
            ),
        ];
        assert_eq!(table.len(), Cause::ALL.len());
        for ((cause, name, why, cure), listed) in table.into_iter().zip(Cause::ALL) {
            assert_eq!(cause, listed, "in the order of checking");
            assert_eq!(cause.words(), Words { name, why, cure });
        }
    }

    #[test]
    fn the_particulars_stand_behind_the_reason() {
        assert_eq!(
            Cause::TokenRevoked.why_of(
                "The token \"JumpCloud\" was revoked at 2026-11-20T08:00:00.000Z by ada@example.com."
            ),
            "The token was revoked and is no longer accepted. The token \"JumpCloud\" was revoked at \
             2026-11-20T08:00:00.000Z by ada@example.com."
        );
        assert_eq!(
            Cause::NameTaken.why_of("userName \"ada\" is already used by Ada (1)"),
            "Another record has this name already, and names are unique. The answer said: userName \"ada\" is already \
             used by Ada (1)"
        );
        assert_eq!(Cause::NotBearer.why_of(NOTHING_CHANGED), Cause::NotBearer.words().why);
    }
}
