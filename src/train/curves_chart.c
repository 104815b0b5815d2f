/* SPDX-License-Identifier: Apache-2.0 */
/* curves_chart.c - a chart of the page: values over steps, with a logarithmic axis where they span a lot. */
#include "train/curves_parts.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 520, HEIGHT = 244, LEFT = 48, RIGHT = 14, TOP = 54, BOTTOM = 26, TICKS = 4, DRAWN = 800, DOTS = 60 };

typedef struct axis {
    double low, high; /* of the values, or of their logarithms */
    bool logarithmic;
} axis;

void ting_short_number(ting_str *out, double value)
{
    static const char *const letters[] = {"", "k", "M", "G"};
    int thousands = 0;
    for (; fabs(value) >= 9999.5 && thousands < 3; thousands++)
        value /= 1000;
    ting_str_addf(out, "%.4g%s", value, letters[thousands]);
}

double ting_series_value(const ting_series *series, const ting_curve_point *point)
{
    double value;
    memcpy(&value, (const char *)point + series->offset, sizeof value);
    return value >= series->least ? series->factor * value : NAN;
}

/* A round step of at least span / TICKS: 1, 2 or 5 times a power of ten. */
static double tick_step(double span)
{
    if (!(span > 0))
        return 1;
    const double power = pow(10, floor(log10(span / TICKS))), lead = span / TICKS / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static axis axis_of(const ting_chart *chart, const ting_curve_point *points, size_t count)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++)
        for (int s = 0; s < chart->count; s++) {
            const double value = ting_series_value(&chart->series[s], &points[i]);
            low = isfinite(value) ? fmin(low, value) : low;
            high = isfinite(value) ? fmax(high, value) : high;
        }
    if (!chart->linear && low > 0 && high > 8 * low)
        return (axis){log10(low), log10(high), true};
    if (!(high > low)) /* one value */
        return (axis){fmin(0, 1.25 * low), low != 0 ? fmax(0, 1.25 * low) : 1, false};
    if (low > 0 && low < (high - low) / 2)
        low = 0;
    return (axis){low, high, false};
}

static double x_of(double step, double last)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * step / (last > 0 ? last : 1);
}

static double y_of(double value, const axis *y)
{
    const double v = y->logarithmic ? log10(value) : value;
    return TOP + (HEIGHT - TOP - BOTTOM) * (y->high - v) / (y->high - y->low);
}

static void draw_level(ting_str *out, double value, const axis *y)
{
    const double at = y_of(value, y);
    ting_str_addf(out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f'/><text x='%d' y='%.1f' class='e'>", LEFT,
                  WIDTH - RIGHT, at, at, LEFT - 7, at + 3.5);
    ting_short_number(out, value);
    ting_str_add(out, "</text>\n");
}

static void draw_axes(ting_str *out, const axis *y, double last)
{
    if (y->logarithmic) {
        static const double leads[] = {1, 2, 5};
        const int each = y->high - y->low > 2.5 ? 1 : 3; /* powers of ten alone, or what lies between them too */
        for (int power = (int)floor(y->low); power <= (int)ceil(y->high); power++)
            for (int k = 0; k < each; k++) {
                const double place = power + log10(leads[k]);
                if (place >= y->low - 1e-9 && place <= y->high + 1e-9)
                    draw_level(out, pow(10, place), y);
            }
    } else {
        const double step = tick_step(y->high - y->low);
        for (double v = ceil(y->low / step - 1e-9) * step; v <= y->high + step * 1e-9; v += step)
            draw_level(out, fabs(v) < step / 1000 ? 0 : v, y);
    }
    const double step = fmax(1, tick_step(last));
    for (double v = 0; v <= last * (1 + 1e-9); v += step) {
        ting_str_addf(out, "<text x='%.1f' y='%d' class='m'>", x_of(v, last), HEIGHT - 8);
        ting_short_number(out, v);
        ting_str_add(out, "</text>\n");
    }
}

