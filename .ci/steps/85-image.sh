# The container image, built from scratch and run on a root that cannot be written; the tarball with its checksum.
image_works() {
    local flags="--storage-driver vfs --root $PWD/target/ci/images --runroot $PWD/target/ci/images-run" name mounted result
    cargo build --quiet --release --locked || return
    BUILDAH_FLAGS=$flags packaging/image.sh --output target/ci/dist --binary target/release/feedbridge --only image || return
    # shellcheck disable=SC2086
    name=$(buildah $flags from --pull-never localhost/feedbridge) && mounted=$(buildah $flags mount "$name") || return
    timeout 300 "$PYTHON" .ci/image.py "$mounted"
    result=$?
    # shellcheck disable=SC2086
    buildah $flags inspect --type image localhost/feedbridge |
        python3 -c 'import json, sys; said = json.load(sys.stdin)["Docker"]["config"]
print("user", said["User"], "volumes", *said["Volumes"], "stops by", said["StopSignal"], "looks by", said["Healthcheck"]["Test"])
assert said["User"] == "65532:65532" and "/data" in said["Volumes"] and "health" in said["Healthcheck"]["Test"]' || result=1
    # shellcheck disable=SC2086
    buildah $flags rm "$name" >/dev/null
    # shellcheck disable=SC2086
    buildah $flags rmi --all >/dev/null
    return $result
}

tarball_works() {
    local folder
    packaging/image.sh --output target/ci/dist --binary target/release/feedbridge --only tarball &&
        (cd target/ci/dist && sha256sum --check --quiet feedbridge-*-linux.tar.gz.sha256) &&
        folder=$(mktemp -d) && tar --extract --gzip --file target/ci/dist/feedbridge-*-linux.tar.gz --directory "$folder" &&
        "$folder"/*/feedbridge --version && "$folder"/*/feedbridge --config "$folder"/*/config.toml check &&
        rm -r "$folder"
}

if [ "$(id -u)" -ne 0 ] || ! unshare --mount true; then
    skip "the image" "it takes root and mounts of its own"
elif ! need buildah binutils ca-certificates || ! python_packages; then
    skip "the image" "buildah cannot be installed here"
else
    step "the image" image_works
fi
step "the tarball" tarball_works
