"""Checks a SCIM server against RFC 7643 and RFC 7644, from the outside and by the letter.

    BASE=https://host/scim/v2 TOKEN=… python3 check.py

Needs nothing but the standard library. It makes users and groups with names of their own and deletes them again.
LENIENT=1 leaves out the checks that a server with leniencies toward providers cannot pass. INSECURE=1 takes any
certificate. Exit status 0 when nothing failed.
"""

import json
import os
import pathlib
import re
import ssl
import sys
import traceback
import urllib.error
import urllib.parse
import urllib.request
import uuid

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
LENIENT = bool(os.environ.get("LENIENT"))
RUN = uuid.uuid4().hex[:8]

# What RFC 7643 §8.7 says of every attribute, by schema.
CHARACTERISTICS = {}
for line in pathlib.Path(__file__).with_name("characteristics.txt").read_text().splitlines():
    if line.startswith("["):
        of_schema = CHARACTERISTICS.setdefault(line.strip("[]"), [])
    elif line and not line.startswith("#"):
        of_schema.append(line)


class Answer:
    """Status, headers and body of one answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    def __getitem__(self, key):
        return self.json.get(key) if isinstance(self.json, dict) else None


class Server:
    """The server under test."""

    def __init__(self, base, token):
        self.base, self.token, self.made = base.rstrip("/"), token, []
        context = ssl.create_default_context()
        if os.environ.get("INSECURE"):
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), NoRedirect()]
        self.opener = urllib.request.build_opener(*handlers)

    def send(self, method, path, body=None, **headers):
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", "application/scim+json")
        for name, value in headers.items():
            name = name.replace("_", "-")
            if value is None:
                request.remove_header(name.capitalize())
            else:
                request.add_header(name, value)
        try:
            with self.opener.open(request, timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, **query):
        text = "&".join(f"{name}={urllib.parse.quote(str(value))}" for name, value in query.items())
        return self.send("GET", path + ("?" + text if text else ""))

    def make(self, kind, body):
        answer = self.send("POST", kind, body)
        if answer.status == 201:
            self.made.append(f"{kind}/{answer['id']}")
        return answer

    def user(self, who, **more):
        return self.make("/Users", {"schemas": [USER], "userName": f"{who}-{RUN}@example.com", **more})

    def group(self, called, *members, **more):
        refs = [{"value": member} for member in members]
        return self.make("/Groups", {"schemas": [GROUP], "displayName": f"{called} {RUN}", "members": refs, **more})

    def patch(self, path, *operations, **headers):
        return self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def clean(self):
        for path in reversed(self.made):
            self.send("DELETE", path)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Sheet:
    """The results."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.section = 0, [], 0, ""

    def check(self, section, title, good, seen=None, strict=False):
        if strict and LENIENT:
            self.skipped += 1
        elif good:
            self.passed += 1
        else:
            shown = seen
            if isinstance(seen, Answer):
                shown = f"{seen.status} {seen.body[:300].decode(errors='replace')}"
            self.failed.append(f"RFC {section}: {title}" + (f"  [{shown}]" if seen is not None else ""))

    def error(self, section, title, answer, status, scim_type=None, strict=False):
        """A SCIM error as §3.12 words it."""
        good = (
            answer.status == status
            and answer["status"] == str(status)
            and answer["schemas"] == [ERROR]
            and (scim_type is None or answer["scimType"] == scim_type)
            and "scim+json" in (answer.headers.get("Content-Type") or "")
        )
        self.check(section, title, good, answer, strict)


def discovery(s, sheet):
    c = sheet.check
    config = s.get("/ServiceProviderConfig")
    c("7644 §4", "ServiceProviderConfig is 200", config.status == 200, config)
    c("7644 §8.1", "its media type is application/scim+json", "application/scim+json" in config.headers["Content-Type"])
    for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        feature = config[name]
        c("7643 §5", f"{name}.supported is boolean", isinstance(feature, dict) and isinstance(feature.get("supported"), bool), feature)
    for path in (("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")):
        value = (config[path[0]] or {}).get(path[1])
        c("7643 §5", f"{'.'.join(path)} is an integer", type(value) is int, value)
    schemes = config["authenticationSchemes"]
    c("7643 §5", "authenticationSchemes is a list with name, description, type", isinstance(schemes, list) and bool(schemes)
      and all({"name", "description", "type"} <= set(scheme) for scheme in schemes), schemes)
    c("7643 §5", "the schema URN is ServiceProviderConfig's", config["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"])
    c("7643 §3.1", "meta.resourceType and location", (config["meta"] or {}).get("resourceType") == "ServiceProviderConfig"
      and (config["meta"] or {}).get("location", "").endswith("/ServiceProviderConfig"), config["meta"])
    types = s.get("/ResourceTypes")
    c("7644 §4", "ResourceTypes is a ListResponse", types.status == 200 and types["schemas"] == [LIST], types)
    found = {item["name"]: item for item in types["Resources"] or []}
    c("7643 §6", "User and Group are resource types", {"User", "Group"} <= set(found), list(found))
    for name, item in found.items():
        c("7643 §6", f"{name} has endpoint, schema and schemas", {"endpoint", "schema", "schemas", "name"} <= set(item), item)
        single = s.get(f"/ResourceTypes/{name}")
        c("7644 §4", f"/ResourceTypes/{name} is the same resource", single.status == 200 and single.json == item, single)
        for extension in item.get("schemaExtensions", []):
            c("7643 §6", f"{name}: extension has schema and required", isinstance(extension.get("required"), bool) and "schema" in extension)
    c("7643 §6", "User has the enterprise extension", any(e["schema"] == ENTERPRISE for e in found.get("User", {}).get("schemaExtensions", [])))
    schemas = s.get("/Schemas")
    c("7644 §4", "Schemas is a ListResponse", schemas.status == 200 and schemas["schemas"] == [LIST], schemas)
    known = {item["id"]: item for item in schemas["Resources"] or []}
    c("7643 §8.7", "core and enterprise schemas are listed", {USER, GROUP, ENTERPRISE} <= set(known), list(known))
    c("7644 §3.4.2", "totalResults is the number of schemas", schemas["totalResults"] == len(known))
    for urn, item in known.items():
        single = s.get("/Schemas/" + urn)
        c("7644 §4", f"/Schemas/{urn} is the same resource", single.status == 200 and single.json == item, single.status)
        bad = [a for a in attributes_of(item) if not well_described(a)]
        c("7643 §7", f"{urn}: every attribute has its characteristics", not bad, bad[:2])
    for urn, wanted in CHARACTERISTICS.items():
        if "Config" in urn and "pagination" not in config.json:  # RFC 9865 is its own to have
            wanted = [line for line in wanted if not line.startswith("pagination")]
        shown = [line for attribute in known.get(urn, {}).get("attributes", []) for line in characteristics(attribute)]
        if LENIENT:  # group names are unique for a compat token
            shown = [line.removesuffix(" server") if line.startswith("displayName") else line for line in shown]
        c("7643 §8.7.1", f"{urn}: the characteristics are the RFC's", sorted(shown) == sorted(wanted), sorted(set(shown) ^ set(wanted)))
    singles = ["/ServiceProviderConfig"] + ["/ResourceTypes/" + name for name in found] + ["/Schemas/" + urn for urn in known]
    for path in singles:
        single = s.get(path)
        where = (single["meta"] or {}).get("location")
        c("7643 §3.1", f"{path}: meta.location is Content-Location and Location", where and where == single.headers["Content-Location"]
          == single.headers["Location"] and where.endswith(path), where)
        c("7644 §4", f"{path}: other parameters are ignored", s.get(path, attributes="id", sortBy="id", startIndex=2, count=0).json == single.json)
    names = {a["name"]: a for a in known.get(USER, {}).get("attributes", [])}
    c("7643 §8.7.1", "userName is required, unique on the server, not caseExact", names.get("userName", {}).get("required") is True
      and names["userName"].get("uniqueness") == "server" and names["userName"].get("caseExact") is False, names.get("userName"))
    c("7643 §8.7.1", "password is writeOnly and never returned", names.get("password", {}).get("mutability") == "writeOnly"
      and names["password"].get("returned") == "never", names.get("password"))
    c("7643 §8.7.1", "groups is readOnly", names.get("groups", {}).get("mutability") == "readOnly")
    members = {a["name"]: a for a in known.get(GROUP, {}).get("attributes", [])}.get("members", {})
    subs = {a["name"]: a for a in members.get("subAttributes", [])}
    c("7643 §8.7.1", "members.value is immutable", subs.get("value", {}).get("mutability") == "immutable", subs.get("value"))
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = s.send(method, path, {})
            c("7644 §4", f"{method} {path} is 405 with Allow", answer.status == 405 and "GET" in (answer.headers["Allow"] or ""), answer)
    for path in ("/ResourceTypes", "/Schemas"):
        sheet.error("7644 §4", f"a filter on {path} is 403", s.get(path, filter='name eq "x"'), 403)
    sheet.error("7644 §3.12", "an unknown schema is 404", s.get("/Schemas/urn:none"), 404)
    return config.json


