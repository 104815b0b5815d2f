/* SPDX-License-Identifier: Apache-2.0 */
/* feature.c - the settings as text, compared and checked; see feature.h. */
#include "feat/feature.h"

#include "feat/cmvn.h"
#include "feat/fbank.h"
#include "feat/logmel.h"

#include "base/mem.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static const char *const kinds[] = {"fbank", "logmel", NULL};
static const char *const windows[] = {"povey",    "hann", "hamming",       "rectangular",
                                      "blackman", "sine", "hann-periodic", "hamming-periodic",
                                      NULL};
static const char *const edges[] = {"snip", "mirror", "zero", "reflect", "repeat", NULL};
static const char *const energies[] = {"none", "first", "last", NULL};
static const char *const scales[] = {"htk", "slaney", NULL};
static const char *const norms[] = {"peak", "area", NULL};
static const char *const cmvns[] = {"none", "global", "mean", "mean-variance", "whole", NULL};

typedef struct field {
    const char *name;
    size_t offset;
    const char *const *values; /* names of an enum; NULL: a number */
    int real;                  /* 1 double, 0 int */
    double low, high;          /* of a number */
} field;

#define INT(name, low, high)                                                                       \
    {                                                                                              \
#name, offsetof(ting_feature_config, name), NULL, 0, low, high                             \
    }
#define REAL(name, low, high)                                                                      \
    {                                                                                              \
#name, offsetof(ting_feature_config, name), NULL, 1, low, high                             \
    }
#define NAMES(name, values)                                                                        \
    {                                                                                              \
#name, offsetof(ting_feature_config, name), values, 0, 0, 0                                \
    }

static const field fields[] = {
    NAMES(kind, kinds),
    INT(rate, 1000, 768000),
    REAL(scale, 1e-6, 1e6),
    INT(window, 2, 65536),
    INT(shift, 1, 65536),
    INT(fft, 2, 65536),
    NAMES(window_type, windows),
    REAL(blackman, 0, 1),
    NAMES(edges, edges),
    INT(remove_dc, 0, 1),
    REAL(preemphasis, 0, 1),
    INT(peak, 0, 1),
    INT(power, 1, 2),
    INT(bins, 3, 1024),
    REAL(low, 0, 384000),
    REAL(high, -384000, 384000),
    NAMES(mel_scale, scales),
    NAMES(mel_norm, norms),
    INT(mel_linear_in, 0, 1),
    INT(log, 0, 1),
    REAL(log_floor, 1e-37, 1),
    REAL(log_add, 0, 1),
    NAMES(energy, energies),
    INT(raw_energy, 0, 1),
    REAL(energy_floor, 0, 1e12),
    NAMES(cmvn, cmvns),
};
enum { FIELDS = sizeof fields / sizeof *fields };

static double get(const ting_feature_config *config, const field *f)
{
    const char *at = (const char *)config + f->offset;
    int whole;
    double real;
    if (f->real) {
        memcpy(&real, at, sizeof real);
        return real;
    }
    memcpy(&whole, at, sizeof whole);
    return whole;
}

static void set(ting_feature_config *config, const field *f, double value)
{
    char *at = (char *)config + f->offset;
    if (f->real) {
        memcpy(at, &value, sizeof value);
        return;
    }
    int whole = (int)value; /* read_word has checked its range; a real may be beyond every int */
    memcpy(at, &whole, sizeof whole);
}

static int named_values(const field *f)
{
    int count = 0;
    while (f->values[count] != NULL)
        count++;
    return count;
}

static void print_value(const ting_feature_config *config, const field *f, char *text, size_t size)
{
    double value = get(config, f);
    if (f->values != NULL)
        snprintf(text, size, "%s",
                 value >= 0 && value < named_values(f) ? f->values[(int)value] : "?");
    else if ((double)(float)value == value)
        ting_number_print(text, size, "%.9g", value);
    else
        ting_number_print(text, size, "%.17g", value);
    for (int digits = 1; f->real && digits <= 17;
         digits++) { /* the shortest text that reads back exactly */
        ting_number_print(text, size, "%.*g", digits, value);
        if (ting_number_read(text, NULL) == value)
            break;
    }
}

static const ting_feature_config icefall = {
    .kind = TING_FEATURE_FBANK,
    .rate = 16000,
    .scale = 1,
    .window = 400,
    .shift = 160,
    .fft = 512,
    .window_type = TING_WINDOW_POVEY,
    .blackman = 0.42,
    .edges = TING_EDGES_MIRROR,
    .remove_dc = 1,
    .preemphasis = 0.97,
    .power = 2,
    .bins = 80,
    .low = 20,
    .high = -400,
    .mel_scale = TING_MEL_HTK,
    .mel_norm = TING_MEL_PEAK,
    .log = 1,
    .log_floor = 1.1920928955078125e-07,
    .energy = TING_ENERGY_NONE,
    .raw_energy = 1,
    .cmvn = TING_CMVN_NONE,
};

