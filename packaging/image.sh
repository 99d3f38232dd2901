#!/usr/bin/env bash
# Builds what is handed out: a container image from scratch, and a tarball with its checksum.
#   packaging/image.sh [--output DIRECTORY] [--binary FILE] [--only image|tarball]
# The image lies in DIRECTORY (target/dist) as feedbridge-VERSION-image.tar, for `podman load` and `docker load`, and in
# buildah's store as localhost/feedbridge. It takes buildah and binutils; BUILDAH_FLAGS go before buildah's command.
set -euo pipefail
cd "$(dirname "$0")/.."

output=target/dist binary="" only=""
while [ $# -gt 0 ]; do
    case $1 in
    --output) output=$2 ;;
    --binary) binary=$2 ;;
    --only) only=$2 ;;
    *)
        sed -n '2,5s/^# //p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done

# In bytes, all files of the image together.
MOST=$((30 * 1000 * 1000))
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
# The same sources make the same files, whenever they are packed.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

if [ -z "$binary" ]; then
    cargo build --release --locked
    binary=target/release/feedbridge
fi
mkdir -p "$output"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

image() {
    local root=$work/context/root library size
    install -D -m 755 "$binary" "$root/usr/bin/feedbridge"
    strip "$root/usr/bin/feedbridge"
    # Each where the program's loader looks for it.
    ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
        install -D -m 755 "$(readlink -f "$library")" "$root$library"
    done
    install -D -m 644 packaging/container/config.toml "$root/etc/feedbridge/config.toml"
    # TLS to Telegram is checked against the system's authorities, and an image from scratch has none.
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    mkdir "$work/context/data"
    size=$(find "$work/context" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
    echo "image: $size bytes of at most $MOST"
    [ "$size" -le "$MOST" ]
    # The format of Docker, for that of the OCI has no HEALTHCHECK; Podman takes both.
    # shellcheck disable=SC2086
    buildah ${BUILDAH_FLAGS:-} bud --isolation chroot --format docker --timestamp "$SOURCE_DATE_EPOCH" \
        --build-arg VERSION="$version" --tag localhost/feedbridge:latest --tag "localhost/feedbridge:$version" \
        --file packaging/Containerfile "$work/context"
    rm -f "$output/feedbridge-$version-image.tar"
    # shellcheck disable=SC2086
    buildah ${BUILDAH_FLAGS:-} push "localhost/feedbridge:$version" \
        "docker-archive:$output/feedbridge-$version-image.tar:localhost/feedbridge:$version"
}

tarball() {
    local name=feedbridge-$version-$(uname -m)-linux
    local root=$work/$name
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