/* The mean of a series over points [first, end); NAN: none of them has a value. */
static double mean_of(const ting_series *series, const ting_curve_point *points, size_t first, size_t end)
{
    double sum = 0;
    int values = 0;
    for (size_t i = first; i < end; i++) {
        const double value = ting_series_value(series, &points[i]);
        sum += isfinite(value) ? value : 0;
        values += isfinite(value);
    }
    return values > 0 ? sum / values : NAN;
}

typedef struct summary {
    double newest, best;
    int64_t best_step;
    int values;
} summary;

static summary sum_up(const ting_series *series, const ting_curve_point *points, size_t count)
{
    summary s = {NAN, NAN, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const double value = ting_series_value(series, &points[i]);
        if (!isfinite(value))
            continue;
        s.newest = value;
        s.values++;
        if (!(value >= s.best)) {
            s.best = value;
            s.best_step = points[i].step;
        }
    }
    return s;
}

/* At most about DRAWN points, each the mean of its neighbours; dots where there are few. */
static void draw_series(ting_str *out, const ting_series *series, int colour, const summary *s, const axis *y,
                        const ting_curve_point *points, size_t count)
{
    const size_t stride = (count + DRAWN - 1) / DRAWN;
    const double last = (double)points[count - 1].step;
    double x = 0, at = 0;
    ting_str dots = {0};
    ting_str_addf(out, "<polyline class='s%d' points='", colour);
    for (size_t i = 0; i < count; i += stride) {
        const size_t end = i + stride < count ? i + stride : count;
        const double value = mean_of(series, points, i, end);
        if (!isfinite(value))
            continue;
        x = x_of((double)points[end - 1].step, last);
        at = y_of(value, y);
        ting_str_addf(out, "%.1f,%.1f ", x, at);
        if (s->values <= DOTS)
            ting_str_addf(&dots, "<circle class='f%d' cx='%.1f' cy='%.1f' r='2'/>", colour, x, at);
    }
    ting_str_addf(out, "'/>%s<circle class='f%d' cx='%.1f' cy='%.1f' r='3'/>\n", dots.text != NULL ? dots.text : "",
                  colour, x, at);
    if (!ting_str_ok(&dots))
        out->failed = true;
    ting_str_free(&dots);
}

/* "name 0.123, best 0.101 at 12k", the name where several need one. */
static void name_series(ting_str *out, const ting_chart *chart, int i, const summary *s)
{
    ting_str_addf(out, "<tspan class='f%d'>\xE2\x97\x8F</tspan> ", i);
    if (chart->count > 1)
        ting_str_addf(out, "%s ", chart->series[i].name);
    ting_short_number(out, s->newest);
    ting_str_add(out, chart->unit);
    if (chart->low_is_best) {
        ting_str_add(out, ", best ");
        ting_short_number(out, s->best);
        ting_str_addf(out, "%s at step ", chart->unit);
        ting_short_number(out, (double)s->best_step);
    }
    ting_str_add(out, "\xC2\xA0\xC2\xA0 ");
}

void ting_chart_draw(ting_str *out, const ting_chart *chart, const ting_curve_point *points, size_t count)
{
    summary sums[TING_CURVE_TERMS];
    bool any = false;
    for (int s = 0; s < chart->count; s++) {
        sums[s] = sum_up(&chart->series[s], points, count);
        any = any || sums[s].values > 0;
    }
    if (!any)
        return;
    const axis y = axis_of(chart, points, count);
    ting_str_addf(out,
                  "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>\n<text x='10' y='20' class='n'>%s</text>\n",
                  WIDTH, HEIGHT, chart->name, chart->name);
    ting_str_add(out, "<text x='10' y='37'>");
    for (int s = 0; s < chart->count; s++)
        if (sums[s].values > 0)
            name_series(out, chart, s, &sums[s]);
    ting_str_add(out, "</text>\n");
    draw_axes(out, &y, (double)points[count - 1].step);
    for (int s = 0; s < chart->count; s++)
        if (sums[s].values > 0)
            draw_series(out, &chart->series[s], s, &sums[s], &y, points, count);
    ting_str_add(out, "</svg>\n");
}
