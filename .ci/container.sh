# Shell functions of the checks that boot a real systemd in a container; sourced by them. Needs root, systemd-container
# and debootstrap. The container's files are an overlay and its network is its own: nothing of a run stays.
set -u
. .ci/lib.sh
root=target/ci/root
folder=$(mktemp -d)
# That of the socket's unit; in a network of its own it clashes with nothing.
address=127.0.0.1:8080
upstream=
problems=0
systemd=
nspawn=
standin=

cleanup() {
    local i
    [ -n "$standin" ] && kill "$standin" 2>/dev/null
    # Asks the container to power off.
    [ -n "$nspawn" ] && kill -TERM "$nspawn" 2>/dev/null
    for ((i = 0; i < 20; i++)); do
        kill -0 "$nspawn" 2>/dev/null || break
        sleep 0.5
    done
    [ -n "$nspawn" ] && kill -KILL "$nspawn" 2>/dev/null
    rm -rf "$folder"
}
trap cleanup EXIT

verdict() { # verdict WHAT STATUS
    if [ "$2" -eq 0 ]; then echo "PASS $1"; else
        echo "FAIL $1"
        problems=$((problems + 1))
    fi
}

expect() { # expect WHAT COMMAND...: the command succeeds within 30 seconds
    local what=$1 i
    shift
    for ((i = 0; i < 60; i++)); do
        "$@" >/dev/null 2>&1 && { verdict "$what" 0; return; }
        sleep 0.5
    done
    verdict "$what" 1
}

at_once() { # at_once WHAT COMMAND...: it succeeds, without waiting for it
    local what=$1
    shift
    "$@" >/dev/null 2>"$folder/said" && { verdict "$what" 0; return; }
    verdict "$what" 1
    cat "$folder/said"
}

finish() {
    inside sh -c 'journalctl -u feedbridge --no-pager | grep -q panicked'
    [ $? -ne 0 ]
    verdict "it never panicked" $?
    echo "problems: $problems"
    [ "$problems" -eq 0 ]
}

inside() { # inside COMMAND...: in the container
    nsenter -t "$systemd" -m -p -u -i -C -n -- "$@"
}

network() { # network COMMAND...: a program of this machine in the container's network
    nsenter -t "$systemd" -n -- "$@"
}

put() { # put PATH: standard input becomes a file in the container
    inside sh -c 'mkdir -p "$(dirname "$1")" && cat >"$1"' sh "$1"
}

boot() { # boots the container, with a stand-in for upstream in its network
    local i name
    if [ ! -x "$root/lib/systemd/systemd" ]; then
        debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$root" >"$folder/debootstrap" 2>&1 ||
            { tail -n 3 "$folder/debootstrap"; return 1; }
    fi
    # systemd filters addresses by programs that it gives to the kernel.
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D "$root" --volatile=overlay --private-network --register=no \
        --keep-unit --console=pipe --system-call-filter=bpf --capability=CAP_BPF,CAP_NET_ADMIN,CAP_SYS_RESOURCE \
        /lib/systemd/systemd systemd.unified_cgroup_hierarchy=1 >"$folder/boot" 2>&1 &
    nspawn=$!
    for ((i = 0; i < 60; i++)); do
        systemd=$(pgrep -P "$nspawn" 2>/dev/null | head -n 1)
        [ -n "$systemd" ] && inside systemctl is-system-running 2>/dev/null | grep -qE "running|degraded" && break
        sleep 0.5
    done
    [ "$i" -lt 60 ] || { echo "the container does not boot"; tail -n 5 "$folder/boot"; return 1; }
    mkdir "$folder/pages"
    for name in kitchen garden; do
        python3 .ci/upstream.py page $name 3 >"$folder/pages/$name.html"
    done
    # Not by the function `network`: killing the subshell that runs it would leave the program alive.
    stand_in "$folder/pages" nsenter -t "$systemd" -n --
}

configuration() { # the configuration of a daemon that follows one channel of the stand-in
    cat <<CONFIG
[server]
listen = "$address"
public_url = "http://$address"
[upstream]
hosts = ["$upstream"]
[poll]
interval_seconds = 1
[[channel]]
name = "kitchen"
CONFIG
}

config=/etc/feedbridge/config.toml
active() { inside systemctl is-active feedbridge; }
inactive() { ! active; }
feed() { network curl -fsS "http://$address/$1/feed.json" | grep -q "Soup number 3"; }
restarts() { [ "$(inside systemctl show -p NRestarts --value feedbridge)" = "$1" ]; }
logged() { inside journalctl -u feedbridge --no-pager | grep -q "$1"; }
private() { [ "$(inside stat -c %a /var/lib/private/feedbridge)" = 700 ]; }

lives() { # the life of a service that serves already: a reload, a refused one, a kill
    expect "its feed can be read" feed kitchen
    expect "its state is its own" private
    inside cat "$config" >"$folder/good.toml"
    printf '[[channel]]\nname = "garden"\n' >>"$folder/good.toml"
    put "$config" <"$folder/good.toml"
    at_once "it takes a reload" inside systemctl reload feedbridge
    expect "which adds a channel" feed garden
    { cat "$folder/good.toml"; echo 'nonsense = 1'; } | put "$config"
    inside systemctl reload feedbridge
    expect "a bad configuration is refused in the journal" logged "the old one stays"
    expect "and the old one stays in force" feed garden
    put "$config" <"$folder/good.toml"
    at_once "it is killed" inside systemctl kill -s KILL feedbridge
    expect "systemd restarts it after a kill" restarts 1
    expect "and its feeds are there" feed garden
}
