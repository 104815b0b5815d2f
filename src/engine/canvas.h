/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canvas.h - a small picture in memory: rectangles, text in strokes, PNG.
 *
 * Text knows digits, small letters, "H", "B" and . : - + ( ) /; anything else is a gap. Strokes are drawn with soft
 * edges. Coordinates in pixels from the top left corner.
 */
#ifndef TING_ENGINE_CANVAS_H
#define TING_ENGINE_CANVAS_H

#include "base/err.h"
#include "base/str.h"

typedef struct ting_canvas {
    int width, height;
    unsigned char *rgb; /* [height, width, 3] */
} ting_canvas;

typedef enum ting_align { TING_ALIGN_LEFT, TING_ALIGN_MIDDLE, TING_ALIGN_RIGHT } ting_align;

/* White. Errors: argument (no size up to 16384), memory. Free with ting_canvas_free. */
ting_err ting_canvas_init(int width, int height, ting_canvas *canvas);
void ting_canvas_free(ting_canvas *canvas);

/* Colours are 0xRRGGBB. What lies outside is cut off. */
void ting_canvas_rect(ting_canvas *canvas, int x, int y, int width, int height, unsigned colour);

/* x, y: the left end, middle or right end of the baseline; capital letters are `size` pixels high. */
void ting_canvas_text(ting_canvas *canvas, double x, double y, double size, ting_align align,
                      unsigned colour, const char *text);

/* A colour scale for t in [0, 1]: from night blue over purple and orange to pale yellow, even steps in lightness. */
unsigned ting_canvas_heat(double t);

/* Appends the picture as a PNG file. Errors: memory, internal. */
ting_err ting_canvas_png(const ting_canvas *canvas, ting_str *out);

#endif
