"""Which files go with a domain: its own, and never one that anybody else may need."""

import json
import os

import pytest
from conftest import disk


def make(path, text="data"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def qcow2(below=b"", version=3, incompatible=0):
    """The header of an image that stands on `below`."""
    at = 104 if below else 0
    head = b"QFI\xfb" + version.to_bytes(4, "big") + at.to_bytes(8, "big") + len(below).to_bytes(4, "big")
    head = head.ljust(72, b"\0") + incompatible.to_bytes(8, "big")
    return head.ljust(104, b"\0") + below


def machine(host, *disks, state="shut off"):
    return host.domain(state, devices="".join(disks), name="machine")


def undefine(host, remove_storage=True):
    return host.ask("virsh-undefine", {"domain": "machine", "remove_storage": remove_storage})


def seed(host):
    path = make(host.state / "cloud-init/machine/machine-cloud-init.iso")
    return path, disk(path, "<readonly/>", "raw", "type='file' device='cdrom'")


def test_its_disk_and_its_seed_go_after_the_domain_has_gone(host):
    mine, (iso, drive) = make(host.storage / "machine.qcow2"), seed(host)
    other = make(host.storage / "other.qcow2")
    host.world(domains={"machine": machine(host, disk(mine), drive), "other": host.domain(devices=disk(other))})
    host.start()
    answer = undefine(host)
    assert answer == {"ok": True, "output": f"machine: undefined; removed {mine}; removed {iso}"}
    assert not mine.exists()
    assert not iso.exists()
    assert other.exists()
    (told,) = [words for words in host.asked() if words[0] == "undefine"]
    assert told[3:] == ["--keep-nvram", "--managed-save", "--snapshots-metadata", "--checkpoints-metadata"]


def test_without_remove_storage_no_file_and_no_saved_session_goes(host):
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    assert undefine(host, False) == {"ok": True, "output": "machine: undefined"}
    assert mine.exists()
    assert [words[3:] for words in host.asked() if words[0] == "undefine"] == [["--keep-nvram"]]


def test_a_domain_that_is_gone_already_is_no_error_and_takes_no_file_along(host):
    make(host.storage / "machine.qcow2")
    host.start()
    assert undefine(host)["ok"] is True
    assert (host.storage / "machine.qcow2").exists()


@pytest.mark.parametrize("state", ["running", "paused", "in shutdown", "pmsuspended"])
def test_a_machine_that_is_on_stays_whole(host, state):
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine), state=state)})
    host.start()
    assert undefine(host) == {"ok": False, "error": f"machine is {state}: stop it first"}
    assert "machine" in host.seen()["domains"]
    assert mine.exists()


def test_what_is_not_known_to_be_its_own_stays(host):
    outside = make(host.directory / "elsewhere/disk.qcow2")
    link = host.storage / "link.qcow2"
    link.symlink_to(outside)
    hard = host.storage / "hard.qcow2"
    os.link(make(host.storage / "hidden"), hard)
    kept = [
        outside,
        link,
        hard,
        make(host.state / "provisioner/bases/base.qcow2"),
        make(host.state / "vms.json"),
        make(host.storage / ".blockhost-quarantine/x/0-a.qcow2"),
    ]
    readonly = make(host.storage / "tools.iso")
    foreign = make(host.state / "cloud-init/other/seed.iso")
    drives = [disk(path, "<readonly/>", "raw", "type='file' device='cdrom'") for path in (readonly, foreign)]
    shared = disk(make(host.storage / "shared.img"), "<shareable/>", "raw")
    block = "<disk type='block'><driver type='raw'/><source dev='/dev/null'/></disk>"
    host.world(domains={"machine": machine(host, *map(disk, kept), *drives, shared, block)})
    host.start()
    answer = undefine(host)
    assert answer["ok"] is True
    assert "removed" not in answer["output"]
    assert all(path.exists() for path in (*kept, readonly, foreign, host.storage / "shared.img"))


