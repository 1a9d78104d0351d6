"""Whether this host can run machines at all: tried in the background, since a trial takes seconds and may take half a minute.
Nobody waits for it, and nothing is refused for it."""

from __future__ import annotations

import threading
import time

from .host import run, virsh

DETECT = "blockhost-provisioner-detect"
# It gives itself half a minute.
TRIAL_SECONDS = 45
# A page that is loaded later than this has it tried again.
FRESH_SECONDS = 60

Told = dict[str, str]

TRYING: Told = {"state": "trying", "text": "Being tried just now. Load this page again to see the answer."}


class Trial:
    """One trial at a time, whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: Told | None = None
        self._ended_at = 0.0
        self._running = False

    def begin(self) -> None:
        """Try, unless somebody does or just did. Returns at once."""
        with self._lock:
            fresh = self._told is not None and time.monotonic() - self._ended_at < FRESH_SECONDS
            if self._running or fresh:
                return
            self._running, self._told = True, None
        threading.Thread(target=self._try, name="blockhost-trial", daemon=True).start()

    def told(self) -> Told:
        """What is known by now, in a sentence. Never tried is not known, and is tried."""
        with self._lock:
            known, running = self._told, self._running
        if known is None and not running:
            self.begin()
        return known or TRYING

    def _try(self) -> None:
        try:
            found = ask()
        except Exception as error:  # noqa: BLE001 - a page must not wait for a thread that died
            found = _unknown(f"the trial failed ({type(error).__name__}: {error})")
        with self._lock:
            self._told, self._running, self._ended_at = found, False, time.monotonic()


def ask() -> Told:
    """Run the provisioner's own detection. Its “no” is one word for two things, so libvirt is asked which it is."""
    answer = run([DETECT], TRIAL_SECONDS)
    if answer.ok:
        return {"state": "good", "text": "This host can run machines: libvirt answers, and a guest that was tried executed."}
    if answer.code != 1:
        return _unknown(answer.because if answer.code is None else f"{DETECT} ended with {answer.code}")
    if not virsh("version", timeout_seconds=5).ok:
        return _unknown("libvirt does not answer, so that no guest could be tried")
    return {
        "state": "bad",
        "text": "No guest that was tried executed, neither on KVM nor emulated, although libvirt answers: as it is, this host runs no machines. "
        "See “journalctl -u libvirtd”, and load this page again to have it tried anew.",
    }


def _unknown(why: str) -> Told:
    return {"state": "warn", "text": f"Whether this host can run machines is not known: {why}. Load this page again in a minute to have it tried anew."}
