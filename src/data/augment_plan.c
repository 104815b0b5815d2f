/* SPDX-License-Identifier: Apache-2.0 */
/* augment_plan.c - the group `augment` of a recipe; ranges and defaults stand in augment.h. */
#include "data/augment.h"

typedef struct limits {
    double least, most;
} limits;

/* A group that is there has a share, `usual` unless it says otherwise. */
static ting_err group(ting_yaml *map, const char *name, double usual, ting_yaml **out, double *share)
{
    ting_err err = TING_OK;
    TRY(ting_yaml_child(map, name, TING_YAML_MAP, out));
    *share = *out != NULL ? usual : 0;
    if (*out != NULL)
        TRY(ting_yaml_real(*out, "share", 0, 1, share));
out:
    return err;
}

static ting_err change(ting_yaml *map, const char *name, double usual, const char *key, limits range, ting_range start,
                       ting_augment_change *out)
{
    ting_err err = TING_OK;
    ting_yaml *child;
    out->by = start;
    TRY(group(map, name, usual, &child, &out->share));
    if (child == NULL)
        return TING_OK;
    TRY(ting_range_read(child, key, range.least, range.most, &out->by));
    TRY(ting_yaml_done(child));
out:
    return err;
}

static ting_err read_voice(ting_yaml *map, ting_augment_plan *p)
{
    ting_err err = TING_OK;
    ting_yaml *pad;
    TRY(ting_yaml_reals(map, "speed", 0.5, 2, TING_AUGMENT_SPEEDS, p->speed, &p->speeds));
    TRY(change(map, "tempo", 0.5, "factor", (limits){0.5, 2}, (ting_range){0.85, 1.2}, &p->tempo));
    TRY(change(map, "pitch", 0.5, "semitones", (limits){-12, 12}, (ting_range){-2, 2}, &p->pitch));
    TRY(change(map, "formant", 0.5, "factor", (limits){0.7, 1.4}, (ting_range){0.9, 1.1}, &p->formant));
    TRY(group(map, "pad", 0.5, &pad, &p->pad.share));
    if (pad == NULL)
        return TING_OK;
    p->pad.before = p->pad.after = (ting_range){0, 0.5};
    TRY(ting_range_read(pad, "before", 0, 5, &p->pad.before));
    TRY(ting_range_read(pad, "after", 0, 5, &p->pad.after));
    TRY(ting_yaml_done(pad));
out:
    return err;
}

static ting_err read_source(ting_yaml *map, ting_augment_source *s)
{
    ting_err err = TING_OK;
    s->seconds = 3600;
    TRY(ting_yaml_text(map, "list", &s->list));
    if (s->list == NULL)
        return TING_OK;
    TRY(ting_yaml_text(map, "only", &s->only));
    TRY(ting_yaml_real(map, "seconds", 0, 36000, &s->seconds));
out:
    return err;
}

static ting_err read_rooms(ting_yaml *map, ting_augment_plan *p)
{
    ting_err err = TING_OK;
    ting_yaml *rooms;
    TRY(group(map, "rooms", 0.3, &rooms, &p->rooms.share));
    if (rooms == NULL)
        return TING_OK;
    TRY(read_source(rooms, &p->rooms.source));
    p->rooms.decay = (ting_range){0.1, 0.6};
    p->rooms.direct = (ting_range){-3, 12};
    if (p->rooms.source.list == NULL)
        TRY(ting_range_read(rooms, "decay", 0.05, 2, &p->rooms.decay));
    TRY(ting_range_read(rooms, "direct", -20, 40, &p->rooms.direct));
    TRY(ting_yaml_done(rooms));
out:
    return err;
}

