# The pages in Debian's Chromium, over hand-made channels. Sourced by .ci/run.

pages_look() { # starts the program over a stand-in, looks, and ends both
    local work port standin upstream program status=1
    work=$(mktemp -d)
    cargo build --quiet || return
    python3 .ci/pages/write.py "$work/upstream"
    port=$(free_port)
    stand_in "$work/upstream" || return
    cat >"$work/config.toml" <<END
[server]
listen = "127.0.0.1:$port"
[store]
path = "$work/data"
[upstream]
hosts = ["$upstream"]
[[channel]]
name = "kettle"
[[channel]]
name = "kumkum"
[[channel]]
name = "nobody_here"
END
    target/debug/feedbridge serve --config "$work/config.toml" 2>"$work/log" &
    program=$!
    for _ in $(seq 100); do
        curl -s "http://127.0.0.1:$port/kettle/feed.json" | grep -q kettle/30 && curl -s "http://127.0.0.1:$port/kumkum/feed.json" | grep -q kumkum/5 && break
        sleep 0.2
    done
    mkdir -p target/pages/shots
    timeout 300 node .ci/pages/look.mjs $port "$PWD/target/pages/modules" target/pages/shots
    status=$?
    [ $status -eq 0 ] || tail -20 "$work/log"
    kill $program $standin
    wait $program $standin 2>/dev/null
    rm -rf "$work"
    return $status
}

if pages_ready; then
    step "pages in Chromium" pages_look
else
    skip "pages in Chromium" "chromium, node or its modules cannot be had"
fi
