"""The installer's page for libvirt, its finalization steps and its part of the summary (contract §3)."""

from __future__ import annotations

from typing import Any, Mapping

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for

from .detection import MACHINE_DISK_GIB, MACHINE_MEMORY_MIB, detect
from .fields import check, posted, rules
from .settings import SESSION_KEY, chosen_in, proposals
from .steps import finalize_db_config, finalize_network, finalize_storage, finalize_template, get_finalization_steps

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
    return render_template(
        "provisioner_libvirt/wizard.html",
        host=host,
        values=values,
        faults=faults,
        rules=rules([each["name"] for each in host["bridges"]], host["host_addresses"]),
        machine={"memory_mib": MACHINE_MEMORY_MIB, "disk_gib": MACHINE_DISK_GIB},
        previous=_first_known(PREVIOUS),
    )


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


def get_summary_data(session: Any) -> dict[str, str]:
    """What was chosen, in the words of the review page. Never raises; {} where nothing was chosen yet."""
    chosen = chosen_in(session)
    if not chosen:
        return {}
    found = {label: chosen[name] for label, name in LABELS if name in chosen}
    if "ip_start" in chosen and "ip_end" in chosen:
        found["Addresses for machines"] = f"{chosen['ip_start']} to {chosen['ip_end']}"
    if "gc_grace_days" in chosen:
        found["Days from suspension to deletion"] = chosen["gc_grace_days"]
    return found


def get_summary_template() -> str:
    """Relative to the blueprint's templates."""
    return "provisioner_libvirt/summary.html"


def get_ui_params(session: Mapping[str, Any]) -> dict[str, str]:
    """What other pages may show of the provisioner."""
    return {"provisioner_name": "libvirt/KVM", "bridge": chosen_in(session).get("bridge", "")}
