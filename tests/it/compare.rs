//! `scimd compare` and `scimd activity`: what the command line says of a directory and of the requests that made it.

use serde_json::json;

use crate::server::{Ran, Server, USER};

fn compare(server: &Server, csv: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("export.csv");
    std::fs::write(&file, csv).expect("written");
    server.data().run(&["compare", &file.to_string_lossy()])
}

/// What it found, once it is sure that it found something.
#[track_caller]
fn differences(server: &Server, csv: &str) -> String {
    let ran = compare(server, csv);
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    assert_eq!(ran.stderr, "", "{ran}");
    ran.stdout
}

#[test]
fn an_export_is_compared_and_nothing_is_changed() {
    let server = Server::plain();
    let caller = server.caller();
    let ada = json!({"schemas": [USER], "userName": "ada", "name": {"givenName": "Ada", "familyName": "Example"},
        "emails": [{"value": "ada@example.com", "type": "work"}], "active": true});
    let ada = caller.post("/Users", &ada).is(201).id();
    let bea = caller.user("bea@example.com");
    let cem = caller.user("cem@example.com");
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    caller.patch(&format!("/Users/{cem}"), off).is(200);
    caller.group("Engineering", &[&ada, &bea]);

    let equal =
        compare(&server, "Email,First Name,Status\nADA@example.com,Ada,Active\nbea@example.com,,ACTIVE\n")
            .well();
    assert_eq!(equal.stdout, "equal: 2 users and groups of the file are here as it says\n");
    let told = differences(
        &server,
        "email,firstname,suspended\nada@example.com,Adele,false\nbea@example.com,,true\ncem@example.com,,false\n\
         dan@example.com,,false\neve@example.com,,true\n",
    );
    assert_eq!(
        told,
        format!(
            "missing here: 1\n  user dan@example.com (line 5)\n\
             different: 2\n  user ada ({ada}): name.givenName is \"Ada\" here, \"Adele\" in the file\n  \
             user cem@example.com ({cem}): inactive here, active in the file\n\
             wrongly active: 1\n  user bea@example.com ({bea}): active here, inactive in the file\n"
        )
    );
    let told = differences(&server, "userName\nada\n");
    assert_eq!(told, format!("here and not in the file: 1\n  user bea@example.com ({bea})\n"));
    // Memberships: who is where; nothing is said of who else there is.
    let told = differences(
        &server,
        "Group Name,Member Email\nengineering,ada@example.com\nEngineering,cem@example.com\nSupport,ada@example.com\n",
    );
    assert_eq!(
        told,
        "missing here: 2\n  cem@example.com in the group engineering\n  group Support\n\
         here and not in the file: 1\n  bea@example.com in the group engineering\n"
    );
    compare(&server, "group\nEngineering\n").well();
    let refused = compare(&server, "shoe size\n42\n").refused();
    assert!(refused.contains("one of them must be userName, email or group"), "{refused}");
    assert_eq!(caller.get(&format!("/Users/{bea}")).is(200).json()["meta"]["version"], "W/\"1\"");
}

/// A directory with Ada, who has names and a department, Bea, and Cem, who is inactive.
fn three_people(server: &Server) -> [String; 3] {
    let caller = server.caller();
    let ada = json!({"schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": "ada@example.com", "displayName": "Ada Example", "title": "Engineer",
        "name": {"givenName": "Ada", "familyName": "Example"},
        "emails": [{"value": "ada@example.com", "type": "work"}], "active": true,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "IT"}});
    let ada = caller.post("/Users", &ada).is(201).id();
    let (bea, cem) = (caller.user("bea@example.com"), caller.user("cem@example.com"));
    caller
        .patch(&format!("/Users/{cem}"), json!([{"op": "replace", "path": "active", "value": false}]))
        .is(200);
    [ada, bea, cem]
}

