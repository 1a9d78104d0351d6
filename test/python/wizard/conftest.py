from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Iterator

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "host"))
sys.dont_write_bytecode = True

from app import create_app, load_wizard  # noqa: E402

POSTED = {
    "storage_pool": "blockhost",
    "storage_path": "/var/lib/blockhost/vms",
    "ip_network": "192.168.122.0/24",
    "ip_start": "2",
    "ip_end": "254",
    "gateway": "192.168.122.1",
    "gc_grace_days": "7",
}


@pytest.fixture(scope="session")
def wizard(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return load_wizard(tmp_path_factory.mktemp("packages"))


def _text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _flags(place: Path) -> dict[str, bool]:
    return {name: (place / name).exists() for name in ("active", "autostart")}


def _put(place: Path, value: Any) -> None:
    """Mappings become directories; True, numbers and texts files; what is None or False is not there."""
    if isinstance(value, dict):
        place.mkdir(parents=True)
        for key, each in value.items():
            _put(place / key, each)
    elif value is not None and value is not False:
        place.write_text("" if value is True else str(value))


class Host(SimpleNamespace):
    """A host below a directory, with libvirt, network and template builder as a test wants them."""

    root: Path
    fake: Path

    @property
    def state(self) -> dict[str, Any]:
        """What the stand-ins for libvirt and systemd know; `count` is how often libvirt was asked."""
        libvirt, systemd = self.fake / "libvirt", self.fake / "systemd"
        return {
            "count": int(_text(libvirt / "count") or 0),
            "pools": {each.name: {"path": _text(each / "path"), **_flags(each)} for each in sorted((libvirt / "pools").iterdir())},
            "net": _flags(libvirt / "net") if (libvirt / "net").exists() else None,
            "daemon": {each.name: each.read_text() for each in sorted(systemd.iterdir())},
        }

    def change(self, **keys: Any) -> None:
        for key, value in keys.items():
            place = self.fake / key.replace("_", "-") if key == "systemd" else self.fake / "libvirt" / key.replace("_", "-")
            subprocess.run(["rm", "-rf", place], check=True)
            _put(place, value)

    def addresses(self, bridge: str, found: list[tuple[str, int]]) -> None:
        """What `ip` tells of a bridge."""
        each = [{"family": "inet", "local": address, "prefixlen": bits} for address, bits in found]
        (self.fake / f"addr-{bridge}.json").write_text(json.dumps([{"addr_info": each}]))

    def write(self, path: str, text: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(root=tmp_path / "root", fake=tmp_path / "fake")
    (made.fake / "libvirt").mkdir(parents=True)
    (made.root / "sys/class/net/br0/bridge").mkdir(parents=True)
    (made.root / "sys/class/net/eth0").mkdir()
    made.write("proc/meminfo", "MemTotal: 16384000 kB\nMemAvailable: 12582912 kB\n")
    made.change(pools={}, machines={}, systemd={"installed": True})
    (made.fake / "addr.json").write_text('[{"addr_info":[{"family":"inet","local":"192.168.122.50","prefixlen":24}]}]')
    (made.fake / "route.json").write_text('[{"dst":"default","gateway":"192.168.122.1","dev":"br0"}]')
    monkeypatch.setenv("BLOCKHOST_ROOT", str(made.root))
    monkeypatch.setenv("FAKE", str(made.fake))
    monkeypatch.setenv("PATH", f"{HERE / 'host/bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("LIBVIRT_DEFAULT_URI", raising=False)
    return made


@pytest.fixture(params=["newer", "older"])
def client(request: pytest.FixtureRequest, wizard: ModuleType, host: Host) -> Iterator[Any]:
    with create_app(wizard, newer=request.param == "newer").test_client() as made:
        made.generation = request.param
        made.get("/login")
        yield made
