"""Which instances an image cannot run: those that need programs it does not have."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qwright.evals.instance import Instance
from qwright.sandbox.image import ensure_image
from qwright.sandbox.image_files import missing_programs


async def lacking(
    instances: Sequence[Instance], image: str | None, progress: Callable[[str], None]
) -> dict[str, tuple[str, ...]]:
    """By id, the programs an instance needs and its image (or `image`, if given) has not.

    Raises SandboxError.
    """
    asked: dict[str | None, set[str]] = {}
    for one in instances:
        if one.needs:
            asked.setdefault(image or one.image, set()).update(one.needs)
    missing: dict[str | None, set[str]] = {}
    for name, programs in asked.items():
        ready = await ensure_image(name, progress)
        missing[name] = set(await missing_programs(ready, sorted(programs)))
    found = {
        one.id: tuple(sorted(missing[image or one.image].intersection(one.needs)))
        for one in instances
        if one.needs
    }
    return {instance: programs for instance, programs in found.items() if programs}
