"""Stands in for mini-swe-agent and aider: their command lines and what they ask, no more.

`python stand_in.py mini|aider [obstinate|silent] ...` with the flags that our adapters give. The
real ones bring half a gigabyte of packages; docs/evals.md has the runs with them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

_ACTION = re.compile(r"```mswea_bash_command\n(.*?)\n```", re.DOTALL)
_WHOLE = re.compile(r"(\S+)\n```\n(.*?)```", re.DOTALL)
Message = dict[str, Any]


def main(words: Sequence[str]) -> int:
    kind, *rest = words
    mode = rest.pop(0) if rest and not rest[0].startswith("-") else ""
    print("environment", json.dumps(dict(os.environ)), "pid", os.getpid(), flush=True)
    if mode == "silent":
        print("no model, no work")
        return 1
    return mini(rest, mode) if kind == "mini" else aider(rest)


def mini(words: Sequence[str], mode: str) -> int:
    config = json.loads(Path(flags(words, "-c")[-1]).read_text())
    place = config["environment"]
    started = docker(place, "run", "-d", "--name", "x", "-w", place["cwd"], place["image"])
    name = started.stdout.strip()
    messages: list[Message] = [{"role": "user", "content": config["run"]["task"]}]
    status = "LimitsExceeded"
    steps = 10_000 if mode == "obstinate" else config["agent"]["step_limit"]
    for _ in range(steps):
        text = ask(config["model"]["model_name"], messages)
        messages.append({"role": "assistant", "content": text})
        found = _ACTION.findall(text)
        if len(found) != 1:
            messages.append(said("Format error", interrupt_type="FormatError"))
            continue
        done = docker(
            place, "exec", "-w", place["cwd"], "-e", "PAGER=cat", name, "bash", "-c", found[0]
        )
        messages.append(said(done.stdout, returncode=done.returncode))
        if done.stdout.startswith("COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"):
            status = "Submitted"
            break
    data = {"info": {"exit_status": status}, "messages": messages}
    Path(flags(words, "-o")[0]).write_text(json.dumps(data))
    return 0


def aider(words: Sequence[str]) -> int:
    prompt = Path(flags(words, "--message-file")[0]).read_text()
    messages: list[Message] = [{"role": "user", "content": prompt}]
    print("works in", sorted(os.listdir()))
    Path(".aider.tags.cache.v4").mkdir()
    for _ in range(3):
        text = ask(flags(words, "--model")[0], messages)
        messages.append({"role": "assistant", "content": text})
        edits = _WHOLE.findall(text)
        if not edits:
            print("The LLM did not conform to the edit format.")
        for path, content in edits:
            Path(path).write_text(content)
            print(f"Applied edit to {path}")
        tests = subprocess.run(
            flags(words, "--test-cmd")[0], shell=True, capture_output=True, text=True, check=False
        )
        print(tests.stdout, flush=True)
        if tests.returncode == 0:
            return 0
        messages.append({"role": "user", "content": tests.stdout})
    return 0


def said(text: str, **extra: Any) -> Message:
    return {"role": "user", "content": text, "extra": extra}


def flags(words: Sequence[str], flag: str) -> list[str]:
    """The values of a flag that may be given several times."""
    return [value for name, value in pairwise(words) if name == flag]


def docker(place: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [place["executable"], *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def ask(model: str, messages: Sequence[Message]) -> str:
    """The answer; like litellm it tries again where the server is to blame."""
    body = {"model": model.removeprefix("openai/"), "messages": list(messages)}
    request = urllib.request.Request(
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
    )
    for wait in (0.05, 0.1, 0.0):
        try:
            with urllib.request.urlopen(request) as reply:
                return json.loads(reply.read())["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            print(error, flush=True)
            time.sleep(wait)
    sys.exit("the server is no good")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
