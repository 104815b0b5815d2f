/* SPDX-License-Identifier: Apache-2.0 */
/* canvas.c - see canvas.h. */
#include "engine/canvas.h"

#include "base/mem.h"

#include <math.h>
#include <png.h>
#include <string.h>

enum { MAX_SIDE = 16384, CAP = 12 }; /* CAP: height of capital letters in glyph units */

/* A glyph is strokes with commas between; a stroke is points, a point two letters x y with a = 0, b = 1 ... The
 * capitals' top is y = a, the small letters' e, the baseline m, descenders end at q. */
static const struct glyph {
    char character;
    signed char advance;
    const char *strokes;
} glyphs[] = {
    {'0', 11, "cagaicikgmcmakacca"},
    {'1', 11, "bceaem,bmhm"},
    {'2', 11, "acbbcagaiciehgamim"},
    {'3', 11, "abcagaiciegfdf,gfihikgmcmal"},
    {'4', 11, "gmgaaiii"},
    {'5', 11, "habaafceeegeigikgmcmal"},
    {'6', 11, "hbfadaadakcmgmikigecafah"},
    {'7', 11, "aaiadm"},
    {'8', 11, "cagaiciegfcfaeacca,cfahakcmgmikihgf"},
    {'9', 11, "blcmfmijicgacaacafcggghfif"},
    {'.', 5, "bmbm"},
    {':', 5, "bfbf,blbl"},
    {'-', 9, "bhgh"},
    {'+', 11, "ahih,edel"},
    {'(', 6, "dabcbkdm"},
    {')', 6, "badcdkbm"},
    {'/', 8, "anga"},
    {'H', 12, "aaam,iaim,agig"},
    {'B', 11, "aaamgmikihgfaf,gfieicgaaa"},
    {'a', 10, "bfcefehghm,hickci,hjfmcmakajcihi"},
    {'b', 10, "aaam,agcefehghkfmcmak"},
    {'c', 9, "hffeceagakcmfmhl"},
    {'d', 10, "hahm,hgfeceagakcmfmhk"},
    {'e', 10, "aihihgfeceagakcmfmhl"},
    {'f', 7, "gaeaccccm,aefe"},
    {'g', 10, "hehofqcqap,hgfeceagakcmfmhk"},
    {'h', 10, "aaam,agcefehghm"},
    {'i', 4, "bebm,bbbb"},
    {'j', 5, "cecobqaq,cbcb"},
    {'k', 9, "aaam,geaj,cigm"},
    {'l', 4, "babm"},
    {'m', 15, "aeam,agcedefgfm,fghejelglm"},
    {'n', 10, "aeam,agcefehghm"},
    {'o', 10, "cefehghkfmcmakagce"},
    {'p', 10, "aeaq,agcefehghkfmcmak"},
    {'q', 10, "hehq,hgfeceagakcmfmhk"},
    {'r', 7, "aeam,ahcefe"},
    {'s', 10, "hffeceafahcifihjhlfmcmal"},
    {'t', 8, "cbckdmfm,aefe"},
    {'u', 10, "aeakcmfmhk,hehm"},
    {'v', 9, "aedmge"},
    {'w', 12, "aecmfeimke"},
    {'x', 9, "aehm,heam"},
    {'y', 9, "aedm,gecpbqaq"},
    {'z', 9, "aegeamgm"},
    {' ', 6, ""},
};

ting_err ting_canvas_init(int width, int height, ting_canvas *canvas)
{
    ting_err err = TING_OK;
    *canvas = (ting_canvas){0};
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        FAIL(TING_ERR_ARGUMENT, "a picture of %d by %d pixels, expected 1 to %d", width, height,
             MAX_SIDE);
    canvas->rgb = ting_alloc((size_t)width * (size_t)height, 3);
    if (canvas->rgb == NULL)
        return TING_ERR_MEMORY;
    memset(canvas->rgb, 255, (size_t)width * (size_t)height * 3);
    canvas->width = width;
    canvas->height = height;
out:
    return err;
}

void ting_canvas_free(ting_canvas *canvas)
{
    ting_free(canvas->rgb);
    *canvas = (ting_canvas){0};
}

static void blend(ting_canvas *canvas, int x, int y, unsigned colour, double alpha)
{
    if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height)
        return;
    unsigned char *pixel = canvas->rgb + ((size_t)y * (size_t)canvas->width + (size_t)x) * 3;
    for (int i = 0; i < 3; i++) {
        double wanted = colour >> (16 - 8 * i) & 255;
        pixel[i] = (unsigned char)(pixel[i] + (wanted - pixel[i]) * alpha + 0.5);
    }
}

