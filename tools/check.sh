#!/bin/sh
# `make check`: the laws of the house (CONTRIBUTING.md) that a compiler does not know. Each function looks after one law and
# prints every breach; exit status 1 if there is any.
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C

# Files of the tree that match, also new ones; no name has a space.
files() {
    git ls-files -co --exclude-standard "$@" | while read -r file; do [ -f "$file" ] && echo "$file"; done
}

# A file includes only its own or lower floors; inference never reaches into training.
floors() {
    files 'src/*.c' 'src/*.h' 'src/*.def' | xargs awk '
        BEGIN {
            split("base 0 kern 1 audio 1 nn 2 text 2 feat 2 model 3 decode 4 loss 4 optim 4 data 4 engine 5 train 5 cli 6", words)
            for (i = 1; i in words; i += 2) floor[words[i]] = words[i + 1]
        }
        /^#include "[a-z]+\// {
            split(FILENAME, from, "/"); split($2, to, /["\/]/)
            if (floor[to[2]] > floor[from[2]])
                print FILENAME ":" FNR ": floor " floor[from[2]] " includes " to[2] "/ of floor " floor[to[2]]
            if ($2 ~ /^"(loss|optim|data|train|nn\/bwd)\// && FILENAME !~ /^src\/(loss|optim|data|train|cli|nn\/bwd)\//)
                print FILENAME ":" FNR ": inference includes training"
        }'
}

# Programs see the public headers, their own, base/ and the tool_*.h of floor 5; a tool header leaks no type of floors 1 to 4.
programs() {
    git grep -nE '^#include "' -- 'src/cli/*.[ch]' | grep -vE '"(tingxie(_train)?\.h|(base|cli)/[^"]*|(engine|train)/tool_[a-z0-9_]*\.h)"' |
        sed 's/$/: programs see only include\/, base\/, cli\/ and tool_*.h (docs\/LAYERS.md)/'
    git grep -nE '^#include "' -- 'src/*/tool_*.h' | grep -vE '"(tingxie(_train)?\.h|base/[^"]*|(engine|train)/tool_[a-z0-9_]*\.h)"' |
        sed 's/$/: a tool header includes only include\/, base\/ and other tool headers (docs\/LAYERS.md)/'
}

# 700 lines are the wall; functions end after 60, kernels excepted.
sizes() {
    files '*.c' '*.h' '*.sh' Makefile | xargs awk 'FNR == 701 {print FILENAME ": more than 700 lines: split by step of the data flow"}'
    files '*.c' ':!src/kern' | xargs awk '
        FNR == 1 { start = 0 }
        /^{/ { start = FNR }
        /^}/ && start { if (FNR - start >= 60) print FILENAME ":" start ": a function of " FNR - start + 1 " lines"; start = 0 }'
}

# SPDX line, no tabs or trailing space in C, no line over 140 bytes in src and include, final newline, no _t types.
form() {
    files '*.c' '*.h' '*.def' | xargs awk '
        FNR == 1 && !/SPDX-License-Identifier: Apache-2.0/ {print FILENAME ": the first line lacks SPDX-License-Identifier: Apache-2.0"}
        /\t|[ \t]$/ {print FILENAME ":" FNR ": tab or trailing space"}
        length($0) > 140 && FILENAME ~ /^(src|include)\/.*[ch]$/ {print FILENAME ":" FNR ": " length($0) " bytes wide"}'
    files '*.c' '*.h' '*.def' | xargs tail -vc 1 | awk '/^==> .* <==$/ {file = $2; next} NF {print file ": no newline at its end"}'
    git grep -nE '^typedef .*[ *][a-z0-9_]+_t;$|^} *[a-z0-9_]+_t;|\b(struct|enum|union) [a-z0-9_]+_t\b|\(\*[a-z0-9_]+_t\)\(' -- '*.[ch]'
}

# Words that have no place here. (nm below sees what is built; these see the files of other machines and builds, too.)
words() {
    git grep -nIE 'TODO|FIXME|XXX:|HACK' -- src include tests tools docs ':!tools/check.sh'
    git grep -nE '\b(malloc|calloc|realloc|strdup)\(' -- 'src/*.c' ':!src/base/mem.c' | grep -v ting_
    git grep -nE '\b(exit|abort|printf|puts|putchar|perror)\(' -- 'src/*.c' ':!src/cli'
    git grep -nE '^#if' -- 'src/*.c' ':!src/base' ':!src/kern' | sed 's/$/: preprocessor conditions belong in base\/ and kern\/ only/'
}

libraries='build/libtingxie.a build/libtingxie_train.a'

# Every symbol that leaves an object carries the prefix. The libraries never print, exit or touch the network. No mutable
# globals: nothing in the writable sections but
#     message      base/err.c: the sentence of the last error, one a thread
#     interrupted  cli/main.c: what Ctrl-C sets; a signal handler reaches nothing else
symbols() {
    program=$(files 'src/cli/*.c' | sed 's/^/build\/obj\//; s/c$/o/' | while read -r file; do [ -f "$file" ] && echo "$file"; done)
    nm -Ag --defined-only $libraries $program | awk 'NF > 2 && $NF !~ /^(ting_|main$)/ {print $1 ": " $NF " has no prefix ting_"}'
    nm -Au $libraries | grep -E ' U (stdout|stderr|_?exit|abort|__assert_fail|v?printf|puts|putchar|perror|system|popen|fork|execv.*|socket|connect|bind|listen|accept4?|getaddrinfo|gethostbyname|send|sendto|recv|recvfrom)$' |
        sed 's/$/: the library never prints, exits or touches the network/'
    nm -A -f sysv $libraries $program | awk -F '[ ]*[|][ ]*' '
        $NF ~ /^(\.t?data|\.t?bss|\.data\.rel|\.data\.rel\.local|\*COM\*)$/ && $1 !~ /err\.o:message$|main\.o:interrupted$/ {print $1 ": a mutable global"}'
}

# An op of nn/ops.def has its backward on the page of docs/derive whose first line names it.
pages() {
    named=$(head -qn 1 docs/derive/*.md | tr -s '#, ' '\n')
    sed -n 's/^TING_OP(\([a-z0-9_]*\))/\1/p' src/nn/ops.def | while read -r op; do
        echo "$named" | grep -qx "$op" || echo "src/nn/ops.def: $op is on no first line of docs/derive/*.md"
    done
}

# A page names every key that a recipe may have: what is asked of base/yaml.h, directly or by a table of names.
keys() {
    page=$1
    shift
    known=$(tr -cs 'a-z0-9_' '\n' <"$page" | sort -u)
    grep -ohE '[({,] ?([a-z>.-]+, )?"[a-z0-9_]+"[,)}]' "$@" | grep -oE '[a-z0-9_]+"' | tr -d '"' | sort -u | while read -r key; do
        echo "$known" | grep -qx "$key" || echo "$page: the key $key of $* is not explained"
    done
}

# What lies at the root is known by name: what a tool leaves there is not committed by mistake.
root() {
    git ls-files | grep -v / | grep -vxE '\.clang-format|\.gitignore|CONTRIBUTING\.md|LICENSE|Makefile|NOTICE|README\.md' |
        sed 's/$/: no file that belongs at the root (tools\/check.sh names them)/'
}

# Paths named in the docs exist: from the root, or from src, src/kern or tests; <name> stands for any. The plan may name the recipe that is to come.
paths() {
    git grep -noE '(^|[^A-Za-z0-9_./~$-])[A-Za-z0-9_-]+(/[A-Za-z0-9_.<>*-]+)+' -- '*.md' |
        grep -vE '^docs/PLAN.md:[0-9]+:.?recipes/default' |
        sed -E 's/^([^:]*:[0-9]*):[^A-Za-z0-9_]?/\1 /; s/[.,;:]*$//; s/<[a-z]*>/*/g' | while read -r place path; do
        folder=${path%%/*}
        case "$path" in
        build/*) continue ;;
        src/* | tests/* | docs/* | tools/* | include/* | models/* | recipes/* | examples/*) ;;
        *.[a-z]*) [ -d "src/$folder" ] || [ -d "src/kern/$folder" ] || [ -d "tests/$folder" ] || continue ;;
        *) continue ;;
        esac
        for root in . src src/kern tests; do
            for found in "$root"/$path; do [ -e "$found" ] && continue 3; done
        done
        echo "$place: there is no $path"
    done
}

breaches=$(floors; programs; sizes; form; words; symbols; pages; root; paths
    keys docs/TRAINING.md src/train/am_recipe.c src/train/am_recipe_model.c src/train/plan.c src/train/parts.c
    keys docs/AUGMENT.md src/data/augment_plan.c src/data/splice.c)
[ -z "$breaches" ] && echo "check: the house is in order" && exit 0
echo "$breaches"
exit 1
