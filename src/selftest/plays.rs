//! The sequences that providers send, as far as they are known: connect, look up, create, update, deactivate, reactivate,
//! groups, delete. `{{mark}}` makes names new in each run; `{{user}}` is an id that an earlier answer gave.

use super::Which;

/// A provider's sequence.
pub(super) struct Play {
    pub title: &'static str,
    pub user_agent: &'static str,
    pub steps: &'static [Step],
}

/// One line of the sheet: a request, and what its answer must be.
pub(super) struct Step {
    pub title: &'static str,
    pub method: &'static str,
    pub target: &'static str,
    pub body: &'static str,
    pub status: &'static [u16],
    /// JSON pointers into the answer, and the JSON that must stand there.
    pub checks: &'static [(&'static str, &'static str)],
    /// Under which name the answer's id is kept, also where none should have been made: it is taken away at the end.
    pub save: &'static str,
}

pub(super) const ALL: [(Which, Play); 4] =
    [(Which::Jumpcloud, JUMPCLOUD), (Which::Okta, OKTA), (Which::Entra, ENTRA), (Which::Onelogin, ONELOGIN)];

const fn step(title: &'static str, method: &'static str, target: &'static str, body: &'static str) -> Step {
    Step { title, method, target, body, status: &[200], checks: &[], save: "" }
}

impl Step {
    const fn is(self, status: &'static [u16]) -> Step {
        Step { status, ..self }
    }

    const fn has(self, checks: &'static [(&'static str, &'static str)]) -> Step {
        Step { checks, ..self }
    }

    const fn save(self, save: &'static str) -> Step {
        Step { save, ..self }
    }
}

const GONE: Step = step("the deleted user is gone", "GET", "/Users/{{user}}", "").is(&[404]);
const DELETE_USER: Step = step("delete the user", "DELETE", "/Users/{{user}}", "").is(&[204]);
const DELETE_GROUP: Step = step("delete the group", "DELETE", "/Groups/{{group}}", "").is(&[204]);
const NOBODY: &[(&str, &str)] = &[("/totalResults", "0")];
const FOUND: &[(&str, &str)] = &[("/totalResults", "1"), ("/Resources/0/id", "\"{{user}}\"")];
const MEMBER: &[(&str, &str)] = &[("/members/0/value", "\"{{user}}\"")];
const OFF: &[(&str, &str)] = &[("/active", "false")];
const ON: &[(&str, &str)] = &[("/active", "true")];
const LOOK_UP: &str = "/Users?filter=userName%20eq%20%22selftest-{{mark}}%40example.com%22";

