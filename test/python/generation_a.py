"""Writes the shared records as the older Python programs do: opening for writing truncates, the lock comes after.

usage: generation_a.py FILE COUNT
"""

import fcntl
import json
import random
import sys
import time
from datetime import datetime, timedelta


def read(path):
    """The document under a shared lock on the file itself."""
    with open(path) as source:
        fcntl.flock(source, fcntl.LOCK_SH)
        return json.load(source)


def write(path, data):
    """Nothing protects the time between reading and this, nor between truncating and locking."""
    with open(path, "w") as target:
        fcntl.flock(target, fcntl.LOCK_EX)
        json.dump(data, target, indent=2)


def register(data, number):
    """One more machine with its address; its date has no offset, as some old ones have."""
    address = "10.2.0.%d" % number
    data["allocated_ips"].append(address)
    data["next_vmid"] += 1
    data["vms"]["python-%d" % number] = {
        "vm_name": "python-%d" % number,
        "vmid": data["next_vmid"],
        "ip_address": address,
        "expires_at": (datetime.utcnow() + timedelta(days=1)).isoformat(),
        "owner": "somebody",
        "status": "active",
    }


def main():
    path, count = sys.argv[1], int(sys.argv[2])
    for number in range(count):
        data = read(path)
        register(data, number)
        time.sleep(random.random() * 0.005)
        write(path, data)
        time.sleep(random.random() * 0.01)


if __name__ == "__main__":
    main()
