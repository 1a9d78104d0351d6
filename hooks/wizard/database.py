"""`/etc/blockhost/db.yaml`: shared with other programs of the host, so that it is merged and never overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Mapping

import yaml

from .fields import base_of, last_part
from .files import clear_leftover, write_whole
from .host import under_root
from .owner import Owner, blockhost
from .settings import NotUsable

DB_YAML = "/etc/blockhost/db.yaml"
DB_FILE = "/var/lib/blockhost/vms.json"
DEFAULT_EXPIRY_DAYS = 30
MODE = 0o640


def merge(values: Mapping[str, str]) -> None:
    """Bring the file in line with what was chosen. Written as a whole or not at all, and only where it differs."""
    path = under_root(DB_YAML)
    before = read(path)
    pool = before.get("ip_pool")
    after = {
        **before,
        "db_file": before.get("db_file") or before.get("db_path") or DB_FILE,
        "default_expiry_days": DEFAULT_EXPIRY_DAYS if before.get("default_expiry_days") is None else before["default_expiry_days"],
        "gc_grace_days": int(values["gc_grace_days"]),
        "bridge": values["bridge"],
        "storage_pool": values["storage_pool"],
        "storage_path": values["storage_path"].rstrip("/"),
        "ip_pool": {**(pool if isinstance(pool, Mapping) else {}), **ip_pool(values)},
    }
    if after != before:
        text = yaml.safe_dump(after, default_flow_style=False, sort_keys=False, allow_unicode=True)
        write_whole(path, text, MODE, Owner(-1, blockhost().gid))
    clear_leftover(path)
    _settle(path)


def ip_pool(values: Mapping[str, str]) -> dict[str, Any]:
    """The range as it was chosen. Addresses of this host and the gateway may lie in it: the provisioner gives neither away,
    by what the host has when a machine is made."""
    base = base_of(values["ip_network"])
    first, last = last_part(values["ip_start"], base), last_part(values["ip_end"], base)
    if base is None or first is None or last is None:
        raise NotUsable("The address range is not understood. Change it on the libvirt page, then run this step again.")
    return {"network": f"{base}.0/24", "start": first, "end": last, "gateway": values["gateway"]}


def read(path: Path) -> dict[str, Any]:
    """The file's keys; {} where there is none. Raises `NotUsable` where it is there and cannot be understood."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotUsable(f"{path} cannot be read as YAML. Mend it or move it away, then run this step again.") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NotUsable(f"{path} holds no keys. Mend it or move it away, then run this step again.")
    return found


def _settle(path: Path) -> None:
    """root:blockhost 0640, whoever wrote it last."""
    found, gid = path.stat(), blockhost().gid
    if os.geteuid() == 0 and (found.st_uid != 0 or gid not in (-1, found.st_gid)):
        os.chown(path, 0, gid)
    if stat.S_IMODE(found.st_mode) != MODE:
        os.chmod(path, MODE)
