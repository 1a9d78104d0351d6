"""What a definition may hold, who may be given which file, and that what was checked is what libvirt reads."""

import importlib.util
import os
import re
import threading

import pytest
from conftest import PLUGIN, disk

UUID = "6a1f8f7e-3c0f-4d47-9d0c-0d9d5b7c9a11"

# As the builder of machines writes it.
MACHINE = """<domain type='kvm'>
  <name>blockhost-001</name>
  <uuid>{uuid}</uuid>
  <metadata><blockhost:machine xmlns:blockhost="https://blockhost.io/provisioner/machine/1" schema="1"/></metadata>
  <memory unit='MiB'>2048</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{state}/provisioner/bases/aa.kernel</kernel>
    <initrd>{state}/provisioner/bases/aa.initrd</initrd>
    <cmdline>console=ttyS0 root=/dev/vda1 ro</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough'/>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='{storage}/blockhost-001.qcow2'/>
      <backingStore type='file'>
        <format type='qcow2'/>
        <source file='{state}/provisioner/bases/aa.qcow2'><seclabel model='dac' relabel='no'/></source>
        <backingStore/>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='{state}/cloud-init/blockhost-001/blockhost-001-cloud-init.iso'/>
      <target dev='sda' bus='scsi'/>
      <readonly/>
    </disk>
    <controller type='scsi' index='0' model='virtio-scsi'/>
    <controller type='usb' model='none'/>
    <interface type='bridge'>
      <source bridge='br0'/>
      <mac address='52:54:00:01:02:03'/>
      <model type='virtio'/><port isolated='yes'/>
      <filterref filter='blockhost-clean'><parameter name='IP' value='192.168.122.9'/><parameter name='IPV6' value='fe80::1'/></filterref>
    </interface>
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'><stats period='10'/></memballoon>
  </devices>
</domain>
"""


def machine(host):
    return MACHINE.format(uuid=UUID, state=host.state, storage=host.storage)


def define(host, xml, name="machine.xml"):
    path = host.state / name
    path.write_bytes(xml if isinstance(xml, bytes) else xml.encode())
    return host.ask("virsh-define", {"xml_path": str(path)})


def test_a_machine_as_the_builder_writes_it_is_defined_from_a_copy_of_ours(host):
    host.start()
    # A comment tells a copy of the bytes from what was read and written anew.
    xml = machine(host).replace("<devices>", "<!-- read by one parser, skipped by another --><devices>")
    assert define(host, xml) == {"ok": True, "output": "blockhost-001: defined"}
    (given,) = host.seen()["defined"]
    assert "<blockhost:machine " in given
    assert "<!--" not in given
    assert f"{host.storage}/blockhost-001.qcow2" in given
    told = host.asked()[-1]
    assert told[:2] == ["define", "--file"]
    assert str(host.state) not in told[2]
    assert not os.path.exists(told[2])


