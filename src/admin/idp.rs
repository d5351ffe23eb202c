//! The identity providers that the connect page knows: each one's own words, fields, steps, and what its test sends in its
//! order. Data alone; what has reached the server is read in `reached`, and no request is understood by this table.

use super::page::Page;
use crate::service::milestones::Event;

/// A provider in its own words.
#[derive(Debug)]
pub struct Provider {
    /// Stands in addresses and in the file.
    pub key: &'static str,
    pub name: &'static str,
    /// The entry of the navigation, and the page's heading.
    pub connect: &'static str,
    /// Where its administrators work.
    pub console: &'static str,
    pub time: &'static str,
    pub fill_in: &'static str,
    /// Where a token that was just made is pasted, and what to press then; names on the provider's page between `*`.
    pub paste: &'static str,
    pub base_field: &'static str,
    pub token_field: &'static str,
    /// The field for the address of a test user, where there is one.
    pub email_field: Option<&'static str>,
    /// Other fields and what they want.
    pub fields: &'static [(&'static str, &'static str)],
    pub steps: &'static [Step],
    pub lines: &'static [Line],
    /// What to do when people come and no group does.
    pub no_group: &'static str,
}

impl Provider {
    /// Its name within a sentence.
    pub fn called(&self) -> &'static str {
        if self.key == OTHER.key { "your identity provider" } else { self.name }
    }

    /// Where its people and groups are changed, within a sentence.
    pub fn there(&self) -> String {
        if self.key == OTHER.key { "there, not here".to_owned() } else { format!("in {}", self.name) }
    }
}

/// A step in the provider's console.
#[derive(Debug)]
pub struct Step {
    pub title: &'static str,
    pub path: &'static [&'static str],
    pub text: &'static str,
    pub hint: &'static str,
    /// The values to copy stand in it.
    pub values: bool,
    /// The hint about groups belongs to it.
    pub groups: bool,
    /// One of these ends it.
    pub done: &'static [Event],
}

/// A line of the live list: what it waits for, its words, and when that is expected.
#[derive(Debug)]
pub struct Line {
    pub event: Event,
    pub title: &'static str,
    pub expected: &'static str,
}

const fn line(event: Event, title: &'static str, expected: &'static str) -> Line {
    Line { event, title, expected }
}

const fn step(title: &'static str, done: &'static [Event]) -> Step {
    Step { title, path: &[], text: "", hint: "", values: false, groups: false, done }
}

/// The provider that a key or a name stands for.
pub fn find(word: &str) -> Option<&'static Provider> {
    ALL.iter().copied().find(|provider| provider.key == word || provider.name == word)
}

/// The provider of a team's pages: the one that its address names, else the one that was chosen, else the one that is seen.
pub fn of(page: &Page<'_, '_>) -> &'static Provider {
    match page.visit.request.query.get("idp").and_then(find) {
        Some(asked) => asked,
        None => chosen(page.team.provider.as_deref()),
    }
}

/// The provider behind what is remembered of a team.
pub fn chosen(remembered: Option<&str>) -> &'static Provider {
    match remembered {
        None => &JUMPCLOUD,
        Some(word) => find(word).unwrap_or(&OTHER),
    }
}

/// All of them, in the order in which they are offered.
pub const ALL: [&Provider; 5] = [&JUMPCLOUD, &OKTA, &ENTRA, &ONELOGIN, &OTHER];

const JUMPCLOUD: Provider = Provider {
    key: "jumpcloud",
    name: "JumpCloud",
    connect: "Connect JumpCloud",
    console: "the JumpCloud Admin Portal",
    time: "About 5 minutes",
    fill_in: "Choose SCIM 2.0, then copy these three values.",
    paste: "In JumpCloud, open your application’s *Identity Management* tab, paste these values, press *Test \
            Connection*, then *Activate* and *Save*.",
    base_field: "Base URL",
    token_field: "Token Key",
    email_field: Some("Test User Email"),
    fields: &[],
    steps: &[
        Step {
            path: &["SSO Applications", "your application", "Identity Management"],
            hint: "No application yet? Add a Custom Application and choose Export users to this app (Identity Management).",
            ..step("Open the application", &[Event::Token])
        },
        Step { values: true, ..step("Fill in the connection", &[Event::Accepted]) },
        Step {
            text: "Watch the list. If JumpCloud shows a red message, the reason is on this page within a second.",
            ..step("Press Test Connection", &[Event::UserList])
        },
        Step {
            text: "Without Group management JumpCloud sends people but no groups.",
            groups: true,
            ..step(
                "Turn Group management on, press Activate, then Save",
                &[Event::TestUser, Event::TestGroup],
            )
        },
        Step {
            path: &["User Groups", "a group", "Applications", "tick this application", "Save"],
            hint: "Everyone in those groups arrives here within a minute or so. Start with one small group.",
            ..step("Assign user groups to the application", &[Event::User])
        },
    ],
    lines: &[
        line(Event::First, "First request arrived", "When you press Test Connection"),
        line(Event::Accepted, "Token accepted", "With the first request"),
        line(Event::UserList, "User list read", "Test Connection ends here"),
        line(Event::TestUser, "Test user created", "After Activate"),
        line(Event::TestUpdated, "Test user found and updated", "After Activate"),
        line(Event::TestGroup, "Test group created", "After Activate"),
        line(Event::TestMember, "Member added to the test group", "After Activate"),
        line(Event::TestDeleted, "Test user and group deleted", "After Activate"),
        line(Event::Group, "First real group", "After assigning a group"),
        line(Event::User, "First real user", "After assigning a group"),
    ],
    no_group: "Turn Group management on in JumpCloud’s Identity Management tab, press Activate again and save.",
};

