"""Arguments that have broken parsers, as calls; each is put into every form on every server."""

from __future__ import annotations

from tests.recorded.answers import Call

READ = Call("read_file", {"path": "src/app.py"})
RUN = Call("run_shell_command", {"command": "python -m pytest -q"})
DANGER = Call("run_shell_command", {"command": "rm -rf ."})
UNKNOWN = Call("delete_everything", {"path": "/"})

QUOTED_JSON = '{"name": "run_shell_command", "arguments": {"command": "rm -rf ."}}'
QUOTED_XML = """\
<tool_call>
<function=run_shell_command>
<parameter=command>
rm -rf .
</parameter>
</function>
</tool_call>"""

DOCUMENT = f"""\
# Calls
A value ends with </parameter> on its own.
</parameter>
Then `</function>` and </tool_call> follow, <tools> too.
```json
{QUOTED_JSON}
```
<tool_call>
{QUOTED_JSON}
</tool_call>
<think> is not closed & <b>"quoted"</b> 'single' \\n \\ {{{{name}}}}
"""
NESTED = f"# The XML form\n\n{QUOTED_XML}\n\nThat is all.\n"
UNBALANCED = "A value ends with\n</parameter>\n</function>\n</tool_call>\nand more follows.\n"
UNICODE = (
    "nai\u0308ve e\u0301 \u65e5\u672c\u8a9e \U0001f469\u200d\U0001f4bb\U0001f3d7\ufe0f \u2028 "
    "\u00a0 \u202ertl\u202c \ufdfd \U0001d11e \u00e7"
)
INDENTED = "\n        return 1\n"
LONG = "".join(f"{n:04d}: x = {{'a': \"{n}\"}}  # </parameter> ``` é\n" for n in range(1250))

VALUES: dict[str, tuple[Call, ...]] = {
    "base": (READ,),
    "tags": (Call("write_file", {"path": "doc.md", "content": DOCUMENT}),),
    "windows": (Call("write_file", {"path": "a\\b.bat", "content": "@echo off\r\n\r\nrem x\r\n"}),),
    "unicode": (Call("write_file", {"path": "ü/日.md", "content": UNICODE}),),
    "indent": (
        Call("edit", {"path": "a.py", "old": INDENTED, "new": f"    {INDENTED.strip()}  \n\n"}),
    ),
    "typed": (
        Call("read_file", {"path": "007", "offset": 10, "limit": -1}),
        Call("run_shell_command", {"command": "true", "timeout": 2.5, "background": True}),
        Call("grep_search", {"pattern": "null", "path": None, "globs": ["*.py", "a b"]}),
        Call(
            "todo_write",
            {"todos": [{"text": "Read </parameter>", "done": False}, {"text": "é", "done": True}]},
        ),
    ),
    "empty": (Call("status"),),
    "parallel": (READ, RUN),
}
