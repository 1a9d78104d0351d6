"""Finalization (contract §3): the installer runs these in order, and a failed one alone again. Each says what it wants,
does what is missing of it, and may be cut off anywhere: it never raises, and never takes away what it did not make."""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Callable, Optional

from . import daemon, database, dropin, storage
from .detection import LIBVIRT_OWN_BRIDGE, ipv4_of
from .host import read_text, run, under_root, virsh
from .settings import NotUsable, settled

Result = tuple[bool, Optional[str]]
TEMPLATE_SECONDS = 2 * 3600


def _step(work: Callable[[dict[str, str]], None]) -> Callable[[Any], Result]:
    """Make a step of what raises `NotUsable`: whatever happens inside, the installer gets its pair."""

    @functools.wraps(work)
    def step(config: Any) -> Result:
        try:
            work(settled(config))
        except NotUsable as refusal:
            return False, str(refusal)
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            return False, f"The host refused: {error.strerror or error}{place}. Mend that, then run this step again."
        except Exception as error:  # noqa: BLE001 - a traceback would end the installer's whole run
            return False, f"This step failed unexpectedly: {type(error).__name__}: {error}. Run it again; if it stays, report it."
        return True, None

    return step


@_step
def finalize_storage(values: dict[str, str]) -> None:
    """Directory and libvirt pool for machines' disks: both there, the pool running now and after each boot; and the
    daemon's unit lets it write there."""
    path = storage.provide_directory(values["storage_path"])
    storage.provide_pool(values["storage_pool"], str(path))
    dropin.settle(values["storage_path"])


@_step
def finalize_network(values: dict[str, str]) -> None:
    """The bridge is there and has an address; libvirt's own network does not stand beside it unused, where the host
    would take it for the bridge."""
    bridge = values["bridge"]
    if not under_root(f"/sys/class/net/{bridge}/bridge").is_dir():
        raise NotUsable(f"This host has no bridge {bridge}. Make it, or choose another on the libvirt page; then run this step again.")
    addresses = ipv4_of(bridge)
    if addresses is None:
        raise NotUsable(f"Whether bridge {bridge} has an address could not be found out. See “ip addr show dev {bridge}”, then run this step again.")
    if not addresses:
        raise NotUsable(f"Bridge {bridge} has no IPv4 address. Give it one in the host's network settings, then run this step again.")
    if bridge != LIBVIRT_OWN_BRIDGE:
        _quiet_default_network()


def _quiet_default_network() -> None:
    info = virsh("net-info", "--network", "default")
    if not info.ok:
        if "Network not found" in info.err or "no network with matching name" in info.err:
            return
        raise NotUsable(f"libvirt does not answer: {info.because}. See “systemctl status libvirtd”, then run this step again.")
    active = re.search(r"^Active:\s+yes$", info.out, re.M) is not None
    autostart = re.search(r"^Autostart:\s+yes$", info.out, re.M) is not None
    if not (active or autostart) or _default_network_may_be_used():
        return
    # Autostart goes first: cut off in between, the network is at least gone after the next boot.
    for needed, argv in ((autostart, ("net-autostart", "--network", "default", "--disable")), (active, ("net-destroy", "--network", "default"))):
        done = virsh(*argv) if needed else info
        if not done.ok:
            raise NotUsable(f"libvirt's network “default” could not be switched off: {done.because}. Run “virsh {' '.join(argv)}”, then this step again.")


def _default_network_may_be_used() -> bool:
    """Whether any machine, running or not, stands on it; where that is not known, it may."""
    machines = virsh("list", "--all", "--uuid")
    if not machines.ok:
        return True
    for machine in machines.out.split():
        for when in ((), ("--inactive",)):
            described = virsh("dumpxml", "--domain", machine, *when)
            if not described.ok or re.search(r"<source\s[^>]*(network=['\"]default['\"]|bridge=['\"]virbr0['\"])", described.out):
                return True
    ports = under_root(f"/sys/class/net/{LIBVIRT_OWN_BRIDGE}/brif")
    return ports.is_dir() and any(not port.name.endswith("-nic") for port in ports.iterdir())


@_step
def finalize_db_config(values: dict[str, str]) -> None:
    """`/etc/blockhost/db.yaml` says what was chosen; keys of others stay."""
    database.merge(values)


def finalize_template(config: Any) -> Result:
    """There is a template for new machines; one that exists is enough. This is the last step: the daemon starts anew with
    all that was written. Depends on nothing that was chosen."""
    del config
    try:
        if not _template_exists():
            built = run(["blockhost-build-template"], TEMPLATE_SECONDS)
            if not built.ok:
                return False, f"The template was not built: {built.because} Run “blockhost-build-template” as root to see all of it, then this step again."
        daemon.restart()
    except NotUsable as refusal:
        return False, str(refusal)
    except Exception as error:  # noqa: BLE001 - see _step
        return False, f"This step failed unexpectedly: {type(error).__name__}: {error}. Run it again; if it stays, report it."
    return True, None


def _template_exists() -> bool:
    """The digest that new machines get, with image and description beside it; a template half there is none."""
    bases = "/var/lib/blockhost/provisioner/bases"
    digest = re.fullmatch(r"sha256:([0-9a-f]{64})", (read_text(f"{bases}/current") or "").strip())
    if digest is None or not under_root(f"{bases}/{digest[1]}.qcow2").is_file():
        return False
    try:
        boot = json.loads(read_text(f"{bases}/{digest[1]}.json") or "")["boot"]
        parts = [(boot[kind].removeprefix("sha256:"), kind) for kind in ("kernel", "initrd")] if boot["kind"] == "kernel" else []
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return all(under_root(f"{bases}/{name}.{kind}").is_file() for name, kind in parts)


def get_finalization_steps() -> list[tuple[str, str, Callable[[Any], Result]]]:
    """In the order of the manifest's `finalization_steps` (contract §3; always three each)."""
    return [
        ("storage", "Preparing storage for machines", finalize_storage),
        ("network", "Checking the machines' network", finalize_network),
        ("db_config", "Writing the provisioner's configuration", finalize_db_config),
        ("template", "Building the template for new machines and starting the daemon", finalize_template),
    ]
