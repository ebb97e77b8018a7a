// SPDX-License-Identifier: BSD-2-Clause
// libFuzzer over rollcall.conf and over dates: any file gives a configuration or errors,
// and never both. An input that begins with a byte of 1 has seven more that say which
// calls fail.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rollcall/config.h"
#include "rollcall/timeparse.h"
#include "tests/fuzz/memory_files.h"
#include "tests/unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FAULTS 7

static struct memory_file file = {.path = MEMORY_FILES_FOLDER "/rollcall.conf", .ino = 1};
static unsigned long loaded;

__attribute__((destructor)) static void say_what_was_reached(void)
{
    fprintf(stderr, "loaded: %lu, faults injected: %u\n", loaded, memory_files_faults_injected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rollcall_config *config = NULL;
    struct rollcall_findings findings;
    enum rollcall_time_kind kind;
    char *text = malloc(size + 1);
    int64_t t;
    int r;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (rollcall_time_parse(text, &kind, &t) == 0 && kind == ROLLCALL_TIME_DATE &&
        (rollcall_date_end(text, &t) < 0 || t < 0))
        abort();
    free(text);

    file.data = (unsigned char *)(uintptr_t)data;
    file.len = size;
    if (size > FAULTS && data[0] == 1) {
        file.data += 1 + FAULTS;
        file.len -= 1 + FAULTS;
    }
    memory_files_show(&file, 1, data + 1, file.len < size ? FAULTS : 0);
    r = rollcall_config_load(file.path, &config, &findings);
    memory_files_hide();
    if (memory_files_descriptors() != 0)
        abort();
    loaded += r == 0;
    if ((r == 0) != (config != NULL) || (r == 0 || r == -ENOENT) == (findings.errors > 0))
        abort();
    if (config) {
        if (config->n_sources == 0 || !config->usable_factors || !config->timezone)
            abort();
        json_decref(rollcall_config_source_json(&config->source[0]));
    }
    rollcall_config_free(config);
    rollcall_findings_free(&findings);
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char good[] =
        "[rollcall]\ntimezone = Europe/Berlin # here\nlabels = a, b\n"
        "[source hr]\ntype = csv\nrole = authority, directory\npath = /srv/people.csv\n"
        "expect_every = 26h\n[access]\nallow_groups = linux-users\n[local_group sudo]\n"
        "from = linux-admins\n[mfa]\nfactors = totp\n[service sudo]\ngrace = 0s\n"
        "[lifecycle]\nbreaker_inferred_share = 2%\n[ids]\nid_range = 70000-80000\n";
    char seed[4200];

    for (int i = 1; i < *argc; i++) {
        if ((*argv)[i][0] == '-')
            continue;
        snprintf(seed, sizeof(seed), "%s/good", (*argv)[i]);
        scratch_write(seed, good, sizeof(good) - 1);
        snprintf(seed, sizeof(seed), "%s/date", (*argv)[i]);
        scratch_write(seed, "2026-03-29T02:30:00.5+01:00", 27);
        break;
    }
    if (rollcall_timezone_use("Europe/Berlin") < 0)
        return -1;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)good, sizeof(good) - 1);
    if (loaded == 0)
        abort(); // a target that refuses a good file finds nothing
    return 0;
}