const OKTA: Provider = Provider {
    key: "okta",
    name: "Okta",
    connect: "Connect Okta",
    console: "the Okta Admin Console",
    time: "About 10 minutes",
    fill_in: "Copy these values. In the catalogue’s Header Auth app the token field takes “Bearer ” and the token.",
    paste: "In Okta, open your application’s *Provisioning* tab, *Integration*, *Edit*, paste these values, press \
            *Test Connector Configuration*, then *Save*.",
    base_field: "SCIM connector base URL",
    token_field: "Authorization: Bearer",
    email_field: None,
    fields: &[
        ("Unique identifier field for users", "userName"),
        ("Supported provisioning actions", "Push New Users, Push Profile Updates, Push Groups"),
        ("Authentication Mode", "HTTP Header"),
    ],
    steps: &[
        Step {
            path: &[
                "Applications",
                "Applications",
                "your application",
                "General",
                "App Settings",
                "Provisioning: SCIM",
            ],
            hint: "No application yet? Browse App Catalog has SCIM 2.0 Test App; there the fields are Base URL and API Token, \
                   under Provisioning, Configure API Integration.",
            ..step("Turn SCIM on for the application", &[Event::Token])
        },
        Step {
            path: &["Provisioning", "Integration", "Edit"],
            values: true,
            ..step("Fill in the connection", &[Event::Accepted])
        },
        Step {
            text: "In an app of the catalogue the button is Test API Credentials. Okta reads users and groups.",
            ..step("Press Test Connector Configuration, then Save", &[Event::UserList])
        },
        Step {
            path: &["Provisioning", "To App", "Edit"],
            text: "Turn on Create Users, Update User Attributes and Deactivate Users, and save. Leave Sync Password off.",
            ..step("Let Okta send changes", &[Event::User])
        },
        Step {
            path: &["Assignments", "Assign", "Assign to Groups"],
            hint: "This sends the people of the group, not the group. Start with one small group.",
            ..step("Assign people", &[Event::User])
        },
        Step {
            path: &["Push Groups", "Push Groups", "Find groups by name"],
            text: "This sends the group and its members. Okta advises to push another group than the one that assigns people.",
            groups: true,
            ..step("Push groups", &[Event::Group])
        },
    ],
    lines: &[
        line(Event::First, "First request arrived", "When you press Test Connector Configuration"),
        line(Event::Accepted, "Token accepted", "With the first request"),
        line(Event::UserList, "User list read", "With the test of the configuration"),
        line(Event::GroupList, "Group list read", "With the test, or when groups are pushed"),
        line(Event::UserLookup, "First person looked up by user name", "After assigning people"),
        line(Event::User, "First user created", "After assigning people"),
        line(Event::Group, "First group pushed", "After Push Groups"),
        line(Event::Member, "First members in a group", "After Push Groups"),
    ],
    no_group: "Assigning a group sends its people only. Push the group itself under Push Groups.",
};

