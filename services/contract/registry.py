"""Gives the schemas to a registry that speaks Confluent's API (Apicurio at `/apis/ccompat/v7`), for those who ask one."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from services.contract.schemas import schema_of
from shared.events import Event
from shared.refusal import Refusal
from shared.topics import Topic

LEVEL: Final = "FORWARD_TRANSITIVE"
"""Old readers take all new records. With open content models this is the level under which optional fields may be added."""

_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
_TYPE: Final = {"Content-Type": "application/vnd.schemaregistry.v1+json"}


class Registry:
    """A registry at an address, for a `with`; `client` is for tests."""

    def __init__(self, url: str, client: httpx.Client | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = client or httpx.Client(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def publish(self, topics: Iterable[Topic[Event]]) -> list[str]:
        """Register each topic's value under `<topic>-value` and set its level; one sentence per topic that is new or changed.

        The same schema again changes nothing. Raises `Refusal` when no registry answers, or when it calls a schema
        incompatible with those it has; topics before that one stay published.
        """
        return [sentence for topic in topics if (sentence := self._publish(topic))]

    def _publish(self, topic: Topic[Event]) -> str:
        subject = f"{topic.name}-value"
        before = self._versions(subject)
        body = {"schemaType": "JSON", "schema": orjson.dumps(_draft_07({**schema_of(topic), "$schema": _DRAFT_07})).decode()}
        answer = self._ask("POST", f"/subjects/{subject}/versions", body)
        if answer.status_code == 409:
            raise Refusal(f"The registry refuses {subject} as incompatible with what it has: {_words(answer)}")
        self._fine(answer)
        if not before:
            self._fine(self._ask("PUT", f"/config/{subject}", {"compatibility": LEVEL}))
        new = [version for version in self._versions(subject) if version not in before]
        return f"{subject}: version {new[-1]} published, level {LEVEL}" if new else ""

    def _versions(self, subject: str) -> list[int]:
        answer = self._ask("GET", f"/subjects/{subject}/versions")
        if answer.status_code == 404:
            return []
        self._fine(answer)
        return list(answer.json())

    def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        content = None if body is None else orjson.dumps(body)
        try:
            return self._client.request(method, self._url + path, content=content, headers=_TYPE)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refusal(
                f"No registry answers at {self._url} ({type(error).__name__}): name the address of its Confluent API, of Apicurio"
                " http://HOST:8080/apis/ccompat/v7."
            ) from error

    def _fine(self, answer: httpx.Response) -> None:
        if answer.is_error:
            raise Refusal(f"The registry answered {answer.status_code} to {answer.request.url.path}: {_words(answer)}")


def _draft_07(schema: Any) -> Any:
    """The same schema in the words of draft 7: the newest that registries can compare (Apicurio 3.3.3 answers 500 to 2020-12)."""
    if isinstance(schema, dict):
        return {
            "definitions" if name == "$defs" else name:
            part.replace("#/$defs/", "#/definitions/") if name == "$ref" and isinstance(part, str) else _draft_07(part)
            for name, part in schema.items()
        }  # fmt: skip
    return [_draft_07(part) for part in schema] if isinstance(schema, list) else schema


def _words(answer: httpx.Response) -> str:
    return answer.text.strip().replace("\n", " ")[:500]
