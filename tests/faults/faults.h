// SPDX-License-Identifier: BSD-2-Clause
// The n-th call fails. Linked into a module or program of ours with the linker's --wrap, so
// that only its own calls count, not those that libraries make for it. What is wrapped
// stands in build.mk.
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

enum faults_mode {
    FAULTS_ONCE,  // the n-th call alone
    FAULTS_STAY,  // it and every later one
    FAULTS_SHORT, // where half of the bytes can be taken: half of them
    FAULTS_EINTR, // where a signal can interrupt: a signal did
    FAULTS_MODES
};

// From here on calls are counted, from 1; 0: none fails.
void faults_arm(long nth, enum faults_mode mode);
// Counts no more. How many calls there were, and whether one was made to fail.
long faults_disarm(int *ret_fired);

// Each call's name on descriptor 3.
void faults_name_calls(void);

// Counts from the first packet that is sent on: how many calls a start takes differs from one
// to the next, for a hash table has a seed.
void faults_wait_for_hello(void);

// A program is armed at its start by the environment, FAULTS=nth:mode, nth 0 for names; with
// an "h" behind it from its hello on. It says "COUNT FIRED\n" on descriptor 3 at its end.

#endif