def attributes_of(item):
    for attribute in item.get("attributes", []):
        yield attribute
        yield from attribute.get("subAttributes", [])


def characteristics(attribute, prefix=""):
    """An attribute and its sub-attributes as CHARACTERISTICS writes them."""
    a, text = attribute, prefix + attribute["name"] + "[]" * attribute["multiValued"] + " " + attribute["type"]
    text += " required" * a["required"] + " exact" * a.get("caseExact", False)
    for name, default in (("mutability", "readWrite"), ("returned", "default"), ("uniqueness", "none")):
        text += f" {a[name]}" if a.get(name, default) != default else ""
    text += " =" + "|".join(a["canonicalValues"]) if a.get("canonicalValues") else ""
    yield text + (" ->" + "|".join(a["referenceTypes"]) if a.get("referenceTypes") else "")
    for sub in a.get("subAttributes", []):
        yield from characteristics(sub, prefix + a["name"] + ".")


def well_described(a):
    return (
        isinstance(a.get("name"), str)
        and a.get("type") in ("string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex")
        and isinstance(a.get("multiValued"), bool)
        and isinstance(a.get("description"), str)
        and isinstance(a.get("required"), bool)
        and a.get("mutability") in ("readOnly", "readWrite", "immutable", "writeOnly")
        and a.get("returned") in ("always", "never", "default", "request")
        and (a["type"] == "complex" or a.get("uniqueness", "none") in ("none", "server", "global"))
        and (a["type"] != "reference" or isinstance(a.get("referenceTypes"), list))
        and (a["type"] != "complex" or bool(a.get("subAttributes")))
    )


def create_and_read(s, sheet):
    c = sheet.check
    made = s.user("ada", externalId="x1", name={"givenName": "Ada", "familyName": "Example"}, active=True, title="Guide",
                  emails=[{"value": "ada@example.com", "type": "work", "primary": True}, {"value": "a@example.org", "type": "home"}])
    user = made.json
    c("7644 §3.3", "POST answers 201", made.status == 201, made)
    c("7644 §3.3", "Location is meta.location", made.headers["Location"] == user["meta"]["location"], made.headers["Location"])
    c("7644 §3.1", "meta.location ends in the id", user["meta"]["location"].endswith("/Users/" + user["id"]))
    c("7643 §3.1", "meta.resourceType is User", user["meta"]["resourceType"] == "User")
    c("7643 §3.1", "created and lastModified are dateTimes", bool(TIME.match(user["meta"]["created"]) and TIME.match(user["meta"]["lastModified"])))
    c("7643 §3.1", "created equals lastModified at first", user["meta"]["created"] == user["meta"]["lastModified"])
    c("7644 §3.14", "ETag equals meta.version", made.headers["ETag"] == user["meta"].get("version"), made.headers["ETag"])
    c("7643 §3", "schemas is a list with User's URN", user["schemas"] == [USER], user["schemas"])
    c("7643 §3.1", "id is text and not guessable as a count", isinstance(user["id"], str) and len(user["id"]) > 8)
    c("7643 §3.1", "externalId is returned", user.get("externalId") == "x1")
    got = s.get("/Users/" + user["id"])
    c("7644 §3.4.1", "GET answers what POST answered", got.status == 200 and got.json == user, got)
    c("7644 §3.14", "GET carries the ETag", got.headers["ETag"] == user["meta"].get("version"))
    c("7644 §3.1", "GET answers in SCIM's media type", "application/scim+json" in got.headers["Content-Type"])
    c("7643 §2.5", "an unassigned attribute is absent, not null", b"null" not in got.body)
    secret = s.user("pw", password="t1meMa$heen")
    c("7643 §4.1", "a password is never returned", secret.status == 201 and "password" not in secret.json, secret)
    asked = s.get("/Users/" + secret["id"], attributes="password")
    c("7643 §7", "not even when asked for", "password" not in asked.json, asked)
    read_only = s.user("ro", id="mine", meta={"resourceType": "x", "created": "1999-01-01T00:00:00Z"}, groups=[{"value": "x"}])
    c("7644 §3.3", "readOnly attributes of the client are ignored", read_only.status == 201 and read_only["id"] != "mine"
      and read_only["meta"]["resourceType"] == "User" and not read_only["meta"]["created"].startswith("1999") and "groups" not in read_only.json, read_only)
    cased = s.make("/Users", {"SCHEMAS": [USER], "USERNAME": f"cased-{RUN}", "Name": {"GIVENNAME": "C"}})
    c("7643 §2.1", "attribute names are case-insensitive", cased.status == 201 and cased["userName"] == f"cased-{RUN}"
      and cased["name"] == {"givenName": "C"}, cased)
    empty = s.user("empty", title=None, phoneNumbers=[], name={"givenName": None, "familyName": "F"})
    c("7643 §2.5", "null and [] are unassigned", empty.status == 201 and "title" not in empty.json and "phoneNumbers" not in empty.json
      and empty["name"] == {"familyName": "F"}, empty)
    enterprise = s.make("/Users", {"schemas": [USER, ENTERPRISE], "userName": f"ent-{RUN}", ENTERPRISE: {"employeeNumber": "7", "department": "D"}})
    c("7643 §3.3", "an extension is kept under its URN", enterprise.status == 201 and enterprise[ENTERPRISE] == {"employeeNumber": "7", "department": "D"}
      and sorted(enterprise["schemas"]) == sorted([USER, ENTERPRISE]), enterprise)
    unset = s.user("unset", active=None)
    c("7644 §3.3", "null clears what the server would default", unset.status == 201 and "active" not in unset.json, unset, strict=True)
    other = f"ADA-{RUN}@EXAMPLE.com"
    sheet.error("7644 §3.3", "the same userName in other letters is 409 uniqueness", s.make("/Users", {"schemas": [USER], "userName": other}), 409, "uniqueness")
    sheet.error("7644 §3.12", "no userName is 400 invalidValue", s.make("/Users", {"schemas": [USER]}), 400, "invalidValue")
    sheet.error("7644 §3.12", "an empty userName is 400 invalidValue", s.make("/Users", {"schemas": [USER], "userName": ""}), 400, "invalidValue")
    sheet.error("7644 §3.12", "no schemas is 400", s.make("/Users", {"userName": f"ns-{RUN}"}), 400, strict=True)
    sheet.error("7644 §3.12", "schemas of another type is 400", s.make("/Users", {"schemas": [GROUP], "userName": f"g-{RUN}"}), 400, strict=True)
    sheet.error("7644 §3.12", "text for a boolean is 400 invalidValue", s.user("tb", active="true"), 400, "invalidValue", strict=True)
    sheet.error("7644 §3.12", "nonsense for a boolean is 400 invalidValue", s.user("nb", active="maybe"), 400, "invalidValue")
    sheet.error("7644 §3.12", "text for a complex attribute is 400 invalidValue", s.user("tc", name="Ada"), 400, "invalidValue")
    sheet.error("7644 §3.12", "an object for text is 400 invalidValue", s.user("ot", title={"a": 1}), 400, "invalidValue")
    sheet.error("7644 §3.12", "one value for a list is 400 invalidValue", s.user("ol", emails={"value": "x@example.com"}), 400, "invalidValue", strict=True)
    sheet.error("7644 §3.12", "a list for a single value is 400 invalidValue", s.user("ls", title=["a", "b"]), 400, "invalidValue")
    two = [{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}]
    sheet.error("7643 §2.4", "two primaries are 400", s.user("2p", emails=two), 400, strict=True)
    sheet.error("7644 §3.12", "malformed JSON is 400 invalidSyntax", s.send("POST", "/Users", b'{"schemas": ['), 400, "invalidSyntax")
    sheet.error("7644 §3.12", "no body is 400 invalidSyntax", s.send("POST", "/Users", b""), 400, "invalidSyntax")
    sheet.error("7644 §3.12", "a list as body is 400 invalidSyntax", s.send("POST", "/Users", b"[]"), 400, "invalidSyntax")
    sheet.error("7644 §3.12", "an unknown id is 404", s.get("/Users/" + str(uuid.uuid4())), 404)
    sheet.error("7644 §3.12", "an unknown endpoint is 404", s.get("/Nothing"), 404)
    answer = s.send("PUT", "/Users", {"schemas": [USER], "userName": "x"})
    c("7231 §6.5.5", "PUT on the list is 405 with Allow", answer.status == 405 and "POST" in (answer.headers["Allow"] or ""), answer)
    sheet.error("7644 §3.8", "another media type is 415", s.send("POST", "/Users", b"a=b", Content_Type="application/x-www-form-urlencoded"), 415, strict=True)
    json_type = s.make("/Users", {"schemas": [USER], "userName": f"jt-{RUN}"})
    c("7644 §3.8", "application/json is answered too", s.send("GET", "/Users/" + json_type["id"], Accept="application/json").status == 200)
    return user


