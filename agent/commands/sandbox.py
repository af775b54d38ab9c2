"""`qwright sandbox build|clean`."""

from __future__ import annotations

import sys
from argparse import Namespace

from qwright.agent.language import say, translated


async def run(args: Namespace) -> int:
    """Raises SandboxError."""
    if args.action == "clean":
        from qwright.sandbox.container import sweep_orphans

        removed = await sweep_orphans()
        print(say("cli.swept", count=len(removed)))
        return 0
    from qwright.sandbox.image import build_image

    name = await build_image(_progress, force=args.force)
    print(say("cli.image_ready", name=name))
    return 0


def _progress(text: str) -> None:
    print(translated(text), file=sys.stderr, flush=True)