static const ting_feature_config tutorial = {
    .kind = TING_FEATURE_LOGMEL,
    .rate = 16000,
    .scale = 1,
    .window = 400,
    .shift = 160,
    .fft = 400,
    .window_type = TING_WINDOW_HANN_PERIODIC,
    .blackman = 0.42,
    .edges = TING_EDGES_ZERO,
    .preemphasis = 0.97,
    .peak = 1,
    .power = 2,
    .bins = 80,
    .low = 0,
    .high = 8000,
    .mel_scale = TING_MEL_SLANEY,
    .mel_norm = TING_MEL_AREA,
    .mel_linear_in = 1,
    .log = 1,
    .log_floor = 1.1920928955078125e-07,
    .log_add = 1e-20,
    .raw_energy = 1,
    .cmvn = TING_CMVN_WHOLE,
};

ting_err ting_feature_preset(const char *name, ting_feature_config *out)
{
    if (strcmp(name, "icefall") == 0 || strcmp(name, "fbank") == 0) {
        *out = icefall;
    } else if (strcmp(name, "wenet") == 0) {
        *out = icefall;
        out->scale = 32768;
        out->edges = TING_EDGES_SNIP;
        out->high = 0;
    } else if (strcmp(name, "tutorial") == 0 || strcmp(name, "logmel") == 0) {
        *out = tutorial;
    } else {
        return ting_fail(TING_ERR_NOT_FOUND,
                         "feature settings \"%s\": expected icefall, wenet or tutorial", name);
    }
    return TING_OK;
}

/* "name=value" into config. */
static ting_err read_word(char *word, ting_feature_config *config)
{
    ting_err err = TING_OK;
    char *equals = strchr(word, '=');
    const field *f = NULL;
    if (equals != NULL)
        *equals = '\0';
    for (int i = 0; i < FIELDS; i++)
        if (strcmp(word, fields[i].name) == 0)
            f = &fields[i];
    if (equals == NULL || f == NULL)
        FAIL(TING_ERR_FORMAT,
             "feature settings: \"%s\" is no setting, expected name=value with a name such as bins",
             word);
    const char *text = equals + 1;
    if (f->values != NULL) {
        int count = named_values(f);
        for (int i = 0; i < count; i++)
            if (strcmp(text, f->values[i]) == 0) {
                set(config, f, i);
                return TING_OK;
            }
        FAIL(TING_ERR_FORMAT, "feature settings: %s=%s is unknown, expected for example %s=%s",
             word, text, word, f->values[0]);
    }
    char *end = NULL;
    double value = ting_number_read(text, &end);
    if (end == text || *end != '\0' || !(value >= f->low && value <= f->high) ||
        (!f->real && value != floor(value)))
        FAIL(TING_ERR_FORMAT, "feature settings: %s=%s, expected a %snumber from %g to %g", word,
             text, f->real ? "" : "whole ", f->low, f->high);
    set(config, f, value);
out:
    return err;
}

ting_err ting_feature_parse(const char *text, ting_feature_config *out)
{
    ting_err err = TING_OK;
    char *rest = NULL, *copy = ting_strdup(text);
    if (copy == NULL)
        return TING_ERR_MEMORY;
    char *word = strtok_r(copy, " \t\n", &rest);
    if (word == NULL)
        FAIL(TING_ERR_FORMAT, "feature settings are empty, expected a preset such as icefall");
    TRY(ting_feature_preset(strncmp(word, "kind=", 5) == 0 ? word + 5 : word, out));
    while ((word = strtok_r(NULL, " \t\n", &rest)) != NULL)
        TRY(read_word(word, out));
    TRY(ting_feature_check(out));
out:
    ting_free(copy);
    return err;
}

void ting_feature_print(const ting_feature_config *config, ting_str *out)
{
    char value[40];
    for (int i = 0; i < FIELDS; i++) {
        print_value(config, &fields[i], value, sizeof value);
        ting_str_addf(out, "%s%s=%s", i == 0 ? "" : " ", fields[i].name, value);
    }
}

static double top(const ting_feature_config *config)
{
    return config->high > 0 ? config->high : config->high + config->rate / 2.0;
}

