#!/usr/bin/env bash
# Sets Atelier up where that is still to do, then starts it with the given arguments.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ $# -eq 0 ] && [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ]; then
    say "There is no display to open the window on; without one, write for example:" \
        "bash packaging/run.sh generate text --prompt \"A letter from the sea\" -o story.txt"
    exit 2
fi
if [ $# -eq 0 ]; then need_packages window; else need_packages line; fi
set_up run
exec "$python" -P -m studio "$@"