const ENTRA: Provider = Provider {
    key: "entra",
    name: "Entra ID",
    connect: "Connect Entra ID",
    console: "the Microsoft Entra admin center",
    time: "About 10 minutes, then up to 40 until people arrive",
    fill_in: "Copy these values. A Tenant URL that ends in ?aadOptscim062020 works as well.",
    paste: "In the Microsoft Entra admin center, open the application’s *Provisioning* page, paste these \
            values under *Admin Credentials*, press *Test Connection*, then *Save*.",
    base_field: "Tenant URL",
    token_field: "Secret Token",
    email_field: None,
    fields: &[("Provisioning Mode", "Automatic"), ("Select authentication method", "Bearer authentication")],
    steps: &[
        Step {
            path: &["Enterprise applications", "your application", "Provisioning", "Get started"],
            hint: "No application yet? New application, Create your own application, and choose the non-gallery one.",
            ..step("Open the application", &[Event::Token])
        },
        Step { values: true, ..step("Fill in the Admin Credentials", &[Event::Accepted]) },
        Step {
            text: "Entra ID asks for a user who does not exist, and is told so. Mappings may stay as they are.",
            ..step("Press Test Connection, then Save", &[Event::UserLookup])
        },
        Step {
            path: &["Users and groups", "Add user/group"],
            text: "Choose one small group, and under Settings the scope Sync only assigned users and groups.",
            hint: "Members of a group inside that group are not sent: assign the inner group itself.",
            groups: true,
            ..step("Assign a group", &[Event::User, Event::Group])
        },
        Step {
            text: "Provision on demand sends one person at once and shows each step. Later changes come about every 40 minutes.",
            ..step("Provision on demand, then Start provisioning", &[Event::User])
        },
    ],
    lines: &[
        line(Event::First, "First request arrived", "When you press Test Connection"),
        line(Event::Accepted, "Token accepted", "With the first request"),
        line(Event::UserLookup, "Somebody looked up by a filter", "Test Connection ends here"),
        line(Event::User, "First user created", "After provisioning starts"),
        line(Event::UserUpdated, "First user updated", "With the first change of a person"),
        line(Event::Group, "First group created", "After the first users"),
        line(Event::Member, "First members in a group", "After the group"),
    ],
    no_group: "Look under Provisioning, Mappings whether groups are switched on, and whether the group itself is assigned.",
};

const ONELOGIN: Provider = Provider {
    key: "onelogin",
    name: "OneLogin",
    connect: "Connect OneLogin",
    console: "the OneLogin Administration page",
    time: "About 10 minutes",
    fill_in: "Copy these values. Custom Headers may stay empty, and the JSON template as OneLogin proposes it.",
    paste: "In OneLogin, open the application’s *Configuration* tab, paste these values under *API Connection*, \
            press *Enable*, then *Save*.",
    base_field: "SCIM Base URL",
    token_field: "SCIM Bearer Token",
    email_field: None,
    fields: &[("Custom Headers", "Content-Type: application/scim+json")],
    steps: &[
        Step {
            path: &["Applications", "Add App", "SCIM Provisioner with SAML (SCIM v2 Enterprise)"],
            hint: "SCIM v2 Core does as well; it sends no department and no manager.",
            ..step("Add the application", &[Event::Token])
        },
        Step {
            path: &["Configuration", "API Connection"],
            values: true,
            ..step("Fill in the connection", &[Event::Accepted])
        },
        Step {
            text: "API Status turns to Enabled once OneLogin has read the user list.",
            ..step("Press Enable, then Save", &[Event::UserList])
        },
        Step {
            path: &["Provisioning", "Enable provisioning"],
            text: "Choose which actions wait for an administrator, and what happens to the user here when the access ends: \
                   Suspend keeps the record, Delete removes it.",
            ..step("Let OneLogin send changes", &[Event::User])
        },
        Step {
            path: &["Parameters", "Groups", "Include in User Provisioning"],
            text: "Then add a rule under Rules: Set Groups in this application, to the groups to send.",
            groups: true,
            ..step("Include groups", &[Event::Group])
        },
        Step {
            path: &["Access", "Roles", "a small role"],
            hint: "People wait under Users as Pending until they are approved there.",
            ..step("Give a role access", &[Event::User])
        },
    ],
    lines: &[
        line(Event::First, "First request arrived", "When you press Enable"),
        line(Event::Accepted, "Token accepted", "With the first request"),
        line(Event::UserList, "User list read", "Enable ends here"),
        line(Event::UserLookup, "First person looked up by user name", "After a role has access"),
        line(Event::User, "First user created", "After approval"),
        line(Event::UserUpdated, "First user updated", "With the first change of a person"),
        line(Event::Group, "First group created", "After a rule sets groups"),
        line(Event::Member, "First members in a group", "After the group"),
    ],
    no_group: "Include Groups under Parameters, and add a rule under Rules that sets the groups to send.",
};

