"""Become another program that cannot outlive its parent. Run as a script, never imported.

    python -IS spawn.py PARENT_PID DEATH_SIGNAL UID GID program argument ...

The kernel sends DEATH_SIGNAL when the parent dies (Linux; elsewhere the next start finds leftovers by their
recorded ids). With a UID (not -), root gives up every privilege but reading: PostgreSQL refuses to run as
root, yet a project or data folder may lie where only root can look.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


def prctl(*arguments: int) -> None:
    ctypes.CDLL(None).prctl(*(ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]))


def keep_only_reading() -> None:
    """Carry the capability to read and search any folder over exec; without it plain permissions apply."""
    mask = 1 << CAP_DAC_READ_SEARCH
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    effective_permitted_inheritable = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    ctypes.CDLL(None).capset(ctypes.byref(header), ctypes.byref(effective_permitted_inheritable))
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH)


def become(uid: int, gid: int) -> None:
    on_linux = sys.platform == "linux"
    if on_linux:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if on_linux:
        keep_only_reading()


def main() -> None:
    parent, death_signal, uid, gid, *argv = sys.argv[1:]
    try:
        if uid != "-":
            become(int(uid), int(gid))
        if sys.platform == "linux":
            prctl(PR_SET_PDEATHSIG, int(death_signal))  # after the change of user, which clears it
        if os.getppid() != int(parent):
            sys.exit(1)
        os.execvp(argv[0], argv)  # noqa: S606 - no shell is the point
    except OSError as error:
        sys.exit(f"cannot run {argv[0]}: {error}")


if __name__ == "__main__":
    main()
