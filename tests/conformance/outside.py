"""Runs an outside checker of SCIM servers against BASE with TOKEN and prints its result:

    python outside.py scim2-tester
    python outside.py scim-sanity

A finding counts unless it is one of those explained here, each with the sentence of the RFC that it overlooks.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

# scim2-tester compares what it sent with what came back, value for value.
DERIVED = {"display", "displayname", "schemas"}
DERIVED_WHY = (
    "the server answers a member's `display` and the manager's readOnly `displayName` from the person they name "
    "(RFC 7643 §2.4 and §4.3), and an extension object holds no `schemas` (RFC 7643 §3.3)"
)
# scim-sanity adds a member whose id belongs to nobody.
UNKNOWN_MEMBER = "PATCH /Groups/{id} add member"
UNKNOWN_MEMBER_WHY = (
    "a member's `value` is the identifier of a resource of this server (RFC 7643 §8.7.1), so an id of nobody is "
    "refused as invalidValue; the own checks add and remove members that exist"
)


def plain(value):
    """A value without the parts that the server derives."""
    if hasattr(value, "model_dump"):
        value = value.model_dump()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if key.replace("_", "").lower() not in DERIVED}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value


def tell(name, passed, failed, explained, skipped, why):
    for line in explained:
        print(f"explained: {line}")
    if explained:
        print(f"  since {why}")
    for line in failed:
        print(f"FAILED {line}")
    print(f"{name}: {len(explained)} explained")
    print(f"{passed + len(explained)} passed, {len(failed)} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def scim2_tester(base, token):
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    results = check_server(SyncSCIMClient(http))
    counts = collections.Counter(result.status for result in results)
    print("scim2-tester says:", ", ".join(f"{counts[status]} {status.name.lower()}" for status in Status if counts[status]))
    failed, explained = [], []
    for result in results:
        if result.status not in (Status.ERROR, Status.CRITICAL, Status.DEVIATION):
            continue
        data = result.data if isinstance(result.data, dict) else {}
        same = "modify_actual" in data and plain(data["expected"]) == plain(data["modify_actual"])
        nested = "value.schemas is not an attribute" in str(result.reason)
        line = f"{result.status.name} {result.title} [{result.resource_type or '-'}]: {result.reason}"
        (explained if same or nested else failed).append(line.splitlines()[0] if same or nested else line)
    passed = len(results) - len(failed) - len(explained) - counts[Status.SKIPPED]
    return tell("scim2-tester", passed, failed, explained, counts[Status.SKIPPED], DERIVED_WHY)


def scim_sanity(base, token):
    program = pathlib.Path(sys.executable).with_name("scim-sanity")
    arguments = ["--token", token, "--strict", "--i-accept-side-effects", "--user-domain", "example.com", "--json-output"]
    run = subprocess.run([program, "probe", base, *arguments], capture_output=True, text=True, check=False)
    try:
        report = json.loads(run.stdout)
    except ValueError:
        print(run.stdout, run.stderr)
        return 1
    print("scim-sanity says:", ", ".join(f"{count} {name}" for name, count in report["summary"].items()))
    failed, explained = [], []
    for result in report["results"]:
        if result["status"] in ("fail", "error", "warn", "warning"):
            line = f"{result['name']}: {result.get('message')}"
            (explained if result["name"] == UNKNOWN_MEMBER else failed).append(line)
    return tell("scim-sanity", report["summary"]["passed"], failed, explained, report["summary"]["skipped"], UNKNOWN_MEMBER_WHY)


if __name__ == "__main__":
    checker = {"scim2-tester": scim2_tester, "scim-sanity": scim_sanity}[sys.argv[1]]
    sys.exit(checker(os.environ["BASE"], os.environ["TOKEN"]))
