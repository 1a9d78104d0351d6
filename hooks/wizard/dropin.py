"""The daemon's unit and the nightly collection's let them write below the host's own state alone. Where disks lie elsewhere,
a drop-in for each lets them write there, too; where they no longer do, it is taken away."""

from __future__ import annotations

import os
import re
from pathlib import Path

from .fields import PATH, SYSTEM
from .files import clear_leftover, write_whole
from .host import under_root
from .settings import NotUsable

WRITABLE = "/var/lib/blockhost"
UNITS_OF_THIS_HOST = "/etc/systemd/system"
SERVICES = ("blockhost-provisioner.service", "blockhost-gc.service")
NAME = "blockhost-storage-path.conf"
MARK = "# Written by the libvirt page of BlockHost’s installer, after its storage path; written anew and taken away there, too."


def files() -> list[str]:
    """One for each unit, as paths of the host."""
    return [f"{UNITS_OF_THIS_HOST}/{service}.d/{NAME}" for service in SERVICES]


def is_needed(storage_path: str) -> bool:
    """Whether the units as they are installed cannot write there."""
    return not f"{storage_path.rstrip('/')}/".startswith(f"{WRITABLE}/")


def text(storage_path: str) -> str:
    """The drop-in. Raises `NotUsable` for a path that could mean anything else than one directory in a unit: it knows
    spaces, quotes, backslashes, percent signs and line breaks."""
    path = storage_path.rstrip("/")
    if re.fullmatch(PATH, path) is None or re.match(SYSTEM, path):
        raise NotUsable(f"{storage_path!r} cannot be named in a unit of systemd. Choose another directory on the libvirt page, then run this step again.")
    # “-”: a directory whose disk is not mounted must not keep the daemon from starting.
    lines = [MARK, "[Service]", f"ReadWritePaths=-{path}"]
    # Else everything below is hidden, whatever may be written there.
    if re.match(r"/home(/|$)", path):
        lines.append("ProtectHome=read-only")
    return "\n".join(lines) + "\n"


def settle(storage_path: str) -> None:
    """Bring the drop-ins in line with the path. Raises `NotUsable` where a file of that name is somebody else's."""
    wanted = text(storage_path) if is_needed(storage_path) else None
    for file in files():
        place = under_root(file)
        clear_leftover(place)
        before = _ours(place)
        if wanted is not None and wanted != before:
            write_whole(place, wanted, 0o644)
        elif wanted is None:
            _take_away(place, before)


def _ours(place: Path) -> str | None:
    try:
        found = place.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    if not found.startswith(MARK):
        raise NotUsable(f"{place} was not written by this installer. Move it away, then run this step again.")
    return found


def _take_away(place: Path, before: str | None) -> None:
    if before is not None:
        os.unlink(place)
    try:
        os.rmdir(place.parent)
    except OSError:
        # Not there, or with drop-ins of others.
        pass
