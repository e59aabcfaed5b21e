"""The real kustomize, built from its Go module, to see that what we read of the manifests is what it reads.

The quick check reads them itself, so that it needs nothing but Python (`kustomization.py`); where Go is installed this tells
whether the two agree, object by object. The program is kept in the folder of downloads: half a minute, once.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.k8s.verify import golang
from deploy.k8s.verify.kustomization import Manifest, Unbuildable
from services.local.downloads import cache_folder
from services.local.process import LocalError, make_folder

VERSION: Final = "5.8.2"


def built() -> Path:
    """The kustomize binary; raises LocalError when there is no Go or no network."""
    binary = cache_folder() / f"kustomize-{VERSION}"
    if binary.exists():
        return binary
    go = golang.go("builds kustomize")
    make_folder(cache_folder(), "HADIR_CACHE")
    sys.stdout.write(f"Building kustomize {VERSION} (once; half a minute) ...\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix=".building-", dir=cache_folder()) as folder:
        module = f"sigs.k8s.io/kustomize/kustomize/v5@v{VERSION}"
        done = golang.run([go, "install", "-trimpath", "-ldflags", "-s -w", module], Path(folder), {"GOBIN": folder})
        if done.returncode:
            raise LocalError(f"kustomize could not be built:\n{done.stderr[-2000:]}")
        # Whoever else built it meanwhile has the same: whose is kept does not matter.
        (Path(folder) / "kustomize").replace(binary)
    return binary


def build(folder: Path) -> list[Manifest]:
    """Every object of an overlay as kustomize builds it; raises Unbuildable with kustomize's own words, LocalError without it."""
    done = subprocess.run([built(), "build", folder], capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise Unbuildable(f"kustomize refuses {folder}: {done.stderr.strip()}")
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def differences(ours: Iterable[Manifest], theirs: Iterable[Manifest]) -> Iterator[str]:
    """A sentence for each object that is not the same, byte for byte in canonical YAML, in both; their order means nothing."""
    read, made = _canonical(ours), _canonical(theirs)
    for name in sorted(read.keys() | made.keys()):
        if name not in made:
            yield f"{name}: kustomize does not build it, our reader does"
        elif name not in read:
            yield f"{name}: kustomize builds it, our reader does not"
        elif read[name] != made[name]:
            pairs = zip(read[name].splitlines(), made[name].splitlines(), strict=False)
            was, now = next(((one, other) for one, other in pairs if one != other), ("(more)", "(less)"))
            yield f"{name}: our reader has `{was.strip()}`, kustomize `{now.strip()}`"


def _canonical(manifests: Iterable[Manifest]) -> dict[str, str]:
    return {_named(manifest): yaml.safe_dump(manifest, sort_keys=True) for manifest in manifests}


def _named(manifest: Manifest) -> str:
    meta: Any = manifest["metadata"]
    return " ".join(filter(None, (manifest["kind"], meta.get("namespace"), meta["name"])))
