/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tingxie.h - the whole public interface of libtingxie: Mandarin speech in, hanzi out.
 *
 * A file:
 *
 *     ting_model *model;
 *     ting_result *result;
 *     if (ting_model_open(NULL, NULL, &model) != TING_OK)           // NULL: the usual places, the defaults
 *         return complain(ting_error_message());
 *     if (ting_recognize_file(model, "talk.wav", NULL, &result) == TING_OK)
 *         puts(ting_result_text(result));
 *     ting_result_free(result);
 *     ting_model_free(model);
 *
 * Sound as it arrives:
 *
 *     ting_stream *stream;
 *     const ting_sentence *sentence;
 *     ting_partial partial;
 *     ting_stream_new(model, NULL, 16000, &stream);
 *     while ((count = record(samples)) > 0) {
 *         ting_stream_feed(stream, samples, count);
 *         while ((sentence = ting_stream_poll(stream)) != NULL)     // sentences that are finished
 *             puts(sentence->text);
 *         ting_stream_partial(stream, &partial);                    // the one being spoken
 *     }
 *     ting_stream_finish(stream);                                   // then poll the rest
 *     ting_stream_free(stream);
 *
 * Errors. Every function that can fail returns a ting_err: TING_OK (0), or a negative code; the sentence that
 * names the thing, what was expected and what was found is ting_error_message() on the same thread.
 * Outputs are set only on success (pointers are NULL after a failure). Every free accepts NULL; other pointers must not be NULL
 * unless said so.
 *
 * Threads. A model is immutable and may be shared by any number of threads. A stream or result is used by
 * one thread at a time. Results do not depend on the number of threads or on how sound is cut into pieces.
 *
 * Units. Times are seconds from the first sample; samples lie in [-1, 1]; confidences in [0, 1]; scores are
 * natural logarithms of probabilities. Text is UTF-8.
 *
 * Versions. Structs that the caller fills begin with their size: fill them with their *_defaults function first,
 * and a program built with an older header keeps working. Structs that the library fills are read through
 * pointers it returns and only grow at their end; those that the caller has in its own memory or in an array (ting_partial,
 * ting_written, ting_grade, ting_lm_score, ting_lm_weighted) never change. The library never prints, exits or touches the network.
 */
#ifndef TINGXIE_H
#define TINGXIE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TING_API __attribute__((visibility("default")))
#else
#define TING_API
#endif

/* ---- errors and version ---- */

typedef enum ting_err {
    TING_OK = 0,
    TING_ERR_ARGUMENT = -1,    /* the caller passed something outside the documented range */
    TING_ERR_MEMORY = -2,      /* an allocation failed */
    TING_ERR_IO = -3,          /* a file or device could not be opened, read or written */
    TING_ERR_FORMAT = -4,      /* bytes from outside are not what their format demands */
    TING_ERR_MODEL = -5,       /* well-formed, but the model cannot be used here (shapes, features, tokens) */
    TING_ERR_UNSUPPORTED = -6, /* understood, but this build or machine cannot do it */
    TING_ERR_NUMERIC = -7,     /* a value that must be finite is not */
    TING_ERR_CANCELLED = -8,   /* the caller asked to stop */
    TING_ERR_NOT_FOUND = -9,   /* a named thing does not exist */
    TING_ERR_INTERNAL = -10    /* a promise inside the library was broken: please report */
} ting_err;

/* Message of the last failed call on this thread; "" when there was none. Borrows until the next
 * failing call on the same thread. */
TING_API const char *ting_error_message(void);

/* Short name of a code, such as "format". Never NULL; static storage. */
TING_API const char *ting_error_name(ting_err code);

/* Of this header: 10000 major + 100 minor + patch. */
#define TING_VERSION_NUMBER 100

/* Of the library: "0.1.0"; static storage. */
TING_API const char *ting_version(void);

/* Writes lines that tell the version, the compiler, what was built in, which optional parts are absent,
 * and the processor level in use; always ends in '\0'. Returns the length the whole text needs. */
TING_API size_t ting_build_describe(char *out, size_t room);

