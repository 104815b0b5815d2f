/* SPDX-License-Identifier: Apache-2.0 */
/* curves.c - see curves.h. */
#include "train/curves.h"

#include "base/file.h"
#include "base/html.h"
#include "train/curves_parts.h"

#include <math.h>
#include <stdio.h>

#define SERIES(name, field, factor, least)                                                                             \
    {                                                                                                                  \
        name, offsetof(ting_curve_point, field), factor, least                                                         \
    }

static const char style[] =
    "section{padding:8px 12px}h3{font-size:12px;margin:0 0 4px;font-weight:600}"
    "small{color:var(--dim);font-weight:400}section p{margin:0}section span{display:inline-block;padding:0 3px;"
    "border-radius:4px;text-align:center}section b{display:block;font-weight:400;min-width:.8em}"
    ".x b,.d b:first-child,.i b:last-child{font-weight:600}.x{color:var(--x)}.d{color:var(--d)}.i{color:var(--i)}\n";

/* Of the page and of the series. */
static void add_style(ting_str *out)
{
    ting_str_add(out, style);
    for (int i = 0; i < TING_CURVE_TERMS; i++)
        ting_str_addf(out, ".s%d{stroke:var(--c%d)}svg .f%d{fill:var(--c%d)}", i, i, i, i);
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
    ting_str out = {0}, own = {0};
    add_style(&own);
    TRY(ting_str_ok(&own) ? TING_OK : TING_ERR_MEMORY);
    ting_html_begin(&out, c->title, own.text);
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
    ting_str_free(&own);
    return err;
}
