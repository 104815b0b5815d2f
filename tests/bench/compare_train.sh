#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compare_train.sh [rounds [steps [width]]] - the training step of one Conformer beside PyTorch, on two threads, in turns.
#
# A TSV line for each run as bench_train_am prints it, then one a case with the medians of the rounds: name, milliseconds a
# step, processor milliseconds a step, how many times PyTorch's speed by either, peak resident MB. PYTHON names an
# interpreter that has PyTorch (Debian: python3-torch; with libopenblas0-openmp its products use both cores).
rounds=${1:-3} steps=${2:-3} width=${3:-256}
here=$(dirname "$0") bench=${BENCH:-build/tests/bench/bench_train_am}
PYTHON=${PYTHON:-/usr/bin/python3}
[ -x "$bench" ] || { echo "# skipped: no $bench (make bench builds it)"; exit 0; }
"$PYTHON" -c 'import torch' 2>/dev/null || { echo "# skipped: $PYTHON has no PyTorch (Debian: python3-torch, libopenblas0-openmp)"; exit 0; }
for round in $(seq "$rounds"); do
    "$PYTHON" "$here/torch_train.py" "$width" 2 "$steps" || exit 1
    "$bench" "conformer$width" f32 2 "$steps" || exit 1
    "$bench" "conformer$width" bf16 2 "$steps" || exit 1
done | tee /dev/stderr | awk -F'\t' '
    function median(list, n, parts, i, j, t) {
        n = split(list, parts, " ")
        for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (parts[j] + 0 < parts[i] + 0) { t = parts[i]; parts[i] = parts[j]; parts[j] = t }
        return parts[int((n + 1) / 2)]
    }
    { name = $1 " " $2; if (!(name in wall)) order[++count] = name; wall[name] = wall[name] " " $4; processor[name] = processor[name] " " $5
      if ($8 > peak[name]) peak[name] = $8 }
    END { for (i = 1; i <= count; i++) { name = order[i]; w = median(wall[name]); p = median(processor[name])
          if (i == 1) { w0 = w; p0 = p }
          printf "%s\t%s\t%s\t%.2f\t%.2f\t%d\n", name, w, p, w0 / w, p0 / p, peak[name] } }'
