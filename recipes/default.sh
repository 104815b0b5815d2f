#!/bin/sh
# The default model, from recordings to RUN/tingxie.gguf: sh recipes/default.sh DATA TEACHER RUN
#   DATA     folder as recipes/default.yaml describes it
#   TEACHER  the public Zipformer ('tingxie pull zipformer-wenetspeech-3.3m' fetches it), a folder or a .gguf file
#   RUN      folder for made speech, checkpoints and results; interrupted at any point, the same command goes on there
# About four hours on two processors with AMX. TINGXIE names the program (default build/tingxie), OPTIONS goes to every training
# ("-t 1 --set data.memory=4096"), STEPS gives the steps of the three stages (default "12000 4000 1000").
set -eu
[ $# -eq 3 ] || { echo "usage: sh $0 DATA TEACHER RUN" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "$1" && pwd)
teacher=$2
run=$3
program=${TINGXIE:-build/tingxie}
recipe=$here/default.yaml
steps=${STEPS:-12000 4000 1000}
given=${steps%% *} labels=${steps##* } joined=${steps#* }
joined=${joined% *}
mkdir -p "$run/data/made"
for folder in speech speech-unlabelled noise; do
	ln -sfn "$data/$folder" "$run/data/$folder"
done
made=$run/data/made

# Short sentences of running text, none of them a sentence that is measured on.
if [ ! -f "$made/sentences.txt" ]; then
	awk -F'\t' 'NR > 1 && $3 ~ /^dev/ { print $6 }' "$data/speech/manifest.tsv" | grep . >"$made/measured.txt"
	for source in cv-wiki gov-reports kdconv lctt sayit tatoeba wiki-qa; do
		# two to seven hanzi of three bytes each; every 500th line belongs to measurements of language models
		xz -dc "$data/text/train/$source.txt.xz" |
			LC_ALL=C awk 'NR % 500 && length($0) >= 6 && length($0) <= 21' | grep -vxFf "$made/measured.txt" | head -n 4000
	done >"$made/sentences.new"
	mv "$made/sentences.new" "$made/sentences.txt"
fi
# Clips of words and syllables of four speakers; of one the words alone, who says the most.
if [ ! -f "$made/words.tsv" ]; then
	awk -F'\t' -v OFS='\t' -v folder="$data/speech/" '
		NR == 1 || ($3 == "train" && $8 ~ /^(audio-cmn-words|audio-cmn-syllables|hantts|mp3-pinyin)$/) {
			if (NR > 1) $2 = folder $2
			print
		}' "$data/speech/manifest.tsv" >"$made/words.new"
	mv "$made/words.new" "$made/words.tsv"
fi
[ -f "$made/all/spliced.tsv" ] ||
	"$program" data splice "$made/words.tsv" -s "$made/sentences.txt" -o "$made/all" -n 3000
[ -f "$made/yue/spliced.tsv" ] ||
	"$program" data splice "$made/words.tsv" --only speaker=yue-tan -s "$made/sentences.txt" -o "$made/yue" -n 3000 --seed 2

# train FOLDER [OPTION]...
train() {
	folder=$run/$1
	shift
	# shellcheck disable=SC2086
	"$program" train am "$recipe" -d "$run/data" --teacher "$teacher" -o "$folder" ${OPTIONS:-} "$@"
}
# export FOLDER FILE [OPTION]...
export_to() {
	folder=$run/$1 file=$run/$2
	shift 2
	"$program" train am "$recipe" -o "$folder" --export "$file" "$@"
}

# 1. Each part alone, given what the teacher's part before it heard.
if [ ! -f "$run/free.gguf" ]; then
	if [ ! -f "$run/given.done" ]; then
		train parts --set train.steps="$given"
		touch "$run/given.done"
	fi
	# 2. The parts hear each other in four of five steps, and the rate falls to 0.
	train parts --finish "$joined" --set loss.given=0.2
	export_to parts free.gguf
fi
# 3. What was really said, where it is known; and quiet speech, whose teacher hears it at its own level.
changes='--set data.train.0.weight=20 --set loss.transducer=0.5 --set loss.prune=0 --set loss.hints=0 --set loss.given=0
	--set loss.teacher_hears=line --set augment.volume.gain=[-35,6] --set train.seed=3 --set train.reference_batches=1000 --set train.rate=0.004 --set train.in_batches=10000'
# shellcheck disable=SC2086
train labels --from "$run/free.gguf" $changes --set train.steps="$labels" --set train.warmup=$((labels / 50)) --set train.decay=$((labels * 19 / 20))
export_to labels am.gguf --type int8 --licence 'Apache-2.0 AND CC-BY-SA-4.0' --authors Tingxie
# 4. Together with the pinyin-to-hanzi network of the model that stands there.
"$program" convert "$here/../models/tingxie.gguf" --network p2h -o "$run/p2h.gguf"
"$program" convert "$run/am.gguf" "$run/p2h.gguf" --name Tingxie -o "$run/tingxie.gguf"
