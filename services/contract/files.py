"""The contract's files in the repository: written, compared with the code, and frozen as a release."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from services.contract import asyncapi, page
from services.contract.compatibility import breaks, topic_breaks
from services.contract.schemas import facts_of, schema_of
from shared.events import Event
from shared.refusal import Refusal
from shared.topics import Topic, refuse_two_owners

SAMPLES: Final = Path("tests/contract/samples")
FOLDER: Final = Path("deploy/contract")
_PAGE: Final = Path("docs/topics.md")
_FACTS: Final = "topics.json"


def made(topics: Iterable[Topic[Event]], root: Path) -> dict[Path, bytes]:
    """Every generated file by its path under `root`; raises `Refusal` for a topic with two owners or without a sample."""
    topics = tuple(topics)
    refuse_two_owners(topics)
    samples = {topic.name: _sample(topic, root) for topic in topics}
    schemas = {topic.name: schema_of(topic) for topic in topics}
    fields = {name: page.fields_table(schema) for name, schema in schemas.items()}
    return {
        FOLDER / "asyncapi.yaml": asyncapi.text(topics).encode(),
        **{FOLDER / "schemas" / f"{name}.json": _json(schema) for name, schema in schemas.items()},
        _PAGE: page.text(topics, samples, fields).encode(),
    }


def write(topics: Iterable[Topic[Event]], root: Path) -> list[Path]:
    """Write what is not as it should be and remove schemas of topics that are gone; returns what was touched."""
    wanted = made(topics, root)
    stale = [path for path in (root / FOLDER / "schemas").glob("*.json") if path.relative_to(root) not in wanted]
    touched = [path for path, content in wanted.items() if not (root / path).is_file() or (root / path).read_bytes() != content]
    for path in touched:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(wanted[path])
    for path in stale:
        path.unlink()
    return touched + [path.relative_to(root) for path in stale]


def faults(topics: Iterable[Topic[Event]], root: Path) -> list[str]:
    """What is wrong with the contract, each as a sentence: files that say something else than the code, broken promises."""
    topics = tuple(topics)
    found = []
    for path, content in made(topics, root).items():
        if not (root / path).is_file() or (root / path).read_bytes() != content:
            found.append(f"{path} does not say what the code says: run `hadir contract write` and commit it.")
    return found + [fault for release in releases(root) for fault in _broken(release, topics)]


def releases(root: Path) -> list[Path]:
    """Folders of all releases, oldest first; raises `Refusal` when there is none to compare with."""
    found = sorted((root / FOLDER / "released").glob("v*"), key=lambda path: int(path.name[1:]))
    if not found:
        raise Refusal(f"{FOLDER / 'released'} has no release to compare with: make one with `hadir contract release v1`.")
    return found


def release(topics: Iterable[Topic[Event]], root: Path, name: str) -> Path:
    """Freeze today's schemas and facts under a name, for ever; raises `Refusal` when it exists or breaks an earlier one."""
    topics = tuple(topics)
    folder = root / FOLDER / "released" / name
    if not re.fullmatch(r"v[1-9][0-9]*", name):
        raise Refusal(f"{name} is no name for a release: v1, v2, v3 …")
    if folder.exists():
        raise Refusal(f"Release {name} exists, and others have built on it: it is never changed. Choose the next number.")
    if broken := [fault for earlier in sorted((root / FOLDER / "released").glob("v*")) for fault in _broken(earlier, topics)]:
        raise Refusal("\n".join(broken))
    folder.mkdir(parents=True)
    for topic in topics:
        (folder / f"{topic.name}.json").write_bytes(_json(schema_of(topic)))
    (folder / _FACTS).write_bytes(_json({topic.name: facts_of(topic) for topic in topics}))
    return folder


def _broken(folder: Path, topics: tuple[Topic[Event], ...]) -> Iterator[str]:
    now = {topic.name: topic for topic in topics}
    promised: Mapping[str, Any] = orjson.loads((folder / _FACTS).read_bytes())
    for name, facts in promised.items():
        topic = now.get(name)
        for fault in topic_breaks(folder.name, facts, facts_of(topic) if topic else None):
            yield f"{name} {fault}."
        if topic:
            old = orjson.loads((folder / f"{name}.json").read_bytes())
            for fault in breaks(folder.name, old, schema_of(topic)):
                yield f"{name}, {fault}. Take it back, or publish a new topic {_successor(name)} beside this one."


def _successor(name: str) -> str:
    stem, _, major = name.rpartition(".v")
    return f"{stem}.v{int(major) + 1}"


def _sample(topic: Topic[Event], root: Path) -> bytes:
    path = SAMPLES / f"{topic.name}.json"
    try:
        return (root / path).read_bytes()
    except OSError as error:
        if not (root / SAMPLES).is_dir():
            raise Refusal(f"{root.resolve()} is no checkout of Hadir, {SAMPLES} is missing: go to one, or name it with --root.") from error
        raise Refusal(f"{topic.name} has no golden sample: put a record that will always be readable into {path}.") from error


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
