// sherpa.js - streaming recognition by sherpa-onnx-node, for a comparison in one run (tests/bench/compare.sh).
//
//   node sherpa.js MODEL_FOLDER WAV THREADS ROUNDS    (16 kHz mono 16-bit WAV)
//
// Feeds the sound in pieces of 0.32 s, warms up once, and prints one TSV line: seconds of each round, and
// the peak resident memory above what the process held before the model was opened.
const fs = require('fs');
const path = require('path');
const sherpa = require('sherpa-onnx-node');

function residentPeak() { // kB
  return Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
}

const [folder, wav, threads, rounds] = process.argv.slice(2);
const find = (pattern) => path.join(folder, fs.readdirSync(folder).find((name) => pattern.test(name)));
const bytes = fs.readFileSync(wav);
const pcm = new Int16Array(bytes.buffer, bytes.byteOffset + 44, (bytes.length - 44) >> 1);
const samples = Float32Array.from(pcm, (value) => value / 32768);
const before = residentPeak();

const recognizer = new sherpa.OnlineRecognizer({
  featConfig: { sampleRate: 16000, featureDim: 80 },
  modelConfig: {
    transducer: { encoder: find(/^encoder.*onnx$/), decoder: find(/^decoder.*onnx$/), joiner: find(/^joiner.*onnx$/) },
    tokens: path.join(folder, 'tokens.txt'),
    numThreads: Number(threads), provider: 'cpu', debug: false,
  },
  decodingMethod: 'greedy_search',
});

function recognise() {
  const stream = recognizer.createStream();
  const piece = 5120;
  for (let at = 0; at < samples.length; at += piece) {
    stream.acceptWaveform({ sampleRate: 16000, samples: samples.subarray(at, Math.min(at + piece, samples.length)) });
    while (recognizer.isReady(stream)) recognizer.decode(stream);
  }
  stream.inputFinished();
  while (recognizer.isReady(stream)) recognizer.decode(stream);
  return recognizer.getResult(stream);
}

recognise();
const seconds = [];
let result;
for (let round = 0; round < Number(rounds); round++) {
  const start = process.hrtime.bigint();
  result = recognise();
  seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
}
seconds.sort((a, b) => a - b);
const audio = samples.length / 16000;
const median = seconds[seconds.length >> 1];
console.log(['sherpa-onnx', `threads=${threads}`, `audio_s=${audio.toFixed(1)}`, `median_s=${median.toFixed(3)}`,
  `rtf=${(median / audio).toFixed(5)}`, `peak_above_idle_kib=${residentPeak() - before}`,
  `tokens=${result.tokens.length}`].join('\t'));
