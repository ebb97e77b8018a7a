// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/config_fixture.h"

#include "tests/unit/scratch.h"

#define ANY_LINE (-1)

struct rollcall_config *config;
struct rollcall_findings findings;

int fixture_enter(void **state)
{
    (void)state;
    scratch_enter();
    return mkdir("conf.d", 0755);
}

int fixture_leave(void **state)
{
    config = rollcall_config_free(config);
    rollcall_findings_free(&findings);
    return scratch_leave(state);
}

void put(const char *path, const char *text)
{
    scratch_write(path, text, strlen(text));
    assert_int_equal(chmod(path, 0644), 0);
}

int load(const char *text)
{
    config = rollcall_config_free(config);
    rollcall_findings_free(&findings);
    if (text)
        put(MAIN, text);
    return rollcall_config_load(MAIN, &config, &findings);
}

void refused(const char *text, int line, const char *words)
{
    assert_int_equal(load(text), -EINVAL);
    assert_null(config);
    for (size_t i = 0; i < findings.n; i++)
        if (!findings.item[i].warning && (line == ANY_LINE || findings.item[i].line == line) &&
            strstr(findings.item[i].text, words))
            return;
    rollcall_findings_print(&findings, stderr);
    fail_msg("no error at line %d with \"%s\"", line, words);
}

void refused_for(const char *text, const char *words)
{
    refused(text, ANY_LINE, words);
}

bool warned(const char *words)
{
    for (size_t i = 0; i < findings.n; i++)
        if (findings.item[i].warning && strstr(findings.item[i].text, words))
            return true;
    return false;
}

void taken(const char *text)
{
    int r = load(text);

    if (r < 0 || findings.n)
        rollcall_findings_print(&findings, stderr);
    assert_int_equal(r, 0);
    assert_int_equal(findings.n, 0);
}
