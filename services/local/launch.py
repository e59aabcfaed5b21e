"""Becomes another program that ends with its parent: run as a script between `Popen` and the real command.

`Popen(preexec_fn=...)` would do the same inside a forked copy of a threaded Python, which may deadlock; a
script that replaces itself by `exec` cannot. Usage: launch.py PARENT_PID SIGNAL USER|- COMMAND [ARGUMENT...]
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def become(user: str) -> None:
    """Change from root to `user`, keeping only the right to pass folders such as /root that are closed to others.

    Without it a data folder or a virtual environment below a root-only folder could not be reached, and the
    alternative, opening that folder to everybody, is not ours to do. A kernel that refuses is not an error:
    the command then works where the folders are open anyway.
    """
    entry = pwd.getpwnam(user)
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        # Else access(2), by which PostgreSQL looks for its own binaries, would not count the capability.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if libc is not None:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        mask = 1 << CAP_DAC_OVERRIDE
        data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if libc.capset(ctypes.byref(header), ctypes.byref(data)) == 0:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def die_with(parent: int, signum: int) -> None:
    """Ask the kernel for `signum` when the parent dies (Linux; elsewhere the parent's own tidying must do)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:
            # It died before we could ask.
            sys.exit(128 + signum)


def main() -> None:
    """Take over the identity, the death wish and then the command."""
    parent, name, user, *command = sys.argv[1:]
    if user != "-":
        become(user)
    # After the change of user, which would clear it.
    die_with(int(parent), signal.Signals[name].value)
    os.execvp(command[0], command)  # noqa: S606 - running the given command is the purpose


if __name__ == "__main__":
    main()