const JUMPCLOUD: Play = Play {
    title: "JumpCloud",
    user_agent: "scimd-selftest (as JumpCloud)",
    steps: &[
        step("Test Connection reads the user list", "GET", "/Users?startIndex=1&count=1", "").has(&[("/startIndex", "1")]),
        step("look-up before create finds nobody", "GET", LOOK_UP, "").has(NOBODY),
        step("create the test user", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com","name":{"givenName":"Self","familyName":"Test"},"displayName":"Self Test","emails":[{"value":"selftest-{{mark}}@example.com","type":"work","primary":true}],"active":true}"#).is(&[201]).has(ON).save("user"),
        step("look-up finds the user", "GET", LOOK_UP, "").has(FOUND),
        step("look-up by address finds the user", "GET", "/Users?filter=emails.value%20eq%20%22selftest-{{mark}}%40example.com%22", "").has(FOUND),
        step("a second user of the name is refused", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"SELFTEST-{{mark}}@example.com"}"#).is(&[409]).has(&[("/status", "\"409\""), ("/scimType", "\"uniqueness\"")]).save("second"),
        step("read the user", "GET", "/Users/{{user}}", "").has(&[("/id", "\"{{user}}\""), ("/meta/resourceType", "\"User\"")]),
        step("update by PATCH", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"name.familyName","value":"Tested"}]}"#).is(&[200, 204]).has(&[("/name/familyName", "\"Tested\"")]),
        step("update by PUT", "PUT", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com","name":{"givenName":"Self","familyName":"Retested"},"active":true}"#).has(&[("/name/familyName", "\"Retested\""), ("/id", "\"{{user}}\"")]),
        step("suspend", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}"#).is(&[200, 204]).has(OFF),
        step("a suspended user is still found", "GET", LOOK_UP, "").has(FOUND),
        step("reactivate", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":true}]}"#).is(&[200, 204]).has(ON),
        step("create the test group", "POST", "/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Selftest {{mark}}"}"#).is(&[201]).save("group"),
        step("add the member", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("rename the group", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"Selftest renamed {{mark}}"}]}"#).is(&[200, 204]),
        step("the same add again changes nothing", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("the group has its member once", "GET", "/Groups/{{group}}", "").has(&[("/members/0/value", "\"{{user}}\""), ("/members/1", "null"), ("/displayName", "\"Selftest renamed {{mark}}\"")]),
        step("remove the member by a list, without a filter", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members","value":[{"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("the group is empty", "GET", "/Groups/{{group}}", "").has(&[("/members/0", "null")]),
        DELETE_GROUP,
        DELETE_USER,
        GONE,
        step("the name is free at once", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com"}"#).is(&[201]).save("other"),
        step("delete it again", "DELETE", "/Users/{{other}}", "").is(&[204]),
    ],
};

const OKTA: Play = Play {
    title: "Okta",
    user_agent: "Okta SCIM Client 1.0.0",
    steps: &[
        step("connect: users", "GET", "/Users?startIndex=1&count=2", "").has(&[("/startIndex", "1")]),
        step("connect: groups", "GET", "/Groups?startIndex=1&count=100", "").has(&[("/startIndex", "1")]),
        step("look-up finds nobody", "GET", "/Users?filter=userName%20eq%20%22selftest-{{mark}}%40example.com%22&startIndex=1&count=100", "").has(NOBODY),
        step("create with groups and password", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com","name":{"givenName":"Self","familyName":"Test"},"emails":[{"primary":true,"value":"selftest-{{mark}}@example.com","type":"work"}],"displayName":"Self Test","locale":"en-US","externalId":"00u{{mark}}","groups":[],"password":"1mz050nq-Self-Test","active":true}"#).is(&[201]).has(&[("/active", "true"), ("/password", "null")]).save("user"),
        step("update by PUT of what was read", "PUT", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{{user}}","userName":"selftest-{{mark}}@example.com","name":{"givenName":"Self","middleName":"","familyName":"Tested"},"emails":[{"primary":true,"value":"selftest-{{mark}}@example.com","type":"work"}],"groups":[],"active":true,"meta":{"resourceType":"User"}}"#).has(&[("/name/familyName", "\"Tested\"")]),
        step("deactivate by PATCH without a path", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}"#).is(&[200, 204]).has(OFF),
        step("reactivate", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":true}}]}"#).is(&[200, 204]).has(ON),
        step("create a group without members", "POST", "/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Selftest {{mark}}","members":[]}"#).is(&[201]).save("group"),
        step("rename by PATCH with id and name", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"id":"{{group}}","displayName":"Selftest renamed {{mark}}"}}]}"#).is(&[200, 204]),
        step("add a member with its name", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{{user}}","display":"selftest-{{mark}}@example.com"}]}]}"#).is(&[200, 204]),
        step("the group has its member", "GET", "/Groups/{{group}}", "").has(MEMBER),
        step("replace the list of members", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"members","value":[{"value":"{{user}}","display":"selftest-{{mark}}@example.com"}]}]}"#).is(&[200, 204]),
        step("the group still has its member", "GET", "/Groups/{{group}}", "").has(MEMBER),
        step("remove the member by a filter", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"{{user}}\"]"}]}"#).is(&[200, 204]),
        step("the group is empty", "GET", "/Groups/{{group}}", "").has(&[("/members/0", "null"), ("/displayName", "\"Selftest renamed {{mark}}\"")]),
        DELETE_GROUP,
        DELETE_USER,
        GONE,
    ],
};

