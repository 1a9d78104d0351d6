"""Runs a program under the system call filter of a systemd unit, as its SystemCallFilter= and RestrictAddressFamilies= say.

Usage: unit_filter.py UNIT PROGRAM [ARGUMENT...]
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
EQUAL = 4


class Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def values(unit, key):
    with open(unit, encoding="utf-8") as lines:
        return [line.split("=", 1)[1].split() for line in lines if line.startswith(key + "=")]


def calls_of(word):
    if not word.startswith("@"):
        return {word}
    said = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", word], capture_output=True, text=True, check=True)
    names = [line.strip() for line in said.stdout.splitlines()[1:]]
    return set().union(*(calls_of(name) for name in names if name and not name.startswith("#")))


def allowed_calls(unit):
    allowed = calls_of("@default")
    for words in values(unit, "SystemCallFilter"):
        taken_away = words[0].startswith("~")
        for word in [words[0].lstrip("~"), *words[1:]]:
            allowed = allowed - calls_of(word) if taken_away else allowed | calls_of(word)
    if not values(unit, "SystemCallFilter"):
        sys.exit("no filter in " + unit)
    # Tests run as root, which gives what it makes to the owner of its place; the unit's user never does.
    return allowed | calls_of("@chown") if os.geteuid() == 0 else allowed


def main():
    unit, *argv = sys.argv[1:]
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(REFUSE)))

    def allow(name, *comparisons):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == -1:
            return
        array = (Comparison * len(comparisons))(*comparisons)
        result = library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, len(comparisons), array)
        if result not in (0, -errno.EEXIST):
            sys.exit(f"{name}: {os.strerror(-result)}")

    [families] = values(unit, "RestrictAddressFamilies")
    for name in sorted(allowed_calls(unit)):
        if name != "socket":
            allow(name)
    for family in families:
        allow("socket", Comparison(0, EQUAL, getattr(socket, family), 0))
    result = library.seccomp_load(context)
    if result != 0:
        sys.exit("seccomp_load: " + os.strerror(-result))
    os.execvp(argv[0], argv)


main()
