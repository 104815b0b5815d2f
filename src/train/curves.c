/* SPDX-License-Identifier: Apache-2.0 */
/* curves.c - see curves.h. */
#include "train/curves.h"

#include "base/file.h"
#include "train/curves_parts.h"

#include <math.h>
#include <stdio.h>

#define SERIES(name, field, factor, least)                                                                             \
    {                                                                                                                  \
        name, offsetof(ting_curve_point, field), factor, least                                                         \
    }

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--fg:#1f2328;--dim:#656d76;--grid:#e4e7eb;--edge:#d8dce1;"
    "--c0:#0969da;--c1:#c4500a;--c2:#1a7f37;--c3:#8250df;--c4:#bf3989;--c5:#9a6700;--c6:#1b7c83;--c7:#57606a;"
    "--x:#cf222e;--d:#9a6700;--i:#8250df}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#161b22;--fg:#e6edf3;--dim:#8d96a0;--grid:#262c36;"
    "--edge:#30363d;--c0:#4493f8;--c1:#f0883e;--c2:#3fb950;--c3:#ab7df8;--c4:#db61a2;--c5:#d29922;--c6:#39c5cf;"
    "--c7:#9198a1;--x:#ff7b72;--d:#e3b341;--i:#d2a8ff}}\n"
    "*{box-sizing:border-box}body{font:14px/1.5 system-ui,sans-serif;max-width:1120px;margin:0 auto;padding:24px 16px;"
    "color:var(--fg);background:var(--bg)}h1{font-size:20px;margin:0 0 12px}h2{font-size:16px;margin:24px 0 8px}\n"
    ".facts,.charts{display:grid;gap:12px}.facts{grid-template-columns:repeat(auto-fit,minmax(112px,1fr))}"
    ".charts{grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));margin-top:12px;align-items:start}"
    ".facts div,svg,section{background:var(--card);border:1px solid var(--edge);border-radius:8px}"
    ".facts div{padding:8px 12px;color:var(--dim);font-size:12px}.facts strong{display:block;font-size:18px;"
    "font-weight:600;color:var(--fg)}\n"
    ".bar{height:6px;border-radius:3px;background:var(--grid);margin:0 0 14px;overflow:hidden}"
    ".bar i{display:block;height:100%;background:var(--c0)}\n"
    "svg{width:100%;display:block}svg text{font-size:11px;fill:var(--dim)}svg .n{font-size:13px;font-weight:600;"
    "fill:var(--fg)}svg .e{text-anchor:end}svg .m{text-anchor:middle}svg line{stroke:var(--grid)}"
    "polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}\n"
    "section{padding:8px 12px}h3{font-size:12px;margin:0 0 4px;font-weight:600}"
    "small{color:var(--dim);font-weight:400}section p{margin:0}section span{display:inline-block;padding:0 3px;"
    "border-radius:4px;text-align:center}section b{display:block;font-weight:400;min-width:.8em}"
    ".x b,.d b:first-child,.i b:last-child{font-weight:600}.x{color:var(--x)}.d{color:var(--d)}.i{color:var(--i)}\n";

static void add_style(ting_str *out)
{
    ting_str_add(out, "<style>\n");
    ting_str_add(out, style);
    for (int i = 0; i < TING_CURVE_TERMS; i++)
        ting_str_addf(out, ".s%d{stroke:var(--c%d)}svg .f%d{fill:var(--c%d)}", i, i, i, i);
    ting_str_add(out, "\n</style>\n");
}

static void add_fact(ting_str *out, const char *name, double value, const char *unit)
{
    if (!isfinite(value))
        return;
    ting_str_add(out, "<div><strong>");
    ting_short_number(out, value);
    ting_str_addf(out, "%s</strong>%s</div>", unit, name);
}

static void add_time(ting_str *out, const char *name, double seconds)
{
    if (seconds < 100)
        add_fact(out, name, floor(seconds + 0.5), " s");
    else if (seconds < 6000)
        add_fact(out, name, floor(seconds / 60 + 0.5), " min");
    else
        add_fact(out, name, floor(seconds / 360 + 0.5) / 10, " h");
}

