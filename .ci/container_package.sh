#!/usr/bin/env bash
# Installs the Debian package under a real systemd in a container and uses the service: container_package.sh PACKAGE.deb.
# Prints what it found; 0 if all is well.
package=$(realpath "$1")
cd "$(dirname "$0")/.."
. .ci/container.sh
boot || exit

put /opt/feedbridge.deb <"$package"
inside dpkg --unpack --force-confdef /opt/feedbridge.deb >/dev/null || problems=$((problems + 1))
configuration | put "$config"
at_once "the package is installed" inside dpkg --configure --force-confold feedbridge
expect "it starts the service, and systemd takes it for ready" active
lives
inside systemctl stop feedbridge
expect "it stops" inactive
at_once "the package is purged" inside dpkg --purge feedbridge
gone() { inside sh -c '[ ! -e /usr/bin/feedbridge ] && [ ! -e /var/lib/private/feedbridge ]'; }
expect "which leaves nothing behind" gone
finish
