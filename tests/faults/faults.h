// SPDX-License-Identifier: BSD-2-Clause
// The n-th call of a function fails. Linked into a module or program of ours with the linker's
// --wrap, so that only its own calls count, not those that libraries make for it. What is wrapped
// stands in build.mk.
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

enum faults_mode {
    FAULTS_ONCE,  // the n-th call alone
    FAULTS_STAY,  // it and every later one, of any function
    FAULTS_SHORT, // where half of the bytes can be taken: half of them
    FAULTS_EINTR, // where a signal can interrupt: a signal did
    FAULTS_MODES
};

// From here on calls are counted, from 1: those of the function `name`, or with "" all; nth 0:
// none fails. By its function a call has the same number in every run, whatever else differs
// between two: a poll more, the room that a hash table with a seed takes.
#define FAULTS_NAME_MAX 40
void faults_arm(const char *name, long nth, enum faults_mode mode);
// Counts no more. How many calls there were, and whether one was made to fail.
long faults_disarm(int *ret_fired);

// Each call's name on descriptor 3.
void faults_name_calls(void);

// Counts from the first packet that is sent on: how many calls a start takes differs from one
// to the next.
void faults_wait_for_hello(void);

// A program is armed at its start by the environment, FAULTS=name:nth:mode, nth 0 for names;
// with an "h" behind it from its hello on. It says "COUNT FIRED\n" on descriptor 3 at its end.

#endif