DEVICE = "    <serial type='pty'>"
HARM = {
    "a document type": ("<domain type='kvm'>", "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/shadow'>]><domain type='kvm'>"),
    "an entity": ("<memory", "<!ENTITY x 'y'><memory"),
    "qemu's command line": (
        "<devices>",
        "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-S'/></q:commandline><devices>",
    ),
    "qemu's name space on an attribute": ("<vcpu>", "<vcpu xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' q:x='1'>"),
    "an emulator": ("<devices>", "<devices><emulator>/tmp/qemu</emulator>"),
    "an emulator after a blank": ("<devices>", "<devices><emulator> /usr/bin/kvm</emulator>"),
    "a device of the host as a disk": (DEVICE, "<disk type='block'><source dev='/dev/sda'/><target dev='vdb'/></disk>" + DEVICE),
    "a device of the host as a file": (DEVICE, disk("/dev/sda", form="raw") + DEVICE),
    "a file of the host": (DEVICE, disk("/etc/shadow", form="raw") + DEVICE),
    "a way out": (DEVICE, disk("{state}/../../../../etc/x.img", form="raw") + DEVICE),
    "a relative file": (DEVICE, disk("x.img", form="raw") + DEVICE),
    "the records as a disk": (DEVICE, disk("{state}/vms.json", form="raw") + DEVICE),
    "the journal as a disk": (DEVICE, disk("{state}/provisioner/journal.img", form="raw") + DEVICE),
    "a base to write to": (DEVICE, disk("{state}/provisioner/bases/aa.qcow2") + DEVICE),
    "a link out of the state directory": (DEVICE, disk("{state}/link.img", form="raw") + DEVICE),
    "a second name of a file of the host": (DEVICE, disk("{state}/hard.img", form="raw") + DEVICE),
    "a chain that libvirt would look for": (DEVICE, disk("{storage}/b.qcow2", extra="") + DEVICE),
    "a chain that leads out": (
        DEVICE,
        disk("{storage}/b.qcow2", "<backingStore type='file'><format type='raw'/><source file='/etc/shadow'/></backingStore>") + DEVICE,
    ),
    "a chain without an end": (
        DEVICE,
        disk("{storage}/b.qcow2", "<backingStore type='file'><format type='qcow2'/><source file='{storage}/c.qcow2'/></backingStore>")
        + DEVICE,
    ),
    "a chain beneath a raw disk": (
        DEVICE,
        disk("{storage}/b.img", "<backingStore type='file'><format type='raw'/><source file='/etc/shadow'/></backingStore>", "raw")
        + DEVICE,
    ),
    "a chain beneath an empty drive": (
        DEVICE,
        "<disk type='file' device='cdrom'><backingStore type='file'><format type='raw'/><source file='/etc/shadow'/></backingStore></disk>"
        + DEVICE,
    ),
    "two sources": (DEVICE, disk("{storage}/b.img", "<source file='/etc/shadow'/>", "raw") + DEVICE),
    "a format of its own": (DEVICE, disk("{storage}/b.img", form="vmdk") + DEVICE),
    "raw SCSI": (DEVICE, disk("{storage}/b.img", form="raw", attributes="type='file' device='lun'") + DEVICE),
    "raw I/O": (DEVICE, disk("{storage}/b.img", form="raw", attributes="type='file' device='disk' rawio='yes'") + DEVICE),
    "a disk over the network": (
        DEVICE,
        "<disk type='network'><driver type='raw'/><source protocol='nbd' name='x'/><target dev='vdb'/></disk>" + DEVICE,
    ),
    "a volume": (DEVICE, "<disk type='volume'><driver type='raw'/><source pool='p' volume='v'/></disk>" + DEVICE),
    "a directory of the host": (DEVICE, "<filesystem type='mount'><source dir='/'/><target dir='x'/></filesystem>" + DEVICE),
    "a device of the host": (DEVICE, "<hostdev mode='subsystem' type='pci'/>" + DEVICE),
    "a USB redirection": (DEVICE, "<redirdev bus='usb' type='tcp'><source host='x' service='1'/></redirdev>" + DEVICE),
    "host memory": (DEVICE, "<shmem name='x'/>" + DEVICE),
    "a TPM of the host": (DEVICE, "<tpm><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>" + DEVICE),
    "a screen for everybody": (DEVICE, "<graphics type='vnc' port='5900' listen='0.0.0.0'/>" + DEVICE),
    "the host's keyboard": (DEVICE, "<input type='evdev'><source dev='/dev/input/event0'/></input>" + DEVICE),
    "a file as a serial port": (DEVICE, "<serial type='file'><source path='/etc/cron.d/x'/></serial>" + DEVICE),
    "a serial port that is a file besides": (DEVICE, "<serial type='pty'><log file='/etc/cron.d/x'/></serial>" + DEVICE),
    "a socket of the host": (DEVICE, "<channel type='unix'><source mode='connect' path='/run/docker.sock'/></channel>" + DEVICE),
    "a card of the host": (DEVICE, "<interface type='direct'><source dev='eth0'/></interface>" + DEVICE),
    "a script": (DEVICE, "<interface type='ethernet'><script path='/tmp/x'/></interface>" + DEVICE),
    "a script on a bridge": (DEVICE, "<interface type='bridge'><source bridge='br0'/><script path='/x'/></interface>" + DEVICE),
    "a ROM of the host": (DEVICE, "<interface type='bridge'><source bridge='br0'/><rom file='/etc/shadow'/></interface>" + DEVICE),
    "a tap of the host": (DEVICE, "<interface type='bridge'><source bridge='br0'/><backend tap='/dev/x'/></interface>" + DEVICE),
    "an interface of no kind": (DEVICE, "<interface><source bridge='br0'/></interface>" + DEVICE),
    "randomness from elsewhere": ("/dev/urandom", "/dev/sda"),
    "a kernel of the host": ("<kernel>", "<kernel>/boot/vmlinuz</kernel><kernel>"),
    "a kernel after a blank": ("<kernel>", "<kernel> "),
    "a firmware": ("<cmdline>", "<loader type='rom'>/etc/shadow</loader><cmdline>"),
    "an NVRAM": ("<cmdline>", "<nvram>/etc/passwd</nvram><cmdline>"),
    "a table of the host": ("<cmdline>", "<acpi><table type='slic'>/etc/shadow</table></acpi><cmdline>"),
    "a file through fw_cfg": ("<os>", "<sysinfo type='fwcfg'><entry name='opt/x' file='/etc/shadow'/></sysinfo><os>"),
    "no confinement": ("<devices>", "<seclabel type='none'/><devices>"),
    "another user": ("<devices>", "<seclabel type='static' model='dac'><label>+0:+0</label></seclabel><devices>"),
    "another label for a disk": ("<seclabel model='dac' relabel='no'/>", "<seclabel model='dac' relabel='yes'><label>0:0</label></seclabel>"),
    "the host's memory": ("<devices>", "<memoryBacking><source type='file'/></memoryBacking><devices>"),
    "a real-time scheduler": ("<devices>", "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='99'/></cputune><devices>"),
    "a cgroup": ("<devices>", "<resource><partition>/</partition></resource><devices>"),
    "a hypervisor of another kind": ("<domain type='kvm'>", "<domain type='lxc'>"),
    "no kind of hypervisor": ("<domain type='kvm'>", "<domain>"),
    "a name with a path": ("blockhost-001</name>", "../x</name>"),
    "a name of two lines": ("blockhost-001</name>", "a\nb</name>"),
    "a number as a name": ("blockhost-001</name>", "7</name>"),
    "two names": ("<uuid>", "<name>b</name><uuid>"),
    "no name": ("<name>blockhost-001</name>", ""),
    "text between elements": ("<devices>", "<devices>x"),
    "text after elements": ("<vcpu>1</vcpu>", "<vcpu>1</vcpu>x"),
    "an element in a word": ("<vcpu>1</vcpu>", "<vcpu>1<x/></vcpu>"),
    "a path where a word belongs": ("machine='q35'", "machine='/x'"),
    "another document": ("<domain type='kvm'>", "<network type='kvm'>"),
    "half a document": ("</domain>", ""),
    "two documents": ("</domain>", "</domain><domain/>"),
}


