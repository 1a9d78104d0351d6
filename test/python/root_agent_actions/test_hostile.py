"""Ten thousand hostile requests, none of which gets as far as virsh, and an agent that lives on."""

import os
import random
import socket
import struct

COUNT = 10_000
WALLET = "0x52908400098527886E0F7030069857D2E4169EE7"
VALID = {
    "virsh-start": {"domain": "a"},
    "virsh-destroy": {"domain": "a"},
    "virsh-shutdown": {"domain": "a"},
    "virsh-reboot": {"domain": "a"},
    "virsh-define": {"xml_path": "{state}/good.xml"},
    "virsh-undefine": {"domain": "a", "remove_storage": True},
    "virsh-update-gecos": {"domain": "a", "username": "user", "gecos": f"wallet={WALLET},nft=1"},
    "virsh-guest-exec": {"domain": "a", "command": "true"},
}
WRONG_TYPES = [None, True, 0, -1, 7, 1.5, [], ["a"], {}, {"a": 1}, [[]], 10**40]
PIECES = [
    *("\0", "\n", "\r", "\t", " ", "../", "/", "//", "--", "-", ";", "|", "&", "`id`", "$(id)", "$HOME", "*", "?", "'", '"', "\\"),
    *("\u202e", "\u2028", "\ud800", "é", "ａ", "\U0001f600", "\x1b[2J", "%n", "{}", "<x>", "--all", "qemu:///x", "=", ",", ":", "_", "."),
]
NAMES = [
    *("", "-a", "--all", "7", "0", "a-", "a b", "a\n", "\na", "a\0", "a;b", "a/b", "../a", ".", "..", "a.b", "ａ", "a" * 64, "a" * 100_000),
    *("6a1f8f7e-3c0f-4d47-9d0c-0d9d5b7c9a11", "a1f8f7e0-3c0f-4d47-9d0c-0d9d5b7c9a11", "$(reboot)", "`reboot`", "a'b", 'a"b', "a\u202e"),
]
USERS = ["", "root", "Root", "-c", "a b", "a:b", "a\n", "a,b", "é", "a" * 33, "../x", "$(id)", "0a"]
GECOS = [
    *("", "wallet=,nft=1", f"wallet={WALLET},nft=0", f"wallet={WALLET},nft=", f"wallet={WALLET},nft=01", f"wallet={WALLET},nft=-1"),
    *(f"wallet={WALLET},nft=1\n", f"wallet={WALLET},nft=1:0:0", f"wallet={WALLET},nft=1,x=2", f" wallet={WALLET},nft=1", f"wallet={WALLET}"),
    *(f"wallet=0x{'0' * 40},nft=1", "wallet=a:b,nft=1", "wallet=a b,nft=1", f"wallet={'a' * 129},nft=1", f"wallet=a,nft={'1' * 79}"),
]
COMMANDS = ["", "   ", "\n", "a\0b", "x" * 5_000, "é" * 1_000, [""], ["  "], [7], ["a", None], ["a\0"], ["a"] * 5_000, [["a"]]]


def paths(host):
    """Every kind of thing that is no file of its own below the state directory."""
    state = host.state
    (host.directory / "outside.xml").write_text("<domain/>")
    (state / "link.xml").symlink_to(host.directory / "outside.xml")
    (state / "loop.xml").symlink_to(state / "loop.xml")
    (state / "way").symlink_to(host.directory)
    os.link(host.directory / "outside.xml", state / "hard.xml")
    os.mkfifo(state / "pipe.xml")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state / "s.xml"))
    (state / "large.xml").write_bytes(b" " * 300_000)
    (state / "empty.xml").touch()
    (state / "noise.xml").write_bytes(bytes(range(256)))
    inside = ["link", "loop", "way/outside", "hard", "pipe", "s", "large", "empty", "noise", "absent", "../outside", "vms/../../outside"]
    strange = ["", "/", "/etc/passwd", "/dev/zero", "/dev/watchdog", "/proc/self/mem", "/proc/self/environ", "-", "--file", "x.xml"]
    return [
        *(f"{state}/{name}.xml" for name in inside),
        *strange,
        *(str(state), f"{state}/", f"{state}/good.xml/", f"{state}/good.xml\0", f"{state}/good.xml\n", f"{state}x/good.xml"),
        *("/" * 5_000, str(state / "good.xml") + "/x" * 3_000, "file://" + str(state / "good.xml")),
    ]


def hostile_text(chance, plain):
    """A text with at least one thing in it that no name, path or GECOS of ours has."""
    return "".join(chance.choice([*PIECES, plain]) for _ in range(chance.randrange(1, 6))) + chance.choice(["\0", "\n", "\u202e", "\x7f"])


def hostile(chance, state, ways):
    action = chance.choice(list(VALID))
    params = {key: value.replace("{state}", state) if isinstance(value, str) else value for key, value in VALID[action].items()}
    key = chance.choice(list(params))
    lists = {"domain": NAMES, "xml_path": ways, "username": USERS, "gecos": GECOS, "command": COMMANDS}
    kind = chance.randrange(10)
    if kind == 0:
        return action, chance.choice([None, 7, "a", [], [params], True])
    if key == "remove_storage":
        params[key] = chance.choice([None, 0, 1, "true", "false", "yes", [], {}, 1.0])
    elif kind == 1:
        del params[key]
    elif kind < 4:
        params[key] = chance.choice([wrong for wrong in WRONG_TYPES if not (key == "command" and wrong == ["a"])])
    elif kind < 7 and key != "command":
        params[key] = hostile_text(chance, str(params[key]))
    else:
        params[key] = chance.choice(lists[key])
    return action, params


def test_no_hostile_request_reaches_virsh(host):
    seed = int(os.environ.get("FUZZ_SEED", "20261125"))
    chance = random.Random(seed)
    ways = paths(host)
    (host.state / "good.xml").write_text("<domain/>")
    host.world(domains={"a": host.domain("running")})
    host.start("logger")
    for number in range(COUNT):
        action, params = hostile(chance, str(host.state), ways)
        answer = host.ask(action, params)
        where = f"FUZZ_SEED={seed}, request {number}: {action} {str(params)[:200]!r} -> {answer}"
        assert answer["ok"] is False, where
        assert set(answer) == {"ok", "error"}, where
        assert 0 < len(answer["error"]) < 1_000 and answer["error"].isprintable(), where
    assert host.asked() == []
    assert host.ask("virsh-start", {"domain": "a"})["ok"] is True


def test_what_is_no_request_at_all_does_not_end_the_agent(host):
    host.start("logger")
    for data in (b"", b"\0", struct.pack(">I", 2**31), struct.pack(">I", 3) + b"{}", struct.pack(">I", 4) + b"\xff\xfe\0\0"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(host.socket))
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            assert client.recv(10) == b""
    assert host.ask("echo", {})["ok"] is True
