# The container image, built from scratch and run on a root that cannot be written; the tarball with its checksum.
pack() { # pack FOLDER KIND: the image or the tarball of the release, in a folder of its own
    rm -rf "${CI_WORK:?}/$1" && cargo build --quiet --release --locked &&
        packaging/image.sh --output "$CI_WORK/$1" --binary target/release/feedbridge --only "$2"
}

image_works() {
    local flags="--storage-driver vfs --root $PWD/$CI_WORK/images --runroot $PWD/$CI_WORK/images-run" name mounted result
    BUILDAH_FLAGS=$flags pack image image || return
    # shellcheck disable=SC2086
    name=$(buildah $flags from --pull-never localhost/feedbridge) && mounted=$(buildah $flags mount "$name") &&
        timeout 300 python3 .ci/image.py "$mounted"
    result=$?
    # shellcheck disable=SC2086
    buildah $flags inspect --type image localhost/feedbridge | python3 -c 'import json, sys
said = json.load(sys.stdin)["Docker"]["config"]
labels = {key.rpartition(".")[2]: value for key, value in said["Labels"].items() if "opencontainers" in key}
print(*(f"{key}: {said[key]}" for key in ("User", "Volumes", "ExposedPorts", "StopSignal", "Entrypoint")), labels, sep="\n")
assert (said["User"], said["StopSignal"]) == ("65532:65532", "SIGTERM")
assert "/data" in said["Volumes"] and "8080/tcp" in said["ExposedPorts"]
assert said["Healthcheck"]["Test"] == ["CMD", *said["Entrypoint"], "health", "--live"]
assert labels.keys() == {"title", "description", "version", "licenses", "source"} and all(labels.values())' || result=1
    # shellcheck disable=SC2086
    buildah $flags rm --all >/dev/null
    # shellcheck disable=SC2086
    buildah $flags rmi --all >/dev/null
    return $result
}

tarball_works() {
    local folder made result
    pack tarball tarball && pack tarball-again tarball &&
        made=$(cd "$CI_WORK/tarball" && echo *.tar.gz) &&
        cmp "$CI_WORK/tarball/$made" "$CI_WORK/tarball-again/$made" &&
        (cd "$CI_WORK/tarball" && sha256sum --check --quiet "$made.sha256") || return
    folder=$(mktemp -d)
    tar --extract --gzip --file "$CI_WORK/tarball/$made" --directory "$folder" --strip-components 1 &&
        "$folder/feedbridge" --version && "$folder/feedbridge" --config "$folder/config.toml" check
    result=$?
    rm -r "$folder"
    return $result
}

if [ "$(id -u)" -ne 0 ] || ! unshare --mount true; then
    skip "the image" "it takes root and mounts of its own"
elif ! need buildah binutils ca-certificates openssl python3; then
    skip "the image" "buildah, binutils or openssl cannot be installed here"
else
    step "the image" image_works
fi
step "the tarball" tarball_works