def others(host, mine):
    """Ways in which others may need a file, each as facts of the world."""
    overlay, middle = make(host.storage / "o.qcow2", qcow2(b"m.qcow2")), make(host.storage / "m.qcow2", qcow2(str(mine).encode()))
    link = host.directory / "link.qcow2"
    link.symlink_to(mine)
    spelled = f"<backingStore type='file'><format type='qcow2'/><source file='{mine}'/><backingStore/></backingStore>"
    return {
        "as its disk": disk(mine),
        "through a link": disk(link, form="raw"),
        "beneath its disk": disk(overlay, spelled),
        "two images beneath its disk, by headers alone": disk(overlay, ""),
        "beneath a half of a chain": disk(overlay, f"<backingStore type='file'><format type='qcow2'/><source file='{middle}'/></backingStore>"),
        "in a directory that it shares": f"<filesystem><source dir='{host.storage}'/></filesystem>",
        "as a serial port": f"<serial type='file'><source path='{mine}'/></serial>",
        "as a drive": disk(mine, "<readonly/>", "raw", "type='file' device='cdrom'"),
    }


WAYS = [
    "as its disk",
    "through a link",
    "beneath its disk",
    "two images beneath its disk, by headers alone",
    "beneath a half of a chain",
    "in a directory that it shares",
    "as a serial port",
    "as a drive",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_another_domain_uses_stays(host, way):
    mine = make(host.storage / "machine.qcow2", qcow2())
    host.world(domains={"machine": machine(host, disk(mine)), "other": host.domain(devices=others(host, mine)[way])})
    host.start()
    assert undefine(host) == {"ok": True, "output": f"machine: undefined; kept {mine} (another machine needs it)"}
    assert mine.exists()


def unknowns(host):
    encrypted = make(host.storage / "v.qcow2", qcow2(version=9))
    data = make(host.storage / "d.qcow2", qcow2(incompatible=4))
    odd = make(host.storage / "j.qcow2", qcow2(b'json:{"file": {}}'))
    cut = make(host.storage / "c.qcow2", qcow2(b"x" * 50)[:120])
    vmdk = make(host.storage / "k.vmdk", b"KDMV" + b"\0" * 200)
    return {
        "an image that is not there": disk(host.storage / "absent.qcow2", ""),
        "an image of a future version": disk(encrypted, ""),
        "an image with its data elsewhere": disk(data, ""),
        "a chain in other words": disk(odd, ""),
        "a header that was cut": disk(cut, ""),
        "another format": disk(vmdk, "", "vmdk"),
        "a volume": "<disk type='volume'><source pool='p' volume='v'/></disk>",
        "an image over the network": "<disk type='network'><driver type='qcow2'/><source protocol='nbd' name='x'/></disk>",
        "a pipe": disk(host.storage / "pipe", ""),
    }


UNKNOWNS = [
    "an image that is not there",
    "an image of a future version",
    "an image with its data elsewhere",
    "a chain in other words",
    "a header that was cut",
    "another format",
    "a volume",
    "an image over the network",
    "a pipe",
]


@pytest.mark.parametrize("what", UNKNOWNS)
def test_where_nobody_can_tell_what_others_need_nothing_is_taken_apart(host, what):
    mine = make(host.storage / "machine.qcow2")
    os.mkfifo(host.storage / "pipe")
    host.world(domains={"machine": machine(host, disk(mine)), "other": host.domain(devices=unknowns(host)[what])})
    host.start()
    answer = undefine(host)
    assert answer["ok"] is False
    assert "unknown" in answer["error"] or "regular" in answer["error"]
    assert "machine" in host.seen()["domains"]
    assert mine.exists()


@pytest.mark.parametrize("verb", ["dumpxml", "list", "domstate"])
def test_a_libvirt_that_fails_in_between_leaves_everything(host, verb):
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))}, fail=[verb])
    host.start()
    assert undefine(host)["ok"] is False
    assert "machine" in host.seen()["domains"]
    assert mine.exists()