unsigned ting_canvas_heat(double t)
{
    static const unsigned stops[] = {0x07061C, 0x21114E, 0x4A1676, 0x7B2482, 0xAD3577,
                                     0xDA4E5E, 0xF57B47, 0xFDB24A, 0xFBF5C0};
    enum { STEPS = sizeof stops / sizeof *stops - 1 };
    double at = (t < 0 ? 0 : t > 1 ? 1 : t) * STEPS;
    int i = at >= STEPS ? STEPS - 1 : (int)at;
    unsigned colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        double a = stops[i] >> shift & 255, b = stops[i + 1] >> shift & 255;
        colour |= (unsigned)(a + (b - a) * (at - i) + 0.5) << shift;
    }
    return colour;
}

void ting_canvas_rect(ting_canvas *canvas, int x, int y, int width, int height, unsigned colour)
{
    int left = x < 0 ? 0 : x, right = x + width > canvas->width ? canvas->width : x + width;
    int top = y < 0 ? 0 : y, bottom = y + height > canvas->height ? canvas->height : y + height;
    for (int row = top; row < bottom; row++)
        for (int column = left; column < right; column++)
            blend(canvas, column, row, colour, 1);
}

/* How much of a pixel whose middle is at (x, y) a stroke of half width r from a to b covers. */
static double coverage(double x, double y, const double a[2], const double b[2], double r)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length = dx * dx + dy * dy, t = 0;
    if (length > 0)
        t = ((x - a[0]) * dx + (y - a[1]) * dy) / length;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double alpha = r + 0.5 - hypot(x - a[0] - t * dx, y - a[1] - t * dy);
    return alpha < 0 ? 0 : alpha > 1 ? 1 : alpha;
}

/* One glyph with its origin (capitals' top left) at x, y. Each pixel takes the best of all strokes, so that joints
 * do not darken. */
static void draw_glyph(ting_canvas *canvas, const struct glyph *glyph, double x, double y,
                       double unit, unsigned colour)
{
    double r = unit * 0.75;
    int left = (int)floor(x - r - 1), right = (int)ceil(x + 13 * unit + r + 1);
    int top = (int)floor(y - r - 1), bottom = (int)ceil(y + 17 * unit + r + 1);
    for (int row = top; row <= bottom; row++)
        for (int column = left; column <= right; column++) {
            double best = 0;
            for (const char *p = glyph->strokes; p[0] != '\0' && p[1] != '\0' && p[2] != '\0';) {
                if (p[2] == ',') {
                    p += 3;
                    continue;
                }
                const double a[2] = {x + (p[0] - 'a') * unit, y + (p[1] - 'a') * unit};
                const double b[2] = {x + (p[2] - 'a') * unit, y + (p[3] - 'a') * unit};
                best = fmax(best, coverage(column + 0.5, row + 0.5, a, b, r));
                p += 2;
            }
            if (best > 0)
                blend(canvas, column, row, colour, best);
        }
}

static const struct glyph *find_glyph(char character)
{
    const struct glyph *found = &glyphs[sizeof glyphs / sizeof *glyphs - 1]; /* the gap */
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].character == character)
            found = &glyphs[i];
    return found;
}

void ting_canvas_text(ting_canvas *canvas, double x, double y, double size, ting_align align,
                      unsigned colour, const char *text)
{
    double unit = size / CAP, width = -2 * unit; /* the last glyph's gap does not count */
    for (const char *p = text; *p != '\0'; p++)
        width += find_glyph(*p)->advance * unit;
    if (align == TING_ALIGN_MIDDLE)
        x -= width / 2;
    if (align == TING_ALIGN_RIGHT)
        x -= width;
    for (const char *p = text; *p != '\0'; p++) {
        draw_glyph(canvas, find_glyph(*p), x, y - size, unit, colour);
        x += find_glyph(*p)->advance * unit;
    }
}

ting_err ting_canvas_png(const ting_canvas *canvas, ting_str *out)
{
    ting_err err = TING_OK;
    unsigned char *bytes = NULL;
    png_image image = {.version = PNG_IMAGE_VERSION};
    png_alloc_size_t size = 0;
    image.width = (png_uint_32)canvas->width;
    image.height = (png_uint_32)canvas->height;
    image.format = PNG_FORMAT_RGB;
    if (!png_image_write_to_memory(&image, NULL, &size, 0, canvas->rgb, 0, NULL))
        FAIL(TING_ERR_INTERNAL, "the picture cannot be packed as PNG: %s", image.message);
    bytes = ting_alloc(size, 1);
    if (bytes == NULL) {
        err = TING_ERR_MEMORY;
        goto out;
    }
    if (!png_image_write_to_memory(&image, bytes, &size, 0, canvas->rgb, 0, NULL))
        FAIL(TING_ERR_INTERNAL, "the picture cannot be packed as PNG: %s", image.message);
    ting_str_add_bytes(out, bytes, size);
    if (!ting_str_ok(out))
        err = TING_ERR_MEMORY;
out:
    png_image_free(&image);
    ting_free(bytes);
    return err;
}
