/* SPDX-License-Identifier: Apache-2.0 */
/* explain_page.c - ting_explain_file, and the page's frame: facts, sound, overview, sentences one after the other. */
#include "engine/explain.h"

#include "base/file.h"
#include "base/html.h"
#include "base/mem.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

static const char style[] =
    "body{max-width:1180px}.hi{--q:var(--c2)}.me{--q:var(--c5)}.lo{--q:var(--x)}.sa{--q:var(--c0)}.ri{--q:var(--c1)}.bl{--q:var(--c7)"
    "}\n"
    ".line{font-size:26px;line-height:1.9;margin:4px 0 8px}.line ruby{margin-right:3px;border-bottom:3px solid "
    "var(--q);cursor:pointer}"
    "rt{font-size:11px;color:var(--dim)}.cap{color:var(--dim);font-size:12px;margin:6px 2px 14px;max-width:980px}.cap "
    ".q{display:inline-block;width:10px;"
    "height:10px;border-radius:2px;background:var(--q);margin:0 3px 0 8px}\n"
    "section{padding:12px 16px;margin:16px 0}section>h2{margin:0}h3{font-size:14px;margin:16px 0 6px}.scroll{overflow-x:auto}.scroll "
    "svg{max-width:none;border:0}"
    "svg .w{stroke:var(--c0);fill:none;stroke-width:1}svg .ch rect{fill:var(--q);fill-opacity:.14;stroke:var(--q)}svg "
    ".ch{cursor:pointer}"
    "svg .b{stroke:var(--fg);stroke-opacity:.16}svg .z{fill:var(--grid);fill-opacity:.45}svg .sa rect,svg .ri rect,svg .bl "
    "rect{fill:var(--q)}"
    "svg .sa text{fill:var(--fg)}svg .k{stroke:var(--dim)}svg .ph{stroke:var(--x);visibility:hidden}svg .at{fill:var(--c3)}"
    "svg .now{stroke:#fff;stroke-opacity:.45}\n"
    ".net{display:flex;gap:6px;align-items:flex-start;padding-bottom:6px}.net div{flex:0 0 auto;min-width:96px}.net "
    "b{display:block;text-align:center;font-size:18px}"
    ".net span{position:relative;display:block;padding:1px 6px;margin:2px 0;border:1px solid "
    "transparent;border-radius:4px;background:var(--bg);overflow:hidden;"
    "white-space:nowrap}.net i{position:absolute;left:0;top:0;bottom:0;background:var(--c0);opacity:.2}.net "
    "u{float:right;text-decoration:none;color:var(--dim);"
    "margin-left:8px;font-variant-numeric:tabular-nums}.net .on{border-color:var(--c0)}.net "
    "em{color:var(--dim);font-size:12px;padding-left:6px}\n"
    ".dec details{overflow-x:auto}.dec{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,540px),1fr));"
    "gap:6px;align-items:start}details{border:1px solid var(--edge);"
    "border-radius:6px;padding:4px 10px;background:var(--bg)}summary{cursor:pointer}summary b{font-size:17px}summary "
    "span{color:var(--dim)}"
    "table{border-collapse:collapse;width:100%;margin:4px 0;font-variant-numeric:tabular-nums;font-size:13px}td,th{padding:1px "
    "6px;text-align:right;"
    "position:relative;font-weight:400}th{font-size:15px;text-align:left;white-space:nowrap}tr:first-child "
    "td{color:var(--dim);font-size:12px}.py{text-align:left;"
    "color:var(--dim)}tr.on,tr.on td{font-weight:600;color:var(--fg);border-bottom:1px solid var(--edge)}td "
    "i{position:absolute;top:3px;bottom:3px;opacity:.4;"
    "border-radius:2px}td span{position:relative}td:has(i){min-width:68px}.dec table{font-size:12px}.dec td{padding:1px "
    "4px}.ag{background:var(--x)}.fo{background:var(--c2)}.sum b{font-size:16px}.sum span{margin-left:10px}"
    ".alt td{text-align:left}.alt tr:first-child td{font-size:13px}\n"
    ".att svg{border:0;border-radius:0}.att{background:var(--card);border:1px solid "
    "var(--edge);border-radius:8px;padding:8px}.heads{border:0;background:none;"
    "padding:0 0 8px 64px;font-size:12px;color:var(--dim)}.heads img{display:block;margin:3px "
    "0;max-width:100%}audio{width:100%;margin:12px 0}pre{white-space:pre-wrap;"
    "font-size:12px;color:var(--dim);margin:8px 2px}\n";

