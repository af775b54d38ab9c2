"""A run, and the commands after it, as somebody sees them whose locale is Chinese."""

from __future__ import annotations

import re

import pytest

from tests.e2e.house import VERIFY, House
from tests.e2e.scripted_server import call, says, scripted

pytestmark = [pytest.mark.docker, pytest.mark.timeout(120)]

FIX = call("edit", path="calc.py", old_string="a - b", new_string="a + b")
CHINESE = {"LANG": "zh_CN.UTF-8"}
PROSE = re.compile(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}")
"""Three English words in a row: more than a name or a command has."""


def test_a_run_is_told_in_chinese(house: House) -> None:
    secret = house.repo / ".env"
    secret.write_text("KEY=1\n")
    with scripted(says(FIX), says(text="改好了。")) as server:
        done = house.run("--verify", VERIFY, "fix", server=server, env=CHINESE)
    for said in ("会话", "验证通过", "完成", "已应用到工作区", "撤销", "可能含有密钥"):
        assert said in done.out + done.err
    own = [line for line in done.out.splitlines() if not line.startswith((" ", "+", "-", "@"))]
    assert [line for line in own if PROSE.search(line) and "pytest" not in line] == []


def test_a_program_gets_english(house: House) -> None:
    with scripted(says(FIX), says(text="Fixed.")) as server:
        done = house.run("-o", "json", "fix", server=server, env=CHINESE)
    assert done.report["delivered"].startswith("Applied to your working tree")


def test_commands_after_it(house: House) -> None:
    with scripted(says(FIX), says(text="Fixed.")) as server:
        house.run("fix", server=server, env=CHINESE)
    listed = house.run("sessions", env=CHINESE).out
    assert "已应用" in listed
    shown = house.run("sessions", "show", house.session, env=CHINESE).out
    assert all(word in shown for word in ("会话", "提示词", "步骤"))
    assert "已撤销" in house.run("undo", env=CHINESE).out
    assert "模型" in house.run("models", "--help", env=CHINESE).out
    assert "名称" in house.run("models", "list", env=CHINESE).out
