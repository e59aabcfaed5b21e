"""Whole-number flows with a least and a most on each edge (Dinic's algorithm): whether a rotation exists, and one that does.

A roster is such a flow: from people over their weeks and dates to the unit's quotas. Bounds that nest on either side (day in
week in month; week in person) always have a whole-number solution if they have a fractional one.
"""

from collections import deque
from typing import Final

UNLIMITED: Final = 1 << 40


class Network:
    """Nodes 0 … n-1, of which 0 is the source and 1 the sink; edges are numbered in the order in which they are added."""

    def __init__(self) -> None:
        self._to: list[int] = []
        self._room: list[int] = []
        self._out: list[list[int]] = [[], []]
        self._least: list[int] = []
        self._excess: list[int] = [0, 0]

    def node(self) -> int:
        """A new node."""
        self._out.append([])
        self._excess.append(0)
        return len(self._out) - 1

    def edge(self, start: int, end: int, least: int, most: int) -> int:
        """An edge that carries at least `least` and at most `most`; returns its number."""
        number = len(self._least)
        self._arc(start, end, most - least)
        self._least.append(least)
        self._excess[end] += least
        self._excess[start] -= least
        return number

    def solve(self, *, most: bool) -> bool:
        """Finds a flow that keeps all bounds, with `most` one that carries as much as can be; False if there is none."""
        back = len(self._to)
        self._arc(1, 0, UNLIMITED)
        source, sink = self.node(), self.node()
        wanted = 0
        for place, excess in enumerate(self._excess):
            if excess > 0:
                self._arc(source, place, excess)
                wanted += excess
            elif excess < 0:
                self._arc(place, sink, -excess)
        if self._push_all(source, sink) < wanted:
            return False
        self._room[back] = self._room[back + 1] = 0
        if most:
            self._push_all(0, 1)
        return True

    def carried(self, edge: int) -> int:
        """How much an edge carries in the flow that was found."""
        return self._least[edge] + self._room[2 * edge + 1]

    def _arc(self, start: int, end: int, room: int) -> None:
        self._out[start].append(len(self._to))
        self._to.append(end)
        self._room.append(room)
        self._out[end].append(len(self._to))
        self._to.append(start)
        self._room.append(0)

    def _push_all(self, source: int, sink: int) -> int:
        total = 0
        while (level := self._levels(source, sink)) is not None:
            nexts = [0] * len(self._out)
            while pushed := self._push(source, sink, level, nexts):
                total += pushed
        return total

    def _levels(self, source: int, sink: int) -> list[int] | None:
        level = [-1] * len(self._out)
        level[source] = 0
        waiting = deque([source])
        while waiting:
            node = waiting.popleft()
            for arc in self._out[node]:
                if self._room[arc] and level[self._to[arc]] < 0:
                    level[self._to[arc]] = level[node] + 1
                    waiting.append(self._to[arc])
        return level if level[sink] >= 0 else None

    def _push(self, source: int, sink: int, level: list[int], nexts: list[int]) -> int:
        """One path that rises level by level, found without recursion: paths may be as long as a unit has people."""
        path: list[int] = []
        node = source
        while node != sink:
            arcs = self._out[node]
            while nexts[node] < len(arcs):
                arc = arcs[nexts[node]]
                if self._room[arc] and level[self._to[arc]] == level[node] + 1:
                    break
                nexts[node] += 1
            else:
                if not path:
                    return 0
                node = self._to[path.pop() ^ 1]
                nexts[node] += 1
                continue
            path.append(arc)
            node = self._to[arc]
        pushed = min(self._room[arc] for arc in path)
        for arc in path:
            self._room[arc] -= pushed
            self._room[arc ^ 1] += pushed
        return pushed