const ENTRA: Play = Play {
    title: "Entra ID",
    user_agent: "scimd-selftest (as Entra ID)",
    steps: &[
        step("Test Connection asks for a random name", "GET", "/Users?filter=userName+eq+%22{{mark}}%22", "").has(NOBODY),
        step("match by externalId", "GET", "/Users?filter=externalId+eq+%22{{mark}}%22", "").has(NOBODY),
        step("create", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"{{mark}}","userName":"selftest-{{mark}}@example.com","active":true,"displayName":"Self Test","emails":[{"primary":true,"type":"work","value":"selftest-{{mark}}@example.com"}],"meta":{"resourceType":"User"},"name":{"formatted":"Self Test","familyName":"Test","givenName":"Self"},"roles":[]}"#).is(&[201]).has(ON).save("user"),
        step("found by externalId", "GET", "/Users?filter=externalId+eq+%22{{mark}}%22", "").has(FOUND),
        step("found by work address", "GET", "/Users?filter=emails[type+eq+%22work%22].value+eq+%22selftest-{{mark}}@example.com%22", "").has(FOUND),
        step("Add and Replace with value paths", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+1 555 0100"},{"op":"Replace","path":"emails[type eq \"work\"].value","value":"selftest-work-{{mark}}@example.com"},{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"IT"}]}"#).is(&[200, 204]),
        step("what was added is there", "GET", "/Users/{{user}}", "").has(&[("/phoneNumbers/0/value", "\"+1 555 0100\""), ("/emails/0/value", "\"selftest-work-{{mark}}@example.com\""), ("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department", "\"IT\"")]),
        step("the manager as text", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"{{user}}"}]}"#).is(&[200, 204]),
        step("the manager is there", "GET", "/Users/{{user}}", "").has(&[("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value", "\"{{user}}\"")]),
        step("no manager any more", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}]}"#).is(&[200, 204]),
        step("one operation whose keys are paths", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"displayName":"Self Tested","name.givenName":"Selma"}}]}"#).is(&[200, 204]),
        step("what the keys named is there", "GET", "/Users/{{user}}", "").has(&[("/displayName", "\"Self Tested\""), ("/name/givenName", "\"Selma\""), ("/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager", "null")]),
        step("disable with text for a boolean", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#).is(&[200, 204]).has(OFF),
        step("enable", "PATCH", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"True"}]}"#).is(&[200, 204]).has(ON),
        step("create a group with a schema of its own", "POST", "/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"g-{{mark}}","displayName":"Selftest {{mark}}","meta":{"resourceType":"Group"}}"#).is(&[201]).save("group"),
        step("read it without members", "GET", "/Groups/{{group}}?excludedAttributes=members", "").has(&[("/id", "\"{{group}}\""), ("/members", "null")]),
        step("Add a member", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Add","path":"members","value":[{"$ref":null,"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("the group has its member", "GET", "/Groups/{{group}}", "").has(MEMBER),
        step("Remove with a value array", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("the group is empty", "GET", "/Groups/{{group}}", "").has(&[("/members/0", "null")]),
        DELETE_GROUP,
        DELETE_USER,
        GONE,
    ],
};

const ONELOGIN: Play = Play {
    title: "OneLogin",
    user_agent: "",
    steps: &[
        step("connect", "GET", "/Users?", ""),
        step("look-up finds nobody", "GET", LOOK_UP, "").has(NOBODY),
        step("create from a template", "POST", "/Users", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":null,"userName":"selftest-{{mark}}@example.com","active":"true","name":{"givenName":"Self","familyName":"Test"},"emails":{"value":"selftest-{{mark}}@example.com","type":"work","primary":true}}"#).is(&[201]).has(&[("/active", "true"), ("/emails/0/value", "\"selftest-{{mark}}@example.com\"")]).save("user"),
        step("update by PUT", "PUT", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"{{user}}","userName":"selftest-{{mark}}@example.com","active":"true","name":{"givenName":"Selma","familyName":"Test"}}"#).has(&[("/name/givenName", "\"Selma\"")]),
        step("suspend by PUT", "PUT", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com","active":"false"}"#).has(OFF),
        step("back again by PUT", "PUT", "/Users/{{user}}", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"selftest-{{mark}}@example.com","active":"true"}"#).has(ON),
        step("create a group", "POST", "/Groups", r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Selftest {{mark}}"}"#).is(&[201]).save("group"),
        step("add a member", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"{{user}}"}]}]}"#).is(&[200, 204]),
        step("the group has its member", "GET", "/Groups/{{group}}", "").has(MEMBER),
        step("remove the member", "PATCH", "/Groups/{{group}}", r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"{{user}}\"]"}]}"#).is(&[200, 204]),
        step("the group is empty", "GET", "/Groups/{{group}}", "").has(&[("/members/0", "null")]),
        DELETE_GROUP,
        DELETE_USER,
        GONE,
    ],
};