/* Plays a character that is clicked, and moves a line along the pictures. The page is whole without it. */
static const char script[] = "<script>const a=document.querySelector('audio');let "
                             "stop=null;if(a){document.addEventListener('click',e=>{const c=e.target.closest('[data-t]');if(c){"
                             "a.currentTime=+c.dataset.t;stop=+c.dataset.e;a.play()}});a.addEventListener('pause',()=>stop=null);"
                             "const move=()=>{const t=a.currentTime;if(stop!==null&&t>=stop)"
                             "a.pause();for(const s of document.querySelectorAll('svg[data-w]')){const "
                             "d=s.dataset,l=s.querySelector('.ph'),x=+d.x+d.w*(t-d.b)/(d.f-d.b);"
                             "const "
                             "inside=t>0&&t>=+d.b&&t<=+d.f;l.style.visibility=inside?'visible':'hidden';l.setAttribute('x1',x);l."
                             "setAttribute('x2',x)}requestAnimationFrame(move)};"
                             "requestAnimationFrame(move)}</script>\n";

static void add_fact(ting_str *out, const char *name, const char *format, ...) TING_PRINTF(3, 4);

static void add_fact(ting_str *out, const char *name, const char *format, ...)
{
    char text[96];
    va_list args;
    va_start(args, format);
    ting_number_vprint(text, sizeof text, format, args);
    va_end(args);
    ting_str_add(out, "<div><strong>");
    ting_str_add_xml(out, text);
    ting_str_addf(out, "</strong>%s</div>", name);
}

static void add_facts(const ting_explained *e, ting_str *out)
{
    static const char *const ways[] = {"greedy", "beam", "rescored"};
    int characters = 0;
    double confidence = 0;
    for (int i = 0; i < e->sentence_count; i++) {
        characters += e->sentences[i].sentence->char_count;
        for (int k = 0; k < e->sentences[i].sentence->char_count; k++)
            confidence += (double)ting_sentence_char(e->sentences[i].sentence, k)->confidence;
    }
    ting_str_add(out, "<div class='facts'>");
    add_fact(out, "seconds explained", "%.2f to %.2f", e->begin, e->end);
    if (e->total > 0)
        add_fact(out, "seconds of sound in the file", "%.2f", e->total);
    add_fact(out, e->sentence_count == 1 ? "sentence" : "sentences", "%d", e->sentence_count);
    add_fact(out, "characters", "%d", characters);
    if (characters > 0)
        add_fact(out, "mean confidence", "%.2f", confidence / characters);
    if (e->options.decoding == TING_DECODING_GREEDY)
        add_fact(out, "search", "%s", ways[e->options.decoding]);
    else
        add_fact(out, "search, hypotheses side by side", "%s %d", ways[e->options.decoding], e->options.beam);
    add_fact(out, "a row of the encoder", "%.0f ms", 1000 * e->row_seconds);
    ting_str_add(out, "</div>\n");
    if (e->total > e->end + 0.01 || e->begin > 0)
        ting_str_addf(out, "<p class='cap'>This page shows a part of the recording, %.2f to %.2f s; a page has at most 30 s.</p>\n",
                      e->begin, e->end);
}

static ting_err add_model(const ting_explained *e, ting_str *out)
{
    ting_err err = TING_OK;
    ting_str text = {0};
    ting_model_describe_in(e->model, &text);
    TRY(ting_str_ok(&text) ? TING_OK : TING_ERR_MEMORY);
    ting_str_add(out, "<pre>");
    ting_str_add_xml(out, text.text);
    ting_str_add(out, "</pre>\n");
out:
    ting_str_free(&text);
    return err;
}

/* ---- the sound ---- */

static void put(unsigned char *at, unsigned long value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> 8 * i);
}

/* A WAV file of 16 bits in the page. */
static ting_err add_sound(const ting_explained *e, ting_str *out)
{
    enum { HEAD = 44 };
    ting_err err = TING_OK;
    const unsigned long size = 2 * (unsigned long)e->count;
    unsigned char *wav = ting_alloc(HEAD + size, 1);
    if (wav == NULL)
        FAIL(TING_ERR_MEMORY, "out of memory for the sound of a page");
    memcpy(wav, "RIFF----WAVEfmt ", 16);
    put(wav + 4, HEAD - 8 + size, 4);
    put(wav + 16, 16, 4);
    put(wav + 20, 1, 2); /* PCM */
    put(wav + 22, 1, 2); /* channels */
    put(wav + 24, (unsigned long)e->rate, 4);
    put(wav + 28, 2 * (unsigned long)e->rate, 4);
    put(wav + 32, 2, 2);
    put(wav + 34, 16, 2);
    memcpy(wav + 36, "data", 4);
    put(wav + 40, size, 4);
    for (size_t i = 0; i < e->count; i++)
        put(wav + HEAD + 2 * i, (unsigned long)(unsigned)(int)lrintf(fminf(fmaxf(e->samples[i], -1), 1) * 32767), 2);
    ting_str_add(out, "<audio controls src='data:audio/wav;base64,");
    ting_str_add_base64(out, wav, HEAD + size);
    ting_str_add(out, "'></audio>\n");
out:
    ting_free(wav);
    return err;
}

