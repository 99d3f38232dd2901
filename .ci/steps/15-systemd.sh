# The unit files as systemd reads them, and what the daemon tells systemd.
unit_is_sound() {
    cargo build --quiet || return 1
    local root
    root=$(mktemp -d)
    # `verify` wants the program where the unit says it is.
    sed "s|^ExecStart=feedbridge|ExecStart=$PWD/target/debug/feedbridge|" systemd/feedbridge.service >"$root/feedbridge.service"
    cp systemd/feedbridge.socket "$root/"
    local said
    said=$(systemd-analyze verify "$root/feedbridge.service" "$root/feedbridge.socket" 2>&1)
    rm -r "$root"
    [ -z "$said" ] || { echo "$said"; return 1; }
    systemd-analyze security --offline=true --threshold=10 systemd/feedbridge.service | tail -n 1
    [ "${PIPESTATUS[0]}" -eq 0 ]
}

tells_systemd() {
    local folder
    folder=$(mktemp -d)
    cat >"$folder/config.toml" <<CONFIG
[server]
listen = "127.0.0.1:$(free_port)"
[store]
path = "$folder/data"
[upstream]
hosts = ["http://127.0.0.1:1"]
[[channel]]
name = "kitchen"
CONFIG
    python3 ../shared/checks/sd_notify.py 6 target/debug/feedbridge --config "$folder/config.toml" >"$folder/said" 2>&1
    grep -E "^(PASS|FAIL)" "$folder/said"
    local passed
    passed=$(grep -c "^PASS" "$folder/said")
    rm -r "$folder"
    [ "$passed" -eq 6 ]
}

if command -v systemd-analyze >/dev/null || { apt-get update -qq && apt-get install -y -qq systemd; } >/dev/null 2>&1; then
    step "the unit is sound and hardened" unit_is_sound
else
    skip "the unit is sound and hardened" "systemd-analyze cannot be installed here"
fi
if [ -e ../shared/checks/sd_notify.py ]; then
    step "the daemon tells systemd what it does" tells_systemd
else
    skip "the daemon tells systemd what it does" "the check is not there"
fi
