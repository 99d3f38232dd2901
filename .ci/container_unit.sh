#!/usr/bin/env bash
# Installs the program under a real systemd in a container by the lines of README.md, and uses the service, its socket
# and its fence: container_unit.sh PROGRAM. Prints what it found; 0 if all is well.
program=$(realpath "$1")
cd "$(dirname "$0")/.."
. .ci/container.sh
boot || exit

lines() { # lines N: the Nth block of commands under "Run under systemd"
    awk -v wanted="$1" '/^## / { ours = $0 == "## Run under systemd" } !ours { next }
        /^```/ { open = !open; block += open; next } open && block == wanted' README.md
}

type_in() { # type_in N: a user's hands, in a checkout where the program is built; the container's user is root
    { echo 'set -e; sudo() { "$@"; }; cd /srv/feedbridge'; lines "$1"; } >"$folder/lines.sh"
    [ "$(wc -l <"$folder/lines.sh")" -gt 1 ] || { echo "README.md has no such lines"; return 1; }
    inside sh -s <"$folder/lines.sh"
}

put /srv/feedbridge/target/release/feedbridge <"$program"
configuration | put /srv/feedbridge/config.toml
for unit in service socket; do
    put "/srv/feedbridge/systemd/feedbridge.$unit" <"systemd/feedbridge.$unit"
done

at_once "the lines of the README install and start it" type_in 1
expect "systemd takes it for ready" active
lives

at_once "the lines of the README give the socket to systemd" type_in 2
expect "the service goes on with it" feed garden
holds_socket() { inside systemctl is-active feedbridge.socket && inside systemctl is-enabled feedbridge.socket; }
expect "systemd holds the socket" holds_socket
inside systemctl stop feedbridge 2>/dev/null
expect "the service stops" inactive
at_once "a reader who connects then is answered" network curl -fsS --max-time 30 "http://$address/garden/feed.json"
expect "because systemd has started it" active
network python3 .ci/knock.py "$address" /garden/feed.json "$folder/enough" >"$folder/knocks" &
knocking=$!
# systemd lets a service start only five times in ten seconds, and counts these as well.
for i in 1 2 3 4 5; do
    inside systemctl reset-failed feedbridge
    inside systemctl restart feedbridge || problems=$((problems + 1))
    sleep 0.5 # of readers being served
done
touch "$folder/enough"
wait "$knocking"
answered=$?
verdict "every reader is answered during 5 restarts: $(cat "$folder/knocks")" "$answered"

# An address of the range where clouds keep their secrets, at which a server listens.
network ip address add 169.254.169.254/32 dev lo
nsenter -t "$systemd" -n -- python3 -m http.server --bind 169.254.169.254 --directory "$folder/pages" 80 >/dev/null 2>&1 &
secrets=$!
ask() { # ask ADDRESS/PORT PROPERTY...: connects, in a service with these properties
    local where=$1
    shift
    inside systemd-run --quiet --wait "$@" bash -c "exec 3<>/dev/tcp/$where" &
    local asking=$! i
    for ((i = 0; i < 20; i++)); do
        kill -0 "$asking" 2>/dev/null || { wait "$asking"; return; }
        sleep 0.25
    done
    kill "$asking"
    return 1
}
fence() { grep '^IPAddress' systemd/feedbridge.service | sed 's/^/-p/'; }
mapfile -t fence < <(fence)
expect "who is not fenced in reaches the secrets of a cloud" ask 169.254.169.254/80
expect "who has the unit's fence reaches this machine" ask "127.0.0.1/${upstream##*:}" "${fence[@]}"
! ask 169.254.169.254/80 "${fence[@]}"
verdict "but not the secrets of a cloud" $?
kill "$secrets"
if inside grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
    bounded() { inside sh -c '[ "$(cat /sys/fs/cgroup/system.slice/feedbridge.service/memory.high)" = 1073741824 ]'; }
    expect "its memory is bounded" bounded
else
    echo "SKIP whether its memory is bounded: the machine keeps the memory controller from this container"
fi
finish
