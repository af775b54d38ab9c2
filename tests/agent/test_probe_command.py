from __future__ import annotations

import argparse
import asyncio
import io
import json
from pathlib import Path

import pytest

from qwright.agent.embedded.commands import add_models_command, run_models
from qwright.agent.errors import ConfigError, ModelAuthError
from tests.agent import imitations as of
from tests.agent.replay import Script, error, serving
from tests.agent.test_probe import Speaker


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QWRIGHT_HOME", str(tmp_path))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "DASHSCOPE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(script: Script, out: io.StringIO, *words: str, pages: of.Pages | None = None) -> int:
    parser = argparse.ArgumentParser()
    add_models_command(parser.add_subparsers())

    async def main() -> int:
        async with serving(script, pages=pages or of.vllm()) as server:
            url = ["--base-url", server.url]
            args = parser.parse_args(["models", "probe", "-m", "m1", *url, *words])
            return await run_models(args, out)

    return asyncio.run(main())


def test_a_pipe_gets_columns_and_stderr_the_progress(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    assert run(Speaker(), out) == 0
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["WHAT", "RESULT", "DETAIL"]
    assert any(line.startswith("native calls") and " yes " in line for line in lines)
    assert "\x1b" not in out.getvalue()
    assert "asking for text" in capsys.readouterr().err


def test_a_server_moves_no_cursor() -> None:
    loud = {**of.vllm(), "/version": of.page({"version": "1\x1b[2J\n2"})}
    out = Terminal()
    run(Speaker(), out, pages=loud)
    assert "\x1b[2J" not in out.getvalue()
    assert "vllm 1" in out.getvalue()


def test_a_terminal_gets_a_drawn_table() -> None:
    out = Terminal()
    run(Speaker(), out)
    assert "─" in out.getvalue()
    assert "native calls" in out.getvalue()


def test_json_holds_the_rows_and_what_runs_will_use() -> None:
    out = io.StringIO()
    run(Speaker(native="refused"), out, "-o", "json")
    found = json.loads(out.getvalue())
    assert (found["provider"], found["dialect"], found["error"]) == ("vllm", "hermes", None)
    assert found["context"] == 65_536
    rows = {row["name"]: row["result"] for row in found["findings"]}
    assert rows["native calls"] == "no"
    assert rows["streaming"] == "yes"


def test_a_refused_key_shows_the_table_and_then_fails() -> None:
    out = io.StringIO()
    with pytest.raises(ModelAuthError):
        run([error(401, "no")], out)
    assert "vllm 0.12.0" in out.getvalue()
    assert "failed" in out.getvalue()


def test_without_weights_the_embedded_model_says_how_to_get_them() -> None:
    parser = argparse.ArgumentParser()
    add_models_command(parser.add_subparsers())
    with pytest.raises(ConfigError, match="qwright models pull"):
        asyncio.run(run_models(parser.parse_args(["models", "probe"]), io.StringIO()))