/* ---- the model ---- */

typedef enum ting_precision {
    TING_PRECISION_F32,  /* as trained */
    TING_PRECISION_BF16, /* weights and rows rounded to bf16, sums in f32 */
    TING_PRECISION_INT8  /* int8 weights per output, int8 rows with a scale per row, int32 sums */
} ting_precision;

typedef struct ting_model ting_model;

typedef struct ting_model_options {
    size_t size;              /* set by ting_model_options_defaults */
    ting_precision precision; /* F32; a choice of packing at load: any model file serves all three */
    int hanzi;                /* 1: a pinyin-to-hanzi network is wanted; 0: none, text is pinyin; 2: one is taken if found */
    const char *folder;       /* where networks that the model lacks are looked for; NULL: the usual places */
    void (*log)(void *self, const char *sentence); /* remarks, such as files that could not be read; NULL: none */
    void *log_self;
    const char *lm;   /* a file with an n-gram language model that weighs lines of hanzi too (docs/LM.md); NULL: one is taken if found */
    double lm_weight; /* 0.9; of its log-probabilities; 0: none is taken */
    const char *rescore_lm; /* a file with a language model of any kind that ranks the best lines anew; NULL: none */
    double rescore_weight;  /* 0.5; of its log-probabilities */
    int rescore_lines;      /* 16; so many lines are ranked, 1 to 1000 */
} ting_model_options;

TING_API void ting_model_options_defaults(ting_model_options *options, size_t size);

/* Opens a model: a .gguf file, or a folder with a public model as its authors publish it (a Zipformer's encoder, decoder and
 * joiner as ONNX, and tokens.txt; a WeNet Conformer's train.yaml, final.pt and units.txt), or the name of one in the usual places,
 * as "zipformer-wenetspeech-3.3m" (a file or folder of that name in the working directory wins). path NULL takes the first
 * acoustic model of the usual places. Networks that the model lacks (a Zipformer file has no pinyin-to-hanzi; a model whose tokens are
 * characters needs none) are taken from the usual places: options->folder alone if given; else the folder named by the
 * environment variable TING_MODELS, "models" beside the build tree of the running program, share/tingxie/models of where the running
 * program or the shared library is installed, the user's data folder (docs/API.md), and at last the folder that the named file stands in.
 * Options NULL: the defaults. The weights are packed into memory; files are closed when it returns.
 * Returns owned (free with ting_model_free). Errors: io, format, model, argument (a weight out of range), unsupported (`lm` is no n-gram
 * model, or the pinyin-to-hanzi network an encoder-decoder), not found (no model anywhere: the sentence lists the places), memory. */
TING_API ting_err ting_model_open(const char *path, const ting_model_options *options, ting_model **out);
TING_API void ting_model_free(ting_model *model);

/* Writes a few lines about the networks: architecture, parameters, files. Always ends in '\0'.
 * Returns the length the whole text needs; 0 when out of memory. */
TING_API size_t ting_model_describe(const ting_model *model, char *out, size_t room);

/* ---- how to recognise ---- */

typedef enum ting_decoding {
    TING_DECODING_GREEDY, /* the best token of each frame */
    TING_DECODING_BEAM,   /* modified beam search, of CTC heads prefix beam search: `beam` prefixes side by side */
    TING_DECODING_RESCORE /* prefix beam search, whose prefixes an attention decoder ranks at the end of a sentence. Wants a model
                             that has one */
} ting_decoding;

typedef enum ting_head {
    TING_HEAD_AUTO,       /* the transducer, if the model has one; with RESCORE the CTC head */
    TING_HEAD_TRANSDUCER,
    TING_HEAD_CTC
} ting_head;

