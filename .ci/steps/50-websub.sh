# The hub before the WebSub checks, with a channel that gains a post whenever they want the topic to change.


# with_hub on|off COMMAND...: runs the daemon over a stand-in channel, $url in front of it and $folder behind it.
with_hub() {
    local folder hub=$1 url standin upstream result
    url=http://127.0.0.1:$(free_port)
    shift
    folder=$(mktemp -d)
    mkdir "$folder/pages"
    echo 3 >"$folder/posts"
    python3 .ci/upstream.py page kitchen 3 >"$folder/pages/kitchen.html"
    stand_in "$folder/pages" || return
    cat >"$folder/more" <<MORE
n=\$((\$(cat $folder/posts) + 1))
echo \$n >$folder/posts
python3 $PWD/.ci/upstream.py page kitchen \$n >$folder/next.html && mv $folder/next.html $folder/pages/kitchen.html
MORE
    cat >"$folder/config.toml" <<CONFIG
[server]
listen = "${url#http://}"
[store]
path = "$folder/data"
[upstream]
hosts = ["$upstream"]
[poll]
interval_seconds = 1
requests_per_minute = 6000
[hub]
enabled = $([ "$hub" = on ] && echo true || echo false)
allow_private_callbacks = true
[[channel]]
name = "kitchen"
CONFIG
    env -u STATE_DIRECTORY target/debug/feedbridge --config "$folder/config.toml" 2>"$folder/log" &
    local daemon=$!
    until_url "$url/healthz" && until_posts "$url/kitchen/feed.json" 3 && "$@"
    result=$?
    [ "$result" -eq 0 ] || cat "$folder/log"
    kill "$daemon" "$standin"
    wait "$daemon" "$standin" 2>/dev/null
    rm -r "$folder"
    return "$result"
}

until_posts() { # until_posts JSON_FEED NUMBER
    local tries
    for tries in $(seq 100); do
        [ "$(curl --silent "$1" | grep -o '"date_published"' | wc -l)" -ge "$2" ] && return 0
        sleep 0.1
    done
    return 1
}

hub_works() {
    local said document
    for document in atom.xml rss.xml feed.json; do
        said=$("$PYTHON" ../shared/checks/websub.py hub "$url/hub" "$url/kitchen/$document" "sh $folder/more")
        echo "$said"
        [ "$(grep -c ^PASS <<<"$said")" -eq 19 ] || return 1
        "$PYTHON" ../shared/checks/websub.py discover "$url/kitchen/$document" || return 1
    done
}

http_conforms() {
    local said document
    for document in rss.xml atom.xml feed.json; do
        said=$("$PYTHON" ../shared/checks/http_conformance.py "$url/kitchen/$document")
        grep -E "^(FAIL|WARN)" <<<"$said" && return 1
        [ "$(grep -c ^PASS <<<"$said")" -ge 80 ] || return 1
    done
}

if [ ! -e ../shared/checks/websub.py ]; then
    skip "the hub serves subscribers" "the checks are not there"
elif ! python_with_libraries; then
    skip "the hub serves subscribers" "the libraries of the checks cannot be installed here"
else
    cargo build --quiet
    step "the hub serves subscribers" with_hub on hub_works
    step "http is right with a hub" with_hub on http_conforms
    step "http is right without a hub" with_hub off http_conforms
fi
