"""Composes the APIs whose commands need to know of more than one service: geofence with the gate, schedule with the player.

A service may not read the tables of another. So its API takes what it needs as a function, and is given it here, where the
audit role may read all (`HADIR_AUDIT_DATABASE`).
"""

from functools import partial

from fastapi import FastAPI

from services.geofence import api as geofence
from services.preview.gate import sites_gate
from services.preview.ordered import play_orders
from services.schedule import api as schedule
from shared.web.app import Context


def geofence_app(context: Context) -> FastAPI:
    """The API of geofence, in which fences move when the gate lets them."""
    return geofence.create_app(context, partial(sites_gate, context.settings.audit_database or context.settings.database))


def schedule_app(context: Context) -> FastAPI:
    """The API of schedule, which plays the previews that are ordered from it."""
    return schedule.create_app(context, play_orders)