/* The numbers at the top, from the newest point. */
static void add_facts(ting_str *out, const ting_curves *c)
{
    const ting_curve_point *last = &c->points[c->count - 1], *first = &c->points[c->count > 20 ? c->count - 21 : 0];
    double errors = NAN;
    for (size_t i = 0; i < c->count; i++)
        errors = c->points[i].errors >= 0 ? (c->plain_errors ? 1 : 100) * c->points[i].errors : errors;
    const double done = c->steps > 0 ? fmin(1, (double)last->step / (double)c->steps) : 1;
    const double pace = last->step > first->step ? (last->seconds - first->seconds) / (double)(last->step - first->step)
                                                 : last->seconds / (double)(last->step > 0 ? last->step : 1);
    char name[64];
    ting_str_addf(out, "<div class='bar'><i style='width:%.1f%%'></i></div>\n<div class='facts'>", 100 * done);
    snprintf(name, sizeof name, "step of %ld", c->steps);
    add_fact(out, name, (double)last->step, "");
    add_fact(out, "epoch", floor(100 * last->epoch) / 100, "");
    add_time(out, "trained", last->seconds);
    add_time(out, "left", pace * (double)(c->steps - last->step));
    snprintf(name, sizeof name, "loss per %s", c->unit);
    add_fact(out, name, last->loss, "");
    add_fact(out, c->error_name, errors, c->plain_errors ? "" : " %");
    add_fact(out, "s of sound a second", last->sound, "");
    add_fact(out, "utterances left out", last->left_out, "");
    ting_str_add(out, "</div>\n");
}

static void add_charts(ting_str *out, const ting_curves *c)
{
    const bool sound = isfinite(c->points[c->count - 1].sound);
    char loss[64], errors[64], speed[64];
    snprintf(loss, sizeof loss, "Loss per %s, nats", c->unit);
    snprintf(errors, sizeof errors, "Held-out %s", c->error_name);
    snprintf(speed, sizeof speed, "Speed, %ss a second", c->unit);
    ting_chart terms = {.name = "Terms of the loss, each without its weight", .unit = "", .count = c->term_count};
    for (int i = 0; i < c->term_count; i++)
        terms.series[i] =
            (ting_series){c->terms[i], offsetof(ting_curve_point, terms) + (size_t)i * sizeof(double), 1, -INFINITY};
    const ting_series of_sound = SERIES("sound", sound, 1, 0), of_units = SERIES("units", units, 1, 0);
    const ting_chart charts[] = {
        {loss, "", false, false, 1, {SERIES("loss", loss, 1, -INFINITY)}},
        terms,
        {errors, c->plain_errors ? "" : " %", true, false, 1, {SERIES("errors", errors, c->plain_errors ? 1 : 100, 0)}},
        {"Norm of the gradient before clipping", "", false, false, 1, {SERIES("norm", norm, 1, -INFINITY)}},
        {"Learning rate", "", false, true, 1, {SERIES("rate", rate, 1, -INFINITY)}},
        {sound ? "Speed, seconds of sound a second" : speed, "", false, true, 1, {sound ? of_sound : of_units}},
        {"Left out since the start",
         "",
         false,
         true,
         2,
         {SERIES("utterances", left_out, 1, 1),
          SERIES("steps", skipped, 1, 1)}}, /* no chart as long as there are none */
    };
    ting_str_add(out, "<div class='charts'>\n");
    for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++)
        ting_chart_draw(out, &charts[i], c->points, c->count);
    ting_str_add(out, "</div>\n");
}

ting_err ting_curves_save(const char *path, const ting_curves *c)
{
    ting_err err = TING_OK;
    ting_str out = {0};
    ting_str_add(&out, "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
                       "<meta name='viewport' content='width=device-width'><title>");
    ting_str_add_xml(&out, c->title);
    ting_str_add(&out, "</title>\n");
    add_style(&out);
    ting_str_add(&out, "</head><body>\n<h1>");
    ting_str_add_xml(&out, c->title);
    ting_str_add(&out, "</h1>\n");
    if (c->count > 0) {
        add_facts(&out, c);
        add_charts(&out, c);
    } else
        ting_str_add(&out, "<p>Nothing has been reported yet.</p>\n");
    if (c->samples != NULL && c->samples[0] != '\0') {
        ting_str_add(&out, "<h2>Said, and heard below it, at the last measurement</h2>\n<div class='charts'>\n");
        TRY(ting_samples_draw(&out, c->samples));
        ting_str_add(&out, "</div>\n");
    }
    ting_str_add(&out, "</body></html>\n");
    TRY(ting_str_ok(&out) ? ting_file_save(path, out.text, out.length) : TING_ERR_MEMORY);
out:
    ting_str_free(&out);
    return err;
}
