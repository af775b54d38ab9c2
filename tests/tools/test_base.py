from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from qwright.tools import ALL_TOOLS, SMALL_TOOLS
from qwright.tools.base import Tool, ToolResult, parse_call, signature, spec
from qwright.tools.edit import Edit
from qwright.tools.read_file import ReadFile
from qwright.tools.run_shell_command import RunShellCommand
from qwright.tools.write_file import WriteFile


def refused(name: str, **arguments: Any) -> str:
    answer = parse_call(ALL_TOOLS, name, arguments)
    assert isinstance(answer, ToolResult)
    assert answer.is_error
    assert "\n" not in answer.text
    return answer.text


def accepted(name: str, **arguments: Any) -> Tool:
    answer = parse_call(ALL_TOOLS, name, arguments)
    assert isinstance(answer, Tool), answer
    return answer


def test_a_tool_is_told_as_flat_plain_data() -> None:
    assert spec(Edit) == {
        "name": "edit",
        "description": Edit.__doc__,
        "parameters": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "Relative path"},
                "old_string": {
                    "type": "string",
                    "description": "Exact text to replace, with enough lines to be unique",
                },
                "new_string": {"type": "string", "description": "Text to put there"},
                "replace_all": {"type": "boolean", "description": "Replace every occurrence"},
            },
            "required": ["path", "old_string", "new_string"],
            "additionalProperties": False,
        },
    }


@pytest.mark.parametrize("tool", ALL_TOOLS.values(), ids=ALL_TOOLS.keys())
def test_every_schema_is_free_of_noise(tool: type[Tool]) -> None:
    shown = json.dumps(spec(tool))
    for noise in ("title", "$defs", "anyOf", "default", "Minimum"):
        assert noise not in shown
    for field in spec(tool)["parameters"]["properties"].values():
        assert field["type"] in ("string", "integer", "number", "boolean", "array")


def test_the_small_set_is_short() -> None:
    shown = json.dumps([spec(tool) for tool in SMALL_TOOLS.values()])
    assert len(shown) < 1_900
    assert list(SMALL_TOOLS) == ["read_file", "edit", "write_file", "run_shell_command"]
    assert set(SMALL_TOOLS) < set(ALL_TOOLS)


def test_signature_shows_defaults() -> None:
    assert signature(Edit) == "edit(path, old_string, new_string, replace_all=false)"
    assert signature(RunShellCommand) == "run_shell_command(command, timeout=120)"


def test_unknown_tool_lists_those_there_are() -> None:
    text = refused("str_replace_editor", path="a")
    assert text.startswith('There is no tool "str_replace_editor". Tools: ')
    assert all(name in text for name in ALL_TOOLS)


def test_missing_arguments_are_named_with_the_call() -> None:
    assert refused("edit", path="a", new_string="b") == (
        'edit: missing "old_string". Call edit(path, old_string, new_string, replace_all=false).'
    )
    assert 'missing "path" and "old_string" and "new_string"' in refused("edit")


def test_extra_and_missing_are_said_together() -> None:
    text = refused("read_file", pth="a")
    assert 'missing "path"; there is no argument "pth"' in text


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("read_file", {"path": 7}, '"path" must be a string, not 7'),
        ("read_file", {"path": None}, '"path" must be a string, not null'),
        ("read_file", {"path": "a", "limit": "many"}, '"limit" must be an integer, not "many"'),
        ("read_file", {"path": ["a"]}, '"path" must be a string, not a list'),
        ("write_file", {"path": "a", "content": {"k": 1}}, "must be a string, not an object"),
        ("write_file", {"path": "a", "content": "\ud800"}, '"content" must be valid Unicode'),
        ("run_shell_command", {"command": "x", "timeout": "nan"}, '"timeout" must be'),
        ("edit", {"path": "a", "old": "b", "new": "c", "replace_all": "all"}, "true or false"),
    ],
)
def test_a_wrong_value_is_named(name: str, arguments: dict[str, Any], said: str) -> None:
    assert said in refused(name, **arguments)


def test_a_huge_wrong_value_stays_one_short_line() -> None:
    assert len(refused("read_file", path="a", limit="x" * 1_000_000)) < 200
    assert len(refused("read_file", path="a", **{"y" * 1_000_000: 1})) < 250


@pytest.mark.parametrize("alias", ["file_path", "absolute_path", "filename", "file"])
def test_known_names_for_path_are_taken(alias: str) -> None:
    assert accepted("read_file", **{alias: "a.py"}) == ReadFile(path="a.py")


def test_known_names_of_other_agents_are_taken() -> None:
    wanted = Edit(path="a", old_string="b", new_string="c")
    assert accepted("edit", path="a", old_str="b", new_str="c") == wanted
    assert accepted("edit", path="a", old="b", new="c") == wanted
    assert accepted("edit", path="a", search="b", replace="c") == wanted
    assert accepted("run_shell_command", cmd="ls") == RunShellCommand(command="ls")
    assert accepted("write_file", path="a", text="b") == WriteFile(path="a", content="b")
    assert accepted("write_file", path="a", contents="b") == WriteFile(path="a", content="b")


def test_an_alias_that_contradicts_is_refused() -> None:
    assert 'no argument "file_path"' in refused("read_file", path="a", file_path="b")
    assert 'no argument "new"' in refused("edit", path="a", old="b", new_str="c", new="d")
    assert accepted("read_file", path="a", file_path="a") == ReadFile(path="a")


def test_an_alias_of_the_wrong_kind_is_refused() -> None:
    text = refused("edit", path="a", old_string="b", replace=True)
    assert 'missing "new_string"; there is no argument "replace"' in text


def test_text_for_numbers_and_null_for_optional_are_taken() -> None:
    assert accepted("read_file", path="a", offset="12") == ReadFile(path="a", offset=12)
    assert accepted("read_file", path="a", limit=None) == ReadFile(path="a")
    edit = accepted("edit", path="a", old_string="b", new_string="c", replace_all="true")
    assert edit == Edit(path="a", old_string="b", new_string="c", replace_all=True)


def test_importing_the_tools_imports_no_parser() -> None:
    code = "import sys, qwright.tools; print([m for m in sys.modules if m.startswith(%r)])"
    for module in ("tree_sitter", "rapidfuzz", "docker", "git."):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; " + code % module],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "[]\n"