typedef struct ting_options {
    size_t size;            /* set by ting_options_defaults */
    int threads;            /* 1 to 1024; 0: one for each processor */
    ting_decoding decoding; /* BEAM: more exact; GREEDY: less work */
    int beam;               /* 8; 1 to 64. With GREEDY: 1: the best line of pinyin alone goes to hanzi; more: with what was nearly
                               heard instead of its syllables */
    double blank_penalty;   /* 0; subtracted from the score of "nothing was said": more of what is heard unclearly, -5 to 5 */
    int nbest;              /* 1; hypotheses to keep for each sentence, 1 to 64 (more than 1 implies BEAM, unless it is RESCORE) */
    int alternatives;       /* 4; other characters to keep for each place, 0 to 16 */
    int hanzi;              /* 1; 0: text is numbered pinyin as heard; 2: pinyin too, but the pinyin-to-hanzi network, if the
                               model has one, helps to choose among what was heard and tells where 一 and 不
                               stand, which are written yi1 and bu4 whatever their tone was: fewer errors */
    int constrained;        /* 1: a character must have a reading that fits its syllable; 0: the network is free */
    double pause;           /* 0.8; seconds without a syllable that end a sentence, 0.2 to 3600. A model that cannot stream hears
                               segments between such pauses, of at most 30 s (docs/API.md) */
    double longest;         /* 30; most seconds of a sentence, 5 to 120; from two thirds of it any pause of 0.24 s ends it */
    int channel;            /* 0: mix all channels down; n: take the n-th, from 1 */
    const char *raw;        /* the file is headerless: "s16le:16000:1" (type, rate, channels); NULL: it has a header */
    const char *keywords;   /* a file with a keyword a line, in hanzi, pinyin or the model's tokens: report these only, each as a
                               sentence; NULL: write everything. Wants a transducer */
    double keyword_threshold; /* 0.25; least mean probability of a keyword's tokens, 0 to 1 */
    double keyword_boost;     /* 1.0; added to the log-probability of a keyword's tokens, 0 to 10 */
    int (*progress)(void *self, double done, double total); /* seconds of sound; total 0: not known. Non-zero
                               stops with TING_ERR_CANCELLED. Called a few times a second of work, and while a pipe is
                               quiet. NULL: none */
    void *progress_self;
    int keep_partial;       /* 0; 1: when progress stops a file, what was heard until then is its result, with TING_OK and
                               ting_result_partial 1, unless nothing was heard yet */
    int whole;              /* 0; 1: a model that can stream hears whole segments all the same (see pause): each sound with all
                               that follows, more exact where the model was trained so too, and one segment late */
    double ctc_weight;      /* 0.5; with RESCORE: of the CTC head's log-probability beside the attention decoder's, 0 to 100 */
    double reverse_weight;  /* 0.3; with RESCORE: share of the decoder that reads from the last token, 0 to 1; ignored where a model
                               has none */
    const struct ting_hotword_list *hotwords; /* words that are likely to be said: written where they may have been heard. Made for the
                              same model; borrowed, and must outlive the streams. Ignored where hanzi is 0. NULL: none */
    int pronunciation; /* 0; 1: alignment also says how well each syllable was said. Wants a model whose tokens are pinyin */
    ting_head head;         /* AUTO; which head of the acoustic model is searched, where it has two */
    double skip_blank;      /* 0; with BEAM or RESCORE, CTC head: rows in which "nothing was said" is likelier than this are passed over
                               quickly, 0.9 to 1; 0: none */
    const struct ting_lm *fuse_lm; /* a language model over the acoustic model's own tokens, n-grams or a network, that weighs them inside
                               the search (docs/LM.md). Borrowed, and must outlive the streams. Wants BEAM or RESCORE. NULL: none */
    double fuse_weight;     /* 0.3; of its log-probabilities, 0 to 10 */
    double fuse_bonus;      /* 0.5; for each token, -10 to 10: makes up for what they take away */
    const struct ting_lm *lodr_lm; /* with fuse_lm: n-grams of a low order over the same tokens, whose log-probabilities are taken away,
                               since the acoustic model has learnt as much itself. Borrowed likewise. NULL: none */
    double lodr_weight;     /* 0.1; of those, 0 to 10 */
} ting_options;

TING_API void ting_options_defaults(ting_options *options, size_t size);

/* ---- hotwords ---- */

typedef struct ting_hotword_list ting_hotword_list; /* immutable, shared by threads and streams */

