// SPDX-License-Identifier: BSD-2-Clause
// Cleanup attributes: an owner frees itself at the end of its scope.
#ifndef ROLLCALL_CLEANUP_H
#define ROLLCALL_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void rollcall_freep(void *p)
{
    free(*(void **)p);
}

static inline void rollcall_closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void rollcall_fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

static inline void rollcall_closedirp(DIR **d)
{
    if (*d)
        closedir(*d);
}

#define _cleanup_free_     _cleanup_(rollcall_freep)
#define _cleanup_close_    _cleanup_(rollcall_closep)
#define _cleanup_fclose_   _cleanup_(rollcall_fclosep)
#define _cleanup_closedir_ _cleanup_(rollcall_closedirp)

// The value leaves its owner: `return ROLLCALL_TAKE(p);`
#define ROLLCALL_TAKE(p)                                                                           \
    ({                                                                                             \
        __typeof__(p) _p = (p);                                                                    \
        (p) = NULL;                                                                                \
        _p;                                                                                        \
    })
#define ROLLCALL_TAKE_FD(fd)                                                                       \
    ({                                                                                             \
        int _fd = (fd);                                                                            \
        (fd) = -1;                                                                                 \
        _fd;                                                                                       \
    })

#endif
