"""The last step starts the daemon anew. Only a daemon that refuses its configuration is an error."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from types import ModuleType

import pytest
from conftest import Host


@pytest.fixture
def built(host: Host) -> Host:
    """A host that has its template and runs systemd."""
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.write("var/lib/blockhost/provisioner/bases/current", f"sha256:{'a' * 64}\n")
    host.write(f"var/lib/blockhost/provisioner/bases/{'a' * 64}.qcow2", "")
    host.write(f"var/lib/blockhost/provisioner/bases/{'a' * 64}.json", '{"boot": {"kind": "disk"}}')
    host.write("etc/blockhost/db.yaml", "bridge: br0\n")
    return host


def test_the_daemon_runs_with_what_was_written_last(wizard: ModuleType, built: Host) -> None:
    drop_in = built.write("etc/systemd/system/blockhost-provisioner.service.d/x.conf", "[Service]\n")
    assert wizard.finalize_template({}) == (True, None)
    assert built.state["daemon"]["running"] == "[Service]\nbridge: br0\n"
    drop_in.unlink()
    built.write("etc/blockhost/db.yaml", "bridge: br1\n")
    assert wizard.finalize_template({}) == (True, None)
    assert built.state["daemon"]["running"] == "bridge: br1\n"


def test_without_a_template_it_is_not_restarted(wizard: ModuleType, built: Host) -> None:
    (built.root / "var/lib/blockhost/provisioner/bases/current").unlink()
    (built.fake / "build-fails").touch()
    assert wizard.finalize_template({})[0] is False
    assert "running" not in built.state["daemon"]


@pytest.mark.parametrize(
    ("lacks", "words"),
    [("unit", "systemd calls the unit not-found"), ("systemd", "systemd does not run on this host"), ("systemctl", "this host has no systemctl")],
)
def test_where_nothing_can_be_restarted_that_is_told_and_no_error(wizard: ModuleType, built: Host, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, lacks: str, words: str) -> None:
    if lacks == "unit":
        built.change(systemd={})
    elif lacks == "systemd":
        (built.root / "run/systemd/system").rmdir()
    else:
        programs = Path(built.fake / "programs")
        programs.mkdir()
        for program in ("virsh", "ip"):
            (programs / program).symlink_to(Path(__file__).parent / "host/bin" / program)
        monkeypatch.setenv("PATH", str(programs))
    assert wizard.finalize_template({}) == (True, None)
    [told] = caplog.records
    assert told.levelno == logging.WARNING
    assert told.getMessage() == f"blockhost-provisioner.service was not restarted: {words}"


def test_a_daemon_that_refuses_its_configuration_is_told_with_its_reason(wizard: ModuleType, built: Host) -> None:
    built.change(systemd={"installed": True, "fails": "1"})
    done, words = wizard.finalize_template({})
    assert done is False
    assert words == "The daemon does not start: db.yaml: bridge is missing. Mend that, then run this step again."
    built.change(systemd={"installed": True})
    assert wizard.finalize_template({}) == (True, None)


@pytest.mark.parametrize("state", [{"fails": "75", "retrying": True}, {"fails": "75"}, {"fails": "", "retrying": True}])
def test_a_daemon_that_systemd_tries_again_is_no_error(wizard: ModuleType, built: Host, caplog: pytest.LogCaptureFixture, state: dict[str, object]) -> None:
    built.change(systemd={"installed": True, **state})
    assert wizard.finalize_template({}) == (True, None)
    assert "systemd goes on trying" in caplog.text


def test_a_systemd_that_does_not_answer_is_no_reason_to_leave_the_daemon_as_it_is(wizard: ModuleType, built: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    from blockhost.provisioner_libvirt import daemon

    monkeypatch.setattr(daemon, "_property", lambda _name: "")
    assert wizard.finalize_template({}) == (True, None)
    assert os.path.exists(built.fake / "systemd/running")
