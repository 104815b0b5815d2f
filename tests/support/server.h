/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - an HTTP server on the loopback that serves one file, in good and bad ways: what downloads are tested with. */
#ifndef TING_TESTS_SERVER_H
#define TING_TESTS_SERVER_H

#include <stddef.h>

typedef enum ting_server_mode {
    TING_SERVER_GOOD,     /* answers Range requests with 206 */
    TING_SERVER_NO_RANGE, /* always sends the whole file with 200 */
    TING_SERVER_CUT,      /* sends half of what is asked for and closes */
    TING_SERVER_MISSING,  /* 404 */
    TING_SERVER_MOVED     /* 302 to /file, which is served well */
} ting_server_mode;

typedef struct ting_server ting_server;

/* Serves the bytes, borrowed until stop, on a free port; one connection at a time, on a thread of its own. Fails the
 * test when it cannot. */
ting_server *ting_server_start(const void *bytes, size_t size);
void ting_server_stop(ting_server *server);

void ting_server_set_mode(ting_server *server, ting_server_mode mode);

/* "http://127.0.0.1:PORT/start"; borrows until stop. */
const char *ting_server_url(const ting_server *server);

int ting_server_requests(const ting_server *server);     /* answered so far */
long ting_server_last_start(const ting_server *server);  /* first byte of the last Range asked for; -1: none */

#endif
