/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tingxie.h - the whole public interface of libtingxie: Mandarin speech in, hanzi out.
 *
 * Every function that can fail returns a ting_err: TING_OK (0), or a negative code; the sentence that
 * names the thing, what was expected and what was found is ting_error_message() on the same thread.
 */
#ifndef TINGXIE_H
#define TINGXIE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define TING_API __attribute__((visibility("default")))
#else
#define TING_API
#endif

typedef enum ting_err {
    TING_OK = 0,
    TING_ERR_ARGUMENT = -1,    /* the caller passed something outside the documented range */
    TING_ERR_MEMORY = -2,      /* an allocation failed */
    TING_ERR_IO = -3,          /* a file or device could not be opened, read or written */
    TING_ERR_FORMAT = -4,      /* bytes from outside are not what their format demands */
    TING_ERR_MODEL = -5,       /* well-formed, but the model cannot be used here (shapes, features, tokens) */
    TING_ERR_UNSUPPORTED = -6, /* understood, but this build or machine cannot do it */
    TING_ERR_NUMERIC = -7,     /* a value that must be finite is not */
    TING_ERR_CANCELLED = -8,   /* the caller asked to stop */
    TING_ERR_NOT_FOUND = -9,   /* a named thing does not exist */
    TING_ERR_INTERNAL = -10    /* a promise inside the library was broken: please report */
} ting_err;

/* Message of the last failed call on this thread; "" when there was none. Borrows until the next
 * failing call on the same thread. */
TING_API const char *ting_error_message(void);

/* Short name of a code, such as "format". Never NULL; static storage. */
TING_API const char *ting_error_name(ting_err code);

/* "0.1.0"; static storage. */
TING_API const char *ting_version(void);

/* Writes lines that tell the version, the compiler, what was built in, which optional parts are absent,
 * and the processor level in use; always ends in '\0'. Returns the length the whole text needs. */
TING_API size_t ting_build_describe(char *out, size_t room);

#ifdef __cplusplus
}
#endif
#endif
