# Shell functions that the steps share. What a step needs is installed where it is missing: packages of the system by
# apt-get, of Python and of Node into target/ci, so that nothing of the machine's own is changed.

CI_WORK=target/ci
PYTHON=$CI_WORK/venv/bin/python
export FEEDBRIDGE=$PWD/target/debug/feedbridge
CI_UPDATED=""

need() { # need PACKAGE...
    local missing=() package root=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    if [ -z "$CI_UPDATED" ]; then
        "${root[@]}" apt-get update -qq || return
        CI_UPDATED=yes
    fi
    # A service that begins to run at once would take ports and memory that nobody asked it to.
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$CI_WORK/apt.log" 2>&1 ||
        { tail -5 "$CI_WORK/apt.log"; return 1; }
}

python_packages() { # python_packages PACKAGE...
    [ -x "$PYTHON" ] || { need python3-venv && python3 -m venv "$CI_WORK/venv"; } || return
    [ $# -eq 0 ] || "$PYTHON" -m pip install --quiet --disable-pip-version-check "$@"
}

python_with_libraries() { # those of the judging programs
    python_packages feedparser lxml html5lib beautifulsoup4 brotli zstandard
}

node_packages() { # node_packages PACKAGE...
    # The distribution's npm is apart from its nodejs; other sources pack both into one.
    command -v npm >/dev/null || need nodejs npm || return
    npm install --silent --no-audit --no-fund --prefix "$CI_WORK/node" "$@"
}

drive() { # drive SCRIPT ARGUMENT...: a driver in Python, against the program as it is now
    cargo build --quiet && "$PYTHON" "$@"
}

until_url() { # until_url URL: waits until it answers, at most 30 seconds
    curl --silent --fail --output /dev/null --retry 60 --retry-delay 0 --retry-max-time 30 --retry-all-errors "$1"
}

free_port() { # one of loopback that nobody listens at
    python3 -c 'import socket; probe = socket.socket(); probe.bind(("127.0.0.1", 0)); print(probe.getsockname()[1])'
}

pages_ready() { # Chromium, and what drives it, in target/pages/modules
    need chromium fonts-dejavu-core && { command -v npm >/dev/null || need nodejs npm; } || return
    mkdir -p target/pages/modules
    [ -d target/pages/modules/node_modules/axe-core ] ||
        timeout 300 npm install --silent --no-audit --no-fund --prefix target/pages/modules playwright-core@1 axe-core@4 >/dev/null 2>&1
}

stand_in() { # stand_in DIRECTORY [COMMAND...]: begins one for t.me, by COMMAND; sets $standin, its process, and $upstream
    local said i
    said=$(mktemp)
    "${@:2}" python3 .ci/upstream.py serve "$1" >"$said" &
    standin=$!
    for ((i = 0; i < 200; i++)); do
        [ -s "$said" ] && break
        sleep 0.05
    done
    upstream=$(cat "$said")
    rm "$said"
    [ -n "$upstream" ]
}

mkdir -p "$CI_WORK"
