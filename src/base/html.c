/* SPDX-License-Identifier: Apache-2.0 */
/* html.c - see html.h. The policy lets a page load nothing at all, whatever gets into it. */
#include "base/html.h"

static const char common[] =
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
    "polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}\n";

void ting_html_begin(ting_str *out, const char *title, const char *style)
{
    ting_str_add(out, "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
                      "<meta name='viewport' content='width=device-width'>"
                      "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; media-src data:; "
                      "style-src 'unsafe-inline'; script-src 'unsafe-inline'\"><title>");
    ting_str_add_xml(out, title);
    ting_str_add(out, "</title>\n<style>\n");
    ting_str_add(out, common);
    ting_str_add(out, style);
    ting_str_add(out, "\n</style>\n</head><body>\n<h1>");
    ting_str_add_xml(out, title);
    ting_str_add(out, "</h1>\n");
}
