"""Runs finalization steps in processes of their own, each of which dies by SIGKILL, where it is told to, at a point between two of
their effects: after the one is before the other. Effects are what changes something outside: calls of `os`, and programs
that are started and end; `ip` is only ever asked. The product knows nothing of it.

As a program it forks such processes by the hundred: `mortal.py PACKAGES PLACE [UID GID]` reads a line of JSON for each and
answers with one. It is small, so that a fork costs little, and alone on this machine in seeing an account `blockhost`."""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Callable, NamedTuple

CALLS = ("mkdir", "rename", "replace", "chmod", "fchmod", "chown", "fchown", "unlink", "rmdir", "symlink", "link", "truncate")
AUDITED = {"os.mkdir", "os.rename", "os.chmod", "os.chown", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate", "subprocess.Popen"}
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
libc = ctypes.CDLL(None, use_errno=True)


class Ended(NamedTuple):
    """`results` is what the steps returned; None where they did not come to an end."""

    status: int
    results: list[Any] | None
    points: list[str]
    unwatched: list[str]

    @property
    def killed(self) -> bool:
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL


class Trace:
    """Counts points, writes each down as it is reached, and ends the process at number `kill_at`."""

    def __init__(self, file: Path, kill_at: int | None) -> None:
        self.handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.kill_at, self.count, self.inside = kill_at, 0, 0

    def reached(self, what: str) -> None:
        self.count += 1
        os.write(self.handle, f"{what}\n".encode())
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.count == 0:
            self.reached("before anything")
        self.inside += 1
        try:
            done = call(*args, **kwargs)
        finally:
            self.inside -= 1
        self.reached(f"after {name}")
        return done

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        # What is opened by number was opened by name before.
        by_name = event == "open" and not isinstance(args[0], int) and args[0] != os.devnull
        writes = by_name and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if not self.inside and (writes or event in AUDITED):
            os.write(self.handle, f"unwatched {event} {args[0]}\n".encode())


def watch(trace: Trace) -> None:
    def wrap(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            return trace.watched(f"{name} {args[0]}", call, *args, **kwargs)

        return wrapped

    for name in CALLS:
        setattr(os, name, wrap(name, getattr(os, name)))
    opens, starts, waits = os.open, subprocess.Popen.__init__, subprocess.Popen.communicate

    def open_(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        return trace.watched(f"open {path}", opens, path, flags, *args, **kwargs) if flags & os.O_CREAT else opens(path, flags, *args, **kwargs)

    def start(self: Any, argv: Any, *args: Any, **kwargs: Any) -> None:
        if argv[0] == "ip":
            trace.inside += 1
            starts(self, argv, *args, **kwargs)
            trace.inside -= 1
        else:
            trace.watched(f"start {' '.join(argv)}", starts, self, argv, *args, **kwargs)

    def communicate(self: Any, *args: Any, **kwargs: Any) -> Any:
        done = waits(self, *args, **kwargs)
        if self.args[0] != "ip":
            trace.reached(f"after end {' '.join(self.args)}")
        return done

    os.open, subprocess.Popen.__init__, subprocess.Popen.communicate = open_, start, communicate  # type: ignore[method-assign, assignment]
    sys.addaudithook(trace.audit)


def with_account(place: Path, uid: int, gid: int) -> None:
    """Give this process alone an account `blockhost`: in a mount namespace of its own, gone with it."""
    wanted = {"passwd": f"blockhost:x:{uid}:{gid}::/var/lib/blockhost:/usr/sbin/nologin\n", "group": f"blockhost:x:{gid}:\n"}
    _need(libc.unshare(CLONE_NEWNS))
    _need(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    for name, line in wanted.items():
        others = [each for each in Path("/etc", name).read_text().splitlines(keepends=True) if not each.startswith("blockhost:")]
        (place / name).write_text("".join(others) + line)
        _need(libc.mount(os.fsencode(place / name), b"/etc/" + name.encode(), None, MS_BIND, None))


def _need(code: int) -> None:
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def in_a_process(work: Callable[[], list[Any]], place: Path, kill_at: int | None = None) -> Ended:
    """Fork, run `work` watched, and tell how it ended, after every program that it left behind has ended, too."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    trace_file, results_file = place / "trace", place / "results"
    results_file.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            watch(Trace(trace_file, kill_at))
            results = work()
            results_file.write_text(json.dumps(results))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
    lines = trace_file.read_text().splitlines()
    unwatched = [line for line in lines if line.startswith("unwatched ") and not line.endswith(str(results_file))]
    results = json.loads(results_file.read_text()) if results_file.exists() else None
    return Ended(status, results, [line for line in lines if not line.startswith("unwatched ")], unwatched)


class Installer:
    """Has one configuration's steps run, each in a process of its own."""

    def __init__(self, packages: Path, place: Path, values: dict[str, str], account: tuple[int, int] | None) -> None:
        ids = [str(each) for each in account or ()]
        argv = [sys.executable, "-B", __file__, str(packages), str(place), *ids]
        self.config = {"provisioner": values}
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, *steps: str, kill_at: int | None = None) -> Ended:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"steps": steps, "config": self.config, "kill_at": kill_at}) + "\n")
        self.process.stdin.flush()
        return Ended(*json.loads(self.process.stdout.readline()))

    def __enter__(self) -> Installer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=30)


def serve(packages: str, place: str, *ids: str) -> None:
    # An installer's own umask is no reason for the daemon or qemu not to get through.
    os.umask(0o077)
    if ids:
        with_account(Path(place), *(int(each) for each in ids))
    sys.path.insert(0, packages)
    steps = importlib.import_module("blockhost.provisioner_libvirt.steps")
    for line in sys.stdin:
        asked = json.loads(line)
        work = lambda: [getattr(steps, f"finalize_{name}")(asked["config"]) for name in asked["steps"]]  # noqa: B023, E731
        print(json.dumps(in_a_process(work, Path(place), asked["kill_at"])), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