/* Words that are likely to be said, from a file: one a line, then, as wanted, :WEIGHT and its pinyin (docs/JOINT.md). They are read for
 * the networks of `model`, which must outlive the list; `weight` (-100 to 100, usually 0) is added to the log-probability of those that
 * state none: more finds more, and makes more up. A word whose pinyin is not known is left out with a remark to the model's log. Returns
 * owned (free with ting_hotword_list_free). Errors: io, format (names the line), argument (weight), model (it was opened without a
 * language model, or its pinyin-to-hanzi network is an encoder-decoder), not found (hanzi, and no lexicon), memory. */
TING_API ting_err ting_hotword_list_open(const ting_model *model, const char *path, double weight, ting_hotword_list **out);

/* The same from text in memory, as of one request. Copies. */
TING_API ting_err ting_hotword_list_read(const ting_model *model, const char *text, size_t length, double weight,
                                         ting_hotword_list **out);
TING_API void ting_hotword_list_free(ting_hotword_list *list);

/* ---- results ---- */

typedef struct ting_grade { /* of what was expected against its best rival in the same place */
    double score;     /* 0 to 100: the share of the two that the expected one has; 50: as likely as its rival, 99: a hundred times */
    double log_ratio; /* the same as log(expected / rival), -100 to 100 */
} ting_grade;

typedef struct ting_pronunciation { /* how well a syllable was said: docs/ALIGN.md */
    const char *expected; /* "shi4": of the readings that the text allows the one that fits best, with sandhi: "ni2" in 你好 */
    const char *heard;    /* what is likeliest in its place: "si4"; "": nothing */
    ting_grade syllable;  /* the whole, against the likeliest other one */
    ting_grade initial, final, tone; /* over all syllables that share them; "an1" has an initial too: none */
} ting_pronunciation;

typedef struct ting_char { /* one character of a sentence, or one Latin word or number */
    const char *text;
    double start, end; /* seconds; end >= start */
    float confidence;  /* how likely it is right; of pinyin as heard and of an alignment, how likely its sound is (docs/CONFIDENCE.md) */
    const char *pinyin; /* numbered: "zhong1", "lv4"; 一 is yi1 and 不 bu4 (GB/T 16159); "" when the sound gave none */
    const char *const *alternatives; /* other characters for this place, best first */
    int alternative_count;
    const ting_pronunciation *pronunciation; /* with options->pronunciation, of an alignment's syllables; else NULL */
    float log_prob;    /* of the tokens that it was heard in, together: the acoustic model's share of the score */
} ting_char;

typedef struct ting_token { /* what the acoustic model emitted */
    const char *text;
    int id;
    double start;   /* of the frame it was emitted at */
    float log_prob;
} ting_token;

typedef struct ting_hypothesis {
    const char *text, *pinyin; /* syllables with single spaces between */
    double score;              /* of everything that weighed: sound, pinyin to hanzi, language model; a weighted log-probability */
    int char_count;            /* ting_hypothesis_char */
} ting_hypothesis;

typedef struct ting_sentence {
    double start, end; /* of its first and last character */
    const char *text;  /* the characters together */
    const char *pinyin; /* numbered syllables with single spaces between */
    float confidence;  /* mean over its characters: the share that is right */
    int char_count, token_count;
    int hypothesis_count; /* at least 1, the first is `text`; at most options.nbest */
    const struct ting_sentence_parts *parts; /* for the functions below */
} ting_sentence;

/* index from 0 up to the count; NULL outside. Borrows until the sentence's owner is freed. */
TING_API const ting_char *ting_sentence_char(const ting_sentence *sentence, int index);
TING_API const ting_token *ting_sentence_token(const ting_sentence *sentence, int index);
TING_API const ting_hypothesis *ting_sentence_hypothesis(const ting_sentence *sentence, int index);

/* A character of hypothesis number `hypothesis`. Of 0 those of the sentence; of the others confidences say how likely the sound is, and
 * there are no alternatives. */
TING_API const ting_char *ting_hypothesis_char(const ting_sentence *sentence, int hypothesis, int index);

