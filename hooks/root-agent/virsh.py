"""What the host's root agent does with libvirt for the provisioner, from /usr/share/blockhost/root-agent-actions/.

One file, because the agent takes every module beside it for a plugin. Nothing but `run` is taken from its `_common`.

INVARIANTS
- The agent is single-threaded: an action ends within ACTION_S, one that speaks to a guest within GUEST_S. Nothing here
  waits for a guest to shut down or to boot; what was asked of it shows in its state.
- Whoever asks may be anyone who took over user `blockhost`. Parameters are read by allow-lists, programs get argument
  lists, and no host file outside of the state and storage directories comes within a guest's reach.
- Machines that are none of the provisioner's are left alone, except that they may be started.
- Unknown is not no: where it cannot be told who needs a file, or what a definition means, the action is refused.
- Handlers never raise: {"ok": True, "output": text} or {"ok": False, "error": sentence}.
"""

import base64
import json
import os
import re
import stat
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

try:
    from _common import run
except Exception:  # an agent that loads plugins without its own directory in sys.path

    def run(cmd, timeout=120):
        ways = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False}
        done = subprocess.run(cmd, timeout=timeout, **ways)
        return done.returncode, done.stdout.strip(), done.stderr.strip()


STATE_DIR = "/var/lib/blockhost"
DB_YAML = "/etc/blockhost/db.yaml"
# An environment of its own: no LIBVIRT_*, no language but English.
VIRSH = (
    *("/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "XDG_CACHE_HOME=/dev/null"),
    *("/usr/bin/virsh", "-q", "-c", "qemu:///system"),
)
ACTION_S = 5.0
GUEST_S = 2.0
LARGEST_XML_BYTES = 256 * 1024
LARGEST_AGENT_MESSAGE = 4096  # agents in the field do not answer longer ones
LARGEST_OUTPUT = 64 * 1024
EMULATORS = ("/usr/bin/qemu-system-x86_64", "/usr/bin/kvm")

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
# Token 0 is the administrator's, and nobody can sign for the zero address.
GECOS = re.compile(r"wallet=(?!0x0+,)[A-Za-z0-9_-]{1,128},nft=[1-9][0-9]{0,77}")
IMAGE = re.compile(r".+\.(qcow2|img|raw|iso)", re.DOTALL)
NOTHING = re.compile("")
WORD = re.compile(r"[A-Za-z0-9 _.:-]{0,128}")

MACHINE = "https://blockhost.io/provisioner/machine/1"
ET.register_namespace("blockhost", MACHINE)


class Refusal(Exception):
    """Why nothing was done, in one sentence."""


def _action(handle, of_guests=False):
    """A handler of the agent's shape around `handle(params, left)`; `left()` tells the seconds that it still has."""

    def action(params):
        bound_s = GUEST_S if of_guests else ACTION_S
        end_s = time.monotonic() + bound_s

        def left():
            rest_s = end_s - time.monotonic()
            if rest_s <= 0:
                raise Refusal(f"not done within {bound_s:g} s; what was begun may go on")
            return rest_s

        try:
            if not isinstance(params, dict):
                raise Refusal("the parameters are no object")
            result = handle(params, left)
            return {"ok": True, **(result if isinstance(result, dict) else {"output": result})}
        except Refusal as refusal:
            return {"ok": False, "error": str(refusal)}
        except Exception as error:  # the agent must live on, and a message of Python's may quote what it read
            return {"ok": False, "error": f"refused: {type(error).__name__} while it was looked at"}

    return action


def _virsh(left, *words):
    try:
        code, out, err = run([*VIRSH, *words], timeout=left())
    except subprocess.TimeoutExpired:
        left()
        raise Refusal("libvirt does not answer in time") from None
    if code != 0:
        left()  # a `run` that turns its time-out into an exit code
    return code, out, err


def _said(err):
    """The first thing that libvirt complains of, fit for one line."""
    lines = [line.removeprefix("error:").strip() for line in err.splitlines() if line.strip()]
    return "".join(c if c.isprintable() else " " for c in " / ".join(lines))[:300] or "virsh failed without a word"


def _expect(what, outcome):
    code, out, err = outcome
    if code != 0:
        raise Refusal(f"{what}: {_said(err)}")
    return out


def _domain(params):
    name = params.get("domain")
    if not isinstance(name, str) or not NAME.fullmatch(name) or UUID.fullmatch(name):
        raise Refusal("domain wants the name of a machine: a letter, then letters, digits and dashes, at most 63")
    return name


def _state(left, name):
    """libvirt's word, or `absent`: only where libvirt itself lists all its domains without this one."""
    code, out, err = _virsh(left, "domstate", "--domain", name)
    if code == 0:
        return out.strip()
    names = _expect("the domains cannot be listed", _virsh(left, "list", "--all", "--name"))
    if name in names.split("\n"):
        raise Refusal(f"the state of {name} is unknown: {_said(err)}")
    return "absent"


def _is_ours(tree, name):
    """
    By its metadata, or by a record that says it lives. A border against mistakes, not against `blockhost`, who writes
    the records.
    """
    if tree.find(f"metadata/{{{MACHINE}}}machine") is not None:
        return True
    try:
        with _open_regular(os.path.join(STATE_DIR, "vms.json"))[0] as file:
            record = json.load(file)["vms"].get(name)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(f"whether {name} is ours is unknown: vms.json cannot be read") from None
    return isinstance(record, dict) and record.get("status") != "destroyed"


def _own(left, name):
    """The definition that comes next of a machine of ours; None where there is no such domain."""
    code, out, err = _virsh(left, "dumpxml", "--domain", name, "--inactive")
    if code != 0:
        if _state(left, name) == "absent":
            return None
        raise Refusal(f"{name} cannot be described: {_said(err)}")
    tree = _parse(out)
    if not _is_ours(tree, name):
        raise Refusal(f"{name} is none of the provisioner's machines")
    return tree


def _expect_own(left, name):
    if _own(left, name) is None:
        raise Refusal(f"there is no domain {name}")


# --- power


def _power(words, done, done_before):
    def handle(params, left):
        name = _domain(params)
        if words[0] != "start":  # kindness asks less
            _expect_own(left, name)
        code, _, err = _virsh(left, words[0], "--domain", name, *words[1:])
        if code == 0:
            return f"{name}: {done}"
        state = _state(left, name)
        if state == done_before:
            return f"{name}: {state} already"
        raise Refusal(f"there is no domain {name}" if state == "absent" else f"{name} is {state}: {_said(err)}")

    return _action(handle)


# --- guests


def _agent_message(execute, arguments):
    message = json.dumps({"execute": execute, "arguments": arguments})
    if len(message) > LARGEST_AGENT_MESSAGE:
        raise Refusal(f"the command is too long: {len(message)} characters, at most {LARGEST_AGENT_MESSAGE}")
    return message


def _exec_arguments(argv):
    return {"path": argv[0], "arg": argv[1:], "capture-output": True}


def _ask_agent(left, name, execute, arguments):
    message = _agent_message(execute, arguments)
    answer = _virsh(left, "qemu-agent-command", "--domain", name, "--timeout", "1", message)
    answer = json.loads(_expect(f"the agent in {name} does not answer", answer))
    if not isinstance(answer, dict) or not isinstance(answer.get("return"), dict):
        raise Refusal(f"the agent in {name} answered what cannot be read")
    return answer["return"]


def _text(data):
    if not isinstance(data, str):
        return ""
    return base64.b64decode(data).decode("utf-8", "replace")[:LARGEST_OUTPUT]


def _run_in_guest(left, name, argv):
    pid = _ask_agent(left, name, "guest-exec", _exec_arguments(argv)).get("pid")
    if type(pid) is not int:
        raise Refusal(f"the agent in {name} answered what cannot be read")
    for pause_s in (0.02, 0.05, 0.1, *[0.2] * 100):
        status = _ask_agent(left, name, "guest-exec-status", {"pid": pid})
        if status.get("exited") is True:
            code = status.get("exitcode")
            if type(code) is not int:  # a signal ended it
                code = 128 + (status["signal"] if type(status.get("signal")) is int else 0)
            return {"exitcode": code, "stdout": _text(status.get("out-data")), "stderr": _text(status.get("err-data"))}
        if left() <= pause_s:
            raise Refusal(f"process {pid} in {name} still runs after {GUEST_S:g} s, and goes on")
        time.sleep(pause_s)
    raise Refusal(f"process {pid} in {name} still runs, and goes on")


def _guest_exec(params, left):
    """`command` is a line for the guest's own shell, or a list: a program of the guest with its arguments."""
    name, command = _domain(params), params.get("command")
    argv = command if isinstance(command, list) else ["/bin/sh", "-c", command]
    if not argv or not all(isinstance(word, str) and "\0" not in word for word in argv):
        raise Refusal("command wants a line of text, or a list of words")
    if not argv[0].strip() or not "".join(argv[2:] if isinstance(command, str) else argv).strip():
        raise Refusal("command is empty")
    _agent_message("guest-exec", _exec_arguments(argv))
    _expect_own(left, name)
    result = _run_in_guest(left, name, argv)
    return {"output": result["stdout"], **result}


def _update_gecos(params, left):
    name, user, gecos = _domain(params), params.get("username"), params.get("gecos")
    if not isinstance(user, str) or not USERNAME.fullmatch(user) or user == "root":
        raise Refusal("username wants the name of the customer's user")
    if not isinstance(gecos, str) or not GECOS.fullmatch(gecos):
        raise Refusal("gecos wants wallet=<address>,nft=<token id>")
    _expect_own(left, name)
    changed = _run_in_guest(left, name, ["/usr/sbin/usermod", "-c", gecos, user])
    if changed["exitcode"] != 0:
        raise Refusal(f"usermod in {name} ended with {changed['exitcode']}: {_said(changed['stderr'])}")
    entry = _run_in_guest(left, name, ["/usr/bin/getent", "passwd", user])["stdout"]
    if entry.split("\n")[0].split(":")[4:5] != [gecos]:
        raise Refusal(f"{name} still names somebody else")
    return f"{name}: GECOS of {user} is {gecos}"


# --- files


def _open_regular(path, below=None, kinds=(stat.S_ISREG,)):
    """
    The opened file, its status and its true path. It is looked at before it is opened for reading (opening a device can
    do harm), and what is read is what was looked at, whatever has been put in its place since.
    """
    seen = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        status, real = os.fstat(seen), os.readlink(f"/proc/self/fd/{seen}")
        if not any(kind(status.st_mode) for kind in kinds):
            raise Refusal(f"{_said(path)} is no regular file")
        if below is not None and not _is_below(real, below):
            raise Refusal(f"{_said(path)} does not lie below {below}")
        return os.fdopen(os.open(f"/proc/self/fd/{seen}", os.O_RDONLY | os.O_CLOEXEC), "rb"), status, real
    finally:
        os.close(seen)


def _is_below(path, *directories):
    return any(path.startswith(directory.rstrip("/") + "/") for directory in directories)


def _storage_path():
    """`storage_path` of db.yaml, as plain as people write it; refuses where a YAML parser might read something else."""
    fallback = STATE_DIR + "/vms"
    try:
        file, status, _ = _open_regular(DB_YAML)
    except FileNotFoundError:
        return fallback
    with file:
        text = file.read(LARGEST_XML_BYTES).decode("utf-8")
    if status.st_size >= LARGEST_XML_BYTES:
        raise Refusal(f"{DB_YAML} is too long")
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise Refusal(f"{DB_YAML} may be written by others than root")
    values = re.findall(r"^storage_path[ \t]*:(.*)$", text, re.MULTILINE)
    if not values or re.fullmatch(r"\s*(~|null|\"\"|'')?\s*(#.*)?", values[0]):
        return fallback
    plain = re.fullmatch(r"""\s+(?:"(/[^"\\]*)"|'(/[^']*)'|(/[^\s#:'"]*))\s*(?:\s#.*)?""", values[0])
    if len(values) > 1 or plain is None or ".." in (path := next(filter(None, plain.groups()))):
        raise Refusal(f"storage_path in {DB_YAML} cannot be read")
    if os.path.realpath(path) == "/":
        raise Refusal(f"storage_path in {DB_YAML} is the whole host")
    return path


def _places():
    """Where disks may lie: (state, storage), as they really are."""
    return os.path.realpath(STATE_DIR), os.path.realpath(_storage_path())


# --- what a definition may hold: element -> (its attributes, its children). Nothing else passes.

SHAPES = {
    "domain": (
        "type",
        "name uuid title description metadata memory currentMemory vcpu cputune os features cpu clock pm on_poweroff"
        " on_reboot on_crash devices",
    ),
    **dict.fromkeys(("name", "uuid", "title", "description", "metadata", "kernel", "initrd", "cmdline"), ("", "")),
    **dict.fromkeys(("memory", "currentMemory"), ("unit", "")),
    "vcpu": ("placement current", ""),
    "cputune": ("", "shares period quota"),
    **dict.fromkeys(("shares", "period", "quota", "on_poweroff", "on_reboot", "on_crash"), ("", "")),
    "os": ("", "type boot bootmenu kernel initrd cmdline"),
    "type": ("arch machine", ""),
    "boot": ("dev order", ""),
    "bootmenu": ("enable timeout", ""),
    "features": ("", "acpi apic pae vmport"),
    **dict.fromkeys(("acpi", "apic", "pae", "vmport"), ("state eoi", "")),
    "cpu": ("mode match check migratable", "model vendor topology feature"),
    "vendor": ("", ""),
    "model": ("fallback name type", ""),
    "topology": ("sockets dies cores threads", ""),
    "feature": ("policy name", ""),
    "clock": ("offset", "timer"),
    "timer": ("name tickpolicy present track", ""),
    "pm": ("", "suspend-to-mem suspend-to-disk"),
    **dict.fromkeys(("suspend-to-mem", "suspend-to-disk"), ("enabled", "")),
    "devices": (
        "",
        "emulator disk controller interface serial console channel input rng memballoon watchdog panic audio",
    ),
    "emulator": ("", ""),
    "disk": ("type device", "driver source backingStore target readonly boot iotune alias address"),
    "driver": ("name type cache io discard detect_zeroes error_policy queues", ""),
    "source": ("file bridge", "seclabel"),
    "seclabel": ("model relabel", ""),
    "backingStore": ("type", "format source backingStore"),
    "format": ("type", ""),
    "target": ("dev bus type name port chassis", "model"),
    "readonly": ("", ""),
    "iotune": ("", "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec"),
    **dict.fromkeys((f"{of}_{unit}_sec" for of in ("total", "read", "write") for unit in ("bytes", "iops")), ("", "")),
    "alias": ("name", ""),
    "address": ("type controller bus target unit domain slot function multifunction port", ""),
    "controller": ("type index model ports", "model target master alias address"),
    "master": ("startport", ""),
    "interface": ("type", "source mac model port filterref target link mtu bandwidth driver rom boot alias address"),
    "mac": ("address", ""),
    "port": ("isolated", ""),
    "filterref": ("filter", "parameter"),
    "parameter": ("name value", ""),
    "link": ("state", ""),
    "mtu": ("size", ""),
    "bandwidth": ("", "inbound outbound"),
    **dict.fromkeys(("inbound", "outbound"), ("average peak burst", "")),
    "rom": ("enabled bar", ""),
    **dict.fromkeys(("serial", "console", "channel"), ("type", "target alias address")),
    "input": ("type bus", "alias address"),
    "rng": ("model", "backend rate alias address"),
    "backend": ("model", ""),
    "rate": ("bytes period", ""),
    "memballoon": ("model autodeflate freePageReporting", "stats alias address"),
    "stats": ("period", ""),
    "watchdog": ("model action", "alias address"),
    "panic": ("model", "alias address"),
    "audio": ("id type", ""),
}
CHOICES = {
    ("domain", "type"): ("kvm", "qemu"),
    ("disk", "type"): ("file",),
    ("disk", "device"): ("disk", "cdrom"),
    ("driver", "type"): ("qcow2", "raw"),
    ("format", "type"): ("qcow2", "raw"),
    ("backingStore", "type"): ("file",),
    ("seclabel", "model"): ("dac",),
    ("seclabel", "relabel"): ("no",),
    ("interface", "type"): ("bridge",),
    ("serial", "type"): ("pty",),
    ("console", "type"): ("pty",),
    ("channel", "type"): ("unix",),
    ("input", "type"): ("mouse", "keyboard", "tablet"),
    ("backend", "model"): ("random",),
    ("watchdog", "action"): ("reset", "shutdown", "poweroff", "pause", "none"),
    ("audio", "type"): ("none",),
}
# Texts that may hold more than a word; `None`: looked at by the one who knows what it is.
TEXTS = {
    **dict.fromkeys(("title", "description", "cmdline"), re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]{0,4096}")),
    **dict.fromkeys(("kernel", "initrd")),
    "name": NAME,
    "uuid": UUID,
    "emulator": re.compile("|".join(map(re.escape, EMULATORS))),
    "backend": re.compile("/dev/u?random"),
}


def _parse(text):
    if re.search(r"<!(?!--|\[CDATA\[)", text):
        raise Refusal("a definition has no document type and no entities")
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise Refusal(f"the definition is no XML: {_said(str(error))}") from None


def _check_shape(element):
    tag = element.tag
    attributes, children = (set(part.split()) for part in SHAPES[tag])
    for name, value in element.attrib.items():
        allowed = CHOICES.get((tag, name))
        if name not in attributes or (allowed is not None and value not in allowed):
            raise Refusal(f"a definition may not say {_said(name)}={_said(value)!r} in <{tag}>")
        if name != "file" and not WORD.fullmatch(value):
            raise Refusal(f"a definition may not say {_said(name)}={_said(value)!r} in <{tag}>")
    if tag == "metadata":
        return  # nobody but its owner reads it
    pattern = NOTHING if children else TEXTS.get(tag, WORD)
    text = element.text or ""
    if pattern is not None and not pattern.fullmatch(text if tag in TEXTS else text.strip()):
        raise Refusal(f"a definition may not say {_said(text)!r} in <{tag}>")
    for child in element:
        if child.tag not in children or (child.tail or "").strip():
            raise Refusal(f"a definition may have no {_said(str(child.tag))} in <{tag}>")
        _check_shape(child)


def _only(element, tag):
    found = element.findall(tag)
    if len(found) > 1:
        raise Refusal(f"a definition has one {tag} in <{element.tag}>")
    return found[0] if found else None


def _check_file(path, places, role):
    """`role`: disk (the guest writes to it), drive (it reads all of it), below (it stands on it, or boots from it)."""
    state, storage = places
    if not path.startswith("/") or not path.isprintable() or os.path.normpath(path) != path:
        raise Refusal(f"a guest's file wants an absolute path: {_said(path)}")
    real = os.path.realpath(path)
    fits = IMAGE.fullmatch(real) and not _is_below(real, state + "/provisioner")
    if role == "below":
        fits = fits or _is_below(real, state + "/provisioner/bases")
    if not fits or not _is_below(real, state, storage):
        raise Refusal(f"a guest may not have {_said(path)} as its {role}")
    try:
        status = os.stat(real)
    except FileNotFoundError:
        return real
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise Refusal(f"{_said(path)} is no regular file of its own")
    return real


def _check_disk(disk, places):
    """The real path of what the guest writes to; None where it writes to nothing."""
    driver, source = _only(disk, "driver"), _only(disk, "source")
    kind = disk.get("device", "disk")
    if source is None and kind == "cdrom" and disk.find("backingStore") is None:
        return None
    if source is None or source.get("file") is None or driver is None or driver.get("type") is None:
        raise Refusal("a disk says its file and its format")
    writes = kind == "disk" and _only(disk, "readonly") is None
    real = _check_file(source.get("file"), places, "disk" if writes else "drive")
    image, form = disk, driver.get("type")
    # libvirt looks for itself where a chain is not spelled out, and an image's header may name any file of the host.
    while form == "qcow2":
        image = _only(image, "backingStore")
        if image is None:
            raise Refusal("a qcow2 disk says what it stands on: an empty <backingStore/> where that is nothing")
        below, format_of = _only(image, "source"), _only(image, "format")
        if below is None and format_of is None and _only(image, "backingStore") is None:
            break
        if below is None or below.get("file") is None or format_of is None or format_of.get("type") is None:
            raise Refusal("what a disk stands on says its file and its format")
        _check_file(below.get("file"), places, "below")
        form = format_of.get("type")
    if form == "raw" and image.find("backingStore/source") is not None:
        raise Refusal("a raw disk stands on nothing")
    return real if writes else None


def _check_definition(text, places):
    """(the definition anew, its name, its UUID or None, what the guest writes to)."""
    domain = _parse(text)
    if domain.tag != "domain":
        raise Refusal("the file defines no domain")
    _check_shape(domain)
    name = _only(domain, "name")
    if name is None or domain.get("type") is None:
        raise Refusal("a definition has a name and a type")
    uuid = _only(domain, "uuid")
    for interface in domain.findall("devices/interface"):
        if interface.get("type") is None:
            raise Refusal("an interface says its type")
    for tag in ("kernel", "initrd"):
        for element in domain.findall(f"os/{tag}"):
            _check_file(element.text or "", places, "below")
    written = [_check_disk(disk, places) for disk in domain.findall("devices/disk")]
    again = ET.tostring(domain, encoding="unicode")
    return again, _domain({"domain": name.text}), None if uuid is None else uuid.text.lower(), [w for w in written if w]


# --- who needs a file


def _described(left, uuids):
    """Both definitions of each domain, the one that runs and the one that comes next."""
    trees = []
    for at in range(0, len(uuids), 200):
        some, mark = uuids[at : at + 200], "blockhost-next-definition"
        # One virsh for many: several commands in one argument, made of UUIDs alone.
        script = "".join(f"dumpxml {u}; echo {mark}; dumpxml {u} --inactive; echo {mark}; " for u in some)
        out = _expect("the domains cannot be described", _virsh(left, script))
        texts = [part for part in out.split(mark) if part.strip()]
        if len(texts) != 2 * len(some):
            raise Refusal("the domains cannot be described: one came or went")
        trees += map(_parse, texts)
    return trees


def _uuids(left):
    listed = _expect("the domains cannot be listed", _virsh(left, "list", "--all", "--uuid")).split()
    if not all(UUID.fullmatch(uuid) for uuid in listed):
        raise Refusal("the domains cannot be listed")
    return listed


def _below_image(path):
    """What an image's header says that it stands on; None for nothing on this host."""
    file, _, real = _open_regular(path, kinds=(stat.S_ISREG, stat.S_ISBLK))
    with file:
        header = file.read(104)
        if header[:4] != b"QFI\xfb":
            if header[:4] in (b"KDMV", b"COWD", b"QED\0", b"vhdx", b"cone", b"<<< ", b"With"):
                raise Refusal(f"what {_said(path)} stands on is unknown")
            return None
        version, at, size = (int.from_bytes(header[a:b], "big") for a, b in ((4, 8), (8, 16), (16, 20)))
        if version not in (2, 3) or size > 1023 or (version == 3 and header[79] & 4):  # 4: its data lie in another file
            raise Refusal(f"what {_said(path)} stands on is unknown")
        if at == 0:
            return None
        file.seek(at)
        named = file.read(size).decode("utf-8")
    if re.match(r"(nbd|rbd|iscsi|https?|ftps?|ssh|gluster|vxhs)[+:]", named):
        return None
    if re.match(r"[a-z][a-z0-9+.-]*:", named) or len(named) != size or not named:
        raise Refusal(f"what {_said(path)} stands on is unknown")
    return os.path.join(os.path.dirname(real), named)


def _chain(disk):
    """Files under a disk that its definition does not name."""
    driver, source, image = disk.find("driver"), disk.find("source"), disk
    if source is None or (driver is not None and driver.get("type", "raw") == "raw"):
        return []
    while (image := image.find("backingStore")) is not None:
        if len(image) == 0:
            return []  # spelled out to its end
    path = source.get("file") or source.get("dev")
    if disk.get("type") not in ("file", "block") or path is None:
        raise Refusal("what a disk of another domain stands on is unknown")
    found = []
    while path is not None and path not in found:
        try:
            found.append(path)
            path = _below_image(path)
        except (OSError, ValueError):
            raise Refusal(f"what {_said(path)} stands on is unknown: it cannot be read") from None
    return found


def _quarantined():
    """What machines in quarantine need, and what they have not been given into it yet."""
    home = os.path.join(STATE_DIR, "provisioner/quarantine")
    needed = []
    for machine in os.listdir(home) if os.path.lexists(home) else []:
        own = os.path.join(home, machine)
        try:
            with _open_regular(os.path.join(own, "dossier.json"))[0] as file:
                dossier = json.load(file)
            needed += dossier.get("needs", [])
            for index, path in enumerate(dossier["files"]):
                beside = os.path.join(os.path.dirname(path), ".blockhost-quarantine", machine)
                names = (f"{index}-{os.path.basename(path)}", f"{index}")
                if not any(os.path.lexists(os.path.join(at, name)) for at in (own, beside) for name in names):
                    needed.append(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise Refusal(f"what the machine in quarantine as {_said(machine)} needs is unknown") from None
    if not all(isinstance(path, str) for path in needed):
        raise Refusal("what machines in quarantine need is unknown")
    return needed


def _inode(path):
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _needed_by_others(left, uuid):
    """Tells of a real path whether anybody but domain `uuid` needs it. Refuses where that is unknown."""
    trees = _described(left, [other for other in _uuids(left) if other != uuid])
    volumes = [tree for tree in trees if tree.find("devices/disk[@type='volume']") is not None]
    if volumes:
        raise Refusal("a domain has its disk by the name of a volume: which file that is, is unknown")
    paths = set(_quarantined())
    for tree in trees:
        for element in tree.iter():  # whatever looks like a path, wherever it stands
            texts = (text.strip() for text in (*element.attrib.values(), element.text or ""))
            paths.update(text for text in texts if text.startswith("/"))
        for disk in tree.findall("devices/disk"):
            paths.update(_chain(disk))
        left()
    real = {os.path.realpath(path) for path in paths}
    inodes = set(map(_inode, real)) - {None}

    def needed(path):
        parts = path.split("/")
        above = {"/".join(parts[:count]) for count in range(2, len(parts))}  # a directory that a guest is shown
        return path in real or bool(above & real) or _inode(path) in inodes

    return needed


# --- definitions


def _define(params, left):
    path = params.get("xml_path")
    if not isinstance(path, str) or not 0 < len(path) <= 4096 or not path.startswith("/") or not path.isprintable():
        raise Refusal("xml_path wants an absolute path")
    state = os.path.realpath(STATE_DIR)
    if not _is_below(os.path.realpath(path), state):
        raise Refusal(f"xml_path does not lie below {STATE_DIR}")
    try:
        file, status, _ = _open_regular(path, below=state)
    except OSError as error:
        raise Refusal(f"xml_path cannot be read: {os.strerror(error.errno or 0)}") from None
    with file:
        data = file.read(LARGEST_XML_BYTES + 1)
    if status.st_nlink != 1 or len(data) > LARGEST_XML_BYTES:
        raise Refusal(f"xml_path wants a file of its own of at most {LARGEST_XML_BYTES} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal("the definition is not UTF-8") from None
    definition, name, uuid, written = _check_definition(text, _places())
    former = _described(left, [uuid]) if uuid in _uuids(left) else []
    if not all(_is_ours(tree, name) for tree in former):
        raise Refusal(f"{name} is none of the provisioner's machines")
    if written:
        needed = _needed_by_others(left, uuid)
        for disk in written:
            if needed(disk):
                raise Refusal(f"another machine needs {_said(disk)}")
    # What was checked is what libvirt reads: written anew, where nobody else can write.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="blockhost-", suffix=".xml") as private:
        private.write(definition)
        private.flush()
        _expect(f"{name} was not defined", _virsh(left, "define", "--file", private.name))
    return f"{name}: defined"


def _own_files(tree, name, places):
    """(paths to remove, sentences about those that stay): what the domain alone has written to, and its own seed."""
    state, storage = places
    seeds, gone, stays = f"{state}/cloud-init/{name}", [], []
    for disk in tree.findall("devices/disk"):
        source = disk.find("source")
        path = None if source is None else source.get("file")
        if disk.get("type") != "file" or path is None:
            stays += [] if source is None else ["a disk that is no file"]
            continue
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if not os.path.lexists(real):
            continue
        reads = disk.get("device", "disk") != "disk" or any(disk.find(t) is not None for t in ("readonly", "shareable"))
        status = os.lstat(real)
        ours = _is_below(real, seeds) if reads else _is_below(real, state, storage)
        ours = ours and not _is_below(real, state + "/provisioner") and "/.blockhost-quarantine/" not in real
        if ours and IMAGE.fullmatch(real) and stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            gone.append((real, (status.st_dev, status.st_ino)))
        else:
            stays.append(f"{_said(path)} (not known to be its own)")
    return gone, stays


def _unlink(path, inode):
    """Removes the file that was looked at, and no other that has taken its name."""
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        name = os.path.basename(path)
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        moved = os.readlink(f"/proc/self/fd/{directory}") != os.path.dirname(path)
        if moved or (status.st_dev, status.st_ino) != inode:
            raise Refusal(f"{_said(path)} is another file now, and stays")
        os.unlink(name, dir_fd=directory)
    finally:
        os.close(directory)


def _undefine(params, left):
    name, remove = _domain(params), params.get("remove_storage", False)
    if not isinstance(remove, bool):
        raise Refusal("remove_storage is true or false")
    tree = _own(left, name)
    if tree is None:
        return f"{name}: absent already" + (", so no file is known to be its own" if remove else "")
    state = _state(left, name)
    if state not in ("shut off", "crashed"):
        raise Refusal(f"{name} is {state}: stop it first")
    uuid = tree.findtext("uuid", "")
    if not UUID.fullmatch(uuid):
        raise Refusal(f"{name} cannot be identified")
    # Its firmware's memory and its TPM belong to the same machine, should it be defined again.
    flags = ["--keep-nvram", *(["--keep-tpm"] if tree.find("devices/tpm") is not None else [])]
    gone, stays = [], []
    if remove:
        flags += ["--managed-save", "--snapshots-metadata", "--checkpoints-metadata"]
        gone, stays = _own_files(tree, name, _places())
        _needed_by_others(left, uuid)  # refuses before anything is done where it will not be known afterwards
    _expect(f"{name} was not undefined", _virsh(left, "undefine", "--domain", uuid, *flags))
    if uuid in _uuids(left):
        raise Refusal(f"{name} is still there after undefine; no file was removed")
    needed = _needed_by_others(left, uuid) if gone else None
    removed = []
    for path, inode in gone:
        if needed(path):
            stays.append(f"{_said(path)} (another machine needs it)")
            continue
        try:
            _unlink(path, inode)
            removed.append(_said(path))
        except FileNotFoundError:
            continue
    parts = [f"{name}: undefined", *(f"removed {path}" for path in removed), *(f"kept {what}" for what in stays)]
    return "; ".join(parts)


ACTIONS = {
    "virsh-start": _power(("start",), "started", "running"),
    "virsh-destroy": _power(("destroy",), "powered off", "shut off"),
    # ACPI, since libvirt waits for an agent that says yes and does nothing.
    "virsh-shutdown": _power(("shutdown", "--mode", "acpi"), "asked to shut down", "shut off"),
    "virsh-reboot": _power(("reboot", "--mode", "acpi"), "asked to reboot", None),
    "virsh-define": _action(_define),
    "virsh-undefine": _action(_undefine),
    "virsh-update-gecos": _action(_update_gecos, of_guests=True),
    "virsh-guest-exec": _action(_guest_exec, of_guests=True),
}
