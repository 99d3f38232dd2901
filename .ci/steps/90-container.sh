# The Debian package and the unit, each in a container with a real systemd.
package_works() {
    command -v cargo-deb >/dev/null || [ -x target/ci/cargo/bin/cargo-deb ] ||
        cargo install cargo-deb --quiet --locked --root target/ci/cargo || return 1
    PATH="$PWD/target/ci/cargo/bin:$PATH" cargo deb --quiet --output target/ci/feedbridge.deb || return 1
    timeout 600 .ci/container_package.sh target/ci/feedbridge.deb
}

unit_works() {
    cargo build --quiet && timeout 600 .ci/container_unit.sh target/debug/feedbridge
}

container_step() { # container_step NAME COMMAND: where containers can be booted
    if [ "$(id -u)" -ne 0 ]; then
        skip "$1" "it takes root to boot a container"
    elif ! need systemd-container debootstrap curl procps iproute2; then
        skip "$1" "systemd-container and debootstrap cannot be installed here"
    else
        step "$@"
    fi
}

container_step "the unit and its socket under a real systemd" unit_works
container_step "the package under a real systemd" package_works
