"""Decides whether a change of a schema or a topic may be made, or would break who built on an earlier release.

Two questions, both over all releases (transitively): can readers of a release take every record that will be written
from now on (FORWARD), and can readers from now on take every record that a release wrote, since topics keep them for
years (replay)? What passes both: new optional fields, and words. Everything else is a new topic with the next major version.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.contract.schemas import Schema

_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def breaks(release: str, old: Schema, new: Schema) -> list[str]:
    """Sentences that name each field by which `new` breaks readers or records of the release that had `old`."""
    then, now = f"readers of release {release}", "records from now on"
    found = [f"{place} {why}" for place, why in _refused(_Side(then, old), _Side(now, new), "", gone=True)]
    then, now = f"records of release {release}", "readers from now on"
    found += [f"{place} {why}" for place, why in _refused(_Side(now, new), _Side(then, old), "", gone=False)]
    found += [f"{place} {why}" for place, why in _other_meaning(_Side(then, old), _Side(now, new), "")]
    return list(dict.fromkeys(found))


def topic_breaks(release: str, old: Mapping[str, Any], new: Mapping[str, Any] | None) -> list[str]:
    """Sentences for what a topic promised in a release and no longer keeps; `new` is None when the topic is gone."""
    if new is None:
        return [f"is gone, but release {release} promised it: keep it beside its successor"]
    found = [
        f"has {what} {new[field]!r}, but release {release} promised {old[field]!r}: {why}"
        for field, what, why in (
            ("key", "the key", "order and compaction are per key"),
            ("partitions", "partitions", "another number moves keys to other partitions and breaks their order"),
            ("compacted", "compacted", "readers of the one lose what they count on in the other"),
        )
        if new[field] != old[field]
    ]
    before, after = old["kept_days"], new["kept_days"]
    if not new["compacted"] and after is not None and (before is None or after < before):
        found.append(f"is kept {after} days, but release {release} promised {before or 'for ever'}: who was away meanwhile loses records")
    return found


class _Side:
    """A schema, or a part of one, with the name of who reads or writes it and the definitions it refers to."""

    def __init__(self, who: str, schema: Schema, definitions: Mapping[str, Schema] | None = None) -> None:
        self.who: Final = who
        self.definitions: Final = schema.get("$defs", {}) if definitions is None else definitions
        while "$ref" in schema:
            schema = {**self.definitions[schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
        self.schema: Final = schema

    def part(self, schema: Schema) -> "_Side":
        return _Side(self.who, schema, self.definitions)

    def alternatives(self) -> list["_Side"]:
        if "anyOf" not in self.schema:
            return [self]
        return [one for choice in self.schema["anyOf"] for one in self.part(choice).alternatives()]

    def values(self) -> list[Any] | None:
        """The few values that are allowed, None for any."""
        return [self.schema["const"]] if "const" in self.schema else self.schema.get("enum")

    def told(self) -> str:
        """The alternatives in words."""
        said = [
            " or ".join(map(repr, one.values() or ())) or f"{one.schema.get('type', 'anything')}"
            + "".join(f" {key} {one.schema[key]}" for key in ("format", "pattern", *_LEAST, *_MOST) if key in one.schema)
            for one in self.alternatives()
        ]  # fmt: skip
        return " or ".join(said)


def _refused(reader: _Side, writer: _Side, place: str, *, gone: bool) -> Iterator[tuple[str, str]]:
    """Where the writer may write what the reader does not take; `gone`: a field that the writer does not know counts."""
    for written in writer.alternatives():
        tries = [list(_refused_plainly(read, written, place, gone=gone)) for read in reader.alternatives()]
        if not all(tries):
            continue
        inside = [found for found in tries if any(where != place for where, _ in found)]
        if inside:  # the shapes are of one kind: say which part of it
            yield from inside[0]
        else:
            yield _named(place), f"{writer.who} may hold {written.told()}; {reader.who} take only {reader.told()}"


def _refused_plainly(reader: _Side, writer: _Side, place: str, *, gone: bool) -> Iterator[tuple[str, str]]:
    old, new = reader.schema, writer.schema
    allowed, possible = reader.values(), writer.values()
    misfit = (
        ("type" in old and old["type"] != new.get("type") and (old["type"], new.get("type")) != ("number", "integer"))
        or (allowed is not None and (possible is None or any(value not in allowed for value in possible)))
        or (possible is None and any(old.get(key, new.get(key)) != new.get(key) for key in ("pattern", "format")))
        or any(key in old and (key not in new or new[key] < old[key]) for key in _LEAST)
        or any(key in old and (key not in new or new[key] > old[key]) for key in _MOST)
        or len(old.get("prefixItems", ())) != len(new.get("prefixItems", ()))
    )
    if misfit:
        yield place, "does not fit"
        return
    known = new.get("properties", {})
    for name, schema in old.get("properties", {}).items():
        where = f"{place}.{name}" if place else name
        if name not in known:
            if gone:
                yield _named(where), f"{writer.who} never have it; {reader.who} count on it"
        else:
            yield from _refused(reader.part(schema), writer.part(known[name]), where, gone=gone)
    for name in old.get("required", ()):
        if name not in new.get("required", ()) and (name in known or not gone):
            yield _named(f"{place}.{name}" if place else name), f"{writer.who} may lack it; {reader.who} need it"
    closed = old.get("additionalProperties") is False
    if closed and (new.get("additionalProperties") is not False or known.keys() - old.get("properties", {}).keys()):
        yield _named(place), f"{reader.who} refuse fields that they do not know: schemas stay open"
    inner = [(old.get("items"), new.get("items"), "[]"), (old.get("additionalProperties"), new.get("additionalProperties"), ".*")]
    fixed = zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=True)
    inner += [(was, now, f"[{nth}]") for nth, (was, now) in enumerate(fixed)]
    for was, now, step in inner:
        if isinstance(was, dict):
            yield from _refused(reader.part(was), writer.part(now if isinstance(now, dict) else {}), place + step, gone=gone)


def _other_meaning(old: _Side, new: _Side, place: str) -> Iterator[tuple[str, str]]:
    """Defaults that changed: a record without the field would say something else."""
    for name, schema in old.schema.get("properties", {}).items():
        if name in new.schema.get("properties", {}):
            was, now = old.part(schema), new.part(new.schema["properties"][name])
            where = f"{place}.{name}" if place else name
            if "default" in was.schema and was.schema["default"] != now.schema.get("default", was.schema["default"]):
                yield _named(where), f"of a record that lacks it meant {was.schema['default']!r} and would mean {now.schema['default']!r}"
            yield from _other_meaning(was, now, where)
            if isinstance(was.schema.get("items"), dict) and isinstance(now.schema.get("items"), dict):
                yield from _other_meaning(was.part(was.schema["items"]), now.part(now.schema["items"]), f"{where}[]")


def _named(place: str) -> str:
    return f"field `{place}`:" if place else "the value:"