@pytest.mark.parametrize("what", HARM)
def test_a_guest_is_not_given_the_host(host, what):
    host.start()
    outside = host.directory / "outside.img"
    outside.write_text("the host's")
    (host.state / "link.img").symlink_to(outside)
    os.link(outside, host.state / "hard.img")
    find, replace = HARM[what]
    xml = machine(host)
    assert find in xml
    replace = replace.replace("{state}", str(host.state)).replace("{storage}", str(host.storage))
    answer = define(host, xml.replace(find, replace, 1).replace("</network>", "</domain>"))
    assert answer["ok"] is False
    assert re.fullmatch(r"[^\x00-\x1f]+", answer["error"])
    assert not answer["error"].startswith("refused: "), answer["error"]
    assert host.asked() == []


def test_depth_size_and_coding_are_refused_before_libvirt_hears_of_them(host):
    host.start()
    xml = machine(host)
    for bad in (
        xml.replace("<metadata>", "<metadata>" + "<a>" * 20_000).replace("</metadata>", "</a>" * 20_000 + "</metadata>"),
        xml + " " * 300_000,
        xml.encode("utf-16"),
        b"\xff" + xml.encode(),
        xml.replace("<vcpu>", "\0<vcpu>"),
        "",
    ):
        assert define(host, bad)["ok"] is False
    assert host.asked() == []


