/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_attention.c - where each layer of the encoder looked, as strips below one time axis: for each moment (to the right) how far
 * back (downwards: earlier), how much of the weight.
 */
#include "engine/explain.h"

#include "base/mem.h"
#include "engine/canvas.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 960, LEFT = 64, STRIP = 48, HEAD_STRIP = 30, HEAD_WIDTH = 480 };

typedef struct strip { /* of a layer: seconds, and the lags that hold all but a hundredth of the weight */
    double row_seconds;
    int low, high;              /* rows of the layer: -20 is twenty rows ago */
    double back, behind;        /* mean look in seconds at what was before; share of the weight that lies before */
} strip;

/* The layer's rows in a second, from how many it has: a power of two of the encoder's. */
static double row_seconds(const ting_explained *e, const ting_attention_map *map)
{
    const double ratio = (double)map->count / (e->row_count > 0 ? e->row_count : 1);
    return e->row_seconds / exp2(round(log2(ratio)));
}

static ting_err measure(const ting_explained *e, const ting_attention_map *map, strip *out)
{
    ting_err err = TING_OK;
    double *sums = NULL, sum = 0, back = 0, behind = 0;
    int least = 0, most = 0;
    for (int r = 0; r < map->count; r++) {
        least = map->rows[r].lag < least ? map->rows[r].lag : least;
        most = map->rows[r].lag + map->rows[r].keys - 1 > most ? map->rows[r].lag + map->rows[r].keys - 1 : most;
    }
    sums = ting_alloc((size_t)(most - least + 1), sizeof *sums);
    if (sums == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for an explanation");
    *out = (strip){.row_seconds = row_seconds(e, map)};
    for (int r = 0; r < map->count; r++)
        for (int i = 0; i < map->heads * map->rows[r].keys; i++) {
            const int lag = map->rows[r].lag + i % map->rows[r].keys;
            const double weight = (double)map->weights[map->rows[r].at + (size_t)i];
            sums[lag - least] += weight;
            sum += weight;
            back -= lag < 0 ? lag * weight : 0;
            behind += lag < 0 ? weight : 0;
        }
    double cut = 0;
    for (out->low = least; out->low < 0 && cut + sums[out->low - least] < 0.005 * sum; out->low++)
        cut += sums[out->low - least];
    cut = 0;
    for (out->high = most; out->high > 0 && cut + sums[out->high - least] < 0.005 * sum; out->high--)
        cut += sums[out->high - least];
    sum = sum > 0 ? sum : 1;
    out->back = behind > 0 ? back / behind * out->row_seconds : 0;
    out->behind = behind / sum;
out:
    ting_free(sums);
    return err;
}

/* Head `head`, or the mean of all with -1, as a picture of width x height in base64. */
static ting_err paint(const ting_explained *e, const ting_attention_map *map, const strip *s, int head, int width, int height,
                      ting_str *out)
{
    ting_err err = TING_OK;
    ting_canvas canvas = {0};
    ting_str png = {0};
    const double seconds = e->end - e->begin, rows = s->high - s->low + 1;
    const int heads = head < 0 ? map->heads : 1, first = head < 0 ? 0 : head;
    float *cells = ting_alloc((size_t)width * (size_t)height, sizeof *cells), most = 0;
    int *looks = ting_alloc((size_t)width, sizeof *looks);
    TRY(cells != NULL && looks != NULL ? ting_canvas_init(width, height, &canvas) : TING_ERR_MEMORY);
    for (int r = 0; r < map->count; r++) {
        const ting_attention_look *look = &map->rows[r];
        const double t = (double)look->call * e->row_seconds + look->row * s->row_seconds;
        const int from = (int)fmax(0, floor(t / seconds * width)),
                  to = (int)fmin(width, ceil((t + s->row_seconds) / seconds * width));
        for (int x = from; x < to; x++)
            looks[x]++;
        for (int k = 0; k < look->keys; k++) {
            const int lag = look->lag + k;
            float weight = 0;
            for (int h = first; h < first + heads; h++)
                weight += map->weights[look->at + (size_t)(h * look->keys + k)] / (float)heads;
            /* a lag's share of the height: the nearest future on top */
            const int top = (int)floor((s->high - lag) / rows * height), end = (int)ceil((s->high - lag + 1) / rows * height);
            for (int y = top > 0 ? top : 0; y < end && y < height && lag >= s->low && lag <= s->high; y++)
                for (int x = from; x < to; x++)
                    cells[y * width + x] += weight;
        }
    }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            cells[y * width + x] /= (float)(looks[x] > 0 ? looks[x] : 1);
            most = fmaxf(most, cells[y * width + x]);
        }
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            ting_canvas_rect(&canvas, x, y, 1, 1, ting_canvas_heat(most > 0 ? sqrt((double)(cells[y * width + x] / most)) : 0));
    TRY(ting_canvas_png(&canvas, &png));
    ting_str_add(out, "data:image/png;base64,");
    ting_str_add_base64(out, png.text, png.length);
out:
    ting_canvas_free(&canvas);
    ting_str_free(&png);
    ting_free(cells);
    ting_free(looks);
    return err;
}

