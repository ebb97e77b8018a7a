// SPDX-License-Identifier: BSD-2-Clause
// What the files that go into other people's processes export, link and import.
#include <elf.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/built.h"
#include "tests/unit/scratch.h"

static char build_folder[PATH_MAX];

struct elf {
    unsigned char *data;
    const Elf64_Ehdr *head;
    const Elf64_Shdr *sections, *dynamic, *symbols;
};

static int prepare(void **state)
{
    (void)state;
    built_folder(build_folder);
    return 0;
}

static struct elf load(const char *name)
{
    char path[PATH_MAX + 64];
    struct elf e;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", build_folder, name);
    e = (struct elf){.data = scratch_read(path, &len)};
    e.head = (const void *)e.data;
    assert_true(len > sizeof(*e.head) && memcmp(e.data, ELFMAG, SELFMAG) == 0);
    e.sections = (const void *)(e.data + e.head->e_shoff);
    for (int i = 0; i < e.head->e_shnum; i++) {
        if (e.sections[i].sh_type == SHT_DYNAMIC)
            e.dynamic = &e.sections[i];
        if (e.sections[i].sh_type == SHT_DYNSYM)
            e.symbols = &e.sections[i];
    }
    if (!e.dynamic || !e.symbols)
        abort();
    return e;
}

static const char *string_of(const struct elf *e, const Elf64_Shdr *of, uint64_t at)
{
    return (const char *)e->data + e->sections[of->sh_link].sh_offset + at;
}

// Libraries are the words of `libraries`; each must be there.
static void needs_alone(const struct elf *e, const char *libraries)
{
    size_t n = 0, words = 1;

    for (const char *at = libraries; (at = strchr(at, ' ')); at++)
        words++;
    for (const Elf64_Dyn *d = (const void *)(e->data + e->dynamic->sh_offset); d->d_tag != DT_NULL;
         d++) {
        if (d->d_tag != DT_NEEDED)
            continue;
        n++;
        if (!strstr(libraries, string_of(e, e->dynamic, d->d_un.d_val)))
            fail_msg("needs %s", string_of(e, e->dynamic, d->d_un.d_val));
    }
    assert_int_equal(n, words);
}

static void is_a_module(const struct elf *e)
{
    unsigned long flags = 0, flags_1 = 0;

    for (const Elf64_Dyn *d = (const void *)(e->data + e->dynamic->sh_offset); d->d_tag != DT_NULL;
         d++) {
        assert_int_not_equal(d->d_tag, DT_TEXTREL);
        assert_int_not_equal(d->d_tag, DT_RPATH);
        assert_int_not_equal(d->d_tag, DT_RUNPATH);
        if (d->d_tag == DT_FLAGS)
            flags = d->d_un.d_val;
        if (d->d_tag == DT_FLAGS_1)
            flags_1 = d->d_un.d_val;
    }
    assert_true(flags_1 & DF_1_NODELETE); // what is running in it may not be unmapped
    assert_false(flags & DF_STATIC_TLS);
}

static void has_no_thread_local_variables(const struct elf *e)
{
    const Elf64_Phdr *p = (const void *)(e->data + e->head->e_phoff);

    for (int i = 0; i < e->head->e_phnum; i++)
        assert_int_not_equal(p[i].p_type, PT_TLS);
}

static void exports_alone(const struct elf *e, const char *prefix, unsigned count)
{
    unsigned exported = 0;

    for (size_t i = 0; i < e->symbols->sh_size / sizeof(Elf64_Sym); i++) {
        const Elf64_Sym *s = (const Elf64_Sym *)(const void *)(e->data + e->symbols->sh_offset) + i;
        const char *name = string_of(e, e->symbols, s->st_name);
        if (s->st_shndx == SHN_UNDEF || ELF64_ST_BIND(s->st_info) == STB_LOCAL)
            continue;
        if (strncmp(name, prefix, strlen(prefix)) != 0)
            fail_msg("exports %s", name);
        exported++;
    }
    assert_int_equal(exported, count);
}

