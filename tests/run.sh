#!/bin/sh
# Runs each test program given, shows the output of those that fail, and closes with the sum of all cases.
# RUN is put before each program (an emulator). TEST=pattern runs only programs whose name contains the pattern.
export LSAN_OPTIONS="${LSAN_OPTIONS:-suppressions=tests/lsan.supp:print_suppressions=0}"
passed=0 failed=0 skipped=0
for program in "$@"; do
    case "$program" in *"${TEST:-}"*) ;; *) continue ;; esac
    name=${program#*tests/}
    start=$(date +%s%N)
    output=$(CMOCKA_MESSAGE_OUTPUT=TAP timeout "${TEST_TIMEOUT:-300}" ${RUN:-} "$program" 2>&1)
    status=$?
    millis=$((($(date +%s%N) - start) / 1000000))
    skip=$(printf '%s\n' "$output" | grep -cE '^(not )?ok [0-9]+ *(- )?#? *SKIP') # cmocka says "not ok N # SKIP"
    ok=$(printf '%s\n' "$output" | grep '^ok ' | grep -vc 'SKIP')
    bad=$(printf '%s\n' "$output" | grep '^not ok ' | grep -vc 'SKIP')
    [ $status -eq 0 ] || [ "$bad" -gt 0 ] || bad=1 # died before it could say so
    [ $((ok + bad + skip)) -gt 0 ] || bad=1        # a program without a case is a mistake
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-36s %4d passed %3d failed %3d skipped %7d ms\n' "$name" "$ok" "$bad" "$skip" "$millis"
    [ "$bad" -eq 0 ] || printf '%s\n(exit status %d)\n' "$output" "$status"
    [ "$skip" -eq 0 ] || printf '%s\n' "$output" | grep '^# skipped:' | sort -u
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
