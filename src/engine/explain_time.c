/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_time.c - a sentence over time, as one SVG: characters, waveform, spectrogram, and the tokens' probabilities, all on one
 * axis.
 *
 *     characters     | 公 | 安 | 机 | 关 |
 *     waveform       ~~~~~~~~~~~~~~~~~~~~~~
 *     spectrogram    ######################   kHz
 *     tokens   g      #
 *              ōng     ##
 *                    +----+----+----+----+    s
 */
#include "engine/explain.h"

#include "base/mem.h"
#include "engine/canvas.h"
#include "engine/spectrogram.h"

#include <math.h>
#include <stdlib.h>

enum { LEFT = 64, RIGHT = 14, CHARS = 46, WAVE = 56, MEL = 150, TOKEN = 15, AXIS = 24, GAP = 8, LEAST = 1034, MOST = 6000 };
static const double pixels_a_second = 190, margin = 0.4 /* seconds around the sentence */, shown_from = 0.02;

typedef struct frame {                   /* of a sentence's picture */
    double begin, end;                   /* seconds of the part */
    double width;                        /* of the axis, pixels */
    double offset;                       /* what times on the axis are more: seconds of the file */
    int wave, mel, tokens, axis, height; /* tops of the tracks */
} frame;

static double x_of(const frame *f, double seconds)
{
    return LEFT + f->width * (seconds - f->begin) / (f->end - f->begin);
}

void ting_explain_draw_wave(const ting_explained *e, double begin, double end, double left, double width, double top, double height,
                            ting_str *out)
{
    float most = 1e-4f;
    for (size_t i = 0; i < e->count; i++)
        most = fmaxf(most, fabsf(e->samples[i]));
    ting_str_add(out, "<path class='w' d='");
    for (int x = 0; x < (int)width; x++) { /* from the least to the greatest sample of each pixel */
        const double from = (begin + (end - begin) * x / width) * e->rate, to = (begin + (end - begin) * (x + 1) / width) * e->rate;
        float low = 0, high = 0;
        for (size_t i = from > 0 ? (size_t)from : 0; i < e->count && (double)i < to; i++) {
            low = fminf(low, e->samples[i]);
            high = fmaxf(high, e->samples[i]);
        }
        ting_str_addf(out, "M%.1f %.1fV%.1f", left + x + 0.5, top + height / 2 * (1 - (double)(high / most)) - 0.3,
                      top + height / 2 * (1 - (double)(low / most)) + 0.3);
    }
    ting_str_add(out, "'/>\n");
}

/* ---- characters ---- */

const char *ting_explain_class(double confidence)
{
    return confidence >= 0.8 ? "hi" : confidence >= 0.5 ? "me" : "lo";
}

static void draw_characters(const frame *f, const ting_sentence *sentence, ting_str *out)
{
    for (int i = 0; i < sentence->char_count; i++) {
        const ting_char *c = ting_sentence_char(sentence, i);
        const double x = x_of(f, c->start), w = fmax(x_of(f, c->end) - x, 1);
        ting_str_addf(out, "<g class='ch %s' data-t='%.3f' data-e='%.3f'><title>", ting_explain_class((double)c->confidence),
                      c->start, c->end);
        ting_str_add_xml(out, c->text);
        ting_str_add(out, " ");
        ting_str_add_xml(out, c->pinyin);
        ting_str_addf(out, ", %.2f to %.2f s, confidence %.2f</title><rect x='%.1f' y='2' width='%.1f' height='%d' rx='3'/>",
                      c->start + f->offset, c->end + f->offset, (double)c->confidence, x, w, CHARS - GAP);
        ting_str_addf(out, "<text class='n m' x='%.1f' y='18'>", x + w / 2);
        ting_str_add_xml(out, c->text);
        ting_str_addf(out, "</text><text class='m' x='%.1f' y='32'>", x + w / 2);
        ting_str_add_xml(out, c->pinyin);
        ting_str_add(out, "</text></g>\n");
    }
    for (int i = 0; i < sentence->char_count; i++) {
        const double x = x_of(f, ting_sentence_char(sentence, i)->start);
        ting_str_addf(out, "<line class='b' x1='%.1f' x2='%.1f' y1='%d' y2='%d'/>", x, x, CHARS, f->axis);
    }
    ting_str_add(out, "\n");
}

