/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spectrogram.c - see spectrogram.h.
 *
 *     kHz                                             mel bin        log
 *      7 +----------------------------------------------+ 80         [#] -2
 *      4 |                                              | 60         [#]
 *      2 |                    cells                     | 40         [#] -9
 *      1 |                                              | 20         [#]
 *        +--+--------+--------+--------+--------+-------+ 0          [#] -16
 *           0        1        2        3        4       time (s)
 */
#include "engine/spectrogram.h"

#include "engine/canvas.h"
#include "feat/mel.h"

#include "base/mem.h"
#include "base/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_COLUMNS = 4096,
    LEFT = 64,
    TOP = 48,
    RIGHT = 164,
    BOTTOM = 56,
    HEIGHT = 400,
    MIN_WIDTH = 480,
    MAX_WIDTH = 1400
};
enum { BAR_AT = 76, BAR_WIDTH = 18 }; /* the colour scale, right of the cells */
static const unsigned INK = 0x2B2B33, FAINT = 0x8A8A94;

struct ting_spectrogram {
    ting_feature_config config;
    int dim;
    size_t frames, per_column; /* seen; frames that make one column */
    size_t columns, partial;   /* complete ones; frames summed in sums[columns] */
    double *sums;              /* [MAX_COLUMNS + 1, dim] sums over a column's frames */
};

typedef struct picture { /* what both writers need */
    int width;           /* of the cells, pixels */
    size_t columns;
    int bins;
    float *values;    /* [columns, bins] */
    double low, high; /* values at the ends of the colour scale */
    double seconds;
} picture;

/* ---- gathering ---- */

ting_err ting_spectrogram_new(const ting_feature_config *config, ting_spectrogram **out)
{
    ting_spectrogram *s = ting_alloc(1, sizeof *s);
    *out = NULL;
    if (s == NULL)
        return TING_ERR_MEMORY;
    s->config = *config;
    s->dim = ting_feature_dim(config);
    s->per_column = 1;
    s->sums = ting_alloc((size_t)(MAX_COLUMNS + 1) * (size_t)s->dim, sizeof *s->sums);
    if (s->sums == NULL) {
        ting_free(s);
        return TING_ERR_MEMORY;
    }
    *out = s;
    return TING_OK;
}

void ting_spectrogram_free(ting_spectrogram *spectrogram)
{
    if (spectrogram == NULL)
        return;
    ting_free(spectrogram->sums);
    ting_free(spectrogram);
}

static void halve(ting_spectrogram *s)
{
    size_t dim = (size_t)s->dim;
    for (size_t c = 0; c < MAX_COLUMNS / 2; c++)
        for (size_t i = 0; i < dim; i++)
            s->sums[c * dim + i] = s->sums[2 * c * dim + i] + s->sums[(2 * c + 1) * dim + i];
    s->columns = MAX_COLUMNS / 2;
    memset(s->sums + s->columns * dim, 0, (MAX_COLUMNS + 1 - s->columns) * dim * sizeof *s->sums);
    s->per_column *= 2;
}

void ting_spectrogram_add(ting_spectrogram *s, const float *frames, size_t count)
{
    size_t dim = (size_t)s->dim;
    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < dim; i++)
            s->sums[s->columns * dim + i] += (double)frames[t * dim + i];
        s->frames++;
        if (++s->partial == s->per_column) {
            s->partial = 0;
            if (++s->columns == MAX_COLUMNS)
                halve(s);
        }
    }
}

/* ---- from columns to a picture ---- */

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The colour scale spans all but the faintest hundredth and the loudest thousandth. */
static ting_err find_range(picture *p)
{
    size_t count = p->columns * (size_t)p->bins;
    float *sorted = ting_alloc(count, sizeof *sorted);
    if (sorted == NULL)
        return TING_ERR_MEMORY;
    memcpy(sorted, p->values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    p->low = (double)sorted[count / 100];
    p->high = (double)sorted[count - 1 - count / 1000];
    if (!(p->high - p->low > 1e-6))
        p->high = p->low + 1; /* digital silence */
    ting_free(sorted);
    return TING_OK;
}

static ting_err prepare(const ting_spectrogram *s, picture *p)
{
    ting_err err = TING_OK;
    size_t dim = (size_t)s->dim, skip = s->config.energy == TING_ENERGY_FIRST;
    *p = (picture){.bins = s->config.bins, .columns = s->columns + (s->partial > 0)};
    if (p->columns == 0)
        FAIL(TING_ERR_ARGUMENT, "there is no frame to draw: the sound is shorter than one window");
    p->values = ting_alloc(p->columns * (size_t)p->bins, sizeof *p->values);
    if (p->values == NULL)
        return TING_ERR_MEMORY;
    for (size_t c = 0; c < p->columns; c++)
        for (size_t b = 0; b < (size_t)p->bins; b++)
            p->values[c * (size_t)p->bins + b] =
                (float)(s->sums[c * dim + skip + b] /
                        (double)(c < s->columns ? s->per_column : s->partial));
    p->seconds = (double)s->frames * s->config.shift / s->config.rate;
    double width = p->seconds * 160; /* pixels */
    p->width = width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : (int)width;
    TRY(find_range(p));
out:
    if (err != TING_OK)
        ting_free(p->values);
    return err;
}

/* Value at a place between cells: averaged over the columns that fall into one pixel, straight lines between cells. */
static double value_at(const picture *p, double column, double bin, double span)
{
    double sum = 0;
    int samples = span > 1 ? (int)ceil(span) : 1;
    for (int i = 0; i < samples; i++) {
        double x = column + ((i + 0.5) / samples - 0.5) * span * (samples > 1);
        x = fmin(fmax(x, 0), (double)p->columns - 1);
        double y = fmin(fmax(bin, 0), p->bins - 1);
        size_t x0 = (size_t)x, y0 = (size_t)y, x1 = x0 + 1 < p->columns ? x0 + 1 : x0;
        size_t y1 = y0 + 1 < (size_t)p->bins ? y0 + 1 : y0, bins = (size_t)p->bins;
        double fx = x - (double)x0, fy = y - (double)y0;
        double lower =
            (double)p->values[x0 * bins + y0] * (1 - fx) + (double)p->values[x1 * bins + y0] * fx;
        double upper =
            (double)p->values[x0 * bins + y1] * (1 - fx) + (double)p->values[x1 * bins + y1] * fx;
        sum += lower * (1 - fy) + upper * fy;
    }
    return sum / samples;
}

static void draw_cells(ting_canvas *canvas, const picture *p, int left, int top)
{
    double span = (double)p->columns / p->width;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < p->width; x++) {
            double bin = (HEIGHT - y - 0.5) / HEIGHT * p->bins - 0.5;
            double value = value_at(p, (x + 0.5) * span - 0.5, bin, span);
            ting_canvas_rect(canvas, left + x, top + y, 1, 1,
                             ting_canvas_heat((value - p->low) / (p->high - p->low)));
        }
}

/* ---- axes: marks, in pixels from the cells' left or bottom edge ---- */

typedef struct mark {
    double at;
    char text[48];
} mark;
enum { MAX_MARKS = 32 };

static int time_marks(const picture *p, mark *marks)
{
    static const double steps[] = {0.05, 0.1, 0.2, 0.5, 1,   2,    5,    10,   15,   30,
                                   60,   120, 300, 600, 900, 1800, 3600, 7200, 14400};
    enum { STEPS = sizeof steps / sizeof *steps };
    int chosen = 0, count = 0;
    while (chosen + 1 < STEPS && steps[chosen] / p->seconds * p->width < 70)
        chosen++;
    double step = steps[chosen];
    while (p->seconds / step >= MAX_MARKS) /* beyond two days */
        step *= 2;
    for (; count < MAX_MARKS && count * step <= p->seconds; count++) {
        double t = count * step;
        long whole = lround(t);
        marks[count].at = t / p->seconds * p->width;
        if (p->seconds < 120)
            ting_number_print(marks[count].text, sizeof marks->text,
                              step < 0.1 ? "%.2f"
                              : step < 1 ? "%.1f"
                                         : "%.0f",
                              t);
        else if (p->seconds < 7200)
            snprintf(marks[count].text, sizeof marks->text, "%ld:%02ld", whole / 60, whole % 60);
        else
            snprintf(marks[count].text, sizeof marks->text, "%ld:%02ld", whole / 3600,
                     whole / 60 % 60);
    }
    return count;
}

static const char *time_unit(const picture *p)
{
    return p->seconds < 120 ? "time (s)" : p->seconds < 7200 ? "time (min:s)" : "time (h:min)";
}

double ting_spectrogram_height(const ting_feature_config *config, double hz)
{
    const ting_mel_scale scale = (ting_mel_scale)config->mel_scale;
    const double top = config->high > 0 ? config->high : config->high + config->rate / 2.0, low = ting_mel_from_hz(scale, config->low);
    const double step = (ting_mel_from_hz(scale, top) - low) / (config->bins + 1);
    /* Bin b, counted from 0, has its peak at low + (b + 1) step and its middle at (b + 1/2) / bins of the height. */
    return ((ting_mel_from_hz(scale, hz) - low) / step - 0.5) / config->bins;
}

static int frequency_marks(const ting_feature_config *config, mark *marks)
{
    static const int wanted[] = {100,  200,   300,   500,   700,   1000,  1500,
                                 2000, 2500,  3000,  4000,  5000,  6000,  7000,
                                 8000, 10000, 12000, 16000, 20000, 24000, 48000};
    int count = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && count < MAX_MARKS; i++) {
        double at = ting_spectrogram_height(config, wanted[i]) * HEIGHT;
        if (at < 6 || at > HEIGHT - 2 || (count > 0 && at - marks[count - 1].at < 20))
            continue;
        marks[count].at = at;
        ting_number_print(marks[count++].text, sizeof marks->text, "%g", wanted[i] / 1000.0);
    }
    return count;
}

static int bin_marks(int bins, mark *marks)
{
    int step = bins <= 12    ? 2
               : bins <= 50  ? 10
               : bins <= 120 ? 20
               : bins <= 300 ? 50
                             : 200,
        count = 0;
    for (int b = 0; b <= bins && count < MAX_MARKS; b += step, count++) {
        marks[count].at = (double)b / bins * HEIGHT;
        snprintf(marks[count].text, sizeof marks->text, "%d", b);
    }
    return count;
}

static int scale_marks(const picture *p, mark *marks)
{
    double span = p->high - p->low, step = pow(10, floor(log10(span / 4)));
    int count = 0;
    if (span / step > 20)
        step *= 5;
    else if (span / step > 8)
        step *= 2;
    for (double v = ceil(p->low / step) * step; v <= p->high + 1e-9 * span && count < MAX_MARKS;
         v += step, count++) {
        marks[count].at = (v - p->low) / span * HEIGHT;
        ting_number_print(marks[count].text, sizeof marks->text, "%.4g", fabs(v) < step / 2 ? 0.0 : v);
    }
    return count;
}

static const char *scale_name(const ting_feature_config *config)
{
    if (config->cmvn != TING_CMVN_NONE)
        return "normalised";
    return config->log ? "log energy" : "energy";
}

/* ---- PNG ---- */

static void mark_left_right(ting_canvas *canvas, int x, const mark *marks, int count, bool left)
{
    for (int i = 0; i < count; i++) {
        int y = TOP + HEIGHT - (int)lround(marks[i].at);
        ting_canvas_rect(canvas, left ? x - 5 : x, y, 5, 1, FAINT);
        ting_canvas_text(canvas, left ? x - 10 : x + 10, y + 5, 10,
                         left ? TING_ALIGN_RIGHT : TING_ALIGN_LEFT, INK, marks[i].text);
    }
}

static void frame_around(ting_canvas *canvas, int x, int y, int width, int height)
{
    ting_canvas_rect(canvas, x - 1, y - 1, width + 2, 1, FAINT);
    ting_canvas_rect(canvas, x - 1, y + height, width + 2, 1, FAINT);
    ting_canvas_rect(canvas, x - 1, y, 1, height, FAINT);
    ting_canvas_rect(canvas, x + width, y, 1, height, FAINT);
}

ting_err ting_spectrogram_png(const ting_spectrogram *s, ting_str *out)
{
    ting_err err = TING_OK;
    picture p = {0};
    ting_canvas canvas = {0};
    mark marks[MAX_MARKS];
    TRY(prepare(s, &p));
    int right = LEFT + p.width, bar = right + BAR_AT;
    TRY(ting_canvas_init(right + RIGHT, TOP + HEIGHT + BOTTOM, &canvas));
    draw_cells(&canvas, &p, LEFT, TOP);
    frame_around(&canvas, LEFT, TOP, p.width, HEIGHT);
    for (int y = 0; y < HEIGHT; y++)
        ting_canvas_rect(&canvas, bar, TOP + y, BAR_WIDTH, 1,
                         ting_canvas_heat((HEIGHT - y - 0.5) / HEIGHT));
    frame_around(&canvas, bar, TOP, BAR_WIDTH, HEIGHT);
    int count = time_marks(&p, marks);
    for (int i = 0; i < count; i++) {
        ting_canvas_rect(&canvas, LEFT + (int)lround(marks[i].at), TOP + HEIGHT + 1, 1, 5, FAINT);
        ting_canvas_text(&canvas, LEFT + marks[i].at, TOP + HEIGHT + 21, 10, TING_ALIGN_MIDDLE, INK,
                         marks[i].text);
    }
    mark_left_right(&canvas, LEFT - 1, marks, frequency_marks(&s->config, marks), true);
    mark_left_right(&canvas, right + 1, marks, bin_marks(p.bins, marks), false);
    mark_left_right(&canvas, bar + BAR_WIDTH + 1, marks, scale_marks(&p, marks), false);
    ting_canvas_text(&canvas, LEFT - 10, TOP - 16, 10, TING_ALIGN_RIGHT, INK, "kHz");
    ting_canvas_text(&canvas, right + 10, TOP - 16, 10, TING_ALIGN_LEFT, INK, "bin");
    ting_canvas_text(&canvas, bar, TOP - 16, 10, TING_ALIGN_LEFT, INK, scale_name(&s->config));
    ting_canvas_text(&canvas, LEFT + p.width / 2.0, TOP + HEIGHT + 44, 10, TING_ALIGN_MIDDLE, INK,
                     time_unit(&p));
    TRY(ting_canvas_png(&canvas, out));
out:
    ting_canvas_free(&canvas);
    ting_free(p.values);
    return err;
}

/* ---- SVG ---- */

static void svg_marks(ting_str *out, int x, const mark *marks, int count, bool left)
{
    for (int i = 0; i < count; i++) {
        double y = TOP + HEIGHT - marks[i].at;
        ting_str_addf(out, "<path d=\"M%d %.1fh%d\"/><text x=\"%d\" y=\"%.1f\"%s>%s</text>\n", x, y,
                      left ? -5 : 5, left ? x - 10 : x + 10, y + 4.5,
                      left ? " text-anchor=\"end\"" : "", marks[i].text);
    }
}

static void svg_axes(ting_str *out, const ting_spectrogram *s, const picture *p)
{
    mark marks[MAX_MARKS];
    int right = LEFT + p->width, bar = right + BAR_AT, count = time_marks(p, marks);
    for (int i = 0; i < count; i++)
        ting_str_addf(
            out,
            "<path d=\"M%.1f %dv5\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
            LEFT + marks[i].at, TOP + HEIGHT, LEFT + marks[i].at, TOP + HEIGHT + 21, marks[i].text);
    svg_marks(out, LEFT, marks, frequency_marks(&s->config, marks), true);
    svg_marks(out, right, marks, bin_marks(p->bins, marks), false);
    svg_marks(out, bar + BAR_WIDTH, marks, scale_marks(p, marks), false);
    ting_str_addf(
        out,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">kHz</text><text x=\"%d\" y=\"%d\">bin</text>",
        LEFT - 10, TOP - 12, right + 10, TOP - 12);
    ting_str_addf(out,
                  "<text x=\"%d\" y=\"%d\">%s</text><text x=\"%d\" y=\"%d\" "
                  "text-anchor=\"middle\">%s</text>\n",
                  bar, TOP - 12, scale_name(&s->config), LEFT + p->width / 2, TOP + HEIGHT + 44,
                  time_unit(p));
}

/* The cells, one pixel a cell in height and at most one a screen pixel in width, as a PNG in the SVG. */
static ting_err svg_cells(ting_str *out, const picture *p)
{
    ting_err err = TING_OK;
    ting_canvas cells = {0};
    ting_str png = {0};
    int width = p->columns < (size_t)MAX_WIDTH ? (int)p->columns : MAX_WIDTH;
    double span = (double)p->columns / width;
    TRY(ting_canvas_init(width, p->bins, &cells));
    for (int y = 0; y < p->bins; y++)
        for (int x = 0; x < width; x++) {
            double value = value_at(p, (x + 0.5) * span - 0.5, p->bins - 1 - y, span);
            ting_canvas_rect(&cells, x, y, 1, 1, ting_canvas_heat((value - p->low) / (p->high - p->low)));
        }
    TRY(ting_canvas_png(&cells, &png));
    ting_str_addf(out,
                  "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                  "preserveAspectRatio=\"none\" href=\"data:image/png;base64,",
                  LEFT, TOP, p->width, HEIGHT);
    ting_str_add_base64(out, (const unsigned char *)png.text, png.length);
    ting_str_add(out, "\"/>\n");
out:
    ting_canvas_free(&cells);
    ting_str_free(&png);
    return err;
}

ting_err ting_spectrogram_svg(const ting_spectrogram *s, const char *title, ting_str *out)
{
    ting_err err = TING_OK;
    picture p = {0};
    TRY(prepare(s, &p));
    int right = LEFT + p.width, bar = right + BAR_AT;
    ting_str_addf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                  "height=\"%d\" "
                  "font-family=\"Helvetica,Arial,sans-serif\" font-size=\"13\">\n<title>",
                  right + RIGHT, TOP + HEIGHT + BOTTOM, right + RIGHT, TOP + HEIGHT + BOTTOM);
    ting_str_add_xml(out, title);
    ting_str_add(out, "</title>\n<rect width=\"100%\" height=\"100%\" "
                      "fill=\"#fff\"/>\n<linearGradient id=\"scale\" x1=\"0\" "
                      "y1=\"1\" x2=\"0\" y2=\"0\">");
    for (int i = 0; i <= 16; i++)
        ting_str_addf(out, "<stop offset=\"%.4f\" stop-color=\"#%06X\"/>", i / 16.0,
                      ting_canvas_heat(i / 16.0));
    ting_str_add(out, "</linearGradient>\n");
    TRY(svg_cells(out, &p));
    ting_str_addf(out,
                  "<g fill=\"none\" stroke=\"#%06X\"><rect x=\"%d\" y=\"%d\" width=\"%d\" "
                  "height=\"%d\"/><rect x=\"%d\" y=\"%d\" "
                  "width=\"%d\" height=\"%d\" fill=\"url(#scale)\"/></g>\n<g fill=\"#%06X\">",
                  FAINT, LEFT, TOP, p.width, HEIGHT, bar, TOP, BAR_WIDTH, HEIGHT, INK);
    ting_str_addf(out,
                  "<style>path{stroke:#%06X}</style><text x=\"%d\" y=\"20\" text-anchor=\"middle\" "
                  "font-weight=\"600\">",
                  FAINT, LEFT + p.width / 2);
    ting_str_add_xml(out, title);
    ting_str_add(out, "</text>\n");
    svg_axes(out, s, &p);
    ting_str_add(out, "</g>\n</svg>\n");
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
out:
    ting_free(p.values);
    return err;
}
