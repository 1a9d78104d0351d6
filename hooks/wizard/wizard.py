"""The installer's page for libvirt, its finalization steps and its part of the summary (contract §3)."""

from __future__ import annotations

from typing import Any, Mapping

from flask import Blueprint, current_app, jsonify, redirect, render_template, request, session, url_for

from .detection import MACHINE_DISK_GIB, MACHINE_MEMORY_MIB, detect, detect_network, pools
from .fields import check, posted, rules
from .notes import notes, range_sentence
from .notes import rules as note_rules
from .settings import SESSION_KEY, chosen_in, proposals
from .steps import finalize_db_config, finalize_network, finalize_storage, finalize_template, get_finalization_steps
from .trial import Trial

__all__ = [
    "blueprint",
    "finalize_db_config",
    "finalize_network",
    "finalize_storage",
    "finalize_template",
    "get_finalization_steps",
    "get_summary_data",
    "get_summary_template",
    "get_ui_params",
]

blueprint = Blueprint("provisioner_libvirt", __name__, template_folder="templates")

trial = Trial()

# Newer installers ask for IPv6 next, older ones for connectivity.
NEXT = ("wizard_ipv6", "wizard_connectivity")
PREVIOUS = ("wizard_blockchain",)


@blueprint.route("/wizard/libvirt", methods=["GET", "POST"])
def wizard_libvirt() -> Any:
    """Show the form; keep valid values in the session and go on; show invalid ones again with what is wrong."""
    host = detect()
    values = {**proposals(host), **chosen_in({SESSION_KEY: session.get(SESSION_KEY)})}
    faults: dict[str, str] = {}
    if request.method == "POST":
        values = posted(request.form)
        faults = check(values, [each["name"] for each in host["bridges"]], host["host_addresses"])
        if not faults:
            session[SESSION_KEY] = {**values, "bridge": values["bridge"] or host["bridge"]}
            return redirect(_next())
    else:
        trial.begin()
    return render_template(
        "provisioner_libvirt/wizard.html",
        host=host,
        values=values,
        faults=faults,
        notes={name: note for name, note in notes(values, host).items() if name not in faults},
        range=range_sentence(values, host["host_addresses"]),
        trial=trial.told(),
        rules={**rules([each["name"] for each in host["bridges"]], host["host_addresses"]), **note_rules(host)},
        machine={"memory_mib": MACHINE_MEMORY_MIB, "disk_gib": MACHINE_DISK_GIB},
        previous=_first_known(PREVIOUS),
    )


@blueprint.route("/wizard/libvirt/trial")
def wizard_libvirt_trial() -> Any:
    """Whether this host can run machines, as far as it is known by now, for the page's script."""
    return jsonify(trial.told())


def _first_known(endpoints: tuple[str, ...]) -> str | None:
    return next((endpoint for endpoint in endpoints if endpoint in current_app.view_functions), None)


def _next() -> str:
    return url_for(_first_known(NEXT) or NEXT[-1])


LABELS = (
    ("Storage pool", "storage_pool"),
    ("Storage path", "storage_path"),
    ("Bridge", "bridge"),
    ("Network", "ip_network"),
    ("Gateway", "gateway"),
)


NOTE_LABELS = (("About the storage pool", "storage_pool"), ("About the storage path", "storage_path"), ("About the network", "ip_network"))


def get_summary_data(session: Any) -> dict[str, str]:
    """What was chosen and what comes of it, in the words of the review page. Never raises; {} where nothing was chosen yet."""
    chosen = chosen_in(session)
    if not chosen:
        return {}
    found = {label: chosen[name] for label, name in LABELS if name in chosen}
    if "ip_start" in chosen and "ip_end" in chosen:
        found["Addresses for machines"] = f"{chosen['ip_start']} to {chosen['ip_end']}"
    if "gc_grace_days" in chosen:
        found["Days from suspension to deletion"] = chosen["gc_grace_days"]
    host = {**detect_network(), "pools": pools() or []}
    sentence = range_sentence(chosen, host["host_addresses"])
    if sentence:
        found["Room in the network"] = sentence
    told = notes(chosen, host)
    return found | {label: told[name] for label, name in NOTE_LABELS if name in told}


def get_summary_template() -> str:
    """Relative to the blueprint's templates."""
    return "provisioner_libvirt/summary.html"


def get_ui_params(session: Mapping[str, Any]) -> dict[str, str]:
    """What other pages may show of the provisioner."""
    return {"provisioner_name": "libvirt/KVM", "bridge": chosen_in(session).get("bridge", "")}
