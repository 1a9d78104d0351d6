"""The page as the installer and its automated run use it (contract §3)."""

from __future__ import annotations

import html
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import POSTED, Host
from flask import session

GARBAGE = ["", " ", "abc", "-1", "1e3", "0x10", "²", "٣", "9" * 5000, "<script>alert(1)</script>", "'\"`", "../..", "a\nb", "a\x00b", "{{7*7}}", "\ud7ff😀"]
BAD: dict[str, list[str]] = {
    "storage_pool": ["", "-x", "a b", "a/b", "x" * 65, "ä", "a\nb", "--help", "<b>"],
    "storage_path": [*GARBAGE, "relative", "/", "/etc/x", "/proc", "/var/../etc", "/var//x", "/a b", "/usr", "/run/x", "/var/tmp/x", "/var/run"],
    "bridge": ["-br0", "x" * 16, "br1", "eth0", "a b", "<b>"],
    "ip_network": [*GARBAGE, "192.168.122.0", "192.168.122.0/16", "192.168.256.0/24", "0.0.0.0/24", "127.0.0.0/24", "224.0.0.0/24", "fd00::/64", "01.2.3.0/24"],
    "ip_start": [*GARBAGE, "0", "255", "2.5", "192.168.1.2", "192.168.122.0", "192.168.122.255", "fd00::2"],
    "ip_end": [*GARBAGE, "0", "255", "1", "192.168.1.2", "192.168.122.256"],
    "gateway": [*GARBAGE, "1", "192.168.1.1", "192.168.122.0", "192.168.122.255", "192.168.122.1/24"],
    "gc_grace_days": ["", "abc", "-1", "1.5", "3651", "9" * 5000, "²", "٣", "7d", "nan"],
}


def test_the_automated_run_is_sent_on_and_its_values_are_kept(client: Any, host: Host) -> None:
    answer = client.post("/wizard/libvirt", data=POSTED)
    assert answer.status_code == 302
    assert answer.location.endswith("/wizard/ipv6" if client.generation == "newer" else "/wizard/connectivity")
    kept = session["libvirt"]
    assert {**kept, **POSTED} == kept
    assert kept["bridge"] == "br0"
    assert json.loads(json.dumps(kept)) == kept


def test_what_was_kept_is_shown_again(client: Any) -> None:
    client.post("/wizard/libvirt", data={**POSTED, "ip_start": "77", "storage_pool": "mine"})
    page = client.get("/wizard/libvirt").get_data(as_text=True)
    assert 'value="77"' in page and 'value="mine"' in page


def test_the_page_proposes_what_it_found(client: Any, host: Host) -> None:
    page = client.get("/wizard/libvirt").get_data(as_text=True)
    for value in ("192.168.122.0/24", "192.168.122.1", "2", "254", "/var/lib/blockhost/vms"):
        assert f'value="{value}"' in page
    assert "br0 — 192.168.122.50/24" in page
    assert 'class="step active"' in page and 'href="/wizard/blockchain"' in page


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "Absent: machines would be emulated"),
        ({"dev/kvm": ""}, "Present, not yet tried."),
        ({"dev/kvm": "", "key": "a-boot", "accelerator": "kvm"}, "Tried and working"),
        ({"dev/kvm": "", "key": "a-boot", "accelerator": "tcg"}, "Tried, and no guest ran on it"),
        ({"dev/kvm": "", "key": "another-boot", "accelerator": "kvm"}, "Present, not yet tried."),
    ],
)
def test_kvm_is_told_as_far_as_it_was_tried(wizard: ModuleType, host: Host, files: dict[str, str], words: str) -> None:
    host.write("proc/sys/kernel/random/boot_id", "a-boot\n")
    if "dev/kvm" in files:
        host.write("dev/kvm", "")
    if "key" in files:
        host.write("var/lib/blockhost/provisioner/accelerator.json", json.dumps({"schema": 1, "key": f"6.1 8.0 {files['key']} qemu", "accelerator": files["accelerator"]}))
    assert words in wizard.detect()["kvm"]["text"]


