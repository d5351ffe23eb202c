//! The words in which providers write the headings and the states of their exports. How an export is read is told in
//! `export`.

/// What a column of the export holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    UserName,
    /// The name by which the application knows a person, where the provider's own stands beside it.
    AppUserName,
    Email,
    Group,
    /// A name of no saying what: of a group, where nothing in the file tells users apart.
    Name,
    /// A group by its address or id, which is no name to find it by.
    GroupAddress,
    /// Active, or suspended, in the provider's word for it.
    Standing,
    /// JumpCloud's state; elsewhere a province.
    State,
    /// Suspended: yes or no.
    Suspended,
    /// Locked for a while: yes or no.
    Locked,
    /// An attribute that is compared as text.
    Attribute(&'static str),
    Other,
}

/// The words that providers use in their headings, without blanks and in small letters.
const HEADINGS: [(&[&str], Column); 17] = [
    (
        &["username", "login", "userprincipalname", "upn", "userlogin", "oktausername", "loginname"],
        Column::UserName,
    ),
    (&["applicationlogin", "applicationusername", "appusername"], Column::AppUserName),
    (
        &[
            "email",
            "emailaddress",
            "mail",
            "primaryemail",
            "companyemail",
            "workemail",
            "memberemail",
            "useremail",
            "member",
        ],
        Column::Email,
    ),
    (&["group", "groupname", "groupdisplayname", "usergroup"], Column::Group),
    (&["name"], Column::Name),
    (&["groupemail", "groupemailaddress", "groupid", "groupkey"], Column::GroupAddress),
    (
        &[
            "active",
            "status",
            "userstatus",
            "userstate",
            "oktauserstatus",
            "enabled",
            "accountenabled",
            "accountstatus",
        ],
        Column::Standing,
    ),
    (&["state"], Column::State),
    (&["suspended", "disabled", "deactivated", "blockcredential", "blocksignin"], Column::Suspended),
    (&["accountlocked", "passwordexpired"], Column::Locked),
    (&["firstname", "givenname"], Column::Attribute("name.givenName")),
    (&["lastname", "familyname", "surname"], Column::Attribute("name.familyName")),
    (&["displayname"], Column::Attribute("displayName")),
    (&["title", "jobtitle", "employeetitle"], Column::Attribute("title")),
    (&["externalid"], Column::Attribute("externalId")),
    (&["department"], Column::Attribute("department")),
    (&["employeenumber", "employeeid", "employeeidentifier"], Column::Attribute("employeeNumber")),
];

/// Headings that only lists of groups have.
const OF_GROUPS: [&str; 6] =
    ["grouptype", "membershiptype", "securityenabled", "mailenabled", "isassignabletorole", "objectclass"];

/// What stands before the dot in headings such as `profile.login`.
const BEFORE_THE_DOT: [&str; 4] = ["user", "profile", "name", "userprofile"];

impl Column {
    pub fn of(heading: &str) -> Column {
        let whole = bare(heading);
        let within = heading.rsplit_once('.').filter(|(before, _)| {
            before.split('.').all(|part| BEFORE_THE_DOT.contains(&bare(part).as_str()))
        });
        let word = within.map_or(whole, |(_, name)| bare(name));
        HEADINGS
            .iter()
            .find(|(words, _)| words.contains(&word.as_str()))
            .map_or(Column::Other, |(_, column)| *column)
    }

    fn tells_apart(&self) -> bool {
        matches!(self, Column::UserName | Column::AppUserName | Column::Email | Column::Group)
    }

    /// Whether it says something of a person.
    fn is_personal(&self) -> bool {
        matches!(self, Column::Attribute(path) if *path != "displayName") || *self == Column::Standing
    }
}

/// What each column holds. A list of groups alone has them by a bare name.
pub(super) fn columns<'h>(headings: impl Iterator<Item = &'h str> + Clone) -> Vec<Column> {
    let columns: Vec<Column> = headings.clone().map(Column::of).collect();
    let marked = headings.into_iter().any(|heading| OF_GROUPS.contains(&bare(heading).as_str()));
    let nameless = !columns.iter().any(|column| column.tells_apart() || column.is_personal());
    let named = [Column::Attribute("displayName"), Column::Name];
    let at = columns.iter().position(|column| named.contains(column));
    match at {
        Some(at) if (marked || nameless) && !columns.contains(&Column::Group) => {
            let only = |(n, _)| if n == at { Column::Group } else { Column::Other };
            columns.iter().enumerate().map(only).collect()
        }
        _ => columns,
    }
}

/// A heading in small letters without blanks and signs. Google writes "Email Address [Required]" and "Status [READ ONLY]".
fn bare(heading: &str) -> String {
    let heading = heading.split('[').next().unwrap_or("");
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How somebody stands with the provider; of several words the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Active,
    /// Locked for a while: here in either state.
    Locked,
    /// Not begun: providers send these later, or have sent them already.
    Before,
    Inactive,
}

fn word(cell: &str) -> String {
    cell.to_ascii_lowercase().replace([' ', '-'], "_")
}

/// How somebody stands, in the words of the providers, and in OneLogin's numbers.
pub(super) fn standing(cell: &str) -> Option<Standing> {
    const WORDS: [(Standing, &[&str]); 4] = [
        (
            Standing::Active,
            &[
                "true",
                "yes",
                "1",
                "active",
                "activated",
                "enabled",
                "provisioned",
                "recovery",
                "password_expired",
                "password_reset",
                "awaiting_password_reset",
                "password_pending",
                "security_questions_required",
                "4",
                "5",
                "7",
                "8",
            ],
        ),
        (Standing::Locked, &["locked", "locked_out", "3"]),
        (
            Standing::Before,
            &[
                "staged",
                "unactivated",
                "not_activated",
                "pending",
                "pending_activation",
                "pending_user_action",
                "invited",
            ],
        ),
        (
            Standing::Inactive,
            &[
                "false",
                "no",
                "0",
                "inactive",
                "suspended",
                "disabled",
                "deactivated",
                "deprovisioned",
                "archived",
                "deleted",
                "2",
            ],
        ),
    ];
    let word = word(cell);
    WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(standing, _)| *standing)
}

/// How somebody stands by a column that elsewhere holds a province: NO is one in Italy.
pub(super) fn state(cell: &str) -> Option<Standing> {
    let plain = |word: &str| word.len() > 3 && !["true", "false"].contains(&word);
    standing(cell).filter(|_| plain(&word(cell)))
}

/// Yes or no, also said by the heading's own word.
pub(super) fn yes(cell: &str) -> Option<bool> {
    match word(cell).as_str() {
        "true" | "yes" | "1" | "suspended" | "disabled" | "deactivated" | "blocked" | "locked" => Some(true),
        "false" | "no" | "0" | "active" | "enabled" => Some(false),
        _ => None,
    }
}
