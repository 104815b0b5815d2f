#!/bin/sh
# Runs each test program given, as many at once as there are processors, shows the output of those that fail, and closes
# with the sum of all cases.
#   JOBS          programs at once
#   TEST          only programs whose name contains this
#   TEST_TIMEOUT  seconds for one program, for what hangs: on the wall, so many that a busy machine gets through
#   RUN           is put before each program (an emulator)
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=tests/lsan.supp:print_suppressions=0}"

# One program: a line with its counts and the processor time of all its threads and children, then what there is to say.
run_one() {
    name=${1#*tests/}
    CMOCKA_MESSAGE_OUTPUT=TAP timeout "${TEST_TIMEOUT:-1200}" ${RUN:-} "$1" >"$report" 2>&1
    status=$?
    times >"$report.times" # of the shell, of its children: 0m0.010s 0m0.020s
    millis=$(awk -F '[ms ]+' 'NR == 2 { print int(1000 * (60 * $1 + $2 + 60 * $3 + $4)) }' "$report.times")
    skip=$(grep -cE '^(not )?ok [0-9]+ *(- )?#? *SKIP' "$report") # cmocka says "not ok N # SKIP"
    ok=$(grep '^ok ' "$report" | grep -vc 'SKIP')
    bad=$(grep '^not ok ' "$report" | grep -vc 'SKIP')
    [ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1 # died before it could say so
    [ $((ok + bad + skip)) -gt 0 ] || bad=1        # a program without a case is a mistake
    printf '%-36s %4d passed %3d failed %3d skipped %7d ms\n' "$name" "$ok" "$bad" "$skip" "$millis"
    if [ "$bad" -gt 0 ]; then
        cat "$report"
        printf '(exit status %d)\n' "$status"
    fi
    grep '^# skipped:' "$report" | sort -u
}

if [ "$1" = --one ]; then
    report=$(mktemp)
    trap 'rm -f "$report" "$report.times"' EXIT
    answer=$(run_one "$2") # written in one piece, so that programs that end together don't mix
    printf '%s\n' "$answer"
    exit 0
fi

programs=$(printf '%s\n' "$@" | grep -F -- "${TEST:-}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '%s\n' "$programs" | xargs -r -P "${JOBS:-$(nproc)}" -n 1 sh "$0" --one | tee "$log"
awk -v wanted="$(printf '%s\n' "$programs" | grep -c .)" '
    / passed .* failed .* skipped .* ms$/ { programs++; passed += $2; failed += $4; skipped += $6; time += $8 }
    END {
        failed += wanted - programs # their shell was killed
        printf "%d seconds of processor time\n%d passed, %d failed, %d skipped\n", time / 1000, passed, failed, skipped
        exit failed > 0 || passed == 0
    }' "$log"
