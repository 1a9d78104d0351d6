"""Machines that are none of the provisioner's: neither their metadata nor a living record says that they are."""

import json

import pytest
from conftest import disk
from test_define import UUID, define, machine

REQUESTS = {
    "virsh-destroy": {},
    "virsh-shutdown": {},
    "virsh-reboot": {},
    "virsh-undefine": {"remove_storage": True},
    "virsh-guest-exec": {"command": "true"},
    "virsh-update-gecos": {"username": "u", "gecos": "wallet=0x1,nft=1"},
}


@pytest.mark.parametrize("action", REQUESTS)
@pytest.mark.parametrize("vms", [None, {}, {"vpn": {"status": "destroyed"}}, {"vpn": 7}, {"other": {"status": "active"}}])
def test_a_foreign_machine_is_left_alone(host, action, vms):
    if vms is not None:
        (host.state / "vms.json").write_text(json.dumps({"vms": vms}))
    host.world(domains={"vpn": host.domain("running", ours=False)})
    before = host.seen()
    host.start()
    answer = host.ask(action, {"domain": "vpn", **REQUESTS[action]})
    assert answer == {"ok": False, "error": "vpn is none of the provisioner's machines"}
    assert host.seen() == before
    assert [words[0] for words in host.asked()] == ["dumpxml"]


def test_whose_it_is_is_unknown_where_the_records_cannot_be_read(host):
    (host.state / "vms.json").write_text("")
    host.world(domains={"vpn": host.domain("running", ours=False)})
    host.start()
    answer = host.ask("virsh-destroy", {"domain": "vpn"})
    assert answer == {"ok": False, "error": "whether vpn is ours is unknown: vms.json cannot be read"}


def test_a_machine_with_a_living_record_alone_is_ours(host):
    (host.state / "vms.json").write_text('{"vms": {"old": {"status": "active"}}}')
    host.world(domains={"old": host.domain("running", ours=False)})
    host.start()
    assert host.ask("virsh-destroy", {"domain": "old"}) == {"ok": True, "output": "old: powered off"}


def test_any_machine_may_be_started(host):
    host.world(domains={"vpn": host.domain(ours=False)})
    host.start()
    assert host.ask("virsh-start", {"domain": "vpn"})["ok"] is True


def test_a_foreign_machine_is_not_defined_anew(host):
    foreign = host.domain(devices=disk("/srv/vpn.img"), name="blockhost-001", ours=False)
    host.world(domains={"blockhost-001": foreign})
    host.start()
    answer = define(host, machine(host).replace(UUID, foreign["uuid"].upper()))
    assert answer == {"ok": False, "error": "blockhost-001 is none of the provisioner's machines"}
    assert all(words[0] != "define" for words in host.asked())
