/* SPDX-License-Identifier: Apache-2.0 */
/* curves.c - see curves.h. Three charts, one below the other, sharing the axis of steps. */
#include "train/curves.h"

#include "base/file.h"
#include "base/str.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { WIDTH = 900, HEIGHT = 240, LEFT = 70, RIGHT = 20, TOP = 34, BOTTOM = 34, TICKS = 5 };

typedef struct chart {
    const char *name, *unit, *colour;
    double (*value)(const ting_curve_point *point); /* NAN: no value here */
    double scale;
} chart;

static double loss_of(const ting_curve_point *p)
{
    return p->loss;
}

static double errors_of(const ting_curve_point *p)
{
    return p->errors < 0 ? NAN : p->errors;
}

static double rate_of(const ting_curve_point *p)
{
    return p->rate;
}

/* A round step at or above `span` / TICKS: 1, 2 or 5 times a power of ten. */
static double tick_step(double span)
{
    if (!(span > 0))
        return 1;
    double power = pow(10, floor(log10(span / TICKS)));
    double lead = span / TICKS / power;
    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

typedef struct range {
    double low, high;
} range;

static range range_of(const chart *c, const ting_curve_point *points, size_t count)
{
    range r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < count; i++) {
        double value = c->value(&points[i]) * c->scale;
        if (isfinite(value)) {
            r.low = fmin(r.low, value);
            r.high = fmax(r.high, value);
        }
    }
    if (!(r.high > r.low)) {
        double middle = isfinite(r.low) ? r.low : 0;
        r = (range){middle - (middle != 0 ? fabs(middle) / 2 : 1), middle + (middle != 0 ? fabs(middle) / 2 : 1)};
    }
    return r;
}

static double x_of(double step, double last)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * step / (last > 0 ? last : 1);
}

static double y_of(double value, range r)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (r.high - value) / (r.high - r.low);
}

static void draw_axes(ting_str *out, range r, double last)
{
    double step = tick_step(r.high - r.low);
    for (double v = ceil(r.low / step) * step; v <= r.high + step * 1e-9; v += step)
        ting_str_addf(out, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f'/><text x='%d' y='%.1f' text-anchor='end'>%.4g</text>\n",
                      LEFT, WIDTH - RIGHT, y_of(v, r), y_of(v, r), LEFT - 8, y_of(v, r) + 4, v);
    step = tick_step(last);
    for (double v = 0; v <= last; v += step)
        ting_str_addf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%.0f</text>\n", x_of(v, last), HEIGHT - 12, v);
}

static void draw_chart(ting_str *out, const chart *c, const ting_curve_point *points, size_t count)
{
    const range r = range_of(c, points, count);
    const double last = count > 0 ? (double)points[count - 1].step : 1;
    double newest = NAN;
    ting_str_addf(out, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'>\n", WIDTH, HEIGHT, c->name);
    draw_axes(out, r, last);
    ting_str_addf(out, "<polyline fill='none' stroke='%s' stroke-width='1.6' points='", c->colour);
    for (size_t i = 0; i < count; i++) {
        double value = c->value(&points[i]) * c->scale;
        if (!isfinite(value))
            continue;
        newest = value;
        ting_str_addf(out, "%.1f,%.1f ", x_of((double)points[i].step, last), y_of(value, r));
    }
    ting_str_addf(out, "'/>\n<text x='%d' y='20' class='name'>%s", LEFT, c->name);
    if (isfinite(newest))
        ting_str_addf(out, ": %.4g%s", newest, c->unit);
    ting_str_add(out, "</text></svg>\n");
}

ting_err ting_curves_save(const char *path, const char *title, const char *unit, const ting_curve_point *points,
                          size_t count)
{
    char loss[64];
    const chart charts[] = {
        {loss, "", "#1668b8", loss_of, 1},
        {"error rate on what is held out", " %", "#b83216", errors_of, 100},
        {"learning rate", "", "#3a7d2c", rate_of, 1},
    };
    snprintf(loss, sizeof loss, "loss per %s (nats)", unit);
    ting_str out = {0};
    ting_str_add(&out, "<!doctype html>\n<html lang='en'><meta charset='utf-8'><title>");
    ting_str_add_xml(&out, title);
    ting_str_add(&out, "</title>\n<style>body{font:14px sans-serif;max-width:920px;margin:2em auto;color:#222;background:#fff}"
                       "svg{width:100%}svg line{stroke:#ddd}svg text{font-size:11px;fill:#555}"
                       "svg .name{font-size:14px;fill:#222}</style>\n<h1>");
    ting_str_add_xml(&out, title);
    ting_str_add(&out, "</h1>\n");
    if (count > 0)
        ting_str_addf(&out, "<p>Step %lld, %.2f hours.</p>\n", (long long)points[count - 1].step,
                      points[count - 1].seconds / 3600);
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++)
        draw_chart(&out, &charts[i], points, count);
    ting_str_add(&out, "</html>\n");
    ting_err err = ting_str_ok(&out) ? ting_file_save(path, out.text, out.length) : TING_ERR_MEMORY;
    ting_str_free(&out);
    return err;
}
