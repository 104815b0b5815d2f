/* SPDX-License-Identifier: Apache-2.0 */
/* html.h - how the pages that the program makes begin: one file each, which needs nothing from elsewhere, in light and in dark. */
#ifndef TING_BASE_HTML_H
#define TING_BASE_HTML_H

#include "base/str.h"

/* Appends everything up to the heading of a page, which says the title: colours (--bg, --card, --fg, --dim, --grid, --edge, --c0 to --c7
 * for series, --x, --d, --i for what is wrong, missing, too much), body, headings, .facts, .charts, cards and svg text, then `style`. */
void ting_html_begin(ting_str *out, const char *title, const char *style);

#endif