/* ---- spectrogram ---- */

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* values [frames, dim], the bins from column `skip` on, as a picture of the frames that lie in the part. */
static ting_err paint(const frame *f, const ting_feature_config *config, const float *values, size_t frames, ting_canvas *canvas)
{
    ting_err err = TING_OK;
    const size_t dim = (size_t)ting_feature_dim(config), skip = config->energy == TING_ENERGY_FIRST;
    float *sorted = ting_alloc(frames * dim, sizeof *sorted);
    const double rate = (double)config->rate / config->shift;
    TRY(sorted != NULL ? ting_canvas_init((int)f->width, MEL, canvas) : TING_ERR_MEMORY);
    for (size_t i = 0; i < frames * dim; i++)
        sorted[i] = values[i];
    qsort(sorted, frames * dim, sizeof *sorted, by_value);
    const double low = (double)sorted[frames * dim / 100],
                 high = fmax((double)sorted[frames * dim - 1 - frames * dim / 1000], low + 1e-6);
    for (int x = 0; x < canvas->width; x++) {
        const double t = f->begin + (f->end - f->begin) * (x + 0.5) / f->width;
        if (t < 0 || t * rate >= (double)frames)
            ting_canvas_rect(canvas, x, 0, 1, MEL, ting_canvas_heat(0)); /* before or behind the sound */
        else
            for (int y = 0; y < MEL; y++) {
                const size_t bin = (size_t)((MEL - y - 0.5) / MEL * config->bins);
                const double value = (double)values[(size_t)(t * rate) * dim + skip + bin];
                ting_canvas_rect(canvas, x, y, 1, 1, ting_canvas_heat((value - low) / (high - low)));
            }
    }
out:
    ting_free(sorted);
    return err;
}

static ting_err draw_spectrogram(const ting_explained *e, const frame *f, ting_str *out)
{
    static const int marks[] = {200, 500, 1000, 2000, 4000, 7000};
    ting_err err = TING_OK;
    float *values = NULL;
    size_t frames = 0;
    ting_canvas canvas = {0};
    ting_str png = {0};
    ting_feature_config config = e->model->hearing.am.features;
    config.cmvn = TING_CMVN_NONE; /* as the ear has it, not as the network */
    TRY(ting_feature_compute(&config, NULL, e->samples, e->count, &values, &frames));
    if (frames == 0)
        goto out;
    TRY(paint(f, &config, values, frames, &canvas));
    TRY(ting_canvas_png(&canvas, &png));
    ting_str_addf(out, "<image x='%d' y='%d' width='%.0f' height='%d' preserveAspectRatio='none' href='data:image/png;base64,", LEFT,
                  f->mel, f->width, MEL);
    ting_str_add_base64(out, png.text, png.length);
    ting_str_add(out, "'><title>log mel energy: dark is quiet, bright is loud</title></image>\n");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const double at = ting_spectrogram_height(&config, marks[i]);
        if (at > 0.02 && at < 0.98)
            ting_str_addf(out, "<text class='e' x='%d' y='%.1f'>%g</text>", LEFT - 6, f->mel + MEL * (1 - at) + 4, marks[i] / 1000.0);
    }
    ting_str_addf(out, "<text x='2' y='%d'>kHz</text>\n", f->mel + 10);
out:
    ting_canvas_free(&canvas);
    ting_str_free(&png);
    ting_free(values);
    return err;
}

/* ---- tokens ---- */

static void draw_token(const ting_explained *e, const frame *f, const ting_posteriors *p, const float *values, const char *name,
                       const char *class, int top, ting_str *out)
{
    ting_str_addf(out, "<g class='%s'><text class='e' x='%d' y='%d'>", class, LEFT - 6, top + TOKEN - 4);
    ting_str_add_xml(out, name);
    ting_str_add(out, "</text>");
    for (int r = 0; r < p->count; r++) {
        const double t = (p->first + r) * e->row_seconds;
        if ((double)values[r] < shown_from || t < f->begin || t >= f->end)
            continue;
        const double x = x_of(f, t), width = x_of(f, fmin(t + e->row_seconds, f->end)) - x;
        ting_str_addf(out, "<rect x='%.1f' y='%d' width='%.1f' height='%d' fill-opacity='%.2f'><title>", x, top, width, TOKEN - 1,
                      (double)values[r]);
        ting_str_add_xml(out, name);
        ting_str_addf(out, " %.2f at %.2f s</title></rect>", (double)values[r], t + f->offset);
    }
    ting_str_add(out, "</g>\n");
}