#[test]
fn jumpclouds_export_is_read_with_its_user_names_beside_its_addresses() {
    let server = Server::plain();
    let [ada, bea, _] = three_people(&server);
    // As Get-JCUser | Export-Csv writes it, in Windows PowerShell: a line of its own first, and a state beside two more columns.
    let told = differences(
        &server,
        "#TYPE Selected.System.Management.Automation.PSCustomObject\r\n\
         \"_id\",\"username\",\"email\",\"firstname\",\"lastname\",\"department\",\"jobTitle\",\"activated\",\"suspended\",\
         \"account_locked\",\"password_expired\",\"state\"\r\n\
         \"5f1\",\"ada\",\"ada@example.com\",\"Ada\",\"Example\",\"IT\",\"Engineer\",\"True\",\"False\",\"True\",\"False\",\"ACTIVATED\"\r\n\
         \"5f2\",\"bea\",\"bea@example.com\",\"\",\"\",\"\",\"\",\"True\",\"True\",\"False\",\"False\",\"SUSPENDED\"\r\n\
         \"5f3\",\"dan\",\"dan@example.com\",\"\",\"\",\"\",\"\",\"False\",\"False\",\"False\",\"False\",\"STAGED\"\r\n",
    );
    assert_eq!(
        told,
        format!("wrongly active: 1\n  user bea@example.com ({bea}): active here, inactive in the file\n"),
        "nothing is said of {ada}"
    );
    // Get-JCUserGroupMember | Export-Csv
    server.caller().group("Engineering", &[&ada]);
    compare(&server, "GroupName,Username,UserID\nEngineering,ada@example.com,5f1\n").well();
}

#[test]
fn oktas_export_is_read_with_its_states() {
    let server = Server::plain();
    let [_, bea, cem] = three_people(&server);
    let told = differences(
        &server,
        "id,status,created,activated,lastLogin,firstName,lastName,login,email,mobilePhone,secondEmail,department\n\
         00u1,LOCKED_OUT,2024-03-04T09:00:12.000Z,2024-03-04T09:01:00.000Z,,Ada,Example,ada@example.com,ada@example.com,,,IT\n\
         00u2,DEPROVISIONED,2024-03-04T09:00:12.000Z,,,,,bea@example.com,bea@example.com,,,\n\
         00u3,ACTIVE,2024-03-04T09:00:12.000Z,,,,,cem@example.com,cem@example.com,,,\n\
         00u4,STAGED,2024-03-04T09:00:12.000Z,,,,,new@example.com,new@example.com,,,\n\
         00u5,PASSWORD_EXPIRED,2024-03-04T09:00:12.000Z,,,,,dan@example.com,dan@example.com,,,\n",
    );
    assert_eq!(
        told,
        format!(
            "missing here: 1\n  user dan@example.com (line 6)\n\
             different: 1\n  user cem@example.com ({cem}): inactive here, active in the file\n\
             wrongly active: 1\n  user bea@example.com ({bea}): active here, inactive in the file\n"
        )
    );
}

#[test]
fn entras_export_is_read_and_its_state_is_a_province() {
    let server = Server::plain();
    let [ada, bea, _] = three_people(&server);
    let told = differences(
        &server,
        "userPrincipalName,displayName,surname,mail,givenName,id,userType,jobTitle,department,accountEnabled,usageLocation,\
         streetAddress,state,country,officeLocation,city,postalCode,telephoneNumber,mobilePhone,createdDateTime\r\n\
         ada@example.com,Ada Example,Example,ada@example.com,Ada,0b1,Member,Engineer,Finance,True,DE,,Bavaria,Germany,,,,,,\r\n\
         bea@example.com,,,,,0b2,Member,,,False,,,Washington,,,,,,,\r\n",
    );
    assert_eq!(
        told,
        format!(
            "different: 1\n  user ada@example.com ({ada}): department is \"IT\" here, \"Finance\" in the file\n\
             wrongly active: 1\n  user bea@example.com ({bea}): active here, inactive in the file\n"
        )
    );
    // The members of one group come without the group's name, and groups among them without a name to sign in by.
    server.caller().group("Engineering", &[&bea]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("members.csv");
    let members = "id,userPrincipalName,displayName,userType,isUser,isGroup\n0b1,ada@example.com,Ada Example,Member,True,False\n0c1,,Printers,,False,True\n";
    std::fs::write(&file, members).expect("written");
    let ran = server.data().run(&["compare", &file.to_string_lossy(), "--group", "Engineering"]);
    let wanted = "missing here: 1\n  ada@example.com in the group Engineering\n\
                  here and not in the file: 1\n  bea@example.com in the group Engineering\n";
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(1), wanted), "{ran}");
    // The list of the Microsoft 365 admin center says it the other way round.
    let told = differences(
        &server,
        "Block credential,Department,Display name,First name,Last name,State,User principal name\n\
         False,IT,Ada Example,Ada,Example,Bavaria,ada@example.com\nTrue,,,,,,bea@example.com\n",
    );
    assert!(told.starts_with("wrongly active: 1\n  user bea@example.com"), "{told}");
}

