"""Other agents on the same tasks: the same model server, test beds and limits, our own diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qwright.agent.errors import ConfigError

if TYPE_CHECKING:
    from qwright.evals.run.solve import Solver


def solver(name: str) -> Solver:
    """The agent of that name: "aider" or "mini-swe-agent". Raises ConfigError."""
    from qwright.evals.peers.aider import Aider
    from qwright.evals.peers.mini_swe_agent import MiniSweAgent
    from qwright.evals.peers.run import PeerSolver

    known = {one.name: one for one in (Aider(), MiniSweAgent())}
    if name not in known:
        raise ConfigError(f"no agent is called {name}: there are qwright, {', '.join(known)}")
    return PeerSolver(known[name])
