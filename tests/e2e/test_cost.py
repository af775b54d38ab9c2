"""What a run cost, in the real command: told, limited, and refused where it cannot be known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.e2e.house import House
from tests.e2e.scripted_server import Reply, call, says, scripted
from tests.sandbox.repos import put

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
LOOK = call("read_file", path="calc.py")
PRICES = b'[[profile]]\nmatch = "coder-test"\nprices = [{ input = 1000, output = 0 }]\n'
"""A request of the scripted server costs ten cents."""


def uncounted(reply: Reply) -> Reply:
    return replace(reply, body=reply.body.replace(b'"usage"', b'"other"'))


def test_a_limit_is_held_and_the_work_so_far_is_kept(house: House) -> None:
    put(house.home, {"config/config.toml": PRICES})
    with scripted(says(FIX), says(LOOK)) as server:
        done = house.run("--max-cost", "0.15", "-o", "json", "fix it", server=server, code=55)
    assert len(server.requests) == 2
    assert (done.report["reason"], done.report["cost"]) == ("cost_limit", pytest.approx(0.2))
    assert "--max-cost 0.15" in done.report["text"]
    assert done.report["files"] == ["calc.py"]


def test_a_limit_of_the_configuration_is_held(house: House) -> None:
    put(house.home, {"config/config.toml": b"max_cost = 0.05\n" + PRICES})
    with scripted(says(FIX), says(LOOK)) as server:
        done = house.run("fix it", server=server, code=55)
    assert len(server.requests) == 1
    assert "$0.1000" in done.out


def test_a_limit_is_refused_where_no_price_is_known(house: House) -> None:
    with scripted(says(text="Done.")) as server:
        done = house.run("--max-cost", "1", "fix it", server=server, code=42)
    assert "price of qwen3-coder-test" in done.line
    assert "[[profile]]" in done.line
    assert server.requests == []
    assert house.sessions == []


def test_the_last_line_says_what_it_took(house: House) -> None:
    put(house.home, {"config/config.toml": PRICES})
    with scripted(says(FIX), says(text="Fixed.")) as server:
        done = house.run("fix it", server=server)
    assert "200 tokens in (0 cached), 40 out, $0.20" in done.out


def test_what_a_server_does_not_count_is_estimated(house: House) -> None:
    with scripted(uncounted(says(FIX)), uncounted(says(text="Fixed."))) as server:
        done = house.run("-o", "json", "fix it", server=server)
    tokens = done.report["tokens"]
    assert tokens["estimated"] is True
    assert tokens["prompt"] > 1_000
    assert done.report["cost"] is None