typedef struct ting_result ting_result; /* all sentences of one recording, in order of time. The functions below read NULL as none */

TING_API int ting_result_sentence_count(const ting_result *result);
TING_API const ting_sentence *ting_result_sentence(const ting_result *result, int index);
TING_API const char *ting_result_text(const ting_result *result); /* all sentences together; "" for silence */
TING_API double ting_result_duration(const ting_result *result);  /* seconds of sound */
TING_API int ting_result_partial(const ting_result *result); /* 1: it ends where progress stopped, not where the sound does */
TING_API void ting_result_free(ting_result *result);

typedef enum ting_format {
    TING_FORMAT_TXT,     /* a line a sentence */
    TING_FORMAT_JSON,    /* one object: sentences, characters, tokens, hypotheses */
    TING_FORMAT_SRT,     /* subtitles, SubRip */
    TING_FORMAT_VTT,     /* subtitles, WebVTT */
    TING_FORMAT_LRC,     /* lyrics with times */
    TING_FORMAT_TSV,     /* start, end, text in milliseconds, with a heading line */
    TING_FORMAT_CTM,     /* NIST: name, channel, start, duration, character, confidence */
    TING_FORMAT_TEXTGRID, /* Praat: tiers of sentences, characters and syllables */
    TING_FORMAT_SLF      /* HTK's standard lattice format, of the hypotheses: docs/LATTICES.md */
} ting_format;

/* "txt", "json", ..: also the usual ending of a file's name. NULL outside the enum. */
TING_API const char *ting_format_name(ting_format format);

/* Formats a result; `name` is what JSON, CTM and SLF call the recording (the latter two with _ for spaces); JSON and SLF show hypotheses.
 * Returns an owned text that ends in a newline, free with ting_text_free. Errors: argument, memory. */
TING_API ting_err ting_result_format(const ting_result *result, ting_format format, const char *name, char **out);
TING_API void ting_text_free(char *text);

/* ---- recognition ---- */

/* A whole sound file of any length: it is read in blocks. "-" is standard input. Options NULL: the defaults. Of a file that is cut off
 * what is there is heard, with a remark to the model's log. Returns owned (free with ting_result_free). Errors: io, format (not sound,
 * empty), unsupported, numeric (a sample is not finite), argument (a channel that the file lacks), model (hanzi are wanted, but it was
 * opened without the network that writes them), cancelled, memory. */
TING_API ting_err ting_recognize_file(const ting_model *model, const char *path, const ting_options *options,
                                      ting_result **out);

/* `count` samples in [-1, 1], one channel, at `rate` 1000 to 768000 per second. Options NULL: the defaults.
 * Returns owned (free with ting_result_free). Errors: numeric, argument (rate), model, unsupported (RESCORE), cancelled, memory. */
TING_API ting_err ting_recognize_samples(const ting_model *model, const float *samples, size_t count, int rate,
                                         const ting_options *options, ting_result **out);

/* ---- alignment ---- */

/* When each character of a text is said in a sound that says it (forced alignment): a result like that of recognition, but its characters
 * are those of the text, and their confidences how well it fits. Punctuation and spaces are left out; a line break, a mark such as
 * 。 or ？, and options->pause seconds without a character end a sentence. Of a character's readings the one that fits best is taken.
 * Of the options (NULL: the defaults) threads, channel, raw, pause, longest, whole, pronunciation and progress count; progress is called
 * during the search too, with all of the sound done. Returns owned (free with ting_result_free). Errors: those of ting_recognize_file;
 * argument (nothing that is spoken; what has no token in the model, such as Latin words; more tokens than the sound has rows), not found
 * (no lexicon; a text that does not fit the sound), unsupported (over two hours; pronunciation, and the model's tokens are characters). */
TING_API ting_err ting_align_file(const ting_model *model, const char *path, const char *text, const ting_options *options,
                                  ting_result **out);

/* The same for samples as ting_recognize_samples takes them. */
TING_API ting_err ting_align_samples(const ting_model *model, const float *samples, size_t count, int rate, const char *text,
                                     const ting_options *options, ting_result **out);

