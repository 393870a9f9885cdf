# The set-up, shared by run.sh and test.sh. Bash 3.2 (macOS) is enough. Everything it says goes to stderr.
# `set_up run` and `set_up test` leave a complete environment in .venv, quickly where there is one already.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
python=$venv/bin/python
stamp=$venv/.set-up
unfinished=$venv/.unfinished
log=$root/build/setup.log
uv_version=0.13.9

# What llama.cpp, and what Qt's plugins load from the system: the library, and the Debian package that has it.
engine_libraries="libgomp.so.1 libgomp1"
window_libraries="libglib-2.0.so.0 libglib2.0-0
libGL.so.1 libgl1
libEGL.so.1 libegl1
libfontconfig.so.1 libfontconfig1
libxkbcommon.so.0 libxkbcommon0
libdbus-1.so.3 libdbus-1-3
libpulse.so.0 libpulse0
libxcb-cursor.so.0 libxcb-cursor0
libxkbcommon-x11.so.0 libxkbcommon-x11-0
libxcb-icccm.so.4 libxcb-icccm4
libxcb-keysyms.so.1 libxcb-keysyms1
libxcb-shape.so.0 libxcb-shape0"

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Runs a command with its output in the log, and counts the seconds where somebody watches.
quietly() {
    printf '\n$ %s\n' "$*" >>"$log"
    if [ ! -t 2 ]; then
        "$@" >>"$log" 2>&1 </dev/null
        return
    fi
    local begun=$SECONDS status=0 job
    "$@" >>"$log" 2>&1 </dev/null &
    job=$!
    trap 'kill "$job" 2>/dev/null; printf "\n" >&2; exit 130' INT TERM
    while kill -0 "$job" 2>/dev/null; do
        printf '\r  %d s' $((SECONDS - begun)) >&2
        sleep 0.2
    done
    wait "$job" || status=$?
    trap - INT TERM
    printf '\r          \r' >&2
    return "$status"
}

# --- Python and system packages --------------------------------------------------------------------------------

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; }

