"""The directory and the libvirt pool that hold machines' disks."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from xml.sax.saxutils import unescape

from .files import make_directory
from .host import Answer, under_root, virsh
from .owner import AS_IT_IS, blockhost
from .settings import NotUsable

OURS = "/var/lib/blockhost"
# Group may write, qemu's user goes through and sees nothing.
MODE = 0o2771


def provide_directory(path: str) -> Path:
    """Make the directory where it is missing; what is below the host's own state gets owner and mode, what is anybody
    else's stays as it is. Raises `NotUsable` where qemu could not go through."""
    place = under_root(path.rstrip("/"))
    ours = under_root(OURS)
    for each in [*reversed(place.parents), place]:
        if each.exists() and not each.is_dir():
            raise NotUsable(f"{each} is no directory. Move it away or choose another path, then run this step again.")
        if not each.exists():
            make_directory(each, MODE if each == place else 0o755, blockhost() if each == place else AS_IT_IS)
        # An empty one holds nobody else’s files.
        elif each == place and (ours in each.parents or not any(each.iterdir())):
            _give(each)
    top = under_root("/")
    for each in [place, *(parent for parent in place.parents if parent == top or top in parent.parents)]:
        _let_through(each, may_change=each == ours or ours in each.parents)
    return place


def _give(place: Path) -> None:
    owner = blockhost()
    # chown(2) clears the setgid bit: hence this order.
    os.chown(place, owner.uid, owner.gid)
    os.chmod(place, MODE)


def _let_through(place: Path, may_change: bool) -> None:
    mode = stat.S_IMODE(place.stat().st_mode)
    if mode & 0o001:
        return
    if not may_change:
        raise NotUsable(f"qemu cannot go through {place} (mode {mode:04o}). Run “chmod o+x {place}” or choose another path, then run this step again.")
    os.chmod(place, mode | 0o001)


def provide_pool(name: str, path: str) -> None:
    """Define, start and autostart a directory pool, as far as that is not so. A pool that lies elsewhere is not ours to move."""
    described = virsh("pool-dumpxml", "--pool", name)
    if described.ok:
        _refuse_other(name, path, described.out)
    elif "Storage pool not found" in described.err or "no storage pool with matching name" in described.err:
        _do("pool-define-as", "--name", name, "--type", "dir", "--target", path)
    else:
        raise NotUsable(_silent(described))
    info = _do("pool-info", "--pool", name)
    if not re.search(r"^State:\s+running$", info.out, re.M):
        _do("pool-start", "--pool", name)
    if not re.search(r"^Autostart:\s+yes$", info.out, re.M):
        _do("pool-autostart", "--pool", name)
    _do("pool-refresh", "--pool", name)


def _refuse_other(name: str, path: str, xml: str) -> None:
    kind = re.search(r"<pool\s+type=['\"]([^'\"]+)['\"]", xml)
    target = re.search(r"<target>.*?<path>([^<]*)</path>", xml, re.S)
    lies_at = unescape(target.group(1)).rstrip("/") if target else ""
    if kind is None or kind.group(1) != "dir":
        raise NotUsable(f"libvirt's pool {name} is of another kind than a directory. Choose another pool name on the libvirt page, then run this step again.")
    if lies_at != path:
        raise NotUsable(f"libvirt's pool {name} lies at {lies_at}, not at {path}. Choose that path or another pool name on the libvirt page, then run this step again.")


def _do(*argv: str) -> Answer:
    answer = virsh(*argv, timeout_seconds=60)
    if not answer.ok:
        raise NotUsable(f"libvirt refused “{' '.join(argv)}”: {answer.because}. Mend that, then run this step again.")
    return answer


def _silent(answer: Answer) -> str:
    return f"libvirt does not answer: {answer.because}. See “systemctl status libvirtd”, then run this step again."
