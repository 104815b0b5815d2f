#!/bin/sh
# Installs the Debian packages that building and testing Tingxie needs, compiler and make included.
# Quick and silent when all are there. Works as root or through sudo; asks nothing.
set -eu

packages="
    gcc make libc6-dev pkg-config protobuf-c-compiler protobuf-compiler
    libsndfile1-dev libsoxr-dev libjansson-dev libyaml-dev libutf8proc-dev libprotobuf-c-dev
    libzip-dev zlib1g-dev liblzma-dev libpng-dev libsodium-dev libcurl4-openssl-dev libarchive-dev libopenmpi-dev
    openmpi-bin libcmocka-dev
"
# Only the checks of aarch64 kernels want these; TING_DEPS=minimal leaves them out.
[ "${TING_DEPS:-}" = minimal ] || packages="$packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user xz-utils"

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "tools/deps.sh: these packages are missing and neither root nor sudo is at hand:$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing:$missing" >&2
# shellcheck disable=SC2086 # the lists are meant to be split
if ! { $as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "tools/deps.sh: installing failed; the lines above say why" >&2
    exit 1
fi
