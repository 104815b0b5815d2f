/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - see server.h. */
#include "support/server.h"

#include "support/support.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ting_server {
    const char *bytes;
    size_t size;
    int socket;
    pthread_t thread;
    char url[64];
    atomic_int mode, requests;
    atomic_long last_start;
    atomic_bool stop;
};

static void send_all(int connection, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(connection, at, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        size -= (size_t)sent;
    }
}

static void send_file(ting_server *server, int connection, size_t start, bool partial, bool cut)
{
    char head[256];
    size_t length = server->size - start;
    int written = partial ? snprintf(head, sizeof head,
                                     "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\n"
                                     "Content-Range: bytes %zu-%zu/%zu\r\nConnection: close\r\n\r\n",
                                     length, start, server->size - 1, server->size)
                          : snprintf(head, sizeof head,
                                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", length);
    send_all(connection, head, (size_t)written);
    send_all(connection, server->bytes + start, cut ? length / 2 : length);
}

static void answer(ting_server *server, int connection)
{
    static const char missing[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static const char moved[] = "HTTP/1.1 302 Found\r\nLocation: /file\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static const char beyond[] = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char request[4096];
    size_t length = 0;
    while (length < sizeof request - 1) {
        ssize_t got = recv(connection, request + length, sizeof request - 1 - length, 0);
        if (got <= 0)
            return;
        length += (size_t)got;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    const char *range = strstr(request, "Range: bytes=");
    long start = range == NULL ? -1 : atol(range + strlen("Range: bytes="));
    int mode = atomic_load(&server->mode);
    atomic_store(&server->last_start, start);
    atomic_fetch_add(&server->requests, 1);
    if (mode == TING_SERVER_MISSING)
        send_all(connection, missing, sizeof missing - 1);
    else if (mode == TING_SERVER_MOVED && strncmp(request, "GET /start", 10) == 0)
        send_all(connection, moved, sizeof moved - 1);
    else if (mode == TING_SERVER_NO_RANGE || start < 0)
        send_file(server, connection, 0, false, mode == TING_SERVER_CUT);
    else if ((size_t)start >= server->size)
        send_all(connection, beyond, sizeof beyond - 1);
    else
        send_file(server, connection, (size_t)start, true, mode == TING_SERVER_CUT);
}

static void *serve(void *arg)
{
    ting_server *server = arg;
    while (!atomic_load(&server->stop)) {
        int connection = accept(server->socket, NULL, NULL);
        if (connection < 0)
            continue;
        if (!atomic_load(&server->stop))
            answer(server, connection);
        shutdown(connection, SHUT_WR);
        close(connection);
    }
    return NULL;
}

ting_server *ting_server_start(const void *bytes, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    ting_server *server = ting_alloc(1, sizeof *server);
    assert_non_null(server);
    server->bytes = bytes;
    server->size = size;
    server->socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->socket >= 0);
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->socket, 8), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &length), 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/start", ntohs(address.sin_port));
    atomic_store(&server->last_start, -1);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    return server;
}

void ting_server_stop(ting_server *server)
{
    atomic_store(&server->stop, true);
    shutdown(server->socket, SHUT_RDWR); /* wakes accept */
    pthread_join(server->thread, NULL);
    close(server->socket);
    ting_free(server);
}

void ting_server_set_mode(ting_server *server, ting_server_mode mode)
{
    atomic_store(&server->mode, (int)mode);
}

const char *ting_server_url(const ting_server *server)
{
    return server->url;
}

int ting_server_requests(const ting_server *server)
{
    return atomic_load(&((ting_server *)(uintptr_t)server)->requests);
}

long ting_server_last_start(const ting_server *server)
{
    return atomic_load(&((ting_server *)(uintptr_t)server)->last_start);
}