/* ---- the text ---- */

static void add_text(const ting_sentence *sentence, ting_str *out)
{
    ting_str_add(out, "<div class='line'>");
    for (int i = 0; i < sentence->char_count; i++) {
        const ting_char *c = ting_sentence_char(sentence, i);
        ting_str_addf(out, "<ruby class='%s' data-t='%.3f' data-e='%.3f' title='confidence %.2f'>",
                      ting_explain_class((double)c->confidence), c->start, c->end, (double)c->confidence);
        ting_str_add_xml(out, c->text);
        ting_str_add(out, "<rt>");
        ting_str_add_xml(out, c->pinyin);
        ting_str_add(out, "</rt></ruby>");
    }
    ting_str_add(out, "</div>\n");
}

static void add_overview(const ting_explained *e, ting_str *out)
{
    enum { WIDTH = 1100, HEIGHT = 64, BAND = 22 };
    const double seconds = e->end - e->begin;
    ting_str_addf(out, "<svg viewBox='0 0 %d %d' data-x='0' data-w='%d' data-b='0' data-f='%.3f'>", WIDTH, HEIGHT + BAND, WIDTH,
                  seconds);
    ting_explain_draw_wave(e, 0, seconds, 0, WIDTH, 0, HEIGHT, out);
    for (int i = 0; i < e->sentence_count; i++) {
        const ting_sentence *s = e->sentences[i].sentence;
        const double x = WIDTH * s->start / seconds;
        ting_str_addf(out,
                      "<a href='#s%d'><g class='ch hi'><rect x='%.1f' y='%d' width='%.1f' height='%d' rx='3'/><text x='%.1f' "
                      "y='%d'>%d</text></g></a>",
                      i, x, HEIGHT, WIDTH * (s->end - s->start) / seconds, BAND - 4, x + 5, HEIGHT + 13, i + 1);
    }
    ting_str_addf(out, "<line class='ph' y1='0' y2='%d'/></svg>\n", HEIGHT);
}

static ting_err add_sentence(ting_explained *e, int i, ting_str *out)
{
    ting_err err = TING_OK;
    const ting_sentence *s = e->sentences[i].sentence;
    ting_str_addf(out, "<section id='s%d'><h2>", i);
    if (e->sentence_count > 1)
        ting_str_addf(out, "Sentence %d: ", i + 1);
    ting_str_addf(out, "%.2f to %.2f s</h2>\n", e->begin + s->start, e->begin + s->end);
    add_text(s, out);
    TRY(ting_explain_draw_time(e, i, out));
    TRY(ting_explain_draw_lines(e, i, out));
    ting_str_add(out, "</section>\n");
out:
    return err;
}

ting_err ting_explain_page(ting_explained *e, ting_str *out)
{
    ting_err err = TING_OK;
    ting_str title = {0};
    ting_str_addf(&title, "%s: how it became text", e->how.name);
    TRY(ting_str_ok(&title) ? TING_OK : TING_ERR_MEMORY);
    ting_html_begin(out, title.text, style);
    add_facts(e, out);
    if (e->how.sound)
        TRY(add_sound(e, out));
    if (e->sentence_count > 1)
        add_overview(e, out);
    if (e->sentence_count == 0)
        ting_str_add(out, "<p>No syllable was heard.</p>\n");
    for (int i = 0; i < e->sentence_count; i++)
        TRY(add_sentence(e, i, out));
    TRY(ting_explain_draw_attention(e, out));
    ting_str_addf(out, "<h2>Made by</h2><p class='cap'>Tingxie %s. The page needs nothing from elsewhere%s.</p>\n", ting_version(),
                  e->how.sound ? ", and holds the sound that it explains" : "");
    TRY(add_model(e, out));
    if (e->how.sound)
        ting_str_add(out, script);
    ting_str_add(out, "</body></html>\n");
    TRY(ting_str_ok(out) ? TING_OK : TING_ERR_MEMORY);
out:
    ting_str_free(&title);
    return err;
}

ting_err ting_explain_file(const ting_model *model, const char *path, const ting_options *options, const ting_explain_options *how,
                           char **html)
{
    ting_err err = TING_OK;
    ting_explained e;
    ting_str out = {0};
    *html = NULL;
    TRY(ting_explain_hear(model, path, options, how, &e));
    if (e.how.name == NULL)
        e.how.name = strcmp(path, "-") == 0 ? "standard input" : ting_path_name(path);
    TRY(ting_explain_page(&e, &out));
    *html = out.text;
    out = (ting_str){0};
out:
    ting_explained_free(&e);
    ting_str_free(&out);
    return err;
}
