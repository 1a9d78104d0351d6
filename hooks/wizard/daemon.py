"""The daemon reads its configuration at its start alone. systemd may have started it as soon as db.yaml was there, before the
chain's settings were; so it starts anew when the last of ours is written."""

from __future__ import annotations

import logging
import shutil

from .host import run, under_root
from .settings import NotUsable

UNIT = "blockhost-provisioner.service"
ASK_SECONDS = 30
# It calls itself ready within a second or so; at its end it may finish what is under way, for half a minute.
RESTART_SECONDS = 90
# The daemon's own: only an operator can help.
EXIT_WRONG = "1"

log = logging.getLogger(__name__)


def restart() -> None:
    """Let systemd read the units anew and start the daemon anew. Where there is no systemd or no unit, that is told and no
    error, and so is a daemon that systemd will try again. Raises `NotUsable` where the daemon refuses its configuration."""
    reason = _why_not()
    if reason is not None:
        log.warning("%s was not restarted: %s", UNIT, reason)
        return
    done = run(["systemctl", "restart", UNIT], RESTART_SECONDS)
    if done.ok:
        log.info("%s was restarted", UNIT)
    elif _has_given_up():
        raise NotUsable(f"The daemon does not start: {_complaint()} Mend that, then run this step again.")
    else:
        log.warning("%s was told to restart and is not ready yet (%s); systemd goes on trying", UNIT, done.because)


def _why_not() -> str | None:
    if shutil.which("systemctl") is None:
        return "this host has no systemctl"
    if not under_root("/run/systemd/system").is_dir():
        return "systemd does not run on this host"
    reloaded = run(["systemctl", "daemon-reload"], ASK_SECONDS)
    if not reloaded.ok:
        log.warning("systemctl daemon-reload: %s", reloaded.because)
    state = _property("LoadState")
    # Not known is not absent: it is tried then.
    return None if state in ("", "loaded") else f"systemd calls the unit {state}"


def _property(name: str) -> str:
    shown = run(["systemctl", "show", f"--property={name}", "--value", UNIT], ASK_SECONDS)
    return shown.out.strip() if shown.ok else ""


def _has_given_up() -> bool:
    return _property("ActiveState") == "failed" and _property("ExecMainStatus") == EXIT_WRONG


def _complaint() -> str:
    checked = run(["blockhost-provisionerd", "--check-config"], ASK_SECONDS)
    if checked.code == 1:
        return f"{checked.because.rstrip('.')}."
    return f"See “journalctl -u {UNIT}”."
