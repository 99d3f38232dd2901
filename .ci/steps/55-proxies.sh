# The real program behind real proxies: SOCKS5 and HTTP, with and without a password, dead, silent and back again.
. .ci/lib.sh

if ! need microsocks tinyproxy openssl; then
    skip "proxies" "microsocks, tinyproxy or openssl cannot be installed here"
elif ! cargo build --quiet; then
    step "proxies" false
else
    for scene in arrive names https failover silence passwords down six; do
        name="proxies: $scene"
        case $scene in
            names | https)
                unshare --mount mount --bind /etc/hosts /etc/hosts 2>/dev/null ||
                    { skip "$name" "a proxy cannot be given an /etc/hosts of its own here"; continue; } ;;
            six)
                grep -qs ' lo$' /proc/net/if_inet6 || { skip "$name" "this machine has no IPv6"; continue; } ;;
        esac
        step "$name" python3 .ci/proxies.py "$scene"
    done
fi
