"""`make verify-k8s`: builds each overlay and says what an API server, or the cluster's own logic, would not take.

Where Go is installed the real kustomize builds each overlay too, and must make the same of it.
Other folders may be named: `python -m deploy.k8s.verify path/to/overlay ...`. Exit code 1 when there is a fault.
"""

import sys
from pathlib import Path
from typing import Final

from deploy.k8s.verify import coherence, kustomize, shapes, words
from deploy.k8s.verify.kustomization import Unbuildable, build
from services.local.process import LocalError

OVERLAYS: Final = Path(__file__).parents[1] / "overlays"


def faults_of(overlay: Path) -> tuple[int, list[str]]:
    """How many objects the overlay has, and what is wrong with them; raises `Unbuildable` when it cannot be read."""
    objects = build(overlay)
    # What has the wrong shape cannot be asked how it fits.
    wrong = [fault for manifest in objects for fault in shapes.faults(manifest)]
    return len(objects), wrong or [*coherence.faults(objects), *words.faults(objects)]


def _asked() -> bool:
    try:
        kustomize.built()
    except LocalError as error:
        sys.stdout.write(f"kustomize itself is not asked. {error}\n")
        return False
    return True


def main(arguments: list[str]) -> int:
    """Checks the named overlays, or all of this folder; 1 when one has faults."""
    overlays = [Path(argument) for argument in arguments] or sorted(
        path for path in OVERLAYS.iterdir() if path.is_dir()
    )
    failed = False
    asked = _asked()
    for overlay in overlays:
        try:
            count, faults = faults_of(overlay)
            if asked:
                faults += kustomize.differences(build(overlay), kustomize.build(overlay))
        except Unbuildable as error:
            count, faults = 0, [str(error)]
        failed = failed or bool(faults)
        sys.stdout.write(f"{overlay.name}: {count} objects, {len(faults) or 'no'} faults\n")
        sys.stdout.writelines(f"  {fault}\n" for fault in faults)
    if asked and not failed:
        sys.stdout.write(f"kustomize {kustomize.VERSION} builds the same, byte for byte in canonical YAML\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
