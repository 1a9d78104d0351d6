"""Finalization: each step does what it says, twice as well as once, and again after it was cut off anywhere."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from conftest import POSTED, Host

DB = "etc/blockhost/db.yaml"
DIGEST = "a" * 64


def config(where: str = "provisioner", **changes: Any) -> dict[str, Any]:
    """As it comes back from the installer's JSON file."""
    return json.loads(json.dumps({where: {**POSTED, "bridge": "br0", **changes}, "keypair": {"x": 1}}))


def run_all(wizard: ModuleType, given: Any) -> list[tuple[bool, Any]]:
    return [work(given) for _, _, work in wizard.get_finalization_steps()]


def tree(host: Host) -> dict[str, Any]:
    """What a finalization leaves behind, without the record of how it got there."""
    db = host.root / DB
    state = host.state
    return {
        "db": db.read_text() if db.exists() else None,
        "files": sorted(str(path.relative_to(host.root)) for path in host.root.rglob("*")),
        "pools": state["pools"],
        "net": state["net"],
    }


@pytest.mark.parametrize("where", ["provisioner", "libvirt"])
def test_all_steps_succeed_and_a_second_run_changes_nothing(wizard: ModuleType, host: Host, where: str) -> None:
    given = config(where)
    assert run_all(wizard, given) == [(True, None)] * 4
    before, written = tree(host), os.stat(host.root / DB).st_mtime_ns
    assert run_all(wizard, given) == [(True, None)] * 4
    assert tree(host) == before and os.stat(host.root / DB).st_mtime_ns == written
    path = host.root / "var/lib/blockhost/vms"
    assert stat.S_IMODE(path.stat().st_mode) == 0o2771
    assert before["pools"] == {"blockhost": {"path": str(path), "active": True, "autostart": True}}


@pytest.mark.parametrize("given", [{}, {"provisioner": None}, None, {"provisioner": {}}])
def test_without_any_choice_the_hosts_own_values_are_taken(wizard: ModuleType, host: Host, given: Any) -> None:
    assert run_all(wizard, given) == [(True, None)] * 4
    found = yaml.safe_load((host.root / DB).read_text())
    assert found["ip_pool"] == {"network": "192.168.122.0/24", "start": 2, "end": 254, "gateway": "192.168.122.1"}


def test_db_yaml_keeps_foreign_keys_and_gets_ours(wizard: ModuleType, host: Host) -> None:
    path = host.write(DB, "mine: [1, 2]\nip_pool: {network: 10.0.0.0/24, extra: kept}\ngc_grace_days: 99\ndefault_expiry_days: 14\nfields: {a: ü}\n")
    path.chmod(0o644)
    assert wizard.finalize_db_config(config()) == (True, None)
    assert yaml.safe_load(path.read_text()) == {
        "mine": [1, 2],
        "fields": {"a": "ü"},
        "db_file": "/var/lib/blockhost/vms.json",
        "default_expiry_days": 14,
        "gc_grace_days": 7,
        "bridge": "br0",
        "storage_pool": "blockhost",
        "storage_path": "/var/lib/blockhost/vms",
        "ip_pool": {"network": "192.168.122.0/24", "extra": "kept", "start": 2, "end": 254, "gateway": "192.168.122.1"},
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in path.parent.iterdir()] == ["db.yaml"]


@pytest.mark.parametrize("text", ["a: [", "- 1", "just words", "\x00"])
def test_a_db_yaml_that_is_not_understood_is_left_alone(wizard: ModuleType, host: Host, text: str) -> None:
    path = host.write(DB, text)
    done, words = wizard.finalize_db_config(config())
    assert done is False and "then run this step again" in words
    assert path.read_text() == text


