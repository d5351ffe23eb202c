"""Runs scim2-tester, an outside checker, against BASE with TOKEN and prints each of its results.

Exit status 0 when nothing is an error and nothing deviates from a recommendation.
"""

import collections
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

BAD = (Status.ERROR, Status.CRITICAL, Status.DEVIATION)


def main() -> int:
    base, token = os.environ["BASE"], os.environ["TOKEN"]
    http = Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    results = check_server(SyncSCIMClient(http))
    counts = collections.Counter(result.status for result in results)
    for result in results:
        if result.status in BAD:
            print(f"{result.status.name} {result.title} [{result.resource_type or '-'}]: {result.reason}")
    print("scim2-tester:", ", ".join(f"{counts[status]} {status.name.lower()}" for status in Status if counts[status]))
    bad = sum(counts[status] for status in BAD)
    print(f"{len(results) - bad - counts[Status.SKIPPED]} passed, {bad} failed, {counts[Status.SKIPPED]} skipped")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(main())
