/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.h - where models are looked for when nobody says where they are.
 *
 * The usual places, in order, each if it exists:
 *     1. the folder that the environment variable TING_MODELS names
 *     2. "models" beside the build tree that the running program stands in (.../build/tingxie)
 *     3. ../share/tingxie/models from the folder of the running program, or of the shared library (make install)
 *     4. tingxie/models in the user's data folder (XDG_DATA_HOME, else ~/.local/share): where pull puts them
 *
 * A place is a folder of candidates: .gguf files, and folders with a public model (model/public.h). It may also be such a
 * folder itself. Candidates come in order of place, .gguf files first, then by name.
 */
#ifndef TING_ENGINE_PLACES_H
#define TING_ENGINE_PLACES_H

#include "base/err.h"

typedef struct ting_paths { /* owned texts; start with {0}, free with ting_paths_free */
    char **items;
    int count;
    size_t room;
} ting_paths;

ting_err ting_paths_add(ting_paths *paths, const char *path); /* copies */
void ting_paths_free(ting_paths *paths);

/* The places: `folder` alone when it is not NULL, else the usual ones. Errors: memory. */
ting_err ting_places(const char *folder, ting_paths *out);

/* All candidates of the places. Errors: memory. */
ting_err ting_places_candidates(const ting_paths *places, ting_paths *out);

/* The first candidate that is called `name` (a folder), `name` or `name`.gguf; NULL when none is. Borrowed from `candidates`. */
const char *ting_places_named(const ting_paths *candidates, const char *name);

#endif