/* ---- explanation ---- */

typedef struct ting_explain_options {
    size_t size;       /* set by ting_explain_options_defaults */
    double begin, end; /* 0, 0; seconds of the sound that are explained, at most 30; end 0: up to the sound's end or 30 s after begin */
    int sound;         /* 1; the page holds that part of the sound itself, to be listened to; 0: it does not */
    const char *name;  /* what the page calls the recording; NULL: the name of its file */
} ting_explain_options;

TING_API void ting_explain_options_defaults(ting_explain_options *options, size_t size);

/* How a recording became text, as one HTML page that needs nothing from elsewhere (docs/EXPLAIN.md): sound, probabilities of the
 * tokens over time, characters, the syllables that competed, what the sound, the pinyin-to-hanzi network, the language model and hotwords
 * said of each character and of its rivals, and where the encoder looked. It is recognised as ting_recognize_file does with the same
 * options; keywords are not for it. Options NULL: the defaults. Returns an owned text in *html, free with ting_text_free. Errors: those of
 * ting_recognize_file; argument (the part). */
TING_API ting_err ting_explain_file(const ting_model *model, const char *path, const ting_options *options,
                                    const ting_explain_options *how, char **html);

/* ---- streams ---- */

typedef struct ting_stream ting_stream;

/* Returns an owned stream for one-channel sound at `rate` samples a second, 1000 to 768000 (free with ting_stream_free). The model must
 * outlive it. Errors: argument, model (also a fuse_lm or lodr_lm over other tokens), unsupported (RESCORE, and the model has no attention
 * decoder; a head that it lacks; a fuse_lm that looks from both sides, a lodr_lm that is no n-gram model), memory. */
TING_API ting_err ting_stream_new(const ting_model *model, const ting_options *options, int rate, ting_stream **out);
TING_API void ting_stream_free(ting_stream *stream);

/* Takes any number of samples (copies what it must keep) and does the work that they make possible. Errors: numeric,
 * argument (after finish), memory. After an error the stream only accepts reset and free. */
TING_API ting_err ting_stream_feed(ting_stream *stream, const float *samples, size_t count);

/* Says that the sound is over: what is still inside comes out. A second call does nothing. Errors: as feed. */
TING_API ting_err ting_stream_finish(ting_stream *stream);

/* Begins a new recording: like a fresh stream, also after an error. Errors: memory. */
TING_API ting_err ting_stream_reset(ting_stream *stream);

/* The next finished sentence, or NULL. Borrows until the next poll, reset or free. */
TING_API const ting_sentence *ting_stream_poll(ting_stream *stream);

typedef struct ting_partial {
    const char *text;   /* the sentence being spoken, as far as it is heard; may change */
    size_t stable;      /* the first so many bytes of it stood in the last two partials: likely to stay */
    const char *pinyin; /* its syllables; with GREEDY none of them changes any more */
} ting_partial;

/* The sentence that is not finished yet; empty texts when there is none. Borrows until the next call on the
 * stream. Costs a pass of the pinyin-to-hanzi network when there are new syllables. Errors: numeric, memory. */
TING_API ting_err ting_stream_partial(ting_stream *stream, ting_partial *out);

/* Seconds of sound that were fed, and that the acoustic model has heard. */
TING_API double ting_stream_fed(const ting_stream *stream);
TING_API double ting_stream_heard(const ting_stream *stream);

/* ---- pinyin ---- */

typedef struct ting_written { /* a line of hanzi */
    const char *text;
    double score; /* of all that weighed: pinyin to hanzi, language model; a weighted log-probability */
} ting_written;

/* A line of syllables with spaces between (ni3 hao3, or nǐ hǎo; without digit and mark: neutral tone) in hanzi, by the model's
 * pinyin-to-hanzi network and the language models that it was opened with: up to nbest lines (1 to 64), best first, as an array of
 * *count, owned (free with ting_written_free). Any number of threads may ask one model. Errors: format (the word that is no
 * syllable, by its place), argument, model (it has no such network), numeric, memory. */