def values(s, sheet):
    """Values and media types by the letter: RFC 7643 §2 and §3, RFC 7644 §3.8 and §5."""
    c = sheet.check
    wide, plain = f"ｍｅｉ-{RUN}＠example.com", f"MEI-{RUN}@Example.com"
    mei = s.make("/Users", {"schemas": [USER], "userName": wide, "displayName": "Mei"})
    c("7644 §5", "a userName stays as it was sent", mei.status == 201 and mei["userName"] == wide, mei)
    sheet.error("7644 §5", "full-width and ordinary letters are one userName", s.make("/Users", {"schemas": [USER], "userName": plain}), 409, "uniqueness")
    found = s.get("/Users", filter=f'userName eq "{plain}"')
    c("7644 §5", "and found by either", found["totalResults"] == 1, found)
    for good in ("https://example.com/a?b=%20#c", "urn:example:x", "../Users/1", "mailto:a@example.com"):
        made = s.user(f"uri{len(good)}", profileUrl=good)
        c("7643 §2.3.7", f"the reference {good} is kept as it is", made["profileUrl"] == good, made)
    for bad in ("no uri", "https://example.com/%zz", "https://example.com/<x>"):
        sheet.error("7643 §2.3.7", f"the reference {bad} is 400 invalidValue", s.user("badref", profileUrl=bad), 400, "invalidValue", strict=True)
    for good in ("QUJD", "QQ==", "QQ"):
        made = s.user(f"cert{len(good)}{good[-1]}".replace("=", "p"), x509Certificates=[{"value": good}])
        c("7643 §2.3.6", f"the base64 {good} is kept as it is", (made["x509Certificates"] or [{}])[0].get("value") == good, made)
    for bad in ("Q", "Q Q=", "QQ==QQ==", "é"):
        sheet.error("7643 §2.3.6", f"the base64 {bad} is 400 invalidValue", s.user("badb64", x509Certificates=[{"value": bad}]), 400, "invalidValue")
    for title, urns, code in (("twice the same", [USER, USER], 201), ("in other letters", [USER.upper()], 201), ("not a list", USER, 400), ("empty", [], 400),
                              ("null", None, 400), ("a schema of nobody", [USER, "urn:example:none"], 400), ("of another type", [USER, GROUP], 400)):
        made = s.make("/Users", {"schemas": urns, "userName": f"schemas-{title.replace(' ', '')}-{RUN}"})
        good = made.status == code and (code == 400 or made["schemas"] == [USER])
        c("7643 §3", f"schemas {title}: {code}", good, made, strict=code == 400)
    block = {"schemas": [USER], "userName": f"unlisted-{RUN}", ENTERPRISE: {"department": "D"}}
    sheet.error("7643 §3", "an extension that schemas does not list is 400", s.make("/Users", block), 400, strict=True)
    own = s.make("/Users", {"schemas": [USER, ENTERPRISE], "userName": f"own-{RUN}", ENTERPRISE: {"schemas": [ENTERPRISE], "department": "D"}})
    c("7643 §3.3", "a schemas inside an extension is not kept", own[ENTERPRISE] == {"department": "D"}, own)
    empty = s.make("/Users", {"schemas": [USER, ENTERPRISE], "userName": f"noext-{RUN}", ENTERPRISE: {}})
    c("7643 §3", "schemas lists only what is there", empty["schemas"] == [USER], empty)
    sheet.error("7644 §3.12", "an attribute that no schema has is 400", s.user("unknown", shoeSize=7), 400, strict=True)
    unnamed = s.user("unnamed", name={"formatted": "Un Named"})
    report = s.make("/Users", {"schemas": [USER, ENTERPRISE], "userName": f"report-{RUN}", ENTERPRISE: {"manager": {"value": mei["id"], "displayName": "X", "$ref": "X"}}})
    manager = {"value": mei["id"], "$ref": mei["meta"]["location"], "displayName": "Mei"}
    c("7643 §4.3", "manager.displayName and $ref are the server's", report[ENTERPRISE] == {"manager": manager}, report)
    crew = s.group("Crew", mei["id"], unnamed["id"])
    shown = {member["value"]: member for member in crew["members"] or []}
    c("7643 §4.2", "a member has value, $ref, type and its own displayName", shown.get(mei["id"])
      == {"value": mei["id"], "$ref": mei["meta"]["location"], "type": "User", "display": "Mei"}, crew)
    c("7643 §4.2", "and no display where it has no displayName", shown.get(unnamed["id"], {"display": 1}).get("display") is None, crew)
    path = "/Users/" + mei["id"]
    for accept, code, media in (("application/scim+json", 200, "application/scim+json"), ("application/json", 200, "application/json"), ("*/*", 200, "application/scim+json"),
                                ("application/scim+json;q=0, application/json", 200, "application/json"), ("text/html", 406, "application/scim+json"),
                                ("application/json;q=0", 406, "application/scim+json")):
        answer = s.send("GET", path, Accept=accept)
        c("7644 §3.8", f"Accept: {accept} is {code}, {media}", answer.status == code and answer.headers["Content-Type"].startswith(media), answer, strict=code == 406)
    body = lambda n: json.dumps({"schemas": [USER], "userName": f"media{n}-{RUN}"}).encode()
    for n, (media, code) in enumerate((("application/scim+json; charset=UTF-8", 201), ("application/json", 201), ("application/json; charset=iso-8859-1", 415), ("application/xml", 415))):
        answer = s.send("POST", "/Users", body(n), Content_Type=media)
        if answer.status == 201:
            s.made.append("/Users/" + answer["id"])
        c("7644 §3.8", f"Content-Type: {media} is {code}", answer.status == code, answer, strict=code == 415)
    c("7644 §3.8", "the suffix .scim asks for SCIM's format", s.get(path + ".scim").json == s.get(path).json)
    for title, text in (("a key twice", b'{"userName":"a","userName":"b"}'), ("a key twice in another case", json.dumps({"schemas": [USER], "userName": "a", "USERNAME": "b"}).encode()),
                        ("no UTF-8", b'{"userName":"\xff"}'), ("deep nesting", b"[" * 5000), ("a number", b"5"), ("more behind it", b"{} {}")):
        sheet.error("7644 §3.12", f"a body with {title} is 400 invalidSyntax", s.send("POST", "/Users", text), 400, "invalidSyntax")
    for method, where in (("PUT", "/Groups"), ("PATCH", "/Users"), ("DELETE", "/Users"), ("POST", path), ("GET", "/Bulk"), ("GET", "/.search"), ("OPTIONS", path)):
        answer = s.send(method, where, {} if method in ("PUT", "PATCH", "POST") else None)
        sheet.error("7231 §6.5.5", f"{method} {where.split('-')[0]} is 405", answer, 405)
        c("7231 §6.5.5", f"{method} {where.split('-')[0]}: Allow is told and leaves it out", bool(answer.headers["Allow"]) and method not in answer.headers["Allow"], answer.headers["Allow"])
    head = s.send("HEAD", path)
    c("7231 §4.3.2", "HEAD is GET without the body", head.status == 200 and not head.body and head.headers["ETag"] == s.get(path).headers["ETag"], head)


