"""Text put together from pieces that mean something to a reader of calls."""

from __future__ import annotations

from tests.fuzz.source import Source

TOKENS = (
    *("<tool_call>", "</tool_call>", "<tools>", "</tools>", "<tool_response>", "</tool_response>"),
    *("<think>", "</think>", "<function=", "</function>", "<parameter=", "</parameter>", ">"),
    *("<function=read_file>", "<parameter=path>", "<parameter=content>", "<function name="),
    *("<function=run_shell_command>", "<parameter=command>", "<parameter=limit>", "<", "</"),
    *("```", "```json\n", "```xml\n", "````", "~~~", "`", "\n", "\n\n", "\r\n", " ", "\t", "  "),
    *("{", "}", "{{", "}}", "[", "]", '"', "'", ":", ",", '":', '", "', "\\", '\\"', "\\n"),
    *('{"name": "', '"name": "read_file"', '"arguments": {', '"path": "', "read_file", "path"),
    *('{"name": "read_file", "arguments": {"path": "a.py"}}', '{"path": "a.py"}', '"}}'),
    *('{"name": "run_shell_command", "arguments": {"command": "ls"}}', "run_shell_command"),
    *('{"name": "status", "arguments": {}}', "status", '"parameters": ', '"args": ', "null"),
    *("true", "True", "None", "10", "-1.5", "a", "Text. ", "\u2028", "é", "\U0001f389", "e\u0301"),
    *("\ufeff", "\x00", "日本", "write_file", "edit", '"function": {', "\\u00e9", "\\ud83d", "//"),
    *(
        "NaN",
        "1e999",
        "-Infinity",
        "[" * 1500,
        "]" * 1500,
        "> ",
        "</parameter/>",
        "</param",
        "<|im_end|>",
    ),
)


def fragments(source: Source, limit: int) -> str:
    """Up to `limit` pieces: of the table, or single characters."""
    parts: list[str] = []
    for _ in range(source.below(limit + 1)):
        number = source.below(256)
        parts.append(TOKENS[number] if number < len(TOKENS) else chr(number % 96 + 32))
    return "".join(parts)
