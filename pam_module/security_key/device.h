// SPDX-License-Identifier: BSD-2-Clause
// One request of the verifier carried out on a FIDO2 device, by libfido2.
#ifndef ROLLCALL_SECURITY_KEY_DEVICE_H
#define ROLLCALL_SECURITY_KEY_DEVICE_H

#include <fido.h>

#include "rollcall/security_key.h"

#define DEVICES_MAX     8
#define DEVICE_PATH_MAX 128

// ---- hidraw.c; tests put a device of their own in its place, at link time ----
// What is plugged in: how many.
size_t device_list(char ret[DEVICES_MAX][DEVICE_PATH_MAX]);
// A new, unopened handle. NULL: no memory.
fido_dev_t *device_new(void);

// ---- device.c ----
// Blocks until the device, its holder or time has decided. `tell` hears what the person is
// to do. Always fills *ret.
void device_carry_out(const struct rollcall_key_request *request,
                      void (*tell)(void *ctx, enum rollcall_key_state state), void *ctx,
                      struct rollcall_key_reply *ret);
// From another thread: ends what blocks, also on the device, which stops blinking.
void device_cancel(void);

// ---- confine.c ----
// Gives up the disk but for devices and libfido2's reading of /sys, and every call that
// this program has no use for. Before a byte of a device is read.
int confine(void);

#endif
