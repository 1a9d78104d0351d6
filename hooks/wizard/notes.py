"""What is told of values that are valid: what will be done about them, and what stands in their way. It refuses nothing. The
page's script tells the same in the same sentences."""

from __future__ import annotations

import ipaddress
from typing import Any, Mapping, Sequence

from .dropin import WRITABLE, files, is_needed
from .fields import base_of, last_part, left_out

NOTES: dict[str, str] = {
    "pool_path": "libvirt’s pool {name} lies at {path}. Storage cannot be prepared until this page names that directory, or another pool.",
    "pool_kind": "libvirt’s pool {name} is of another kind than a directory. Storage cannot be prepared until this page names another pool.",
    "outside": "The daemon may not write outside " + WRITABLE + " as it is installed. Finalization allows it by writing {files}.",
    "range": "Not all of the range lies in the network of {bridge} ({networks}): machines with other addresses cannot be reached through it.",
}


def rules(host: Mapping[str, Any]) -> dict[str, Any]:
    """What the page's script needs to tell as `notes` does."""
    return {
        "notes": NOTES,
        "pools": host["pools"],
        "networks": {each["name"]: [f"{address}/{bits}" for address, bits in each["addresses"]] for each in host["bridges"]},
        "writable": WRITABLE,
        "files": _dropins(),
    }


def notes(values: Mapping[str, str], host: Mapping[str, Any]) -> dict[str, str]:
    """One sentence per field that wants one, of what is understood; {} where there is nothing to tell."""
    told: dict[str, str] = {}
    name, path = values.get("storage_pool", ""), values.get("storage_path", "").rstrip("/")
    pool = next((each for each in host["pools"] if each["name"] == name), None)
    if pool is not None and pool["kind"] != "dir":
        told["storage_pool"] = _filled("pool_kind", name=name)
    elif pool is not None and pool["path"].rstrip("/") != path:
        told["storage_pool"] = _filled("pool_path", name=name, path=pool["path"])
    if path and is_needed(path):
        told["storage_path"] = _filled("outside", files=_dropins())
    bridge = values.get("bridge", "")
    networks = next((each["addresses"] for each in host["bridges"] if each["name"] == bridge), [])
    if networks and not _within(_ends(values), networks):
        told["ip_network"] = _filled("range", bridge=bridge, networks=", ".join(f"{address}/{bits}" for address, bits in networks))
    return told


def range_sentence(values: Mapping[str, str], host_addresses: Sequence[str]) -> str:
    """Which addresses machines get, which of the range they do not, and why; empty where the range is not understood."""
    base = base_of(values.get("ip_network", ""))
    first, last = (last_part(values.get(name, ""), base) for name in ("ip_start", "ip_end"))
    if base is None or first is None or last is None or first > last:
        return ""
    without = left_out(base, first, last, values.get("gateway", ""), host_addresses)
    count = last - first + 1 - len(without)
    if count == 0:
        return ""
    rest = ", without " + ", ".join(f"{base}.{part} ({why})" for part, why in without.items()) if without else ""
    return f"{count} {'machine' if count == 1 else 'machines'} can have an address: {base}.{first} to {base}.{last}{rest}."


def _dropins() -> str:
    return " and ".join(files())


def _filled(note: str, **words: str) -> str:
    text = NOTES[note]
    for key, word in words.items():
        text = text.replace("{" + key + "}", word, 1)
    return text


def _ends(values: Mapping[str, str]) -> list[ipaddress.IPv4Address]:
    base = base_of(values.get("ip_network", ""))
    parts = [last_part(values.get(name, ""), base) for name in ("ip_start", "ip_end")]
    return [ipaddress.IPv4Address(f"{base}.{part}") for part in parts if base is not None and part is not None]


def _within(ends: Sequence[ipaddress.IPv4Address], networks: Sequence[tuple[str, int]]) -> bool:
    """Whether one of the networks holds all of the ends; true where either is not understood."""
    try:
        known = [ipaddress.IPv4Network(f"{address}/{bits}", strict=False) for address, bits in networks]
    except ValueError:
        return True
    return any(all(end in network for end in ends) for network in known)
