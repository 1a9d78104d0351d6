"""The form's fields: one table of rules and messages, obeyed here and by the page's script alike."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,63}$"
PATH = r"^(/[A-Za-z0-9_][A-Za-z0-9_.@+\-]*)+/?$"
BRIDGE = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]{0,14}$"
PART = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
NETWORK = rf"^({PART}\.){{3}}{PART}/24$"
ADDRESS = rf"^({PART}\.){{3}}{PART}$"
HOST_PART = r"^0{0,2}([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-4])$"
DAYS = r"^[0-9]{1,4}$"
SYSTEM = r"^/(bin|boot|dev|etc|lib|lib64|proc|root|run|sbin|sys|tmp|usr|var/(lock|run|tmp))(/|$)"
MAX_DAYS = 3650
MAX_LENGTH = 1024

MESSAGES: dict[str, str] = {
    "storage_pool": "Give the pool a name of letters, digits, dots, dashes and underscores, such as blockhost.",
    "storage_path": "Give an absolute path without spaces or “..”, such as /var/lib/blockhost/vms.",
    "storage_path_system": "Machines cannot be kept in a directory of the system. Use one such as /var/lib/blockhost/vms.",
    "bridge": "Choose one of this host’s bridges, such as br0.",
    "bridge_absent": "This host has no bridge of that name. Choose one of those listed.",
    "ip_network": "Give a network of 256 addresses, such as 192.168.122.0/24.",
    "ip_network_reserved": "That network is not for hosts. Use the one that the bridge is in.",
    "ip_start": "Give a number from 1 to 254, or an address of the network above.",
    "ip_end": "Give a number from 1 to 254, or an address of the network above.",
    "ip_order": "The last address comes before the first one.",
    "ip_none": "No address is left: the range holds only the gateway’s and this host’s own.",
    "gateway": "Give the router’s address, within the network above.",
    "gc_grace_days": f"Give a whole number of days from 0 to {MAX_DAYS}.",
}

FIELDS = ("storage_pool", "storage_path", "bridge", "ip_network", "ip_start", "ip_end", "gateway", "gc_grace_days")


def rules(bridges: Sequence[str], host_addresses: Sequence[str]) -> dict[str, Any]:
    """What the page's script needs to judge as `check` does."""
    return {
        "messages": MESSAGES,
        "bridges": list(bridges),
        "hostAddresses": list(host_addresses),
        "maxDays": MAX_DAYS,
        "patterns": {
            "storage_pool": NAME,
            "storage_path": PATH,
            "system": SYSTEM,
            "bridge": BRIDGE,
            "ip_network": NETWORK,
            "address": ADDRESS,
            "host_part": HOST_PART,
            "gc_grace_days": DAYS,
        },
    }


def posted(form: Mapping[str, Any]) -> dict[str, str]:
    """The fields as they were posted, trimmed, and nothing else; what is missing is empty."""
    return {name: str(form.get(name) if form.get(name) is not None else "").strip()[:MAX_LENGTH] for name in FIELDS}


def check(values: Mapping[str, str], bridges: Sequence[str] = (), host_addresses: Sequence[str] = ()) -> dict[str, str]:
    """One message per field at fault, in the form's order; {} where all is well. An empty bridge is chosen for the
    operator; which bridges there are is asked only where some are known."""
    faults: dict[str, str] = {}

    def blame(field: str, message: str) -> None:
        faults.setdefault(field, MESSAGES[message])

    if not _is(NAME, values["storage_pool"]):
        blame("storage_pool", "storage_pool")
    if not _is(PATH, values["storage_path"]):
        blame("storage_path", "storage_path")
    elif re.match(SYSTEM, values["storage_path"]):
        blame("storage_path", "storage_path_system")
    if values["bridge"] and not _is(BRIDGE, values["bridge"]):
        blame("bridge", "bridge")
    elif values["bridge"] and bridges and values["bridge"] not in bridges:
        blame("bridge", "bridge_absent")
    base = base_of(values["ip_network"])
    if base is None:
        blame("ip_network", "ip_network")
    elif not 1 <= int(base.split(".")[0]) <= 223 or base.startswith("127."):
        blame("ip_network", "ip_network_reserved")
    first, last, router = (last_part(values[name], base) for name in ("ip_start", "ip_end", "gateway"))
    if first is None:
        blame("ip_start", "ip_start")
    if last is None:
        blame("ip_end", "ip_end")
    if router is None or not _is(ADDRESS, values["gateway"]):
        blame("gateway", "gateway")
    if first is not None and last is not None:
        if first > last:
            blame("ip_end", "ip_order")
        elif base is not None and len(left_out(base, first, last, values["gateway"], host_addresses)) == last - first + 1:
            blame("ip_end", "ip_none")
    if not _is(DAYS, values["gc_grace_days"]) or int(values["gc_grace_days"]) > MAX_DAYS:
        blame("gc_grace_days", "gc_grace_days")
    return {name: faults[name] for name in FIELDS if name in faults}


def _is(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def base_of(network: str) -> str | None:
    """The first three parts of a /24; None where it is none."""
    return network.rsplit(".", 1)[0] if _is(NETWORK, network) else None


def last_part(text: str, base: str | None) -> int | None:
    """1 to 254, of a number or of an address in the network; any network where that is not known itself."""
    if _is(ADDRESS, text):
        if base is not None and text.rsplit(".", 1)[0] != base:
            return None
        text = text.rsplit(".", 1)[1]
    return int(text) if _is(HOST_PART, text) else None


def parts_in(base: str, addresses: Sequence[str]) -> set[int]:
    """Last parts of those addresses that are in the network."""
    found = (last_part(address, base) for address in addresses if _is(ADDRESS, address))
    return {part for part in found if part is not None}


def left_out(base: str, first: int, last: int, gateway: str, host_addresses: Sequence[str]) -> dict[int, str]:
    """Last parts within the range that no machine gets, the lowest first, and why: the provisioner never gives them away,
    since a machine that had one would take the host off the network."""
    whose = {part: "this host’s own" for part in parts_in(base, host_addresses)} | {part: "the gateway" for part in parts_in(base, [gateway])}
    return {part: whose[part] for part in sorted(whose) if first <= part <= last}