def authentication(s, sheet):
    for title, value in (("no token", None), ("a wrong token", "Bearer wrong"), ("another scheme", "Basic eDp5")):
        answer = s.send("GET", "/Users", Authorization=value)
        sheet.error("7644 §2", f"{title} is 401", answer, 401)
        sheet.check("7644 §2", f"{title}: WWW-Authenticate names Bearer", "Bearer" in (answer.headers["WWW-Authenticate"] or ""), answer.headers["WWW-Authenticate"])


def replace(s, sheet, user):
    c = sheet.check
    path = "/Users/" + user["id"]
    body = {"schemas": [USER], "id": "other", "userName": user["userName"], "title": "Head", "emails": [{"value": "new@example.com", "type": "work"}],
            "meta": {"created": "1999-01-01T00:00:00Z"}}
    put = s.send("PUT", path, body)
    c("7644 §3.5.1", "PUT answers 200 with the resource", put.status == 200 and put["title"] == "Head", put)
    c("7644 §3.5.1", "readOnly values in it are ignored", put["id"] == user["id"] and put["meta"]["created"] == user["meta"]["created"], put)
    c("7644 §3.5.1", "what is left out is unassigned", "name" not in put.json and "externalId" not in put.json, put)
    c("7644 §3.14", "the version changes", put["meta"]["version"] != user["meta"]["version"])
    c("7643 §3.1", "lastModified does not go back", put["meta"]["lastModified"] >= user["meta"]["lastModified"])
    c("7644 §3.4.1", "GET shows it", s.get(path).json == put.json)
    again = s.send("PUT", path, put.json)
    c("7644 §3.5.1", "a PUT of what was read changes nothing", again.status == 200 and {k: v for k, v in again.json.items() if k != "meta"}
      == {k: v for k, v in put.json.items() if k != "meta"}, again)
    sheet.error("7644 §3.5.1", "PUT does not create", s.send("PUT", "/Users/" + str(uuid.uuid4()), {"schemas": [USER], "userName": f"new-{RUN}"}), 404)
    sheet.error("7644 §3.5.1", "a required attribute cannot be left out", s.send("PUT", path, {"schemas": [USER], "title": "x"}), 400, "invalidValue")
    taken = s.user("taken")
    sheet.error("7644 §3.5.1", "a taken userName is 409 uniqueness", s.send("PUT", path, {"schemas": [USER], "userName": taken["userName"]}), 409, "uniqueness")
    s.send("PUT", path, {"schemas": [USER], "userName": user["userName"], "title": "Guide", "active": True, "externalId": "x1",
                         "name": {"givenName": "Ada", "familyName": "Example"},
                         "emails": [{"value": "ada@example.com", "type": "work", "primary": True}, {"value": "a@example.org", "type": "home"}]})


