"""Finalization is killed before and after each of its effects, by SIGKILL, and run again: it must end where it would have
ended undisturbed, in files, bytes, modes and owners, in libvirt and in systemd."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import POSTED, Host
from mortal import Ended, in_a_process, with_account

UID, GID = 4711, 4712
ELSEWHERE = {**POSTED, "bridge": "br0", "storage_path": "/srv/tank/vms"}
HOME_AGAIN = {**POSTED, "bridge": "br0", "storage_pool": "machines", "gc_grace_days": "3"}


def may_have_an_account() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def tree(root: Path) -> dict[str, Any]:
    """Every path with its mode, its owners and what it holds."""
    found = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(about.st_mode) else None
        found[str(path.relative_to(root))] = (oct(about.st_mode), about.st_uid, about.st_gid, content)
    return found


class Installer:
    """Runs the steps of one configuration from one state of the host to their end, or to a violent one."""

    def __init__(self, wizard: ModuleType, host: Host, place: Path, values: dict[str, str]) -> None:
        self.host, self.place = host, place
        self.config = {"provisioner": values}
        self.steps = [step[2] for step in wizard.get_finalization_steps()]

    def run(self, first: int, last: int, kill_at: int | None = None) -> Ended:
        work = lambda: [step(json.loads(json.dumps(self.config))) for step in self.steps[first:last]]  # noqa: E731
        return in_a_process(work, self.place, kill_at, self._before)

    def _before(self) -> None:
        # An installer's own umask is no reason for qemu not to get through.
        os.umask(0o077)
        if may_have_an_account():
            with_account(self.place, UID, GID)

    def state(self) -> dict[str, Any]:
        host = self.host.state
        return {"tree": tree(self.host.root), "pools": host["pools"], "net": host["net"], "daemon": host["daemon"]}

    def save(self, name: str) -> None:
        for each in (self.host.root, self.host.fake):
            target = self.place / name / each.name
            target.parent.mkdir(exist_ok=True)
            subprocess.run(["cp", "-a", each, target], check=True)

    def restore(self, name: str) -> None:
        for each in (self.host.root, self.host.fake):
            shutil.rmtree(each)
            subprocess.run(["cp", "-a", self.place / name / each.name, each], check=True)


def survive(installer: Installer, capsys: pytest.CaptureFixture[str], what: str) -> None:
    count = len(installer.steps)
    points: list[list[str]] = []
    for step in range(count):
        installer.save(f"before-{step}")
        undisturbed = installer.run(step, step + 1)
        assert undisturbed.results == [[True, None]], (step, undisturbed)
        assert undisturbed.unwatched == [], "an effect that no point stands before and after"
        points.append(undisturbed.points)
    wanted = installer.state()
    survived, total = 0, sum(len(each) for each in points)
    for step, reached in enumerate(points):
        for number, point in enumerate(reached, 1):
            installer.restore(f"before-{step}")
            died = installer.run(step, step + 1, kill_at=number)
            assert died.killed and died.results is None, (step, point, died)
            again = installer.run(step, count)
            assert again.results == [[True, None]] * (count - step), (step, point, again.results)
            assert installer.state() == wanted, (step, point)
            survived += 1
    with capsys.disabled():
        print(f"\n{what}: killed at {survived}/{total} points, run again, ended alike")
    assert survived == total > 20


@pytest.fixture
def installed(host: Host, tmp_path: Path) -> Path:
    """A host that pytest's own directories let qemu through, and a place for what a test keeps of it."""
    for each in (host.root, *host.root.rglob("*")):
        if each.is_dir():
            each.chmod(0o755)
    (host.root / "etc/systemd/system").mkdir(parents=True)
    (host.root / "run/systemd/system").mkdir(parents=True)
    place = tmp_path / "kept"
    place.mkdir()
    return place


def test_a_new_host_with_its_disks_elsewhere(wizard: ModuleType, host: Host, installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    installer = Installer(wizard, host, installed, ELSEWHERE)
    survive(installer, capsys, "new host")
    if may_have_an_account():
        owned = {path: (entry[0], *entry[1:3]) for path, entry in tree(host.root).items()}
        assert owned["srv/tank/vms"] == ("0o42771", UID, GID)
        assert owned["srv/tank"] == ("0o40755", 0, 0)
        assert owned["etc/blockhost/db.yaml"] == ("0o100640", 0, GID)


def test_a_host_that_is_configured_anew(wizard: ModuleType, host: Host, installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Installer(wizard, host, installed, ELSEWHERE)
    assert first.run(0, 4).results == [[True, None]] * 4
    host.write("etc/blockhost/db.yaml", (host.root / "etc/blockhost/db.yaml").read_text() + "theirs: kept\n").chmod(0o600)
    host.write("var/lib/blockhost/vms/disk.qcow2", "a disk")
    host.change(net={"active": True, "autostart": True})
    survive(Installer(wizard, host, installed, HOME_AGAIN), capsys, "configured anew")
    assert "theirs: kept" in (host.root / "etc/blockhost/db.yaml").read_text()
    if may_have_an_account():
        owned = {path: (entry[0], *entry[1:3]) for path, entry in tree(host.root).items()}
        assert owned["var/lib/blockhost/vms"] == ("0o42771", UID, GID)
        assert owned["etc/blockhost/db.yaml"] == ("0o100640", 0, GID)


def test_a_point_that_is_not_watched_would_be_seen(tmp_path: Path) -> None:
    def work() -> list[Any]:
        (tmp_path / "unseen").write_text("x")
        os.mkdir(tmp_path / "seen")
        return []

    ended = in_a_process(work, tmp_path)
    assert [line.split()[1] for line in ended.unwatched] == ["open"]
    assert ended.points == [f"before mkdir {tmp_path}/seen", f"after mkdir {tmp_path}/seen"]
    assert in_a_process(work, tmp_path, kill_at=1).killed
