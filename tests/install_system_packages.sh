#!/bin/sh
# Install the Debian packages that the tests use, where this machine lets us; else say what will not run.
# usage: install_system_packages.sh PACKAGE...
missing=""
for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
echo "-----------------------------------------------------------------------------------------"
echo "These system packages are missing, and the tests that need them will say that they cannot run:"
echo "   $missing"
echo "On Debian or Ubuntu: sudo apt-get install --no-install-recommends$missing"
echo "-----------------------------------------------------------------------------------------"
exit 0
