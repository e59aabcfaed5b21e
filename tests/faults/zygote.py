"""Starts services as `hadir run` does, by forking a process that has imported them: the restart of a victim takes no CPU.

Started with `python -m tests.faults.zygote`; takes orders as JSON lines on standard input and tells on standard output what
started and what ended, and how. It ends, with everything that it started, when its input does.
"""

import json
import os
import select
import sys
from pathlib import Path

from services.local.fork import fork, preload
from services.local.process import Child, spawn
from services.local.supervisor import COMMANDS, HEAVY


def main() -> None:
    """Obey until the input ends."""
    preload(HEAVY)
    children: dict[int, Child] = {}
    tell({"ready": True})
    waiting = b""
    while True:
        if select.select([0], [], [], 0.05)[0]:
            told = os.read(0, 65_536)
            if not told:
                break
            *orders, waiting = (waiting + told).split(b"\n")
            for order in map(json.loads, orders):
                arguments, log = COMMANDS[order["command"]], Path(order["log"])
                if "mutant" in order:
                    arguments = ("tests.faults.mutated", order["mutant"], *arguments)
                # What is read before all else, and another version's modules, take effect only in a program that starts anew.
                if "folder" in order or not order["env"].keys().isdisjoint(("LD_PRELOAD", "HADIR_FAILPOINT")):
                    command = [order.get("python", sys.executable), "-m", *arguments]
                    child = spawn(order["name"], command, log, environment=order["env"], folder=order.get("folder"))
                else:
                    child = fork(order["name"], arguments, log, order["env"])
                children[child.popen.pid] = child
                tell({"started": order["name"], "pid": child.popen.pid})
        for pid, child in list(children.items()):
            if (code := child.popen.poll()) is not None:
                del children[pid]
                tell({"ended": child.name, "pid": pid, "code": code})
    for child in children.values():
        child.ask_to_end()
    for child in children.values():
        child.stop(10)


def tell(what: dict[str, object]) -> None:
    """One line of JSON for the harness."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