find_python() {
    local name path
    for name in python3 python3.13 python3.12 python3.14 python3.11; do
        path=$(command -v "$name") || continue
        case $path in "$venv"/*) continue ;; esac
        if fits "$path"; then
            system_python=$path
            return 0
        fi
    done
    return 1
}

may_install() {
    command -v apt-get >/dev/null || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

apt_get() {
    local as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    # shellcheck disable=SC2086
    quietly $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

# A broken source elsewhere may fail the update and still leave everything needed within reach.
install_packages() {
    say "Installing system packages: $*"
    apt_get install -y --no-install-recommends "$@" && return
    apt_get update
    apt_get install -y --no-install-recommends "$@"
}

explain_packages() {
    say "Atelier needs system packages that are not installed. Install them and start again:"
    if command -v apt-get >/dev/null; then say "    sudo apt-get install $*"; else say "    $*"; fi
}

known_python_package() {
    local name
    for name in python3.13 python3.12 python3.11; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            printf '%s %s-venv' "$name" "$name"
            return 0
        fi
    done
    return 1
}

need_python() {
    local found packages
    find_python && return
    if may_install; then
        packages=$(known_python_package) || { apt_get update; packages=$(known_python_package); }
        # shellcheck disable=SC2086
        [ -n "$packages" ] && install_packages $packages && find_python && return
    fi
    found=$(python3 --version 2>/dev/null) || found="no Python"
    say "Atelier needs Python 3.11, 3.12, 3.13 or 3.14; this computer has $found."
    case $(uname -s) in
        Darwin) say "Get it from python.org, or with: brew install python@3.13" ;;
        *)
            if packages=$(known_python_package); then
                say "Install it and start again: sudo apt-get install $packages"
            else
                say "Install it with your system's package manager, or get it from python.org."
            fi
            ;;
    esac
    exit 1
}

# Debian keeps the part of Python that makes environments in a package of its own.
missing_venv_package() {
    "$system_python" -c 'import ensurepip, venv' 2>/dev/null && return
    "$system_python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2], end=" ")'
}

# missing_libraries LIST: the packages of those libraries in LIST that are not there.
missing_libraries() {
    local known library package
    known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) || return 0
    while read -r library package; do
        case $known in *"$library ("*) continue ;; esac
        if command -v apt-get >/dev/null; then printf '%s ' "$package"; else printf '%s ' "$library"; fi
    done <<<"$1"
}

# The pictures of the Chinese window are checked with a font that has the signs.
missing_font_package() {
    find /usr/share/fonts /usr/local/share/fonts "${HOME:-}/.local/share/fonts" -iname '*CJK*' 2>/dev/null | grep -q . ||
        printf 'fonts-noto-cjk '
}

missing_packages() {
    [ "$(uname -s)" = Linux ] || return 0
    environment_ready run || missing_venv_package
    missing_libraries "$engine_libraries"
    case $1 in window | test) missing_libraries "$window_libraries" ;; esac
    case $1 in test) missing_font_package ;; esac
}

# need_packages line|window|test: asked before each start, for packages come and go between two starts.
need_packages() {
    local packages
    mkdir -p "$root/build"
    environment_ready run || need_python
    packages=$(missing_packages "$1")
    [ -n "$packages" ] || return 0
    if may_install; then
        # shellcheck disable=SC2086
        install_packages $packages
        packages=$(missing_packages "$1")
        [ -n "$packages" ] || return 0
    fi
    # shellcheck disable=SC2086
    explain_packages $packages
    exit 1
}

# --- the environment -------------------------------------------------------------------------------------------

# The folder is part of it: an environment does not survive being moved.
fingerprint() {
    { printf '%s\n' "$root" && cat "$root/pyproject.toml" "$root/packaging/constraints.txt" "$root/packaging/lib.sh"; } |
        cksum
}

# An environment with the test tools serves for running too.
environment_ready() {
    local made kind
    [ -x "$python" ] && [ -f "$stamp" ] || return 1
    { read -r kind && read -r made; } <"$stamp"
    [ "$made" = "$(fingerprint)" ] && { [ "$kind" = "$1" ] || [ "$kind" = test ]; }
}

pip_setting() { "$python" -m pip config get "global.$1" 2>/dev/null; }

# uv does not read pip's settings; the two that people and machines rely on are handed over.
uv_pip() {
    local index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-$(pip_setting index-url)}}
    [ -z "$index" ] || export UV_DEFAULT_INDEX=$index
    export UV_FIND_LINKS=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(pip_setting find-links)}}
    export UV_PYTHON_DOWNLOADS=never
    quietly "$venv/bin/uv" pip "$@"
}

# The package index has one torch for everybody: CUDA on Linux. Its makers' own index has the build that fits this
# computer; it is used where it answers, unless a folder of wheels is offered.
torch_backend() {
    [ "$(uname -s)" = Linux ] && [ -z "${PIP_FIND_LINKS:-$(pip_setting find-links)}" ] || return 0
    if UV_HTTP_RETRIES=0 uv_pip install --python "$python" --dry-run --no-deps --torch-backend auto \
        -c "$root/packaging/constraints.txt" torch; then
        printf 'auto'
    fi
}

make_environment() {
    local kind=$1 extra= backend
    [ "$kind" = run ] || extra="[$kind]"
    rm -f "$stamp"
    say "Setting up Atelier in $venv. The first time takes some minutes; details go to $log."
    need_python
    # What an interrupted set-up left cannot be trusted; downloads are kept elsewhere and not repeated.
    if [ -e "$unfinished" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
        quietly "$system_python" -m venv --clear "$venv" ||
            fail "The environment in $venv could not be made. See $log."
    fi
    : >"$unfinished"
    quietly "$python" -m pip install --disable-pip-version-check "uv==$uv_version" ||
        fail "The installer could not be downloaded. Check the network connection and start again; see $log."
    say "Downloading and installing libraries …"
    backend=$(torch_backend)
    uv_pip install --python "$python" --compile-bytecode ${backend:+--torch-backend "$backend"} \
        -c "$root/packaging/constraints.txt" --overrides "$root/packaging/overrides.txt" -e "$root$extra" ||
        fail "The libraries could not be installed. Check the network connection and free disk space, and start again; see $log."
    quietly "$python" -m compileall -q "$root/studio"
    rm -f "$unfinished"
    { printf '%s\n' "$kind" && fingerprint; } >"$stamp.new"
    mv "$stamp.new" "$stamp"
}

make_starter() {
    say "Installing the starter pack …"
    quietly "$python" -P -m studio.model_manager.starter ||
        say "The starter pack could not be installed; see $log. The next start tries again."
}

# --- one set-up at a time --------------------------------------------------------------------------------------

lock=$root/build/setup.lock

take_lock() {
    if command -v flock >/dev/null; then
        exec 9>"$lock"
        flock -n 9 && return
        say "Another set-up is running; waiting for it."
        flock 9
        return
    fi
    # A link is made in one step and names its owner, so one left behind by a killed set-up is told from a live one.
    local owner
    until ln -s "$$" "$lock.owner" 2>/dev/null; do
        owner=$(readlink "$lock.owner") || continue
        if kill -0 "$owner" 2>/dev/null; then sleep 1; else rm -f "$lock.owner"; fi
    done
    trap 'rm -f "$lock.owner"' EXIT
}

leave_lock() {
    if command -v flock >/dev/null; then
        exec 9>&-
    else
        rm -f "$lock.owner"
        trap - EXIT
    fi
}

# 0: all is there; 3: the starter pack is missing; anything else: the environment is missing or broken.
state() {
    environment_ready "$1" || return 1
    "$python" -P -m studio.model_manager.starter --check 2>>"$log"
}

set_up() {
    local now=0
    state "$1" || now=$?
    [ "$now" = 0 ] && return
    take_lock
    # Another set-up may have done it in the meantime.
    now=0
    state "$1" || now=$?
    if [ "$now" != 0 ] && [ "$now" != 3 ]; then
        if environment_ready "$1"; then : >"$unfinished"; fi
        make_environment "$1"
        now=0
        state "$1" || now=$?
    fi
    [ "$now" = 0 ] || make_starter
    leave_lock
}