@pytest.mark.parametrize("broken", ["not json", "", "[]", "[{}]", '[{"addr_info":[{}]}]', "null", "[1]", '{"a":1}'])
def test_a_host_that_answers_nonsense_still_gets_the_page(client: Any, host: Host, broken: str) -> None:
    (host.fake / "addr.json").write_text(broken)
    (host.fake / "route.json").write_text(broken)
    host.change(down=True)
    host.write("proc/meminfo", "nonsense")
    host.write("var/lib/blockhost/provisioner/accelerator.json", broken)
    page = client.get("/wizard/libvirt")
    assert page.status_code == 200 and "Does not answer." in page.get_data(as_text=True)


def test_a_host_without_any_program_still_gets_the_page(client: Any, host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert client.get("/wizard/libvirt").status_code == 200
    assert client.post("/wizard/libvirt", data=POSTED).status_code == 302


@pytest.fixture
def quick(wizard: ModuleType, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the host once for many posts."""
    found = wizard.detect()
    monkeypatch.setattr(wizard, "detect", lambda: found)


@pytest.mark.parametrize("field", BAD)
def test_garbage_in_a_field_brings_the_form_back_with_a_message_and_the_values(client: Any, quick: None, field: str) -> None:
    for value in BAD[field]:
        answer = client.post("/wizard/libvirt", data={**POSTED, field: value})
        page = answer.get_data(as_text=True)
        assert answer.status_code == 200, (field, value)
        assert 'aria-invalid="true"' in page and f'<a href="#' in page, (field, value)
        assert f'value="{POSTED["storage_pool"]}"' in page or field == "storage_pool", (field, value)
        kept = str(html.escape(value.strip()[:1024], quote=True)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        assert f'value="{kept}"' in page, (field, value)
        assert "<script>alert(1)" not in page
    assert "libvirt" not in session


def test_nothing_posted_at_all_brings_the_form_back(client: Any, quick: None) -> None:
    for data in ({}, {"ip_start": ["1", "2"]}, {"unknown": "x"}):
        assert client.post("/wizard/libvirt", data=data).status_code == 200


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"ip_start": "100", "ip_end": "50"}, "ip_end", "ip_order"),
        ({"ip_start": "1", "ip_end": "1"}, "ip_end", "ip_none"),
        ({"ip_start": "50", "ip_end": "50"}, "ip_end", "ip_none"),
    ],
)
def test_a_range_that_leaves_nothing_is_refused(wizard: ModuleType, change: dict[str, str], field: str, message: str) -> None:
    from blockhost.provisioner_libvirt.fields import MESSAGES, check

    values = {**POSTED, "bridge": "br0", **change}
    assert check(values, ["br0"], ["192.168.122.50"]) == {field: MESSAGES[message]}


@pytest.mark.parametrize("session_like", [{}, {"libvirt": None}, {"libvirt": 3}, {"libvirt": {"ip_start": None}}, None, [], {"provisioner": {"storage_pool": 5}}])
def test_the_summary_takes_any_session(wizard: ModuleType, session_like: Any) -> None:
    assert isinstance(wizard.get_summary_data(session_like), dict)


def test_the_summary_shows_what_was_chosen(client: Any) -> None:
    assert "Not configured yet" in client.get("/summary").get_data(as_text=True)
    client.post("/wizard/libvirt", data=POSTED)
    page = client.get("/summary").get_data(as_text=True)
    assert "2 to 254" in page and "/var/lib/blockhost/vms" in page
    assert "252 machines can have an address: 192.168.122.2 to 192.168.122.254, without 192.168.122.50 (this host’s own)." in page
    assert "About the" not in page


def test_the_exports_are_the_contracts(wizard: ModuleType) -> None:
    assert wizard.blueprint.name == "provisioner_libvirt"
    assert wizard.wizard_libvirt.__name__ == "wizard_libvirt"
    steps = wizard.get_finalization_steps()
    assert [(len(step), step[0]) for step in steps] == [(3, "storage"), (3, "network"), (3, "db_config"), (3, "template")]
    assert all(step[2] is getattr(wizard, f"finalize_{step[0]}") for step in steps)
    assert isinstance(wizard.get_ui_params({}), dict)