#[test]
fn onelogins_export_is_read_with_its_states() {
    let server = Server::plain();
    let [_, bea, _] = three_people(&server);
    let told = differences(
        &server,
        "First Name,Last Name,Email,Username,Status,Department,Title,Last Login\n\
         Ada,Example,ada@example.com,ada,Active,IT,Engineer,2026-11-20\n\
         ,,bea@example.com,bea,Suspended,,,\n\
         ,,new@example.com,new,Unactivated,,,\n\
         ,,cem@example.com,cem,Locked,,,\n",
    );
    assert_eq!(
        told,
        format!("wrongly active: 1\n  user bea@example.com ({bea}): active here, inactive in the file\n")
    );
}

#[test]
fn googles_export_is_read_with_its_marks_in_the_headings() {
    let server = Server::plain();
    let [ada, bea, _] = three_people(&server);
    let told = differences(
        &server,
        "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Org Unit Path [Required],\
         New Primary Email [UPLOAD ONLY],Status [READ ONLY],Last Sign In [READ ONLY],Employee Title,Department,\
         New Status [UPLOAD ONLY]\n\
         Ada,Example,ada@example.com,****,/,,Active,2026/11/20 09:00:12,CTO,IT,\n\
         Bea,,bea@example.com,****,/,,Suspended,Never logged in,,,\n",
    );
    assert!(
        told.contains(&format!(
            "user ada@example.com ({ada}): title is \"Engineer\" here, \"CTO\" in the file"
        )),
        "{told}"
    );
    assert!(told.contains(&format!("wrongly active: 1\n  user bea@example.com ({bea})")), "{told}");
    // Members of groups come by the group's address, which is no name here.
    let words = compare(
        &server,
        "Group Email [Required],Member Email,Member Type\nx@example.com,ada@example.com,USER\n",
    );
    assert!(words.refused().contains("say which group it is of, or add a column \"Group Name\""));
}

#[test]
fn the_activity_is_shown_in_a_terminal() {
    let server = Server::plain();
    let caller = server.caller_with(&["--name", "JumpCloud"]);
    let id = caller.user("ada@example.com");
    let group = caller.group("Engineering", &[]);
    let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let joined = caller.patch(&format!("/Groups/{group}"), add).is(200);
    caller.post("/Users", &json!({"schemas": [USER], "userName": "ada@example.com"})).is(409);
    let off = json!([{"op": "replace", "path": "active", "value": false}]);
    caller.patch(&format!("/Users/{id}"), off).is(200);
    let tail = server.data().run(&["activity", "tail"]).well().stdout;
    let line = |of: &str, words: &str| {
        let found = of.lines().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words}: {of}")).to_owned()
    };
    let refused = line(&tail, "Refused: a new user");
    assert!(refused.contains("  409  JumpCloud  "), "{refused}");
    assert!(
        refused.contains(&format!("userName \"ada@example.com\" is already used by ada@example.com ({id})")),
        "{refused}"
    );
    // The history of a person has what happened to it through groups too, in order.
    let history = server.data().run(&["activity", "of", "ADA@example.com"]).well().stdout;
    let order: Vec<_> =
        ["ada@example.com was added", "ada@example.com joined Engineering", "was deactivated"]
            .iter()
            .map(|words| history.find(words).unwrap_or_else(|| panic!("{words}: {history}")))
            .collect();
    assert!(order.is_sorted(), "{history}");
    assert!(line(&history, "joined").ends_with(joined.header("x-request-id")), "{history}");
    assert!(!history.contains("Refused"), "a refused creation is nobody's history: {history}");
    let unknown = server.data().run(&["activity", "of", "nobody@example.com"]).refused();
    assert!(unknown.contains("nobody here has or had the id or name \"nobody@example.com\""), "{unknown}");
}

#[test]
fn tail_follows_what_comes_in() {
    let server = Server::plain();
    let caller = server.caller();
    caller.user("ada@example.com");
    let mut command = crate::server::command();
    command.args(["activity", "tail", "--follow", "--data-dir"]).arg(server.data().dir());
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let lines = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let (said, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::BufRead::lines(lines).map_while(Result::ok) {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    let wait_for = |words: &str| {
        while !heard.recv_timeout(crate::server::PATIENCE).expect("another line").contains(words) {}
    };
    wait_for("ada@example.com was added");
    caller.user("bea@example.com");
    wait_for("bea@example.com was added");
    crate::server::kill(&child, rustix::process::Signal::KILL);
    child.wait().expect("it ends");
}
