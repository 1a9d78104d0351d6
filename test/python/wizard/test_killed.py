"""Finalization is killed before and after each of its effects, by SIGKILL, and run again: it must end where it would have
ended undisturbed, in files, bytes, modes and owners, in libvirt and in systemd."""

from __future__ import annotations

import functools
import os
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any, Callable

import pytest
from conftest import POSTED, Host
from mortal import Installer, in_a_process

UID, GID = 4711, 4712
STEPS = ("storage", "network", "db_config", "template")
ELSEWHERE = {**POSTED, "bridge": "br0", "storage_path": "/srv/tank/vms"}
HOME_AGAIN = {**POSTED, "bridge": "br0", "storage_pool": "machines", "gc_grace_days": "3"}


@functools.cache
def may_have_an_account() -> bool:
    """Root may give files away, and see an account that nobody else on this machine sees."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


Tree = dict[str, tuple[int, int, int, bytes | None]]


def tree(top: Path) -> Tree:
    """Every path with its mode, its owners and what it holds."""
    found = {}
    for path in sorted(top.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(about.st_mode) else None
        found[str(path.relative_to(top))] = (about.st_mode, about.st_uid, about.st_gid, content)
    return found


def restore(top: Path, wanted: Tree) -> None:
    """Make a tree as it was."""
    now = tree(top)
    for path in sorted(now.keys() - wanted.keys(), reverse=True):
        (top / path).unlink() if now[path][3] is not None else (top / path).rmdir()
    for path, (mode, uid, gid, content) in wanted.items():
        if now.get(path) == wanted[path]:
            continue
        if content is not None:
            (top / path).write_bytes(content)
        else:
            (top / path).mkdir(exist_ok=True)
        os.chown(top / path, uid, gid)
        os.chmod(top / path, stat.S_IMODE(mode))
    assert tree(top) == wanted


def state(host: Host) -> dict[str, Any]:
    """What counts of how a step leaves the host: not how often libvirt was asked, or a template built, on the way there."""
    known = host.state
    return {"tree": tree(host.root), **{key: known[key] for key in ("pools", "net", "daemon")}}


def survive(installer: Installer, host: Host, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Each step from where the one before it left the host: what the steps after it would do follows from that."""
    survived = total = 0
    whole = host.root.parent
    for step in STEPS:
        before = tree(whole)
        undisturbed = installer.run(step)
        assert undisturbed.results == [[True, None]], (step, undisturbed)
        assert undisturbed.unwatched == [], "an effect that no point stands before and after"
        wanted = state(host)
        total += len(undisturbed.points)
        for number, point in enumerate(undisturbed.points, 1):
            restore(whole, before)
            died = installer.run(step, kill_at=number)
            assert died.killed and died.results is None, (step, point, died)
            assert died.points == undisturbed.points[:number]
            assert installer.run(step).results == [[True, None]], (step, point)
            assert state(host) == wanted, (step, point)
            survived += 1
    with capsys.disabled():
        print(f"\n{what}: killed at {survived}/{total} points, run again, ended alike")
    assert survived == total > 20


@pytest.fixture
def ready(wizard: ModuleType, host: Host, tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, str]], Installer]:
    """A host with systemd whose directories let qemu through, and installers for it."""
    for each in (host.root, *host.root.rglob("*")):
        if each.is_dir():
            each.chmod(0o755)
    (host.root / "etc/systemd/system").mkdir(parents=True)
    (host.root / "run/systemd/system").mkdir(parents=True)
    account = (UID, GID) if may_have_an_account() else None
    packages = Path(str(wizard.__file__)).parents[2]
    return lambda values: Installer(packages, tmp_path_factory.mktemp("kept"), values, account)


def check_owners(host: Host, wanted: dict[str, tuple[int, int, int]]) -> None:
    if may_have_an_account():
        found = tree(host.root)
        assert {path: found[path][:3] for path in wanted} == wanted


def test_a_new_host_with_its_disks_elsewhere(host: Host, ready: Callable[..., Installer], capsys: pytest.CaptureFixture[str]) -> None:
    with ready(ELSEWHERE) as installer:
        survive(installer, host, capsys, "new host")
    check_owners(host, {"srv/tank": (0o40755, 0, 0), "srv/tank/vms": (0o42771, UID, GID), "etc/blockhost": (0o40755, 0, 0), "etc/blockhost/db.yaml": (0o100640, 0, GID)})
    for service in ("blockhost-provisioner", "blockhost-gc"):
        drop_in = f"etc/systemd/system/{service}.service.d/blockhost-storage-path.conf"
        assert "ReadWritePaths=-/srv/tank/vms\n" in (host.root / drop_in).read_text()
        check_owners(host, {drop_in: (0o100644, 0, 0)})
    running = host.state["daemon"]["running"]
    assert running.count("ReadWritePaths=-/srv/tank/vms") == 2 and "storage_path: /srv/tank/vms" in running


def test_a_host_that_is_configured_anew(host: Host, ready: Callable[..., Installer], capsys: pytest.CaptureFixture[str]) -> None:
    with ready(ELSEWHERE) as first:
        assert first.run(*STEPS).results == [[True, None]] * 4
    db = host.root / "etc/blockhost/db.yaml"
    db.write_text(db.read_text() + "theirs: kept\n")
    db.chmod(0o600)
    host.write("var/lib/blockhost/vms/disk.qcow2", "a disk")
    host.change(net={"active": True, "autostart": True})
    with ready(HOME_AGAIN) as installer:
        survive(installer, host, capsys, "configured anew")
    assert "theirs: kept" in db.read_text()
    assert list((host.root / "etc/systemd/system").iterdir()) == []
    running = host.state["daemon"]["running"]
    assert "ReadWritePaths" not in running and "storage_path: /var/lib/blockhost/vms" in running
    check_owners(host, {"var/lib/blockhost/vms": (0o42771, UID, GID), "etc/blockhost/db.yaml": (0o100640, 0, GID)})


@pytest.mark.skipif(not may_have_an_account(), reason="only root may give files away")
def test_files_of_others_keep_their_owners(host: Host, ready: Callable[..., Installer]) -> None:
    theirs = host.write("srv/tank/vms/somebody.qcow2", "x").parent
    os.chown(theirs, 1234, 1235)
    db = host.write("etc/blockhost/db.yaml", "mine: 1\n")
    os.chown(db, 1234, 1235)
    with ready(ELSEWHERE) as installer:
        assert installer.run(*STEPS).results == [[True, None]] * 4
    check_owners(host, {"srv/tank/vms": (stat.S_IFDIR | 0o755, 1234, 1235), "etc/blockhost/db.yaml": (0o100640, 0, GID)})


def test_a_point_that_is_not_watched_would_be_seen(tmp_path: Path) -> None:
    def work() -> list[Any]:
        (tmp_path / "unseen").write_text("x")
        os.mkdir(tmp_path / "seen")
        return []

    ended = in_a_process(work, tmp_path)
    assert [line.split()[1] for line in ended.unwatched] == ["open"]
    assert ended.points == ["before anything", f"after mkdir {tmp_path}/seen"]
    assert in_a_process(work, tmp_path, kill_at=1).killed