static void imports_none_of(const struct elf *e, const char *const *never)
{
    for (size_t i = 0; i < e->symbols->sh_size / sizeof(Elf64_Sym); i++) {
        const Elf64_Sym *s = (const Elf64_Sym *)(const void *)(e->data + e->symbols->sh_offset) + i;
        const char *name = string_of(e, e->symbols, s->st_name);
        for (const char *const *n = never; *n; n++)
            if (strcmp(name, *n) == 0)
                fail_msg("imports %s", name);
    }
}

// ---- the tests ----

static void the_nss_module_exports_its_lookups_alone_and_needs_libc_alone(void **state)
{
    struct elf e = load("lib/libnss_rollcall.so.2");

    (void)state;
    needs_alone(&e, "libc.so.6");
    is_a_module(&e);
    exports_alone(&e, "_nss_rollcall_", 12);
    free(e.data);
}

static void the_nss_module_has_no_thread_local_variables(void **state)
{
    struct elf e = load("lib/libnss_rollcall.so.2");

    (void)state;
    has_no_thread_local_variables(&e);
    free(e.data);
}

// What it does not import it cannot do: read the environment, take a lock that a fork
// leaves locked, leave a destructor behind, touch signals, load or connect to anything, log.
static void the_nss_module_imports_nothing_that_a_host_could_be_hurt_by(void **state)
{
    static const char *const never[] = {"getenv",
                                        "secure_getenv",
                                        "environ",
                                        "__environ",
                                        "_environ",
                                        "malloc",
                                        "calloc",
                                        "free",
                                        "strdup",
                                        "pthread_mutex_lock",
                                        "pthread_once",
                                        "pthread_key_create",
                                        "pthread_atfork",
                                        "atexit",
                                        "__cxa_atexit",
                                        "__cxa_thread_atexit_impl",
                                        "dlopen",
                                        "dlsym",
                                        "socket",
                                        "connect",
                                        "fork",
                                        "posix_spawn",
                                        "execve",
                                        "signal",
                                        "sigaction",
                                        "sigprocmask",
                                        "pthread_sigmask",
                                        "exit",
                                        "abort",
                                        "openlog",
                                        "syslog",
                                        "fopen",
                                        "printf",
                                        "fprintf",
                                        "write",
                                        "getpwnam_r",
                                        "getgrnam_r",
                                        "__tls_get_addr",
                                        "setlocale",
                                        NULL};
    struct elf e = load("lib/libnss_rollcall.so.2");

    (void)state;
    imports_none_of(&e, never);
    free(e.data);
}

static void the_pam_module_exports_its_phases_alone_and_needs_libpam_and_libc_alone(void **state)
{
    static const char *const never[] = {"getenv", "dlopen",    "system",   "popen",
                                        "signal", "sigaction", "atexit",   "pthread_create",
                                        "setuid", "setresuid", "getpwnam", NULL};
    struct elf e = load("lib/pam_rollcall.so");

    (void)state;
    needs_alone(&e, "libpam.so.0 libc.so.6");
    is_a_module(&e);
    has_no_thread_local_variables(&e);
    exports_alone(&e, "pam_sm_", 6);
    imports_none_of(&e, never);
    free(e.data);
}

#ifndef ROLLCALL_SANITIZE // its runtime is in programs
static void authorized_keys_needs_libc_alone_and_looks_nobody_up_through_nss(void **state)
{
    static const char *const never[] = {"getpwnam", "getpwnam_r", "getpwuid",  "getgrnam",
                                        "dlopen",   "socket",     "fgetpwent", NULL};
    struct elf e = load("libexec/rollcall/rollcall-authorized-keys");

    (void)state;
    needs_alone(&e, "libc.so.6");
    imports_none_of(&e, never);
    free(e.data);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nss_module_exports_its_lookups_alone_and_needs_libc_alone),
        cmocka_unit_test(the_nss_module_has_no_thread_local_variables),
        cmocka_unit_test(the_nss_module_imports_nothing_that_a_host_could_be_hurt_by),
        cmocka_unit_test(the_pam_module_exports_its_phases_alone_and_needs_libpam_and_libc_alone),
#ifndef ROLLCALL_SANITIZE
        cmocka_unit_test(authorized_keys_needs_libc_alone_and_looks_nobody_up_through_nss),
#endif
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
