"""Runs an outside checker of SCIM servers against BASE with TOKEN and prints its result:

    python outside.py scim2-tester
    python outside.py scim-sanity

A finding counts, but for the one that is explained here.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

# scim-sanity adds a member whose id belongs to nobody.
UNKNOWN_MEMBER = "PATCH /Groups/{id} add member"
UNKNOWN_MEMBER_WHY = (
    "a member's `value` is the identifier of a resource of this server (RFC 7643 §8.7.1), so an id of nobody is "
    "refused as invalidValue; the own checks add and remove members that exist"
)


def tell(passed, failed, skipped):
    for line in failed:
        print(f"FAILED {line}")
    print(f"{passed} passed, {len(failed)} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


def scim2_tester(base, token):
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_tester import Status, check_server

    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    results = check_server(SyncSCIMClient(http))
    counts = collections.Counter(result.status for result in results)
    print("scim2-tester says:", ", ".join(f"{counts[status]} {status.name.lower()}" for status in Status if counts[status]))
    failed = [
        f"{result.status.name} {result.title} [{result.resource_type or '-'}]: {result.reason}"
        for result in results
        if result.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION)
    ]
    return tell(len(results) - len(failed) - counts[Status.SKIPPED], failed, counts[Status.SKIPPED])


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
    for line in explained:
        print(f"explained: {line}\n  since {UNKNOWN_MEMBER_WHY}")
    return tell(report["summary"]["passed"] + len(explained), failed, report["summary"]["skipped"])


if __name__ == "__main__":
    checker = {"scim2-tester": scim2_tester, "scim-sanity": scim_sanity}[sys.argv[1]]
    sys.exit(checker(os.environ["BASE"], os.environ["TOKEN"]))
