#!/usr/bin/env bash
# Makes .venv and installs Strop into it from this checkout: setup.sh EXTRAS (tune or tune,test).
# May be interrupted anywhere and run again; says it is done (its stamps) only after success.
set -euo pipefail
cd "$(dirname "$0")/.."

extras=$1
python=${PYTHON:-python3}
venv=.venv
constraints=packaging/constraints.txt

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 2
}

apt='On Debian or Ubuntu: sudo apt-get install python3-venv python3-dev build-essential'

command -v "$python" >/dev/null ||
    fail "there is no $python; Strop needs Python 3.11 or newer." "$apt" \
        "Another Python is named so: make PYTHON=/path/to/python3.12 demo"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old; Strop needs Python 3.11 or newer." \
        "Another Python is named so: make PYTHON=/path/to/python3.12 demo"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$("$python" --version) cannot make a virtual environment." "$apt"
for compiler in "${CC:-cc}" "${CXX:-c++}"; do
    # CC and CXX may carry options: their first word is the program.
    command -v "${compiler%% *}" >/dev/null ||
        fail "there is no compiler ${compiler%% *}; llama.cpp is compiled for this machine." "$apt" \
            "(cmake is brought by the build itself.)"
done

works() { "$venv/bin/python" -m pip --version >/dev/null 2>&1; }

if works; then
    echo "setup: bringing $venv up to date with strop[$extras] (seconds, unless packages changed)"
else
    cat <<EOF
setup: making $venv and installing strop[$extras] with the versions in $constraints.
setup: The first time takes 5 to 8 minutes on two cores; 3 to 5 of them compile llama-cpp-python
setup: for this processor, when pip says "Building wheel for llama-cpp-python". Interrupting is
setup: safe: the same command goes on.
EOF
    "$python" -m venv --clear "$venv"
fi

# A pip that was killed leaves packages half there: what has no RECORD, and what it had set aside.
for site in "$venv"/lib/python*/site-packages; do
    for info in "$site"/*.dist-info; do
        [ -e "$info/RECORD" ] || rm -rf "$info"
    done
    rm -rf "$site"/~*
done

has_amx() { ${CC:-cc} -march=native -dM -E - </dev/null 2>/dev/null | grep __AMX_TILE__ >/dev/null; }
uses_amx() {
    "$venv/bin/python" -c 'import llama_cpp; print(llama_cpp.llama_print_system_info().decode())' |
        grep 'AMX_INT8 = 1' >/dev/null
}

if has_amx; then
    with="-include \"$PWD/packaging/amx.h\""
    export CFLAGS="${CFLAGS-} $with" CXXFLAGS="${CXXFLAGS-} $with"
fi

# pip first and alone: it must not replace itself in the middle of the long install.
"$venv/bin/python" -m pip install --disable-pip-version-check --constraint "$constraints" pip
"$venv/bin/python" -m pip install --disable-pip-version-check --prefer-binary \
    --constraint "$constraints" --editable ".[$extras]"

# pip keeps the wheels that it builds, and one may have been built without these flags.
if has_amx && ! uses_amx; then
    echo "setup: compiling llama-cpp-python anew: pip kept one that cannot use this processor's AMX"
    "$venv/bin/python" -m pip cache remove llama_cpp_python || true
    "$venv/bin/python" -m pip install --disable-pip-version-check --force-reinstall --no-deps \
        --constraint "$constraints" llama-cpp-python
fi
"$venv/bin/strop" --help >/dev/null

touch "$venv/.installed-tune"
[ "$extras" = tune ] || touch "$venv/.installed-test"
echo "setup: done"