/* "encoder.encoders.3.layers.0" -> "3.0" */
static void add_name(const char *name, ting_str *out)
{
    static const char front[] = "encoder.encoders.", middle[] = ".layers.";
    const char *rest = strncmp(name, front, sizeof front - 1) == 0 ? name + sizeof front - 1 : name, *at = strstr(rest, middle);
    if (at == NULL) {
        ting_str_add_xml(out, rest);
        return;
    }
    for (const char *c = rest; c < at; c++)
        ting_str_addf(out, "%c", *c);
    ting_str_add(out, ".");
    ting_str_add_xml(out, at + sizeof middle - 1);
}

static ting_err draw_map(const ting_explained *e, const ting_attention_map *map, ting_str *out)
{
    ting_err err = TING_OK;
    strip s = {0};
    TRY(measure(e, map, &s));
    const double zero = (double)(s.high) / (s.high - s.low + 1) * STRIP; /* where now is */
    ting_str_addf(out, "<svg viewBox='0 0 %d %d'><text class='n' x='2' y='%d'>", LEFT + WIDTH, STRIP + 6, STRIP / 2 + 2);
    add_name(map->name, out);
    ting_str_addf(out,
                  "</text><text class='e' x='%d' y='12'>+%.2f</text><text class='e' x='%d' y='%d'>&minus;%.2f</text><image x='%d' "
                  "y='3' width='%d' height='%d' preserveAspectRatio='none' href='",
                  LEFT - 6, s.high * s.row_seconds, LEFT - 6, STRIP + 2, -s.low * s.row_seconds, LEFT, WIDTH, STRIP);
    TRY(paint(e, map, &s, -1, WIDTH, STRIP, out));
    ting_str_addf(out, "'/><path class='now' d='M%d %.1fh%d'/></svg>\n", LEFT, 3 + zero, WIDTH);
    ting_str_addf(out,
                  "<details class='heads'><summary>%d heads; a row each %.0f ms; %.0f %% of the weight lies before, on average %.2f s "
                  "ago</summary><div>",
                  map->heads, 1000 * s.row_seconds, 100 * s.behind, s.back);
    for (int h = 0; h < map->heads; h++) {
        ting_str_addf(out, "<img alt='head %d' width='%d' height='%d' src='", h, HEAD_WIDTH, HEAD_STRIP);
        TRY(paint(e, map, &s, h, HEAD_WIDTH, HEAD_STRIP, out));
        ting_str_add(out, "'>");
    }
    ting_str_add(out, "</div></details>\n");
out:
    return err;
}

ting_err ting_explain_draw_attention(const ting_explained *e, ting_str *out)
{
    ting_err err = TING_OK;
    const double seconds = e->end - e->begin;
    if (e->attention.count == 0 || e->row_count == 0)
        goto out;
    ting_str_add(out, "<h2>Where the encoder looked</h2><div class='att'>\n");
    for (int i = 0; i < e->attention.count; i++)
        TRY(draw_map(e, &e->attention.items[i], out));
    ting_str_addf(out, "<svg viewBox='0 0 %d 22'>", LEFT + WIDTH);
    const double step = seconds > 15 ? 2 : seconds > 6 ? 1 : 0.5;
    for (double t = ceil(e->begin / step) * step; t <= e->end + 1e-9; t += step)
        ting_str_addf(out, "<path class='k' d='M%.1f 0v4'/><text class='m' x='%.1f' y='16'>%.1f</text>",
                      LEFT + WIDTH * (t - e->begin) / seconds, LEFT + WIDTH * (t - e->begin) / seconds, t);
    ting_str_add(out, "<text x='2' y='16'>seconds</text></svg></div>\n<p class='cap'>Self-attention, a strip for each layer "
                      "(stack.layer), mean of its heads. To the right the moment that looks, in seconds; upwards what it looks at, in "
                      "seconds after (+) or before (&minus;) it; the fine line is the moment itself. Bright: much of the weight "
                      "(square root, each strip by its own maximum); a hundredth of the weight, the farthest, is cut off. Steps in the "
                      "edge are the chunks in which a streaming encoder hears.");
    if (e->attention.full)
        ting_str_add(out, " What came later did not fit and is left out.");
    ting_str_add(out, "</p>\n");
out:
    return err;
}
