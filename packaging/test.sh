#!/usr/bin/env bash
# Sets Atelier up with its test tools and runs every check; the last lines say what failed. Arguments go to pytest.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export QT_QPA_PLATFORM=offscreen OMP_WAIT_POLICY=PASSIVE
need_packages test
set_up test
cd "$root" || exit 1

failed=
check() {
    local name=$1 begun=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null || failed="$failed, $name"
    printf '   %d s\n' $((SECONDS - begun))
}

check "format" "$venv/bin/ruff" format --check .
check "lint" "$venv/bin/ruff" check .
check "types" "$venv/bin/pyright"
check "import rules" "$venv/bin/lint-imports" --no-cache --no-logo
check "translations" "$python" packaging/translations.py check
check "licences" "$python" packaging/licences.py build/sbom.json
check "package" "$python" packaging/check_wheel.py
check "tests" "$python" -m pytest "$@"

if [ -n "$failed" ]; then
    printf '\nFailed: %s\n' "${failed#, }"
    exit 1
fi
printf '\nAll checks passed.\n'
