# Sourced by ./demo and ./check: makes what they need, once, and says what it is doing.
# Everything lands in the clone (.venv) or in the user's cache; all of it can be interrupted
# and repeated, and is skipped when it is there.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
PYTHON=$ROOT/.venv/bin/python
QWRIGHT=$ROOT/.venv/bin/qwright
MODEL=qwen2.5-coder-1.5b

say() { printf '\033[2m[%4ds]\033[0m %s\n' "$SECONDS" "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
am_root() { [ "$(id -u)" = 0 ]; }

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    if ! apt-get install -y -qq "$@" >/dev/null 2>&1; then
        apt-get update -qq && apt-get install -y -qq "$@" >/dev/null
    fi
}

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if command -v "$name" >/dev/null &&
            "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; install it and try again"
}

wanted() { cat "$1" pyproject.toml | sha256sum | cut -c1-16; }

# The packages of a requirements file; what requirements-dev.txt has brought is enough for all.
need_venv() {
    local python file
    for file in "$1" requirements-dev.txt; do
        [ -x "$QWRIGHT" ] && [ "$(cat ".venv/.done-$file" 2>/dev/null)" = "$(wanted "$file")" ] &&
            return
    done
    python=$(find_python)
    say "Python packages into .venv (pinned, with hashes)"
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        am_root || fail "install python3-venv (apt-get install python3-venv) and try again"
        apt_install python3-venv
    fi
    [ -x "$PYTHON" ] || "$python" -m venv .venv
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$1"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps \
        --no-build-isolation --editable .
    wanted "$1" >".venv/.done-$1"
}

engine_answers() {
    "$PYTHON" -c 'import asyncio; from qwright.sandbox.engine import connect; asyncio.run(connect())' \
        2>/dev/null
}

need_engine() {
    engine_answers && return
    am_root || fail "no container engine answers: start Docker, or join its group with
       'sudo usermod -aG docker $USER' and log in again"
    if ! command -v dockerd >/dev/null; then
        say "Docker Engine from the system's packages"
        apt_install docker.io
    fi
    engine_answers && return
    say "starting the Docker daemon"
    if [ -d /run/systemd/system ]; then
        systemctl start docker || fail "systemctl start docker failed; see journalctl -u docker"
    else
        rm -f /var/run/docker.pid
        setsid nohup dockerd >/var/log/qwright-dockerd.log 2>&1 </dev/null &
    fi
    local i
    for i in $(seq 60); do
        engine_answers && return
        sleep 0.5
    done
    fail "the Docker daemon does not answer; see /var/log/qwright-dockerd.log"
}

need_image() { "$QWRIGHT" sandbox build; }
need_weights() { "$QWRIGHT" models pull "$1"; }

# Programs that tests drive: tmux for the terminal, chromium for the reports.
need_programs() {
    local name
    for name in "$@"; do
        command -v "$name" >/dev/null && continue
        am_root || fail "install $name (apt-get install $name) and try again"
        say "$name from the system's packages"
        apt_install --no-install-recommends "$name"
    done
}
