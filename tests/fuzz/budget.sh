#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# budget.sh PARSER... - fuzzes one parser after the other until each has had BUDGET seconds of processor time (default 1200).
#
# Goes on where it was stopped: build/fuzz/cpu/<parser> holds the seconds so far, build/fuzz/corpus/<parser> the inputs. What is found
# stands in build/fuzz/cpu/FINDINGS, the inputs in build/fuzz/finding-*. Never pause a fuzzer (SIGSTOP): it takes that for a hang.
set -u
budget=${BUDGET:-1200} sums=build/fuzz/cpu
mkdir -p "$sums"
export LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0
for parser; do
    corpus=build/fuzz/corpus/$parser
    mkdir -p "$corpus"
    build/tests/fuzz/fuzz_"$parser" --seeds "$corpus" || exit 1
    spent=$(cat "$sums/$parser" 2>/dev/null || echo 0)
    while [ "$spent" -lt "$budget" ]; do
        log=$sums/$parser.log
        bash -c "TIMEFORMAT='%U %S'; time build/fuzz/fuzzer/$parser -max_total_time=120 -timeout=120 -rss_limit_mb=2048 -max_len=262144 \
            -verbosity=0 -artifact_prefix=build/fuzz/finding-$parser- $corpus 2>'$log'" 2>"$log.time"
        status=$?
        spent=$(awk -v spent="$spent" 'END { printf "%d", spent + $1 + $2 }' "$log.time")
        echo "$spent" > "$sums/$parser"
        if [ "$status" -ne 0 ]; then
            cp "$log" "$sums/$parser.finding"
            echo "$parser: status $status, see $sums/$parser.finding" | tee -a "$sums/FINDINGS" >&2
            break
        fi
    done
    echo "$parser: $spent s"
done