def patch(s, sheet, user):
    c = sheet.check
    path = "/Users/" + user["id"]

    def does(title, operations, test, section="7644 §3.5.2"):
        answer = s.patch(path, *operations)
        now = s.get(path).json
        c(section, title, answer.status in (200, 204) and test(now) and (answer.status == 204 or answer.json == now), answer)

    def refuses(title, operations, scim_type, section="7644 §3.5.2", strict=False):
        before = s.get(path).json
        answer = s.patch(path, *operations)
        sheet.error(section, title, answer, 400, scim_type, strict)
        if answer.status == 400:
            c("7644 §3.5.2", f"{title}: nothing was changed", s.get(path).json == before)

    add, rem, rep = "7644 §3.5.2.1", "7644 §3.5.2.2", "7644 §3.5.2.3"
    mails = lambda user: sorted(mail["value"] for mail in user.get("emails", []))
    does("add a single value", [{"op": "add", "path": "nickName", "value": "A"}], lambda u: u["nickName"] == "A", add)
    does("remove unassigns a boolean too", [{"op": "replace", "path": "active", "value": False}, {"op": "remove", "path": "active"}], lambda u: "active" not in u, rem)
    does("and add assigns it again", [{"op": "add", "path": "active", "value": True}], lambda u: u["active"] is True, add)
    does("add over a single value replaces it", [{"op": "add", "path": "nickName", "value": "B"}], lambda u: u["nickName"] == "B", add)
    does("add a sub-attribute", [{"op": "add", "path": "name.middleName", "value": "M"}], lambda u: u["name"]["middleName"] == "M" and u["name"]["givenName"] == "Ada", add)
    does("add to a complex attribute merges", [{"op": "add", "path": "name", "value": {"honorificPrefix": "Dr"}}],
         lambda u: u["name"]["honorificPrefix"] == "Dr" and u["name"]["familyName"] == "Example", add)
    does("add a value to a list", [{"op": "add", "path": "emails", "value": [{"value": "c@example.com", "type": "other"}]}],
         lambda u: mails(u) == ["a@example.org", "ada@example.com", "c@example.com"], add)
    version = s.get(path)["meta"]["version"]
    does("add the same value again is no duplicate", [{"op": "add", "path": "emails", "value": [{"value": "c@example.com", "type": "other"}]}],
         lambda u: len(u["emails"]) == 3, add)
    c(add, "and leaves the version alone", s.get(path)["meta"]["version"] == version)
    does("add a primary takes it from the other", [{"op": "add", "path": "emails", "value": [{"value": "p@example.com", "primary": True}]}],
         lambda u: [m["value"] for m in u["emails"] if m.get("primary")] == ["p@example.com"], "7644 §3.5.2")
    does("add without a path", [{"op": "add", "value": {"displayName": "Ada E", "emails": [{"value": "d@example.com"}]}}],
         lambda u: u["displayName"] == "Ada E" and len(u["emails"]) == 5, add)
    does("add an extension attribute by URN", [{"op": "add", "path": ENTERPRISE + ":department", "value": "D"}],
         lambda u: u[ENTERPRISE] == {"department": "D"} and ENTERPRISE in u["schemas"], add)
    does("add an extension without a path", [{"op": "add", "value": {ENTERPRISE: {"costCenter": "7"}}}],
         lambda u: u[ENTERPRISE] == {"department": "D", "costCenter": "7"}, add)
    does("add by the full URN of a core attribute", [{"op": "add", "path": USER + ":userType", "value": "Staff"}], lambda u: u["userType"] == "Staff", add)
    does("replace a sub-attribute by a value path", [{"op": "replace", "path": 'emails[type eq "work"].value', "value": "w@example.com"}],
         lambda u: "w@example.com" in mails(u) and "ada@example.com" not in mails(u), rep)
    does("replace a value by a value path", [{"op": "replace", "path": 'emails[type eq "home"]', "value": {"value": "h@example.org", "type": "home", "display": "Home"}}],
         lambda u: any(m.get("display") == "Home" and m["value"] == "h@example.org" for m in u["emails"]), rep)
    does("remove by a value path", [{"op": "remove", "path": 'emails[value eq "d@example.com"]'}], lambda u: "d@example.com" not in mails(u), rem)
    does("remove a sub-attribute by a value path", [{"op": "remove", "path": 'emails[type eq "home"].display'}],
         lambda u: all("display" not in m for m in u["emails"]), rem)
    does("a value path with and", [{"op": "remove", "path": 'emails[type eq "other" and value sw "c@"]'}], lambda u: "c@example.com" not in mails(u), rem)
    does("replace a whole list", [{"op": "replace", "path": "emails", "value": [{"value": "only@example.com", "type": "work"}]}], lambda u: mails(u) == ["only@example.com"], rep)
    does("replace without a path", [{"op": "replace", "value": {"title": "T", "name": {"givenName": "Adele"}}}],
         lambda u: u["title"] == "T" and u["name"]["givenName"] == "Adele" and u["name"]["familyName"] == "Example", rep)
    does("replace of what was not there adds it", [{"op": "replace", "path": "timezone", "value": "Europe/Paris"}], lambda u: u["timezone"] == "Europe/Paris", rep)
    does("replace a complex attribute keeps its other parts", [{"op": "replace", "path": "name", "value": {"givenName": "Ada"}}],
         lambda u: u["name"]["givenName"] == "Ada" and u["name"].get("familyName") == "Example", rep)
    does("remove an attribute", [{"op": "remove", "path": "timezone"}], lambda u: "timezone" not in u, rem)
    does("remove a sub-attribute", [{"op": "remove", "path": "name.middleName"}], lambda u: "middleName" not in u["name"], rem)
    does("remove an extension attribute", [{"op": "remove", "path": ENTERPRISE + ":costCenter"}], lambda u: u[ENTERPRISE] == {"department": "D"}, rem)
    does("remove what is not there", [{"op": "remove", "path": "profileUrl"}], lambda u: "profileUrl" not in u, rem)
    does("remove the last extension attribute removes the URN", [{"op": "remove", "path": ENTERPRISE + ":department"}],
         lambda u: ENTERPRISE not in u and ENTERPRISE not in u["schemas"], rem)
    does("op in any case", [{"op": "Replace", "path": "NICKNAME", "value": "C"}], lambda u: u["nickName"] == "C")
    does("operations in order, each on the result of the one before", [{"op": "add", "path": "emails", "value": [{"value": "z@example.com", "type": "home"}]},
         {"op": "replace", "path": 'emails[type eq "home"].value', "value": "y@example.com"}, {"op": "remove", "path": 'emails[type eq "work"]'}],
         lambda u: mails(u) == ["y@example.com"])
    refuses("one bad operation undoes all", [{"op": "replace", "path": "title", "value": "half"}, {"op": "replace", "path": "active", "value": "maybe"}], "invalidValue")
    refuses("remove without a path is noTarget", [{"op": "remove"}], "noTarget", rem)
    refuses("replace on a value path that matches nothing is noTarget", [{"op": "replace", "path": 'emails[type eq "none"].value', "value": "x@example.com"}], "noTarget", rep, True)
    refuses("a path that does not parse is invalidPath", [{"op": "replace", "path": "emails[type eq", "value": "x"}], "invalidPath")
    refuses("a filter in a path that does not parse is invalidFilter", [{"op": "replace", "path": 'emails[type xx "work"].value', "value": "x"}], "invalidFilter")
    refuses("an operator that the type does not have is invalidFilter", [{"op": "remove", "path": "emails[primary gt true]"}], "invalidFilter")
    refuses("an op in two cases is invalidSyntax", [{"op": "remove", "OP": "add", "path": "title", "value": "x"}], "invalidSyntax")
    refuses("schemas cannot be emptied", [{"op": "replace", "path": "schemas", "value": []}], "invalidValue")
    refuses("the resource's own schema cannot be removed", [{"op": "remove", "path": f'schemas[value eq "{USER}"]'}], "mutability")
    does("the filter of the RFC's example has no blank", [{"op": "add", "path": "ims", "value": [{"value": "i", "type": "aim"}]}, {"op": "remove", "path": 'ims[type eq"aim"]'}],
         lambda u: "ims" not in u, rem)
    does("a manager by $ref", [{"op": "replace", "path": ENTERPRISE + ":manager", "value": {"$ref": "../Users/" + user["id"]}}],
         lambda u: u[ENTERPRISE]["manager"]["value"] == user["id"], rep)
    does("an extension leaves with its URN", [{"op": "replace", "path": "schemas", "value": [USER]}], lambda u: ENTERPRISE not in u and u["schemas"] == [USER])
    refuses("an unknown attribute is invalidPath", [{"op": "replace", "path": "nothing", "value": "x"}], "invalidPath", strict=True)
    refuses("an unknown op is invalidSyntax", [{"op": "merge", "path": "title", "value": "x"}], "invalidSyntax")
    refuses("a readOnly attribute is mutability", [{"op": "replace", "path": "groups", "value": [{"value": "x"}]}], "mutability")
    refuses("id is mutability", [{"op": "replace", "path": "id", "value": "x"}], "mutability")
    refuses("meta is mutability", [{"op": "replace", "path": "meta.created", "value": "1999-01-01T00:00:00Z"}], "mutability")
    refuses("a required attribute cannot be removed", [{"op": "remove", "path": "userName"}], None, rem)
    refuses("a wrong type is invalidValue", [{"op": "replace", "path": "title", "value": {"a": 1}}], "invalidValue")
    refuses("add without a value is refused", [{"op": "add", "path": "title"}], None, add)
    refuses("no operation is invalidSyntax", [], "invalidSyntax")
    refuses("the third of three operations undoes the others", [{"op": "replace", "path": "title", "value": "one"}, {"op": "add", "path": "emails", "value": [{"value": "t@example.com"}]},
            {"op": "remove", "path": "userName"}], "mutability")
    refuses("a value path on a single value is invalidPath", [{"op": "replace", "path": 'title[value eq "x"]', "value": "y"}], "invalidPath")
    refuses("a value path that matches nothing cannot be removed", [{"op": "remove", "path": 'emails[type eq "none"]'}], "noTarget", rem, True)
    does("a primary by value path takes the mark", [{"op": "replace", "path": "emails", "value": [{"value": "1@example.com", "type": "work", "primary": True}, {"value": "2@example.com", "type": "home"}]},
         {"op": "add", "path": 'emails[type eq "home"].primary', "value": True}], lambda u: [m["value"] for m in u["emails"] if m.get("primary")] == ["2@example.com"])
    does("a value path with or", [{"op": "remove", "path": 'emails[type eq "work" or type eq "home"]'}], lambda u: "emails" not in u, rem)
    does("a whole extension comes and goes by its URN", [{"op": "add", "path": ENTERPRISE, "value": {"division": "V"}}, {"op": "remove", "path": ENTERPRISE}],
         lambda u: ENTERPRISE not in u and u["schemas"] == [USER])
    sheet.error("7644 §3.5.2", "a body that is no PatchOp is 400", s.send("PATCH", path, {"schemas": [USER], "userName": "x"}), 400)
    sheet.error("7644 §3.5.2", "schemas must name PatchOp", s.send("PATCH", path, {"Operations": [{"op": "remove", "path": "title"}]}), 400, strict=True)
    sheet.error("7644 §3.5.2", "PATCH of an unknown id is 404", s.patch("/Users/" + str(uuid.uuid4()), {"op": "remove", "path": "title"}), 404)
    version = s.get(path)["meta"]["version"]
    s.patch(path, {"op": "replace", "path": "nickName", "value": "C"})
    c("7644 §3.5.2.1", "a change that changes nothing keeps the version", s.get(path)["meta"]["version"] == version)
    chosen = s.send("PATCH", path + "?attributes=nickName", {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "nickName", "value": "D"}]})
    c("7644 §3.5.2", "with attributes PATCH answers 200 with those", chosen.status == 200 and chosen["nickName"] == "D" and "userName" not in chosen.json, chosen)


