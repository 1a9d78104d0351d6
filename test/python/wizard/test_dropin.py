"""The drop-ins that let the daemon write where disks lie: only where they are needed, never more than one directory."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from conftest import POSTED, Host

REPOSITORY = Path(__file__).resolve().parents[3]
SERVICES = ("blockhost-provisioner.service", "blockhost-gc.service")
HOSTILE = [
    "", "/", "//", "relative", "/srv/a b", "/srv/a\tb", "/srv/a\nExecStartPre=/bin/sh", "/srv/a\rb", "/srv/a\n", "/srv/%n", "/srv/%%", "/srv/a\\x20b", "/srv/a\\",
    '/srv/"a', "/srv/'a", "/srv/a;b", "/srv/a,b", "/srv/a:b", "/srv/$HOME", "/srv/${X}", "/srv/a#b", "/srv/é", "/srv/a\u2028b", "/srv/a\x00b", "/srv/../etc", "/srv/./a",
    "/srv/.a", "/srv/-a", "/srv//a", "-/srv", "+/srv", "/etc", "/etc/x", "/usr/local", "/run/x", "/var/run/x", "/var/tmp", "/root", "/srv/" + "\ud800",
]


def drop_ins(host: Host) -> list[Path]:
    return [host.root / f"etc/systemd/system/{service}.d/blockhost-storage-path.conf" for service in SERVICES]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_path_that_could_mean_more_in_a_unit_is_refused(wizard: ModuleType, host: Host, path: str) -> None:
    from blockhost.provisioner_libvirt import dropin
    from blockhost.provisioner_libvirt.settings import NotUsable

    with pytest.raises(NotUsable):
        dropin.settle(path)
    done, words = wizard.finalize_storage({"provisioner": {**POSTED, "storage_path": path}})
    # Nothing posted, and blanks around it, are what the form takes away itself.
    assert path.strip() in ("", "/srv/a") or (done is False and str(words).endswith("again."))
    assert path.strip() == "/srv/a" or not (host.root / "etc/systemd").exists()


def test_a_file_of_that_name_that_is_not_ours_is_left_alone_and_told(wizard: ModuleType, host: Host) -> None:
    theirs = host.write("etc/systemd/system/blockhost-gc.service.d/blockhost-storage-path.conf", "[Service]\nNice=5\n")
    for path in ("/srv/vms", "/var/lib/blockhost/vms"):
        done, words = wizard.finalize_storage({"provisioner": {**POSTED, "storage_pool": path[1:4], "storage_path": path}})
        assert done is False and str(theirs) in words and "was not written by this installer" in words
        assert theirs.read_text() == "[Service]\nNice=5\n"


def test_what_is_no_longer_needed_goes_and_others_drop_ins_stay(wizard: ModuleType, host: Host) -> None:
    theirs = host.write("etc/systemd/system/blockhost-gc.service.d/theirs.conf", "[Service]\nNice=5\n")
    assert wizard.finalize_storage({"provisioner": {**POSTED, "storage_path": "/srv/vms"}}) == (True, None)
    assert all(each.stat().st_mode & 0o777 == 0o644 for each in drop_ins(host))
    assert wizard.finalize_storage({"provisioner": {**POSTED, "storage_path": "/srv/vms2", "storage_pool": "two"}}) == (True, None)
    assert all("ReadWritePaths=-/srv/vms2\n" in each.read_text() and each.read_text().count("ReadWritePaths") == 1 for each in drop_ins(host))
    assert wizard.finalize_storage({"provisioner": {**POSTED, "storage_pool": "three"}}) == (True, None)
    left = [str(path.relative_to(host.root)) for path in (host.root / "etc/systemd/system").rglob("*") if path.is_file()]
    assert left == [str(theirs.relative_to(host.root))]


@pytest.mark.parametrize("path", ["/srv/tank/vms", "/home/VMs", "/mnt/a@b+c-d.e_f/0"])
@pytest.mark.parametrize("service", SERVICES)
def test_systemd_finds_nothing_wrong_with_the_units_and_it(wizard: ModuleType, host: Host, tmp_path: Path, path: str, service: str) -> None:
    from blockhost.provisioner_libvirt import dropin

    def verify(drop_in: str) -> str:
        lines = (REPOSITORY / "systemd" / service).read_text().splitlines()
        kept = [line for line in lines if not line.startswith(("Documentation=", "ExecStart="))]
        unit = tmp_path / service
        unit.write_text("\n".join(kept).replace("[Service]", "[Service]\nExecStart=/bin/true", 1))
        place = tmp_path / f"{service}.d"
        place.mkdir(exist_ok=True)
        (place / dropin.NAME).write_text(drop_in)
        said = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
        return said.stdout + said.stderr

    wanted = dropin.text(path)
    assert verify(wanted) == ""
    assert ("ProtectHome=read-only" in wanted) == path.startswith("/home/")
    assert "Unknown key" in verify(wanted.replace("ReadWritePaths", "ReadWritePathz"))
