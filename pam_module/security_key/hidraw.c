// SPDX-License-Identifier: BSD-2-Clause
// Real devices: libfido2 finds those of the FIDO usage page among /dev/hidraw*, as far as
// this process may open them.
#include <stdio.h>

#include "pam_module/security_key/device.h"

size_t device_list(char ret[DEVICES_MAX][DEVICE_PATH_MAX])
{
    fido_dev_info_t *list = fido_dev_info_new(DEVICES_MAX);
    size_t found = 0, n = 0;

    if (list && fido_dev_info_manifest(list, DEVICES_MAX, &found) != FIDO_OK)
        found = 0;
    for (size_t i = 0; i < found; i++) {
        const char *path = fido_dev_info_path(fido_dev_info_ptr(list, i));
        if (path && snprintf(ret[n], DEVICE_PATH_MAX, "%s", path) < DEVICE_PATH_MAX)
            n++;
    }
    fido_dev_info_free(&list, DEVICES_MAX);
    return n;
}

fido_dev_t *device_new(void)
{
    return fido_dev_new();
}
