"""Who files belong to: the host's account `blockhost`, where there is one and we may give files away."""

from __future__ import annotations

import grp
import os
import pwd
from typing import NamedTuple

ACCOUNT = "blockhost"


class Owner(NamedTuple):
    """-1 leaves it as it is."""

    uid: int
    gid: int


AS_IT_IS = Owner(-1, -1)


def blockhost() -> Owner:
    """The account's ids; whatever does not exist, or is not ours to give, stays as it is."""
    if os.geteuid() != 0:
        return AS_IT_IS
    return Owner(_uid(), _gid())


def _uid() -> int:
    try:
        return pwd.getpwnam(ACCOUNT).pw_uid
    except KeyError:
        return -1


def _gid() -> int:
    try:
        return grp.getgrnam(ACCOUNT).gr_gid
    except KeyError:
        return -1
