/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_subtitles.c - SubRip, WebVTT and LRC.
 *
 *     srt   1                                vtt   WEBVTT                         lrc   [00:01.20]text
 *           00:00:01,200 --> 00:00:03,040
 *           text                                   00:00:01.200 --> 00:00:03.040
 *                                                  text, & < > escaped
 */
#include "engine/write.h"

typedef struct subtitles {
    ting_str *out;
    ting_format format;
    int number;
    long long last; /* end of the cue before, in milliseconds */
} subtitles;

static void add_clock(ting_str *out, long long ms, char point)
{
    ting_str_addf(out, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

static void add_cue(void *self, const ting_cue *cue)
{
    subtitles *s = self;
    long long start = ting_milliseconds(cue->start), end = ting_milliseconds(cue->end);
    start = start < s->last ? s->last : start;
    end = end <= start ? start + 1 : end; /* players drop cues of no length */
    s->last = end;
    s->number++;
    if (s->format == TING_FORMAT_LRC) {
        long long hundredths = (start + 5) / 10;
        ting_str_addf(s->out, "[%02lld:%02lld.%02lld]", hundredths / 6000, hundredths / 100 % 60, hundredths % 100);
        ting_str_add_cue(s->out, cue, 0);
        ting_str_add(s->out, "\n");
        return;
    }
    char point = s->format == TING_FORMAT_SRT ? ',' : '.';
    if (s->format == TING_FORMAT_SRT)
        ting_str_addf(s->out, "%d\n", s->number);
    add_clock(s->out, start, point);
    ting_str_add(s->out, " --> ");
    add_clock(s->out, end, point);
    ting_str_add(s->out, "\n");
    ting_str_add_cue(s->out, cue, s->format == TING_FORMAT_VTT);
    ting_str_add(s->out, "\n\n");
}

void ting_write_srt(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    subtitles s = {out, TING_FORMAT_SRT, 0, 0};
    ting_each_cue(result, add_cue, &s);
}

void ting_write_vtt(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    subtitles s = {out, TING_FORMAT_VTT, 0, 0};
    ting_str_add(out, "WEBVTT\n\n");
    ting_each_cue(result, add_cue, &s);
}

void ting_write_lrc(ting_str *out, const ting_result *result, const char *name)
{
    (void)name;
    subtitles s = {out, TING_FORMAT_LRC, 0, 0};
    ting_each_cue(result, add_cue, &s);
}