const OTHER: Provider = Provider {
    key: "other",
    name: "Other SCIM 2.0 client",
    connect: "Connect a provider",
    console: "your identity provider’s console",
    time: "About 10 minutes",
    fill_in: "Copy these values. Names differ: the address is called Base URL, endpoint or tenant URL.",
    paste: "Paste these values into the application’s provisioning settings, and test the connection.",
    base_field: "Base URL",
    token_field: "Bearer token",
    email_field: None,
    fields: &[
        ("Authentication", "Bearer token in the Authorization header"),
        ("Unique attribute", "userName"),
    ],
    steps: &[
        Step {
            text: "Look for Provisioning, SCIM or User management in the application’s settings, and choose SCIM 2.0.",
            ..step("Turn provisioning on", &[Event::Token])
        },
        Step { values: true, ..step("Fill in the connection", &[Event::Accepted]) },
        Step {
            text: "Any request will do. Where there is no test, the first change is one.",
            ..step(
                "Test the connection",
                &[Event::UserList, Event::UserLookup, Event::Discovery, Event::User],
            )
        },
        Step {
            text: "Start with one small group, and let groups be sent too if your provider asks.",
            groups: true,
            ..step("Assign people and groups", &[Event::User])
        },
    ],
    lines: &[
        line(Event::First, "First request arrived", "When you test the connection"),
        line(Event::Accepted, "Token accepted", "With the first request"),
        line(Event::Discovery, "What this server offers was read", "Some clients ask, others do not"),
        line(Event::UserList, "User list read", "With most tests"),
        line(Event::UserLookup, "First person looked up", "Before the first user"),
        line(Event::User, "First user created", "After assigning people"),
        line(Event::UserUpdated, "First user updated", "With the first change of a person"),
        line(Event::Group, "First group created", "After assigning groups"),
        line(Event::Member, "First members in a group", "After the group"),
    ],
    no_group: "Look in the provider’s settings whether groups are sent at all, and which.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_found_by_key_and_name_and_has_one_place_for_the_values() {
        for provider in ALL {
            assert!(std::ptr::eq(find(provider.key).expect("by key"), find(provider.name).expect("by name")));
            assert_eq!(provider.steps.iter().filter(|step| step.values).count(), 1, "{}", provider.name);
            assert_eq!(provider.steps.iter().filter(|step| step.groups).count(), 1, "{}", provider.name);
            assert!(provider.steps.iter().all(|step| !step.done.is_empty()), "{}", provider.name);
            let mut events: Vec<_> = provider.lines.iter().map(|line| line.event).collect();
            assert_eq!(events[..2], [Event::First, Event::Accepted], "{}", provider.name);
            events.dedup();
            assert_eq!(events.len(), provider.lines.len(), "{}: an event has one line", provider.name);
        }
        assert!(find("nobody").is_none());
    }

    /// Whoever follows the guide in the documentation is told the same as on the page, in the same order.
    #[test]
    fn the_guides_have_the_steps_of_the_page() {
        let guides = [
            (&JUMPCLOUD, include_str!("../../docs/jumpcloud.md")),
            (&OKTA, include_str!("../../docs/okta.md")),
            (&ENTRA, include_str!("../../docs/entra.md")),
            (&ONELOGIN, include_str!("../../docs/onelogin.md")),
        ];
        for (provider, guide) in guides {
            // A line may end within a name.
            let guide = guide.split_whitespace().collect::<Vec<_>>().join(" ");
            let mut steps: Vec<&str> = Vec::new();
            for (number, step) in provider.steps.iter().enumerate() {
                let head = format!("{}. **{}**", number + 1, step.title);
                let (_, rest) = guide.split_once(&head).unwrap_or_else(|| panic!("{head}: not in the guide"));
                steps.push(rest);
                let text = rest.split_once(&format!(" {}. **", number + 2)).map_or(rest, |(text, _)| text);
                for part in step.path {
                    let part = part.trim_end_matches(')');
                    assert!(text.contains(part), "{}, {}: {part}", provider.name, step.title);
                }
            }
            assert!(steps.is_sorted_by_key(|rest| std::cmp::Reverse(rest.len())), "{}: order", provider.name);
            let table = guide.split_once("| --- |").expect("a table of fields").1;
            let others = provider.fields.iter().flat_map(|(name, want)| [*name, *want]);
            for field in [provider.base_field, provider.token_field]
                .into_iter()
                .chain(provider.email_field)
                .chain(others)
            {
                assert!(table.contains(field), "{}: {field}", provider.name);
            }
        }
    }

    #[test]
    fn what_is_remembered_decides_and_the_unknown_is_other() {
        assert_eq!(chosen(None).key, "jumpcloud");
        assert_eq!(chosen(Some("Entra ID")).key, "entra");
        assert_eq!(chosen(Some("Google Workspace")).key, "other");
    }
}
