"""`hadir contract`: what other systems build on, written from the code, compared with every release, given to a registry."""

from pathlib import Path
from typing import Annotated

import typer

from services.commands.terminal import print_line, stop_with

app = typer.Typer(no_args_is_help=True, help="The contract with other systems: AsyncAPI, schemas, releases, registry.")

Root = Annotated[Path, typer.Option("--root", metavar="FOLDER", help="The repository; default: the current folder.")]


@app.command("write")
def write(root: Root = Path()) -> None:
    """Write deploy/contract (AsyncAPI, JSON Schemas) and docs/topics.md from the code.

    Example: [bold]hadir contract write[/bold]
    """
    from services.contract import files
    from shared.topics import TOPICS

    written = files.write(TOPICS, root)
    for path in written:
        print_line(f"Wrote {path}.")
    if not written:
        print_line("Everything is as the code says; nothing was written.")


@app.command("check")
def check(root: Root = Path()) -> None:
    """Compare the files with the code, and the code with every release: would it break who built on one? Exit code 1 if so.

    Example: [bold]hadir contract check[/bold]
    """
    from services.contract import files
    from shared.topics import TOPICS

    found = files.faults(TOPICS, root)
    for fault in found:
        print_line(fault)
    if found:
        stop_with(f"The contract has {len(found)} faults.")
    names = ", ".join(path.name for path in files.releases(root))
    print_line(f"{len(TOPICS)} topics keep what they promised in {names}; the files say what the code says.")


@app.command("release")
def release(
    name: Annotated[str, typer.Argument(metavar="NAME", help="v1, v2 …: the next number")],
    root: Root = Path(),
) -> None:
    """Freeze today's schemas as a release that every later change is compared with; a release is never changed.

    Example: [bold]hadir contract release v2[/bold]
    """
    from services.contract import files
    from shared.topics import TOPICS

    print_line(f"Froze {len(TOPICS)} topics in {files.release(TOPICS, root, name)}.")


@app.command("publish")
def publish(
    registry: Annotated[
        str, typer.Option("--registry", metavar="URL", help="Confluent API of a registry; Apicurio: http://HOST:8080/apis/ccompat/v7")
    ],
) -> None:
    """Register every topic's schema as TOPIC-value, compatibility FORWARD_TRANSITIVE; twice changes nothing.

    Example: [bold]hadir contract publish --registry http://127.0.0.1:8080/apis/ccompat/v7[/bold]
    """
    from services.contract.registry import Registry
    from shared.topics import TOPICS

    with Registry(registry) as opened:
        for line in opened.publish(TOPICS) or ["The registry has every schema as it is; nothing changed."]:
            print_line(line)
