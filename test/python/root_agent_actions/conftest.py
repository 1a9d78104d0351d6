"""A host for the root agent's actions: directories, a virsh that only records, and the agent itself as a process."""

import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent
PLUGIN = HERE.parents[2] / "hooks" / "root-agent" / "virsh.py"

RUN = """
import subprocess
def run(cmd, timeout=120):
    try:
        done = subprocess.run(cmd, capture_output=True, text=True, timeout=timeout)
        return done.returncode, done.stdout.strip(), done.stderr.strip()
    except subprocess.TimeoutExpired:
        return 1, '', 'Command timed out'
"""
# What an agent may have beside its plugins: nothing in reach, a logger as `log`, a function as `log`, or one without `run`.
COMMONS = {
    "alone": None,
    "logger": "import logging\nlog = logging.getLogger('root-agent')\n" + RUN,
    "function": "def log(message): pass\n" + RUN,
    "broken": "raise RuntimeError('this generation cannot be imported')\n",
    # For tests that are about the actions alone: no process for each word to virsh.
    "inside": f"""
import sys
sys.path.append({str(HERE)!r})
import stub_virsh
def run(cmd, timeout=120):
    return stub_virsh.answer(cmd[cmd.index({str(HERE / "stub_virsh.py")!r}) + 1:])
""",
}


class Host:
    """The host, and a client of its agent."""

    usual = None  # the agent that most tests share, by its directory

    def __init__(self, directory):
        self.directory = directory
        self.state = directory / "state"
        self.storage = directory / "storage"
        self.world_path = directory / "world.json"
        self.log = directory / "virsh.log"
        self.socket = directory / "agent.sock"
        self.agent = None
        for path in directory.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != self.socket or Host.usual is None:
                path.unlink()
        for path in (self.state / "vms", self.state / "provisioner" / "bases", self.state / "cloud-init", self.storage):
            path.mkdir(parents=True)
        (directory / "db.yaml").write_text(f"bridge: br0\nstorage_path: {self.storage} # disks\n")
        self.world(domains={})

    def world(self, **facts):
        self.world_path.write_text(json.dumps({"log": str(self.log), **facts}))

    def seen(self):
        return json.loads(self.world_path.read_text())

    def asked(self):
        """What virsh was told, each time."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def constants(self, **more):
        usual = {
            "STATE_DIR": str(self.state),
            "DB_YAML": str(self.directory / "db.yaml"),
            "VIRSH": [sys.executable, "-S", "-E", str(HERE / "stub_virsh.py"), str(self.world_path)],
            "ACTION_S": 5.0,
        }
        return {**usual, **more}

    def start(self, common="inside", **constants):
        """Starts an agent; one that is like the usual one is started once, and knows nothing of what was before."""
        usual = common == "inside" and not constants
        if usual and Host.usual is not None:
            return
        if not usual:
            self.socket = self.directory / "own.sock"
        plugins = self.directory / "plugins"
        plugins.mkdir(exist_ok=True)
        shutil.copy(PLUGIN, plugins)
        if COMMONS[common] is not None:
            (plugins / "lib").mkdir(exist_ok=True)
            (plugins / "lib" / "_common.py").write_text(COMMONS[common])
        settings = [f"{name}={json.dumps(value)}" for name, value in self.constants(**constants).items()]
        argv = [sys.executable, str(HERE.parent / "root_agent.py"), str(self.socket), "usual", str(plugins), *settings]
        agent = subprocess.Popen(argv, stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
        assert agent.stdout.readline() == b"ready\n"
        if usual:
            Host.usual = agent
        else:
            self.agent = agent

    def ask(self, action, params):
        body = json.dumps({"action": action, "params": params}).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(30)
            client.connect(str(self.socket))
            client.sendall(struct.pack(">I", len(body)) + body)
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        (length,) = struct.unpack(">I", answer[:4])
        assert len(answer) == 4 + length
        return json.loads(answer[4:])

    def stop(self):
        if self.agent is not None:
            end(self.agent)
            self.agent = None

    def domain(self, state="shut off", devices="", name="other", ours=True):
        """A domain of the stub's world."""
        machine = '<b:machine xmlns:b="https://blockhost.io/provisioner/machine/1"/>' if ours else ""
        identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
        head = f"<name>{name}</name><uuid>{identity}</uuid><metadata>{machine}</metadata>"
        xml = f"<domain type='qemu'>{head}<devices>{devices}</devices></domain>"
        return {"uuid": identity, "state": state, "xml": xml}


def end(agent):
    agent.kill()
    agent.wait()
    agent.stdout.close()


def disk(path, extra="<backingStore/>", form="qcow2", attributes="type='file' device='disk'"):
    """A disk as libvirt describes it."""
    driver = f"<driver name='qemu' type='{form}'/>"
    return f"<disk {attributes}>{driver}<source file='{path}'/>{extra}<target dev='vda' bus='virtio'/></disk>"


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    yield tmp_path_factory.mktemp("h")
    if Host.usual is not None:
        end(Host.usual)
        Host.usual = None


@pytest.fixture
def host(directory):
    made = Host(directory)
    yield made
    made.stop()
