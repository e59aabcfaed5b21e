"""`hadir topics`: the broker's topics are made from, and compared with, `shared/topics.py`."""

import asyncio
import re
from pathlib import Path
from typing import Annotated

import typer

from services.commands.terminal import print_line, stop_with

app = typer.Typer(no_args_is_help=True, help="Create the Kafka topics, list them, write their table.")

_BLOCK = r"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)"

KafkaOption = Annotated[
    str | None,
    typer.Option("--kafka", metavar="HOST:PORT", help="Brokers; default: HADIR_KAFKA, else the running stack."),
]


@app.command("apply")
def apply(
    kafka: KafkaOption = None,
    replication: Annotated[
        int | None, typer.Option(min=1, max=9, help="Replicas of new topics; 3 in production.")
    ] = None,
) -> None:
    """Create missing topics and set their retention; never changes a number of partitions.

    Running it twice changes nothing. Example: [bold]hadir topics apply --kafka broker1:9092 --replication 3[/bold]
    """
    from shared.kafka import apply_topics
    from shared.settings import settings

    changes = asyncio.run(apply_topics(kafka or settings().kafka, replication or settings().replication))
    for change in changes or ["All topics are as declared; nothing changed."]:
        print_line(change)


@app.command("list")
def list_topics(
    check: Annotated[bool, typer.Option(help="Also compare with the broker; exit code 1 if it differs.")] = False,
    kafka: KafkaOption = None,
) -> None:
    """Show every topic: owner, partitions, retention, what it holds.

    Example: [bold]hadir topics list --check[/bold]
    """
    from shared.kafka import check_topics, kept
    from shared.settings import settings
    from shared.topics import TOPICS

    width = max(len(topic.name) for topic in TOPICS)
    print_line(f"{'topic':<{width}}  {'owner':<8}  part.  {'kept':<14}  {'data':<12}  what")
    for topic in TOPICS:
        columns = f"{topic.owner:<8}  {topic.partitions:>5}  {kept(topic):<14}  {topic.data:<12}"
        print_line(f"{topic.name:<{width}}  {columns}  {topic.what}")
    if check:
        asyncio.run(check_topics(kafka or settings().kafka))
        print_line("The broker has them all as declared.")


@app.command("docs")
def docs(
    write: Annotated[
        Path | None, typer.Option(metavar="README.md", help="Replace the tables between this file's marks for topics and services.")
    ] = None,
) -> None:
    """Print the tables of topics and services as Markdown, as the README shows them.

    Example: [bold]hadir topics docs --write README.md[/bold]
    """
    from services.commands.charters import services_markdown
    from shared.kafka import topics_markdown

    tables = {"services": services_markdown(), "topics": topics_markdown()}
    if write is None:
        typer.echo("\n\n".join(tables.values()))
        return
    try:
        text = write.read_text()
    except OSError as error:
        stop_with(f"Cannot read {write}: {error.strerror}.")
    for name, table in tables.items():
        block = re.compile(_BLOCK.format(name=name), re.DOTALL)
        if not block.search(text):
            stop_with(f"{write} has no block <!-- {name}:begin --> … <!-- {name}:end -->; add one where the table belongs.")
        text = block.sub(lambda match: f"{match[1]}{table}\n{match[2]}", text)  # noqa: B023 - used at once
    write.write_text(text)
    print_line(f"Wrote the tables of {' and '.join(tables)} into {write}.")


@app.command("manifests")
def manifests(
    write: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for topics.yaml and users.yaml.")],
    outsiders: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the users of the outside systems in this file instead."),
    ] = None,
) -> None:
    """Write Kubernetes' KafkaTopics and KafkaUsers (Strimzi): each service's rights are what it owns and consumes.

    Example: [bold]hadir topics manifests --write deploy/k8s/base/kafka[/bold]
    """
    from services.commands.manifests import cluster_files, outsider_files

    for name, text in (cluster_files() if outsiders is None else outsider_files(outsiders)).items():
        try:
            (write / name).write_text(text)
        except OSError as error:
            stop_with(f"Cannot write {write / name}: {error.strerror}.")
        print_line(f"Wrote {write / name}.")
