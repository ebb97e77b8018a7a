// SPDX-License-Identifier: BSD-2-Clause
// What the parts of the loop share.
#ifndef ROLLCALL_ENGINE_LOOP_INTERNAL_H
#define ROLLCALL_ENGINE_LOOP_INTERNAL_H

#include <jansson.h>
#include <stdint.h>

#include "rollcall/source.h"
#include "syncd/engine/audit_queue.h"
#include "syncd/engine/core.h"
#include "syncd/engine/loop.h"
#include "syncd/engine/outbox.h"
#include "syncd/launcher.h"

#define CLIENTS_MAX   8
#define REQUEST_MAX   (64 * 1024)

#define CHILD_PROBLEM 300

// What a child printed on stderr of the line in work.
struct child_errors {
    char text[512];
    size_t len;
};

enum run_state { RUN_IDLE, RUN_STARTING, RUN_RUNNING, RUN_BACKOFF };

// One source's process, or its absence.
struct run {
    char name[32];
    enum run_state state;
    pid_t pid;
    int in, out, err;
    char *buf; // what came of the line in work
    size_t len;
    struct child_errors errors;
    bool in_batch, refused;
    bool lost;           // a listing was refused: what comes next is no change to what was taken
    int64_t generation;  // of the last commit, where it said one; -1: not
    int64_t acked, gone; // what was acknowledged of it
    bool ack_due;
    int64_t reread;            // monotonic ms: when it was asked to look again last; 0: never
    bool ack_again;            // by a process that knows of no acknowledgement yet
    bool told_anew;            // started again to say its listing whole
    int64_t heard, next_start; // CLOCK_MONOTONIC ms
    unsigned failures;
    uint64_t done, total, rows;
    // the last outcome, for --once and `rollcall sync`
    unsigned outcomes;
    char result[16], problem[CHILD_PROBLEM];
    int64_t last_commit, last_start; // realtime
};

// One sink's process, or its absence.
struct sink_run {
    char name[32];
    enum run_state state;
    pid_t pid;
    int in, out, err;
    char *buf; // what came of the line in work
    size_t len;
    struct child_errors errors;
    char *send; // what its pipe did not take yet
    size_t send_len, sent;
    bool ready, busy;          // connected; a batch is under way
    struct outbox_batch batch; // of it
    int64_t whole;             // everybody is being said, up to this generation; 0: not
    bool completing;           // the batch is the last of that
    json_t *as_of;             // of the last heartbeat
    int64_t beat;              // realtime
    int64_t since, next_start; // monotonic ms
    unsigned failures;
    int64_t hosts_from; // all hosts are being said since then
    char problem[CHILD_PROBLEM];
};

struct client {
    int fd;
    int64_t deadline, next_progress; // monotonic ms
    char *buf;
    size_t len;
    bool syncing;
    unsigned waits[ROLLCALL_SOURCES_MAX]; // outcome number to wait for; 0: not
};

struct loop {
    const struct engine_loop_options *options;
    const struct rollcall_config *config;
    struct rollcall_config *own_config; // after a reload
    struct engine_core *core;
    int epoll, timer, signals, local_files;
    struct audit_queue audit;
    int audit_wait; // ms until the queue is worth another try, or -1
    struct run run[ROLLCALL_SOURCES_MAX];
    size_t n_runs;
    struct sink_run sink[ROLLCALL_SINKS_MAX];
    size_t n_sinks;
    struct client client[CLIENTS_MAX];
    bool stop, ready, local_dirty;
    struct {
        int fd;              // to the enforcer, or -1
        int64_t covers;      // all generations up to the turn in which it was asked
        int64_t asked, next; // monotonic ms
        int left;            // the last answer; -1: not known
    } left;
    int64_t published; // monotonic ms
    int64_t published_at, started;
};

int64_t loop_ms(void);
int64_t loop_now(void);

// ---- supervise.c ----
void runs_configure(struct loop *l);
void runs_tick(struct loop *l);              // starts, stalls
int64_t runs_deadline(const struct loop *l); // monotonic ms, or INT64_MAX
void run_restart(struct loop *l, struct run *r);
// Asks a source of a directory to look at one record again, by and by. False: not now.
bool run_reread(struct loop *l, struct run *r, const char *id);
// False at the end of what the source has to say.
bool run_on_output(struct loop *l, struct run *r);
void runs_on_launcher(struct loop *l);
bool runs_all_done(const struct loop *l); // --once
bool runs_all_well(const struct loop *l);
void launcher_tell(struct loop *l, char kind, const char *source);

// ---- sinks.c ----
void sinks_configure(struct loop *l);
void sinks_tick(struct loop *l);
int64_t sinks_deadline(const struct loop *l);
void sinks_on_launcher(struct loop *l, const struct launcher_message *m, const int fds[3]);
bool sink_on_output(struct loop *l, struct sink_run *s);
void sink_on_writable(struct loop *l, struct sink_run *s);
void sinks_close(struct loop *l);

// ---- child_errors.c ----
// Logs what is there by lines, as KIND-says of `name`; `problem` gets the last one. False when
// nothing more is there.
bool child_errors_read(int epoll, int fd, struct child_errors *e, const char *kind,
                       const char *name, char problem[CHILD_PROBLEM]);

// ---- acks.c: a source is told what came of what it said ----
void acks_tick(struct loop *l);
void acks_on_answer(struct loop *l);
int64_t acks_deadline(const struct loop *l);
void acks_close(struct loop *l);

// ---- control.c ----
void control_accept(struct loop *l);
void control_on_input(struct loop *l, struct client *c);
void control_tick(struct loop *l);
int64_t control_deadline(const struct loop *l);

int loop_reload(struct loop *l, json_t **ret);
void loop_watch(struct loop *l, int fd, uint64_t tag);
enum {
    TAG_DOOR = 1,
    TAG_CONTROL,
    TAG_TIMER,
    TAG_SIGNAL,
    TAG_LOCAL,
    TAG_LEFT,
    TAG_OUT = 100,
    TAG_ERR = 200,
    TAG_CLIENT = 300,
    TAG_SINK_IN = 400,
    TAG_SINK_OUT = 410,
    TAG_SINK_ERR = 420,
    TAG_END = 430
};

#endif