static void draw_tokens(const ting_explained *e, const frame *f, const ting_explained_sentence *s, const ting_posteriors *p,
                        ting_str *out)
{
    const ting_am *am = &e->model->hearing.am;
    for (int i = 0; i <= p->token_count; i++) /* zebra: each row's place */
        ting_str_addf(out, "<rect class='z' x='%d' y='%d' width='%.0f' height='%d'/>", LEFT, f->tokens + i * TOKEN, f->width,
                      TOKEN - 1);
    draw_token(e, f, p, p->blank, "blank", "bl", f->tokens, out);
    for (int i = 0; i < p->token_count; i++) {
        bool said = false;
        for (int h = 0; h < s->hit_count; h++)
            said = said || s->hits[h].token == p->tokens[i];
        draw_token(e, f, p, p->values + (size_t)i * (size_t)p->count, am->tokens.items[p->tokens[i]], said ? "sa" : "ri",
                   f->tokens + (i + 1) * TOKEN, out);
    }
}

static void draw_axis(const frame *f, ting_str *out)
{
    const double step = f->width / (f->end - f->begin) > 110 ? 0.5 : 1;
    for (double t = ceil((f->begin + f->offset) / step) * step; t <= f->end + f->offset + 1e-9; t += step) {
        const double x = x_of(f, t - f->offset);
        ting_str_addf(out, "<path class='k' d='M%.1f %dv5'/><text class='m' x='%.1f' y='%d'>%.1f</text>", x, f->axis, x, f->axis + 18,
                      t);
    }
    ting_str_addf(out, "<text x='2' y='%d'>seconds</text>\n", f->axis + 18);
}

ting_err ting_explain_draw_time(ting_explained *e, int sentence, ting_str *out)
{
    ting_err err = TING_OK;
    const ting_explained_sentence *s = &e->sentences[sentence];
    ting_posteriors p;
    TRY(ting_explain_posteriors(e, sentence, &p));
    frame f = {
        .begin = fmax(0, s->sentence->start - margin), .end = fmin(e->end - e->begin, s->sentence->end + margin), .offset = e->begin};
    f.width = floor(fmin(fmax((f.end - f.begin) * pixels_a_second, LEAST), MOST));
    f.wave = CHARS;
    f.mel = f.wave + WAVE + GAP;
    f.tokens = f.mel + MEL + GAP;
    f.axis = f.tokens + (p.token_count + 1) * TOKEN + 2;
    f.height = f.axis + AXIS;
    const double whole = LEFT + f.width + RIGHT;
    ting_str_addf(out,
                  "<div class='scroll'><svg style='width:%.0fpx' viewBox='0 0 %.0f %d' data-x='%d' data-w='%.0f' data-b='%.3f' "
                  "data-f='%.3f'>\n",
                  whole, whole, f.height, LEFT, f.width, f.begin, f.end);
    ting_explain_draw_wave(e, f.begin, f.end, LEFT, f.width, f.wave, WAVE, out);
    TRY(draw_spectrogram(e, &f, out));
    draw_tokens(e, &f, s, &p, out);
    draw_characters(&f, s->sentence, out);
    draw_axis(&f, out);
    ting_str_addf(out, "<line class='ph' y1='0' y2='%d'/></svg></div>\n", f.axis);
    ting_str_addf(
        out,
        "<p class='cap'>Characters <i class='q hi'></i>confidence from 0.8 <i class='q me'></i>from 0.5 <i class='q lo'></i>below. "
        "Tokens: probabilities of the %s, a column each %.0f ms, <i class='q sa'></i>said in the best hypothesis, <i class='q "
        "ri'></i>others that were likely somewhere, <i class='q bl'></i>blank: nothing new is said. The fuller the colour, the "
        "likelier; rest the pointer on a cell for its number.",
        p.head, 1000 * e->row_seconds);
    if (p.left_out > 0)
        ting_str_addf(out, " %d more tokens that were likely somewhere are left out.", p.left_out);
    ting_str_add(out, "</p>\n");
out:
    return err;
}
