"""A real Kubernetes API server on this machine, without a cluster: built from its Go modules, with Debian's etcd beneath it.

It stores and checks objects as a cluster's does (field validation, CRDs with their CEL rules, pod security admission);
nobody reconciles them. Binaries are kept in the folder of downloads, so that the minutes of building are spent once.
"""

import contextlib
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from deploy.k8s.verify import golang
from services.local.debian import fetch_programs
from services.local.downloads import cache_folder
from services.local.process import Child, LocalError, await_ready, free_port, spawn

VERSION: Final = "1.37.2"

_MAIN: Final = """package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	os.Exit(cli.Run(app.NewAPIServerCommand()))
}
"""


@dataclass(frozen=True)
class ApiServer:
    """Where it answers and what lets one in."""

    client: httpx.Client

    def ready(self) -> bool:
        """Whether it takes requests."""
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get("/readyz").status_code == 200
        return False


def built() -> Path:
    """The kube-apiserver binary; built on first use, which takes four to eight minutes on two cores. Raises LocalError."""
    binary = cache_folder() / f"kube-apiserver-{VERSION}"
    if binary.exists():
        return binary
    go = golang.go("builds the API server")
    cache_folder().mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"Building kube-apiserver {VERSION} (once; four minutes to eight, on two cores) ...\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="hadir-apiserver-") as folder:
        work = Path(folder)
        (work / "main.go").write_text(_MAIN)
        (work / "go.mod").write_text(_go_mod())
        flags = [f"-X k8s.io/component-base/version.{name}={value}" for name, value in _told().items()]
        # The go.sum of the work folder is made as modules arrive: Go checks each against its checksum database.
        made = work / "kube-apiserver"
        # Nobody will debug it: without DWARF compiling and linking take an eighth less.
        build = [go, "build", "-trimpath", "-gcflags=all=-dwarf=false", "-ldflags", " ".join(["-s", "-w", *flags]), "-o", str(made), "."]
        done = golang.run(build, work, {"GOFLAGS": "-mod=mod"})
        if done.returncode:
            raise LocalError(f"kube-apiserver could not be built:\n{done.stderr[-2000:]}")
        shutil.move(made, binary)
    return binary


def _told() -> dict[str, str]:
    major, minor, _ = VERSION.split(".")
    return {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor}


def _go_mod() -> str:
    """Kubernetes' own go.mod as that of a program: its staging folders become the modules that are published of them."""
    given = golang.module(f"k8s.io/kubernetes@v{VERSION}", "builds the API server")["GoMod"]
    staged = f"v0.{VERSION.partition('.')[2]}"
    lines = ["module hadir.local/apiserver"]
    for line in Path(given).read_text().splitlines():
        if line.startswith("module "):
            continue
        if "=> ./staging/src/" in line:
            module = line.split("=>")[0].replace("replace", "").strip()
            lines.append(f"{'replace ' if line.startswith('replace') else '	'}{module} => {module} {staged}")
        else:
            lines.append(line)
    return "\n".join([*lines, f"require k8s.io/kubernetes v{VERSION}", ""])


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """An API server with an empty etcd, its data and logs in `folder`; both end with the block. Raises LocalError."""
    etcd_port, peer_port, port = free_port(), free_port(), free_port()
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},verify,verify,system:masters\n")
    key = folder / "service-accounts.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], capture_output=True, check=True)  # noqa: S603, S607 - from PATH
    etcd = spawn(
        "etcd",
        [
            str(fetch_programs("etcd-server", ["etcd"])[0]), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
            "--listen-client-urls", f"http://127.0.0.1:{etcd_port}", "--advertise-client-urls", f"http://127.0.0.1:{etcd_port}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer_port}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer_port}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer_port}",
        ],
        log=folder / "etcd.log",
    )  # fmt: skip
    children: list[Child] = [etcd]
    try:
        children.append(spawn(
            "kube-apiserver",
            [
                str(built()), f"--etcd-servers=http://127.0.0.1:{etcd_port}", f"--secure-port={port}", "--bind-address=127.0.0.1",
                f"--cert-dir={folder / 'certs'}", f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
                "--service-account-issuer=https://verify.invalid", f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount",
            ],
            log=folder / "kube-apiserver.log",
        ))  # fmt: skip
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=60,
            verify=False,  # noqa: S501 - a certificate it made for itself a moment ago
        ) as client:
            server = ApiServer(client)
            await_ready(children[-1], server.ready, within=120)
            yield server
    finally:
        for child in reversed(children):
            child.stop(10)
