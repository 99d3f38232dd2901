# The Debian package in a container with a real systemd.
package_works() {
    command -v cargo-deb >/dev/null || [ -x target/ci/cargo/bin/cargo-deb ] ||
        cargo install cargo-deb --quiet --locked --root target/ci/cargo || return 1
    PATH="$PWD/target/ci/cargo/bin:$PATH" cargo deb --quiet --output target/ci/feedbridge.deb || return 1
    timeout 600 .ci/container.sh target/ci/feedbridge.deb
}

if [ "$(id -u)" -ne 0 ]; then
    skip "the package under a real systemd" "it takes root to boot a container"
elif ! { command -v systemd-nspawn && command -v debootstrap; } >/dev/null &&
    ! { apt-get update -qq && apt-get install -y -qq systemd-container debootstrap curl procps; } >/dev/null 2>&1; then
    skip "the package under a real systemd" "systemd-container and debootstrap cannot be installed here"
else
    mkdir -p target/ci
    step "the package under a real systemd" package_works
fi