def groups(s, sheet):
    c = sheet.check
    one, two, three = (s.user(name).json["id"] for name in ("g1", "g2", "g3"))
    made = s.group("Team", one)
    path = "/Groups/" + (made["id"] or "")
    ids = lambda: sorted(m["value"] for m in s.get(path).json.get("members", []))
    c("7644 §3.3", "a group is made with its members", made.status == 201 and [m["value"] for m in made["members"]] == [one], made)
    member = made["members"][0]
    c("7643 §4.2", "a member has $ref to the user", member.get("$ref", "").endswith("/Users/" + one), member)
    c("7643 §4.2", "a member has type User", member.get("type") == "User", member)
    shown = s.get("/Users/" + one)["groups"] or []
    c("7643 §4.1.2", "the user shows the group, direct", any(g["value"] == made["id"] and g.get("type", "direct") == "direct" for g in shown), shown)
    c("7643 §4.1.2", "with $ref and display", any(g.get("$ref", "").endswith(path) and g.get("display") == made["displayName"] for g in shown), shown)
    s.patch(path, {"op": "add", "path": "members", "value": [{"value": two}, {"value": three}]})
    c("7644 §3.5.2.1", "add members", ids() == sorted([one, two, three]), ids())
    version = s.get(path)["meta"]["version"]
    s.patch(path, {"op": "add", "path": "members", "value": [{"value": two}]})
    c("7644 §3.5.2.1", "a member is added once", ids() == sorted([one, two, three]) and s.get(path)["meta"]["version"] == version, ids())
    s.patch(path, {"op": "remove", "path": f'members[value eq "{two}"]'})
    c("7644 §3.5.2.2", "remove a member by value path", ids() == sorted([one, three]), ids())
    c("7643 §4.1.2", "the user no longer shows the group", "groups" not in s.get("/Users/" + two).json)
    s.patch(path, {"op": "replace", "path": "members", "value": [{"value": two}]})
    c("7644 §3.5.2.3", "replace all members", ids() == [two], ids())
    s.patch(path, {"op": "remove", "path": "members"})
    c("7644 §3.5.2.2", "remove all members", ids() == [], ids())
    put = s.send("PUT", path, {"schemas": [GROUP], "displayName": made["displayName"], "members": [{"value": one}, {"value": three}]})
    c("7644 §3.5.1", "PUT sets the members", put.status == 200 and ids() == sorted([one, three]), put)
    sheet.error("7644 §3.12", "a member nobody knows is 400 invalidValue", s.patch(path, {"op": "add", "path": "members", "value": [{"value": str(uuid.uuid4())}]}), 400, "invalidValue")
    sheet.error("7643 §4.2", "a group needs a displayName", s.make("/Groups", {"schemas": [GROUP]}), 400, "invalidValue")
    s.send("DELETE", "/Users/" + three)
    c("7643 §4.2", "a deleted user is no member", ids() == [one], ids())
    found = s.get("/Groups", filter=f'members.value eq "{one}"')
    c("7644 §3.4.2.2", "groups by member", found["totalResults"] == 1, found)
    found = s.get("/Groups", filter=f'members[value eq "{one}"]')
    c("7644 §3.4.2.2", "groups by member, as a value path", found["totalResults"] == 1, found)
    found = s.get("/Users", filter=f'groups.value eq "{made["id"]}"')
    c("7644 §3.4.2.2", "users by group", found["totalResults"] == 1, found)
    inner = s.group("Inner", two)
    outer = s.group("Outer", inner["id"])
    c("7643 §4.2", "a group may hold a group", outer.status == 201 and outer["members"][0].get("type") == "Group", outer)
    kinds = {g["value"]: g.get("type") for g in s.get("/Users/" + two)["groups"] or []}
    c("7643 §4.1.2", "direct and indirect groups are told apart", kinds == {inner["id"]: "direct", outer["id"]: "indirect"}, kinds)
    none = s.get(path, excludedAttributes="members")
    c("7644 §3.9", "members can be left out", "members" not in none.json and none["displayName"] == made["displayName"], none)


def filters(s, sheet):
    c = sheet.check
    names = {}
    for n, (name, more) in enumerate((
        ("fa", {"title": "Cook", "active": True, "name": {"familyName": "Müller"}, "emails": [{"value": f"fa-{RUN}@example.com", "type": "work", "primary": True}]}),
        ("fb", {"title": "cook", "active": False, "emails": [{"value": f"fb-{RUN}@example.org", "type": "home"}, {"value": f"fb2-{RUN}@example.com", "type": "work"}]}),
        ("fc", {"active": True, "externalId": f"Ext-{RUN}", "nickName": 'q"uote\\slash'}),
    )):
        names[s.user(name, **more)["id"]] = "abc"[n]
    mine = f'userName ew "-{RUN}@example.com" and userName sw "f"'

    def find(section, text, wanted):
        answer = s.get("/Users", filter=f"({mine}) and ({text})", count=100)
        seen = "".join(sorted(names.get(user["id"], "?") for user in answer["Resources"] or []))
        c(section, f"filter {text}", answer.status == 200 and seen == wanted and answer["totalResults"] == len(wanted), f"{seen} {answer.status} {answer.body[:200]}")

    ops, logic, group = "7644 §3.4.2.2 table 3", "7644 §3.4.2.2 table 4", "7644 §3.4.2.2 table 5"
    for text, wanted in (
        ('title eq "cook"', "ab"), ('title ne "cook"', "c"), ('userName co "b-"', "b"), ('userName sw "FA"', "a"), ('emails.value ew "example.org"', "b"),
        ("title pr", "ab"), ("emails pr", "ab"), ("nickName pr", "c"), ('userName gt "fb"', "bc"), (f'userName ge "fb-{RUN}@example.com"', "bc"),
        ('userName lt "fb"', "a"), (f'userName le "fa-{RUN}@example.com"', "a"), ("active eq true", "ac"), ("active eq false", "b"), ("active ne true", "b"),
        ('meta.created gt "2001-01-01T00:00:00Z"', "abc"), ('meta.created lt "2001-01-01T00:00:00Z"', ""), ('meta.lastModified ge "2001-01-01T00:00:00+02:00"', "abc"),
        ('meta.resourceType eq "User"', "abc"), ('name.familyName eq "MÜLLER"', "a"), (f'externalId eq "Ext-{RUN}"', "c"), (f'externalId eq "ext-{RUN}"', ""),
        ('nickName eq "q\\"uote\\\\slash"', "c"), ("title eq null", "c"), ("title ne null", "ab"), ('emails.type eq "work"', "ab"), ('EMAILS.Type EQ "work"', "ab"),
        (f'{USER}:title eq "cook"', "ab"), (f'{USER}:emails.type eq "home"', "b"), (f'{ENTERPRISE}:department pr', ""),
    ):
        find(ops, text, wanted)
    for text, wanted in (
        ('title pr and active eq true', "a"), ('title pr or active eq true', "abc"), ("not (title pr)", "c"), ("not(title pr)", "c"), ("title pr AND NOT (active eq true)", "b"),
        ('active eq false or title eq "cook" and active eq true', "ab"),
    ):
        find(logic, text, wanted)
    for text, wanted in (
        ('(active eq false or title eq "cook") and active eq true', "a"), ('emails[type eq "work"]', "ab"), ('emails[type eq "work" and value ew "org"]', ""),
        ('emails[type eq "home" or primary eq true]', "ab"), ("emails[primary eq false]", "b"), ('emails[not (type eq "work")]', "b"), ('((title eq "cook"))', "ab"),
    ):
        find(group, text, wanted)
    for text in ('title eq"a"', '(title pr)and (active eq true)', "title", "title eq", 'title xx "a"', 'title eq "a', '(title eq "a"', 'title eq "a")', 'nothing eq "a"', "title eq a", "active gt true", 'emails[type eq "a"', ' and title pr',
                 'title eq "a" title eq "b"', "not title pr", "", 'active eq "maybe"', "userName eq 5"):
        sheet.error("7644 §3.4.2.2", f"filter `{text}` is 400 invalidFilter", s.get("/Users", filter=text), 400, "invalidFilter")
    single = s.get("/Users", filter=f'id eq "{next(iter(names))}"')
    c(ops, "filter by id", single["totalResults"] == 1, single)
    nobody = s.get("/Users", filter='userName eq "nobody-at-all"')
    c("7644 §3.4.2", "nothing found is 200 with totalResults 0", nobody.status == 200 and nobody["totalResults"] == 0 and not nobody["Resources"], nobody)
    return mine, names


