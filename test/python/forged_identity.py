"""Says to libvirt "I am root, and process 1", as one libvirt daemon tells another whom it speaks for. Exit 0 where it is believed."""

import ctypes
import sys

LLONG, ULLONG, STRING = 3, 4, 7


class Value(ctypes.Union):
    _fields_ = [("l", ctypes.c_longlong), ("ul", ctypes.c_ulonglong), ("s", ctypes.c_char_p)]


class Parameter(ctypes.Structure):
    _fields_ = [("field", ctypes.c_char * 80), ("type", ctypes.c_int), ("value", Value)]


with open("/proc/1/stat", encoding="utf-8") as stat:
    started = int(stat.read().rpartition(")")[2].split()[19])
identity = (Parameter * 4)(
    Parameter(b"user-name", STRING, Value(s=b"root")),
    Parameter(b"unix-user-id", ULLONG, Value(ul=0)),
    Parameter(b"process-id", LLONG, Value(l=1)),
    Parameter(b"process-time", ULLONG, Value(ul=started)),
)
libvirt = ctypes.CDLL("libvirt.so.0")
libvirt.virConnectOpen.restype = ctypes.c_void_p
connection = ctypes.c_void_p(libvirt.virConnectOpen(b"qemu:///system"))
sys.exit(0 if connection and libvirt.virConnectSetIdentity(connection, identity, 4, 0) == 0 else 1)
