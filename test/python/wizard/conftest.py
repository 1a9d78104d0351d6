from __future__ import annotations

import json
import os
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


class Host(SimpleNamespace):
    """A host below a directory, with libvirt, network and template builder as a test wants them."""

    root: Path
    fake: Path

    @property
    def state(self) -> dict[str, Any]:
        return json.loads((self.fake / "state.json").read_text())

    def change(self, **keys: Any) -> None:
        (self.fake / "state.json").write_text(json.dumps({**self.state, **keys}))

    def write(self, path: str, text: str) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(root=tmp_path / "root", fake=tmp_path / "fake")
    made.fake.mkdir()
    (made.root / "sys/class/net/br0/bridge").mkdir(parents=True)
    (made.root / "sys/class/net/eth0").mkdir()
    made.write("proc/meminfo", "MemTotal: 16384000 kB\nMemAvailable: 12582912 kB\n")
    (made.fake / "state.json").write_text(json.dumps({"calls": [], "pools": {}, "net": None, "machines": {}, "daemon": {"installed": True}}))
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
