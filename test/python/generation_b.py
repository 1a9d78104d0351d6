"""Writes the shared records as the newer Python programs do: one lock file around read, change, fsync and rename.

usage: generation_b.py FILE COUNT
"""

import fcntl
import json
import os
import random
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone


def change(path, edit):
    """Reads, changes and replaces the document while it holds the lock."""
    with open(path + ".lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(path) as source:
            data = json.load(source)
        edit(data)
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
        with os.fdopen(descriptor, "w") as target:
            json.dump(data, target, indent=2)
            target.flush()
            os.fsync(target.fileno())
        os.replace(temporary, path)


def register(number):
    """One more machine, its address, and a count that shows every lost update."""

    def edit(data):
        vmid = data["next_vmid"]
        data["next_vmid"] = vmid + 1
        address = "10.1.0.%d" % number
        data["allocated_ips"].append(address)
        data["vms"]["python-%d" % number] = {
            "vm_name": "python-%d" % number,
            "vmid": vmid,
            "ip_address": address,
            "expires_at": (datetime.now(timezone.utc) + timedelta(days=1)).isoformat(),
            "owner": "somebody",
            "status": "active",
        }
        data["count"] = data.get("count", 0) + 1

    return edit


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    for number in range(count):
        change(path, register(number))
        time.sleep(random.random() * 0.01)


if __name__ == "__main__":
    main()