TING_API ting_err ting_write_pinyin(const ting_model *model, const char *line, size_t length, int nbest, ting_written **out,
                                    int *count);
TING_API void ting_written_free(ting_written *lines);

/* ---- language models ---- */

typedef struct ting_lm ting_lm; /* immutable, shared by threads */

/* The language model in a model file. Returns owned (free with ting_lm_free). Errors: io, format, model, not found (it holds none),
 * unsupported (.arpa), memory. */
TING_API ting_err ting_lm_open(const char *path, ting_lm **out);
TING_API void ting_lm_free(ting_lm *lm);

typedef struct ting_lm_score { /* the caller has room for an array of them: it never grows */
    double log_prob;   /* of the words and of the end of the sentence; of a model that looks from both sides (bilstm) a pseudo-likelihood */
    size_t characters; /* spaces and punctuation left out: docs/LM.md */
    size_t words;      /* that the model cuts the text into */
    size_t unknown;    /* of them not known to it */
} ting_lm_score;

/* A text as one sentence. Errors: argument (not UTF-8, a zero byte), numeric, memory. */
TING_API ting_err ting_lm_score_text(const ting_lm *lm, const char *text, size_t length, ting_lm_score *out);

typedef struct ting_lm_weighted { /* of a mixture: p = sum of weight p. An array of them is handed over: it never grows */
    const ting_lm *lm;        /* borrowed; all have the same words */
    double weight;            /* above 0; they need not sum to 1 */
} ting_lm_weighted;

typedef struct ting_lm_reader_options {
    size_t size;        /* set by ting_lm_reader_options_defaults */
    int threads;        /* 1 to 1024; 0: one for each processor */
    double cache;       /* 0; 0 to 0.999: the weight of a model of the words that were read before (Kuhn and De Mori 1990); 0: none */
    double cache_words; /* 500; after so many words, 1 to 1e9, one counts half (Clarkson and Robinson 1997) */
} ting_lm_reader_options;

TING_API void ting_lm_reader_options_defaults(ting_lm_reader_options *options, size_t size);

/* Reads texts in order: many at a time, by one model or a mixture, with the memory of a cache. One thread at a time. */
typedef struct ting_lm_reader ting_lm_reader;

/* Copies parts [count], 1 to 16, and options (NULL: the defaults). Returns owned (free with ting_lm_reader_free). Errors: argument (a
 * weight, words that differ, a mixture with a model that looks from both sides), memory. */
TING_API ting_err ting_lm_reader_new(const ting_lm_weighted *parts, int count, const ting_lm_reader_options *options, ting_lm_reader **out);
TING_API void ting_lm_reader_free(ting_lm_reader *reader);

/* out [count]: each text as one sentence; with a cache, behind those that were read before. All of `out` is 0 after a failure, and what the
 * cache remembers is as before. Errors: argument (a text that is not UTF-8), numeric, memory. */
TING_API ting_err ting_lm_reader_score(ting_lm_reader *reader, const char *const *texts, const size_t *lengths, size_t count,
                                       ting_lm_score *out);

/* out [parts]: the weights, which sum to 1, under which the texts are likeliest (expectation maximisation), from those given; the reader
 * goes on with them. Not with a cache. Errors: argument, numeric, memory. */
TING_API ting_err ting_lm_reader_fit(ting_lm_reader *reader, const char *const *texts, const size_t *lengths, size_t count, double *out);

/* A sentence drawn from the model's probabilities, raised to 1 / temperature (above 0), after the beginning `begin` (NULL: none), of at
 * most `longest` words more, 1 to 1000000; the same for the same seed. Words of Latin letters and digits get spaces between them. Returns
 * an owned text in *out, free with ting_text_free. Errors: argument (also a beginning longer than the model's context), unsupported (a
 * model that looks from both sides), numeric, memory. */
TING_API ting_err ting_lm_generate(const ting_lm *lm, const char *begin, uint64_t seed, int longest, double temperature, char **out);

#ifdef __cplusplus
}
#endif
#endif
