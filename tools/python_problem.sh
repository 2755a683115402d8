#!/bin/sh
# Prints in one sentence why a Python cannot be used, or nothing.
#
#   python_problem.sh new PYTHON            to make .venv with it
#   python_problem.sh venv [PYTHON] FOLDER  for the .venv in FOLDER; PYTHON: what was asked for
#
# Whatever is asked here has to be understood by Python 2.7, too.
needed=3.11
version='import sys; print("%d.%d" % sys.version_info[:2]); sys.exit(sys.version_info[:2] < (3, 11))'

of_new() {
    found=$("$1" -c "$version" 2>/dev/null) && return
    if [ -z "$found" ]; then what="$1 does not run"; else what="$1 is Python $found"; fi
    for other in python3.14 python3.13 python3.12 python3.11; do
        "$other" -c "$version" >/dev/null 2>&1 || continue
        echo "Arbor needs Python $needed or newer, and $what. Choose another: PYTHON=$other"
        return
    done
    echo "Arbor needs Python $needed or newer, and $what. Install one, and name it: PYTHON=python3.12"
}

of_venv() {
    [ -e "$2/.venv" ] || return
    has=$("$2/.venv/bin/python" -c "$version" 2>/dev/null)
    is_new=$?
    if [ -z "$has" ]; then
        echo "its Python does not run"
    elif [ "$is_new" -ne 0 ]; then
        echo "its Python is $has, and $needed is needed"
    elif [ -e "$2/.venv/bin/pip" ] && ! grep -qF "$2/.venv/bin/" "$2/.venv/bin/pip"; then
        echo "it was made in another folder"
    elif [ -n "$1" ]; then
        wanted=$("$1" -c "$version" 2>/dev/null)
        [ "$wanted" = "$has" ] || echo "its Python is $has, and $1 is ${wanted:-no Python}"
    fi
}

case "$1" in
    new) of_new "$2" ;;
    venv) of_venv "$2" "$3" ;;
esac
