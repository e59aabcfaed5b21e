"""The way of an org unit's roster: drafted, submitted, approved or returned, published; and which step may follow which state."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class RosterState(StrEnum):
    """How far a roster is on its way."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"


class RosterStep(StrEnum):
    """What can be done to a roster. A published one is drafted anew to be changed; its trail goes on."""

    DRAFT = "draft"
    SUBMIT = "submit"
    ADJUST = "adjust"
    RETURN = "return"
    APPROVE = "approve"
    PUBLISH = "publish"


_WAY: Final[Mapping[RosterStep, tuple[frozenset[RosterState | None], RosterState]]] = {
    RosterStep.DRAFT: (frozenset({None, RosterState.DRAFT, RosterState.PUBLISHED}), RosterState.DRAFT),
    RosterStep.SUBMIT: (frozenset({RosterState.DRAFT}), RosterState.SUBMITTED),
    RosterStep.ADJUST: (frozenset({RosterState.SUBMITTED, RosterState.APPROVED}), RosterState.SUBMITTED),
    RosterStep.RETURN: (frozenset({RosterState.SUBMITTED, RosterState.APPROVED}), RosterState.DRAFT),
    RosterStep.APPROVE: (frozenset({RosterState.SUBMITTED}), RosterState.APPROVED),
    RosterStep.PUBLISH: (frozenset({RosterState.APPROVED}), RosterState.PUBLISHED),
}

VERBS: Final[Mapping[RosterStep, str]] = {
    step: "rosters.draft" if step in {RosterStep.DRAFT, RosterStep.SUBMIT} else "rosters.decide" for step in RosterStep
}
"""The verb of `shared.roles` that each step needs: the OPD drafts and submits, BKD decides."""

STATE_WORDS: Final[Mapping[RosterState | None, str]] = {
    None: "belum disusun", RosterState.DRAFT: "masih rancangan", RosterState.SUBMITTED: "menunggu persetujuan",
    RosterState.APPROVED: "sudah disetujui", RosterState.PUBLISHED: "sudah diterbitkan",
}


def after(state: RosterState | None, step: RosterStep) -> RosterState | None:
    """The state that a step leads to; None if it cannot be taken from this one."""
    sources, target = _WAY[step]
    return target if state in sources else None


def from_which(step: RosterStep) -> frozenset[RosterState | None]:
    """The states from which a step can be taken."""
    return _WAY[step][0]
