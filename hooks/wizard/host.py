"""Paths and programs of the host: `BLOCKHOST_ROOT` before every absolute path, and never a shell."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple, Sequence

LIBVIRT_URI = "qemu:///system"


def under_root(path: str) -> Path:
    """Put `BLOCKHOST_ROOT` before an absolute path; one that is below it already stays."""
    root = os.environ.get("BLOCKHOST_ROOT", "").rstrip("/")
    if not root or path == root or path.startswith(root + "/"):
        return Path(path)
    return Path(root + "/" + path.lstrip("/"))


def as_configured(path: str) -> str:
    """The path as configuration files name it: without `BLOCKHOST_ROOT`."""
    root = os.environ.get("BLOCKHOST_ROOT", "").rstrip("/")
    return path[len(root) :] if root and path.startswith(root + "/") else path


class Answer(NamedTuple):
    """What a program said. `code` is None where it could not be started or did not end in time."""

    code: int | None
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def because(self) -> str:
        """The last line of its complaint: short enough for a sentence."""
        lines = [line.strip() for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1][:300] if lines else f"exit code {self.code}"


def run(argv: Sequence[str], timeout_seconds: float) -> Answer:
    """Run a program to its end, or kill it with its children when its time is over. Never raises."""
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, ValueError) as error:
        return Answer(None, "", f"{argv[0]} cannot be started: {error}")
    try:
        out, err = child.communicate(timeout=timeout_seconds)
        return Answer(child.returncode, out, err)
    except subprocess.TimeoutExpired:
        _kill_group(child)
        return Answer(None, "", f"{argv[0]} did not answer within {timeout_seconds:g} seconds")


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass
    try:
        child.communicate(timeout=5)
    except (subprocess.TimeoutExpired, OSError, ValueError):
        pass


def virsh(*argv: str, timeout_seconds: float = 15) -> Answer:
    """Ask libvirt, in English whatever the installer's language is."""
    uri = os.environ.get("LIBVIRT_DEFAULT_URI") or LIBVIRT_URI
    return run(["virsh", "-q", "-c", uri, *argv], timeout_seconds)


def read_text(path: str) -> str | None:
    """A small file of the host; None where it cannot be read."""
    try:
        return under_root(path).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None
