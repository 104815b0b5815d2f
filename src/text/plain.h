/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.h - text as it is written -> the characters that are spoken, to learn from: "你 好，ＯＫ！" -> "你好OK".
 *
 * Each character is brought to NFKC by itself (full width becomes half width; 〇 and rare hanzi stay what they are).
 * Then white space, control characters and punctuation go, but for # % & @, which are read aloud, and of the symbols
 * ~ ^ ` |, which are not. Between two ASCII letters or digits one space stays of any white space. Capitals stay as they
 * are. Bytes that are not UTF-8 become one U+FFFD each, so that they are seen.
 */
#ifndef TING_TEXT_PLAIN_H
#define TING_TEXT_PLAIN_H

#include "base/str.h"

#include <stddef.h>

/* Appends to *out. Errors: memory. */
ting_err ting_text_plain(const char *text, size_t size, ting_str *out);

#endif
