"""`hadir read`: what the HTTP APIs tell, on the command line; every list of every API, page after page."""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.commands.terminal import stop_with
from shared.roles import Role
from shared.settings import settings

if TYPE_CHECKING:
    import httpx


class Api(StrEnum):
    """Whose API is read."""

    GEOFENCE = "geofence"
    SCHEDULE = "schedule"
    PAYROLL = "payroll"
    REPORTS = "reports"


def read(
    api: Annotated[Api, typer.Argument(help="Whose API.")],
    path: Annotated[str, typer.Argument(help="What, below /v1: days, employees, months, sites, due-days, receipts/ID/2026-02, ...")],
    query: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Filters of that list, as in its /docs.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All pages, one item a line, instead of the first page.")] = False,
    role: Annotated[Role, typer.Option(help="Read as this role.")] = Role.BKD,
    actor: Annotated[str, typer.Option(help="Who reads; for the role employee the employee's id.")] = "operator",
    units: Annotated[str, typer.Option(help="Ids of org units, comma separated, for roles that are bound to some.")] = "",
    url: Annotated[str | None, typer.Option(metavar="URL", help="Address of the API; default: the running stack's.")] = None,
) -> None:
    """Read from an API: the first page as JSON, or with --all every item as a line of JSON.

    Examples: [bold]hadir read schedule due-days[/bold],
    [bold]hadir read schedule days from=2026-02-01 until=2026-02-28 --all[/bold],
    [bold]hadir read payroll ledger month=2026-02 --all[/bold],
    [bold]hadir read geofence suspicions --role inspectorate[/bold]
    """
    import httpx

    wrong = [item for item in query or () if "=" not in item]
    if wrong:
        stop_with(f"{wrong[0]!r} is not NAME=VALUE, such as from=2026-02-01.", 2)
    filters = {name: value for name, _, value in (item.partition("=") for item in query or ())}
    address = url or f"http://{settings().host}:{getattr(settings(), f'{api}_api_port')}"
    headers = {"Hadir-Actor": actor, "Hadir-Role": role.value, "Hadir-Units": units}
    try:
        with httpx.Client(base_url=f"{address}/v1/", headers=headers, timeout=150) as client:
            if every:
                for line in _lines(client, path.strip("/"), filters):
                    typer.echo(line)
            else:
                typer.echo(_told(client, path.strip("/"), filters))
    except httpx.HTTPError as error:
        stop_with(f"The API at {address} does not answer ({type(error).__name__}): run `hadir run`, or name it with --url.")


def _get(client: "httpx.Client", path: str, filters: dict[str, str]) -> "httpx.Response":
    answer = client.get(path, params=filters)
    if not answer.is_success:
        problem = answer.json() if answer.headers.get("content-type") == "application/problem+json" else {}
        faults = "".join(f"\n  {fault['field']}: {fault['detail']}" for fault in problem.get("errors", ()))
        stop_with(f"{answer.status_code} {problem.get('title', '')}: {problem.get('detail', answer.text[:200])}{faults}")
    return answer


def _told(client: "httpx.Client", path: str, filters: dict[str, str]) -> str:
    import orjson

    answer = _get(client, path, filters)
    if not answer.headers["content-type"].startswith("application/json") or path.startswith("receipts/"):
        return answer.text.rstrip("\n")  # a slip for people; a receipt byte for byte
    return orjson.dumps(answer.json(), option=orjson.OPT_INDENT_2).decode()


def _lines(client: "httpx.Client", path: str, filters: dict[str, str]) -> Iterator[str]:
    import orjson

    asked: dict[str, str] = {"limit": "1000", **filters}
    while True:
        page: dict[str, Any] = _get(client, path, asked).json()
        if "items" not in page:
            stop_with(f"{path} is no list; leave out --all.", 2)
        yield from (orjson.dumps(item).decode() for item in page["items"])
        if page["next"] is None:
            return
        asked["after"] = page["next"]
