#!/bin/sh
# Installs what the tests need besides Python, where that is missing: a browser, a proxy, network
# namespaces, a terminal multiplexer, curl, and programs that draw a screen of their own. Says first what
# it will install. Needs root and apt-get; with APT=no it installs nothing. Tests that find one of them
# missing are skipped, and say so.
browsers="chromium-headless-shell chromium"
missing=""
need() { command -v "$1" >/dev/null || missing="$missing $2"; }
need tc iproute2
need nginx nginx-light
need tmux tmux
need less less
need vim vim
need htop htop
need fish fish
need curl curl
browser=""
for each in $browsers; do
    if command -v "$each" >/dev/null; then browser="$each"; break; fi
done
[ -n "$missing" ] || [ -z "$browser" ] || exit 0
skipped="tests that need them are skipped, and say so"
what="$missing"
[ -n "$browser" ] || what="$what chromium fonts-liberation"
if [ "${APT:-}" = no ]; then
    echo "make: not installed, as APT=no says:$what; $skipped"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "make: missing:$what. Only root installs them here, with apt-get; $skipped"
    exit 0
fi
echo "make: installing Debian packages with apt-get:$what (APT=no leaves them out)"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || exit 1
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word a package
    apt-get install -qq -y $missing >/dev/null || exit 1
fi
[ -z "$browser" ] || exit 0
apt-get install -qq -y fonts-liberation >/dev/null || exit 1
for each in $browsers; do
    apt-get install -qq -y "$each" >/dev/null && exit 0
done
echo "make: no browser could be installed; tests that need one are skipped"