def quarantine(host, dossier):
    make(host.state / "provisioner/quarantine/11111111-1111-4111-8111-111111111111/dossier.json", dossier)


@pytest.mark.parametrize("key", ["files", "needs"])
def test_what_a_machine_in_quarantine_needs_stays(host, key):
    mine = make(host.storage / "machine.qcow2")
    quarantine(host, json.dumps({"files": [], "needs": [], key: [str(mine)]}))
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    assert undefine(host)["output"] == f"machine: undefined; kept {mine} (another machine needs it)"
    assert mine.exists()


def test_a_place_whose_former_file_lies_in_quarantine_is_not_kept_for_it(host):
    mine = make(host.storage / "machine.qcow2")
    quarantine(host, json.dumps({"files": [str(mine)], "needs": []}))
    make(host.state / "provisioner/quarantine/11111111-1111-4111-8111-111111111111/0-machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    assert undefine(host)["output"] == f"machine: undefined; removed {mine}"


@pytest.mark.parametrize("dossier", ["", "[]", "{}", '{"files": 7}', '{"files": [7]}', '{"files": [], "needs": [{}]}'])
def test_a_dossier_that_cannot_be_read_stops_everything(host, dossier):
    mine = make(host.storage / "machine.qcow2")
    quarantine(host, dossier)
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    assert undefine(host)["ok"] is False
    assert "machine" in host.seen()["domains"]
    assert mine.exists()


def test_a_domain_that_outlives_its_undefine_keeps_its_files(host):
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))}, undying=True)
    host.start()
    answer = undefine(host)
    assert answer == {"ok": False, "error": "machine is still there after undefine; no file was removed"}
    assert mine.exists()


def test_a_file_that_takes_the_place_of_the_one_that_was_looked_at_stays(host):
    mine, newcomer = make(host.storage / "machine.qcow2"), make(host.storage / "new.qcow2", "another customer's")
    host.world(domains={"machine": machine(host, disk(mine))}, swap=[[str(newcomer), str(mine)]])
    host.start()
    answer = undefine(host)
    assert answer == {"ok": False, "error": f"{mine} is another file now, and stays"}
    assert mine.read_text() == "another customer's"


def test_a_domain_that_comes_between_with_the_same_disk_keeps_it(host):
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))}, newcomers={"late": host.domain(devices=disk(mine), name="late")})
    host.start()
    assert undefine(host)["output"] == f"machine: undefined; kept {mine} (another machine needs it)"
    assert mine.exists()


CONFIGURED = [
    ("", "kept"),
    ("storage_path: {storage}", "removed"),
    ('storage_path: "{storage}"  # here', "removed"),
    ("storage_path: '{storage}'\nbridge: br0", "removed"),
    ("# storage_path: {storage}", "kept"),
    ("old:\n  storage_path: {storage}", "kept"),
    ("storage_path: {storage}/", "removed"),
    ("storage_path: ''", "kept"),
    ("storage_path: *anchor", "refused"),
    ("storage_path: |\n  {storage}", "refused"),
    ("storage_path: /\n", "refused"),
    ("storage_path: {storage}/..", "refused"),
    ("storage_path: {storage}\nstorage_path: /x", "refused"),
]


@pytest.mark.parametrize(("yaml", "outcome"), CONFIGURED)
def test_storage_lies_where_db_yaml_plainly_says(host, yaml, outcome):
    (host.directory / "db.yaml").write_text(yaml.replace("{storage}", str(host.storage)))
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    answer = undefine(host)
    assert answer["ok"] is (outcome != "refused")
    assert mine.exists() is (outcome != "removed")


def test_a_configuration_that_others_may_write_is_not_believed(host):
    (host.directory / "db.yaml").chmod(0o666)
    mine = make(host.storage / "machine.qcow2")
    host.world(domains={"machine": machine(host, disk(mine))})
    host.start()
    assert undefine(host)["ok"] is False
    assert mine.exists()
