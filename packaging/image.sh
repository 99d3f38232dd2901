#!/usr/bin/env bash
# Builds what is handed out: a container image from scratch, and a tarball with its checksum.
#   packaging/image.sh [--output DIRECTORY] [--binary FILE] [--only image|tarball]
# The image lies in DIRECTORY (target/dist) as feedbridge-VERSION-image.tar, for `podman load` and `docker load`, and in
# buildah's store as localhost/feedbridge. It takes buildah, binutils and ca-certificates; BUILDAH_FLAGS go before
# buildah's command. Without --binary it builds the release.
set -euo pipefail
sources=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    echo "image.sh: $1" >&2
    exit "${2:-1}"
}

output=$sources/target/dist binary="" only=""
while [ $# -gt 0 ]; do
    case $1 in
    --output) output=${2:?DIRECTORY is missing} ;;
    --binary) binary=$(realpath -e "${2:?FILE is missing}") ;;
    --only) only=${2:?image or tarball} ;;
    *)
        sed -n '2,6s/^# //p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done
case $only in
"" | image | tarball) ;;
*) fail "--only image or --only tarball, not $only" 2 ;;
esac
# Before minutes of building, and before the directory changes: paths are meant from where the caller stands.
mkdir -p "$output"
output=$(realpath "$output")
cd "$sources"

# In bytes, all files of the image together.
MOST=$((30 * 1000 * 1000))
AUTHORITIES=/etc/ssl/certs/ca-certificates.crt

takes() { # takes COMMAND WAY_TO_GET_IT
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}

about() { # about KEY: what Cargo.toml says of the package
    sed -n "s/^$1 = \"\(.*\)\"/\1/p" Cargo.toml | sed -n 1p
}

if [ "$only" != tarball ]; then
    takes buildah "apt-get install buildah"
    takes strip "apt-get install binutils"
    [ -f "$AUTHORITIES" ] || fail "$AUTHORITIES is missing: apt-get install ca-certificates"
fi
version=$(about version)
# The same sources make the same layer and the same tarball, whenever they are packed.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

if [ -z "$binary" ]; then
    takes cargo "it comes with Rust"
    cargo build --release --locked
    binary=$sources/target/release/feedbridge
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

image() {
    local root=$work/context/root archive=$output/feedbridge-$version-image.tar library size
    install -D -m 755 "$binary" "$root/usr/bin/feedbridge"
    # The names of functions are 4 of its 27 MB, for which the image has no room. A panic still says its file and line.
    strip "$root/usr/bin/feedbridge"
    # Each where the program's loader looks for it.
    ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
        install -D -m 755 "$(readlink -f "$library")" "$root$library"
    done
    install -D -m 644 packaging/container/config.toml "$root/etc/feedbridge/config.toml"
    # TLS to Telegram is checked against the system's authorities, and an image from scratch has none.
    install -D -m 644 "$AUTHORITIES" "$root$AUTHORITIES"
    mkdir "$work/context/data"
    size=$(find "$work/context" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    echo "image: $size bytes of at most $MOST"
    [ "$size" -le "$MOST" ] || fail "the image is too large"
    # The format of Docker, for that of the OCI has no HEALTHCHECK; Podman takes both.
    # shellcheck disable=SC2086
    buildah ${BUILDAH_FLAGS:-} bud --quiet --isolation chroot --format docker --timestamp "$SOURCE_DATE_EPOCH" \
        --label org.opencontainers.image.title="$(about name)" \
        --label org.opencontainers.image.description="$(about description)" \
        --label org.opencontainers.image.version="$version" \
        --label org.opencontainers.image.licenses="$(about license)" \
        --label org.opencontainers.image.source="$(about repository)" \
        --tag localhost/feedbridge:latest --tag "localhost/feedbridge:$version" \
        --file packaging/Containerfile "$work/context"
    rm -f "$archive"
    # shellcheck disable=SC2086
    buildah ${BUILDAH_FLAGS:-} push --quiet "localhost/feedbridge:$version" \
        "docker-archive:$archive:localhost/feedbridge:$version"
    echo "image: $archive"
}

tarball() {
    local name root
    name=feedbridge-$version-$(uname -m)-linux
    root=$work/$name
    install -D -m 755 "$binary" "$root/feedbridge"
    install -m 644 README.md CHANGELOG.md LICENSE config.toml systemd/feedbridge.service systemd/feedbridge.socket \
        packaging/feedbridge.1 "$root"
    install -D -m 644 -t "$root/completions" packaging/feedbridge.bash packaging/feedbridge.fish packaging/_feedbridge
    tar --create --directory "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner "$name" |
        gzip --no-name --best >"$output/$name.tar.gz"
    (cd "$output" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
    echo "tarball: $output/$name.tar.gz"
}

[ "$only" = tarball ] || image
[ "$only" = image ] || tarball