def lists(s, sheet, mine, names, config):
    c = sheet.check
    page = lambda **query: s.get("/Users", filter=mine, **query)
    every = page()
    c("7644 §3.4.2", "a list has ListResponse's schema", every["schemas"] == [LIST])
    c("7644 §3.4.2", "totalResults, itemsPerPage and startIndex are integers", all(type(every[k]) is int for k in ("totalResults", "itemsPerPage", "startIndex")), every)
    c("7644 §3.4.2.4", "itemsPerPage is the number of resources", every["itemsPerPage"] == len(every["Resources"]) == 3, every)
    ids = [user["id"] for user in every["Resources"]]
    for start in (1, 2, 3):
        one = page(startIndex=start, count=1)
        c("7644 §3.4.2.4", f"page {start} of one", [u["id"] for u in one["Resources"]] == [ids[start - 1]] and one["startIndex"] == start and one["totalResults"] == 3, one)
    c("7644 §3.4.2.4", "past the end is an empty page", page(startIndex=9)["totalResults"] == 3 and not page(startIndex=9)["Resources"])
    c("7644 §3.4.2.4", "startIndex 0 is 1", page(startIndex=0)["startIndex"] == 1)
    c("7644 §3.4.2.4", "startIndex -1 is 1", page(startIndex=-1)["startIndex"] == 1)
    c("7644 §3.4.2.4", "count 0 gives only the total", page(count=0)["totalResults"] == 3 and not page(count=0)["Resources"])
    c("7644 §3.4.2.4", "count -1 is 0", page(count=-1).status == 200 and not page(count=-1)["Resources"])
    answer = page(attributes="userName")
    c("7644 §3.9", "attributes chooses, id and schemas stay", all(set(u) == {"id", "schemas", "userName"} for u in answer["Resources"]), answer)
    answer = page(attributes="emails.value,name.familyName")
    c("7644 §3.9", "attributes chooses sub-attributes", any(u.get("emails") == [{"value": f"fa-{RUN}@example.com"}] and u.get("name") == {"familyName": "Müller"} for u in answer["Resources"]), answer)
    answer = page(attributes=USER + ":title")
    c("7644 §3.10", "attributes by URN", all(set(u) <= {"id", "schemas", "title"} for u in answer["Resources"]), answer)
    answer = page(excludedAttributes="emails,meta,id")
    c("7644 §3.9", "excludedAttributes leaves out, id stays", all("emails" not in u and "meta" not in u and "id" in u for u in answer["Resources"]), answer)
    answer = s.send("GET", "/Users?filter=" + urllib.parse.quote_plus(mine))
    c("7644 §3.4.2", "blanks as + in the query", answer["totalResults"] == 3, answer)
    for where in ("/Users/.search", "/.search"):
        found = s.send("POST", where, {"schemas": [SEARCH], "filter": mine, "startIndex": 1, "count": 2, "attributes": ["userName"]})
        c("7644 §3.4.3", f"POST {where}", found.status == 200 and found["totalResults"] == 3 and found["itemsPerPage"] == 2 and set(found["Resources"][0]) == {"id", "schemas", "userName"}, found)
    sheet.error("7644 §3.4.3", "a search with a bad filter", s.send("POST", "/Users/.search", {"schemas": [SEARCH], "filter": "x"}), 400, "invalidFilter")
    both = s.get("/", filter=f'meta.resourceType eq "User" and {mine}')
    c("7644 §3.4.2.1", "a query at the root", both.status == 200 and both["totalResults"] == 3, both)
    if config["sort"]["supported"]:
        rank = lambda **query: "".join(names[u["id"]] for u in page(**query)["Resources"])
        c("7644 §3.4.2.3", "sortBy userName", rank(sortBy="userName") == "abc")
        c("7644 §3.4.2.3", "sortOrder descending", rank(sortBy="userName", sortOrder="descending") == "cba")
        c("7644 §3.4.2.3", "without a value comes last ascending", rank(sortBy="title")[-1] == "c")
        c("7644 §3.4.2.3", "and first descending", rank(sortBy="title", sortOrder="descending")[0] == "c")
        c("7644 §3.4.2.3", "a sub-attribute", rank(sortBy="name.familyName")[0] == "a")
        c("7644 §3.4.2.3", "a list by its primary or first value", rank(sortBy="emails.value")[:2] == "ab", rank(sortBy="emails.value"))
        c("7644 §3.4.2.3", "a list named without a part", rank(sortBy="emails", sortOrder="descending") == "cba", rank(sortBy="emails", sortOrder="descending"))
    else:
        sheet.skipped += 7


def cursors(s, sheet, mine, names, config):
    """RFC 9865."""
    c = sheet.check
    if not (config.get("pagination") or {}).get("cursor"):
        sheet.skipped += 10
        return
    page = lambda **query: s.get("/Users", filter=mine, **query)
    first = page(cursor="", count=2)
    c("9865 §2", "an empty cursor gives the first page", first.status == 200 and len(first["Resources"]) == 2 and first["nextCursor"]
      and "previousCursor" not in first.json, first)
    c("9865 §2", "cursors are of unreserved characters", bool(re.fullmatch(r"[A-Za-z0-9._~-]+", first["nextCursor"] or "")), first["nextCursor"])
    last = page(cursor=first["nextCursor"], count=2)
    seen = [user["id"] for user in first["Resources"] + last["Resources"]]
    c("9865 §2", "the last page has no nextCursor, and everybody was met once", "nextCursor" not in last.json and sorted(seen) == sorted(names), last)
    if last["previousCursor"]:
        back = page(cursor=last["previousCursor"], count=2)
        c("9865 §2", "previousCursor leads back", [u["id"] for u in back["Resources"]] == seen[:2] and "previousCursor" not in back.json, back)
    none = page(cursor="", count=0)
    c("9865 §2", "count 0 gives the total alone", none.status == 200 and none["totalResults"] == 3 and not none["Resources"], none)
    c("9865 §2", "a negative count is 0", page(cursor="", count=-1).status == 200 and not page(cursor="", count=-1)["Resources"])
    sheet.error("9865 §2.1", "a cursor that is none", page(cursor="none", count=2), 400, "invalidCursor")
    sheet.error("9865 §2.1", "a cursor of another query", s.get("/Users", cursor=first["nextCursor"], count=2), 400, "invalidCursor")
    sheet.error("9865 §2.1", "another count than the walk began with", page(cursor=first["nextCursor"], count=1), 400, "invalidCount")
    if config["pagination"].get("maxPageSize"):
        sheet.error("9865 §2.1", "a count above maxPageSize", page(cursor="", count=config["pagination"]["maxPageSize"] + 1), 400, "invalidCount")
    if config["sort"]["supported"]:
        order, cursor = "", ""
        while cursor is not None:
            part = page(cursor=cursor, count=1, sortBy="userName", sortOrder="descending")
            order += "".join(names[user["id"]] for user in part["Resources"] or [])
            cursor = part["nextCursor"]
        c("9865 §2.2", "pages by cursor are sorted", order == "cba", order)
    posted = s.send("POST", "/Users/.search", {"schemas": [SEARCH], "filter": mine, "cursor": "", "count": 2})
    c("9865 §3", "a search by POST pages by cursor", posted.status == 200 and posted["nextCursor"] and posted["itemsPerPage"] == 2, posted)


def versions(s, sheet):
    c = sheet.check
    made = s.user("etag")
    path, tag = "/Users/" + made["id"], made.headers["ETag"]
    c("7644 §3.14", "the ETag is weak or strong and quoted", bool(re.fullmatch(r'(W/)?"[^"]*"', tag or "")), tag)
    c("7644 §3.14", "If-None-Match of the version is 304", s.send("GET", path, If_None_Match=tag).status == 304)
    whole, unchanged = s.get(path), s.send("GET", path, If_None_Match=tag)
    c("7232 §4.1", "a 304 has the fields that a 200 has", all(unchanged.headers[name] == whole.headers[name] for name in ("ETag", "Content-Location")),
      dict(unchanged.headers))
    c("7644 §3.14", "If-None-Match of another is 200", s.send("GET", path, If_None_Match='W/"other"').status == 200)
    change = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "title", "value": "v"}]}
    sheet.error("7644 §3.14", "If-Match of another version is 412", s.send("PATCH", path, change, If_Match='W/"other"'), 412)
    sheet.error("7644 §3.14", "so for PUT", s.send("PUT", path, {"schemas": [USER], "userName": made["userName"]}, If_Match='W/"other"'), 412)
    sheet.error("7644 §3.14", "so for DELETE", s.send("DELETE", path, If_Match='W/"other"'), 412)
    good = s.send("PATCH", path, change, If_Match=tag)
    c("7644 §3.14", "If-Match of the version goes through", good.status in (200, 204), good)
    c("7644 §3.14", "and makes a new one", good.headers["ETag"] not in (None, tag), good.headers["ETag"])
    sheet.error("7644 §3.14", "the old one is stale now", s.send("DELETE", path, If_Match=tag), 412)
    c("7232 §3.1", "a list of tags", s.send("PATCH", path, change, If_Match=f'"x", {good.headers["ETag"]}').status in (200, 204))


def deletion(s, sheet):
    c = sheet.check
    made = s.user("gone")
    path = "/Users/" + made["id"]
    answer = s.send("DELETE", path)
    c("7644 §3.6", "DELETE is 204 without a body", answer.status == 204 and not answer.body, answer)
    sheet.error("7644 §3.6", "GET after it is 404", s.get(path), 404)
    sheet.error("7644 §3.6", "PUT after it is 404", s.send("PUT", path, {"schemas": [USER], "userName": made["userName"]}), 404)
    sheet.error("7644 §3.6", "PATCH after it is 404", s.patch(path, {"op": "replace", "path": "title", "value": "x"}), 404)
    sheet.error("7644 §3.6", "DELETE after it is 404", s.send("DELETE", path), 404)
    found = s.get("/Users", filter=f'userName eq "{made["userName"]}"')
    c("7644 §3.6", "no list shows it", found["totalResults"] == 0, found)
    again = s.user("gone")
    c("7644 §3.6", "its userName is free and the id a new one", again.status == 201 and again["id"] != made["id"], again)


