"""Applying a patch in the grader's container the way SWE-bench does, and seeing what it changed."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from qwright.evals.datasets.patch_text import unquoted
from qwright.evals.grade.container import HOME, GradeContainer
from qwright.evals.grade.packing import Put
from qwright.evals.grade.swebench_border import APPLIED, APPLY_COMMANDS, NOT_APPLIED
from qwright.sandbox.errors import SandboxError

PATCH = f"{HOME}/patch.diff"
SCRIPT = f"{HOME}/apply.sh"
SECONDS = 300.0
CONFIGURATION = ("setup.cfg", "tox.ini", "pyproject.toml")
"""Files of which only a part is the test runner's: their text is looked at."""
_COMMANDS = "\n".join(f"  {command!r} \\" for command in APPLY_COMMANDS)
APPLY = f"""\
git ls-files -o > /tmp/qwright-before 2> /dev/null
cp -a .git {HOME}/channel/git
apply() {{
  local tried=0 command words
  for command in \\
{_COMMANDS}
  ; do
    if [ $tried = 1 ]; then (git checkout -- . ; git clean -fd) > /dev/null 2>&1; fi
    tried=1
    if words=$($command {PATCH} 2>&1); then
      printf '%s:\\n%s\\n' '{APPLIED}' "$words"
      return 0
    fi
    echo "Failed to apply patch to container: $command"
  done
  if git apply --check --reverse {PATCH} 2> /dev/null; then
    echo '{APPLIED}: verified already applied'
    return 0
  fi
  printf '%s:\\n%s\\n' '{NOT_APPLIED}' "$words"
  return 1
}}
code=0
if [ -s {PATCH} ]; then apply || code=1; fi
# `patch` may write what git refuses to.
rm -rf .git && mv {HOME}/channel/git .git
printf 'Git diff before:\\n'
git -c core.fileMode=false diff 2>&1 | head -c 1000000
printf '\\n%s\\n' "$1"
git diff --name-only --no-renames --no-ext-diff HEAD
git ls-files -o | grep -vxFf /tmp/qwright-before 2> /dev/null
echo "$1"
find . -type f \\( -name setup.cfg -o -name tox.ini -o -name pyproject.toml \\) \\
  -not -path './.git/*' -size -1000 | while read -r path; do
  printf '%s %s\\n' "$(base64 -w 0 < "$path")" "$path"
done
rm -f /tmp/qwright-before
exit $code
"""
RESTORE = """\
export GIT_LITERAL_PATHSPECS=1
code=0
while IFS= read -r -d '' path; do
  rm -rf -- "$path"
  if git cat-file -e "HEAD:$path" 2> /dev/null; then
    git checkout -q HEAD -- "$path" || code=1
  fi
done < """


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a patch."""

    ok: bool
    log: str
    changed: tuple[str, ...] = ()
    """Paths that are not as in the test bed's commit, new ones too."""
    configuration: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path to text, of the files in which a test runner may be configured."""


async def apply(container: GradeContainer) -> Applied:
    """Apply what lies at PATCH. Raises SandboxError."""
    # A name or a line of the patch must not be taken for what parts the output.
    cut = secrets.token_hex(16)
    result = await container.run(f"bash {SCRIPT} {cut}", SECONDS)
    log, found, rest = _three(result.output, f"{cut}\n")
    if result.timed_out or found is None:
        return Applied(False, f"{result.output}\n{NOT_APPLIED}: it takes too long or breaks off")
    changed = tuple(unquoted(line) for line in found.splitlines() if line)
    texts: dict[str, str] = {}
    for line in rest.splitlines():
        encoded, _, path = line.partition(" ")
        texts[path.removeprefix("./")] = base64.b64decode(encoded).decode(errors="replace")
    return Applied(result.exit_code == 0, log, tuple(dict.fromkeys(changed)), texts)


async def restore(container: GradeContainer, paths: list[str]) -> None:
    """Make these paths what they are in the test bed's commit. Raises SandboxError."""
    names = f"{HOME}/restored"
    data = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
    script = f"{RESTORE}{names}\nexit $code\n"
    await container.put(Put(names, data), Put(f"{HOME}/restore.sh", script.encode()))
    result = await container.run(f"bash {HOME}/restore.sh", SECONDS)
    if result.exit_code:
        raise SandboxError("The grader could not bring back the tests' own files; grade again.")


def _three(output: str, cut: str) -> tuple[str, str | None, str]:
    """The log, the changed paths and the configuration; None when it broke off."""
    parts = output.split(cut)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (output, None, "")