ting_err ting_feature_check(const ting_feature_config *config)
{
    ting_err err = TING_OK;
    for (int i = 0; i < FIELDS; i++) {
        const field *f = &fields[i];
        double value = get(config, f), high = f->values != NULL ? named_values(f) - 1 : f->high;
        if (!(value >= f->low && value <= high))
            FAIL(TING_ERR_FORMAT, "feature settings: %s is %g, expected %g to %g", f->name, value,
                 f->low, high);
    }
    if (config->fft < config->window)
        FAIL(TING_ERR_FORMAT,
             "feature settings: fft is %d, expected at least the window of %d samples", config->fft,
             config->window);
    if (!(config->low < top(config) && top(config) <= config->rate / 2.0))
        FAIL(TING_ERR_FORMAT,
             "feature settings: %g to %g Hz at %d samples a second is no range of frequencies",
             config->low, top(config), config->rate);
    bool fbank = config->kind == TING_FEATURE_FBANK;
    if (fbank ? config->edges > TING_EDGES_MIRROR : config->edges == TING_EDGES_MIRROR)
        FAIL(TING_ERR_FORMAT, "feature settings: kind=%s does not go with edges=%s",
             kinds[config->kind], edges[config->edges]);
    if (!fbank && config->energy != TING_ENERGY_NONE)
        FAIL(TING_ERR_FORMAT, "feature settings: kind=logmel does not go with energy=%s",
             energies[config->energy]);
out:
    return err;
}

ting_err ting_feature_agree(const ting_feature_config *a, const char *a_name,
                            const ting_feature_config *b, const char *b_name)
{
    for (int i = 0; i < FIELDS; i++) {
        char left[40], right[40];
        if (get(a, &fields[i]) == get(b, &fields[i]))
            continue;
        print_value(a, &fields[i], left, sizeof left);
        print_value(b, &fields[i], right, sizeof right);
        return ting_fail(
            TING_ERR_MODEL,
            "the features of %s and %s differ: %s is %s in the one and %s in the other", a_name,
            b_name, fields[i].name, left, right);
    }
    return TING_OK;
}

int ting_feature_dim(const ting_feature_config *config)
{
    return config->bins + (config->energy != TING_ENERGY_NONE);
}

size_t ting_feature_frames(const ting_feature_config *config, size_t count)
{
    size_t shift = (size_t)config->shift;
    /* A librosa frame is as wide as its FFT: the window is padded to it. */
    size_t width = (size_t)(config->kind == TING_FEATURE_FBANK ? config->window : config->fft);
    switch ((ting_feature_edges)config->edges) {
    case TING_EDGES_SNIP: return count < width ? 0 : 1 + (count - width) / shift;
    case TING_EDGES_MIRROR: return (count + shift / 2) / shift;
    case TING_EDGES_ZERO:
    case TING_EDGES_REFLECT:
    case TING_EDGES_REPEAT: break;
    }
    /* fft / 2 samples are added on both sides: for an odd FFT that is one fewer than the FFT. */
    return count == 0 ? 0 : 1 + (count + 2 * (width / 2) - width) / shift;
}

void ting_feature_window_fill(const ting_feature_config *config, double *out)
{
    int n = config->window;
    bool periodic = config->window_type >= TING_WINDOW_HANN_PERIODIC;
    double step = 2 * PI / (periodic ? n : n - 1);
    for (int i = 0; i < n; i++) {
        double cosine = cos(step * i), hann = 0.5 - 0.5 * cosine;
        switch ((ting_feature_window)config->window_type) {
        case TING_WINDOW_POVEY: out[i] = pow(hann, 0.85); break;
        case TING_WINDOW_HANN:
        case TING_WINDOW_HANN_PERIODIC: out[i] = hann; break;
        case TING_WINDOW_HAMMING:
        case TING_WINDOW_HAMMING_PERIODIC: out[i] = 0.54 - 0.46 * cosine; break;
        case TING_WINDOW_RECTANGULAR: out[i] = 1; break;
        case TING_WINDOW_BLACKMAN:
            out[i] = config->blackman - 0.5 * cosine + (0.5 - config->blackman) * cos(2 * step * i);
            break;
        case TING_WINDOW_SINE: out[i] = sin(step * i / 2); break;
        }
    }
}

ting_err ting_feature_compute(const ting_feature_config *config, const ting_cmvn *cmvn,
                              const float *samples, size_t count, float **out, size_t *frames)
{
    ting_err err = TING_OK;
    *out = NULL;
    *frames = 0;
    TRY(ting_feature_check(config));
    if (config->cmvn == TING_CMVN_GLOBAL && cmvn == NULL)
        FAIL(TING_ERR_ARGUMENT, "features with global normalisation need its mean and deviation");
    if (config->kind == TING_FEATURE_FBANK)
        TRY(ting_fbank_compute(config, samples, count, out, frames));
    else
        TRY(ting_logmel_compute(config, samples, count, out, frames));
    TRY(ting_cmvn_normalise(config, cmvn, *out, *frames));
out:
    if (err != TING_OK) {
        ting_free(*out);
        *out = NULL;
        *frames = 0;
    }
    return err;
}
