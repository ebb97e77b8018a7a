// SPDX-License-Identifier: BSD-2-Clause
#include "pam_module/verifier/rare.h"

#include <dlfcn.h>
#include <syslog.h>

#include "rollcall/paths.h"

const struct verifier_rare *rare(void)
{
    static const struct verifier_rare *loaded;
    void *file;

    if (loaded)
        return loaded;
    file = dlopen(ROLLCALL_VERIFIER_RARE, RTLD_NOW | RTLD_LOCAL);
    loaded = file ? dlsym(file, "rollcall_verifier_rare") : NULL;
    if (!loaded)
        syslog(LOG_ERR, "security keys and pictures are out of use: %s", dlerror());
    return loaded;
}