def test_a_disk_of_another_machine_is_not_given_away(host):
    mine = host.storage / "blockhost-001.qcow2"
    host.world(domains={"other": host.domain(devices=disk(mine))})
    host.start()
    assert define(host, machine(host)) == {"ok": False, "error": f"another machine needs {mine}"}
    assert all(words[0] != "define" for words in host.asked())


def test_a_machine_is_defined_anew_over_itself(host):
    mine = host.domain(devices=disk(host.storage / "blockhost-001.qcow2"), name="blockhost-001")
    host.world(domains={"blockhost-001": mine})
    host.start()
    assert define(host, machine(host).replace(UUID, mine["uuid"]))["ok"] is True


def test_a_second_name_of_a_file_is_not_read(host):
    (host.directory / "outside.xml").write_text(machine(host))
    os.link(host.directory / "outside.xml", host.state / "second.xml")
    host.start()
    assert host.ask("virsh-define", {"xml_path": str(host.state / "second.xml")})["ok"] is False
    assert host.asked() == []


def test_a_link_that_takes_the_files_place_right_after_it_was_looked_at_is_not_followed(host, monkeypatch):
    spec = importlib.util.spec_from_file_location("swapped", PLUGIN)
    plugin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plugin)
    told = []
    monkeypatch.setattr(plugin, "STATE_DIR", str(host.state))
    monkeypatch.setattr(plugin, "DB_YAML", str(host.directory / "db.yaml"))
    monkeypatch.setattr(plugin, "run", lambda cmd, timeout: told.append(cmd) or (0, "", ""))
    outside, path = host.directory / "outside.xml", host.state / "machine.xml"
    for file in (outside, path):
        file.write_text(machine(host))
    look = os.path.realpath

    def look_and_swap(asked, **options):
        seen = look(asked, **options)
        if asked == str(path):
            path.unlink()
            path.symlink_to(outside)
        return seen

    monkeypatch.setattr(plugin.os.path, "realpath", look_and_swap)
    answer = plugin.ACTIONS["virsh-define"]({"xml_path": str(path)})
    assert answer == {"ok": False, "error": f"{path} does not lie below {host.state}"}
    assert told == []


def test_a_file_that_is_swapped_while_it_is_looked_at_never_reaches_libvirt(host):
    outside = host.directory / "outside.xml"
    outside.write_text(machine(host).replace("blockhost-001</name>", "stolen</name>"))
    path = host.state / "swapped.xml"
    stop = threading.Event()

    def swap():
        other = host.state / "next.xml"
        while not stop.is_set():
            other.write_text(machine(host))
            os.replace(other, path)
            other.symlink_to(outside)
            os.replace(other, path)

    path.write_text(machine(host))
    host.start()
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        answers = []
        # Until each of the two was met ten times.
        while min(sum(a["ok"] for a in answers), sum(not a["ok"] for a in answers)) < 10 and len(answers) < 20_000:
            answers.append(host.ask("virsh-define", {"xml_path": str(path)}))
    finally:
        stop.set()
        swapper.join()
    assert {"ok": True, "output": "blockhost-001: defined"} in answers
    assert any(not answer["ok"] for answer in answers)
    assert all("stolen" not in given for given in host.seen()["defined"])