def test_a_write_that_is_cut_off_leaves_the_old_file_whole(wizard: ModuleType, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    path = host.write(DB, "mine: 1\n")
    for call in ("fsync", "fchmod", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, lambda *_a, **_k: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            done, words = wizard.finalize_db_config(config())
        assert done is False and "No space left on device" in words
        assert path.read_text() == "mine: 1\n" and len(list(path.parent.iterdir())) == 1
    assert wizard.finalize_db_config(config()) == (True, None)


def test_a_libvirt_that_fails_at_any_question_is_told_and_the_next_run_finishes(wizard: ModuleType, host: Host) -> None:
    fresh = {"pools": {}, "net": {"active": True, "autostart": True}}
    wanted = None

    def both() -> list[tuple[bool, Any]]:
        return [wizard.finalize_storage(config()), wizard.finalize_network(config())]

    for fail_at in range(1, 40):
        host.change(**fresh, count=0, fail_at=fail_at)
        broken = both()
        assert all(done is True and words is None or done is False and "again" in words for done, words in broken)
        asked = host.state["count"]
        host.change(fail_at=None)
        assert both() == [(True, None)] * 2
        wanted = wanted or tree(host)
        assert tree(host) == wanted
        if fail_at > asked:
            break
    assert wanted is not None and wanted["net"] == {"active": False, "autostart": False}
    assert fail_at > 8


def test_a_pool_that_lies_elsewhere_is_refused_and_not_touched(wizard: ModuleType, host: Host) -> None:
    there = {"blockhost": {"path": "/srv/other", "active": True, "autostart": True}}
    host.change(pools=there)
    done, words = wizard.finalize_storage(config())
    assert done is False and "/srv/other" in words and host.state["pools"] == there


def test_a_file_in_the_directorys_place_is_told(wizard: ModuleType, host: Host) -> None:
    host.write("var/lib/blockhost/vms", "")
    done, words = wizard.finalize_storage(config())
    assert done is False and "is no directory" in words


def test_a_strangers_directory_that_qemu_cannot_pass_is_told_not_opened(wizard: ModuleType, host: Host) -> None:
    (host.root / "srv/closed").mkdir(parents=True, mode=0o700)
    done, words = wizard.finalize_storage(config(storage_path="/srv/closed/vms"))
    assert done is False and "chmod o+x" in words
    assert stat.S_IMODE((host.root / "srv/closed").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("bridge", "addresses", "words"),
    [("br9", "[]", "no bridge br9"), ("br0", "[]", "has no IPv4 address"), ("br0", "nonsense", "could not be found out"), ("eth0", "[]", "no bridge eth0")],
)
def test_a_bridge_that_is_not_ready_is_told(wizard: ModuleType, host: Host, bridge: str, addresses: str, words: str) -> None:
    (host.fake / "addr.json").write_text(addresses)
    done, said = wizard.finalize_network(config(bridge=bridge))
    assert done is False and words in said and "run this step again" in said


@pytest.mark.parametrize("xml", ["<source network='default'/>", '<source network="default" portid="x"/>', "<source bridge='virbr0'/>"])
def test_libvirts_network_stays_while_a_machine_stands_on_it(wizard: ModuleType, host: Host, xml: str) -> None:
    used = {"active": True, "autostart": True}
    host.change(net=used, machines={"1": f"<domain>{xml}</domain>"})
    assert wizard.finalize_network(config()) == (True, None)
    assert host.state["net"] == used


def test_a_template_that_exists_is_enough_and_a_half_one_is_not(wizard: ModuleType, host: Host) -> None:
    bases = "var/lib/blockhost/provisioner/bases"
    (host.fake / "build-fails").touch()
    done, words = wizard.finalize_template({})
    assert done is False and "lacks mmdebstrap" in words and "again" in words
    host.write(f"{bases}/current", f"sha256:{DIGEST}\n")
    host.write(f"{bases}/{DIGEST}.qcow2", "")
    assert wizard.finalize_template({})[0] is False
    host.write(f"{bases}/{DIGEST}.json", json.dumps({"boot": {"kind": "disk"}}))
    assert wizard.finalize_template({}) == (True, None)
    assert (host.fake / "builds").read_text().count("called") == 2


@pytest.mark.parametrize("garbage", [3, "x", [], {"provisioner": {"ip_start": []}}, {"libvirt": {"storage_path": "../x"}}, {"provisioner": {"gc_grace_days": {"a": 1}}}, {"provisioner": {"bridge": "../../etc"}}])
def test_a_configuration_of_garbage_is_told_never_raised(wizard: ModuleType, host: Host, garbage: Any) -> None:
    for done, words in run_all(wizard, garbage):
        assert (done, words) == (True, None) or (done is False and isinstance(words, str) and words.endswith("again."))


def test_the_wait_for_a_program_that_hangs_ends(wizard: ModuleType, host: Host) -> None:
    from blockhost.provisioner_libvirt.host import run

    answer = run(["sh", "-c", "sleep 60 & wait"], 0.2)
    assert answer.code is None and "did not answer within 0.2 seconds" in answer.err
