// SPDX-License-Identifier: BSD-2-Clause
// Waiting with an ear for the engine.
#include "syncd/sources/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static void (*input)(const char *bytes, size_t n);

int64_t source_now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void source_on_input(void (*take)(const char *bytes, size_t n))
{
    input = take;
}

void source_input(void)
{
    char bytes[4096];
    ssize_t n = read(0, bytes, sizeof(bytes));

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0)
        exit(0);
    if (input)
        input(bytes, (size_t)n);
}

void source_wait(int64_t ms, int fd)
{
    struct pollfd p[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    if (poll(p, 2, ms < 0 ? 0 : ms > 60000 ? 60000 : (int)ms) < 0 && errno != EINTR)
        exit(1);
    if (p[0].revents)
        source_input();
}

void source_pause(int64_t ms)
{
    int64_t until = source_now_ms() + ms, now;

    while ((now = source_now_ms()) < until)
        source_wait(until - now, -1);
}

int64_t source_jitter(int64_t ms)
{
    uint32_t random = 0;

    if (ms < 2)
        return ms;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = 0;
    return ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1));
}
