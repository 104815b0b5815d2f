#!/bin/sh
# `make check`: the laws of the house that a compiler does not know. Prints each breach; exit status 1 if any.
cd "$(dirname "$0")/.." || exit 2
bad=0
breach() { printf '%s\n' "$*"; bad=1; }

# 1. A file includes only its own or lower floors.
floor() {
    case "$1" in
    base) echo 0 ;; kern | audio) echo 1 ;; nn | text | feat) echo 2 ;; model) echo 3 ;;
    decode | loss | optim | data) echo 4 ;; engine | train) echo 5 ;; cli | server) echo 6 ;; *) echo -1 ;;
    esac
}
for file in $(git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' 'src/*.def'); do
    [ -f "$file" ] || continue
    here=${file#src/} here=${here%%/*}
    for there in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u); do
        [ "$(floor "$there")" -le "$(floor "$here")" ] || breach "$file: floor $(floor "$here") includes $there/ of floor $(floor "$there")"
    done
    case "$here" in # inference never reaches into training
    loss | optim | data | train | cli) ;;
    *) grep -nE '^#include "(loss|optim|data|train|nn/bwd)/' "$file" | grep -v "^src/nn/bwd" | while read -r line; do
           case "$file" in src/nn/bwd/*) ;; *) echo "$file:$line: inference includes training" ;; esac
       done | grep . && bad=1 ;;
    esac
done

# Programs see the public headers, their own, base/ and the tool_*.h of floor 5; tool headers leak no type of floors 1 to 4.
grep -nE '^#include "' src/cli/*.[ch] | grep -vE '"(tingxie(_train)?\.h|(base|cli)/[^"]*|(engine|train)/tool_[a-z0-9_]*\.h)"' &&
    breach 'programs see only include/, base/, cli/ and tool_*.h (docs/LAYERS.md)'
grep -nE '^#include "' src/engine/tool_*.h src/train/tool_*.h 2>/dev/null | grep -vE '"(tingxie(_train)?\.h|base/[^"]*|(engine|train)/tool_[a-z0-9_]*\.h)"' &&
    breach 'a tool header includes only include/, base/ and other tool headers (docs/LAYERS.md)'

# 2. Sizes: 700 lines is the wall.
for file in $(git ls-files -co --exclude-standard '*.c' '*.h' '*.sh' Makefile); do
    [ -f "$file" ] && [ "$(wc -l <"$file")" -gt 700 ] && breach "$file: $(wc -l <"$file") lines, 700 is the wall: split by step of the data flow"
done

# 3. Form: SPDX line, no tabs or trailing space in C, no line over 140 bytes in src and include, final newline.
for file in $(git ls-files -co --exclude-standard '*.c' '*.h' '*.def'); do
    [ -f "$file" ] || continue
    head -n 1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || breach "$file: the first line lacks SPDX-License-Identifier: Apache-2.0"
    grep -nP '\t|[ \t]+$' "$file" /dev/null | sed 's/:[^:]*$/: tab or trailing space/' | grep . && bad=1
    case "$file" in src/*.[ch] | include/*) LC_ALL=C awk -v f="$file" 'length($0) > 140 {print f ":" FNR ": " length($0) " bytes wide"}' "$file" | grep . && bad=1 ;; esac
    [ -z "$(tail -c 1 "$file")" ] || breach "$file: no newline at its end"
done

# 4. Words that have no place here.
git grep -nIE 'TODO|FIXME|XXX:|HACK' -- src include tests tools docs ':!tools/check.sh' ':!CONTRIBUTING.md' && bad=1
git grep -nE '\b(malloc|calloc|realloc|strdup)\(' -- 'src/*.c' ':!src/base/mem.c' | grep -v ting_ && bad=1
git grep -nE '\b(exit|abort)\(' -- 'src/*.c' ':!src/cli' && bad=1
git grep -nE '\b(printf|puts|putchar|perror)\(' -- 'src/*.c' ':!src/cli' && bad=1
git grep -nE '^#if' -- 'src/*.c' ':!src/base' ':!src/kern' && breach 'preprocessor conditions belong in base/ and kern/ only'

# 5. Every symbol that leaves an object carries the prefix.
for lib in build/libtingxie.a build/libtingxie_train.a; do
    [ -f "$lib" ] || continue
    nm -g --defined-only "$lib" 2>/dev/null | awk 'NF == 3 {print $3}' | grep -vE '^(ting_|onnx__|_?_asan|__odr)' | sort -u |
        sed "s|^|$lib: symbol without the prefix: |" | grep . && bad=1
done

[ "$bad" -eq 0 ] && echo "check: the house is in order"
exit "$bad"
