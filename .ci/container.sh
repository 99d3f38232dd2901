#!/usr/bin/env bash
# Boots a real systemd in a container, installs the package there, and uses the service as its README says.
# container.sh PACKAGE.deb — as root, with systemd-container and debootstrap. Prints what it found; 0 if all is well.
set -u
package=$(realpath "$1")
cd "$(dirname "$0")/.."
root=target/ci/root
folder=$(mktemp -d)
port=18088
upstream=18089
problems=0
systemd=
standin=

cleanup() {
    [ -n "$systemd" ] && kill -TERM "$systemd" 2>/dev/null
    [ -n "$nspawn" ] && { sleep 1; kill -KILL "$nspawn" 2>/dev/null; }
    [ -n "$standin" ] && kill "$standin" 2>/dev/null
    rm -rf "$folder"
}
nspawn=
trap cleanup EXIT

expect() { # expect WHAT COMMAND... : the command succeeds within 30 seconds
    local what=$1 i
    shift
    for ((i = 0; i < 60; i++)); do
        "$@" >/dev/null 2>&1 && { echo "PASS $what"; return; }
        sleep 0.5
    done
    echo "FAIL $what"
    problems=$((problems + 1))
}

inside() {
    nsenter -t "$systemd" -m -p -u -i -C -- "$@"
}

page() { # page NAME: a channel with three posts, in upstream's markup
    local id
    echo '<html><body><main class="tgme_main"><section class="tgme_channel_history js-message_history">'
    for id in 1 2 3; do
        echo "<div class=\"tgme_widget_message_wrap\"><div class=\"tgme_widget_message js-widget_message\" data-post=\"$1/$id\" data-view=\"eyJjIjotMTAwMSwicCI6MX0\"><div class=\"tgme_widget_message_bubble\"><div class=\"tgme_widget_message_text js-message_text\" dir=\"auto\">Soup $id</div><span class=\"tgme_widget_message_meta\"><a class=\"tgme_widget_message_date\" href=\"https://t.me/$1/$id\"><time datetime=\"2026-03-0${id}T12:00:00+00:00\">12:00</time></a></span></div></div></div>"
    done
    echo '</section></main></body></html>'
}

if [ ! -x "$root/lib/systemd/systemd" ]; then
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates bookworm "$root" >"$folder/debootstrap" 2>&1 ||
        { tail -n 3 "$folder/debootstrap"; exit 1; }
fi
mkdir "$folder/pages"
page kitchen >"$folder/pages/kitchen.html"
page garden | sed 's/eyJjIjotMTAwMSwicCI6MX0/eyJjIjotMTAwMiwicCI6MX0/' >"$folder/pages/garden.html"
python3 .ci/standin.py "$upstream" "$folder/pages" &
standin=$!

SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D "$root" --register=no --keep-unit --console=pipe \
    /lib/systemd/systemd systemd.unified_cgroup_hierarchy=1 >"$folder/boot" 2>&1 &
nspawn=$!
for ((i = 0; i < 60; i++)); do
    systemd=$(pgrep -P "$nspawn" 2>/dev/null | head -n 1)
    [ -n "$systemd" ] && inside systemctl is-system-running 2>/dev/null | grep -qE "running|degraded" && break
    sleep 0.5
done
[ -n "$systemd" ] || { echo "the container does not boot"; tail -n 5 "$folder/boot"; exit 1; }

cp "$package" "$root/opt/feedbridge.deb"
mkdir -p "$root/etc/feedbridge"
inside dpkg --unpack --force-confdef /opt/feedbridge.deb >/dev/null || problems=$((problems + 1))
cat >"$root/etc/feedbridge/config.toml" <<CONFIG
[server]
listen = "127.0.0.1:$port"
public_url = "http://127.0.0.1:$port"
[upstream]
hosts = ["http://127.0.0.1:$upstream"]
[poll]
interval_seconds = 1
[[channel]]
name = "kitchen"
CONFIG
inside dpkg --configure --force-confold feedbridge >/dev/null 2>"$folder/configure" || { cat "$folder/configure"; problems=$((problems + 1)); }

feed() { curl -fsS "http://127.0.0.1:$port/$1/feed.json" | grep -q "Soup 3"; }
restarted() { [ "$(inside systemctl show -p NRestarts --value feedbridge)" = 1 ]; }
logged() { inside journalctl -u feedbridge --no-pager | grep -q "$1"; }
stopped() { ! inside systemctl is-active feedbridge; }
state_is_private() { [ "$(stat -c %a "$root/var/lib/private/feedbridge")" = 700 ]; }

expect "the package starts the service, and systemd takes it for ready" inside systemctl is-active feedbridge
expect "its feed can be read" feed kitchen
expect "its state is its own" state_is_private
printf '[[channel]]\nname = "garden"\n' >>"$root/etc/feedbridge/config.toml"
inside systemctl reload feedbridge || problems=$((problems + 1))
expect "a reload adds a channel" feed garden
cp "$root/etc/feedbridge/config.toml" "$folder/good.toml"
echo 'nonsense = 1' >>"$root/etc/feedbridge/config.toml"
inside systemctl reload feedbridge
expect "a bad configuration is refused in the journal" logged "the old one stays"
expect "and the old one stays in force" feed garden
cp "$folder/good.toml" "$root/etc/feedbridge/config.toml"
inside systemctl kill -s KILL feedbridge
expect "systemd restarts it after a kill" restarted
expect "and its feeds are there" feed kitchen
inside systemctl stop feedbridge
expect "it stops" stopped
inside sh -c 'journalctl -u feedbridge --no-pager | grep -q panicked' && { echo "FAIL it panicked"; problems=$((problems + 1)); }
inside dpkg --purge feedbridge >/dev/null 2>&1 || problems=$((problems + 1))
gone() { [ ! -e "$root/usr/bin/feedbridge" ] && [ ! -e "$root/var/lib/private/feedbridge" ]; }
expect "a purge leaves nothing behind" gone

echo "problems: $problems"
[ "$problems" -eq 0 ]
