/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feature.h - the settings of features, which model files store, and features of a whole recording.
 *
 *     samples [-1, 1] -> frames [T, dim]
 *
 * Two families: Kaldi's filterbank (fbank.h, also incremental) and the log-mel of librosa (logmel.h, needs the whole
 * recording). A network only works on the features that it was trained on, so its file stores the settings as
 * one line of text, and ting_feature_agree refuses others with a sentence that names the first difference.
 *
 * The line is a list of words: a preset or a kind first, then name=value for what differs from it,
 * "icefall bins=40 high=-200". ting_feature_print writes all fields, so a stored line does not change its
 * meaning when a preset does.
 */
#ifndef TING_FEAT_FEATURE_H
#define TING_FEAT_FEATURE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

typedef enum ting_feature_kind { TING_FEATURE_FBANK, TING_FEATURE_LOGMEL } ting_feature_kind;

/* Symmetric over `window` samples, but for HANN_PERIODIC and HAMMING_PERIODIC, whose period is `window`. */
typedef enum ting_feature_window {
    TING_WINDOW_POVEY, /* symmetric Hann to the power 0.85 */
    TING_WINDOW_HANN,
    TING_WINDOW_HAMMING,
    TING_WINDOW_RECTANGULAR,
    TING_WINDOW_BLACKMAN, /* a - 0.5 cos x + (0.5 - a) cos 2x, a = blackman */
    TING_WINDOW_SINE,
    TING_WINDOW_HANN_PERIODIC,
    TING_WINDOW_HAMMING_PERIODIC,
} ting_feature_window;

typedef enum ting_feature_energy { /* a column with the frame's log energy */
                                   TING_ENERGY_NONE,
                                   TING_ENERGY_FIRST, /* column 0 */
                                   TING_ENERGY_LAST,  /* HTK's order */
} ting_feature_energy;

typedef enum ting_feature_edges {
    TING_EDGES_SNIP, /* only frames that lie inside: 1 + (n - window) / shift */
    TING_EDGES_MIRROR, /* Kaldi, snip_edges=false: frame t is centred on (t + 1/2) shift; (n + shift / 2) / shift
                         * frames; outside, the signal is mirrored and its last sample repeated */
    TING_EDGES_ZERO, /* librosa, center=True: frame t is centred on t shift, 1 + n / shift frames; zeros outside */
    TING_EDGES_REFLECT, /* the same, mirrored around the last sample, which is not repeated */
    TING_EDGES_REPEAT,  /* the same with the last sample repeated ("edge") */
} ting_feature_edges;

typedef enum ting_mel_scale { TING_MEL_HTK, TING_MEL_SLANEY } ting_mel_scale;
typedef enum ting_mel_norm {
    TING_MEL_PEAK,
    TING_MEL_AREA
} ting_mel_norm; /* triangles of height 1, or of area 1 */

typedef enum ting_feature_cmvn {
    TING_CMVN_NONE,
    TING_CMVN_GLOBAL,        /* by vectors stored beside the settings (cmvn.h) */
    TING_CMVN_MEAN,          /* of each recording, per column */
    TING_CMVN_MEAN_VARIANCE, /* of each recording, per column */
    TING_CMVN_WHOLE,         /* of each recording, one mean and deviation over all columns */
} ting_feature_cmvn;

/* Sizes in samples, frequencies in Hz. Which kind uses what stands behind each field: F fbank, L logmel. */
typedef struct ting_feature_config {
    int kind;     /* ting_feature_kind */
    int rate;     /* samples a second */
    double scale; /* F: samples are multiplied by it first: 1, or 32768 for Kaldi's 16-bit scale */
    int window;   /* F L */
    int shift;    /* F L */
    int fft;      /* F L: at least window */
    int window_type; /* F L: ting_feature_window */
    double blackman; /* F: a of the Blackman window */
    int edges;       /* F: snip or mirror; L: snip, zero, reflect, repeat */
    int remove_dc;   /* F: 1 subtracts each frame's mean */
    double
        preemphasis; /* F: within each frame, first sample uses itself; L: over the recording, first sample kept */
    int peak;      /* L: 1 divides the recording by its largest magnitude + 1e-9 first */
    int power;     /* F L: 2 power spectrum, 1 magnitude */
    int bins;      /* F L */
    double low;    /* F L: lower edge of the first triangle */
    double high;   /* F L: upper edge of the last; 0 or less counts from half the rate down */
    int mel_scale; /* F L: ting_mel_scale; HTK 1127 ln(1 + f / 700); Slaney linear below 1 kHz */
    int mel_norm;  /* F L: ting_mel_norm */
    int mel_linear_in;   /* F L: 1 draws triangles over frequency (librosa), 0 over mel (Kaldi) */
    int log;             /* F L: 1 natural logarithm, 0 none */
    double log_floor;    /* F: log(max(x, floor)) */
    double log_add;      /* L: log(x + add) */
    int energy;          /* F: ting_feature_energy */
    int raw_energy;      /* F: 1 takes it before pre-emphasis and window, 0 after */
    double energy_floor; /* F: of the energy before the logarithm; 0 none */
    int cmvn;            /* F L: ting_feature_cmvn */
} ting_feature_config;

/* "icefall" (Kaldi, [-1, 1], mirrored edges, 20 Hz to Nyquist - 400 Hz), "wenet" (Kaldi, 16-bit scale, snipped edges,
 * 20 Hz to Nyquist), "tutorial" (librosa log-mel with peak, pre-emphasis, normalisation), all with 80 bins of 25 / 10 ms
 * at 16 kHz; "fbank" is icefall's, "logmel" the tutorial's under a neutral name. Error: not found. */
ting_err ting_feature_preset(const char *name, ting_feature_config *out);

/* Reads a line as described above. Errors: not found (preset), format (unknown name, value out of range). */
ting_err ting_feature_parse(const char *text, ting_feature_config *out);

/* Appends the line that ting_feature_parse reads back exactly. */
void ting_feature_print(const ting_feature_config *config, ting_str *out);

/* Every field within its range and consistent with the others. Error: format, with the field named. */
ting_err ting_feature_check(const ting_feature_config *config);

/* TING_OK when both are the same; else model, "the features of A and B differ: bins is 80 in A and 40 in B". */
ting_err ting_feature_agree(const ting_feature_config *a, const char *a_name,
                            const ting_feature_config *b, const char *b_name);

/* Values of one frame: bins, and one more with energy. */
int ting_feature_dim(const ting_feature_config *config);

/* Frames of a recording of `count` samples. */
size_t ting_feature_frames(const ting_feature_config *config, size_t count);

/* Window values; `out` has config->window elements. */
void ting_feature_window_fill(const ting_feature_config *config, double *out);

struct ting_cmvn;

/* Features of a whole recording: *out returns owned [*frames, dim], free with ting_free; *frames may be 0. cmvn is
 * needed with TING_CMVN_GLOBAL only, else NULL. Errors: format (settings), argument (no cmvn), memory. */
ting_err ting_feature_compute(const ting_feature_config *config, const struct ting_cmvn *cmvn,
                              const float *samples, size_t count, float **out, size_t *frames);

#endif
