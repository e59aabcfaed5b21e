"""A world for the oracle from what is kept anyway: the archived check-ins and the files that officers imported."""

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

from tests.oracle.packs import read_packs
from tests.oracle.places import verdict_of_all

WEEK = {day: ["07:30", "16:30" if day == "fri" else "16:00"] for day in ("mon", "tue", "wed", "thu", "fri")}


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a csv file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def world_of(folder: Path, in_force: dict[str, str], since: dt.date, check_ins: list[dict[str, Any]]) -> dict[str, Any]:
    """The world that these files and check-ins tell.

    `in_force` names the pack of each unit by code, from `since` on. A check-in may stand in the archive any number
    of times, in any order.
    """
    units = {row["code"]: row for row in rows(folder / "org-units.csv")}
    packs = read_packs(folder / "policies.yaml")
    people = {
        row["employee_id"]: {"unit": row["org_unit"], "timezone": units[row["org_unit"]]["timezone"], "group": row["group"]}
        for row in rows(folder / "employees.csv")
    }
    offices, regions = sites_of(folder / "sites.geojson")
    marks = [
        mark_of(check_in, offices.get(person["unit"], []), regions.get(person["unit"], []))
        for check_in in check_ins if (person := people.get(check_in["employee_id"])) is not None
    ]
    return {
        "week": WEEK,
        "holidays": {dt.date.fromisoformat(row["date"]) for row in rows(folder / "calendar.csv")},
        "roster": {
            (row["employee_id"], dt.date.fromisoformat(row["date"])): {key: row[key] for key in ("mode", "start", "end")}
            for row in rows(folder / "roster.csv")
        },
        "policies": [(since, unit, packs[name]) for unit, name in in_force.items()],
        "people": people,
        "facts": [],
        "marks": marks,
    }


def mark_of(check_in: dict[str, Any], offices: list[dict[str, Any]], regions: list[dict[str, Any]]) -> dict[str, Any]:
    """An archived check-in, judged."""
    where = check_in["latitude"], check_in["longitude"], check_in["accuracy_m"]
    site, region = verdict_of_all(*where, offices), verdict_of_all(*where, regions)
    return {
        "id": check_in["check_in_id"], "person": check_in["employee_id"], "mark": check_in["mark"],
        "at": dt.datetime.fromisoformat(check_in["captured_at"]), "evidence": check_in.get("evidence") is not None,
        "site": "unsure" if site == "unclear" else site, "region": "unsure" if region == "unclear" else region,
    }


def sites_of(path: Path) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """Offices and regions of a GeoJSON file, by the code of the unit that may use them."""
    offices: dict[str, list[dict[str, Any]]] = {}
    regions: dict[str, list[dict[str, Any]]] = {}
    for feature in json.loads(path.read_text())["features"]:
        about, shape = feature["properties"], feature["geometry"]
        if shape["type"] == "Point":
            lon, lat = shape["coordinates"]
            site = {"lat": lat, "lon": lon, "radius_m": about["radius_m"]}
        else:
            site = {"ring": shape["coordinates"][0]}
        for unit in about["org_units"]:
            (regions if about["kind"] == "region" else offices).setdefault(unit, []).append(site)
    return offices, regions


def ceilings_of(path: Path) -> dict[tuple[str, str], int]:
    """Rupiah by employee and month."""
    return {(row["employee_id"], row["month"]): int(row["amount"]) for row in rows(path)}
