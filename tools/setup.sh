#!/bin/sh
# setup.sh MODE GROUP...: sees to it that the packages of the groups, as listed
# in packages.txt, are installed.
#
# MODE install: installs what is missing, as root or with a sudo that asks for
#               nothing; otherwise prints the exact command and fails.
# MODE check:   installs nothing; prints the command and fails.
#
# Nothing is asked of the network when nothing is missing, so that a second run
# works offline.
set -eu

mode=$1
shift
here=$(dirname "$0")
list=$here/../packages.txt

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "setup: no dpkg here, so packages are not checked; packages.txt names what Debian calls them" >&2
    exit 0
fi

wanted=
for group in "$@"; do
    wanted="$wanted $(awk -v group="$group" '$1 == group { print $2 }' "$list" | tr '\n' ' ')"
done

# dpkg knows only what came as a package; a tool put there by other means, or
# by a package of another name (g++ inside a toolchain), is found by its command.
installed() {
    # One word for each architecture; "not-installed" is one of them.
    case " $(dpkg-query -W -f='${db:Status-Status} ' "$1" 2>/dev/null)" in
    *" installed "*) return 0 ;;
    esac
    case $1 in
    gcc | g++ | python3 | clang | clang-tidy | clang-format | cppcheck | pkg-config) command -v "$1" >/dev/null 2>&1 ;;
    *) return 1 ;;
    esac
}

missing=
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
missing=${missing# }

command="apt-get install -y --no-install-recommends $missing"
as=
if [ "$(id -u)" != 0 ]; then
    as="sudo "
fi
if [ "$mode" != install ] || { [ -n "$as" ] && ! sudo -n true 2>/dev/null; }; then
    printf 'setup: missing packages: %s\nsetup: install them with\n\n    %sapt-get update && %s%s\n\nand run make again.\n' \
        "$missing" "$as" "$as" "$command" >&2
    exit 1
fi

apt() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null
    fi
}

echo "setup: installing $missing"
# The lists may be absent or name versions that are gone: then they are fetched
# and the installation is tried once more.
# shellcheck disable=SC2086
if ! apt install -y --no-install-recommends $missing; then
    apt update
    apt install -y --no-install-recommends $missing
fi
for package in $missing; do
    installed "$package" || {
        echo "setup: $package is still missing after: $command" >&2
        exit 1
    }
done
