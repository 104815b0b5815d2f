/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locale.h - the locales of host programs: the libraries must read and write the same under all of them.
 */
#ifndef TING_TESTS_LOCALE_H
#define TING_TESTS_LOCALE_H

#include <stdbool.h>

/* setlocale(LC_ALL) to `language` ("de_DE") with `charset` ("UTF-8", "ISO-8859-1"): an installed one, or one that
 * localedef makes in the temporary folder. False when there is neither. Back with setlocale(LC_ALL, "C"). */
bool ting_use_locale(const char *language, const char *charset);

#endif