def bulk(s, sheet, config):
    c = sheet.check
    if not config["bulk"]["supported"]:
        answer = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": []})
        c("7644 §3.7", "without support Bulk is refused in SCIM JSON", answer.status in (404, 405, 501) and answer["schemas"] == [ERROR], answer)
        sheet.skipped += 12
        return
    body = {"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": f"Bulk {RUN}", "members": [{"value": "bulkId:u"}]}},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": f"bulk-{RUN}"}},
        {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {"schemas": [USER]}},
    ]}
    answer = s.send("POST", "/Bulk", body)
    ops = answer["Operations"] or []
    c("7644 §3.7", "Bulk is 200 with BulkResponse", answer.status == 200 and answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], answer)
    c("7644 §3.7.3", "each operation has method and status as text", bool(ops) and all(op.get("method") == "POST" and isinstance(op.get("status"), str) for op in ops), ops)
    by = {op.get("bulkId"): op for op in ops}
    c("7644 §3.7.2", "a bulkId of a later operation is resolved", by.get("g", {}).get("status") == "201" and by.get("u", {}).get("status") == "201", ops)
    c("7644 §3.7.3", "a failure carries its error", by.get("bad", {}).get("status") == "400" and by["bad"].get("response", {}).get("schemas") == [ERROR], by.get("bad"))
    if by.get("g", {}).get("location"):
        group = by["g"]["location"].rsplit("/", 1)[1]
        user = by["u"]["location"].rsplit("/", 1)[1]
        s.made += [f"/Users/{user}", f"/Groups/{group}"]
        c("7644 §3.7.2", "the member is the made user", [m["value"] for m in s.get("/Groups/" + group)["members"]] == [user])
        steps = [{"method": "PATCH", "path": f"/Users/{user}", "data": {"schemas": [PATCH], "Operations": [{"op": "add", "path": "title", "value": "t"}]}},
                 {"method": "PUT", "path": f"/Users/{user}", "data": {"schemas": [USER], "userName": f"bulk2-{RUN}"}}, {"method": "DELETE", "path": f"/Groups/{group}"}]
        done = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": steps})
        c("7644 §3.7", "PATCH, PUT and DELETE in Bulk", [op["status"] for op in done["Operations"] or []] == ["200", "200", "204"], done)
        c("7644 §3.7", "they took effect", s.get("/Users/" + user)["userName"] == f"bulk2-{RUN}" and s.get("/Groups/" + group).status == 404)
    wrong = {"method": "POST", "path": "/Users", "bulkId": "w", "data": {"schemas": [USER]}}
    stop = s.send("POST", "/Bulk", {"schemas": [BULK], "failOnErrors": 1, "Operations": [wrong, dict(wrong, bulkId="x"), dict(wrong, bulkId="y")]})
    c("7644 §3.7.3", "failOnErrors stops", stop.status == 200 and len([op for op in stop["Operations"] if op["status"] == "400"]) == 1, stop)
    missing = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": [{"method": "DELETE", "path": f"/Users/{uuid.uuid4()}"}]})
    c("7644 §3.7.3", "404 within Bulk", missing["Operations"] and missing["Operations"][0]["status"] == "404", missing)
    many = [{"method": "DELETE", "path": "/Users/x"}] * (config["bulk"]["maxOperations"] + 1)
    sheet.error("7644 §3.7.4", "more than maxOperations is 413", s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": many}), 413)
    sheet.error("7644 §3.7", "a Bulk body without Operations is refused", s.send("POST", "/Bulk", {"schemas": [BULK]}), 400, "invalidSyntax")
    faulty = [{"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": f"nb-{RUN}"}}, {"method": "GET", "path": "/Users"},
              {"method": "PUT", "path": "/Users/x"}, {"method": "DELETE"}, {"method": "POST", "path": "/Nowhere", "bulkId": "n", "data": {}}]
    made = {"method": "POST", "path": "/Users", "bulkId": "m", "data": {"schemas": [USER], "userName": f"stands-{RUN}"}}
    each = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": faulty + [made]})
    ops = each["Operations"] or []
    c("7644 §3.7", "a malformed operation is answered alone and the rest goes on", each.status == 200 and [op["status"] for op in ops] == ["400"] * 4 + ["404", "201"]
      and all(op["response"]["schemas"] == [ERROR] for op in ops[:5]), each)
    if ops and ops[-1].get("location"):
        path = "/Users/" + ops[-1]["location"].rsplit("/", 1)[1]
        s.made.append(path)
        tag = ops[-1]["version"]
        stale = [{"method": "PATCH", "path": path, "version": tag, "data": {"schemas": [PATCH], "Operations": [{"op": "add", "path": "title", "value": "v"}]}},
                 {"method": "DELETE", "path": path, "version": tag}]
        done = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": stale})["Operations"] or [{}, {}]
        c("7644 §3.7", "version guards operations, and location is told of failures", [op.get("status") for op in done] == ["200", "412"]
          and done[1].get("location", "").endswith(path) and done[0].get("version") == s.get(path)["meta"]["version"], done)
    pair = [{"method": "POST", "path": "/Users", "bulkId": one, "data": {"schemas": [USER, ENTERPRISE], "userName": f"{one}-{RUN}",
             ENTERPRISE: {"manager": {"value": "bulkId:" + other}}}} for one, other in (("ca", "cb"), ("cb", "ca"))]
    circle = s.send("POST", "/Bulk", {"schemas": [BULK], "Operations": pair})["Operations"] or []
    good = [op["status"] for op in circle] in (["201", "201"], ["409", "409"])
    if good and circle[0]["status"] == "201":
        paths = ["/Users/" + op["location"].rsplit("/", 1)[1] for op in circle]
        s.made += paths
        good = [s.get(path)[ENTERPRISE]["manager"]["value"] for path in paths] == [path.rsplit("/", 1)[1] for path in reversed(paths)]
    c("7644 §3.7.1", "a circle of references is resolved or refused", good, circle)


def me(s, sheet):
    answer = s.get("/Me")
    sheet.check("7644 §3.11", "/Me is the user, or an error in SCIM JSON", answer.status in (200, 308) or (answer.status in (404, 501) and answer["schemas"] == [ERROR]), answer)


def main():
    s, sheet = Server(os.environ["BASE"], os.environ["TOKEN"]), Sheet()
    config = user = mine = names = None
    parts = [
        ("discovery", lambda: discovery(s, sheet)), ("authentication", lambda: authentication(s, sheet)), ("create", lambda: create_and_read(s, sheet)), ("values", lambda: values(s, sheet)),
        ("replace", lambda: replace(s, sheet, user)), ("patch", lambda: patch(s, sheet, user)), ("groups", lambda: groups(s, sheet)),
        ("filters", lambda: filters(s, sheet)), ("lists", lambda: lists(s, sheet, mine, names, config)),
        ("cursors", lambda: cursors(s, sheet, mine, names, config)), ("versions", lambda: versions(s, sheet)),
        ("deletion", lambda: deletion(s, sheet)), ("bulk", lambda: bulk(s, sheet, config)), ("me", lambda: me(s, sheet)),
    ]
    try:
        for name, part in parts:
            try:
                result = part()
            except Exception as error:  # what a part cannot go on from is a failure, and the others still run
                where = traceback.extract_tb(error.__traceback__)[-1]
                sheet.check("7644", f"the part {name} goes through", False, f"{type(error).__name__}: {error} (line {where.lineno})")
                continue
            if name == "discovery":
                config = result
            elif name == "create":
                user = result
            elif name == "filters":
                mine, names = result
    finally:
        s.clean()
    for line in sheet.failed:
        print("FAILED", line)
    print(f"{sheet.passed} passed, {len(sheet.failed)} failed, {sheet.skipped} skipped")
    return 1 if sheet.failed or sheet.passed < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
