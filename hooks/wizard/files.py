"""Files and directories that are there whole or not at all, whatever ends the process that makes them. What such an end
leaves lies under one known name beside the place and is cleared by the next who makes the same."""

from __future__ import annotations

import os
from pathlib import Path

from .owner import AS_IT_IS, Owner


def write_whole(path: Path, text: str, mode: int, owner: Owner = AS_IT_IS) -> None:
    """Write a file anew, with its mode and owner from the first moment that it is there. The installer's umask is no matter."""
    make_directories(path.parent)
    clear_leftover(path)
    fresh = _fresh(path)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except BaseException:
        os.unlink(fresh)
        raise
    _sync(path.parent)


def clear_leftover(path: Path) -> None:
    """Take away what a write that was cut off left beside the file."""
    fresh = _fresh(path)
    if os.path.lexists(fresh):
        os.unlink(fresh)


def make_directories(place: Path) -> None:
    """All that is missing on the way to a directory and itself, passable for everybody."""
    for each in [*reversed(place.parents), place]:
        if not each.exists():
            make_directory(each, 0o755)


def make_directory(place: Path, mode: int, owner: Owner = AS_IT_IS) -> None:
    """Make one directory that has its mode and owner from the first moment that it is there."""
    fresh = _fresh(place)
    if os.path.lexists(fresh):
        os.rmdir(fresh)
    os.mkdir(fresh, 0o700)
    # By what was opened, not by name: who may write around it could put something else there meanwhile.
    handle = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # chown(2) clears the setgid bit: hence this order.
        os.fchown(handle, *owner)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)
    os.rename(fresh, place)


def _fresh(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
