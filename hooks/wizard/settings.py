"""What was chosen, read from whatever the installer hands over: a session, or a configuration kept as JSON."""

from __future__ import annotations

from typing import Any, Mapping

from .detection import DEFAULT_GRACE_DAYS, DEFAULT_POOL, default_path, detect_network, pools
from .fields import FIELDS, check, posted

SESSION_KEY = "libvirt"


class NotUsable(Exception):
    """Ends a step with a sentence that says what to do."""


def chosen_in(config: Any) -> dict[str, str]:
    """The form's values under `provisioner` or `libvirt`, else at the top, else none of them."""
    # Flask's session is a proxy, which no isinstance knows as a mapping.
    if not (hasattr(config, "get") and hasattr(config, "keys")):
        return {}
    for place in (config.get("provisioner"), config.get(SESSION_KEY), config):
        if isinstance(place, Mapping) and any(name in place for name in FIELDS):
            return {name: value for name, value in posted(place).items() if value}
    return {}


def proposals(host: Mapping[str, Any]) -> dict[str, str]:
    """What the form shows before anybody has filled it in."""
    return {
        **{name: str(host[name]) for name in FIELDS if name in host},
        "gc_grace_days": str(DEFAULT_GRACE_DAYS),
    }


def settled(config: Any) -> dict[str, str]:
    """Valid settings, with what was not chosen taken from this host. Raises `NotUsable` where a value is wrong:
    finalization may run on a configuration that never went through the page."""
    host, chosen = detect_network(), chosen_in(config)
    path = chosen.get("storage_path") or default_path(pools())
    values = {"storage_pool": DEFAULT_POOL, "storage_path": path, **proposals(host), **chosen}
    if not values["bridge"]:
        raise NotUsable("This host has no bridge. Make one with the host's network settings, then run this step again.")
    faults = check(values, (), host["host_addresses"])
    if faults:
        field, message = next(iter(faults.items()))
        raise NotUsable(f"{field} is {values[field]!r}. {message} Change it on the libvirt page, then run this step again.")
    return values
