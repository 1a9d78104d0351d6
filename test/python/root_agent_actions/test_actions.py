"""What each action asks of libvirt, and that no guest and no libvirtd can hold the agent up."""

import json
import time

import pytest
from conftest import COMMONS, PLUGIN

NAMES = [
    "virsh-define",
    "virsh-destroy",
    "virsh-guest-exec",
    "virsh-reboot",
    "virsh-shutdown",
    "virsh-start",
    "virsh-undefine",
    "virsh-update-gecos",
]
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"


@pytest.mark.parametrize("common", COMMONS)
def test_every_generation_of_the_agent_loads_the_actions_and_gets_answers(host, common):
    host.world(domains={"blockhost-001": host.domain()})
    host.start(common)
    assert host.ask("virsh-start", {"domain": "blockhost-001"}) == {"ok": True, "output": "blockhost-001: started"}
    assert host.ask("virsh-start", {"domain": "blockhost-002"}) == {
        "ok": False,
        "error": "there is no domain blockhost-002",
    }
    for name in NAMES:
        assert host.ask(name, {})["ok"] is False
        assert "Unknown action" not in host.ask(name, {})["error"]


def test_power_actions_say_what_they_did_and_that_nothing_was_to_be_done(host):
    host.world(domains={"a": host.domain()})
    host.start()
    said = [
        host.ask(f"virsh-{verb}", {"domain": "a"})["output"]
        for verb in ("start", "start", "shutdown", "reboot", "destroy", "destroy")
    ]
    assert said == [
        "a: started",
        "a: running already",
        "a: asked to shut down",
        "a: asked to reboot",
        "a: powered off",
        "a: shut off already",
    ]
    assert host.asked()[0] == ["start", "--domain", "a"]
    assert ["shutdown", "--domain", "a", "--mode", "acpi"] in host.asked()


def test_a_libvirt_that_cannot_be_asked_is_no_absent_domain(host):
    host.world(domains={}, fail=["start", "domstate", "list", "undefine"])
    host.start()
    for action in ("virsh-start", "virsh-undefine"):
        answer = host.ask(action, {"domain": "a"})
        assert answer["ok"] is False
        assert "no connection to the daemon" in answer["error"]


def test_a_line_runs_in_the_guests_own_shell_and_a_list_without_one(host):
    end = {"exited": True, "exitcode": 3, "out-data": "b3V0Cg==", "err-data": "ZXJy"}
    host.world(domains={"a": host.domain("running")}, end=end)
    host.start()
    answer = host.ask("virsh-guest-exec", {"domain": "a", "command": "echo $HOME; exit 3"})
    assert answer == {"ok": True, "output": "out\n", "exitcode": 3, "stdout": "out\n", "stderr": "err"}
    assert host.seen()["ran"] == ["/bin/sh", "-c", "echo $HOME; exit 3"]
    host.ask("virsh-guest-exec", {"domain": "a", "command": ["/bin/ls", "-l", ""]})
    assert host.seen()["ran"] == ["/bin/ls", "-l", ""]


def test_gecos_is_set_and_believed_only_when_it_was_read_back(host):
    params = {"domain": "a", "username": "customer", "gecos": f"wallet={WALLET},nft=42"}
    host.world(domains={"a": host.domain("running")})
    host.start()
    assert host.ask("virsh-update-gecos", params)["ok"] is True
    host.world(domains={"a": host.domain("running")}, stubborn=True)
    answer = host.ask("virsh-update-gecos", params)
    assert answer == {"ok": False, "error": "a still names somebody else"}


@pytest.mark.parametrize(
    "says",
    ["", "null", "[]", '{"return": 1}', '{"return": {"pid": "7; reboot"}}', '{"return": {"pid": true}}', "[" * 100_000],
)
def test_what_a_guest_answers_is_a_strangers_word(host, says):
    host.world(domains={"a": host.domain("running")}, agent_says=says)
    host.start()
    assert host.ask("virsh-guest-exec", {"domain": "a", "command": "true"})["ok"] is False


def test_a_guest_that_prints_without_end_does_not_fill_the_answer(host):
    import base64

    much = base64.b64encode(b"x" * 1_000_000).decode()
    host.world(domains={"a": host.domain("running")}, end={"exited": True, "exitcode": 0, "out-data": much})
    host.start()
    answer = host.ask("virsh-guest-exec", {"domain": "a", "command": "yes"})
    assert len(answer["stdout"]) == 65536


def test_the_bounds_that_ship_are_two_seconds_for_guests_and_five_for_all_else():
    text = PLUGIN.read_text()
    assert "\nGUEST_S = 2.0\n" in text
    assert "\nACTION_S = 5.0\n" in text


@pytest.mark.parametrize("common", ["alone", "logger"])
@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("virsh-start", {"domain": "a"}),
        ("virsh-undefine", {"domain": "a", "remove_storage": True}),
        ("virsh-guest-exec", {"domain": "a", "command": "sleep 60"}),
        ("virsh-update-gecos", {"domain": "a", "username": "u", "gecos": f"wallet={WALLET},nft=1"}),
    ],
)
def test_a_hanging_libvirt_or_guest_holds_the_agent_no_longer_than_the_bound(host, common, action, params):
    """The stub hangs for 60 s; with a bound of half a second an answer within 30 s has not waited for it."""
    host.world(domains={"a": host.domain("running")}, hang=["start", "domstate", "qemu-agent-command"])
    host.start(common, ACTION_S=0.5, GUEST_S=0.5)
    begun = time.monotonic()
    answer = host.ask(action, params)
    echo = host.ask("echo", {})
    assert time.monotonic() - begun < 30
    assert answer["ok"] is False
    assert "0.5 s" in answer["error"]
    assert echo["ok"] is True


def test_a_program_in_the_guest_that_goes_on_is_not_waited_for(host):
    host.world(domains={"a": host.domain("running")}, never_ends=True)
    host.start("logger", GUEST_S=1.0)
    begun = time.monotonic()
    answer = host.ask("virsh-guest-exec", {"domain": "a", "command": "sleep 1000"})
    assert time.monotonic() - begun < 30
    assert answer["ok"] is False
    assert answer["error"].endswith(("goes on", "go on"))


def test_an_answer_is_one_object_of_plain_json(host):
    host.world(domains={"a": host.domain("running")})
    host.start()
    assert json.loads(json.dumps(host.ask("virsh-start", {"domain": "a"}))) == {"ok": True, "output": "a: running already"}
