"""What the installer's page tells of this host. It only looks, each question has a time limit, nothing raises."""

from __future__ import annotations

import json
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

from .fields import base_of
from .host import as_configured, read_text, run, under_root, virsh

DEFAULT_POOL = "blockhost"
DEFAULT_PATH = "/var/lib/blockhost/vms"
DEFAULT_NETWORK = "192.168.122.0/24"
DEFAULT_GRACE_DAYS = 7
LIBVIRT_OWN_BRIDGE = "virbr0"
MACHINE_MEMORY_MIB = 2048
MACHINE_DISK_GIB = 20
GIB = 1024**3


def ipv4_of(bridge: str) -> list[tuple[str, int]] | None:
    """A bridge's IPv4 addresses with their prefix lengths; None where that cannot be told."""
    answer = run(["ip", "-j", "-4", "addr", "show", "dev", bridge], 5)
    try:
        links = json.loads(answer.out or "[]") if answer.ok else None
        if links is None:
            return None
        return [
            (str(address["local"]), int(address["prefixlen"]))
            for link in links
            for address in link.get("addr_info", [])
            if address.get("family") == "inet"
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def bridge_names() -> list[str]:
    """Linux bridges of this host."""
    try:
        return sorted(entry.name for entry in under_root("/sys/class/net").iterdir() if (entry / "bridge").is_dir())
    except OSError:
        return []


def default_route() -> tuple[str, str]:
    """Device and router of the default route; empty where there is none."""
    answer = run(["ip", "-j", "-4", "route", "show", "default"], 5)
    try:
        route = json.loads(answer.out)[0] if answer.ok else {}
        return str(route.get("dev", "")), str(route.get("gateway", ""))
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", ""


def choose_bridge(names: list[str], route_device: str) -> str:
    """The one that the host's first boot made, else the default route's, else any but libvirt's own; empty: none."""
    made = (read_text("/run/blockhost/bridge") or "").strip()
    for name in (made, route_device, *(each for each in names if each != LIBVIRT_OWN_BRIDGE)):
        if name in names:
            return name
    return names[0] if names else ""


def pools() -> list[dict[str, str]] | None:
    """libvirt's pools: name, kind, and path where the kind is `dir`; None where libvirt does not answer."""
    answer = virsh("pool-list", "--all", "--name", timeout_seconds=5)
    if not answer.ok:
        return None
    found = []
    for name in [line.strip() for line in answer.out.splitlines() if line.strip()][:20]:
        described = virsh("pool-dumpxml", "--pool", name, timeout_seconds=5)
        if described.code is None:
            break
        kind = re.search(r"<pool\s+type=['\"]([^'\"]+)['\"]", described.out) if described.ok else None
        path = re.search(r"<target>.*?<path>([^<]*)</path>", described.out, re.S) if kind and kind[1] == "dir" else None
        if kind:
            found.append({"name": name, "kind": kind[1], "path": as_configured(unescape(path[1])) if path else ""})
    return found


def kvm() -> dict[str, str]:
    """Whether KVM executes guests, as far as anybody has tried since this boot."""
    device = under_root("/dev/kvm").exists()
    tried = None
    try:
        answer = json.loads(read_text("/var/lib/blockhost/provisioner/accelerator.json") or "null")
        boot = (read_text("/proc/sys/kernel/random/boot_id") or "").strip()
        if boot and boot in str(answer["key"]):
            tried = answer["accelerator"]
    except (ValueError, LookupError, TypeError):
        pass
    if tried == "kvm":
        return {"state": "good", "text": "Tried and working: machines run at full speed."}
    if tried == "tcg":
        return {"state": "warn", "text": "Tried, and no guest ran on it: machines are emulated, ten times slower or worse."}
    if device:
        return {"state": "plain", "text": "Present, not yet tried. The first machine will tell."}
    return {
        "state": "warn",
        "text": "Absent: machines would be emulated, ten times slower or worse. Switch virtualization on in the firmware.",
    }


def free_bytes(path: str) -> int | None:
    """Free space where a directory is or would be made."""
    place: Path = under_root(path)
    for each in (place, *place.parents):
        try:
            return shutil.disk_usage(each).free
        except OSError:
            continue
    return None


def free_memory_mib() -> int | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", read_text("/proc/meminfo") or "", re.M)
    return int(found.group(1)) // 1024 if found else None


def detect() -> dict[str, Any]:
    """Everything at once; takes as long as its slowest question, at most some seconds."""
    with ThreadPoolExecutor(max_workers=2) as workers:
        asked = workers.submit(pools)
        network = detect_network()
        known_pools = asked.result()
    path = default_path(known_pools)
    disk, memory = free_bytes(path), free_memory_mib()
    return {
        **network,
        "pools": known_pools or [],
        "libvirt_answers": known_pools is not None,
        "storage_pool": DEFAULT_POOL,
        "storage_path": path,
        "free_gib": None if disk is None else disk // GIB,
        "memory_mib": memory,
        "cpus": os.cpu_count() or 1,
        "kvm": kvm(),
        "fits": None if disk is None or memory is None else fits(disk // GIB, memory),
    }


def default_path(known_pools: list[dict[str, str]] | None) -> str:
    """Where our pool lies already, else where it would be made."""
    return next((each["path"] for each in known_pools or [] if each["name"] == DEFAULT_POOL and each["path"]), DEFAULT_PATH)


def fits(free_gib: int, memory_mib: int) -> int:
    """Machines of default size; processors are shared, memory and disks are not."""
    return max(0, min(free_gib // MACHINE_DISK_GIB, memory_mib // MACHINE_MEMORY_MIB))


def detect_network() -> dict[str, Any]:
    """Bridges, the host's own addresses, and a range for machines."""
    names = bridge_names()
    device, router = default_route()
    chosen = choose_bridge(names, device)
    bridges = [{"name": name, "addresses": ipv4_of(name) or []} for name in names]
    own = [address for each in bridges for address, _ in each["addresses"]]
    here = next((each["addresses"] for each in bridges if each["name"] == chosen), [])
    network = f"{here[0][0].rsplit('.', 1)[0]}.0/24" if here else DEFAULT_NETWORK
    base = base_of(network) or "192.168.122"
    gateway = router if router.rsplit(".", 1)[0] == base else f"{base}.1"
    return {
        "bridges": bridges,
        "bridge": chosen,
        "host_addresses": own,
        "ip_network": network,
        "ip_start": "2",
        "ip_end": "254",
        "gateway": gateway,
    }