static ting_err read_noise(ting_yaml *map, ting_augment_noise *n)
{
    ting_err err = TING_OK;
    ting_range voices = {1, 1};
    *n = (ting_augment_noise){.share = 0.5, .snr = {0, 25}};
    TRY(read_source(map, &n->source));
    TRY(ting_yaml_real(map, "share", 0, 1, &n->share));
    TRY(ting_range_read(map, "snr", -20, 60, &n->snr));
    TRY(ting_range_read(map, "voices", 1, 16, &voices));
    n->voices_low = (int)voices.low;
    n->voices_high = (int)voices.high;
    if (voices.low != n->voices_low || voices.high != n->voices_high)
        FAIL(TING_ERR_FORMAT, "%s:%d: \"voices\" must be whole numbers", map->path, map->line);
    TRY(ting_yaml_done(map));
out:
    return err;
}

static ting_err read_noises(ting_yaml *map, ting_augment_plan *p)
{
    ting_err err = TING_OK;
    ting_yaml *list;
    TRY(ting_yaml_child(map, "noise", TING_YAML_LIST, &list));
    for (ting_yaml *item = list != NULL ? list->first : NULL; item != NULL; item = item->next) {
        if (item->kind != TING_YAML_MAP || p->noises == TING_AUGMENT_NOISES)
            FAIL(TING_ERR_FORMAT, "%s:%d: \"noise\" must be a list of at most %d groups of \"key: value\" lines",
                 map->path, item->line, (int)TING_AUGMENT_NOISES);
        TRY(read_noise(item, &p->noise[p->noises++]));
    }
out:
    return err;
}

static ting_err read_channel(ting_yaml *map, ting_augment_plan *p)
{
    ting_err err = TING_OK;
    ting_yaml *child;
    TRY(read_rooms(map, p));
    TRY(read_noises(map, p));
    TRY(change(map, "equaliser", 0.5, "gain", (limits){0, 30}, (ting_range){0, 6}, &p->equaliser));
    TRY(group(map, "band", 0.3, &child, &p->band.share));
    if (child != NULL) {
        p->band.low = (ting_range){20, 200};
        p->band.high = (ting_range){3400, 7500};
        TRY(ting_range_read(child, "low", 0, 1000, &p->band.low));
        TRY(ting_range_read(child, "high", 2000, 8000, &p->band.high));
        TRY(ting_yaml_done(child));
    }
    TRY(group(map, "telephone", 0.1, &child, &p->telephone));
    if (child != NULL)
        TRY(ting_yaml_done(child));
    TRY(change(map, "volume", 0.5, "gain", (limits){-60, 30}, (ting_range){-15, 6}, &p->volume));
    TRY(change(map, "clipping", 0.1, "over", (limits){0, 30}, (ting_range){1, 12}, &p->clipping));
    TRY(ting_yaml_bool(map, "round", &p->round));
out:
    return err;
}

static ting_err read_mask(ting_yaml *map, ting_augment_plan *p)
{
    ting_err err = TING_OK;
    ting_yaml *mask;
    TRY(group(map, "mask", 0.9, &mask, &p->mask.share));
    p->mask.bands = 2;
    p->mask.width = 27;
    p->mask.spans = 10;
    p->mask.length = 100;
    p->mask.most = 0.15;
    p->mask.warp = 80;
    if (mask == NULL)
        return TING_OK;
    TRY(ting_yaml_int(mask, "bands", 0, 64, &p->mask.bands));
    TRY(ting_yaml_int(mask, "width", 1, 1024, &p->mask.width));
    TRY(ting_yaml_int(mask, "spans", 0, 1000, &p->mask.spans));
    TRY(ting_yaml_int(mask, "length", 1, 10000, &p->mask.length));
    TRY(ting_yaml_real(mask, "most", 0, 1, &p->mask.most));
    TRY(ting_yaml_int(mask, "warp", 0, 1000, &p->mask.warp));
    TRY(ting_yaml_done(mask));
out:
    return err;
}

ting_err ting_augment_plan_read(ting_yaml *map, ting_augment_plan *plan)
{
    ting_err err = TING_OK;
    *plan = (ting_augment_plan){0};
    TRY(read_voice(map, plan));
    TRY(read_channel(map, plan));
    TRY(read_mask(map, plan));
    TRY(ting_yaml_done(map));
out:
    return err;
}
